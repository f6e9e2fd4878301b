/**
 * The engine dies right after each step of the failover took effect, once per step: every action is executed again, and the
 * run ends as if nothing had happened (R42). The clusters outlive it, as JSON between two lives.
 */
import type { ActionRegistry } from "@belay/engine";
import { loadPlan } from "@belay/failover-plans";
import {
  createOceanBaseModel,
  type OceanBaseModel,
  oceanBaseActions,
  restoreOceanBaseModel,
} from "@belay/failover-plans/oceanbase";
import { describe, expect, test } from "vitest";
import { type CutOff, cutOffEverywhere, explain, idsOf, stepsOf } from "../crash/trap.ts";

const plan = loadPlan("oceanbase-failover");
const OPTIONS = { flashbackRounds: 2, cleanupLooks: 2 } as const;

interface Drill {
  readonly found: CutOff;
  readonly model: OceanBaseModel;
}

/** Cluster 1 is down; the run makes its standby 2 primary. */
async function failOver(): Promise<Drill> {
  let model = createOceanBaseModel(
    [
      { clusterId: 1, name: "north", role: "PRIMARY" },
      { clusterId: 2, name: "south", role: "PHYSICAL STANDBY" },
    ],
    OPTIONS,
  );
  model.stopCluster(1);
  const actions = (): ActionRegistry => {
    model = restoreOceanBaseModel(JSON.parse(JSON.stringify(model.save())), OPTIONS);
    return oceanBaseActions(model, { sleep: async (_, signal) => signal.throwIfAborted() });
  };
  const found = await cutOffEverywhere({ plan, params: { clusterId: 2 }, actions });
  return { found, model };
}

describe("R42: an engine that dies after every single step", () => {
  test("oceanbase-failover ends as it would have, with the statements it would have given", async () => {
    const { found, model } = await failOver();
    expect(found.snapshot.status, explain(found)).toBe("SUCCESSFUL");
    expect(stepsOf(found)).toEqual(idsOf(plan));
    expect(model.statements).toEqual([
      ...Array.from({ length: 3 }, () => "ALTER SYSTEM ACTIVATE PHYSICAL STANDBY CLUSTER"),
      "ALTER SYSTEM REMOVE CLUSTER north CLUSTER_ID = 1",
    ]);
    expect((await model.readCluster(2)).role).toBe("PRIMARY");
    expect(await model.readRow("multi-cluster", 1)).toMatchObject({ role: "PHYSICAL STANDBY", primaryClusterId: 2 });
    expect([model.lockOwner(1), model.lockOwner(2)]).toEqual([undefined, undefined]);
  });
});

describe("R31, R42: an unlock that was executed again, and found no lock", () => {
  test("is undone with all locks that the run had", async () => {
    const { found, model } = await failOver();
    const unlock = found.snapshot.nodes.find(({ id }) => id === "mc-unlock-ob-clusters");
    expect(unlock?.output).toEqual({ clusterIds: [] });
    const [relock, document] = [oceanBaseActions(model)["oceanbase.relock-clusters"], plan.document];
    expect(document.nodes.at(-1)?.compensation?.with).toEqual({
      clusterId: { $cel: "params.clusterId" },
      clusterIds: { $cel: 'nodes["mc-lock-ob-clusters"].output.clusterIds' },
    });
    if (typeof relock !== "object") throw new Error("no action");
    await relock.run({ runId: "run", input: { clusterId: 2, clusterIds: [2, 1] }, output: unlock?.output } as never);
    expect([model.lockOwner(1), model.lockOwner(2)]).toEqual(["run", "run"]);
  });
});
