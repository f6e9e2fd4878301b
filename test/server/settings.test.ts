/** Settings of a server: file, variables, flags; everything checked before it starts, nothing of a secret repeated. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Flags, readSettings } from "@belay/server";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Keyring } from "../../packages/server/src/access/keyring.ts";

let directory = "";
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "belay-settings-"));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function file(text: string): Flags {
  const path = join(directory, "serve.yaml");
  writeFileSync(path, text);
  return { config: path };
}

const SHA = "a".repeat(64);

describe("settings of a server", () => {
  test("with nothing given it listens on loopback, port 8080, and draws a token that is told", async () => {
    const settings = await readSettings({}, {});
    expect(settings).toMatchObject({ host: "127.0.0.1", port: 8080, data: null, journal: null, demo: false });
    expect(settings.switchIntervalSeconds).toBe(600);
    const token = settings.drawnToken ?? "";
    expect(token.length).toBeGreaterThanOrEqual(32);
    expect(new Keyring(settings).byToken(token)?.role).toBe("admin");
    expect((await readSettings({}, {})).drawnToken).not.toBe(token);
  });

  test("a flag counts before a variable, a variable before the file", async () => {
    const flags = file(
      "listen: { port: 1 }\ndata: /file\npolardb: { switchIntervalSeconds: 1 }\nhostNames: [A.Example]",
    );
    const environment = { BELAY_PORT: "2", BELAY_DATA: "/variable" };
    const settings = await readSettings({ ...flags, port: 3 }, environment);
    expect([settings.port, settings.data, settings.switchIntervalSeconds]).toEqual([3, "/variable", 1]);
    expect(settings.hostNames).toEqual(["a.example"]);
    expect((await readSettings({ ...flags, switchInterval: 0 }, {})).switchIntervalSeconds).toBe(0);
  });

  test("every fault of the file is told at once, with its place", async () => {
    const flags = file(
      "listen: { port: 70000 }\ntokenz: []\nusers: [{ name: ann, role: root, password: hunter2 }]\ntokens: [{ name: a, role: viewer, sha256: x }]",
    );
    const error = await readSettings(flags, {}).catch((thrown: Error) => thrown);
    expect(error).toMatchObject({ code: "INVALID_ARGUMENT" });
    const { message } = error as Error;
    for (const place of ["listen.port", "tokenz", "users[0].role", "users[0].password", "tokens[0].sha256"]) {
      expect(message).toContain(place);
    }
    expect(message).toContain("there is no such setting");
    expect(message).toContain("{ env: NAME }");
    expect(message).not.toContain("hunter2");
  });

  test("proxies are addresses and networks, none of which is everybody", async () => {
    const good = ["10.0.0.2", "10.1.0.0/16", "fd00::/8", "::1"];
    expect((await readSettings(file(`proxies: [${good.map((one) => `"${one}"`).join(", ")}]`), {})).proxies).toEqual(
      good,
    );
    expect((await readSettings({}, {})).proxies).toEqual([]);
    for (const bad of [
      "0.0.0.0/0",
      "::/0",
      "10.0.0.0/33",
      "10.0.0.0/",
      "loopback",
      "proxy.example",
      "10.0.0.1/8/8",
      "fe80::1%a",
    ]) {
      await expect(readSettings(file(`proxies: ["${bad}"]`), {}), bad).rejects.toThrow("proxies[0]: an address");
    }
  });

  test("a password of the journal is refused in the file, and not repeated", async () => {
    for (const url of ["postgres://belay:hunter2@db/belay", "postgres://db/belay?sslmode=require&password=hunter2"]) {
      const error = await readSettings(file(`journal: "${url}"`), {}).catch((thrown: Error) => thrown);
      expect((error as Error).message).toContain("journal: its password is never written here");
      expect((error as Error).message).not.toContain("hunter2");
      expect((await readSettings({}, { BELAY_JOURNAL: url })).journal).toBe(url);
    }
    const good = "postgres://belay@db:5432/belay";
    expect((await readSettings(file(`journal: "${good}"`), {})).journal).toBe(good);
  });

  test("what is no YAML is told with its line", async () => {
    await expect(readSettings(file("listen: {\n"), {})).rejects.toThrow(/serve\.yaml:[12]/);
    await expect(readSettings({ config: join(directory, "none.yaml") }, {})).rejects.toThrow("ENOENT");
  });

  test("passwords and secrets come from where the file says, and a missing one is named", async () => {
    process.env["BELAY_TEST_PASSWORD"] = "correct horse";
    const flags = file("users: [{ name: ann, role: operator, plans: [p*], password: { env: BELAY_TEST_PASSWORD } }]");
    const settings = await readSettings(flags, {});
    expect(JSON.stringify(settings)).not.toContain("correct horse");
    const keyring = new Keyring(settings);
    expect(await keyring.byPassword("ann", "correct horse")).toMatchObject({ role: "operator", plans: ["p*"] });
    // Remembered, and still compared.
    expect(await keyring.byPassword("ann", "correct horse")).toBeDefined();
    expect(await keyring.byPassword("ann", "correct horsf")).toBeUndefined();
    expect(await keyring.byPassword("eve", "correct horse")).toBeUndefined();
    delete process.env["BELAY_TEST_PASSWORD"];
    await expect(readSettings(flags, {})).rejects.toThrow("users[0].password");
  });

  test("every secret that cannot be read is told; paths in the file count from the file", async () => {
    const flags = file(
      "site: ./site.mjs\ndata: d\nplans: [p, /q]\nusers: [{ name: a, role: viewer, password: { file: none1 } }]\naccessKeys: [{ id: k, name: b, role: viewer, secret: { env: BELAY_NONE } }]",
    );
    const error = (await readSettings(flags, {}).catch((thrown: Error) => thrown)) as Error;
    expect(error.message).toContain(join(directory, "none1"));
    expect(error.message).toContain("accessKeys[0].secret");
    writeFileSync(join(directory, "none1"), "a password");
    process.env["BELAY_NONE"] = "a secret";
    const settings = await readSettings(flags, {});
    delete process.env["BELAY_NONE"];
    const { site, data, plans } = settings;
    expect([site, data, plans]).toEqual([
      join(directory, "site.mjs"),
      join(directory, "d"),
      [join(directory, "p"), "/q"],
    ]);
    await expect(readSettings(file("tokens: [{ role: viewer }]"), {})).rejects.toThrow("tokens[0].name: it is missing");
  });

  test("half of a pair, a name that is there twice, a bad variable: each is refused", async () => {
    await expect(readSettings({ user: "ann" }, {})).rejects.toThrow("--user and --password");
    await expect(readSettings({ accessKeySecret: "x" }, {})).rejects.toThrow("--access-key-id");
    await expect(readSettings({}, { BELAY_PORT: "eighty" })).rejects.toThrow("BELAY_PORT");
    await expect(readSettings({}, { BELAY_PORT: "65536" })).rejects.toThrow("BELAY_PORT");
    const secret = join(directory, "secret");
    writeFileSync(secret, "s3cret\n");
    const twice = file(`accessKeys: [{ id: k, name: a, role: viewer, secret: { file: ${secret} } }]`);
    await expect(readSettings({ ...twice, accessKeyId: "k", accessKeySecret: "s" }, {})).rejects.toThrow("there twice");
  });

  test("the demo's credentials are refused on any address but loopback ones", async () => {
    for (const host of ["127.0.0.1", "127.9.9.9", "::1", "localhost"]) {
      expect((await readSettings({ demo: true, host }, {})).users[0]?.name).toBe("admin");
    }
    for (const host of ["0.0.0.0", "::", "10.1.2.3", "example.org"]) {
      await expect(readSettings({ demo: true, host }, {})).rejects.toThrow("known to everybody");
      await expect(readSettings({ demo: true, host, password: "belay-demo" }, {})).rejects.toThrow(
        "known to everybody",
      );
      // One of two is enough to refuse.
      await expect(readSettings({ demo: true, host, password: "other" }, {})).rejects.toThrow("known to everybody");
      const own = { demo: true, host, password: "own", accessKeySecret: "own too" };
      expect((await readSettings(own, {})).host).toBe(host);
      // Without the demo they are as well known.
      for (const known of [
        { user: "ann", password: "belay-demo" },
        { accessKeyId: "ak", accessKeySecret: "demo-sk" },
      ]) {
        await expect(readSettings({ host, ...known }, {})).rejects.toThrow("known to everybody");
        expect((await readSettings({ ...known }, {})).host).toBe("127.0.0.1");
      }
    }
  });

  test("an empty credential is refused, wherever it comes from: a variable that was meant to be set is often empty", async () => {
    const pairs: readonly Record<string, string>[] = [
      { BELAY_USER: "ann", BELAY_PASSWORD: "" },
      { BELAY_ACCESS_KEY_ID: "ak", BELAY_ACCESS_KEY_SECRET: "" },
      { BELAY_TOKEN: "" },
    ];
    for (const environment of pairs) await expect(readSettings({}, environment)).rejects.toThrow("is empty");
    await expect(readSettings({ user: "", password: "x" }, {})).rejects.toThrow("user is empty");
  });

  test("an address that others reach needs somebody who may log in", async () => {
    await expect(readSettings({ host: "0.0.0.0" }, {})).rejects.toThrow("nobody could log in");
    const flags = file(`tokens: [{ name: ci, role: viewer, sha256: "${SHA}" }]`);
    expect((await readSettings({ ...flags, host: "0.0.0.0" }, {})).drawnToken).toBeNull();
  });
});
