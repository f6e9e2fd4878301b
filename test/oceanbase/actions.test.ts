/**
 * The failover's actions, one by one, on the model: what each checks, does and answers, and that doing it again, after a
 * lost answer or an abort, finds the work done (R42).
 */
import { type ActionContext, type ActionDefinition, NonRetryable } from "@belay/engine";
import {
  type ClusterSpec,
  createOceanBaseModel,
  type FailoverInput,
  type OceanBaseModel,
  type OceanBaseModelOptions,
  oceanBaseActions,
} from "@belay/failover-plans/oceanbase";
import { describe, expect, test } from "vitest";

const CLUSTERS: readonly ClusterSpec[] = [
  { clusterId: 1, name: "north", role: "PRIMARY" },
  { clusterId: 2, name: "south", role: "PHYSICAL STANDBY" },
];

function outage(options: OceanBaseModelOptions = {}, south: Partial<ClusterSpec> = {}): OceanBaseModel {
  const model = createOceanBaseModel(
    CLUSTERS.map((spec) => (spec.clusterId === 2 ? { ...spec, ...south } : spec)),
    options,
  );
  model.stopCluster(1);
  return model;
}

interface Call {
  readonly input?: Partial<FailoverInput>;
  readonly output?: unknown;
  readonly signal?: AbortSignal;
  readonly onSleep?: () => void;
}

/** Calls one action as the engine would; sleeping takes no time. */
async function call(model: OceanBaseModel, action: string, { input, output, signal, onSleep }: Call = {}) {
  const registry = oceanBaseActions(model, {
    sleep: async (_, stopped) => {
      onSleep?.();
      stopped.throwIfAborted();
    },
  });
  const { run } = registry[action] as ActionDefinition<FailoverInput>;
  const ctx: Partial<ActionContext<FailoverInput>> = {
    runId: "run",
    input: { clusterId: 2, ...input },
    output: output as never,
    signal: signal ?? new AbortController().signal,
    log: () => {},
    heartbeat: () => {},
  };
  return run(ctx as ActionContext<FailoverInput>);
}

const refused = async (answer: Promise<unknown>) => {
  const error: unknown = await answer.catch((reason: unknown) => reason);
  return { code: (error as { code?: string }).code, final: error instanceof NonRetryable };
};

describe("locks", () => {
  test("R40: the standby and its primary are locked for the run, and a second run is refused for good", async () => {
    const model = outage();
    expect(await call(model, "oceanbase.lock-clusters")).toEqual({ clusterIds: [2, 1], token: 2 });
    expect([model.lockOwner(1), model.lockOwner(2)]).toEqual(["run", "run"]);
    await model.unlock("run");
    await model.lock([1], "another");
    expect(await refused(call(model, "oceanbase.lock-clusters"))).toEqual({ code: "LOCKED", final: true });
    expect(model.lockOwner(2)).toBeUndefined();
  });

  test("R31: the undo of an unlock takes back what it released, or the standby's lock when that is not known", async () => {
    const model = outage();
    await call(model, "oceanbase.lock-clusters");
    const output = await call(model, "oceanbase.unlock-clusters");
    expect(output).toEqual({ clusterIds: [2, 1] });
    await call(model, "oceanbase.relock-clusters", { output });
    expect([model.lockOwner(1), model.lockOwner(2)]).toEqual(["run", "run"]);
    await call(model, "oceanbase.unlock-clusters");
    await call(model, "oceanbase.relock-clusters");
    expect([model.lockOwner(1), model.lockOwner(2)]).toEqual([undefined, "run"]);
  });
});

describe("check", () => {
  test("a standby whose primary is down passes, and the answer says how it will be done", async () => {
    expect(await call(outage(), "oceanbase.check-failover")).toEqual({
      mode: "lossy",
      level: "MAXIMUM PERFORMANCE",
      currentScn: 1000,
    });
    const lossless = outage({}, { protectionMode: "MAXIMUM AVAILABILITY" });
    expect(await call(lossless, "oceanbase.check-failover")).toMatchObject({ mode: "lossless" });
  });

  test.for([
    [
      "an alive OBServer in the primary",
      (m: OceanBaseModel) => m.setServer("north-z3:2881", true),
      {},
      "ALIVE_OBSERVER",
      true,
    ],
    ["the primary itself", () => {}, { clusterId: 1 }, "CLUSTER_UNREACHABLE", false],
    [
      "a level that loses data, when that is not allowed",
      () => {},
      { allowDataLoss: false },
      "DATA_LOSS_NOT_ALLOWED",
      true,
    ],
    ["something in the way", (m: OceanBaseModel) => m.block(2, "CHECK MERGE STATUS"), {}, "NOT_ALLOWED", false],
    ["an unknown cluster", () => {}, { clusterId: 9 }, "CLUSTER_UNKNOWN", true],
  ] as const)("%s is refused", async ([, arrange, input, code, final]) => {
    const model = outage();
    arrange(model);
    expect(await refused(call(model, "oceanbase.check-failover", { input }))).toEqual({ code, final });
  });

  test("a cluster that is primary is refused for good", async () => {
    const model = outage();
    await call(model, "oceanbase.failover");
    expect(await refused(call(model, "oceanbase.check-failover"))).toEqual({ code: "NOT_STANDBY", final: true });
  });

  test("the reason of a refusal names what to do", async () => {
    const model = outage();
    model.block(2, "PRIMARY CLUSTER DOING BACKUP");
    await expect(call(model, "oceanbase.check-failover")).rejects.toThrow(
      "Switchover status of cluster south: NOT ALLOWED, reason: PRIMARY CLUSTER DOING BACKUP (wait until the backup of the primary is over).",
    );
  });
});

describe("failover", () => {
  test("the statement is issued again until the flashback is finished", async () => {
    const model = outage({ flashbackRounds: 3 });
    expect(await call(model, "oceanbase.failover")).toEqual({ clusterId: 2, mode: "lossy" });
    expect(model.statements).toHaveLength(4);
  });

  test("R42: a second attempt, after the answer was lost, finds the work done", async () => {
    const model = outage();
    await call(model, "oceanbase.failover");
    expect(await call(model, "oceanbase.failover")).toEqual({ clusterId: 2, mode: null });
    expect(model.statements).toHaveLength(1);
  });

  test("R26: an abort ends it between two issues, and a further attempt goes on from there", async () => {
    const model = outage({ flashbackRounds: 2 });
    const abort = new AbortController();
    const stopped = call(model, "oceanbase.failover", { signal: abort.signal, onSleep: () => abort.abort() });
    await expect(stopped).rejects.toThrow();
    expect((await model.readCluster(2)).switchoverStatus).toBe("FAILOVER FLASHBACK");
    await call(model, "oceanbase.failover");
    expect((await model.readCluster(2)).role).toBe("PRIMARY");
    expect(model.statements).toHaveLength(3);
  });

  test("force is passed on", async () => {
    const model = outage();
    await call(model, "oceanbase.failover", { input: { force: true } });
    expect(model.statements).toEqual(["ALTER SYSTEM ACTIVATE PHYSICAL STANDBY CLUSTER FORCE"]);
  });
});

describe("afterwards", () => {
  async function promoted(options: OceanBaseModelOptions = {}): Promise<OceanBaseModel> {
    const model = outage(options);
    await call(model, "oceanbase.lock-clusters");
    await call(model, "oceanbase.failover");
    return model;
  }

  test("the wait ends with the cleanup", async () => {
    const model = await promoted({ cleanupLooks: 3 });
    let sleeps = 0;
    await call(model, "oceanbase.await-primary", { onSleep: () => (sleeps += 1) });
    expect(sleeps).toBe(3);
  });

  test("the wait ends with its attempt", async () => {
    const abort = new AbortController();
    const waiting = call(outage(), "oceanbase.await-primary", { signal: abort.signal, onSleep: () => abort.abort() });
    await expect(waiting).rejects.toThrow();
  });

  test("R31: roles are recorded, again without harm, and put back", async () => {
    const model = await promoted();
    const tables = ["cluster", "multi-cluster"] as const;
    const rows = async () => Promise.all(tables.flatMap((table) => [model.readRow(table, 1), model.readRow(table, 2)]));
    const before = await rows();
    for (let time = 0; time < 2; time++) {
      await call(model, "oceanbase.update-cluster");
      await call(model, "oceanbase.update-multi-cluster");
    }
    expect(await rows()).toEqual([
      { clusterId: 1, role: "PRIMARY", primaryClusterId: null },
      { clusterId: 2, role: "PRIMARY", primaryClusterId: null },
      { clusterId: 1, role: "PHYSICAL STANDBY", primaryClusterId: 2 },
      { clusterId: 2, role: "PRIMARY", primaryClusterId: null },
    ]);
    await call(model, "oceanbase.restore-multi-cluster");
    await call(model, "oceanbase.restore-cluster");
    expect(await rows()).toEqual(before);
  });

  test("R31: putting back what was never written changes nothing", async () => {
    const model = await promoted();
    await call(model, "oceanbase.restore-cluster");
    expect(await model.readRow("cluster", 2)).toMatchObject({ role: "PHYSICAL STANDBY" });
  });

  test("the disabled clusters are removed, and a second time there is nothing to do", async () => {
    const model = await promoted();
    expect(await call(model, "oceanbase.sync-clusters")).toMatchObject({
      clusters: [{ name: "south" }, { name: "north" }],
    });
    expect(await call(model, "oceanbase.remove-standbys")).toEqual({ removed: [1] });
    expect(await call(model, "oceanbase.remove-standbys")).toEqual({ removed: [] });
  });
});
