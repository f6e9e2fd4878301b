/** R12-R37 where two things meet: a retry and a stop, a group and its neighbours, a late answer and a new attempt. */
import { describe, expect, test } from "vitest";
import { CoreRun, LIST, node, plan, undoable } from "./core-run.ts";

describe("R25, R26: answers and stops", () => {
  test("R25: a late answer of an older attempt does not let go of a newer one that is being aborted", () => {
    const run = new CoreRun(plan([node("a", [], { timeout: 1, retry: { maxAttempts: 3, initialInterval: 0 } })]));
    run.start();
    run.grant();
    run.due("attempt", "a");
    run.due("grace", "a");
    run.grant();
    run.verb({ kind: "cancel", node: "a" });
    expect(run.feed({ kind: "failed", node: "a", attempt: 1, retryable: true })).toEqual(["LATE a #1 FAILED"]);
    expect(run.status("a")).toBe("CANCELING");
  });

  test("R26: a run whose time is up with nothing in flight is FAILED at once", () => {
    const run = new CoreRun(plan([node("a")], { timeout: 9 }));
    run.start();
    expect(run.due("run")).toEqual(["HELD a", "DISARM run run", "RUN_STATUS run FAILED"]);
    expect(run.verb({ kind: "retry" })).toEqual(["RUN_STATUS run RUNNING again", "ARM run run #2 +9000", "READY a #1"]);
  });

  test("R37: a retry while a run that is out of time lets go arms its time anew; what was aborted still gets no further attempt", () => {
    const run = new CoreRun(
      plan([node("a"), node("b", [], { retry: { maxAttempts: 3, initialInterval: 0 } })], {
        timeout: 9,
        failureMode: "continue",
      }),
    );
    run.start();
    run.grant();
    run.fail("a");
    run.due("run");
    expect(run.verb({ kind: "retry", node: "a" })).toEqual(["ARM run run #2 +9000", "RESET a started", "READY a #2"]);
    expect(run.fail("b")).toEqual(["DISARM b grace", "FAILED b RUN_TIMEOUT #1 UNKNOWN"]);
    expect(run.due("run", "", 1)).toEqual([]);
    expect(run.run).toBe("RUNNING");
  });

  test("R37: a retry in a run that goes on leaves its time alone", () => {
    const run = new CoreRun(plan([node("a"), node("b")], { timeout: 9, failureMode: "continue" }));
    run.start();
    run.grant();
    run.fail("a");
    expect(run.verb({ kind: "retry", node: "a" })).toEqual(["RESET a started", "READY a #2"]);
  });

  test("R14: under no-new an attempt that fails beside a failure is tried again", () => {
    const run = new CoreRun(plan([node("a"), node("b", [], { retry: { maxAttempts: 2, initialInterval: 1 } })]));
    run.start();
    run.grant();
    run.fail("a");
    expect(run.fail("b")).toEqual(["RETRYING b NONE #1 FAILED +1000", "ARM b backoff #1 +1000"]);
  });

  test("R26: totalTimeout of attempts is no business of a later rollback", () => {
    const run = new CoreRun(plan([undoable("a", [], { totalTimeout: 5 }), node("b", ["a"])]));
    run.start();
    run.grant();
    run.ok("a");
    run.grant();
    run.fail("b");
    run.verb({ kind: "rollback", scope: "all" });
    run.grant();
    expect(run.fail("a")).toEqual(["UNDO_FAILED a #1", "RUN_STATUS run ROLLBACK_FAILED"]);
    expect(run.refusal({ kind: "rollback", scope: "barrier" })).toBe(undefined);
  });

  test("R12: any_succeeded over one failure waits for a retry", () => {
    const run = new CoreRun(
      plan([node("a"), node("b", ["a"], { trigger: "any_succeeded" }), node("c", ["a"], { trigger: "none_failed" })], {
        failureMode: "continue",
      }),
    );
    run.start();
    run.grant();
    run.fail("a");
    expect(run.statuses).toEqual({ a: "FAILED", b: "PENDING", c: "PENDING" });
  });
});

describe("R12: retried by name", () => {
  test("R12: a node that is retried by name runs although its trigger would no longer hold", () => {
    const run = new CoreRun(
      plan([node("a"), node("r", ["a"], { trigger: "any_failed" }), node("z")], { failureMode: "continue" }),
    );
    run.start();
    run.grant();
    run.fail("a");
    run.grant();
    run.fail("r");
    run.verb({ kind: "retry", node: "a" });
    run.grant();
    run.ok("a");
    expect(run.verb({ kind: "retry", node: "r" })).toEqual(["RESET r started", "READY r #2"]);
    expect(run.grant()).toEqual(["RUN r #2"]);
    expect(run.ok("r")).toEqual(["SUCCEEDED r #2"]);
  });

  test("R12: a group that is retried by name goes on although its trigger would no longer hold", () => {
    const run = new CoreRun(
      plan([node("a"), node("g", ["a"], { trigger: "any_failed", split: { over: "params.list" } }), node("z")], {
        ...LIST,
        failureMode: "continue",
      }),
      { list: ["x"] },
    );
    run.start();
    run.grant();
    run.fail("a");
    run.grant();
    run.fail("g[0]");
    run.verb({ kind: "retry", node: "a" });
    run.grant();
    run.ok("a");
    expect(run.verb({ kind: "retry", node: "g" })).toEqual(["RESET g", "RESET g[0] started", "READY g[0] #2"]);
  });

  test("R12: what was asked for its condition once goes on by name as well, a node and a group, and is not asked again", () => {
    const below = { trigger: "any_failed", when: "true" } as const;
    const run = new CoreRun(
      plan([node("a"), node("r", ["a"], below), node("g", ["a"], { ...below, split: { over: "params.list" } })], {
        ...LIST,
        failureMode: "continue",
      }),
      { list: ["x"] },
    );
    run.start();
    run.grant();
    expect(run.fail("a")).toEqual(["FAILED a NONE #1 FAILED", "RESOLVE r", "RESOLVE g"]);
    run.resolve("r");
    run.resolve("g");
    run.grant();
    run.fail("r");
    run.fail("g[0]");
    run.verb({ kind: "retry", node: "a" });
    run.grant();
    run.ok("a");
    expect(run.verb({ kind: "retry", node: "r" })).toEqual([
      "RUN_STATUS run RUNNING again",
      "RESET r started",
      "READY r #2",
    ]);
    expect(run.verb({ kind: "retry", node: "g" })).toEqual(["RESET g", "RESET g[0] started", "READY g[0] #2"]);
  });
});
