/** Demos whose run is kept, and left to an operator or to another process: their servers and clusters are gone on with. */
import { chmod, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { serverProcesses } from "../../packages/failover-plans/src/local-servers/process-table.ts";
import { type Started, startBelayWith } from "../cli/command.ts";
import { jsonLines } from "../cli/kept-runs.ts";
import { hasServers } from "./draws.ts";

/** Servers start in seconds, on a busy machine in more. */
const PATIENCE_MS = 180_000;

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "belay-left-"));
  // Root's servers run as another user, who must be able to enter.
  await chmod(folder, 0o755);
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

function belay(...words: readonly string[]): Started {
  return startBelayWith({ TMPDIR: folder }, ...words, "--db", join(folder, "runs.db"));
}

/** What is in the folder beside the journal. */
async function left(): Promise<readonly string[]> {
  return (await readdir(folder)).filter((name) => !name.startsWith("runs.db"));
}

describe("R42: the OceanBase demo", () => {
  test("killed with SIGKILL, goes on with the clusters as they were", { timeout: PATIENCE_MS }, async () => {
    const { child, until, finished } = belay("demo", "oceanbase-failover");
    await until(/update-ob-cluster-status: started/);
    child.kill("SIGKILL");
    await finished;
    const { code, stdout } = await belay("recover").finished;
    expect(code).toBe(0);
    const statements = stdout.split("\n").filter((line) => line.startsWith("  ALTER SYSTEM"));
    expect(statements).toEqual([
      ...Array.from({ length: 3 }, () => "  ALTER SYSTEM ACTIVATE PHYSICAL STANDBY CLUSTER"),
      "  ALTER SYSTEM REMOVE CLUSTER obcluster_primary CLUSTER_ID = 1",
    ]);
    expect((await readdir(folder)).toSorted()).toEqual(["runs.db", "runs.db-owner"]);
  });
});

describe.skipIf(!hasServers())("R37: the PostgreSQL demo, resting for an operator", () => {
  test("leaves its servers for what is asked next: a retry goes on with them, and puts them away at the end", {
    timeout: PATIENCE_MS,
  }, async () => {
    const words = ["postgres-failover", "--fail", "rank", "--on-failure", "pause"];
    const { code, stdout } = await belay("demo", ...words).finished;
    expect(code).toBe(1);
    const [, run = ""] = /belay retry (\S+) --db /.exec(stdout) ?? [];
    expect(stdout).toContain("The servers wait 15 minutes for that, then they are taken down.");
    expect(await left()).toHaveLength(1);
    expect(serverProcesses(folder).length).toBeGreaterThan(0);

    const preview = jsonLines((await belay("preview", "retry", run, "--json").finished).stdout);
    expect(preview[0]).toMatchObject({ refused: null, status: "RUNNING", crosses: ["promote", "rejoinOld"] });
    const retry = await belay("retry", run, "--json", "--why", "drill").finished;
    const report = jsonLines(retry.stdout).find(({ type }) => type === "report");
    expect(report, retry.stderr).toMatchObject({ acknowledgedLost: 0, allNodesEqual: true, faults: [] });
    expect(retry.code).toBe(0);
    expect(await left()).toEqual([]);
    expect(serverProcesses(folder)).toEqual([]);
  });

  test("killed while it only begins, leaves nothing to take up, and no server", { timeout: PATIENCE_MS }, async () => {
    const { child, until, finished } = belay("demo", "postgres-failover");
    await until(/clients write/);
    child.kill("SIGKILL");
    await finished;
    for (let n = 0; n < 500 && (await left()).length > 0; n++) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(await left()).toEqual([]);
    expect((await belay("recover").finished).code).toBe(2);
  });

  test("whose servers are gone is refused with what to type, and can be given up", {
    timeout: PATIENCE_MS,
  }, async () => {
    const words = ["postgres-failover", "--nodes", "2", "--fail", "fence", "--on-failure", "pause"];
    const { stdout } = await belay("demo", ...words).finished;
    const [, run = ""] = /belay retry (\S+) --db /.exec(stdout) ?? [];
    const [cluster = ""] = await left();
    for (const pid of serverProcesses(join(folder, cluster))) process.kill(pid, "SIGKILL");
    await rm(join(folder, cluster), { recursive: true });
    const refused = await belay("recover").finished;
    expect(refused.code).toBe(2);
    expect(refused.stderr).toMatch(
      /is not taken up: ENVIRONMENT: its servers cannot be taken over: there is no cluster/,
    );
    expect(refused.stderr).toContain(`belay:   give it up: belay abandon ${run} --db`);
    expect((await belay("abandon", run).finished).code).toBe(0);
  });
});
