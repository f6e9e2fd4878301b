/**
 * The engine dies right after each step of a plan took effect, once per step (R42): in memory and through SQL the run ends as it would
 * have, with the statements it would have given. Undone runs likewise.
 */
import { injectFailure } from "@belay/failover-plans";
import { describe, expect, test } from "vitest";
import { cutOffEverywhere, explain, idsOf, stepsOf } from "../crash/trap.ts";
import { clusterStage, mostWriters, PARAMS, planOf, tenantStage, WAYS } from "./switchover-rig.ts";

const STEPS = { switchingLooks: 2 } as const;

/** The steps that have something to undo, as cuts. */
const undone = (name: string): string[] =>
  planOf(name)
    .document.nodes.filter(({ compensation }) => compensation !== undefined)
    .map(({ id }) => `undo/${id}`)
    .sort();

describe.for(WAYS)("R42: through %s, an engine that dies after every single step", (way) => {
  test("of oceanbase-switchover ends where it would have", async () => {
    const stage = await clusterStage(way, STEPS);
    try {
      const plan = planOf("oceanbase-switchover");
      const found = await cutOffEverywhere({
        plan,
        params: PARAMS[plan.document.name] ?? {},
        actions: () => stage.actions,
      });
      expect(found.snapshot.status, explain(found)).toBe("SUCCESSFUL");
      expect(stepsOf(found)).toEqual(idsOf(plan));
      expect(stage.model.statements).toHaveLength(2);
      expect(stage.model.writers).toEqual([["north"], [], ["south"]]);
    } finally {
      await stage.close();
    }
  });

  test("of oceanbase-failover ends where it would have", async () => {
    const stage = await clusterStage(way, { flashbackRounds: 2, cleanupLooks: 2 });
    try {
      for (const zone of [1, 2, 3]) await stage.setServer(`north-z${zone}:2881`, false);
      const plan = planOf("oceanbase-failover");
      const params = PARAMS[plan.document.name] ?? {};
      const found = await cutOffEverywhere({ plan, params, actions: () => stage.actions });
      expect(found.snapshot.status, explain(found)).toBe("SUCCESSFUL");
      expect(stepsOf(found)).toEqual(idsOf(plan));
      expect(stage.model.statements.filter((statement) => statement.includes("ACTIVATE"))).toHaveLength(3);
      expect(mostWriters(stage.model)).toBe(1);
    } finally {
      await stage.close();
    }
  });

  test("of an undone oceanbase-switchover leaves the old primary", async () => {
    const stage = await clusterStage(way, STEPS);
    try {
      const plan = planOf("oceanbase-switchover", "rollback");
      const actions = injectFailure(stage.actions, plan, "mc-unlock-ob-clusters");
      const found = await cutOffEverywhere({ plan, params: PARAMS[plan.document.name] ?? {}, actions: () => actions });
      expect(found.snapshot.status, explain(found)).toBe("ROLLED_BACK");
      expect(stepsOf(found)).toEqual(expect.arrayContaining(undone("oceanbase-switchover")));
      expect(stage.model.writers).toEqual([["north"], [], ["south"], [], ["north"]]);
    } finally {
      await stage.close();
    }
  });

  test.for(["oceanbase-tenant-switchover", "oceanbase-tenant-failover"])(
    "of %s ends where it would have",
    async (name) => {
      const stage = await tenantStage(way, STEPS);
      try {
        if (name === "oceanbase-tenant-failover") await stage.setAlive("north", false);
        const plan = planOf(name);
        const found = await cutOffEverywhere({ plan, params: PARAMS[name] ?? {}, actions: () => stage.actions });
        expect(found.snapshot.status, explain(found)).toBe("SUCCESSFUL");
        expect(stepsOf(found)).toEqual(idsOf(plan));
        const roles = stage.model.statements.filter((statement) => !statement.includes("LOG_RESTORE_SOURCE"));
        expect(roles).toHaveLength(name === "oceanbase-tenant-failover" ? 1 : 2);
        expect(mostWriters(stage.model)).toBe(1);
      } finally {
        await stage.close();
      }
    },
  );

  test("of an undone oceanbase-tenant-switchover leaves the old primary", async () => {
    const stage = await tenantStage(way, STEPS);
    try {
      const plan = planOf("oceanbase-tenant-switchover");
      const actions = injectFailure(stage.actions, plan, "publish", "after");
      const params = PARAMS[plan.document.name] ?? {};
      const found = await cutOffEverywhere({ plan, params, actions: () => actions });
      expect(found.snapshot.status, explain(found)).toBe("ROLLED_BACK");
      expect(stepsOf(found)).toEqual(expect.arrayContaining(undone("oceanbase-tenant-switchover")));
      expect(stage.model.writers).toEqual([["north"], [], ["south"], [], ["north"]]);
      expect((await stage.route.current()).writer).toBe("north");
    } finally {
      await stage.close();
    }
  });
});
