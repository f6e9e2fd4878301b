/** R37 as the core alone decides it: what a verb changes, and what goes on by itself after it. */
import { describe, expect, test } from "vitest";
import { CoreRun, LIST, node, plan } from "./core-run.ts";

describe("R37: pause, resume, abandon", () => {
  test("R37: a paused run starts nothing, what runs finishes, and a run that has nothing left to do ends", () => {
    const run = new CoreRun(plan([node("a"), node("b"), node("c", ["a"])]));
    run.start();
    run.grant(1);
    expect(run.atRest).toBe(false);
    expect(run.verb({ kind: "pause" })).toEqual(["RUN_STATUS run PAUSED"]);
    expect(run.atRest).toBe(false);
    expect(run.demand()).toBe(0);
    expect(run.grant()).toEqual([]);
    expect(run.ok("a")).toEqual(["SUCCEEDED a #1", "READY c #1"]);
    expect(run.atRest).toBe(true);
    expect(run.verb({ kind: "resume" })).toEqual(["RUN_STATUS run RUNNING"]);
    expect(run.demand()).toBe(2);
    expect(run.grant()).toEqual(["RUN b #1", "RUN c #1"]);
    expect(run.verb({ kind: "pause" })).toEqual(["RUN_STATUS run PAUSED"]);
    expect(run.ok("b", "c")).toEqual(["SUCCEEDED b #1", "SUCCEEDED c #1", "RUN_STATUS run SUCCESSFUL"]);
  });

  test("R37: a paused run that has failed is FAILED once nothing runs", () => {
    const run = new CoreRun(plan([node("a"), node("b")]));
    run.start();
    run.grant(1);
    run.verb({ kind: "pause" });
    expect(run.fail("a")).toEqual(["FAILED a NONE #1 FAILED", "HELD b", "RUN_STATUS run FAILED"]);
  });

  test("R37: abandon ends a resting run for good", () => {
    const run = new CoreRun(plan([node("a", [], { timeout: 5 })], { timeout: 60 }));
    run.start();
    run.grant();
    run.fail("a");
    expect(run.verb({ kind: "abandon" })).toEqual(["RUN_STATUS run ABANDONED"]);
    expect(run.due("attempt", "a")).toEqual([]);
    expect(run.due("run")).toEqual([]);
    expect(run.refusal({ kind: "retry" })).toEqual({
      kind: "run-state",
      allowedIn: ["FAILED", "CANCELED", "PARTIALLY_ROLLED_BACK"],
    });
    expect(run.feed({ kind: "succeeded", node: "a", attempt: 1 })).toEqual(["LATE a #1 SUCCEEDED"]);
    expect(run.run).toBe("ABANDONED");
  });
});

describe("R37: retry", () => {
  test("R37: a retried node gets its attempts anew, its number goes on, what waited below starts", () => {
    const run = new CoreRun(plan([node("a", [], { retry: { maxAttempts: 2, initialInterval: 1 } }), node("b", ["a"])]));
    run.start();
    run.grant();
    run.fail("a");
    run.due("backoff", "a");
    run.grant();
    expect(run.fail("a")).toEqual(["FAILED a NONE #2 FAILED", "RUN_STATUS run FAILED"]);
    expect(run.verb({ kind: "retry", node: "a" })).toEqual([
      "RUN_STATUS run RUNNING again",
      "RESET a started",
      "READY a #3",
    ]);
    expect(run.grant()).toEqual(["RUN a #3"]);
    expect(run.fail("a")).toEqual(["RETRYING a NONE #3 FAILED +1000", "ARM a backoff #3 +1000"]);
    expect(run.due("backoff", "a")).toEqual(["READY a #4"]);
    expect(run.grant()).toEqual(["RUN a #4"]);
    expect(run.ok("a")).toEqual(["SUCCEEDED a #4", "READY b #1"]);
  });

  test("R37: of two failures one is retried: the other fails the run again, and holds what is new", () => {
    const run = new CoreRun(plan([node("a"), node("b"), node("c", ["a"])]));
    run.start();
    run.grant();
    run.fail("a");
    expect(run.fail("b")).toEqual(["FAILED b NONE #1 FAILED", "RUN_STATUS run FAILED"]);
    expect(run.verb({ kind: "retry", node: "a" })).toEqual([
      "RUN_STATUS run RUNNING again",
      "RESET a started",
      "READY a #2",
    ]);
    expect(run.grant()).toEqual(["RUN a #2"]);
    expect(run.ok("a")).toEqual(["SUCCEEDED a #2", "RUN_STATUS run FAILED"]);
    expect(run.statuses).toEqual({ a: "SUCCESSFUL", b: "FAILED", c: "PENDING" });
  });

  test("R37: all failed nodes at once; what failed tolerated is left alone", () => {
    const run = new CoreRun(
      plan([node("a"), node("b"), node("t", [], { onFailure: "continue" }), node("c", ["a", "b", "t"])]),
    );
    run.start();
    run.grant();
    run.fail("t");
    run.fail("a");
    expect(run.fail("b")).toEqual(["FAILED b NONE #1 FAILED", "RUN_STATUS run FAILED"]);
    expect(run.verb({ kind: "retry" })).toEqual([
      "RUN_STATUS run RUNNING again",
      "RESET a started",
      "RESET b started",
      "READY a #2",
      "READY b #2",
    ]);
    expect(run.grant()).toEqual(["RUN a #2", "RUN b #2"]);
    expect(run.ok("a", "b")).toEqual(["SUCCEEDED a #2", "SUCCEEDED b #2", "READY c #1"]);
  });

  test("R14: a retried node that fails again holds the rest like any failure", () => {
    const run = new CoreRun(plan([node("a"), node("b"), node("c", ["a"])]));
    run.start();
    run.grant();
    run.fail("a");
    run.fail("b");
    run.verb({ kind: "retry" });
    run.grant(1);
    expect(run.fail("a")).toEqual(["FAILED a NONE #2 FAILED", "HELD b", "RUN_STATUS run FAILED"]);
    expect(run.statuses).toEqual({ a: "FAILED", b: "PENDING", c: "PENDING" });
    expect(run.run).toBe("FAILED");
  });

  test("R37: a tolerated failure that a cancel stopped is retried while nothing below has moved", () => {
    const run = new CoreRun(
      plan([
        node("t", [], { onFailure: "continue" }),
        node("c", ["t"]),
        node("u", [], { onFailure: "continue" }),
        node("d"),
      ]),
    );
    run.start();
    run.grant(3);
    expect(run.fail("t")).toEqual(["FAILED t NONE #1 FAILED", "READY c #1"]);
    expect(run.verb({ kind: "cancel" })).toEqual([
      "HELD c",
      "CANCELING u CANCEL",
      "ABORT u CANCEL",
      "ARM u grace #1 +5000",
      "CANCELING d CANCEL",
      "ABORT d CANCEL",
      "ARM d grace #1 +5000",
    ]);
    expect(run.fail("u")).toEqual(["DISARM u grace", "FAILED u CANCEL #1 UNKNOWN"]);
    expect(run.fail("d")).toEqual(["DISARM d grace", "FAILED d CANCEL #1 UNKNOWN", "RUN_STATUS run CANCELED"]);
    expect(run.statuses).toEqual({ t: "FAILED", c: "PENDING", u: "FAILED", d: "FAILED" });
    expect(run.verb({ kind: "retry" })).toEqual([
      "RUN_STATUS run RUNNING again",
      "RESET u started",
      "RESET d started",
      "READY c #1",
      "READY u #2",
      "READY d #2",
    ]);
    expect(run.grant()).toEqual(["RUN c #1", "RUN u #2", "RUN d #2"]);
    expect(run.statuses).toEqual({ t: "FAILED", c: "RUNNING", u: "RUNNING", d: "RUNNING" });
  });

  test("R37: a tolerated failure that the run's timeout stopped is retried, one with a node below that moved is not", () => {
    const run = new CoreRun(
      plan(
        [
          node("t", [], { onFailure: "continue" }),
          node("u", [], { onFailure: "continue" }),
          node("r", ["u"], { trigger: "any_failed" }),
          node("d"),
        ],
        { timeout: 9 },
      ),
    );
    run.start();
    run.grant(3);
    run.verb({ kind: "cancel", node: "u" });
    expect(run.fail("u")).toEqual(["DISARM u grace", "FAILED u CANCEL #1 UNKNOWN", "READY r #1"]);
    expect(run.grant(1)).toEqual(["RUN r #1"]);
    expect(run.due("run")).toEqual([
      "CANCELING t RUN_TIMEOUT",
      "ABORT t RUN_TIMEOUT",
      "ARM t grace #1 +5000",
      "CANCELING r RUN_TIMEOUT",
      "ABORT r RUN_TIMEOUT",
      "ARM r grace #1 +5000",
      "CANCELING d RUN_TIMEOUT",
      "ABORT d RUN_TIMEOUT",
      "ARM d grace #1 +5000",
    ]);
    expect(run.fail("t")).toEqual(["DISARM t grace", "FAILED t RUN_TIMEOUT #1 UNKNOWN"]);
    expect(run.fail("d")).toEqual(["DISARM d grace", "FAILED d RUN_TIMEOUT #1 UNKNOWN"]);
    expect(run.fail("r")).toEqual([
      "DISARM r grace",
      "FAILED r RUN_TIMEOUT #1 UNKNOWN",
      "DISARM run run",
      "RUN_STATUS run FAILED",
    ]);
    expect(run.verb({ kind: "retry" })).toEqual([
      "RUN_STATUS run RUNNING again",
      "ARM run run #2 +9000",
      "RESET t started",
      "RESET r started",
      "RESET d started",
      "READY t #2",
      "READY r #2",
      "READY d #2",
    ]);
    expect(run.statuses).toEqual({ t: "READY", u: "FAILED", r: "READY", d: "READY" });
  });

  test("R37: kill stopped a tolerated node: it is retried", () => {
    const run = new CoreRun(plan([node("t", [], { onFailure: "continue" }), node("d")], { failureMode: "kill" }));
    run.start();
    run.grant();
    run.fail("d");
    expect(run.fail("t")).toEqual(["DISARM t grace", "FAILED t KILL #1 UNKNOWN", "RUN_STATUS run FAILED"]);
    expect(run.verb({ kind: "retry" })).toEqual([
      "RUN_STATUS run RUNNING again",
      "RESET t started",
      "RESET d started",
      "READY t #2",
      "READY d #2",
    ]);
  });

  test("R12: a retry of all decides reactions anew: one whose cause is gone is skipped", () => {
    const run = new CoreRun(plan([node("a"), node("r", ["a"], { trigger: "any_failed" }), node("q", ["r"])]));
    run.start();
    run.grant();
    run.fail("a");
    run.grant();
    expect(run.fail("r")).toEqual(["FAILED r NONE #1 FAILED", "RUN_STATUS run FAILED"]);
    expect(run.verb({ kind: "retry" })).toEqual([
      "RUN_STATUS run RUNNING again",
      "RESET a started",
      "RESET r started",
      "READY a #2",
    ]);
    expect(run.grant()).toEqual(["RUN a #2"]);
    expect(run.ok("a")).toEqual(["SUCCEEDED a #2", "SKIPPED r UPSTREAM", "READY q #1"]);
  });

  test("R12: a retry of one node runs just that node, a failed reaction too", () => {
    const run = new CoreRun(plan([node("a"), node("r", ["a"], { trigger: "any_failed" })]));
    run.start();
    run.grant();
    run.fail("a");
    run.grant();
    run.fail("r");
    expect(run.verb({ kind: "retry", node: "r" })).toEqual([
      "RUN_STATUS run RUNNING again",
      "RESET r started",
      "READY r #2",
    ]);
    expect(run.grant()).toEqual(["RUN r #2"]);
    expect(run.ok("r")).toEqual(["SUCCEEDED r #2", "RUN_STATUS run FAILED"]);
    expect(run.run).toBe("FAILED");
  });

  test("R37: a node whose condition could not be evaluated is asked about again", () => {
    const run = new CoreRun(plan([node("a", [], { when: "true" })]));
    run.start();
    run.resolve("a", "fail");
    expect(run.verb({ kind: "retry", node: "a" })).toEqual(["RUN_STATUS run RUNNING again", "RESET a", "RESOLVE a"]);
    expect(run.resolve("a", "run")).toEqual(["READY a #1"]);
    expect(run.grant()).toEqual(["RUN a #1"]);
    expect(run.fail("a")).toEqual(["FAILED a NONE #1 FAILED", "RUN_STATUS run FAILED"]);
    expect(run.verb({ kind: "retry" })).toEqual(["RUN_STATUS run RUNNING again", "RESET a started", "READY a #2"]);
  });

  test("R21: a retried member waits for a place in its group", () => {
    const run = new CoreRun(
      plan([node("g", [], { split: { over: "params.list", maxConcurrency: 1 } }), node("b")], {
        ...LIST,
        failureMode: "continue",
      }),
      { list: ["x", "y", "z"] },
    );
    run.start();
    run.grant();
    expect(run.fail("g[0]")).toEqual(["FAILED g[0] NONE #1 FAILED", "READY g[1] #1"]);
    expect(run.statuses).toEqual({ g: "RUNNING", b: "RUNNING", "g[0]": "FAILED", "g[1]": "READY", "g[2]": "PENDING" });
    expect(run.verb({ kind: "retry", node: "g[0]" })).toEqual(["RESET g[0] started"]);
    expect(run.grant()).toEqual(["RUN g[1] #1"]);
    expect(run.verb({ kind: "pause" })).toEqual(["RUN_STATUS run PAUSED"]);
    expect(run.verb({ kind: "resume" })).toEqual(["RUN_STATUS run RUNNING"]);
    expect(run.ok("g[0]")).toEqual(["LATE g[0] #1 SUCCEEDED"]);
    expect(run.grant()).toEqual([]);
    expect(run.ok("g[1]")).toEqual(["SUCCEEDED g[1] #1", "READY g[0] #2"]);
  });

  test("R37: retry of a run that was canceled goes on with what was held", () => {
    const run = new CoreRun(plan([node("a"), node("b"), node("c", ["a"])]));
    run.start();
    run.grant(1);
    expect(run.verb({ kind: "cancel" })).toEqual([
      "HELD b",
      "CANCELING a CANCEL",
      "ABORT a CANCEL",
      "ARM a grace #1 +5000",
    ]);
    expect(run.refusal({ kind: "cancel" })).toEqual({ kind: "moving" });
    expect(run.refusal({ kind: "retry", node: "a" })).toEqual({ kind: "moving" });
    expect(run.refusal({ kind: "skip", node: "a" })).toEqual({
      kind: "node-state",
      allowedIn: ["FAILED", "READY", "COMPENSATION_FAILED"],
      is: "CANCELING",
    });
    expect(run.ok("a")).toEqual([
      "LATE a #1 SUCCEEDED",
      "DISARM a grace",
      "FAILED a CANCEL #1 UNKNOWN",
      "RUN_STATUS run CANCELED",
    ]);
    expect(run.verb({ kind: "retry" })).toEqual([
      "RUN_STATUS run RUNNING again",
      "RESET a started",
      "READY a #2",
      "READY b #1",
    ]);
    expect(run.grant()).toEqual(["RUN a #2", "RUN b #1"]);
    expect(run.ok("a", "b")).toEqual(["SUCCEEDED a #2", "READY c #1", "SUCCEEDED b #1"]);
  });

  test("R37: retry of all takes up a group that was held half way", () => {
    const run = new CoreRun(
      plan([node("g", [], { split: { over: "params.list", maxConcurrency: 1 } }), node("b")], LIST),
      { list: ["x", "y"] },
    );
    run.start();
    run.grant();
    expect(run.fail("b")).toEqual(["FAILED b NONE #1 FAILED"]);
    expect(run.ok("g[0]")).toEqual(["SUCCEEDED g[0] #1", "RUN_STATUS run FAILED"]);
    expect(run.statuses).toEqual({ g: "RUNNING", b: "FAILED", "g[0]": "SUCCESSFUL", "g[1]": "PENDING" });
    expect(run.verb({ kind: "retry" })).toEqual([
      "RUN_STATUS run RUNNING again",
      "RESET b started",
      "READY g[1] #1",
      "READY b #2",
    ]);
    expect(run.grant()).toEqual(["RUN g[1] #1", "RUN b #2"]);
    expect(run.ok("b", "g[1]")).toEqual([
      "SUCCEEDED b #2",
      "SUCCEEDED g[1] #1",
      "SUCCEEDED g #0",
      "RUN_STATUS run SUCCESSFUL",
    ]);
  });
});
