/** A switch that was abandoned leaves its mark: the cluster shows Switching. The next one may pass it, and only it. */
import { createEngine } from "@belay/engine";
import { loadPlan } from "@belay/failover-plans";
import { PolarModel, polardbActions } from "@belay/failover-plans/polardb";
import { expect, test } from "vitest";

const PLAN = loadPlan("polardb-failover");
const params = { cluster: "pc-1", switchIntervalSeconds: 0 };

test("R40: a cluster that shows Switching since a run that was abandoned can be switched; since one that rests it cannot", async () => {
  const control = PolarModel.create({
    clusterId: "pc-1",
    nodes: [{ nodeId: "pi-1" }, { nodeId: "pi-2", failoverPriority: 9 }, { nodeId: "pi-3", failoverPriority: 5 }],
  });
  const ended = new Set<string>();
  const actions = polardbActions({ control, hasEnded: async (id) => ended.has(id) });
  const engine = await createEngine({
    actions: {
      ...actions,
      "polardb.await-writer": () => {
        throw new Error("no answer");
      },
    },
  });
  const first = await engine.start(PLAN, { runId: "first", params });
  // Promoted, and past the point of no return: nothing takes the mark back.
  expect((await first.settled()).status).toBe("PARTIALLY_ROLLED_BACK");
  await first.abandon();
  expect((await control.describe("pc-1")).status).toBe("Switching");
  await engine.close();

  const next = await createEngine({ actions });
  const refused = await (await next.start(PLAN, { params })).settled();
  expect(refused.nodes[0]?.error?.code).toBe("CLUSTER_NOT_RUNNING");
  ended.add("first");
  const passed = await (await next.start(PLAN, { params })).settled();
  expect(passed.status).toBe("SUCCESSFUL");
  const after = await control.describe("pc-1");
  expect([after.status, after.markedBy, control.writers(), control.mostWriters]).toEqual([
    "Running",
    null,
    ["pi-3"],
    1,
  ]);
  await next.close();
});
