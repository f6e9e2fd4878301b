/** R25 with retry.mode compensate-first: a node is undone between two of its attempts. */
import { describe, expect, test } from "vitest";
import { CoreRun, node, plan, undoable } from "./core-run.ts";

describe("R25: undone between two attempts", () => {
  test("R25: compensate-first undoes the node before its next attempt and then waits", () => {
    const run = new CoreRun(
      plan([
        undoable("a", [], {
          totalTimeout: 30,
          compensation: { action: "undo", timeout: 7, retry: { maxAttempts: 2, initialInterval: 3 } },
          retry: { maxAttempts: 3, initialInterval: 4, mode: "compensate-first" },
        }),
      ]),
    );
    run.start();
    run.grant();
    expect(run.fail("a")).toEqual(["RETRYING a NONE #1 FAILED +4000"]);
    expect(run.status("a")).toBe("READY");
    expect(run.grant()).toEqual(["COMPENSATE a #1", "ARM a compensation #1 +7000"]);
    expect(run.status("a")).toBe("COMPENSATING");
    expect(run.ok("a")).toEqual(["DISARM a compensation", "COMPENSATED a #1", "ARM a backoff #1 +4000"]);
    expect(run.status("a")).toBe("READY");
    run.now = 4000;
    expect(run.due("backoff", "a")).toEqual(["READY a #2"]);
    expect(run.grant()).toEqual(["RUN a #2"]);
    expect(run.fail("a")).toEqual(["RETRYING a NONE #2 FAILED +8000"]);
    expect(run.grant()).toEqual(["COMPENSATE a #2", "ARM a compensation #2 +7000"]);
    expect(run.fail("a")).toEqual([
      "DISARM a compensation",
      "UNDO_RETRYING a #2 +3000",
      "ARM a compensation-backoff #2 +3000",
    ]);
    expect(run.due("compensation-backoff", "a")).toEqual([]);
    expect(run.grant()).toEqual(["COMPENSATE a #3", "ARM a compensation #3 +7000"]);
    expect(run.fail("a")).toEqual([
      "DISARM a compensation",
      "DISARM a total",
      "UNDO_FAILED a #3",
      "RUN_STATUS run FAILED",
    ]);
    expect(run.statuses).toEqual({ a: "COMPENSATION_FAILED" });
  });

  test("R25: compensate-first without anything to undo waits at once", () => {
    const run = new CoreRun(
      plan([
        undoable("a", [], {
          compensation: { action: "undo", when: "succeeded" },
          retry: { maxAttempts: 3, initialInterval: 4, mode: "compensate-first" },
        }),
      ]),
    );
    run.start();
    run.grant();
    expect(run.fail("a")).toEqual(["RETRYING a NONE #1 FAILED +4000", "ARM a backoff #1 +4000"]);
  });

  test("R26: totalTimeout while the node is undone between two attempts: no attempt follows", () => {
    const run = new CoreRun(
      plan([
        undoable("a", [], {
          totalTimeout: 30,
          retry: { maxAttempts: 3, initialInterval: 4, mode: "compensate-first" },
        }),
      ]),
    );
    run.start();
    run.grant();
    run.fail("a");
    run.grant();
    expect(run.due("total", "a")).toEqual([]);
    expect(run.ok("a")).toEqual([
      "COMPENSATED a #1",
      "DISARM a total",
      "FAILED a TOTAL #1 FAILED",
      "RUN_STATUS run FAILED",
    ]);
  });

  test("R26: totalTimeout while the undoing waits for a slot fails the node", () => {
    const run = new CoreRun(
      plan([
        undoable("a", [], {
          totalTimeout: 30,
          retry: { maxAttempts: 3, initialInterval: 4, mode: "compensate-first" },
        }),
      ]),
    );
    run.start();
    run.grant();
    run.fail("a");
    expect(run.demand()).toBe(1);
    expect(run.due("total", "a")).toEqual(["DISARM a total", "FAILED a TOTAL #1 FAILED", "RUN_STATUS run FAILED"]);
    expect(run.demand()).toBe(0);
    expect(run.grant()).toEqual([]);
  });

  test("R37: a run canceled while a node is undone between two attempts starts no further one", () => {
    const run = new CoreRun(
      plan([undoable("a", [], { retry: { maxAttempts: 3, initialInterval: 4, mode: "compensate-first" } })]),
    );
    run.start();
    run.grant();
    run.fail("a");
    run.grant();
    expect(run.verb({ kind: "cancel" })).toEqual([]);
    expect(run.ok("a")).toEqual(["COMPENSATED a #1", "FAILED a CANCEL #1 FAILED", "RUN_STATUS run CANCELED"]);
  });

  test("R26: a run whose time is up while a node is undone between two attempts starts no further one", () => {
    const run = new CoreRun(
      plan([undoable("a", [], { retry: { maxAttempts: 3, initialInterval: 4, mode: "compensate-first" } })], {
        timeout: 60,
      }),
    );
    expect(run.start()).toEqual(["RUN_STATUS run RUNNING at the start", "ARM run run #1 +60000", "READY a #1"]);
    run.grant();
    run.fail("a");
    run.grant();
    expect(run.due("run")).toEqual([]);
    expect(run.ok("a")).toEqual([
      "COMPENSATED a #1",
      "FAILED a RUN_TIMEOUT #1 FAILED",
      "DISARM run run",
      "RUN_STATUS run FAILED",
    ]);
  });

  test("R14: kill while a node is undone between two attempts lets no further one follow", () => {
    const run = new CoreRun(
      plan(
        [undoable("a", [], { retry: { maxAttempts: 3, initialInterval: 4, mode: "compensate-first" } }), node("b")],
        { failureMode: "kill" },
      ),
    );
    run.start();
    run.grant();
    run.fail("a");
    run.grant();
    expect(run.fail("b")).toEqual(["FAILED b NONE #1 FAILED"]);
    expect(run.ok("a")).toEqual(["COMPENSATED a #1", "FAILED a KILL #1 FAILED", "RUN_STATUS run FAILED"]);
  });

  test("R37: a node whose compensation failed between two attempts is undone first when it is retried, with a round of its own", () => {
    const run = new CoreRun(
      plan([
        undoable("a", [], {
          totalTimeout: 30,
          compensation: { action: "undo", retry: { maxAttempts: 2, initialInterval: 3 } },
          retry: { maxAttempts: 2, initialInterval: 4, mode: "compensate-first" },
        }),
      ]),
    );
    run.start();
    run.grant();
    run.fail("a");
    run.grant();
    expect(run.fail("a", false)).toEqual(["DISARM a total", "UNDO_FAILED a #1", "RUN_STATUS run FAILED"]);
    expect(run.verb({ kind: "retry", node: "a" })).toEqual(["RUN_STATUS run RUNNING again", "RESET a started"]);
    expect(run.grant()).toEqual(["COMPENSATE a #2"]);
    expect(run.fail("a")).toEqual(["UNDO_RETRYING a #2 +3000", "ARM a compensation-backoff #2 +3000"]);
    expect(run.due("compensation-backoff", "a")).toEqual([]);
    expect(run.grant()).toEqual(["COMPENSATE a #3"]);
    expect(run.ok("a")).toEqual(["COMPENSATED a #3", "READY a #2"]);
    expect(run.grant()).toEqual(["RUN a #2", "ARM a total #1 +30000"]);
    expect(run.fail("a")).toEqual(["RETRYING a NONE #2 FAILED +4000"]);
    expect(run.grant()).toEqual(["COMPENSATE a #4"]);
    expect(run.ok("a")).toEqual(["COMPENSATED a #4", "ARM a backoff #2 +4000"]);
    expect(run.due("backoff", "a")).toEqual(["READY a #3"]);
    expect(run.grant()).toEqual(["RUN a #3"]);
    expect(run.fail("a")).toEqual(["DISARM a total", "FAILED a NONE #3 FAILED", "RUN_STATUS run FAILED"]);
  });
});
