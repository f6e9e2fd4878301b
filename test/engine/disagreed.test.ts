/** What a second statement of the rules disagreed on with the core: each was a defect, and holds now. */
import { describe, expect, test } from "vitest";
import { node, nodeOf, plan, stage, statuses, undoable } from "./stage.ts";

describe("found by comparing the core with a reference model", () => {
  test("R21: a failing group whose last open member is held has failed, and can be retried", async () => {
    const s = await stage({ "g[0]": "fail,ok", x: "obey,ok" }, { engine: { concurrency: 2 }, held: true });
    const nodes = [node("x", [], { priority: 1 }), node("g", [], { split: { over: "[1, 2]" } })];
    const run = await s.start(plan(nodes, { failureMode: "continue" }));
    await s.clock.elapse(0);
    // In one tick: the first member fails, which does not hold the second, and the run is canceled, which does.
    await run.pause();
    s.rig.pending.find((call) => call.node === "g[0]")?.finish();
    await s.clock.elapse(0);
    expect(statuses(run.snapshot())).toEqual({ x: "RUNNING", "g[0]": "FAILED", "g[1]": "READY" });
    await run.cancel();
    const snapshot = await s.finish(run);
    expect(snapshot.status).toBe("CANCELED");
    expect(snapshot.groups[0]?.status).toBe("FAILED");
    await run.retry({ node: "g" });
    await s.clock.elapse(0);
    expect(s.rig.pending.map((call) => call.node)).toEqual(["g[0]", "g[1]"]);
  });

  test("R14, R21: also after a retry elsewhere, the last candidate's failure holds others before it is undone", async () => {
    const s = await stage({ x: "fail,ok", "g[0]": "fail" }, { held: true });
    const run = await s.start(
      plan([
        node("x"),
        undoable("g", [], { split: { over: "[1]", method: "FIRST_SUCCESS" }, priority: -1 }),
        node("slow", [], { priority: -2 }),
        node("late", ["slow"]),
      ]),
    );
    const finish = async (id: string): Promise<void> => {
      await s.clock.elapse(0);
      s.rig.pending.find((call) => call.node === id)?.finish();
      await s.clock.elapse(0);
    };
    await finish("x");
    await run.retry({ node: "x" });
    await finish("g[0]");
    expect(s.rig.pending.some((call) => call.node === "g[0]" && call.compensation)).toBe(true);
    await finish("slow");
    expect(nodeOf(run.snapshot(), "late").status).toBe("PENDING");
    expect(s.rig.started()).not.toContain("late");
  });

  test("R25: under kill, the members of a group that is retried have all their attempts", async () => {
    const s = await stage({ g: "fail", x: "fail" });
    const nodes = [
      node("x"),
      node("g", [], { split: { over: "[1]" }, retry: { maxAttempts: 2, initialInterval: 0 }, priority: 1 }),
    ];
    const run = await s.start(plan(nodes, { failureMode: "kill" }));
    await s.finish(run);
    const before = s.rig.started().filter((id) => id === "g[0]").length;
    await run.retry({ node: "g" });
    await s.finish(run);
    expect(s.rig.started().filter((id) => id === "g[0]").length - before).toBe(2);
  });

  test("R37: after a cancel and a partial rollback one node that failed can be retried", async () => {
    const s = await stage({ b: "obey,ok" });
    const run = await s.start(plan([node("a", [], { prohibitRollback: true }), node("b", ["a"])]));
    await s.clock.elapse(0);
    await run.cancel();
    await s.finish(run);
    await run.rollback({ to: "barrier" });
    expect((await s.finish(run)).status).toBe("PARTIALLY_ROLLED_BACK");
    await run.retry({ node: "b" });
    expect((await s.finish(run)).status).toBe("SUCCESSFUL");
  });

  test("R11: a compensation that was taken back leaves no better place to the next attempt of its node", async () => {
    const s = await stage({ a: "fail,ok" }, { engine: { concurrency: 1 }, held: true });
    const retry = { maxAttempts: 2, mode: "compensate-first", initialInterval: 0 } as const;
    const nodes = [
      { id: "go", action: "belay.signal" },
      undoable("a", [], { retry, totalTimeout: 5, priority: -1 }),
      node("b", ["go"]),
    ];
    const run = await s.start(plan(nodes, { failureMode: "continue" }));
    await s.clock.elapse(0);
    // Paused when the attempt answers: its compensation is queued, and taken back when its time is over.
    await run.pause();
    s.rig.pending[0]?.finish();
    await s.clock.elapse(5000);
    expect(nodeOf(run.snapshot(), "a")).toMatchObject({ status: "FAILED", error: { code: "TOTAL_TIMEOUT" } });
    await run.signal("go");
    await run.retry({ node: "a" });
    await run.resume();
    await s.clock.elapse(0);
    // What its first attempt left is undone before the next one (R25), ahead of what is ready; then it waits for its place.
    expect(s.rig.pending.map(({ node: id, compensation }) => [id, compensation])).toEqual([["a", true]]);
    s.rig.pending[0]?.finish();
    await s.clock.elapse(0);
    expect(s.rig.pending.map(({ node: id, compensation }) => [id, compensation])).toEqual([["b", false]]);
  });

  test("R21: a group that starts over undoes the candidate that could not be undone, and then tries it again", async () => {
    const s = await stage({ "g[0]": "fail,ok", "g[1]": { run: "fail", undo: "fail,ok" } });
    const run = await s.start(plan([undoable("g", [], { split: { over: "[1, 2]", method: "FIRST_SUCCESS" } })]));
    expect(statuses(await s.finish(run))).toEqual({ "g[0]": "COMPENSATED", "g[1]": "COMPENSATION_FAILED" });
    await run.retry();
    expect(statuses(await s.finish(run))).toEqual({ "g[0]": "SUCCESSFUL", "g[1]": "SKIPPED" });
    const calls = s.rig.trace.flatMap((e) => (e.kind === "start" || e.kind === "undo" ? [`${e.kind} ${e.node}`] : []));
    expect(calls.slice(-2)).toEqual(["undo g[1]", "start g[0]"]);
  });

  test("R21: so does a group whose only candidate could not be undone", async () => {
    const s = await stage({ "g[0]": { run: "fail,ok", undo: "fail,ok" } });
    const run = await s.start(plan([undoable("g", [], { split: { over: "[1]", method: "FIRST_SUCCESS" } })]));
    expect(statuses(await s.finish(run))).toEqual({ "g[0]": "COMPENSATION_FAILED" });
    await run.retry({ node: "g" });
    expect(statuses(await s.finish(run))).toEqual({ "g[0]": "SUCCESSFUL" });
  });

  test("R12, R21: a group that is not needed any more is not skipped while a candidate is being undone", async () => {
    const s = await stage({ a: "fail,ok", "g[0]": { run: "fail", undo: "fail,fail,ok" } });
    const split = { over: "[1]", method: "FIRST_SUCCESS" } as const;
    const run = await s.start(plan([node("a"), undoable("g", ["a"], { trigger: "any_failed", split })]));
    await s.rest(run);
    await run.retry();
    // Undone in vain again: what the candidate has left is not passed over in silence.
    expect((await s.finish(run)).status).toBe("FAILED");
    expect(run.snapshot().groups[0]?.status).toBe("FAILED");
    await run.retry();
    const snapshot = await s.finish(run);
    expect(snapshot.status).toBe("SUCCESSFUL");
    expect(snapshot.groups[0]?.status).toBe("SKIPPED");
  });

  test("R20, R37: a member whose condition could not be evaluated is asked again when it is retried", async () => {
    const s = await stage({ a: { output: { list: [{ x: 1 }, { y: 1 }] } } });
    const over = { split: { over: "nodes.a.output.list" }, when: "item.x == 1" };
    const run = await s.start(plan([node("a"), node("g", ["a"], over)]));
    expect(statuses(await s.rest(run))).toMatchObject({ "g[1]": "FAILED" });
    await run.retry({ node: "g[1]" });
    expect(nodeOf(await s.rest(run), "g[1]")).toMatchObject({ status: "FAILED", error: { code: "EXPRESSION_FAILED" } });
    expect(s.rig.started()).toEqual(["a"]);
  });

  test("R20, R21: a SERIAL group whose retried member is asked for its condition lets no other go meanwhile", async () => {
    const s = await stage({ a: { output: { list: [1, 2] } } }, { held: true });
    const over = {
      split: { over: "nodes.a.output.list", method: "SERIAL" },
      when: "item == nodes.a.output.missing",
    } as const;
    const run = await s.start(plan([node("a"), node("g", ["a"], over)]));
    await s.clock.elapse(0);
    s.rig.pending[0]?.finish();
    await s.clock.elapse(0);
    expect(statuses(run.snapshot())).toMatchObject({ "g[0]": "FAILED", "g[1]": "PENDING" });
    await run.retry({ node: "g[0]" });
    expect(statuses(run.snapshot())).toMatchObject({ "g[0]": "FAILED", "g[1]": "PENDING" });
  });

  test("R37: a group that is canceled while a member is being undone for its next attempt gets no such attempt", async () => {
    const s = await stage({ g: "fail" }, { held: true });
    const retry = { maxAttempts: 2, mode: "compensate-first", initialInterval: 0 } as const;
    const run = await s.start(plan([undoable("g", [], { split: { over: "[1]" }, retry })]));
    await s.clock.elapse(0);
    s.rig.pending[0]?.finish();
    await s.clock.elapse(0);
    expect(s.rig.pending.map(({ compensation }) => compensation)).toEqual([true]);
    await run.cancel({ node: "g" });
    s.rig.pending[0]?.finish();
    const snapshot = await s.finish(run);
    expect(nodeOf(snapshot, "g[0]")).toMatchObject({ status: "FAILED", error: { code: "CANCELED" } });
    expect(s.rig.started()).toEqual(["g[0]"]);
  });
});
