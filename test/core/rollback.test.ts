/** R30-R32 as the core alone decides them: who is undone, in which order, and how a rollback ends. */
import { describe, expect, test } from "vitest";
import { CoreRun, LIST, node, plan, undoable } from "./core-run.ts";

describe("R30: the order", () => {
  test("R30: a node is undone only after all its started descendants; one with nothing to undo shields nothing", () => {
    const run = new CoreRun(
      plan([undoable("a"), node("m", ["a"]), undoable("b", ["m"]), undoable("c", ["a"]), node("f", ["b", "c"])]),
    );
    run.start();
    run.grant();
    run.ok("a");
    run.grant();
    run.ok("m", "c");
    run.grant();
    run.ok("b");
    run.grant();
    run.fail("f");
    expect(run.verb({ kind: "rollback", scope: "all" })).toEqual(["RUN_STATUS run ROLLING_BACK"]);
    expect(run.demand()).toBe(2);
    expect(run.grant()).toEqual(["COMPENSATE c #1", "COMPENSATE b #1"]);
    expect(run.ok("c")).toEqual(["COMPENSATED c #1"]);
    expect(run.grant()).toEqual([]);
    expect(run.ok("b")).toEqual(["COMPENSATED b #1"]);
    expect(run.grant()).toEqual(["COMPENSATE a #1"]);
    expect(run.ok("a")).toEqual(["COMPENSATED a #1", "RUN_STATUS run ROLLED_BACK"]);
    expect(run.statuses).toEqual({
      a: "COMPENSATED",
      m: "SUCCESSFUL",
      b: "COMPENSATED",
      c: "COMPENSATED",
      f: "FAILED",
    });
    expect(run.refusal({ kind: "rollback", scope: "all" })).toEqual({
      kind: "run-state",
      allowedIn: ["FAILED", "CANCELED", "PARTIALLY_ROLLED_BACK", "ROLLBACK_FAILED"],
    });
  });

  test("R30: nodes that never started are never compensated; the failed node is", () => {
    const run = new CoreRun(plan([undoable("a"), undoable("b", ["a"]), undoable("c", ["b"])]));
    run.start();
    run.grant();
    run.ok("a");
    run.grant();
    run.fail("b");
    run.verb({ kind: "rollback", scope: "all" });
    expect(run.grant()).toEqual(["COMPENSATE b #1"]);
    expect(run.ok("b")).toEqual(["COMPENSATED b #1"]);
    expect(run.grant()).toEqual(["COMPENSATE a #1"]);
    expect(run.ok("a")).toEqual(["COMPENSATED a #1", "RUN_STATUS run ROLLED_BACK"]);
    expect(run.statuses).toEqual({ a: "COMPENSATED", b: "COMPENSATED", c: "PENDING" });
  });

  test("R31: a compensation that covers successes only leaves a failed node alone", () => {
    const run = new CoreRun(
      plan([
        undoable("a", [], { compensation: { action: "undo", when: "succeeded" } }),
        undoable("b", ["a"], { compensation: { action: "undo", when: "succeeded" } }),
      ]),
    );
    run.start();
    run.grant();
    run.ok("a");
    run.grant();
    run.fail("b");
    run.verb({ kind: "rollback", scope: "all" });
    expect(run.grant()).toEqual(["COMPENSATE a #1"]);
    expect(run.ok("a")).toEqual(["COMPENSATED a #1", "RUN_STATUS run ROLLED_BACK"]);
  });

  test("R30: a rollback with nothing to undo ends at once", () => {
    const run = new CoreRun(plan([node("a"), node("b", ["a"])]));
    run.start();
    run.grant();
    run.ok("a");
    run.grant();
    run.fail("b");
    expect(run.verb({ kind: "rollback", scope: "all" })).toEqual([
      "RUN_STATUS run ROLLING_BACK",
      "RUN_STATUS run ROLLED_BACK",
    ]);
  });

  test("R30: members of a PARALLEL group are undone together; what is above waits for the last of them", () => {
    const run = new CoreRun(plan([undoable("a"), undoable("g", ["a"], { split: { over: "params.list" } })], LIST), {
      list: ["x", "y", "z"],
    });
    run.start();
    run.grant();
    run.ok("a");
    run.grant();
    run.ok("g[0]", "g[1]");
    run.fail("g[2]");
    run.verb({ kind: "rollback", scope: "all" });
    expect(run.grant()).toEqual(["COMPENSATE g[2] #1", "COMPENSATE g[1] #1", "COMPENSATE g[0] #1"]);
    expect(run.ok("g[1]")).toEqual(["COMPENSATED g[1] #1"]);
    expect(run.ok("g[2]")).toEqual(["COMPENSATED g[2] #1"]);
    expect(run.demand()).toBe(0);
    expect(run.ok("g[0]")).toEqual(["COMPENSATED g[0] #1"]);
    expect(run.grant()).toEqual(["COMPENSATE a #1"]);
    expect(run.ok("a")).toEqual(["COMPENSATED a #1", "RUN_STATUS run ROLLED_BACK"]);
  });

  test("R30: a SERIAL group is undone from its last started member, and what is above waits for the first", () => {
    const run = new CoreRun(
      plan([undoable("a"), undoable("g", ["a"], { split: { over: "params.list", method: "SERIAL" } })], LIST),
      { list: ["x", "y", "z"] },
    );
    run.start();
    run.grant();
    run.ok("a");
    run.grant();
    run.ok("g[0]");
    run.grant();
    run.fail("g[1]");
    run.verb({ kind: "rollback", scope: "all" });
    expect(run.grant()).toEqual(["COMPENSATE g[1] #1"]);
    expect(run.ok("g[1]")).toEqual(["COMPENSATED g[1] #1"]);
    expect(run.grant()).toEqual(["COMPENSATE g[0] #1"]);
    expect(run.ok("g[0]")).toEqual(["COMPENSATED g[0] #1"]);
    expect(run.grant()).toEqual(["COMPENSATE a #1"]);
    expect(run.ok("a")).toEqual(["COMPENSATED a #1", "RUN_STATUS run ROLLED_BACK"]);
  });

  test("R30: a retried node that waits again, held by a cancel, is still undone", () => {
    const run = new CoreRun(plan([undoable("a"), node("b")]));
    run.start();
    run.grant();
    run.fail("a");
    run.ok("b");
    run.verb({ kind: "retry", node: "a" });
    expect(run.verb({ kind: "cancel" })).toEqual(["HELD a", "RUN_STATUS run CANCELED"]);
    expect(run.verb({ kind: "rollback", scope: "all" })).toEqual(["RUN_STATUS run ROLLING_BACK"]);
    expect(run.grant()).toEqual(["COMPENSATE a #1"]);
    expect(run.ok("a")).toEqual(["COMPENSATED a #1", "RUN_STATUS run ROLLED_BACK"]);
  });
});

describe("R32: failed compensations", () => {
  test("R32: a failed compensation stops its ancestors only; rollback again resumes without repeating", () => {
    const run = new CoreRun(plan([undoable("a"), undoable("b", ["a"]), undoable("x"), node("f", ["b", "x"])]));
    run.start();
    run.grant();
    run.ok("a", "x");
    run.grant();
    run.ok("b");
    run.grant();
    run.fail("f");
    run.verb({ kind: "rollback", scope: "all" });
    run.grant();
    expect(run.fail("b")).toEqual(["UNDO_FAILED b #1"]);
    expect(run.ok("x")).toEqual(["COMPENSATED x #1", "RUN_STATUS run ROLLBACK_FAILED"]);
    expect(run.statuses).toEqual({ a: "SUCCESSFUL", b: "COMPENSATION_FAILED", x: "COMPENSATED", f: "FAILED" });
    expect(run.refusal({ kind: "rollback", scope: "node", node: "a" })).toEqual({
      kind: "run-state",
      allowedIn: ["FAILED", "CANCELED", "PARTIALLY_ROLLED_BACK"],
    });
    expect(run.refusal({ kind: "retry" })).toEqual({
      kind: "run-state",
      allowedIn: ["FAILED", "CANCELED", "PARTIALLY_ROLLED_BACK"],
    });
    expect(run.refusal({ kind: "skip-rollback", node: "a" })).toEqual({
      kind: "node-state",
      allowedIn: ["COMPENSATION_FAILED"],
      is: "SUCCESSFUL",
    });
    expect(run.verb({ kind: "rollback", scope: "all" })).toEqual(["RUN_STATUS run ROLLING_BACK"]);
    expect(run.grant()).toEqual(["COMPENSATE b #2"]);
    expect(run.ok("b")).toEqual(["COMPENSATED b #2"]);
    expect(run.grant()).toEqual(["COMPENSATE a #1"]);
    expect(run.ok("a")).toEqual(["COMPENSATED a #1", "RUN_STATUS run ROLLED_BACK"]);
  });

  test("R32: skip-rollback passes the node and goes on above it; other failed compensations are left alone", () => {
    const run = new CoreRun(plan([undoable("a"), undoable("b", ["a"]), undoable("c"), node("f", ["b", "c"])]));
    run.start();
    run.grant();
    run.ok("a", "c");
    run.grant();
    run.ok("b");
    run.grant();
    run.fail("f");
    run.verb({ kind: "rollback", scope: "all" });
    run.grant();
    expect(run.fail("b")).toEqual(["UNDO_FAILED b #1"]);
    expect(run.fail("c")).toEqual(["UNDO_FAILED c #1", "RUN_STATUS run ROLLBACK_FAILED"]);
    expect(run.verb({ kind: "skip-rollback", node: "b" })).toEqual(["RUN_STATUS run ROLLING_BACK"]);
    expect(run.grant()).toEqual(["COMPENSATE a #1"]);
    expect(run.ok("a")).toEqual(["COMPENSATED a #1", "RUN_STATUS run ROLLBACK_FAILED"]);
    expect(run.verb({ kind: "skip-rollback", node: "c" })).toEqual([
      "RUN_STATUS run ROLLING_BACK",
      "RUN_STATUS run ROLLED_BACK",
    ]);
    expect(run.statuses).toEqual({ a: "COMPENSATED", b: "COMPENSATION_FAILED", c: "COMPENSATION_FAILED", f: "FAILED" });
  });

  test("R32: a compensation has attempts and a timeout of its own; a timed out one is not undone", () => {
    const run = new CoreRun(
      plan([
        undoable("a", [], {
          compensation: { action: "undo", timeout: 7, retry: { maxAttempts: 2, initialInterval: 3 } },
        }),
        node("b", ["a"]),
      ]),
    );
    run.start();
    run.grant();
    run.ok("a");
    run.grant();
    run.fail("b");
    run.verb({ kind: "rollback", scope: "all" });
    expect(run.grant()).toEqual(["COMPENSATE a #1", "ARM a compensation #1 +7000"]);
    run.now = 7000;
    expect(run.due("compensation", "a", 0)).toEqual([]);
    expect(run.due("compensation", "a")).toEqual(["ABORT a TIMEOUT undo", "ARM a compensation-grace #1 +5000"]);
    expect(run.due("compensation", "a")).toEqual([]);
    expect(run.due("compensation-grace", "a", 0)).toEqual([]);
    expect(run.due("compensation-grace", "a")).toEqual([
      "DISARM a compensation",
      "DISARM a compensation-grace",
      "UNDO_RETRYING a #1 +3000",
      "ARM a compensation-backoff #1 +3000",
    ]);
    expect(run.due("compensation-grace", "a")).toEqual([]);
    expect(run.due("compensation", "a")).toEqual([]);
    expect(run.feed({ kind: "undone", node: "a", attempt: 1 })).toEqual(["LATE a #1 SUCCEEDED"]);
    expect(run.feed({ kind: "undo-failed", node: "a", attempt: 1, retryable: true })).toEqual(["LATE a #1 FAILED"]);
    run.now = 10_000;
    expect(run.due("compensation-backoff", "a", 0)).toEqual([]);
    expect(run.due("compensation-backoff", "a")).toEqual([]);
    expect(run.due("compensation-backoff", "a")).toEqual([]);
    expect(run.feed({ kind: "undone", node: "a", attempt: 1 })).toEqual(["LATE a #1 SUCCEEDED"]);
    expect(run.grant()).toEqual(["COMPENSATE a #2", "ARM a compensation #2 +7000"]);
    expect(run.feed({ kind: "undone", node: "a", attempt: 1 })).toEqual(["LATE a #1 SUCCEEDED"]);
    expect(run.due("compensation-grace", "a")).toEqual([]);
    expect(run.due("compensation", "a")).toEqual(["ABORT a TIMEOUT undo", "ARM a compensation-grace #2 +5000"]);
    expect(run.ok("a")).toEqual([
      "LATE a #2 SUCCEEDED",
      "DISARM a compensation",
      "DISARM a compensation-grace",
      "UNDO_FAILED a #2",
      "RUN_STATUS run ROLLBACK_FAILED",
    ]);
    expect(run.statuses).toEqual({ a: "COMPENSATION_FAILED", b: "FAILED" });
    expect(run.verb({ kind: "rollback", scope: "all" })).toEqual(["RUN_STATUS run ROLLING_BACK"]);
    expect(run.grant()).toEqual(["COMPENSATE a #3", "ARM a compensation #3 +7000"]);
    expect(run.due("compensation", "a")).toEqual(["ABORT a TIMEOUT undo", "ARM a compensation-grace #3 +5000"]);
    expect(run.fail("a", false)).toEqual([
      "DISARM a compensation",
      "DISARM a compensation-grace",
      "UNDO_RETRYING a #3 +3000",
      "ARM a compensation-backoff #3 +3000",
    ]);
    expect(run.due("compensation-backoff", "a")).toEqual([]);
    expect(run.grant()).toEqual(["COMPENSATE a #4", "ARM a compensation #4 +7000"]);
    expect(run.ok("a")).toEqual(["DISARM a compensation", "COMPENSATED a #4", "RUN_STATUS run ROLLED_BACK"]);
    expect(run.due("compensation", "a")).toEqual([]);
  });

  test("R32: a failure of a compensation that is not retryable ends it; a wait of 0 tries it again at once", () => {
    const run = new CoreRun(
      plan([undoable("a", [], { compensation: { action: "undo", retry: { maxAttempts: 3, initialInterval: 0 } } })]),
    );
    run.start();
    run.grant();
    run.fail("a");
    run.verb({ kind: "rollback", scope: "all" });
    run.grant();
    expect(run.fail("a")).toEqual(["UNDO_RETRYING a #1 +0"]);
    expect(run.demand()).toBe(1);
    expect(run.grant()).toEqual(["COMPENSATE a #2"]);
    expect(run.fail("a", false)).toEqual(["UNDO_FAILED a #2", "RUN_STATUS run ROLLBACK_FAILED"]);
  });

  test("R32: a failed compensation of an earlier rollback is not forgotten by one to elsewhere", () => {
    const run = new CoreRun(
      plan([
        undoable("a"),
        undoable("b", ["a"]),
        node("p", [], { prohibitRollback: true }),
        undoable("c", ["p"]),
        node("f", ["b", "c"]),
      ]),
    );
    run.start();
    run.grant();
    run.ok("a", "p");
    run.grant();
    run.ok("b", "c");
    run.grant();
    run.fail("f");
    run.verb({ kind: "rollback", scope: "barrier" });
    run.grant();
    expect(run.fail("b")).toEqual(["UNDO_FAILED b #1"]);
    expect(run.ok("c")).toEqual(["COMPENSATED c #1", "RUN_STATUS run ROLLBACK_FAILED"]);
    expect(run.refusal({ kind: "rollback", scope: "node", node: "p" })).toEqual({
      kind: "run-state",
      allowedIn: ["FAILED", "CANCELED", "PARTIALLY_ROLLED_BACK"],
    });
    expect(run.verb({ kind: "rollback", scope: "barrier" })).toEqual(["RUN_STATUS run ROLLING_BACK"]);
    expect(run.grant()).toEqual(["COMPENSATE b #2"]);
    expect(run.ok("b")).toEqual(["COMPENSATED b #2"]);
    expect(run.grant()).toEqual(["COMPENSATE a #1"]);
    expect(run.ok("a")).toEqual(["COMPENSATED a #1", "RUN_STATUS run PARTIALLY_ROLLED_BACK"]);
  });

  test("R51: nothing leaves ROLLED_BACK", () => {
    const run = new CoreRun(plan([undoable("a")]));
    run.start();
    run.grant();
    run.fail("a");
    run.verb({ kind: "rollback", scope: "all" });
    run.grant();
    run.ok("a");
    expect(run.refusal({ kind: "retry" })).toEqual({
      kind: "run-state",
      allowedIn: ["FAILED", "CANCELED", "PARTIALLY_ROLLED_BACK"],
    });
    expect(run.refusal({ kind: "abandon" })).toEqual({
      kind: "run-state",
      allowedIn: ["PAUSED", "FAILED", "CANCELED", "PARTIALLY_ROLLED_BACK", "ROLLBACK_FAILED"],
    });
    expect(run.refusal({ kind: "skip-rollback", node: "a" })).toEqual({
      kind: "run-state",
      allowedIn: ["ROLLBACK_FAILED"],
    });
  });
});
