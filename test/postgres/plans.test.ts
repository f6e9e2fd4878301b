/**
 * The PostgreSQL plan files: they parse, name only registered actions, and put the point of no return where it belongs.
 */
import { type ActionContext, type ActionRegistry, BelayError, NonRetryable } from "@belay/engine";
import { INJECTED_FAILURE, injectFailure, loadPlan, planNames, planText } from "@belay/failover-plans";
import { postgresActions } from "@belay/failover-plans/postgres";
import { describe, expect, test } from "vitest";
import { DEFAULT_LAG_CEILING_BYTES } from "../../packages/failover-plans/src/postgres/ranking.ts";

const unused = (): never => {
  throw new Error("no test of this file reaches a cluster");
};
const actions: ActionRegistry = postgresActions({
  nodes: [],
  control: {
    kill: unused,
    stop: unused,
    start: unused,
    isRunning: unused,
    markStandby: unused,
    unmarkStandby: unused,
    isMarkedStandby: unused,
    controlState: unused,
    reclone: unused,
    hasData: unused,
    wipe: unused,
    conninfo: unused,
  },
  route: { current: unused, publish: unused },
});
const PLANS = ["postgres-failover", "postgres-switchover", "rejoin-standby", "add-standby", "fence-drill"];

describe("the shipped plans", () => {
  test("the PostgreSQL plans are among them, and an unknown name is refused with the known ones", () => {
    expect(planNames()).toEqual(expect.arrayContaining(PLANS));
    expect(planText("postgres-failover")).toContain("name: postgres-failover");
    expect(() => loadPlan("nonsense")).toThrow(BelayError);
    expect(() => loadPlan("../package")).toThrow(/no plan is named/);
  });

  describe.each(PLANS)("%s", (name) => {
    const { document } = loadPlan(name);

    test("R3: every action and every compensation is registered", () => {
      for (const node of document.nodes) {
        expect(actions, node.id).toHaveProperty([node.action]);
        if (node.compensation) expect(actions, node.id).toHaveProperty([node.compensation.action]);
      }
    });

    test("R42: after a crash every action can be asked or be run again", () => {
      for (const { action } of document.nodes) {
        const definition = actions[action];
        if (typeof definition !== "object") throw new Error(`${action} is not a definition`);
        expect(definition.verify !== undefined || definition.idempotent === true, action).toBe(true);
      }
    });

    test("R40: it locks the cluster that it is run for", () => {
      expect(document.locks).toEqual([{ $cel: '"postgres/" + params.cluster' }]);
    });

    test("every node says to a tired operator what it does, and ends in bounded time", () => {
      for (const { id, description, timeout, compensation } of document.nodes) {
        expect(description?.length, id).toBeGreaterThan(30);
        expect(timeout, id).toBeGreaterThan(0);
        if (compensation)
          expect(compensation.timeout ?? document.defaults?.compensation?.timeout, id).toBeGreaterThan(0);
      }
    });
  });
});

describe("R33: the point of no return", () => {
  const barriers = (name: string): readonly string[] =>
    loadPlan(name)
      .document.nodes.filter(({ prohibitRollback }) => prohibitRollback)
      .map(({ id }) => id);

  test("a failover has two: the promotion, and the rejoin that may wipe", () => {
    expect(barriers("postgres-failover")).toEqual(["promote", "rejoinOld"]);
  });

  test("the rejoin is tried once more on a machine that is slow to answer", () => {
    for (const name of ["postgres-failover", "postgres-switchover"]) {
      const rejoin = loadPlan(name).document.nodes.find(({ id }) => id === "rejoinOld");
      expect(rejoin?.retry, name).toEqual({ maxAttempts: 2, initialInterval: 2 });
    }
  });

  test("a switchover has one: it never wipes", () => {
    expect(barriers("postgres-switchover")).toEqual(["promote"]);
    const rejoin = loadPlan("postgres-switchover").document.nodes.find(({ id }) => id === "rejoinOld");
    expect(rejoin?.with).toMatchObject({ reclone: "never" });
  });

  test.each(["postgres-failover", "postgres-switchover"])(
    "%s: before it every effect can be undone, after it nothing claims to be",
    (name) => {
      const { nodes } = loadPlan(name).document;
      const promote = nodes.findIndex(({ id }) => id === "promote");
      // CHECKPOINT changes nothing that could be undone.
      const lasting = nodes.filter(({ effect, action }) => effect !== "none" && action !== "postgres.checkpoint");
      for (const node of lasting) {
        const before = nodes.indexOf(node) < promote;
        expect(node.compensation !== undefined, node.id).toBe(before);
      }
    },
  );

  test("the lag ceiling that the plans promise is the one that the actions keep", () => {
    for (const name of ["postgres-failover", "postgres-switchover"]) {
      expect(loadPlan(name).document.params).toMatchObject({
        properties: { lagCeilingBytes: { default: DEFAULT_LAG_CEILING_BYTES } },
      });
    }
  });
});

describe("failure injection", () => {
  const plan = loadPlan("postgres-failover");
  const context = (nodeId: string, runId: string, outcome?: "failed"): ActionContext =>
    ({ nodeId, runId, outcome }) as unknown as ActionContext;

  function counted(): { calls: string[]; registry: ActionRegistry } {
    const calls: string[] = [];
    return {
      calls,
      registry: { ...actions, "postgres.rank": { run: (ctx: ActionContext) => void calls.push(ctx.nodeId) } },
    };
  }

  async function call(registry: ActionRegistry, ctx: ActionContext): Promise<unknown> {
    const action = registry["postgres.rank"];
    if (typeof action !== "object") throw new Error("not a definition");
    return await action.run(ctx);
  }

  test.each([
    ["before", 0],
    ["after", 1],
  ] as const)("a failure %s the effect calls the action %i times and happens once per run", async (when, times) => {
    const { calls, registry } = counted();
    const failing = injectFailure(registry, plan, "rank", when);
    const failure = await call(failing, context("rank", "1")).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(NonRetryable);
    expect(failure).toMatchObject({ code: INJECTED_FAILURE });
    expect(calls.length).toBe(times);
    await call(failing, context("rank", "1"));
    expect(calls.length).toBe(times + 1);
    await expect(call(failing, context("rank", "2"))).rejects.toThrow(/injected/);
  });

  test("other nodes and compensations that use the action are left alone", async () => {
    const { calls, registry } = counted();
    const failing = injectFailure(registry, plan, "rank", "before");
    await call(failing, context("other", "1"));
    await call(failing, context("rank", "1", "failed"));
    expect(calls).toEqual(["other", "rank"]);
    expect(registry["postgres.fence"]).toBe(failing["postgres.fence"]);
  });

  test("an unknown node and an unknown action are refused at once", () => {
    expect(() => injectFailure(actions, plan, "promte")).toThrow(/no node "promte"/);
    expect(() => injectFailure({}, plan, "promote")).toThrow(/no action is registered/);
  });
});
