/** A plan's checks without the plan: the same actions, nothing else, nothing kept. */
import { type ActionRegistry, definePlan, NonRetryable, type PlanDocument } from "@belay/engine";
import { heldAction, ManualClock, settleTurns } from "@belay/engine/testing";
import { loadPlan } from "@belay/failover-plans";
import { afterEach, describe, expect, test } from "vitest";
import { Prechecks, readingPlan } from "../../packages/server/src/host/precheck.ts";

const DOCUMENT: PlanDocument = {
  belay: 1,
  name: "p",
  params: { type: "object", required: ["n"], properties: { n: { type: "integer" } } },
  locks: ["l"],
  onFailure: "rollback",
  nodes: [
    { id: "look", action: "look", effect: "none", with: { n: { $cel: "params.n" } } },
    { id: "judge", action: "judge", effect: "none", upstreams: ["look"], with: { $cel: "nodes.look.output" } },
    { id: "act", action: "act", upstreams: ["judge"], compensation: { action: "undo" } },
    { id: "after", action: "look", effect: "none", upstreams: ["act"] },
  ],
};
const PLAN = definePlan(DOCUMENT);
let open: Prechecks | undefined;
afterEach(async () => {
  await open?.close();
  open = undefined;
});

async function prechecks(actions: ActionRegistry, clock?: ManualClock): Promise<Prechecks> {
  open = await Prechecks.open({ act: never, undo: never, ...actions }, clock);
  return open;
}

const never = (): never => {
  throw new Error("this is no check");
};

describe("pre-checks", () => {
  test("only the reading steps at the head of a plan are carried out, with their inputs", async () => {
    const checks = await prechecks({ look: ({ input }) => input, judge: ({ input }) => input });
    const found = await checks.check({ plan: PLAN, params: { n: 7 }, timeoutMs: 1000 });
    expect(found).toEqual({ kind: "passed", outputs: { look: { n: 7 }, judge: { n: 7 } } });
  });

  test("a step that refuses is named with its code and details; what does not depend on it is still asked", async () => {
    const refuse = (): never => {
      throw new NonRetryable("no", { code: "NOT_NOW", details: { until: 3 } });
    };
    const checks = await prechecks({ look: refuse, judge: () => null });
    const found = await checks.check({ plan: PLAN, params: { n: 1 }, timeoutMs: 1000 });
    expect(found).toMatchObject({
      kind: "refused",
      failures: [{ node: "look", code: "NOT_NOW", details: { until: 3 } }],
    });
  });

  test("without an answer in time nothing is said, and the step is told to let go", async () => {
    const clock = new ManualClock();
    const held = heldAction({ letGoOnAbort: true });
    const checks = await prechecks({ look: held.action, judge: () => null }, clock);
    const asked = checks.check({ plan: PLAN, params: { n: 1 }, timeoutMs: 50 });
    const attempt = await held.next();
    await clock.elapse(50);
    expect(await asked).toEqual({ kind: "undecided" });
    await settleTurns();
    expect(attempt.ctx.signal.aborted).toBe(true);
  });

  test("parameters that do not fit are refused as a start refuses them", async () => {
    const checks = await prechecks({ look: () => null, judge: () => null });
    await expect(checks.check({ plan: PLAN, params: {}, timeoutMs: 10 })).rejects.toMatchObject({
      code: "PARAMS_INVALID",
    });
  });

  test("two checks of a plan with a lock do not exclude each other, nor a run", () => {
    expect(readingPlan(PLAN)?.document.locks).toBeUndefined();
    expect(readingPlan(PLAN)?.document.nodes.map(({ id }) => id)).toEqual(["look", "judge"]);
  });

  test("a plan without a reading head has nothing to check; named steps are taken as they are", () => {
    const seed = loadPlan("oceanbase-failover");
    expect(readingPlan(seed)).toBeUndefined();
    const named = readingPlan(seed, ["failover-to-primary-check"]);
    expect(named?.document.nodes).toMatchObject([{ id: "failover-to-primary-check" }]);
    expect(named?.document.nodes[0]?.upstreams ?? []).toEqual([]);
    expect(named?.document.nodes[0]?.prohibitRollback).toBeUndefined();
  });

  test("every shipped plan of a failover has a head that reads, or is OCP's", () => {
    const heads = ["polardb-failover", "postgres-failover", "mariadb-failover"].map((name) =>
      readingPlan(loadPlan(name))?.document.nodes.map(({ id }) => id),
    );
    for (const head of heads) expect(head?.length).toBeGreaterThanOrEqual(3);
  });
});
