/** `belay serve` as a process: one line when it is ready, faults in one line, SIGTERM ends it. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { ROOT } from "../house/tree.ts";

const BELAY = join(ROOT, "packages/cli/bin/belay.js");
let directory = "";
let child: ChildProcess | undefined;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "belay-serve-"));
});
afterEach(async () => {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

interface Told {
  readonly process: ChildProcess;
  /** Resolves with the first line on stdout. */
  readonly ready: Promise<string>;
  /** Exit code, and all that was said. */
  readonly end: Promise<{ readonly code: number | null; readonly out: string; readonly err: string }>;
}

function serve(words: readonly string[], environment: Record<string, string> = {}): Told {
  const started = spawn(process.execPath, [BELAY, "serve", "--port", "0", ...words], {
    env: { PATH: process.env["PATH"] ?? "", NODE_OPTIONS: "--conditions=source", ...environment },
  });
  child = started;
  let [out, err] = ["", ""];
  const line = new Promise<string>((resolve) => {
    started.stdout.on("data", (chunk) => {
      out += chunk;
      if (out.includes("\n")) resolve(out.slice(0, out.indexOf("\n")));
    });
  });
  started.stderr.on("data", (chunk) => {
    err += chunk;
  });
  return {
    process: started,
    ready: line,
    end: once(started, "close").then(([code]) => ({ code: code as number | null, out, err })),
  };
}

describe("belay serve", () => {
  test("it prints one line when it is ready, answers, and ends with SIGTERM", async () => {
    const site = join(directory, "site.mjs");
    writeFileSync(site, "export const site = () => ({ actions: { nothing: () => undefined } });\n");
    const told = serve(["--site", site, "--data", join(directory, "data")], { BELAY_TOKEN: "a-token-of-this-test" });
    const [, url = ""] = /^belay listens on (http:\/\/127\.0\.0\.1:\d+)$/.exec(await told.ready) ?? [];
    expect(await (await fetch(`${url}/v1/health`)).json()).toMatchObject({ status: "ok" });
    told.process.kill("SIGTERM");
    const { code, out, err } = await told.end;
    expect([code, out.trimEnd().split("\n").length]).toEqual([0, 1]);
    expect(err).toContain("going down");
    expect(err).not.toContain("a-token-of-this-test");
  });

  test("what cannot be is told in one line, with exit code 1 or 2", async () => {
    const failing = join(directory, "failing.mjs");
    writeFileSync(failing, 'export default () => { throw new Error("cannot reach db"); };\n');
    const broken = join(directory, "broken.mjs");
    writeFileSync(broken, "export const site = {\n  actions: ) };\n");
    const cases = [
      [["--demo", "--host", "0.0.0.0"], "INVALID_ARGUMENT: the demo's credentials are known to everybody"],
      [["--config", join(directory, "none.yaml")], "ENVIRONMENT: cannot read the configuration"],
      [["--site", join(directory, "none.mjs")], "ENVIRONMENT: cannot load the site"],
      [["--site", failing], `the site ${failing} failed: cannot reach db`],
      [["--site", broken], "node --check"],
      [["--demo", "--site", failing], "leave out --site, or --demo"],
      [["--data", join(failing, "x")], "cannot use the data directory"],
      [["--data", "/proc/belay-none"], "give another --data"],
      [["--port", "x"], "--port"],
      [["--journal", "mysql://x"], "INVALID_ARGUMENT: the journal is postgres://"],
    ] as const;
    for (const [words, text] of cases) {
      const { code, out, err } = await serve(words).end;
      expect(out).toBe("");
      expect(err).toContain(text);
      expect([1, 2]).toContain(code);
    }
  }, 60_000);
});
