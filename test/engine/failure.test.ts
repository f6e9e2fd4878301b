import { settleTurns } from "@belay/engine/testing";
import { describe, expect, test } from "vitest";
import { node, nodeOf, plan, stage, statuses } from "./stage.ts";

describe("R14: failureMode", () => {
  const fork = [node("a"), node("b"), node("below-a", ["a"]), node("below-b", ["b"])];

  test("R14: no-new: nothing new starts, what runs finishes, the run fails once nothing runs", async () => {
    const s = await stage({ a: "fail" }, { held: true });
    const run = await s.start(plan(fork));
    await settleTurns();
    s.rig.pending[0]?.finish();
    await settleTurns();
    expect(run.snapshot().status).toBe("RUNNING");
    s.rig.pending[0]?.finish();
    const snapshot = await s.finish(run);
    expect(snapshot.status).toBe("FAILED");
    expect(statuses(snapshot)).toEqual({ a: "FAILED", b: "SUCCESSFUL", "below-a": "PENDING", "below-b": "PENDING" });
  });

  test("R14: continue: independent branches go on, descendants of the failure do not", async () => {
    const s = await stage({ a: "fail" });
    const run = await s.start(plan(fork, { failureMode: "continue" }));
    const snapshot = await s.finish(run);
    expect(snapshot.status).toBe("FAILED");
    expect(s.rig.started()).toEqual(["a", "b", "below-b"]);
  });

  test("R14: kill: a failure aborts the nodes that run, each FAILED with code KILLED", async () => {
    const s = await stage({ a: "fail", b: "obey" });
    const run = await s.start(plan([node("b"), node("a")], { failureMode: "kill" }));
    const snapshot = await s.finish(run);
    expect(snapshot.status).toBe("FAILED");
    expect(nodeOf(snapshot, "b")).toMatchObject({ status: "FAILED", error: { code: "KILLED" } });
    expect(nodeOf(snapshot, "a").error).toMatchObject({ code: "E_SCRIPT", message: "a failed" });
  });

  test("R14: a reaction starts under no-new, and the run is FAILED only after it", async () => {
    const s = await stage({ a: "fail" });
    const run = await s.start(
      plan([node("a"), node("repair", ["a"], { trigger: "any_failed" }), node("below", ["a"])]),
    );
    const snapshot = await s.finish(run);
    expect(statuses(snapshot)).toEqual({ a: "FAILED", repair: "SUCCESSFUL", below: "PENDING" });
    expect(snapshot.status).toBe("FAILED");
    const told = s.rig.trace.flatMap((entry) => (entry.kind === "event" ? [entry.event.type] : []));
    expect(told.at(-1)).toBe("run:failed");
  });

  test("R14: the last failure of several wins nothing: the run fails once", async () => {
    const s = await stage({ a: "fail", b: "fail" });
    const run = await s.start(plan(fork, { failureMode: "continue" }));
    await s.finish(run);
    const failed = s.rig.trace.filter((entry) => entry.kind === "event" && entry.event.type === "run:failed");
    expect(failed).toHaveLength(1);
  });
});

describe("R15: the run's status", () => {
  test("R15: a failed middle with a successful leaf is a failed run", async () => {
    const s = await stage({ a: "fail" });
    const run = await s.start(plan([node("a"), node("leaf", ["a"], { trigger: "all_finished" })]));
    const snapshot = await s.finish(run);
    expect(statuses(snapshot)).toEqual({ a: "FAILED", leaf: "SUCCESSFUL" });
    expect(snapshot.status).toBe("FAILED");
  });

  test("R15: a tolerated failure is shown as FAILED and does not fail the run", async () => {
    const s = await stage({ a: "fail" });
    const run = await s.start(plan([node("a", [], { onFailure: "continue" }), node("b", ["a"])]));
    const snapshot = await s.finish(run);
    expect(snapshot.status).toBe("SUCCESSFUL");
    expect(nodeOf(snapshot, "a")).toMatchObject({ status: "FAILED", tolerated: true });
    const event = s.rig.trace.find((entry) => entry.kind === "event" && entry.event.type === "node:failed");
    expect(event).toMatchObject({ event: { nodeId: "a", tolerated: true, outcome: "failed" } });
  });

  test("R15: a run of skipped nodes only is SUCCESSFUL", async () => {
    const s = await stage();
    const run = await s.start(plan([node("a", [], { when: "false" }), node("b", [], { when: "1 > 2" })]));
    expect((await s.finish(run)).status).toBe("SUCCESSFUL");
  });
});

describe("R26: plan timeout", () => {
  test("R26: when the run's time is up, what runs is aborted and the run fails", async () => {
    const s = await stage({ a: "obey" });
    const run = await s.start(plan([node("a"), node("b", ["a"])], { timeout: 60 }));
    await s.clock.elapse(59_999);
    expect(run.snapshot().status).toBe("RUNNING");
    await s.clock.elapse(1);
    const snapshot = await s.finish(run);
    expect(snapshot.status).toBe("FAILED");
    expect(nodeOf(snapshot, "a")).toMatchObject({ status: "FAILED", error: { code: "RUN_TIMEOUT" } });
    expect(nodeOf(snapshot, "b").status).toBe("PENDING");
  });
});
