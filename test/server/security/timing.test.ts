/** Secrets are compared in constant time: by digests of one length, and against every known one. */
import { beforeEach, describe, expect, test, vi } from "vitest";

const compared: [number, number][] = [];
vi.mock("node:crypto", async (original) => {
  const crypto = await original<typeof import("node:crypto")>();
  return {
    ...crypto,
    timingSafeEqual: (a: Buffer, b: Buffer) => {
      compared.push([a.byteLength, b.byteLength]);
      return crypto.timingSafeEqual(a, b);
    },
  };
});

const { Keyring, digestPassword, equalSecrets } = await import("../../../packages/server/src/access/keyring.ts");
const { keyring, PEOPLE } = await import("../native/rig.ts");

beforeEach(() => {
  compared.length = 0;
});

describe("secrets", () => {
  test.each(["vera-token", "adam-token", "wrong", "", "x".repeat(10_000)])(
    "token %.12s is held against every known one",
    (token) => {
      keyring().byToken(token);
      expect(compared).toEqual(Object.keys(PEOPLE).map(() => [32, 32]));
    },
  );

  test.each([
    ["the right one", "secret", "secret", true],
    ["one of another length", "secret", "secre", false],
    ["another one", "secret", "secreT", false],
    ["none", "secret", "", false],
  ])("%s is compared by digests", (_, a, b, equal) => {
    expect(equalSecrets(a, b)).toBe(equal);
    expect(compared).toEqual([[32, 32]]);
  });

  test("a password is kept as a digest, and an unknown name costs what a wrong password costs", async () => {
    const password = await digestPassword("open sesame");
    expect(JSON.stringify(password)).not.toContain("sesame");
    const users = new Keyring({ tokens: [], accessKeys: [], users: [{ name: "ali", role: "viewer", password }] });
    const spent = async (name: string, guess: string): Promise<number> => {
      const before = process.cpuUsage();
      expect(await users.byPassword(name, guess)).toBeUndefined();
      const { user, system } = process.cpuUsage(before);
      return user + system;
    };
    const [known, unknown] = [await spent("ali", "wrong"), await spent("nobody", "wrong")];
    // scrypt takes tens of milliseconds; a name that is looked up and refused takes microseconds.
    expect(Math.min(known, unknown)).toBeGreaterThan(5000);
    expect((await users.byPassword("ali", "open sesame"))?.name).toBe("ali");
    expect(compared.length).toBeGreaterThan(0);
  });
});
