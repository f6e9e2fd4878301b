import { settleTurns } from "@belay/engine/testing";
import { describe, expect, test } from "vitest";
import { diamond, node, nodeOf, plan, refused, stage, statuses, undoable } from "./stage.ts";

describe("R30: reverse compensation", () => {
  test("R30: every started node once, after all its started descendants, ties in the reverse of R11, the failed node too", async () => {
    const s = await stage({ d: "fail" });
    const run = await s.start(plan([...diamond, undoable("below", ["d"])]));
    expect((await s.finish(run)).status).toBe("FAILED");
    await run.rollback();
    const snapshot = await s.finish(run);
    expect(snapshot).toMatchObject({ status: "ROLLED_BACK", operation: "ROLLBACK" });
    expect(s.rig.undone()).toEqual(["d", "c", "b", "a"]);
    expect(statuses(snapshot)).toEqual({
      a: "COMPENSATED",
      b: "COMPENSATED",
      c: "COMPENSATED",
      d: "COMPENSATED",
      below: "PENDING",
    });
  });

  test("R30: independent branches are undone at the same time, the join of their upstreams after both", async () => {
    const s = await stage({ d: "fatal" }, { held: true });
    const run = await s.start(plan(diamond));
    for (let call = 0; call < 4; call++) {
      await settleTurns();
      s.rig.pending[0]?.finish();
    }
    await s.finish(run);
    await run.rollback();
    await settleTurns();
    expect(s.rig.pending.map((call) => call.node)).toEqual(["d"]);
    s.rig.pending[0]?.finish();
    await settleTurns();
    expect(s.rig.pending.map((call) => call.node)).toEqual(["c", "b"]);
    s.rig.pending[0]?.finish();
    await settleTurns();
    expect(s.rig.pending.map((call) => call.node)).toEqual(["b"]);
    s.rig.pending[0]?.finish();
    await settleTurns();
    expect(s.rig.pending.map((call) => call.node)).toEqual(["a"]);
    s.rig.pending[0]?.finish();
    expect((await s.finish(run)).status).toBe("ROLLED_BACK");
  });

  test("R30: a node with nothing to undo does not shield what is below it", async () => {
    const s = await stage({ d: "fail" }, {});
    const run = await s.start(plan([undoable("a"), node("b", ["a"]), undoable("c", ["b"]), node("d", ["c"])]));
    await s.finish(run);
    await run.rollback();
    const snapshot = await s.finish(run);
    expect(s.rig.undone()).toEqual(["c", "a"]);
    expect(snapshot.status).toBe("ROLLED_BACK");
    expect(nodeOf(snapshot, "b").status).toBe("SUCCESSFUL");
  });

  test("R30: nodes that never started, and skipped ones, are never compensated", async () => {
    const s = await stage({ a: "fail" });
    const run = await s.start(plan([undoable("a"), undoable("b", ["a"]), undoable("c", [], { when: "false" })]));
    await s.finish(run);
    await run.rollback();
    await s.finish(run);
    expect(s.rig.undone()).toEqual(["a"]);
  });

  test("R30: effect none has nothing to undo", async () => {
    const s = await stage({ b: "fail" });
    const run = await s.start(plan([node("a", [], { effect: "none" }), undoable("b", ["a"])]));
    await s.finish(run);
    await run.rollback();
    const snapshot = await s.finish(run);
    expect(snapshot.status).toBe("ROLLED_BACK");
    expect(s.rig.undone()).toEqual(["b"]);
  });

  test("R30: a run in which nothing has anything to undo is ROLLED_BACK at once", async () => {
    const s = await stage({ a: "fail" });
    const run = await s.start(plan([node("a")]));
    await s.finish(run);
    await run.rollback();
    expect((await s.finish(run)).status).toBe("ROLLED_BACK");
  });
});

describe("R31: what a compensation gets", () => {
  test("R31: input, output, error, outcome and item of the node it undoes", async () => {
    const s = await stage({ a: { output: "made" }, b: "fatal" });
    const run = await s.start(plan([undoable("a", [], { with: { x: 1 } }), undoable("b", ["a"])]));
    await s.finish(run);
    await run.rollback();
    await s.finish(run);
    const [b, a] = s.rig.contexts.slice(2);
    expect(b).toMatchObject({
      nodeId: "b",
      attempt: 1,
      output: undefined,
      outcome: "failed",
      error: { code: "E_FATAL" },
    });
    expect(a).toMatchObject({
      nodeId: "a",
      attempt: 1,
      output: "made",
      outcome: "succeeded",
      error: undefined,
      input: { x: 1 },
    });
  });

  test("R31: an input of its own may read the node's output", async () => {
    const s = await stage({ a: { output: { id: "vip-7" } }, b: "fail" });
    const compensation = { action: "undo", with: { drop: { $cel: "nodes.a.output.id" } } };
    const run = await s.start(plan([node("a", [], { compensation }), node("b", ["a"])]));
    await s.finish(run);
    await run.rollback();
    await s.finish(run);
    expect(s.rig.contexts.at(-1)?.input).toEqual({ drop: "vip-7" });
  });

  test("R31: by default a timed-out attempt is undone: it may have taken effect", async () => {
    const s = await stage({ a: "obey" });
    const run = await s.start(plan([undoable("a", [], { timeout: 1 })]));
    await s.clock.elapse(1_000);
    await s.finish(run);
    await run.rollback();
    expect((await s.finish(run)).status).toBe("ROLLED_BACK");
    expect(s.rig.contexts.at(-1)).toMatchObject({ outcome: "unknown", error: { code: "TIMEOUT" } });
  });

  test("R31: when: succeeded leaves failed nodes alone and undoes successes", async () => {
    const s = await stage({ b: "fail" });
    const compensation = { action: "undo", when: "succeeded" } as const;
    const run = await s.start(plan([node("a", [], { compensation }), node("b", ["a"], { compensation })]));
    await s.finish(run);
    await run.rollback();
    const snapshot = await s.finish(run);
    expect(s.rig.undone()).toEqual(["a"]);
    expect(snapshot.status).toBe("ROLLED_BACK");
    expect(nodeOf(snapshot, "b").status).toBe("FAILED");
  });
});

describe("R32: failed compensations", () => {
  const scripts = { d: "fail", b: { undo: "fail,ok" } } as const;

  test("R32: a failed compensation stops only its own ancestors; the run is ROLLBACK_FAILED", async () => {
    const s = await stage(scripts);
    const run = await s.start(plan(diamond));
    await s.finish(run);
    await run.rollback();
    const snapshot = await s.finish(run);
    expect(snapshot.status).toBe("ROLLBACK_FAILED");
    expect(statuses(snapshot)).toEqual({
      a: "SUCCESSFUL",
      b: "COMPENSATION_FAILED",
      c: "COMPENSATED",
      d: "COMPENSATED",
    });
    expect(nodeOf(snapshot, "b").compensation?.error).toMatchObject({ code: "E_SCRIPT" });
  });

  test("R32: rollback again resumes: what is done is not repeated", async () => {
    const s = await stage(scripts);
    const run = await s.start(plan(diamond));
    await s.finish(run);
    await run.rollback();
    await s.finish(run);
    await run.rollback();
    expect((await s.finish(run)).status).toBe("ROLLED_BACK");
    expect(s.rig.undone()).toEqual(["d", "c", "b", "b", "a"]);
  });

  test("R32: skipRollback passes the failed node and goes on above it", async () => {
    const s = await stage({ d: "fail", b: { undo: "fail" } });
    const run = await s.start(plan(diamond));
    await s.finish(run);
    await run.rollback();
    await s.finish(run);
    await run.skipRollback("b");
    const snapshot = await s.rest(run);
    expect(snapshot.status).toBe("ROLLED_BACK");
    expect(s.rig.undone()).toEqual(["d", "c", "b", "a"]);
    expect(nodeOf(snapshot, "b").operation).toBe("ROLLBACK_SKIP");
  });

  test("R32: compensations have their own timeout and retry", async () => {
    const s = await stage({ a: { run: "fail", undo: "obey,ok" } });
    const compensation = { action: "undo", timeout: 3, retry: { maxAttempts: 2, initialInterval: 4 } };
    const run = await s.start(plan([node("a", [], { compensation, timeout: 1000 })]));
    await s.finish(run);
    await run.rollback();
    await s.clock.elapse(2_999);
    expect(s.rig.contexts.at(-1)?.signal.aborted).toBe(false);
    await s.clock.elapse(1);
    expect(s.rig.contexts.at(-1)?.signal.aborted).toBe(true);
    expect(s.rig.undone()).toEqual(["a"]);
    await s.clock.elapse(4_000);
    const snapshot = await s.finish(run);
    expect(snapshot.status).toBe("ROLLED_BACK");
    expect(s.rig.undone()).toEqual(["a", "a"]);
    expect(nodeOf(snapshot, "a").compensation?.runTime).toBe(2);
  });

  test("R32: the plan's defaults.compensation.timeout applies; the node's own timeout does not", async () => {
    const s = await stage({ a: { run: "fail", undo: "obey" } });
    const run = await s.start(
      plan([undoable("a", [], { timeout: 1 })], { defaults: { compensation: { timeout: 50 } } }),
    );
    await s.finish(run);
    await run.rollback();
    await s.clock.elapse(49_999);
    expect(run.snapshot().status).toBe("ROLLING_BACK");
    await s.clock.elapse(1);
    expect((await s.finish(run)).status).toBe("ROLLBACK_FAILED");
  });

  test("R32: cancel does not interrupt a rollback", async () => {
    const s = await stage({ a: "fatal" }, { held: true });
    const run = await s.start(plan([undoable("a")]));
    await settleTurns();
    s.rig.pending[0]?.finish();
    await s.finish(run);
    await run.rollback();
    await settleTurns();
    await refused(run.cancel(), "STATE_INVALID");
    expect(s.rig.contexts.at(-1)?.signal.aborted).toBe(false);
    s.rig.pending[0]?.finish();
    expect((await s.finish(run)).status).toBe("ROLLED_BACK");
  });

  test("R32: the plan's time limit does not interrupt a rollback", async () => {
    const s = await stage({ a: "fatal" }, { held: true });
    const run = await s.start(plan([undoable("a")], { timeout: 10 }));
    await settleTurns();
    s.rig.pending[0]?.finish();
    await s.finish(run);
    await run.rollback();
    await s.clock.elapse(100_000);
    expect(s.rig.contexts.at(-1)?.signal.aborted).toBe(false);
    s.rig.pending[0]?.finish();
    expect((await s.finish(run)).status).toBe("ROLLED_BACK");
  });
});
