/** R21 for groups whose members go one after the other: SERIAL and FIRST_SUCCESS. */
import { describe, expect, test } from "vitest";
import { CoreRun, LIST, node, plan, undoable } from "./core-run.ts";

describe("R21: SERIAL", () => {
  test("R21: members go one after the other; a failed one stops the chain, its retry goes on", () => {
    const run = new CoreRun(plan([node("g", [], { split: { over: "params.list", method: "SERIAL" } })], LIST), {
      list: ["x", "y", "z"],
    });
    expect(run.start()).toEqual(["RUN_STATUS run RUNNING at the start", "EXPANDED g 3 from 1", "READY g[0] #1"]);
    expect(run.grant()).toEqual(["RUN g[0] #1"]);
    expect(run.ok("g[0]")).toEqual(["SUCCEEDED g[0] #1", "READY g[1] #1"]);
    expect(run.grant()).toEqual(["RUN g[1] #1"]);
    expect(run.fail("g[1]")).toEqual([
      "FAILED g[1] NONE #1 FAILED",
      "FAILED g NONE #0 FAILED",
      "RUN_STATUS run FAILED",
    ]);
    expect(run.statuses).toEqual({ g: "FAILED", "g[0]": "SUCCESSFUL", "g[1]": "FAILED", "g[2]": "PENDING" });
    expect(run.verb({ kind: "retry", node: "g[1]" })).toEqual([
      "RUN_STATUS run RUNNING again",
      "RESET g",
      "RESET g[1] started",
      "READY g[1] #2",
    ]);
    expect(run.grant()).toEqual(["RUN g[1] #2"]);
    expect(run.ok("g[1]")).toEqual(["SUCCEEDED g[1] #2", "READY g[2] #1"]);
    expect(run.grant()).toEqual(["RUN g[2] #1"]);
    expect(run.ok("g[2]")).toEqual(["SUCCEEDED g[2] #1", "SUCCEEDED g #0", "RUN_STATUS run SUCCESSFUL"]);
  });

  test("R21: a tolerated failure does not stop the chain, one more does", () => {
    const split = { over: "params.list", method: "SERIAL", tolerated: 1 } as const;
    const run = new CoreRun(plan([node("g", [], { split })], LIST), { list: ["x", "y", "z", "last"] });
    run.start();
    run.grant();
    expect(run.fail("g[0]")).toEqual(["FAILED g[0] NONE #1 FAILED", "READY g[1] #1"]);
    run.grant();
    expect(run.ok("g[1]")).toEqual(["SUCCEEDED g[1] #1", "READY g[2] #1"]);
    run.grant();
    expect(run.fail("g[2]")).toEqual([
      "FAILED g[2] NONE #1 FAILED",
      "FAILED g NONE #0 FAILED",
      "RUN_STATUS run FAILED",
    ]);
    expect(run.statuses).toMatchObject({ g: "FAILED", "g[3]": "PENDING" });
  });

  test("R37: skipping the failed member of a chain goes on with the next", () => {
    const run = new CoreRun(plan([node("g", [], { split: { over: "params.list", method: "SERIAL" } })], LIST), {
      list: ["x", "y"],
    });
    run.start();
    run.grant();
    run.fail("g[0]");
    expect(run.verb({ kind: "skip", node: "g[0]" })).toEqual([
      "RUN_STATUS run RUNNING again",
      "RESET g",
      "SKIPPED g[0] OPERATOR",
      "READY g[1] #1",
    ]);
    expect(run.grant()).toEqual(["RUN g[1] #1"]);
    expect(run.ok("g[1]")).toEqual(["SUCCEEDED g[1] #1", "SUCCEEDED g #0", "RUN_STATUS run SUCCESSFUL"]);
  });

  test("R37: skipping a failed group passes it and every member that has not succeeded", () => {
    const run = new CoreRun(
      plan([node("g", [], { split: { over: "params.list", method: "SERIAL" } }), node("b", ["g"])], LIST),
      { list: ["x", "y", "z"] },
    );
    run.start();
    run.grant();
    run.ok("g[0]");
    run.grant();
    run.fail("g[1]");
    expect(run.verb({ kind: "skip", node: "g" })).toEqual([
      "RUN_STATUS run RUNNING again",
      "SKIPPED g[1] OPERATOR",
      "SKIPPED g[2] OPERATOR",
      "SKIPPED g OPERATOR",
      "READY b #1",
    ]);
  });
});

describe("R21: FIRST_SUCCESS", () => {
  test("R21: the first success supersedes the rest", () => {
    const run = new CoreRun(
      plan([node("g", [], { split: { over: "params.list", method: "FIRST_SUCCESS" } }), node("b", ["g"])], LIST),
      { list: ["x", "y", "z"] },
    );
    run.start();
    expect(run.grant()).toEqual(["RUN g[0] #1"]);
    expect(run.ok("g[0]")).toEqual([
      "SUCCEEDED g[0] #1",
      "SKIPPED g[1] SUPERSEDED",
      "SKIPPED g[2] SUPERSEDED",
      "SUCCEEDED g #0",
      "READY b #1",
    ]);
    expect(run.statuses).toEqual({
      g: "SUCCESSFUL",
      b: "READY",
      "g[0]": "SUCCESSFUL",
      "g[1]": "SKIPPED",
      "g[2]": "SKIPPED",
    });
  });

  test("R21: a failed candidate without compensation is followed by the next at once", () => {
    const run = new CoreRun(
      plan(
        [
          node("g", [], { split: { over: "params.list", method: "FIRST_SUCCESS" } }),
          node("b", ["g"], { trigger: "any_failed" }),
        ],
        LIST,
      ),
      { list: ["x", "y"] },
    );
    run.start();
    run.grant();
    expect(run.fail("g[0]")).toEqual(["FAILED g[0] NONE #1 FAILED", "READY g[1] #1"]);
    expect(run.refusal({ kind: "retry", node: "g[0]" })).toEqual({ kind: "tolerated" });
    expect(run.grant()).toEqual(["RUN g[1] #1"]);
    expect(run.ok("g[1]")).toEqual([
      "SUCCEEDED g[1] #1",
      "SUCCEEDED g #0",
      "SKIPPED b UPSTREAM",
      "RUN_STATUS run SUCCESSFUL",
    ]);
  });

  test("R21: a failed candidate is undone before the next one starts", () => {
    const run = new CoreRun(
      plan([undoable("g", [], { split: { over: "params.list", method: "FIRST_SUCCESS" } })], LIST),
      { list: ["x", "y"] },
    );
    run.start();
    run.grant();
    expect(run.fail("g[0]")).toEqual(["FAILED g[0] NONE #1 FAILED"]);
    expect(run.grant()).toEqual(["COMPENSATE g[0] #1"]);
    expect(run.refusal({ kind: "retry", node: "g[0]" })).toEqual({
      kind: "node-state",
      allowedIn: ["FAILED", "COMPENSATION_FAILED"],
      is: "COMPENSATING",
    });
    expect(run.ok("g[0]")).toEqual(["COMPENSATED g[0] #1", "READY g[1] #1"]);
    expect(run.grant()).toEqual(["RUN g[1] #1"]);
    expect(run.ok("g[1]")).toEqual(["SUCCEEDED g[1] #1", "SUCCEEDED g #0", "RUN_STATUS run SUCCESSFUL"]);
    expect(run.statuses).toEqual({ g: "SUCCESSFUL", "g[0]": "COMPENSATED", "g[1]": "SUCCESSFUL" });
  });

  test("R21: when the last candidate failed the group fails at once, and ends when that candidate is undone", () => {
    const run = new CoreRun(
      plan([undoable("g", [], { split: { over: "params.list", method: "FIRST_SUCCESS" } }), node("b")], LIST),
      { list: ["x", "y"] },
    );
    run.start();
    run.grant(1);
    run.fail("g[0]");
    run.grant(1);
    run.ok("g[0]");
    run.grant(1);
    expect(run.statuses).toEqual({ g: "RUNNING", b: "READY", "g[0]": "COMPENSATED", "g[1]": "RUNNING" });
    expect(run.fail("g[1]")).toEqual(["FAILED g[1] NONE #1 FAILED", "HELD b"]);
    expect(run.grant(1)).toEqual(["COMPENSATE g[1] #1"]);
    expect(run.ok("g[1]")).toEqual(["COMPENSATED g[1] #1", "FAILED g NONE #0 FAILED", "RUN_STATUS run FAILED"]);
    expect(run.run).toBe("FAILED");
  });

  test("R21: all candidates failed without anything to undo: the group failed", () => {
    const run = new CoreRun(
      plan(
        [
          node("g", [], { split: { over: "params.list", method: "FIRST_SUCCESS" } }),
          node("b", ["g"], { trigger: "any_failed" }),
          node("c", ["g"], { trigger: "all_failed" }),
        ],
        LIST,
      ),
      { list: ["x", "y"] },
    );
    run.start();
    run.grant();
    run.fail("g[0]");
    run.grant();
    expect(run.fail("g[1]")).toEqual([
      "FAILED g[1] NONE #1 FAILED",
      "FAILED g NONE #0 FAILED",
      "READY b #1",
      "READY c #1",
    ]);
  });

  test("R21: a candidate whose compensation fails stops the group", () => {
    const run = new CoreRun(
      plan([undoable("g", [], { split: { over: "params.list", method: "FIRST_SUCCESS" } })], LIST),
      { list: ["x", "y"] },
    );
    run.start();
    run.grant();
    run.fail("g[0]");
    run.grant();
    expect(run.fail("g[0]")).toEqual(["UNDO_FAILED g[0] #1", "FAILED g NONE #0 FAILED", "RUN_STATUS run FAILED"]);
    expect(run.statuses).toEqual({ g: "FAILED", "g[0]": "COMPENSATION_FAILED", "g[1]": "PENDING" });
    expect(run.refusal({ kind: "retry", node: "g[0]" })).toEqual({ kind: "member-of-first-success" });
    expect(run.verb({ kind: "retry", node: "g" })).toEqual(["RUN_STATUS run RUNNING again", "RESET g"]);
    expect(run.grant()).toEqual(["COMPENSATE g[0] #2"]);
    expect(run.ok("g[0]")).toEqual(["COMPENSATED g[0] #2", "RESET g[0]", "READY g[0] #2"]);
    expect(run.statuses).toEqual({ g: "RUNNING", "g[0]": "READY", "g[1]": "PENDING" });
    expect(run.run).toBe("RUNNING");
  });

  test("R37: a failed FIRST_SUCCESS group starts over with its first candidate", () => {
    const run = new CoreRun(
      plan([undoable("g", [], { split: { over: "params.list", method: "FIRST_SUCCESS" } })], LIST),
      { list: ["x", "y"] },
    );
    run.start();
    run.grant();
    run.fail("g[0]");
    run.grant();
    run.ok("g[0]");
    run.grant();
    run.fail("g[1]");
    run.grant();
    expect(run.ok("g[1]")).toEqual(["COMPENSATED g[1] #1", "FAILED g NONE #0 FAILED", "RUN_STATUS run FAILED"]);
    expect(run.verb({ kind: "retry", node: "g" })).toEqual([
      "RUN_STATUS run RUNNING again",
      "RESET g",
      "RESET g[0]",
      "RESET g[1]",
      "READY g[0] #2",
    ]);
    expect(run.grant()).toEqual(["RUN g[0] #2"]);
    expect(run.ok("g[0]")).toEqual([
      "SUCCEEDED g[0] #2",
      "SKIPPED g[1] SUPERSEDED",
      "SUCCEEDED g #0",
      "RUN_STATUS run SUCCESSFUL",
    ]);
    expect(run.statuses).toEqual({ g: "SUCCESSFUL", "g[0]": "SUCCESSFUL", "g[1]": "SKIPPED" });
  });

  test("R21: skipped candidates are no failures: when all others failed the group failed, when all were skipped it is SKIPPED", () => {
    const run = new CoreRun(
      plan(
        [node("g", [], { split: { over: "params.list", as: "item", method: "FIRST_SUCCESS" }, when: 'item == "x"' })],
        LIST,
      ),
      { list: ["x", "y"] },
    );
    expect(run.start()).toEqual(["RUN_STATUS run RUNNING at the start", "EXPANDED g 2 from 1", "RESOLVE g[0]"]);
    expect(run.resolve("g[0]", "skip")).toEqual(["SKIPPED g[0] CONDITION", "RESOLVE g[1]"]);
    expect(run.resolve("g[1]", "run")).toEqual(["READY g[1] #1"]);
    expect(run.grant()).toEqual(["RUN g[1] #1"]);
    expect(run.fail("g[1]")).toEqual([
      "FAILED g[1] NONE #1 FAILED",
      "FAILED g NONE #0 FAILED",
      "RUN_STATUS run FAILED",
    ]);
  });

  test("R14: kill during the undoing of a candidate lets no further one start", () => {
    const run = new CoreRun(
      plan([undoable("g", [], { split: { over: "params.list", method: "FIRST_SUCCESS" } }), node("b")], {
        ...LIST,
        failureMode: "kill",
      }),
      { list: ["x", "y"] },
    );
    run.start();
    run.grant();
    run.fail("g[0]");
    run.grant();
    expect(run.fail("b")).toEqual(["FAILED b NONE #1 FAILED"]);
    expect(run.ok("g[0]")).toEqual(["COMPENSATED g[0] #1", "RUN_STATUS run FAILED"]);
    expect(run.statuses).toEqual({ g: "RUNNING", b: "FAILED", "g[0]": "COMPENSATED", "g[1]": "PENDING" });
  });

  test("R30: members of a chained group are undone from the last to the first, a loser not again", () => {
    const run = new CoreRun(
      plan([undoable("g", [], { split: { over: "params.list", method: "SERIAL" } }), node("b", ["g"])], LIST),
      { list: ["x", "y"] },
    );
    run.start();
    run.grant();
    run.ok("g[0]");
    run.grant();
    run.ok("g[1]");
    run.grant();
    run.fail("b");
    expect(run.verb({ kind: "rollback", scope: "all" })).toEqual(["RUN_STATUS run ROLLING_BACK"]);
    expect(run.grant()).toEqual(["COMPENSATE g[1] #1"]);
    expect(run.ok("g[1]")).toEqual(["COMPENSATED g[1] #1"]);
    expect(run.grant()).toEqual(["COMPENSATE g[0] #1"]);
    expect(run.ok("g[0]")).toEqual(["COMPENSATED g[0] #1", "RUN_STATUS run ROLLED_BACK"]);
  });
});
