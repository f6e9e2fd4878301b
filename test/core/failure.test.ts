/** R14, R15 as the core alone decides them: what a failure holds, aborts and spares, and when the run is over. */
import { describe, expect, test } from "vitest";
import { CoreRun, LIST, node, plan, undoable } from "./core-run.ts";

describe("R14: no-new", () => {
  test("R14: what waits for a slot is held, what runs finishes, a reaction starts; then the run is FAILED", () => {
    const run = new CoreRun(
      plan([node("a"), node("b"), node("c"), node("d", ["b"]), node("r", ["a"], { trigger: "any_failed" })]),
    );
    run.start();
    expect(run.grant(2)).toEqual(["RUN a #1", "RUN b #1"]);
    expect(run.fail("a")).toEqual(["FAILED a NONE #1 FAILED", "HELD c", "READY r #1"]);
    expect(run.demand()).toBe(1);
    expect(run.ok("b")).toEqual(["SUCCEEDED b #1"]);
    expect(run.grant()).toEqual(["RUN r #1"]);
    expect(run.ok("r")).toEqual(["SUCCEEDED r #1", "RUN_STATUS run FAILED"]);
    expect(run.statuses).toEqual({ a: "FAILED", b: "SUCCESSFUL", c: "PENDING", d: "PENDING", r: "SUCCESSFUL" });
  });

  test("R14: a node between two attempts goes on, one that waits for its first does not", () => {
    const run = new CoreRun(
      plan([
        node("a"),
        node("b", [], { retry: { maxAttempts: 2, initialInterval: 1 } }),
        node("c", [], { retry: { maxAttempts: 2, initialInterval: 0 } }),
        node("d"),
      ]),
    );
    run.start();
    run.grant(3);
    run.fail("b");
    expect(run.fail("c")).toEqual(["RETRYING c NONE #1 FAILED +0", "READY c #2"]);
    expect(run.fail("a")).toEqual(["FAILED a NONE #1 FAILED", "HELD d"]);
    expect(run.due("backoff", "b")).toEqual(["READY b #2"]);
    expect(run.grant()).toEqual(["RUN b #2", "RUN c #2"]);
    expect(run.ok("b", "c")).toEqual(["SUCCEEDED b #2", "SUCCEEDED c #2", "RUN_STATUS run FAILED"]);
  });

  test("R14: a tolerated failure holds nothing", () => {
    const run = new CoreRun(plan([node("a", [], { onFailure: "continue" }), node("b"), node("c", ["a", "b"])]));
    run.start();
    run.grant(1);
    expect(run.fail("a")).toEqual(["FAILED a NONE #1 FAILED"]);
    expect(run.grant()).toEqual(["RUN b #1"]);
    expect(run.ok("b")).toEqual(["SUCCEEDED b #1", "READY c #1"]);
    expect(run.grant()).toEqual(["RUN c #1"]);
    expect(run.ok("c")).toEqual(["SUCCEEDED c #1", "RUN_STATUS run SUCCESSFUL"]);
  });

  test("R14: a condition that is evaluated while a failure comes starts nothing", () => {
    const run = new CoreRun(plan([node("a"), node("b", [], { when: "true" })]));
    run.start();
    run.grant();
    expect(run.fail("a")).toEqual(["FAILED a NONE #1 FAILED"]);
    expect(run.resolve("b", "run")).toEqual(["RUN_STATUS run FAILED"]);
    expect(run.statuses).toEqual({ a: "FAILED", b: "PENDING" });
    expect(run.verb({ kind: "retry", node: "a" })).toEqual([
      "RUN_STATUS run RUNNING again",
      "RESET a started",
      "READY a #2",
      "READY b #1",
    ]);
  });

  test("R14: a list that is evaluated while a failure comes expands its group and starts none of it", () => {
    const run = new CoreRun(
      plan([node("a"), node("b"), node("h", ["b"], { split: { over: "nodes.b.output.items" } })]),
    );
    run.start();
    run.grant();
    run.ok("b");
    expect(run.fail("a")).toEqual(["FAILED a NONE #1 FAILED"]);
    expect(run.resolve("h", "run", 2)).toEqual(["EXPANDED h 2 from 3", "RUN_STATUS run FAILED"]);
    expect(run.statuses).toEqual({ a: "FAILED", b: "SUCCESSFUL", h: "PENDING", "h[0]": "PENDING", "h[1]": "PENDING" });
    expect(run.verb({ kind: "retry", node: "a" })).toEqual([
      "RUN_STATUS run RUNNING again",
      "RESET a started",
      "READY a #2",
      "READY h[0] #1",
      "READY h[1] #1",
    ]);
  });
});

describe("R14: kill and continue", () => {
  test("R14: kill aborts what runs and fails what waits for its next attempt; reactions and what has ended are spared", () => {
    const run = new CoreRun(
      plan(
        [
          node("a"),
          node("b"),
          node("c", [], { retry: { maxAttempts: 2 } }),
          node("d", [], { trigger: "all_finished" }),
          node("e"),
          node("r", ["a"], { trigger: "any_failed" }),
        ],
        { failureMode: "kill" },
      ),
    );
    run.start();
    run.grant(4);
    run.fail("c");
    expect(run.fail("a")).toEqual([
      "FAILED a NONE #1 FAILED",
      "HELD e",
      "CANCELING b KILL",
      "ABORT b KILL",
      "ARM b grace #1 +5000",
      "DISARM c backoff",
      "FAILED c KILL #1 FAILED",
      "READY r #1",
    ]);
    expect(run.statuses).toEqual({ a: "FAILED", b: "CANCELING", c: "FAILED", d: "RUNNING", e: "PENDING", r: "READY" });
    expect(run.grant()).toEqual(["RUN r #1"]);
    expect(run.fail("b")).toEqual(["DISARM b grace", "FAILED b KILL #1 UNKNOWN"]);
    expect(run.ok("d", "r")).toEqual(["SUCCEEDED d #1", "SUCCEEDED r #1", "RUN_STATUS run FAILED"]);
  });

  test("R14: kill aborts a group's members, not the group", () => {
    const run = new CoreRun(
      plan([node("a"), node("g", [], { split: { over: "params.list" } })], { ...LIST, failureMode: "kill" }),
      { list: ["x", "y"] },
    );
    run.start();
    run.grant(2);
    expect(run.fail("a")).toEqual([
      "FAILED a NONE #1 FAILED",
      "HELD g[1]",
      "CANCELING g[0] KILL",
      "ABORT g[0] KILL",
      "ARM g[0] grace #1 +5000",
    ]);
    expect(run.fail("g[0]")).toEqual([
      "DISARM g[0] grace",
      "FAILED g[0] KILL #1 UNKNOWN",
      "FAILED g NONE #0 FAILED",
      "RUN_STATUS run FAILED",
    ]);
    expect(run.statuses).toEqual({ a: "FAILED", g: "FAILED", "g[0]": "FAILED", "g[1]": "PENDING" });
  });

  test("R14: kill during the grace of a timeout lets no further attempt follow", () => {
    const run = new CoreRun(
      plan([node("a"), node("b", [], { timeout: 1, retry: { maxAttempts: 3 } })], { failureMode: "kill" }),
    );
    run.start();
    run.grant();
    run.due("attempt", "b");
    expect(run.fail("a")).toEqual(["FAILED a NONE #1 FAILED"]);
    expect(run.due("grace", "b")).toEqual([
      "DISARM b attempt",
      "DISARM b grace",
      "FAILED b KILL #1 UNKNOWN",
      "RUN_STATUS run FAILED",
    ]);
  });

  test("R14: under kill an attempt of a reaction that fails is tried again; of any other it is not", () => {
    const run = new CoreRun(
      plan(
        [
          node("a"),
          node("r", ["a"], { trigger: "any_failed", retry: { maxAttempts: 2, initialInterval: 1 } }),
          node("q", ["a"], { trigger: "all_finished", retry: { maxAttempts: 2, initialInterval: 1 } }),
          node("w", ["a"], { trigger: "all_failed", retry: { maxAttempts: 2, initialInterval: 1 } }),
        ],
        { failureMode: "kill" },
      ),
    );
    run.start();
    run.grant();
    run.fail("a");
    run.grant();
    expect(run.fail("r")).toEqual(["RETRYING r NONE #1 FAILED +1000", "ARM r backoff #1 +1000"]);
    expect(run.fail("q")).toEqual(["RETRYING q NONE #1 FAILED +1000", "ARM q backoff #1 +1000"]);
    expect(run.fail("w")).toEqual(["RETRYING w NONE #1 FAILED +1000", "ARM w backoff #1 +1000"]);
  });

  test("R14: under continue the rest goes on and the run fails at its end", () => {
    const run = new CoreRun(
      plan([node("a"), node("b"), node("c", ["b"]), node("d", ["a"])], { failureMode: "continue" }),
    );
    run.start();
    run.grant();
    expect(run.fail("a")).toEqual(["FAILED a NONE #1 FAILED"]);
    expect(run.ok("b")).toEqual(["SUCCEEDED b #1", "READY c #1"]);
    expect(run.grant()).toEqual(["RUN c #1"]);
    expect(run.ok("c")).toEqual(["SUCCEEDED c #1", "RUN_STATUS run FAILED"]);
  });

  test("R14: a second failure finds everything held and says nothing again", () => {
    const run = new CoreRun(plan([node("a"), node("b"), node("c")]));
    run.start();
    run.grant(2);
    expect(run.fail("a")).toEqual(["FAILED a NONE #1 FAILED", "HELD c"]);
    expect(run.fail("b")).toEqual(["FAILED b NONE #1 FAILED", "RUN_STATUS run FAILED"]);
  });
});

describe("R26: the time of the run", () => {
  test("R26: the run's deadline is armed at the start and taken back at its end", () => {
    const run = new CoreRun(plan([node("a")], { timeout: 60 }));
    expect(run.start()).toEqual(["RUN_STATUS run RUNNING at the start", "ARM run run #1 +60000", "READY a #1"]);
    run.grant();
    expect(run.ok("a")).toEqual(["SUCCEEDED a #1", "DISARM run run", "RUN_STATUS run SUCCESSFUL"]);
    expect(run.due("run")).toEqual([]);
  });

  test("R26: when the run's time is up what runs is aborted, what waits is held, reactions too; then it is FAILED", () => {
    const run = new CoreRun(
      plan(
        [
          node("a", [], { retry: { maxAttempts: 3 } }),
          node("b", [], { retry: { maxAttempts: 3 } }),
          node("c"),
          node("d", ["a"], { trigger: "all_finished" }),
        ],
        { timeout: 60 },
      ),
    );
    run.start();
    run.grant(2);
    run.fail("b");
    expect(run.due("run", "", 0)).toEqual([]);
    expect(run.due("run")).toEqual([
      "HELD c",
      "CANCELING a RUN_TIMEOUT",
      "ABORT a RUN_TIMEOUT",
      "ARM a grace #1 +5000",
      "DISARM b backoff",
      "FAILED b RUN_TIMEOUT #1 FAILED",
    ]);
    expect(run.fail("a")).toEqual([
      "DISARM a grace",
      "FAILED a RUN_TIMEOUT #1 UNKNOWN",
      "DISARM run run",
      "RUN_STATUS run FAILED",
    ]);
    expect(run.statuses).toEqual({ a: "FAILED", b: "FAILED", c: "PENDING", d: "PENDING" });
    expect(run.verb({ kind: "retry" })).toEqual([
      "RUN_STATUS run RUNNING again",
      "ARM run run #2 +60000",
      "RESET a started",
      "RESET b started",
      "READY a #2",
      "READY b #2",
      "READY c #1",
    ]);
    expect(run.grant()).toEqual(["RUN a #2", "RUN b #2", "RUN c #1"]);
    expect(run.due("run", "", 1)).toEqual([]);
    expect(run.ok("a", "b", "c")).toEqual(["SUCCEEDED a #2", "READY d #1", "SUCCEEDED b #2", "SUCCEEDED c #1"]);
    expect(run.grant()).toEqual(["RUN d #1"]);
    expect(run.ok("d")).toEqual(["SUCCEEDED d #1", "DISARM run run", "RUN_STATUS run SUCCESSFUL"]);
  });

  test("R26: the time of a run that rests or is canceled does not count", () => {
    const run = new CoreRun(plan([node("a"), node("b")], { timeout: 60 }));
    run.start();
    run.grant();
    expect(run.verb({ kind: "cancel" })).toEqual([
      "CANCELING a CANCEL",
      "ABORT a CANCEL",
      "ARM a grace #1 +5000",
      "CANCELING b CANCEL",
      "ABORT b CANCEL",
      "ARM b grace #1 +5000",
    ]);
    expect(run.due("run")).toEqual([]);
    expect(run.fail("a")).toEqual(["DISARM a grace", "FAILED a CANCEL #1 UNKNOWN"]);
    expect(run.fail("b")).toEqual([
      "DISARM b grace",
      "FAILED b CANCEL #1 UNKNOWN",
      "DISARM run run",
      "RUN_STATUS run CANCELED",
    ]);
    expect(run.due("run")).toEqual([]);
    expect(run.run).toBe("CANCELED");
  });

  test("R26: the time of a paused run counts", () => {
    const run = new CoreRun(plan([node("a"), node("b")], { timeout: 60 }));
    run.start();
    run.grant(1);
    expect(run.verb({ kind: "pause" })).toEqual(["RUN_STATUS run PAUSED"]);
    expect(run.due("run")).toEqual([
      "HELD b",
      "CANCELING a RUN_TIMEOUT",
      "ABORT a RUN_TIMEOUT",
      "ARM a grace #1 +5000",
    ]);
    expect(run.fail("a")).toEqual([
      "DISARM a grace",
      "FAILED a RUN_TIMEOUT #1 UNKNOWN",
      "DISARM run run",
      "RUN_STATUS run FAILED",
    ]);
    expect(run.run).toBe("FAILED");
  });

  test("R34: a run whose time is up is rolled back when the plan says so", () => {
    const run = new CoreRun(plan([undoable("a"), node("b", ["a"])], { timeout: 60, onFailure: "rollback" }));
    run.start();
    run.grant();
    run.ok("a");
    run.grant();
    expect(run.due("run")).toEqual(["CANCELING b RUN_TIMEOUT", "ABORT b RUN_TIMEOUT", "ARM b grace #1 +5000"]);
    expect(run.fail("b")).toEqual([
      "DISARM b grace",
      "FAILED b RUN_TIMEOUT #1 UNKNOWN",
      "DISARM run run",
      "RUN_STATUS run ROLLING_BACK",
    ]);
    expect(run.grant()).toEqual(["COMPENSATE a #1"]);
    expect(run.ok("a")).toEqual(["COMPENSATED a #1", "RUN_STATUS run ROLLED_BACK"]);
  });

  test("R15: a run of skipped nodes is SUCCESSFUL", () => {
    const run = new CoreRun(plan([node("a", [], { when: "false" }), node("b", ["a"], { trigger: "any_succeeded" })]));
    run.start();
    expect(run.resolve("a", "skip")).toEqual([
      "SKIPPED a CONDITION",
      "SKIPPED b UPSTREAM",
      "RUN_STATUS run SUCCESSFUL",
    ]);
  });
});
