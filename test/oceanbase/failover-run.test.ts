/**
 * The shipped plan on the cluster model: a failover from outage to new primary, and what happens when a step fails.
 * Time stands still but for the waits of the actions, which the test's own sleep ends at once.
 */
import { readFileSync } from "node:fs";
import {
  type BelayError,
  createEngine,
  type Json,
  parsePlan,
  type Run,
  type RunSnapshot,
  toOcpTask,
} from "@belay/engine";
import { ManualClock, settleTurns } from "@belay/engine/testing";
import {
  createOceanBaseModel,
  type ModelCall,
  type OceanBaseModel,
  type OceanBaseModelOptions,
  oceanBaseActions,
} from "@belay/failover-plans/oceanbase";
import { describe, expect, test } from "vitest";

const path = new URL("../../packages/failover-plans/plans/oceanbase-failover.yaml", import.meta.url);
const plan = parsePlan(readFileSync(path, "utf8"), { filename: "oceanbase-failover.yaml" });

interface Drill {
  readonly model: OceanBaseModel;
  /** Starts the failover of south and waits until it rests. */
  start(params?: Record<string, Json>): Promise<Run>;
}

/** North has failed, south follows it, and west beside it. */
function drill(options: OceanBaseModelOptions = {}): Drill {
  const model = createOceanBaseModel(
    [
      { clusterId: 1, name: "north", role: "PRIMARY" },
      { clusterId: 2, name: "south", role: "PHYSICAL STANDBY" },
      { clusterId: 3, name: "west", role: "PHYSICAL STANDBY" },
    ],
    options,
  );
  model.stopCluster(1);
  const actions = oceanBaseActions(model, { sleep: async (_, signal) => signal.throwIfAborted() });
  const engine = createEngine({ actions, clock: new ManualClock() });
  return {
    model,
    async start(params = {}) {
      const run = await (await engine).start(plan, { params: { clusterId: 2, ...params } });
      await rest(run);
      return run;
    },
  };
}

async function rest(run: Run): Promise<RunSnapshot> {
  await settleTurns();
  return run.settled();
}

/** Calls the hook's failure once, at the first call of `method`. */
function once(method: ModelCall["method"]): (call: ModelCall) => void {
  let left = 1;
  return (call) => {
    if (call.method === method && left-- > 0) throw new Error(`${method}: connection lost`);
  };
}

const failed = (run: Run) => run.snapshot().nodes.find(({ status }) => status === "FAILED");
const output = (run: Run, node: string) => run.snapshot().nodes.find(({ id }) => id === node)?.output;

describe("the failover", () => {
  test("R10: makes the standby primary, records it, removes the others and releases the locks", async () => {
    const { model, start } = drill({ flashbackRounds: 2, cleanupLooks: 2 });
    const run = await start();
    expect(run.snapshot().status).toBe("SUCCESSFUL");
    expect(model.statements).toEqual([
      "ALTER SYSTEM ACTIVATE PHYSICAL STANDBY CLUSTER",
      "ALTER SYSTEM ACTIVATE PHYSICAL STANDBY CLUSTER",
      "ALTER SYSTEM ACTIVATE PHYSICAL STANDBY CLUSTER",
      "ALTER SYSTEM REMOVE CLUSTER north CLUSTER_ID = 1",
      "ALTER SYSTEM REMOVE CLUSTER west CLUSTER_ID = 3",
    ]);
    expect(await model.readCluster(2)).toMatchObject({ role: "PRIMARY", status: "VALID" });
    expect(await model.readRow("cluster", 2)).toMatchObject({ role: "PRIMARY", primaryClusterId: null });
    expect(await model.readRow("multi-cluster", 1)).toMatchObject({ role: "PHYSICAL STANDBY", primaryClusterId: 2 });
    expect([model.lockOwner(1), model.lockOwner(2)]).toEqual([undefined, undefined]);
    expect(output(run, "failover-to-primary")).toEqual({ clusterId: 2, mode: "lossy" });
    expect(toOcpTask(run.snapshot()).subtasks.map(({ status }) => status)).toEqual(Array(9).fill("SUCCESSFUL"));
  });

  test("R40: a second one on the same clusters is refused while the first rests in FAILED", async () => {
    const { model, start } = drill({ before: once("removeCluster") });
    const first = await start();
    expect(failed(first)?.id).toBe("remove-standby-cluster");
    await expect(start()).rejects.toMatchObject({ code: "LOCKED", details: { heldBy: first.id } });
    // The other standby of the same primary: its parameters name no cluster of the first run.
    const second = await start({ clusterId: 3 });
    expect(failed(second)).toMatchObject({ id: "mc-lock-ob-clusters", error: { code: "LOCKED", retryable: false } });
    await first.retry();
    expect((await rest(first)).status).toBe("SUCCESSFUL");
    expect(model.lockOwner(2)).toBeUndefined();
  });

  test("R33: an alive server of the primary stops it at the check; the locks stay until an operator acts", async () => {
    const { model, start } = drill();
    model.setServer("north-z1:2881", true);
    const run = await start();
    expect(failed(run)).toMatchObject({ id: "failover-to-primary-check", error: { code: "ALIVE_OBSERVER" } });
    expect(model.lockOwner(2)).toBe(run.id);
    const error = (await run.rollback().catch((reason: unknown) => reason)) as BelayError;
    expect(error.code).toBe("ROLLBACK_PROHIBITED");
    model.stopCluster(1);
    await run.retry();
    expect((await rest(run)).status).toBe("SUCCESSFUL");
  });

  test("R30: a lock that is not to be had is rolled back without taking anybody else's", async () => {
    const { model, start } = drill();
    await model.lock([1], "another");
    const run = await start();
    await run.rollback();
    expect((await rest(run)).status).toBe("ROLLED_BACK");
    expect([model.lockOwner(1), model.lockOwner(2)]).toEqual(["another", undefined]);
    expect(toOcpTask(run.snapshot())).toMatchObject({ status: "SUCCESSFUL", operation: "ROLLBACK" });
  });

  test("R31: a lock whose answer was lost is released by the rollback", async () => {
    const { model, start } = drill({ after: once("lock") });
    const run = await start();
    expect(failed(run)?.id).toBe("mc-lock-ob-clusters");
    expect(model.lockOwner(2)).toBe(run.id);
    await run.rollback();
    expect((await rest(run)).status).toBe("ROLLED_BACK");
    expect(model.lockOwner(2)).toBeUndefined();
  });

  test("R27: a failover whose answer was lost is not issued a second time", async () => {
    const { model, start } = drill({ after: once("failover") });
    const run = await start();
    expect(failed(run)?.id).toBe("failover-to-primary");
    await run.retry();
    expect((await rest(run)).status).toBe("SUCCESSFUL");
    expect(model.statements.filter((statement) => statement.includes("ACTIVATE"))).toHaveLength(1);
  });

  test("R34: undoing to the barrier puts the recorded roles back and keeps the locks and the new primary", async () => {
    const { model, start } = drill({ before: once("readAllClusters") });
    const run = await start();
    expect(failed(run)?.id).toBe("sync-all-cluster-info");
    await run.rollback({ to: "barrier" });
    expect((await rest(run)).status).toBe("PARTIALLY_ROLLED_BACK");
    expect(await model.readRow("cluster", 2)).toMatchObject({ role: "PHYSICAL STANDBY", primaryClusterId: 1 });
    expect(await model.readRow("multi-cluster", 1)).toMatchObject({ role: "PRIMARY", primaryClusterId: null });
    expect(model.lockOwner(2)).toBe(run.id);
    expect((await model.readCluster(2)).role).toBe("PRIMARY");
    await run.retry();
    expect((await rest(run)).status).toBe("SUCCESSFUL");
    expect(await model.readRow("cluster", 2)).toMatchObject({ role: "PRIMARY", primaryClusterId: null });
  });

  test("R2: a failover that may lose data is refused when the run's parameters say so", async () => {
    const { model, start } = drill();
    const run = await start({ allowDataLoss: false });
    expect(failed(run)).toMatchObject({ id: "failover-to-primary-check", error: { code: "DATA_LOSS_NOT_ALLOWED" } });
    expect(model.statements).toEqual([]);
  });

  const METHODS = ["readRow", "lock", "readCluster", "readServers", "failover", "writeRow", "readAllClusters"] as const;
  const MORE = ["readStandbys", "removeCluster", "unlock"] as const;
  test.for([...METHODS, ...MORE].flatMap((method) => [[method, "before"] as const, [method, "after"] as const]))(
    "R28: a connection lost in %s, %s its effect, and a retry: the failover still ends in the same state",
    async ([method, moment]) => {
      const { model, start } = drill({ [moment]: once(method), flashbackRounds: 1, cleanupLooks: 1 });
      const run = await start();
      expect(run.snapshot().status).toBe("FAILED");
      await run.retry();
      expect((await rest(run)).status).toBe("SUCCESSFUL");
      expect(await model.readCluster(2)).toMatchObject({ role: "PRIMARY" });
      expect(await model.readStandbys(2)).toEqual([]);
      expect(model.statements.filter((statement) => statement.includes("REMOVE"))).toHaveLength(2);
      expect(await model.readRow("multi-cluster", 2)).toMatchObject({ role: "PRIMARY", primaryClusterId: null });
      expect(model.lockOwner(1)).toBeUndefined();
    },
  );
});
