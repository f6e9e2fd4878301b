/** Where the command finds the key of secrets. */
import { writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { secretSettings } from "../../packages/cli/src/secret-key.ts";
import { UsageError } from "../../packages/cli/src/usage-error.ts";
import { startBelayWith } from "./command.ts";

const KEY = Buffer.alloc(32, 200);

async function inFile<T>(text: string, use: (file: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "belay-key-"));
  try {
    writeFileSync(join(folder, "key"), text);
    return await use(join(folder, "key"));
  } finally {
    await rm(folder, { recursive: true });
  }
}

describe("the key of secrets", () => {
  test("R46: it comes from the environment, or from a file that this names, in base64 or hex", async () => {
    expect(await secretSettings({})).toEqual({});
    expect(await secretSettings({ BELAY_SECRET_KEY: "" })).toEqual({});
    for (const text of [
      KEY.toString("base64"),
      KEY.toString("base64url"),
      KEY.toString("hex"),
      `${KEY.toString("hex")}\n`,
    ]) {
      const settings = { secrets: { key: text.trim() } };
      expect(await secretSettings({ BELAY_SECRET_KEY: text })).toEqual(settings);
      await inFile(text, async (file) =>
        expect(await secretSettings({ BELAY_SECRET_KEY_FILE: file })).toEqual(settings),
      );
    }
  });

  test("R46: what is no key is refused without being shown", async () => {
    const refusal = async (environment: Record<string, string>): Promise<string> => {
      const error: unknown = await secretSettings(environment).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(UsageError);
      return (error as UsageError).message;
    };
    expect(await refusal({ BELAY_SECRET_KEY: "hunter2" })).toMatch(
      /^BELAY_SECRET_KEY must hold 32 bytes .* openssl rand -base64 32$/,
    );
    expect(await refusal({ BELAY_SECRET_KEY: KEY.toString("hex"), BELAY_SECRET_KEY_FILE: "f" })).toMatch(/not both/);
    expect(await refusal({ BELAY_SECRET_KEY_FILE: "no-such-file" })).toMatch(/cannot read no-such-file: no such file/);
    await inFile("hunter2", async (file) =>
      expect(await refusal({ BELAY_SECRET_KEY_FILE: file })).not.toContain("hunter2"),
    );
  });

  test("R46: belay run takes it, and hides what the run was given", async () => {
    const words = ["run", "secret.yaml", "--actions", "actions.ts", "--params", "token=hunter2", "--pool", "db=1"];
    const { finished } = startBelayWith({ BELAY_SECRET_KEY: "hunter2" }, ...words);
    expect(await finished).toMatchObject({ code: 2, stdout: "" });
    const { code, stdout } = await startBelayWith({ BELAY_SECRET_KEY: KEY.toString("base64") }, ...words).finished;
    expect(code).toBe(1);
    expect(stdout).not.toContain("hunter2");
  });
});
