import { heldAction, settleTurns } from "@belay/engine/testing";
import { describe, expect, test } from "vitest";
import { node, nodeOf, plan, stage, told, undoable } from "./stage.ts";

describe("R26: timeouts", () => {
  test("R26: the signal is aborted on time; the attempt fails when the action lets go, with outcome unknown", async () => {
    const s = await stage({ a: "obey" });
    const run = await s.start(plan([node("a", [], { timeout: 30 })]));
    await s.clock.elapse(29_999);
    expect(s.rig.contexts[0]?.signal.aborted).toBe(false);
    await s.clock.elapse(1);
    expect(s.rig.contexts[0]?.signal.aborted).toBe(true);
    const snapshot = await s.finish(run);
    expect(nodeOf(snapshot, "a")).toMatchObject({ status: "FAILED", error: { code: "TIMEOUT" } });
    expect(told(s, "node:failed")[0]).toMatchObject({ outcome: "unknown" });
    expect(told(s, "node:canceling")).toHaveLength(1);
  });

  test("R26: an action that does not let go is given 5 s, then the attempt fails with outcome unknown", async () => {
    const s = await stage({ a: "hang" });
    const run = await s.start(plan([node("a", [], { timeout: 30 })]));
    await s.clock.elapse(30_000);
    expect(nodeOf(run.snapshot(), "a").status).toBe("CANCELING");
    await s.clock.elapse(4_999);
    expect(nodeOf(run.snapshot(), "a").status).toBe("CANCELING");
    await s.clock.elapse(1);
    expect(nodeOf(await s.finish(run), "a").status).toBe("FAILED");
  });

  test("R25: a late result is told as node:late and changes nothing", async () => {
    const s = await stage({ a: "hang" });
    const run = await s.start(plan([node("a", [], { timeout: 1 }), node("b", ["a"])]));
    await s.clock.elapse(6_000);
    const before = await s.finish(run);
    s.rig.pending[0]?.finish();
    await settleTurns();
    expect(told(s, "node:late")).toMatchObject([{ nodeId: "a", attempt: 1, outcome: "succeeded" }]);
    expect(run.snapshot()).toEqual(before);
    expect(s.rig.started()).toEqual(["a"]);
  });

  test("R26: a success that comes within the grace period is late, too: the attempt had ended", async () => {
    const s = await stage({ a: "hang" });
    const run = await s.start(plan([node("a", [], { timeout: 1 })]));
    await s.clock.elapse(2_000);
    s.rig.pending[0]?.finish();
    const snapshot = await s.finish(run);
    expect(nodeOf(snapshot, "a")).toMatchObject({ status: "FAILED", error: { code: "TIMEOUT" }, output: undefined });
    expect(told(s, "node:failed")[0]).toMatchObject({ outcome: "unknown" });
  });

  test("R26: a retry that starts while the action has not let go is told so", async () => {
    const s = await stage({ a: "hang,ok" });
    const run = await s.start(plan([node("a", [], { timeout: 1, retry: { maxAttempts: 2, initialInterval: 3 } })]));
    await s.clock.elapse(60_000);
    expect((await s.finish(run)).status).toBe("SUCCESSFUL");
    expect(s.rig.contexts.map((ctx) => ctx.previousStillRunning)).toEqual([false, true]);
    s.rig.pending[0]?.finish();
    await settleTurns();
    expect(run.snapshot().status).toBe("SUCCESSFUL");
    expect(nodeOf(run.snapshot(), "a").output).toEqual({ node: "a", attempt: 2 });
  });

  test("R26: a retry after an action that let go is not told so", async () => {
    const s = await stage({ a: "obey,ok" });
    const run = await s.start(plan([node("a", [], { timeout: 1, retry: { maxAttempts: 2 } })]));
    await s.clock.elapse(60_000);
    await s.finish(run);
    expect(s.rig.contexts.map((ctx) => ctx.previousStillRunning)).toEqual([false, false]);
  });

  test("R26: a compensation that let go does not stand for the action, which has not", async () => {
    const s = await stage({ a: { run: "hang", undo: "fail,fail,ok" } });
    const retry = { maxAttempts: 3, initialInterval: 1 };
    const run = await s.start(plan([undoable("a", [], { timeout: 1, compensation: { action: "undo", retry } })]));
    await s.clock.elapse(6_000);
    await s.finish(run);
    await run.rollback();
    await s.clock.elapse(60_000);
    expect((await s.finish(run)).status).toBe("ROLLED_BACK");
    expect(s.rig.contexts.map((ctx) => ctx.previousStillRunning)).toEqual([false, true, true, true]);
  });

  test("R26: a heartbeat of an attempt that was given up counts for nothing", async () => {
    const s = await stage({ a: "hang" });
    const run = await s.start(plan([node("a", [], { heartbeatTimeout: 1 })]));
    await s.clock.elapse(6_000);
    expect((await s.finish(run)).status).toBe("FAILED");
    expect(s.clock.pending).toBe(0);
    s.rig.contexts[0]?.heartbeat();
    expect(s.clock.pending).toBe(0);
  });

  test("R26: a compensation that starts while the action has not let go is told so", async () => {
    const s = await stage({ a: "hang" });
    const run = await s.start(plan([undoable("a", [], { timeout: 1 })]));
    await s.clock.elapse(6_000);
    await s.finish(run);
    await run.rollback();
    await s.finish(run);
    expect(s.rig.contexts[1]).toMatchObject({ previousStillRunning: true, outcome: "unknown" });
  });

  test("R26: the timeout counts from each attempt's own dispatch", async () => {
    const s = await stage({ a: "obey,obey,ok" });
    const run = await s.start(
      plan([node("a", [], { timeout: 10, retry: { maxAttempts: 3, initialInterval: 1, backoffCoefficient: 1 } })]),
    );
    await s.clock.elapse(10_000);
    await s.clock.elapse(1_000);
    expect(s.rig.started()).toHaveLength(2);
    await s.clock.elapse(9_999);
    expect(s.rig.contexts[1]?.signal.aborted).toBe(false);
    await s.clock.elapse(1);
    expect(s.rig.contexts[1]?.signal.aborted).toBe(true);
    await s.clock.elapse(60_000);
    expect((await s.finish(run)).status).toBe("SUCCESSFUL");
  });

  test("R26: a timeout beyond 2^31-1 ms works: neither at once nor early", async () => {
    const s = await stage({ a: "obey" });
    const days = 40 * 86_400;
    const run = await s.start(plan([node("a", [], { timeout: days })]));
    await s.clock.elapse(days * 1000 - 1);
    expect(run.snapshot().status).toBe("RUNNING");
    await s.clock.elapse(1);
    expect((await s.finish(run)).status).toBe("FAILED");
  });

  test("R26: totalTimeout runs over all attempts and their pauses", async () => {
    const s = await stage({ a: "fail" });
    const run = await s.start(
      plan([
        node("a", [], { totalTimeout: 25, retry: { maxAttempts: 100, initialInterval: 10, backoffCoefficient: 1 } }),
      ]),
    );
    await s.clock.elapse(25_000);
    const snapshot = await s.finish(run);
    expect(s.rig.started()).toHaveLength(3);
    expect(nodeOf(snapshot, "a")).toMatchObject({ status: "FAILED", error: { code: "TOTAL_TIMEOUT" } });
  });

  test("R26: heartbeatTimeout ends an attempt that falls silent, and a heartbeat keeps it alive", async () => {
    const held = heldAction({ letGoOnAbort: true });
    const s = await stage({}, { extra: { held: held.action } });
    const run = await s.start(plan([node("a", [], { action: "held", heartbeatTimeout: 10 })]));
    const attempt = await held.next();
    await s.clock.elapse(9_000);
    attempt.ctx.heartbeat();
    await s.clock.elapse(9_000);
    expect(attempt.ctx.signal.aborted).toBe(false);
    await s.clock.elapse(1_000);
    expect(attempt.ctx.signal.aborted).toBe(true);
    expect(nodeOf(await s.rest(run), "a")).toMatchObject({ status: "FAILED", error: { code: "HEARTBEAT_TIMEOUT" } });
  });

  test("R26: timeout 0 means none", async () => {
    const s = await stage({}, { held: true });
    const run = await s.start(plan([node("a", [], { timeout: 0 })], { defaults: { timeout: 5 } }));
    await s.clock.elapse(10_000_000);
    s.rig.pending[0]?.finish();
    expect((await s.finish(run)).status).toBe("SUCCESSFUL");
  });

  test("R26: defaults.timeout applies to nodes that say nothing", async () => {
    const s = await stage({ a: "obey" });
    const run = await s.start(plan([node("a")], { defaults: { timeout: 5 } }));
    await s.clock.elapse(5_000);
    expect(nodeOf(await s.finish(run), "a")).toMatchObject({ error: { code: "TIMEOUT" }, timeout: 5 });
  });

  test("R26: no timer is left once a run has ended", async () => {
    const s = await stage();
    const run = await s.start(
      plan([node("a", [], { timeout: 10, totalTimeout: 20, heartbeatTimeout: 5 })], { timeout: 60 }),
    );
    await s.finish(run);
    await s.engine.close();
    expect(s.clock.pending).toBe(0);
  });
});
