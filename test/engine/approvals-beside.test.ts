/**
 * Approvals beside other verbs, in groups, in teardowns (R21, R25, R32, R37): what a retry, a skip, a pause, a failure
 * elsewhere or a rollback makes of them.
 */
import type { NodeDocument } from "@belay/engine";
import { settleTurns } from "@belay/engine/testing";
import { describe, expect, test } from "vitest";
import { node, nodeOf, plan, refused, stage, statuses, undoable } from "./stage.ts";

const approval = (id: string, input?: NodeDocument["with"], rest: Partial<NodeDocument> = {}): NodeDocument => ({
  id,
  action: "belay.approval",
  ...(input === undefined ? {} : { with: input }),
  ...rest,
});

describe("R37: approvals beside other verbs", () => {
  test("R25: a retry after a rejection forgets who had approved, and the words of the last attempt", async () => {
    const s = await stage();
    const run = await s.start(plan([approval("ok", { required: 2 })]));
    await s.clock.elapse(0);
    await run.approve("ok", { who: "ann", requestId: "1" });
    await run.reject("ok", { who: "bob" });
    await s.rest(run);
    await run.retry();
    await s.clock.elapse(0);
    expect(nodeOf(run.snapshot(), "ok").waiting?.approvedBy).toEqual([]);
    expect(nodeOf(run.snapshot(), "ok").error).toMatchObject({ code: "REJECTED" });
    await run.approve("ok", { who: "ann", requestId: "2" });
    await run.approve("ok", { who: "bob" });
    expect(nodeOf(await s.finish(run), "ok")).toMatchObject({
      status: "SUCCESSFUL",
      error: null,
      output: { approvedBy: ["ann", "bob"] },
    });
  });

  test("R37: while it waits it cannot be skipped; after a cancel an operator may pass it, and says what it gives", async () => {
    const s = await stage();
    const run = await s.start(plan([approval("ok", { required: 2 })]));
    await s.clock.elapse(0);
    await run.approve("ok", { who: "ann" });
    const error = await refused(run.skip("ok", { who: "joe" }), "STATE_INVALID");
    expect(error.details["allowedIn"]).toEqual(["FAILED", "READY", "COMPENSATION_FAILED"]);
    await run.cancel({ node: "ok", who: "joe" });
    await s.rest(run);
    await run.skip("ok", { who: "joe", why: "nobody is there", output: { by: "joe" } });
    const snapshot = await s.finish(run);
    expect(nodeOf(snapshot, "ok")).toMatchObject({ status: "SKIPPED", output: { by: "joe" }, waiting: null });
  });

  test("R37: approved while the run is paused, it is done; what is below waits for resume", async () => {
    const s = await stage();
    const run = await s.start(plan([approval("ok"), node("a", ["ok"])]));
    await s.clock.elapse(0);
    await run.pause();
    expect(run.snapshot().status).toBe("PAUSED");
    await run.approve("ok", { who: "ann" });
    await settleTurns();
    expect(run.snapshot().status).toBe("PAUSED");
    expect(statuses(run.snapshot())).toEqual({ ok: "SUCCESSFUL", a: "READY" });
    await run.resume();
    expect((await s.finish(run)).status).toBe("SUCCESSFUL");
  });

  test("R14: a failure beside it starts nothing new, and leaves what waits to the people it waits for", async () => {
    const s = await stage({ b: "fatal" });
    const run = await s.start(plan([undoable("b"), approval("ok"), node("c", ["ok"])]));
    await s.clock.elapse(0);
    expect(statuses(run.snapshot())).toEqual({ b: "FAILED", ok: "RUNNING", c: "PENDING" });
    await refused(run.rollback(), "STATE_INVALID");
    await run.approve("ok", { who: "ann" });
    expect(statuses(await s.rest(run))).toEqual({ b: "FAILED", ok: "SUCCESSFUL", c: "PENDING" });
    await run.rollback();
    expect((await s.finish(run)).status).toBe("ROLLED_BACK");
    expect(s.rig.undone()).toEqual(["b"]);
  });

  test("R14: kill takes the question back", async () => {
    const s = await stage({ b: "fatal" });
    const run = await s.start(plan([approval("ok"), node("b")], { failureMode: "kill" }));
    await s.clock.elapse(0);
    expect(nodeOf(await s.finish(run), "ok")).toMatchObject({ status: "FAILED", error: { code: "KILLED" } });
    await refused(run.approve("ok", { who: "ann" }), "STATE_INVALID");
  });

  test("R32, R37: in a rollback nobody is asked about what it undoes", async () => {
    const s = await stage({ b: "fatal" });
    const run = await s.start(plan([approval("ok"), undoable("a", ["ok"]), node("b", ["a"])]));
    await s.clock.elapse(0);
    await run.approve("ok", { who: "ann" });
    await s.rest(run);
    await run.rollback();
    const snapshot = await s.finish(run);
    expect(snapshot.status).toBe("ROLLED_BACK");
    expect(nodeOf(snapshot, "ok")).toMatchObject({ status: "SUCCESSFUL", output: { approvedBy: ["ann"] } });
  });

  test("R35: run again below a rollback that went above it, it asks anew; one that stood still stands", async () => {
    const s = await stage({ b: "fatal,fatal,ok" });
    const document = plan([undoable("a"), approval("ok", undefined, { upstreams: ["a"] }), undoable("b", ["ok"])]);
    const run = await s.start(document);
    await s.clock.elapse(0);
    await run.approve("ok", { who: "ann", requestId: "1" });
    await s.rest(run);
    await run.rollback({ to: "ok" });
    await s.rest(run);
    await run.retry();
    expect(nodeOf(await s.rest(run), "ok")).toMatchObject({ status: "SUCCESSFUL", runTime: 1 });
    await run.rollback({ to: "a" });
    await s.rest(run);
    await run.retry();
    await s.clock.elapse(0);
    expect(nodeOf(run.snapshot(), "ok").waiting?.approvedBy).toEqual([]);
    await run.approve("ok", { who: "ann", requestId: "2" });
    expect((await s.finish(run)).status).toBe("SUCCESSFUL");
  });
});

describe("R21, R37: approvals in groups and teardowns", () => {
  const each = (method: "PARALLEL" | "SERIAL" | "FIRST_SUCCESS"): Partial<NodeDocument> => ({
    split: { over: '["db", "net"]', method },
  });

  test("R21: in a chain the next member asks once the one before has its approval, and each counts for itself", async () => {
    const s = await stage();
    const run = await s.start(plan([approval("ok", { required: 2 }, each("SERIAL"))]));
    await s.clock.elapse(0);
    await run.approve("ok[0]", { who: "ann" });
    await refused(run.approve("ok[1]", { who: "ann" }), "STATE_INVALID");
    await run.approve("ok[0]", { who: "bob" });
    await s.clock.elapse(0);
    expect(nodeOf(run.snapshot(), "ok[1]").waiting?.approvedBy).toEqual([]);
    await run.approve("ok[1]", { who: "bob" });
    await run.approve("ok[1]", { who: "ann" });
    expect((await s.finish(run)).groups[0]?.output).toEqual([
      { approvedBy: ["ann", "bob"] },
      { approvedBy: ["bob", "ann"] },
    ]);
  });

  test("R21: among candidates a rejection asks the next one, and is not asked again by itself", async () => {
    const s = await stage();
    const run = await s.start(plan([approval("ok", undefined, each("FIRST_SUCCESS"))]));
    await s.clock.elapse(0);
    await run.reject("ok[0]", { who: "ann", why: "not that one" });
    await s.clock.elapse(0);
    await refused(run.approve("ok[0]", { who: "bob" }), "STATE_INVALID");
    await run.approve("ok[1]", { who: "ann" });
    const snapshot = await s.finish(run);
    expect(snapshot.groups[0]).toMatchObject({ status: "SUCCESSFUL", output: { approvedBy: ["ann"] } });
  });

  test("R20, R37: approvers may come from the member's item: only those of that item may approve it", async () => {
    const s = await stage();
    const over = '[{"who": ["ann"]}, {"who": ["bob"]}]';
    const run = await s.start(plan([approval("ok", { approvers: { $cel: "item.who" } }, { split: { over } })]));
    await s.clock.elapse(0);
    await refused(run.approve("ok[0]", { who: "bob" }), "FORBIDDEN");
    await refused(run.reject("ok[1]", { who: "ann" }), "FORBIDDEN");
    await run.approve("ok[0]", { who: "ann" });
    await run.approve("ok[1]", { who: "bob" });
    expect((await s.finish(run)).status).toBe("SUCCESSFUL");
  });

  test("R2, R37: a teardown of a rollback asks too; its rejection is ROLLBACK_FAILED, and rollback asks again", async () => {
    const s = await stage({ b: "fatal" });
    const document = plan([
      undoable("a"),
      node("b", ["a"]),
      approval("ok", { approvers: ["ann", "bob"], required: 2 }, { always: { for: ["a"] } }),
    ]);
    const run = await s.start(document);
    await s.rest(run);
    await refused(run.approve("ok", { who: "ann" }), "STATE_INVALID");
    await run.rollback();
    await s.clock.elapse(0);
    expect(run.snapshot().status).toBe("ROLLING_BACK");
    await refused(run.approve("ok", { who: "eve" }), "FORBIDDEN");
    await run.approve("ok", { who: "ann" });
    await run.reject("ok", { who: "bob" });
    expect((await s.rest(run)).status).toBe("ROLLBACK_FAILED");
    await run.rollback();
    await s.clock.elapse(0);
    expect(nodeOf(run.snapshot(), "ok").waiting?.approvedBy).toEqual([]);
    await run.approve("ok", { who: "ann" });
    await run.approve("ok", { who: "bob" });
    expect((await s.finish(run)).status).toBe("ROLLED_BACK");
    expect(s.rig.undone()).toEqual(["a"]);
  });

  test("R2, R37: skip-rollback passes a teardown that was rejected", async () => {
    const s = await stage({ b: "fatal" });
    const run = await s.start(
      plan([undoable("a"), node("b", ["a"]), approval("ok", undefined, { always: { for: ["a"] } })]),
    );
    await s.rest(run);
    await run.rollback();
    await s.clock.elapse(0);
    await run.reject("ok", { who: "ann" });
    await s.rest(run);
    await run.skipRollback("ok");
    expect((await s.finish(run)).status).toBe("ROLLED_BACK");
  });
});
