/** Teardowns (`always`, R2): when they run, when they do not, and what their failures mean. */
import { checkPlan, type NodeDocument } from "@belay/engine";
import { describe, expect, test } from "vitest";
import { node, nodeOf, plan, refused, stage, statuses, undoable } from "./stage.ts";

const cleanUp = (id: string, setups: readonly string[], rest: Partial<NodeDocument> = {}): NodeDocument =>
  node(id, [], { always: { for: setups }, ...rest });

describe("teardowns going forward", () => {
  test("R2: a teardown runs after every other node, and the run ends with it", async () => {
    const s = await stage({}, { held: true });
    const run = await s.start(plan([cleanUp("t", ["a"]), node("a"), node("b", ["a"])]));
    for (const id of ["a", "b", "t"]) {
      await s.clock.elapse(0);
      expect(s.rig.pending.map((call) => call.node)).toEqual([id]);
      expect(run.snapshot().status).toBe("RUNNING");
      s.rig.pending[0]?.finish();
    }
    expect(statuses(await s.rest(run))).toEqual({ t: "SUCCESSFUL", a: "SUCCESSFUL", b: "SUCCESSFUL" });
    expect(run.snapshot().status).toBe("SUCCESSFUL");
  });

  test("R2: a teardown whose setup nodes never started is skipped", async () => {
    const s = await stage();
    const run = await s.start(plan([node("a"), node("b", ["a"], { when: "false" }), cleanUp("t", ["b"])]));
    const snapshot = await s.rest(run);
    expect(nodeOf(snapshot, "t")).toMatchObject({ status: "SKIPPED", skipReason: "upstream" });
    expect(snapshot.status).toBe("SUCCESSFUL");
  });

  test("R2: a member of a group that started is a setup that started", async () => {
    const s = await stage();
    const run = await s.start(plan([node("g", [], { split: { over: "[1, 2]" } }), cleanUp("t", ["g"])]));
    expect(nodeOf(await s.rest(run), "t").status).toBe("SUCCESSFUL");
  });

  test("R2: nothing is torn down while a run rests in FAILED; after the retry it is, once", async () => {
    const s = await stage({ a: "fail,ok" });
    const run = await s.start(plan([node("a"), cleanUp("t", ["a"])]));
    expect(statuses(await s.rest(run))).toEqual({ a: "FAILED", t: "PENDING" });
    await run.retry();
    expect((await s.rest(run)).status).toBe("SUCCESSFUL");
    expect(s.rig.started()).toEqual(["a", "a", "t"]);
  });

  test("R2, R14: a failed teardown fails the run, rolls nothing back, and can be retried or skipped", async () => {
    const s = await stage({ t: "fail" });
    const run = await s.start(
      plan([undoable("a"), cleanUp("t", ["a"]), cleanUp("u", ["a"])], { onFailure: "rollback" }),
    );
    const failed = await s.rest(run);
    expect(failed.status).toBe("FAILED");
    expect(statuses(failed)).toEqual({ a: "SUCCESSFUL", t: "FAILED", u: "SUCCESSFUL" });
    await run.retry();
    expect((await s.rest(run)).status).toBe("FAILED");
    await run.skip("t");
    expect((await s.rest(run)).status).toBe("SUCCESSFUL");
    expect(s.rig.undone()).toEqual([]);
    expect(s.rig.started()).toEqual(["a", "t", "u", "t"]);
  });

  test.each(["no-new", "kill"] as const)("R14: with failureMode %s a failing teardown holds no other", async (mode) => {
    const s = await stage({}, { held: true });
    const run = await s.start(plan([node("a"), cleanUp("t", ["a"]), cleanUp("u", ["a"])], { failureMode: mode }));
    await s.clock.elapse(0);
    s.rig.rescript("t", "fail");
    s.rig.pending[0]?.finish();
    await s.clock.elapse(0);
    const [t, u] = s.rig.pending;
    expect([t?.node, u?.node]).toEqual(["t", "u"]);
    t?.finish();
    await s.clock.elapse(0);
    expect(u?.held.ctx.signal.aborted).toBe(false);
    u?.finish();
    expect(statuses(await s.rest(run))).toEqual({ a: "SUCCESSFUL", t: "FAILED", u: "SUCCESSFUL" });
  });

  test("R12, R25: teardowns have upstreams among themselves, triggers and retries", async () => {
    const s = await stage({ t: "fail" });
    const nodes = [
      node("a"),
      cleanUp("t", ["a"], { retry: { maxAttempts: 2, initialInterval: 0 } }),
      cleanUp("u", ["a"], { upstreams: ["t"], trigger: "all_finished" }),
      cleanUp("v", ["a"], { upstreams: ["t"] }),
    ];
    const run = await s.start(plan(nodes));
    const snapshot = await s.rest(run);
    expect(s.rig.started()).toEqual(["a", "t", "t", "u"]);
    expect(statuses(snapshot)).toEqual({ a: "SUCCESSFUL", t: "FAILED", u: "SUCCESSFUL", v: "PENDING" });
  });

  test("R37: canceled in the middle of its teardown a run is CANCELED, and a retry finishes it", async () => {
    const s = await stage({ t: "obey,ok" });
    const run = await s.start(plan([node("a"), cleanUp("t", ["a"])]));
    await s.clock.elapse(0);
    await run.cancel();
    expect((await s.rest(run)).status).toBe("CANCELED");
    await run.retry();
    expect((await s.rest(run)).status).toBe("SUCCESSFUL");
  });

  test("R37: a paused run begins no teardown until it is resumed", async () => {
    const s = await stage({}, { held: true });
    const run = await s.start(plan([node("a"), cleanUp("t", ["a"])]));
    await s.clock.elapse(0);
    await run.pause();
    s.rig.pending[0]?.finish();
    await s.clock.elapse(0);
    expect(s.rig.pending).toEqual([]);
    await run.resume();
    await s.clock.elapse(0);
    expect(s.rig.pending.map((call) => call.node)).toEqual(["t"]);
  });
});

describe("teardowns and rollback", () => {
  test("R30: a rollback tears down once everything is undone, before it is ROLLED_BACK", async () => {
    const s = await stage({ b: "fail" });
    const nodes = [undoable("a"), undoable("b", ["a"]), cleanUp("t", ["a"]), cleanUp("never", ["c"]), node("c", ["b"])];
    const run = await s.start(plan(nodes, { onFailure: "rollback" }));
    const snapshot = await s.rest(run);
    expect(snapshot.status).toBe("ROLLED_BACK");
    expect(
      s.rig.trace.flatMap((e) => (e.kind === "start" || e.kind === "undo" ? [`${e.kind} ${e.node}`] : [])),
    ).toEqual(["start a", "start b", "undo b", "undo a", "start t"]);
    expect(nodeOf(snapshot, "never").skipReason).toBe("upstream");
  });

  test("R32: a teardown that fails after a rollback ends ROLLBACK_FAILED; rollback again runs it again, skip-rollback passes it", async () => {
    const s = await stage({ a: "fail", t: "fail" });
    const nodes = [undoable("a"), cleanUp("t", ["a"]), cleanUp("u", ["a"], { upstreams: ["t"] })];
    const run = await s.start(plan(nodes));
    await s.rest(run);
    await run.rollback();
    expect((await s.rest(run)).status).toBe("ROLLBACK_FAILED");
    await run.rollback();
    const again = await s.rest(run);
    expect(again.status).toBe("ROLLBACK_FAILED");
    expect(statuses(again)).toEqual({ a: "COMPENSATED", t: "FAILED", u: "PENDING" });
    await run.skipRollback("t");
    const ended = await s.rest(run);
    expect(statuses(ended)).toEqual({ a: "COMPENSATED", t: "SKIPPED", u: "SUCCESSFUL" });
    expect(ended.status).toBe("ROLLED_BACK");
    expect(s.rig.undone()).toEqual(["a"]);
    expect(s.rig.started()).toEqual(["a", "t", "t", "u"]);
  });

  test("R34: a rollback to the barrier tears nothing down; the run goes forward again and then does", async () => {
    const s = await stage({ c: "fail,ok" });
    const nodes = [
      node("a", [], { prohibitRollback: true }),
      undoable("b", ["a"]),
      node("c", ["b"]),
      cleanUp("t", ["b"]),
    ];
    const run = await s.start(plan(nodes));
    await s.rest(run);
    await run.rollback({ to: "barrier" });
    expect(await s.rest(run)).toMatchObject({ status: "PARTIALLY_ROLLED_BACK" });
    expect(s.rig.started()).toEqual(["a", "b", "c"]);
    await run.retry();
    expect((await s.rest(run)).status).toBe("SUCCESSFUL");
    expect(s.rig.started()).toEqual(["a", "b", "c", "b", "c", "t"]);
  });

  test("R30: a failed teardown of the way forward runs again after the rollback, one that succeeded does not", async () => {
    const s = await stage({ t: "fail,ok" });
    const run = await s.start(plan([undoable("a"), cleanUp("t", ["a"]), cleanUp("u", ["a"])]));
    expect((await s.rest(run)).status).toBe("FAILED");
    await run.rollback();
    expect((await s.rest(run)).status).toBe("ROLLED_BACK");
    expect(s.rig.started()).toEqual(["a", "t", "u", "t"]);
    expect(s.rig.undone()).toEqual(["a"]);
  });

  test("R32: a canceled run is rolled back and torn down, retries included", async () => {
    const s = await stage({ a: "obey", t: "fail,ok" });
    const run = await s.start(
      plan([undoable("a"), cleanUp("t", ["a"], { retry: { maxAttempts: 2, initialInterval: 0 } })]),
    );
    await s.clock.elapse(0);
    await run.cancel();
    await s.rest(run);
    await run.rollback();
    await refused(run.cancel(), "STATE_INVALID");
    expect((await s.rest(run)).status).toBe("ROLLED_BACK");
    expect(s.rig.started()).toEqual(["a", "t", "t"]);
  });

  test("R37: an abandoned run tears nothing down", async () => {
    const s = await stage({ a: "fail" });
    const run = await s.start(plan([node("a"), cleanUp("t", ["a"])]));
    await s.rest(run);
    await run.abandon();
    expect(statuses(await s.rest(run))).toEqual({ a: "FAILED", t: "PENDING" });
  });
});

describe("plans with teardowns", () => {
  const codes = (nodes: readonly NodeDocument[]): string[] =>
    checkPlan(plan(nodes)).diagnostics.map(({ code, path }) => `${code} ${path}`);

  test("R3: what a teardown may not be is refused, all at once, with its place", () => {
    const nodes = [
      node("a", ["t"]),
      cleanUp("t", ["nobody", "u", "a", "a"], {
        compensation: { action: "undo" },
        prohibitRollback: true,
        split: { over: "[1]" },
      }),
      cleanUp("u", ["a"], { upstreams: ["b"] }),
      node("b"),
    ];
    expect(codes(nodes)).toEqual([
      "CONFLICT nodes[0].upstreams",
      "CONFLICT nodes[1].compensation",
      "CONFLICT nodes[1].prohibitRollback",
      "CONFLICT nodes[1].split",
      "UNKNOWN_NODE nodes[1].always.for[0]",
      "CONFLICT nodes[1].always.for[1]",
      "DUPLICATE_EDGE nodes[1].always.for[3]",
      "CONFLICT nodes[2].upstreams",
    ]);
    expect(codes([node("a"), cleanUp("t", [])])).toEqual(["INVALID_VALUE nodes[1].always.for"]);
  });

  test("R3: a teardown reads its setup nodes and what is above them, nothing else", () => {
    const read = (id: string): string[] =>
      codes([
        node("a"),
        node("b", ["a"]),
        node("c", ["b"]),
        cleanUp("t", ["b"], { with: { $cel: `nodes.${id}.status` } }),
      ]);
    expect(read("a")).toEqual([]);
    expect(read("b")).toEqual([]);
    expect(read("c")).toEqual(["NOT_AN_ANCESTOR nodes[3].with"]);
  });
});

describe("a retry while the teardowns have their turn", () => {
  test("R2: lets an ordinary node run again first: the end is not near any more", async () => {
    const s = await stage({ a: "obey,ok", t: "fail,ok" }, { held: true });
    const run = await s.start(plan([node("a", [], { onFailure: "continue" }), cleanUp("t", ["a"])]));
    await s.clock.elapse(0);
    await run.cancel({ node: "a" });
    await s.clock.elapse(0);
    s.rig.pending.find((call) => call.node === "t")?.finish();
    await s.clock.elapse(0);
    expect(statuses(run.snapshot())).toEqual({ a: "FAILED", t: "FAILED" });
    expect(run.snapshot().status).toBe("FAILED");
    // What was stopped from outside runs again with a retry of all, and nothing is torn down under it.
    await run.retry();
    await s.clock.elapse(0);
    for (const id of ["a", "t"]) {
      expect(s.rig.pending.map((call) => call.node)).toEqual([id]);
      s.rig.pending[0]?.finish();
      await s.clock.elapse(0);
    }
    expect((await s.finish(run)).status).toBe("SUCCESSFUL");
    expect(statuses(run.snapshot())).toEqual({ a: "SUCCESSFUL", t: "SUCCESSFUL" });
  });
});
