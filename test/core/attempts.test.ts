/** R25-R28 as the core alone decides them: what is armed, what is taken back, and which deadline still counts. */
import { describe, expect, test } from "vitest";
import { CoreRun, node, plan } from "./core-run.ts";

describe("R26: deadlines of attempts", () => {
  test("R26: every deadline is armed at dispatch for its own time and taken back when the attempt ends", () => {
    const run = new CoreRun(plan([node("a", [], { timeout: 3, heartbeatTimeout: 2, totalTimeout: 60 })]));
    expect(run.start()).toEqual(["RUN_STATUS run RUNNING at the start", "READY a #1"]);
    run.now = 1000;
    expect(run.grant()).toEqual([
      "RUN a #1",
      "ARM a attempt #1 +3000",
      "ARM a heartbeat #1 +2000",
      "ARM a total #0 +60000",
    ]);
    expect(run.ok("a")).toEqual([
      "DISARM a attempt",
      "DISARM a heartbeat",
      "DISARM a total",
      "SUCCEEDED a #1",
      "RUN_STATUS run SUCCESSFUL",
    ]);
  });

  test("R26: an attempt without deadlines arms nothing and takes nothing back", () => {
    const run = new CoreRun(plan([node("a"), node("b", ["a"])]));
    run.start();
    expect(run.grant()).toEqual(["RUN a #1"]);
    expect(run.ok("a")).toEqual(["SUCCEEDED a #1", "READY b #1"]);
  });

  test("R26: a timed out attempt is aborted, has the grace period to let go, and ends unknown", () => {
    const run = new CoreRun(
      plan([
        node("a", [], {
          timeout: 3,
          heartbeatTimeout: 2,
          totalTimeout: 60,
          retry: { maxAttempts: 2, initialInterval: 4 },
        }),
      ]),
    );
    run.start();
    run.grant();
    run.now = 3000;
    expect(run.due("attempt", "a")).toEqual([
      "DISARM a attempt",
      "DISARM a heartbeat",
      "CANCELING a TIMEOUT",
      "ABORT a TIMEOUT",
      "ARM a grace #1 +5000",
    ]);
    expect(run.status("a")).toBe("CANCELING");
    expect(run.due("heartbeat", "a")).toEqual([]);
    expect(run.due("attempt", "a")).toEqual([]);
    run.now = 8000;
    expect(run.due("grace", "a", 2)).toEqual([]);
    expect(run.due("grace", "a")).toEqual([
      "DISARM a attempt",
      "DISARM a heartbeat",
      "DISARM a grace",
      "RETRYING a TIMEOUT #1 UNKNOWN +4000",
      "ARM a backoff #1 +4000",
    ]);
    expect(run.ok("a")).toEqual(["LATE a #1 SUCCEEDED"]);
    run.now = 12_000;
    expect(run.due("backoff", "a", 0)).toEqual([]);
    expect(run.due("backoff", "a")).toEqual(["READY a #2"]);
    expect(run.due("backoff", "a")).toEqual([]);
    expect(run.grant()).toEqual(["RUN a #2", "ARM a attempt #2 +3000", "ARM a heartbeat #2 +2000"]);
    expect(run.due("attempt", "a", 1)).toEqual([]);
    expect(run.due("heartbeat", "a")).toEqual([
      "DISARM a attempt",
      "DISARM a heartbeat",
      "CANCELING a HEARTBEAT",
      "ABORT a HEARTBEAT",
      "ARM a grace #2 +5000",
    ]);
    expect(run.fail("a")).toEqual([
      "DISARM a attempt",
      "DISARM a heartbeat",
      "DISARM a grace",
      "DISARM a total",
      "FAILED a HEARTBEAT #2 UNKNOWN",
      "RUN_STATUS run FAILED",
    ]);
    expect(run.due("grace", "a")).toEqual([]);
  });

  test("R26: a missing heartbeat alone aborts the attempt", () => {
    const run = new CoreRun(plan([node("a", [], { heartbeatTimeout: 2 })]));
    run.start();
    expect(run.grant()).toEqual(["RUN a #1", "ARM a heartbeat #1 +2000"]);
    expect(run.due("heartbeat", "a", 0)).toEqual([]);
    expect(run.due("heartbeat", "a")).toEqual([
      "DISARM a heartbeat",
      "CANCELING a HEARTBEAT",
      "ABORT a HEARTBEAT",
      "ARM a grace #1 +5000",
    ]);
    expect(run.ok("a")).toEqual([
      "LATE a #1 SUCCEEDED",
      "DISARM a heartbeat",
      "DISARM a grace",
      "FAILED a HEARTBEAT #1 UNKNOWN",
      "RUN_STATUS run FAILED",
    ]);
    expect(run.run).toBe("FAILED");
  });

  test("R26: an aborted attempt that succeeds all the same is told as late and stays unknown", () => {
    const run = new CoreRun(plan([node("a", [], { timeout: 3 })]));
    run.start();
    run.grant();
    run.due("attempt", "a");
    expect(run.ok("a")).toEqual([
      "LATE a #1 SUCCEEDED",
      "DISARM a attempt",
      "DISARM a grace",
      "FAILED a TIMEOUT #1 UNKNOWN",
      "RUN_STATUS run FAILED",
    ]);
  });
});

describe("R26: the time of all attempts", () => {
  test("R26: totalTimeout is armed once a round, aborts what runs, and no further attempt follows", () => {
    const run = new CoreRun(plan([node("a", [], { totalTimeout: 10, retry: { maxAttempts: 5, initialInterval: 4 } })]));
    run.start();
    expect(run.grant()).toEqual(["RUN a #1", "ARM a total #0 +10000"]);
    expect(run.fail("a")).toEqual(["RETRYING a NONE #1 FAILED +4000", "ARM a backoff #1 +4000"]);
    run.now = 4000;
    expect(run.due("backoff", "a")).toEqual(["READY a #2"]);
    expect(run.grant()).toEqual(["RUN a #2"]);
    expect(run.due("total", "a", 1)).toEqual([]);
    expect(run.due("total", "a")).toEqual(["CANCELING a TOTAL", "ABORT a TOTAL", "ARM a grace #2 +5000"]);
    expect(run.ok("a")).toEqual([
      "LATE a #2 SUCCEEDED",
      "DISARM a grace",
      "DISARM a total",
      "FAILED a TOTAL #2 UNKNOWN",
      "RUN_STATUS run FAILED",
    ]);
  });

  test("R26: totalTimeout fails a node that waits for its next attempt", () => {
    const run = new CoreRun(plan([node("a", [], { totalTimeout: 10, retry: { maxAttempts: 5, initialInterval: 4 } })]));
    run.start();
    run.grant();
    run.fail("a");
    expect(run.due("total", "a")).toEqual([
      "DISARM a backoff",
      "DISARM a total",
      "FAILED a TOTAL #1 FAILED",
      "RUN_STATUS run FAILED",
    ]);
    expect(run.due("backoff", "a")).toEqual([]);
    expect(run.demand()).toBe(0);
  });

  test("R26: totalTimeout fails a node that waits for a slot", () => {
    const run = new CoreRun(plan([node("a", [], { totalTimeout: 10, retry: { maxAttempts: 5, initialInterval: 4 } })]));
    run.start();
    run.grant();
    run.fail("a");
    run.due("backoff", "a");
    expect(run.demand()).toBe(1);
    expect(run.due("total", "a")).toEqual(["DISARM a total", "FAILED a TOTAL #1 FAILED", "RUN_STATUS run FAILED"]);
    expect(run.demand()).toBe(0);
  });

  test("R26: totalTimeout during the grace of a timeout lets no further attempt follow", () => {
    const run = new CoreRun(
      plan([node("a", [], { totalTimeout: 10, timeout: 5, retry: { maxAttempts: 5, initialInterval: 4 } })]),
    );
    run.start();
    run.grant();
    run.due("attempt", "a");
    expect(run.due("total", "a")).toEqual([]);
    expect(run.due("grace", "a")).toEqual([
      "DISARM a attempt",
      "DISARM a grace",
      "DISARM a total",
      "FAILED a TOTAL #1 UNKNOWN",
      "RUN_STATUS run FAILED",
    ]);
  });

  test("R37: a retried node has its totalTimeout anew, under the attempts it has had", () => {
    const run = new CoreRun(plan([node("a", [], { totalTimeout: 10 })]));
    run.start();
    run.grant();
    run.fail("a");
    expect(run.verb({ kind: "retry", node: "a" })).toEqual([
      "RUN_STATUS run RUNNING again",
      "RESET a started",
      "READY a #2",
    ]);
    expect(run.grant()).toEqual(["RUN a #2", "ARM a total #1 +10000"]);
    expect(run.due("total", "a", 0)).toEqual([]);
    expect(run.due("total", "a")).toEqual(["CANCELING a TOTAL", "ABORT a TOTAL", "ARM a grace #2 +5000"]);
  });
});

describe("R26: cancel of a node", () => {
  test("R37: a cancel during the grace of a timeout wins: no further attempt follows", () => {
    const run = new CoreRun(plan([node("a", [], { timeout: 5, retry: { maxAttempts: 5, initialInterval: 4 } })]));
    run.start();
    run.grant();
    run.due("attempt", "a");
    expect(run.verb({ kind: "cancel", node: "a" })).toEqual([]);
    expect(run.fail("a")).toEqual([
      "DISARM a attempt",
      "DISARM a grace",
      "FAILED a CANCEL #1 UNKNOWN",
      "RUN_STATUS run FAILED",
    ]);
  });

  test("R26: a timeout after a cancel changes nothing", () => {
    const run = new CoreRun(plan([node("a", [], { timeout: 5, retry: { maxAttempts: 5, initialInterval: 4 } })]));
    run.start();
    run.grant();
    expect(run.verb({ kind: "cancel", node: "a" })).toEqual([
      "DISARM a attempt",
      "CANCELING a CANCEL",
      "ABORT a CANCEL",
      "ARM a grace #1 +5000",
    ]);
    expect(run.due("attempt", "a")).toEqual([]);
    expect(run.fail("a")).toEqual([
      "DISARM a attempt",
      "DISARM a grace",
      "FAILED a CANCEL #1 UNKNOWN",
      "RUN_STATUS run FAILED",
    ]);
  });

  test("R37: a node that waits for its next attempt is canceled at once", () => {
    const run = new CoreRun(plan([node("a", [], { timeout: 5, retry: { maxAttempts: 5, initialInterval: 4 } })]));
    run.start();
    run.grant();
    run.fail("a");
    expect(run.verb({ kind: "cancel", node: "a" })).toEqual([
      "DISARM a backoff",
      "FAILED a CANCEL #1 FAILED",
      "RUN_STATUS run FAILED",
    ]);
    expect(run.due("backoff", "a")).toEqual([]);
  });
});

describe("R25: answers", () => {
  test("R25: a late answer of an older attempt is told and changes nothing", () => {
    const run = new CoreRun(plan([node("a", [], { retry: { maxAttempts: 3, initialInterval: 1 } })]));
    run.start();
    run.grant();
    run.fail("a");
    expect(run.feed({ kind: "succeeded", node: "a", attempt: 1 })).toEqual(["LATE a #1 SUCCEEDED"]);
    expect(run.feed({ kind: "failed", node: "a", attempt: 1, retryable: true })).toEqual(["LATE a #1 FAILED"]);
    run.due("backoff", "a");
    run.grant();
    expect(run.feed({ kind: "succeeded", node: "a", attempt: 1 })).toEqual(["LATE a #1 SUCCEEDED"]);
    expect(run.status("a")).toBe("RUNNING");
    expect(run.ok("a")).toEqual(["SUCCEEDED a #2", "RUN_STATUS run SUCCESSFUL"]);
    expect(run.feed({ kind: "failed", node: "a", attempt: 2, retryable: true })).toEqual(["LATE a #2 FAILED"]);
  });

  test("R25: without a retry there is one attempt; a failure that is not retryable ends a node that has attempts left", () => {
    const run = new CoreRun(
      plan([node("a"), node("b", [], { retry: { maxAttempts: 3 } })], { failureMode: "continue" }),
    );
    run.start();
    run.grant();
    expect(run.fail("a")).toEqual(["FAILED a NONE #1 FAILED"]);
    expect(run.fail("b", false)).toEqual(["FAILED b NONE #1 FAILED", "RUN_STATUS run FAILED"]);
  });

  test("R25: the wait grows by the coefficient up to maxInterval; a wait of 0 makes the node ready at once", () => {
    const run = new CoreRun(
      plan([
        node("a", [], { retry: { maxAttempts: 4, initialInterval: 1, backoffCoefficient: 3, maxInterval: 5 } }),
        node("b", [], { retry: { maxAttempts: 2, initialInterval: 0 } }),
      ]),
    );
    run.start();
    run.grant();
    expect(run.fail("b")).toEqual(["RETRYING b NONE #1 FAILED +0", "READY b #2"]);
    expect(run.fail("a")).toEqual(["RETRYING a NONE #1 FAILED +1000", "ARM a backoff #1 +1000"]);
    run.due("backoff", "a");
    run.grant();
    expect(run.fail("a")).toEqual(["RETRYING a NONE #2 FAILED +3000", "ARM a backoff #2 +3000"]);
    run.due("backoff", "a");
    run.grant();
    expect(run.fail("a")).toEqual(["RETRYING a NONE #3 FAILED +5000", "ARM a backoff #3 +5000"]);
    run.due("backoff", "a");
    run.grant();
    expect(run.fail("a")).toEqual(["FAILED a NONE #4 FAILED"]);
  });
});
