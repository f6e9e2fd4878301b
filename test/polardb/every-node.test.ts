/**
 * Every node of the plan fails once, before and after its effect, with both failure policies, on a cluster in memory: one writer at any
 * time, and an end that is right.
 */
import { injectFailure } from "@belay/failover-plans";
import { describe, expect, test } from "vitest";
import { idsOf } from "../crash/trap.ts";
import { actionsOf, failures, planThat, play, settle, statuses, type World, worldOf } from "./model-run.ts";

/** Ids of the nodes before the promotion, and after it. */
const BEFORE = ["validate", "checkRecent", "elect", "begin"];
const AFTER = ["ready", "publish", "readers", "oldWriter", "haLog", "end"];
const TOLERATED = ["readers", "oldWriter"];
const OPERATOR = { who: "op", why: "the cause is gone" };

async function fail(nodeId: string, when: "before" | "after", onFailure: "pause" | "rollback") {
  const world = worldOf();
  const plan = planThat(onFailure);
  const actions = injectFailure(actionsOf(world), plan, nodeId, when);
  return { world, ...(await play(world, { plan, actions })) };
}

function expectUntouched({ model }: World): void {
  expect(model.writers()).toEqual(["pi-1"]);
  expect(model.save().cluster).toMatchObject({ status: "Running", generation: 1 });
}

async function expectDone({ model, route }: World): Promise<void> {
  expect(model.writers()).toEqual(["pi-2"]);
  expect(model.save().cluster).toMatchObject({ status: "Running", generation: 2 });
  expect((await route.current()).writer).toBe("pi-2");
  expect(model.mostWriters).toBe(1);
}

test("every node of the plan fails in one of these cases", () => {
  expect([...BEFORE, "switch", ...AFTER].sort()).toEqual(idsOf(planThat()));
});

describe.each(["before", "after"] as const)("R30, R33: a node that fails %s its effect", (when) => {
  test.each(BEFORE)("%s: everything is undone, or can be by an operator", async (nodeId) => {
    const rolledBack = await fail(nodeId, when, "rollback");
    expect(rolledBack.snapshot.status).toBe("ROLLED_BACK");
    expectUntouched(rolledBack.world);
    const { world, run, snapshot } = await fail(nodeId, when, "pause");
    expect(snapshot.status).toBe("FAILED");
    await run.rollback(OPERATOR);
    expect((await settle(world, run)).status).toBe("ROLLED_BACK");
    expectUntouched(world);
  });

  test.each(AFTER.filter((id) => !TOLERATED.includes(id)))(
    "%s: nothing is undone, and a retry ends it",
    async (nodeId) => {
      for (const onFailure of ["rollback", "pause"] as const) {
        const { world, run, snapshot } = await fail(nodeId, when, onFailure);
        // To the barrier there is nothing that could be undone.
        expect(["FAILED", "PARTIALLY_ROLLED_BACK"]).toContain(snapshot.status);
        expect(world.model.writers()).toEqual(["pi-2"]);
        await expect(run.rollback(OPERATOR)).rejects.toMatchObject({ code: "ROLLBACK_PROHIBITED" });
        await run.retry(OPERATOR);
        expect((await settle(world, run)).status).toBe("SUCCESSFUL");
        await expectDone(world);
      }
    },
  );

  test.each(TOLERATED)("%s: the switch is complete without it, and it is shown as FAILED", async (nodeId) => {
    for (const onFailure of ["rollback", "pause"] as const) {
      const { world, snapshot } = await fail(nodeId, when, onFailure);
      expect(snapshot.status).toBe("SUCCESSFUL");
      expect(Object.values(failures(snapshot))).toEqual(["INJECTED_FAILURE"]);
      await expectDone(world);
    }
  });
});

describe("R21: the first candidate fails", () => {
  test.each(["rollback", "pause"] as const)("before its promotion: the next one wins (%s)", async (onFailure) => {
    const { world, snapshot } = await fail("switch", "before", onFailure);
    expect(snapshot.status).toBe("SUCCESSFUL");
    expect(statuses(snapshot)).toMatchObject({ "switch[0]": "COMPENSATED", "switch[1]": "SUCCESSFUL" });
    expect(world.model.writers()).toEqual(["pi-3"]);
    expect(world.model.mostWriters).toBe(1);
  });

  test.each([
    ["rollback", "ROLLBACK_FAILED"],
    ["pause", "FAILED"],
  ] as const)("after its promotion: nobody else is promoted (%s)", async (onFailure, status) => {
    const { world, snapshot } = await fail("switch", "after", onFailure);
    expect(snapshot.status).toBe(status);
    expect(statuses(snapshot)).toMatchObject({ "switch[0]": "COMPENSATION_FAILED", "switch[1]": "PENDING" });
    expect(world.model.deeds).toEqual(["status Switching", "fence pi-1", "promote pi-2"]);
    expect(world.model.mostWriters).toBe(1);
  });
});
