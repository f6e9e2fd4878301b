/** More corners: the shortest times, several failures at once, groups that are recounted. */
import { describe, expect, test } from "vitest";
import { CoreRun, LIST, node, plan, undoable } from "./core-run.ts";

describe("R26: the shortest times", () => {
  test("R26: deadlines of one millisecond are deadlines", () => {
    const run = new CoreRun(
      plan(
        [
          undoable("a", [], {
            timeout: 0.001,
            heartbeatTimeout: 0.001,
            totalTimeout: 0.001,
            compensation: { action: "undo", timeout: 0.001 },
          }),
        ],
        { timeout: 0.001 },
      ),
    );
    expect(run.start()).toEqual(["RUN_STATUS run RUNNING at the start", "ARM run run #1 +1", "READY a #1"]);
    expect(run.grant()).toEqual(["RUN a #1", "ARM a attempt #1 +1", "ARM a heartbeat #1 +1", "ARM a total #0 +1"]);
    expect(run.fail("a")).toEqual([
      "DISARM a attempt",
      "DISARM a heartbeat",
      "DISARM a total",
      "FAILED a NONE #1 FAILED",
      "DISARM run run",
      "RUN_STATUS run FAILED",
    ]);
    expect(run.verb({ kind: "rollback", scope: "all" })).toEqual(["RUN_STATUS run ROLLING_BACK"]);
    expect(run.grant()).toEqual(["COMPENSATE a #1", "ARM a compensation #1 +1"]);
    expect(run.ok("a")).toEqual(["DISARM a compensation", "COMPENSATED a #1", "RUN_STATUS run ROLLED_BACK"]);
  });

  test("R25: a wait of one millisecond is a wait", () => {
    const run = new CoreRun(
      plan([
        undoable("a", [], {
          retry: { maxAttempts: 2, initialInterval: 0.001 },
          compensation: { action: "undo", retry: { maxAttempts: 2, initialInterval: 0.001 } },
        }),
      ]),
    );
    run.start();
    run.grant();
    expect(run.fail("a")).toEqual(["RETRYING a NONE #1 FAILED +1", "ARM a backoff #1 +1"]);
    run.due("backoff", "a");
    run.grant();
    run.fail("a");
    run.verb({ kind: "rollback", scope: "all" });
    run.grant();
    expect(run.fail("a")).toEqual(["UNDO_RETRYING a #1 +1", "ARM a compensation-backoff #1 +1"]);
  });
});

describe("R37: one node of several that failed", () => {
  test("R37: a retried node starts although another failure holds the rest, also when its condition is asked first", () => {
    const run = new CoreRun(plan([node("a", [], { when: "true" }), node("b"), node("c", ["a"])]));
    run.start();
    run.grant();
    run.fail("b");
    expect(run.resolve("a", "fail")).toEqual(["FAILED a NONE #0 NONE", "RUN_STATUS run FAILED"]);
    expect(run.verb({ kind: "retry", node: "a" })).toEqual(["RUN_STATUS run RUNNING again", "RESET a", "RESOLVE a"]);
    expect(run.resolve("a", "run")).toEqual(["READY a #1"]);
    expect(run.grant()).toEqual(["RUN a #1"]);
    expect(run.ok("a")).toEqual(["SUCCEEDED a #1", "RUN_STATUS run FAILED"]);
    expect(run.statuses).toEqual({ a: "SUCCESSFUL", b: "FAILED", c: "PENDING" });
  });

  test("R37: a retried group goes on although another failure holds the rest", () => {
    const run = new CoreRun(
      plan([node("g", [], { split: { over: "params.list", method: "SERIAL" } }), node("b"), node("c", ["g"])], LIST),
      { list: ["x", "y"] },
    );
    run.start();
    run.grant();
    run.fail("b");
    run.fail("g[0]");
    expect(run.verb({ kind: "retry", node: "g" })).toEqual([
      "RUN_STATUS run RUNNING again",
      "RESET g",
      "RESET g[0] started",
      "READY g[0] #2",
    ]);
    expect(run.grant()).toEqual(["RUN g[0] #2"]);
    expect(run.ok("g[0]")).toEqual(["SUCCEEDED g[0] #2", "READY g[1] #1"]);
    expect(run.grant()).toEqual(["RUN g[1] #1"]);
    expect(run.ok("g[1]")).toEqual(["SUCCEEDED g[1] #1", "SUCCEEDED g #0", "RUN_STATUS run FAILED"]);
    expect(run.statuses).toEqual({
      g: "SUCCESSFUL",
      b: "FAILED",
      c: "PENDING",
      "g[0]": "SUCCESSFUL",
      "g[1]": "SUCCESSFUL",
    });
  });

  test("R37: a retried member runs although another failure holds the rest; its siblings stay held", () => {
    const run = new CoreRun(
      plan([node("g", [], { split: { over: "params.list", method: "SERIAL" } }), node("b")], LIST),
      { list: ["x", "y"] },
    );
    run.start();
    run.grant();
    run.fail("b");
    run.fail("g[0]");
    expect(run.verb({ kind: "retry", node: "g[0]" })).toEqual([
      "RUN_STATUS run RUNNING again",
      "RESET g",
      "RESET g[0] started",
      "READY g[0] #2",
    ]);
    expect(run.grant()).toEqual(["RUN g[0] #2"]);
    expect(run.ok("g[0]")).toEqual(["SUCCEEDED g[0] #2", "RUN_STATUS run FAILED"]);
    expect(run.statuses).toEqual({ g: "RUNNING", b: "FAILED", "g[0]": "SUCCESSFUL", "g[1]": "PENDING" });
  });

  test("R37: a member is retried at once when there is room, whatever holds its siblings", () => {
    const run = new CoreRun(
      plan([node("g", [], { split: { over: "params.list", maxConcurrency: 2, tolerated: 0 } }), node("b")], {
        ...LIST,
        failureMode: "continue",
      }),
      { list: ["x", "y", "z"] },
    );
    run.start();
    run.grant();
    run.fail("g[0]");
    expect(run.verb({ kind: "retry", node: "g[0]" })).toEqual(["RESET g[0] started"]);
    expect(run.statuses).toEqual({ g: "RUNNING", b: "RUNNING", "g[0]": "PENDING", "g[1]": "RUNNING", "g[2]": "READY" });
    expect(run.grant()).toEqual(["RUN g[2] #1"]);
    expect(run.ok("g[0]", "g[1]")).toEqual(["LATE g[0] #1 SUCCEEDED", "SUCCEEDED g[1] #1", "READY g[0] #2"]);
    expect(run.statuses).toEqual({
      g: "RUNNING",
      b: "RUNNING",
      "g[0]": "READY",
      "g[1]": "SUCCESSFUL",
      "g[2]": "RUNNING",
    });
  });

  test("R14: a failure after a retry holds what the retry had let go", () => {
    const run = new CoreRun(plan([node("a"), node("b"), node("c", ["a"]), node("d", ["a"])]));
    run.start();
    run.grant();
    run.fail("a");
    run.fail("b");
    run.verb({ kind: "retry" });
    run.grant(1);
    run.ok("a");
    expect(run.statuses).toEqual({ a: "SUCCESSFUL", b: "READY", c: "READY", d: "READY" });
    expect(run.grant(1)).toEqual(["RUN b #2"]);
    expect(run.fail("b")).toEqual(["FAILED b NONE #2 FAILED", "HELD c", "HELD d", "RUN_STATUS run FAILED"]);
    expect(run.demand()).toBe(0);
    expect(run.statuses).toEqual({ a: "SUCCESSFUL", b: "FAILED", c: "PENDING", d: "PENDING" });
    expect(run.verb({ kind: "retry", node: "b" })).toEqual([
      "RUN_STATUS run RUNNING again",
      "RESET b started",
      "READY b #3",
      "READY c #1",
      "READY d #1",
    ]);
  });

  test("R14: under kill a node that is retried has all its attempts although another failure stands", () => {
    const run = new CoreRun(
      plan([node("a", [], { retry: { maxAttempts: 2, initialInterval: 1 } }), node("b")], { failureMode: "kill" }),
    );
    run.start();
    run.grant();
    run.fail("b");
    run.fail("a");
    expect(run.statuses).toEqual({ a: "FAILED", b: "FAILED" });
    expect(run.verb({ kind: "retry", node: "a" })).toEqual([
      "RUN_STATUS run RUNNING again",
      "RESET a started",
      "READY a #2",
    ]);
    expect(run.grant()).toEqual(["RUN a #2"]);
    expect(run.fail("a")).toEqual(["RETRYING a NONE #2 FAILED +1000", "ARM a backoff #2 +1000"]);
    expect(run.status("a")).toBe("READY");
  });
});

describe("R37: verbs that recount", () => {
  test("R12: a retry forgets what was told of the failure: reactions that waited wait again", () => {
    const run = new CoreRun(
      plan(
        [
          node("a"),
          node("b"),
          node("w", ["a", "b"], { trigger: "all_failed" }),
          node("x", ["a", "b"], { trigger: "any_succeeded" }),
        ],
        { failureMode: "continue" },
      ),
    );
    run.start();
    run.grant();
    run.fail("a");
    run.verb({ kind: "retry", node: "a" });
    run.fail("b");
    run.grant();
    expect(run.ok("a")).toEqual(["SUCCEEDED a #2", "SKIPPED w UPSTREAM", "READY x #1"]);
    expect(run.statuses).toEqual({ a: "SUCCESSFUL", b: "FAILED", w: "SKIPPED", x: "READY" });
  });

  test("R12: what a running group's members have told stays told while another node is retried", () => {
    const run = new CoreRun(
      plan(
        [
          node("g", [], { split: { over: "params.list" } }),
          node("b"),
          node("s", ["g"], { trigger: "any_succeeded", when: "true" }),
          node("f", ["g", "b"], { trigger: "any_failed", when: "true" }),
          node("t", ["b", "g"], { trigger: "any_succeeded" }),
        ],
        { ...LIST, failureMode: "continue" },
      ),
      { list: ["x", "y", "z"] },
    );
    run.start();
    run.grant();
    run.fail("b");
    expect(run.ok("g[0]")).toEqual(["SUCCEEDED g[0] #1", "RESOLVE s", "READY t #1"]);
    expect(run.verb({ kind: "retry", node: "b" })).toEqual(["RESET b started", "READY b #2"]);
    expect(run.fail("g[1]")).toEqual(["FAILED g[1] NONE #1 FAILED"]);
    expect(run.statuses).toEqual({
      g: "RUNNING",
      b: "READY",
      s: "PENDING",
      f: "PENDING",
      t: "READY",
      "g[0]": "SUCCESSFUL",
      "g[1]": "FAILED",
      "g[2]": "RUNNING",
    });
  });

  test("R21: places in a group are counted anew: a skipped, a failed, a running and a waiting member", () => {
    const run = new CoreRun(
      plan([node("g", [], { split: { over: "params.list", maxConcurrency: 2, tolerated: 2 } }), node("b")], {
        ...LIST,
        failureMode: "continue",
      }),
      { list: ["1", "2", "3", "4", "5"] },
    );
    run.start();
    run.verb({ kind: "skip", node: "g[0]" });
    run.grant();
    run.fail("b");
    run.fail("g[1]");
    expect(run.statuses).toEqual({
      g: "RUNNING",
      b: "FAILED",
      "g[0]": "SKIPPED",
      "g[1]": "FAILED",
      "g[2]": "RUNNING",
      "g[3]": "READY",
      "g[4]": "PENDING",
    });
    expect(run.verb({ kind: "retry", node: "b" })).toEqual(["RESET b started", "READY b #2"]);
    expect(run.grant()).toEqual(["RUN g[3] #1", "RUN b #2"]);
    expect(run.ok("g[2]")).toEqual(["SUCCEEDED g[2] #1", "READY g[4] #1"]);
    expect(run.verb({ kind: "pause" })).toEqual(["RUN_STATUS run PAUSED"]);
    expect(run.refusal({ kind: "skip", node: "g[4]" })).toBe(undefined);
    expect(run.verb({ kind: "resume" })).toEqual(["RUN_STATUS run RUNNING"]);
    expect(run.grant()).toEqual(["RUN g[4] #1"]);
    expect(run.ok("g[3]", "g[4]", "b")).toEqual([
      "SUCCEEDED g[3] #1",
      "SUCCEEDED g[4] #1",
      "SUCCEEDED g #0",
      "SUCCEEDED b #2",
      "RUN_STATUS run SUCCESSFUL",
    ]);
  });

  test("R37: in a canceled run a failed node is retried, skipped, or all are retried; in a paused one a failed node is", () => {
    const run = new CoreRun(plan([node("a"), node("b"), node("c")], { failureMode: "continue" }));
    run.start();
    run.grant(2);
    run.fail("a");
    run.verb({ kind: "pause" });
    expect(run.refusal({ kind: "retry", node: "a" })).toBe(undefined);
    expect(run.refusal({ kind: "skip", node: "a" })).toBe(undefined);
    expect(run.refusal({ kind: "retry" })).toEqual({
      kind: "run-state",
      allowedIn: ["FAILED", "CANCELED", "PARTIALLY_ROLLED_BACK"],
    });
    expect(run.refusal({ kind: "abandon" })).toEqual({ kind: "moving" });
    run.verb({ kind: "cancel" });
    run.fail("b");
    expect(run.refusal({ kind: "retry", node: "a" })).toBe(undefined);
    expect(run.refusal({ kind: "skip", node: "a" })).toBe(undefined);
    expect(run.refusal({ kind: "rollback", scope: "all" })).toBe(undefined);
    expect(run.refusal({ kind: "abandon" })).toBe(undefined);
    expect(run.refusal({ kind: "cancel" })).toEqual({ kind: "run-state", allowedIn: ["RUNNING", "PAUSED"] });
    expect(run.verb({ kind: "retry", node: "a" })).toEqual([
      "RUN_STATUS run RUNNING again",
      "RESET a started",
      "READY a #2",
      "READY c #1",
    ]);
  });

  test("R37: a node that waits for its undoing between two attempts is not skipped, a paused run with one in flight not given up", () => {
    const run = new CoreRun(
      plan([undoable("a", [], { retry: { maxAttempts: 2, initialInterval: 1, mode: "compensate-first" } })]),
    );
    run.start();
    run.grant();
    run.fail("a");
    expect(run.refusal({ kind: "skip", node: "a" })).toEqual({
      kind: "node-state",
      allowedIn: ["FAILED", "COMPENSATION_FAILED"],
      is: "READY",
    });
    run.grant();
    run.verb({ kind: "pause" });
    expect(run.refusal({ kind: "abandon" })).toEqual({ kind: "moving" });
    expect(run.atRest).toBe(false);
    expect(run.ok("a")).toEqual(["COMPENSATED a #1", "ARM a backoff #1 +1000"]);
    expect(run.atRest).toBe(true);
  });

  test("R37: a paused run is not at rest while a condition is evaluated", () => {
    const run = new CoreRun(plan([node("a", [], { when: "true" })]));
    run.start();
    run.verb({ kind: "pause" });
    expect(run.atRest).toBe(false);
    expect(run.resolve("a", "run")).toEqual(["READY a #1"]);
    expect(run.atRest).toBe(true);
  });
});

describe("R33, R34: rollback by the plan", () => {
  test("R33: a plan that prohibits rollback rests in FAILED", () => {
    const run = new CoreRun(plan([undoable("a"), node("b", ["a"])], { prohibitRollback: true }));
    run.start();
    run.grant();
    run.ok("a");
    run.grant();
    expect(run.fail("b")).toEqual(["FAILED b NONE #1 FAILED", "RUN_STATUS run FAILED"]);
    expect(run.refusal({ kind: "retry" })).toBe(undefined);
  });

  test("R34: an automatic rollback tries a compensation that failed before again", () => {
    const run = new CoreRun(
      plan(
        [
          node("p", [], { prohibitRollback: true }),
          undoable("a", ["p"], { retry: { maxAttempts: 2, mode: "compensate-first" } }),
        ],
        { onFailure: "rollback" },
      ),
    );
    run.start();
    run.grant();
    run.ok("p");
    run.grant();
    run.fail("a");
    run.grant();
    expect(run.fail("a")).toEqual(["UNDO_FAILED a #1", "RUN_STATUS run ROLLING_BACK"]);
    expect(run.grant()).toEqual(["COMPENSATE a #2"]);
    expect(run.ok("a")).toEqual(["COMPENSATED a #2", "RUN_STATUS run PARTIALLY_ROLLED_BACK"]);
  });

  test("R34: what stands is not undone by a later rollback, and what was undone is not undone again", () => {
    const run = new CoreRun(
      plan([undoable("a"), node("p", ["a"], { prohibitRollback: true }), undoable("b", ["p"]), node("f", ["b"])]),
    );
    run.start();
    run.grant();
    run.ok("a");
    run.grant();
    run.ok("p");
    run.grant();
    run.ok("b");
    run.grant();
    run.fail("f");
    run.verb({ kind: "rollback", scope: "barrier" });
    run.grant();
    run.ok("b");
    expect(run.refusal({ kind: "rollback", scope: "all" })).toEqual({ kind: "prohibited", nodes: [1] });
    expect(run.refusal({ kind: "rollback", scope: "node", node: "a" })).toEqual({ kind: "prohibited", nodes: [1] });
    expect(run.verb({ kind: "rollback", scope: "barrier" })).toEqual([
      "RUN_STATUS run ROLLING_BACK",
      "RUN_STATUS run PARTIALLY_ROLLED_BACK",
    ]);
    expect(run.verb({ kind: "rollback", scope: "node", node: "p" })).toEqual([
      "RUN_STATUS run ROLLING_BACK",
      "RUN_STATUS run PARTIALLY_ROLLED_BACK",
    ]);
    expect(run.verb({ kind: "abandon" })).toEqual(["RUN_STATUS run ABANDONED"]);
  });
});
