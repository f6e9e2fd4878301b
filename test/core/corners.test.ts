/** Corners of R25-R37: verbs and deadlines that meet something rare. */
import { describe, expect, test } from "vitest";
import { CoreRun, LIST, node, plan, undoable } from "./core-run.ts";

describe("R37: verbs after a partial rollback and a cancel", () => {
  test("R37: retry of a node that waits again after a partial rollback runs what was undone, and the node in its turn", () => {
    const run = new CoreRun(plan([node("p", [], { prohibitRollback: true }), undoable("a", ["p"]), node("f", ["a"])]));
    run.start();
    run.grant();
    run.ok("p");
    run.grant();
    run.ok("a");
    run.grant();
    run.fail("f");
    run.verb({ kind: "rollback", scope: "barrier" });
    run.grant();
    run.ok("a");
    expect(run.verb({ kind: "retry", node: "f" })).toEqual([
      "RUN_STATUS run RUNNING again",
      "RESET a",
      "RESET f",
      "READY a #2",
    ]);
    expect(run.grant()).toEqual(["RUN a #2"]);
    expect(run.ok("a")).toEqual(["SUCCEEDED a #2", "READY f #2"]);
  });

  test("R37: nothing is skipped while a canceled run lets go", () => {
    const run = new CoreRun(plan([node("a"), node("b")], { failureMode: "continue" }));
    run.start();
    run.grant();
    run.fail("a");
    run.verb({ kind: "cancel" });
    expect(run.refusal({ kind: "skip", node: "a" })).toEqual({ kind: "moving" });
    expect(run.refusal({ kind: "retry", node: "a" })).toEqual({ kind: "moving" });
    run.fail("b");
    expect(run.refusal({ kind: "skip", node: "a" })).toBe(undefined);
    expect(run.refusal({ kind: "retry", node: "a" })).toBe(undefined);
  });

  test("R37: a tolerated failure that was canceled is retried only while nothing below has moved", () => {
    const run = new CoreRun(
      plan([
        node("t", [], { onFailure: "continue" }),
        node("u", [], { onFailure: "continue" }),
        node("w"),
        node("below", ["t", "w"]),
        node("r", ["t"], { trigger: "any_failed" }),
        node("b2", ["u", "w"]),
      ]),
    );
    run.start();
    run.grant();
    run.verb({ kind: "cancel", node: "t" });
    run.verb({ kind: "cancel", node: "u" });
    run.fail("t");
    run.fail("u");
    run.grant();
    run.ok("r");
    expect(run.fail("w")).toEqual(["FAILED w NONE #1 FAILED", "RUN_STATUS run FAILED"]);
    expect(run.verb({ kind: "retry" })).toEqual([
      "RUN_STATUS run RUNNING again",
      "RESET u started",
      "RESET w started",
      "READY u #2",
      "READY w #2",
    ]);
  });
});

describe("R37: members", () => {
  test("R37: a member whose compensation failed between two attempts is undone first when it is retried by itself", () => {
    const run = new CoreRun(
      plan(
        [
          undoable("g", [], {
            split: { over: "params.list" },
            retry: { maxAttempts: 2, initialInterval: 1, mode: "compensate-first" },
          }),
        ],
        LIST,
      ),
      { list: ["x", "y"] },
    );
    run.start();
    run.grant();
    run.ok("g[1]");
    run.fail("g[0]");
    run.grant();
    expect(run.fail("g[0]")).toEqual(["UNDO_FAILED g[0] #1", "FAILED g NONE #0 FAILED", "RUN_STATUS run FAILED"]);
    expect(run.statuses).toEqual({ g: "FAILED", "g[0]": "COMPENSATION_FAILED", "g[1]": "SUCCESSFUL" });
    expect(run.verb({ kind: "retry", node: "g[0]" })).toEqual([
      "RUN_STATUS run RUNNING again",
      "RESET g",
      "RESET g[0] started",
    ]);
    expect(run.grant()).toEqual(["COMPENSATE g[0] #2"]);
    expect(run.ok("g[0]")).toEqual(["COMPENSATED g[0] #2", "READY g[0] #2"]);
    expect(run.grant()).toEqual(["RUN g[0] #2"]);
    expect(run.ok("g[0]")).toEqual(["SUCCEEDED g[0] #2", "SUCCEEDED g #0", "RUN_STATUS run SUCCESSFUL"]);
  });

  test("R21: a candidate whose compensation failed keeps its group failed while another node is retried", () => {
    const run = new CoreRun(
      plan([undoable("g", [], { split: { over: "params.list", method: "FIRST_SUCCESS" } }), node("b")], {
        ...LIST,
        failureMode: "continue",
      }),
      { list: ["x", "y"] },
    );
    run.start();
    run.grant();
    run.fail("b");
    run.fail("g[0]");
    run.grant();
    expect(run.fail("g[0]")).toEqual(["UNDO_FAILED g[0] #1", "FAILED g NONE #0 FAILED", "RUN_STATUS run FAILED"]);
    expect(run.verb({ kind: "retry", node: "b" })).toEqual([
      "RUN_STATUS run RUNNING again",
      "RESET b started",
      "READY b #2",
    ]);
    expect(run.grant()).toEqual(["RUN b #2"]);
    expect(run.ok("b")).toEqual(["SUCCEEDED b #2", "RUN_STATUS run FAILED"]);
    expect(run.statuses).toEqual({ g: "FAILED", b: "SUCCESSFUL", "g[0]": "COMPENSATION_FAILED", "g[1]": "PENDING" });
  });

  test("R21: a skipped candidate ahead of the winner stays as it is", () => {
    const run = new CoreRun(
      plan([node("g", [], { split: { over: "params.list", method: "FIRST_SUCCESS" } }), node("b")], LIST),
      { list: ["x", "y", "z"] },
    );
    run.start();
    expect(run.verb({ kind: "skip", node: "g[0]" })).toEqual(["SKIPPED g[0] OPERATOR", "READY g[1] #1"]);
    run.grant();
    expect(run.ok("g[1]")).toEqual(["SUCCEEDED g[1] #1", "SKIPPED g[2] SUPERSEDED", "SUCCEEDED g #0"]);
    expect(run.statuses).toEqual({
      g: "SUCCESSFUL",
      b: "RUNNING",
      "g[0]": "SKIPPED",
      "g[1]": "SUCCESSFUL",
      "g[2]": "SKIPPED",
    });
  });

  test("R37: a canceled group stays canceled while another node is retried", () => {
    const run = new CoreRun(
      plan(
        [
          node("g", [], { split: { over: "params.list", maxConcurrency: 1, tolerated: 1 } }),
          node("b"),
          node("c", ["g"]),
        ],
        { ...LIST, failureMode: "continue" },
      ),
      { list: ["x", "y"] },
    );
    run.start();
    run.grant();
    run.verb({ kind: "cancel", node: "g" });
    expect(run.fail("g[0]")).toEqual([
      "DISARM g[0] grace",
      "FAILED g[0] CANCEL #1 UNKNOWN",
      "FAILED g CANCEL #0 FAILED",
    ]);
    expect(run.fail("b")).toEqual(["FAILED b NONE #1 FAILED", "RUN_STATUS run FAILED"]);
    expect(run.verb({ kind: "retry", node: "b" })).toEqual([
      "RUN_STATUS run RUNNING again",
      "RESET b started",
      "READY b #2",
    ]);
    expect(run.grant()).toEqual(["RUN b #2"]);
    expect(run.ok("b")).toEqual(["SUCCEEDED b #2", "RUN_STATUS run FAILED"]);
    expect(run.statuses).toEqual({ g: "FAILED", b: "SUCCESSFUL", c: "PENDING", "g[0]": "FAILED", "g[1]": "PENDING" });
  });
});

describe("R25, R51: what comes too late", () => {
  test("R26: deadlines of a node that has ended change nothing", () => {
    const run = new CoreRun(
      plan([
        undoable("a", [], {
          timeout: 1,
          heartbeatTimeout: 1,
          totalTimeout: 5,
          compensation: { action: "undo", timeout: 1 },
        }),
        node("b", ["a"]),
      ]),
    );
    run.start();
    run.grant();
    run.ok("a");
    expect(run.due("total", "a")).toEqual([]);
    expect(run.due("attempt", "a")).toEqual([]);
    expect(run.due("heartbeat", "a")).toEqual([]);
    expect(run.due("grace", "a")).toEqual([]);
    expect(run.due("backoff", "a")).toEqual([]);
    expect(run.due("compensation", "a")).toEqual([]);
    expect(run.due("compensation-backoff", "a")).toEqual([]);
    expect(run.due("compensation-grace", "a")).toEqual([]);
    run.grant();
    run.fail("b");
    run.verb({ kind: "rollback", scope: "all" });
    expect(run.due("total", "a")).toEqual([]);
    run.grant();
    expect(run.due("total", "a")).toEqual([]);
    expect(run.ok("a")).toEqual(["DISARM a compensation", "COMPENSATED a #1", "RUN_STATUS run ROLLED_BACK"]);
  });

  test("R25: an answer for a node that never started is late", () => {
    const run = new CoreRun(plan([node("a"), undoable("b", ["a"])]));
    run.start();
    expect(run.feed({ kind: "succeeded", node: "b", attempt: 1 })).toEqual(["LATE b #1 SUCCEEDED"]);
    expect(run.feed({ kind: "undone", node: "b", attempt: 0 })).toEqual(["LATE b #0 SUCCEEDED"]);
    expect(run.feed({ kind: "failed", node: "a", attempt: 0, retryable: true })).toEqual(["LATE a #0 FAILED"]);
    expect(run.statuses).toEqual({ a: "READY", b: "PENDING" });
  });

  test("R25: a late answer to a run that rests changes nothing", () => {
    const run = new CoreRun(plan([node("a"), node("b")]));
    run.start();
    run.grant();
    run.fail("a");
    run.fail("b");
    expect(run.feed({ kind: "succeeded", node: "a", attempt: 1 })).toEqual(["LATE a #1 SUCCEEDED"]);
    expect(run.run).toBe("FAILED");
  });
});
