/** The command as a process: the way through the bin, signals, pipes, and what it leaves behind. */
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { belay, isAlive, startBelay, startBelayInto } from "./command.ts";

describe("the bin", () => {
  test("it runs from sources and prints its version alone", async () => {
    expect(await belay("--version")).toEqual({ code: 0, stdout: "0.1.0\n", stderr: "" });
  });

  test("bad usage is one line on stderr and exit code 2", async () => {
    const stderr = "belay: unknown command 'chek' (did you mean check?)\n";
    expect(await belay("chek")).toEqual({ code: 2, stdout: "", stderr });
  });

  test("R30: a run that is rolled back exits with 3", async () => {
    const words = ["--params", "who=me", "fail=true", "--actions", "actions.ts", "--on-failure", "rollback"];
    expect(await belay("run", "plan.yaml", ...words)).toMatchObject({ code: 3, stderr: "" });
  });
});

describe("a run that only waits", () => {
  test("R37: the process waits for an approval that another one gives, and goes on", async () => {
    const folder = await mkdtemp(join(tmpdir(), "belay-waits-"));
    const db = join(folder, "runs.db");
    try {
      const { until, finished } = startBelay("run", "asks.yaml", "--db", db);
      await until(/ask: /);
      const approved = await belay("approve", "--latest", "ask", "--db", db, "--who", "ada");
      expect(approved).toMatchObject({ code: 0, stderr: "" });
      expect(await finished).toMatchObject({ code: 0, stderr: "" });
      expect((await finished).stdout).toContain("SUCCESSFUL after ");
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});

describe("Ctrl-C", () => {
  test("once: the run is canceled, no child is left, the exit code is 130", async () => {
    const { child, until, finished } = startBelay("run", "hang.yaml", "--actions", "actions.ts");
    const [, pid] = /child (\d+)/.exec(await until(/child \d+/)) ?? [];
    expect(isAlive(Number(pid))).toBe(true);
    child.kill("SIGINT");
    const { code, stdout } = await finished;
    expect(code).toBe(130);
    expect(stdout).toContain("] canceling: ");
    expect(stdout).toContain("CANCELED after ");
    expect(isAlive(Number(pid))).toBe(false);
  });

  test("twice: it ends at once, although the action never lets go, and no child is left", async () => {
    const { child, until, finished } = startBelay("run", "stuck.yaml", "--actions", "actions.ts");
    const [, pid] = /child (\d+)/.exec(await until(/child \d+/)) ?? [];
    child.kill("SIGINT");
    await until(/canceling/);
    // Closer together, two signals are one press.
    await sleep(500);
    const pressed = performance.now();
    child.kill("SIGINT");
    expect((await finished).code).toBe(130);
    // Below the grace period of an abort, 5 s.
    expect(performance.now() - pressed).toBeLessThan(4500);
    expect(isAlive(Number(pid))).toBe(false);
  });

  test("SIGTERM does the same, and --json still ends with the snapshot", async () => {
    const { child, until, finished } = startBelay("run", "hang.yaml", "--actions", "actions.ts", "--json");
    await until(/child \d+/);
    child.kill("SIGTERM");
    const { code, stdout } = await finished;
    expect(code).toBe(130);
    expect(JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "")).toMatchObject({
      type: "snapshot",
      status: "CANCELED",
    });
  });
});

describe("a reader that goes away", () => {
  test("the run goes on to its end", async () => {
    const { child, finished } = startBelay("run", "plan.yaml", "--actions", "actions.ts", "--params", "who=me");
    child.stdout?.destroy();
    expect(await finished).toMatchObject({ code: 0, stderr: "" });
  });

  test.skipIf(!existsSync("/dev/full"))("on a full disk a run goes on to its end, and a drawing fails", async () => {
    const full = { stderr: expect.stringMatching(/^belay: cannot write: ENOSPC.*\n$/) };
    const run = startBelayInto("/dev/full", "run", "plan.yaml", "--actions", "actions.ts", "--params", "who=me");
    expect(await run.finished).toMatchObject({ code: 0, ...full });
    expect(await startBelayInto("/dev/full", "graph", "plan.yaml").finished).toMatchObject({ code: 1, ...full });
    expect(await startBelayInto("/dev/full", "check", "plan.yaml").finished).toMatchObject({ code: 1, ...full });
  });
});

describe("demo", () => {
  test("oceanbase-failover runs the seed's plan on clusters in memory", async () => {
    const { code, stdout } = await belay("demo", "oceanbase-failover", "--json");
    expect(code).toBe(0);
    const lines = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines.at(-2)).toMatchObject({
      type: "report",
      statements: expect.arrayContaining([expect.stringMatching(/^ALTER SYSTEM/)]),
    });
    expect(lines.at(-1)).toMatchObject({ type: "snapshot", status: "SUCCESSFUL" });
  });
});
