/** R33-R35 as the core alone decides them: points of no return, partial rollbacks, and forward again. */
import { describe, expect, test } from "vitest";
import { CoreRun, LIST, node, plan, undoable } from "./core-run.ts";

describe("R33: prohibited", () => {
  test("R33: a started prohibiting node refuses a rollback that would cross it; one that has not started does not", () => {
    const run = new CoreRun(
      plan([undoable("a"), node("p", ["a"], { prohibitRollback: true }), node("q", ["p"], { prohibitRollback: true })]),
    );
    run.start();
    run.grant();
    run.ok("a");
    run.grant();
    expect(run.state.barriers).toBe(1);
    expect(run.fail("p")).toEqual(["FAILED p NONE #1 FAILED", "RUN_STATUS run FAILED"]);
    expect(run.refusal({ kind: "rollback", scope: "all" })).toEqual({ kind: "prohibited", nodes: [1] });
    expect(run.refusal({ kind: "rollback", scope: "barrier" })).toBe(undefined);
    expect(run.refusal({ kind: "rollback", scope: "node", node: "p" })).toBe(undefined);
    expect(run.refusal({ kind: "rollback", scope: "node", node: "a" })).toEqual({ kind: "prohibited", nodes: [1] });
    run.verb({ kind: "retry" });
    run.grant();
    expect(run.state.barriers).toBe(1);
  });

  test("R33: members that prohibit are named one by one", () => {
    const run = new CoreRun(
      plan([undoable("g", [], { split: { over: "params.list" }, prohibitRollback: true })], LIST),
      { list: ["x", "y"] },
    );
    run.start();
    run.grant(1);
    run.fail("g[0]");
    expect(run.refusal({ kind: "rollback", scope: "all" })).toEqual({ kind: "prohibited", nodes: [1] });
    expect(run.verb({ kind: "rollback", scope: "barrier" })).toEqual([
      "RUN_STATUS run ROLLING_BACK",
      "RUN_STATUS run PARTIALLY_ROLLED_BACK",
    ]);
  });

  test("R33: a plan that prohibits rollback refuses every form", () => {
    const run = new CoreRun(plan([undoable("a")], { prohibitRollback: true }));
    run.start();
    run.grant();
    run.fail("a");
    expect(run.refusal({ kind: "rollback", scope: "all" })).toEqual({ kind: "prohibited", nodes: [] });
    expect(run.refusal({ kind: "rollback", scope: "barrier" })).toEqual({ kind: "prohibited", nodes: [] });
  });
});

describe("R34: to the barrier", () => {
  test("R34: neither a started prohibiting node nor its ancestors are undone; retry goes forward again", () => {
    const run = new CoreRun(
      plan([
        undoable("a"),
        undoable("p", ["a"], { prohibitRollback: true }),
        undoable("b", ["p"]),
        undoable("x", ["a"]),
        node("f", ["b", "x"]),
      ]),
    );
    run.start();
    run.grant();
    run.ok("a");
    run.grant();
    run.ok("p", "x");
    run.grant();
    run.ok("b");
    run.grant();
    run.fail("f");
    expect(run.verb({ kind: "rollback", scope: "barrier" })).toEqual(["RUN_STATUS run ROLLING_BACK"]);
    expect(run.grant()).toEqual(["COMPENSATE x #1", "COMPENSATE b #1"]);
    expect(run.ok("b", "x")).toEqual(["COMPENSATED b #1", "COMPENSATED x #1", "RUN_STATUS run PARTIALLY_ROLLED_BACK"]);
    expect(run.statuses).toEqual({ a: "SUCCESSFUL", p: "SUCCESSFUL", b: "COMPENSATED", x: "COMPENSATED", f: "FAILED" });
    expect(run.verb({ kind: "retry" })).toEqual([
      "RUN_STATUS run RUNNING again",
      "RESET b",
      "RESET x",
      "RESET f",
      "READY b #2",
      "READY x #2",
    ]);
    expect(run.grant()).toEqual(["RUN b #2", "RUN x #2"]);
    expect(run.ok("x", "b")).toEqual(["SUCCEEDED x #2", "SUCCEEDED b #2", "READY f #2"]);
    expect(run.grant()).toEqual(["RUN f #2"]);
    expect(run.ok("f")).toEqual(["SUCCEEDED f #2", "RUN_STATUS run SUCCESSFUL"]);
  });

  test("R34: without a started prohibiting node it is a plain rollback", () => {
    const run = new CoreRun(plan([undoable("a"), node("p", ["a"], { prohibitRollback: true })]));
    run.start();
    run.grant();
    run.fail("a");
    run.verb({ kind: "rollback", scope: "barrier" });
    expect(run.grant()).toEqual(["COMPENSATE a #1"]);
    expect(run.ok("a")).toEqual(["COMPENSATED a #1", "RUN_STATUS run ROLLED_BACK"]);
  });

  test("R34: onFailure: rollback undoes to the barrier by itself; with nothing to undo it ends in the same step", () => {
    const run = new CoreRun(
      plan([node("p", [], { prohibitRollback: true }), undoable("b", ["p"]), node("f", ["b"])], {
        onFailure: "rollback",
      }),
    );
    run.start();
    run.grant();
    run.ok("p");
    run.grant();
    run.ok("b");
    run.grant();
    expect(run.fail("f")).toEqual(["FAILED f NONE #1 FAILED", "RUN_STATUS run ROLLING_BACK"]);
    expect(run.grant()).toEqual(["COMPENSATE b #1"]);
    expect(run.ok("b")).toEqual(["COMPENSATED b #1", "RUN_STATUS run PARTIALLY_ROLLED_BACK"]);
    expect(run.verb({ kind: "retry" })).toEqual(["RUN_STATUS run RUNNING again", "RESET b", "RESET f", "READY b #2"]);
    run.grant();
    run.fail("b");
    expect(run.grant()).toEqual(["COMPENSATE b #2"]);
    expect(run.ok("b")).toEqual(["COMPENSATED b #2", "RUN_STATUS run PARTIALLY_ROLLED_BACK"]);
  });

  test("R34: onFailure: rollback with nothing to undo is ROLLED_BACK in the step that failed", () => {
    const run = new CoreRun(plan([node("a")], { onFailure: "rollback" }));
    run.start();
    run.grant();
    expect(run.fail("a")).toEqual([
      "FAILED a NONE #1 FAILED",
      "RUN_STATUS run ROLLING_BACK",
      "RUN_STATUS run ROLLED_BACK",
    ]);
  });

  test("R34: skipped and reacting nodes below what was undone are decided again", () => {
    const run = new CoreRun(
      plan([
        node("p", [], { prohibitRollback: true }),
        undoable("a", ["p"]),
        node("s", ["a"], { trigger: "any_failed" }),
        node("c", ["a"], { when: "true" }),
        node("f", ["c"]),
      ]),
    );
    run.start();
    run.grant();
    run.ok("p");
    run.grant();
    run.ok("a");
    expect(run.resolve("c", "run")).toEqual(["READY c #1"]);
    run.grant();
    run.ok("c");
    run.grant();
    run.fail("f");
    run.verb({ kind: "rollback", scope: "barrier" });
    run.grant();
    expect(run.ok("a")).toEqual(["COMPENSATED a #1", "RUN_STATUS run PARTIALLY_ROLLED_BACK"]);
    expect(run.verb({ kind: "retry" })).toEqual([
      "RUN_STATUS run RUNNING again",
      "RESET a",
      "RESET s",
      "RESET c",
      "RESET f",
      "READY a #2",
    ]);
    expect(run.grant()).toEqual(["RUN a #2"]);
    expect(run.ok("a")).toEqual(["SUCCEEDED a #2", "SKIPPED s UPSTREAM", "RESOLVE c"]);
    expect(run.resolve("c", "skip")).toEqual(["SKIPPED c CONDITION", "READY f #2"]);
  });

  test("R34: groups below what was undone start over, one over an output expands anew and its attempts count on", () => {
    const run = new CoreRun(
      plan(
        [
          node("p", [], { prohibitRollback: true }),
          undoable("a", ["p"]),
          undoable("g", ["a"], { split: { over: "params.list" } }),
          undoable("h", ["a"], { split: { over: "nodes.a.output.items" } }),
          node("f", ["g", "h"]),
        ],
        LIST,
      ),
      { list: ["x"] },
    );
    run.start();
    run.grant();
    run.ok("p");
    run.grant();
    expect(run.ok("a")).toEqual(["SUCCEEDED a #1", "READY g[0] #1", "RESOLVE h"]);
    expect(run.resolve("h", "run", 2)).toEqual(["EXPANDED h 2 from 6", "READY h[0] #1", "READY h[1] #1"]);
    run.grant();
    run.ok("g[0]", "h[0]");
    expect(run.fail("h[1]")).toEqual([
      "FAILED h[1] NONE #1 FAILED",
      "FAILED h NONE #0 FAILED",
      "RUN_STATUS run FAILED",
    ]);
    expect(run.verb({ kind: "rollback", scope: "barrier" })).toEqual(["RUN_STATUS run ROLLING_BACK"]);
    expect(run.grant()).toEqual(["COMPENSATE h[1] #1", "COMPENSATE h[0] #1", "COMPENSATE g[0] #1"]);
    expect(run.ok("g[0]", "h[0]", "h[1]")).toEqual([
      "COMPENSATED g[0] #1",
      "COMPENSATED h[0] #1",
      "COMPENSATED h[1] #1",
    ]);
    expect(run.grant()).toEqual(["COMPENSATE a #1"]);
    expect(run.ok("a")).toEqual(["COMPENSATED a #1", "RUN_STATUS run PARTIALLY_ROLLED_BACK"]);
    expect(run.verb({ kind: "retry" })).toEqual([
      "RUN_STATUS run RUNNING again",
      "RESET a",
      "RESET g[0]",
      "RESET g",
      "RESET h[0]",
      "RESET h[1]",
      "RESET h",
      "RESET f",
      "READY a #2",
    ]);
    expect(run.grant()).toEqual(["RUN a #2"]);
    expect(run.ok("a")).toEqual(["SUCCEEDED a #2", "READY g[0] #2", "RESOLVE h"]);
    expect(run.resolve("h", "run", 3)).toEqual([
      "EXPANDED h 3 from 8",
      "READY h[0] #2",
      "READY h[1] #2",
      "READY h[2] #2",
    ]);
    expect(run.grant()).toEqual(["RUN g[0] #2", "RUN h[0] #2", "RUN h[1] #2", "RUN h[2] #2"]);
    expect(run.ok("g[0]", "h[0]", "h[1]", "h[2]")).toEqual([
      "SUCCEEDED g[0] #2",
      "SUCCEEDED g #0",
      "SUCCEEDED h[0] #2",
      "SUCCEEDED h[1] #2",
      "SUCCEEDED h[2] #2",
      "SUCCEEDED h #0",
      "READY f #1",
    ]);
  });
});

describe("R35: to a node", () => {
  test("R35: every started descendant is undone, the node and the rest stand; the run can go forward or further back", () => {
    const run = new CoreRun(
      plan([undoable("a"), undoable("b", ["a"]), undoable("c", ["b"]), undoable("x"), node("f", ["c", "x"])]),
    );
    run.start();
    run.grant();
    run.ok("a", "x");
    run.grant();
    run.ok("b");
    run.grant();
    run.ok("c");
    run.grant();
    run.fail("f");
    expect(run.verb({ kind: "rollback", scope: "node", node: "a" })).toEqual(["RUN_STATUS run ROLLING_BACK"]);
    expect(run.grant()).toEqual(["COMPENSATE c #1"]);
    expect(run.ok("c")).toEqual(["COMPENSATED c #1"]);
    expect(run.grant()).toEqual(["COMPENSATE b #1"]);
    expect(run.ok("b")).toEqual(["COMPENSATED b #1", "RUN_STATUS run PARTIALLY_ROLLED_BACK"]);
    expect(run.statuses).toEqual({ a: "SUCCESSFUL", b: "COMPENSATED", c: "COMPENSATED", x: "SUCCESSFUL", f: "FAILED" });
    expect(run.verb({ kind: "rollback", scope: "all" })).toEqual(["RUN_STATUS run ROLLING_BACK"]);
    expect(run.grant()).toEqual(["COMPENSATE x #1", "COMPENSATE a #1"]);
    expect(run.ok("a", "x")).toEqual(["COMPENSATED a #1", "COMPENSATED x #1", "RUN_STATUS run ROLLED_BACK"]);
  });

  test("R35: to a node without anything started below it touches nothing", () => {
    const run = new CoreRun(plan([undoable("a"), undoable("b")]));
    run.start();
    run.grant();
    run.ok("a");
    run.fail("b");
    expect(run.verb({ kind: "rollback", scope: "node", node: "a" })).toEqual([
      "RUN_STATUS run ROLLING_BACK",
      "RUN_STATUS run PARTIALLY_ROLLED_BACK",
    ]);
    expect(run.statuses).toEqual({ a: "SUCCESSFUL", b: "FAILED" });
    expect(run.verb({ kind: "retry" })).toEqual(["RUN_STATUS run RUNNING again", "RESET b started", "READY b #2"]);
    expect(run.grant()).toEqual(["RUN b #2"]);
  });

  test("R32, R35: skip-rollback within a rollback to a node keeps its scope", () => {
    const run = new CoreRun(plan([undoable("a"), undoable("b", ["a"]), undoable("c", ["b"]), node("f", ["c"])]));
    run.start();
    run.grant();
    run.ok("a");
    run.grant();
    run.ok("b");
    run.grant();
    run.ok("c");
    run.grant();
    run.fail("f");
    run.verb({ kind: "rollback", scope: "node", node: "a" });
    run.grant();
    expect(run.fail("c")).toEqual(["UNDO_FAILED c #1", "RUN_STATUS run ROLLBACK_FAILED"]);
    expect(run.refusal({ kind: "rollback", scope: "node", node: "b" })).toEqual({
      kind: "run-state",
      allowedIn: ["FAILED", "CANCELED", "PARTIALLY_ROLLED_BACK"],
    });
    expect(run.refusal({ kind: "rollback", scope: "node", node: "a" })).toBe(undefined);
    expect(run.verb({ kind: "skip-rollback", node: "c" })).toEqual(["RUN_STATUS run ROLLING_BACK"]);
    expect(run.grant()).toEqual(["COMPENSATE b #1"]);
    expect(run.ok("b")).toEqual(["COMPENSATED b #1", "RUN_STATUS run PARTIALLY_ROLLED_BACK"]);
    expect(run.statuses).toEqual({ a: "SUCCESSFUL", b: "COMPENSATED", c: "COMPENSATION_FAILED", f: "FAILED" });
    expect(run.verb({ kind: "retry" })).toEqual([
      "RUN_STATUS run RUNNING again",
      "RESET b",
      "RESET c",
      "RESET f",
      "READY b #2",
    ]);
    expect(run.grant()).toEqual(["RUN b #2"]);
    expect(run.ok("b")).toEqual(["SUCCEEDED b #2", "READY c #2"]);
    expect(run.statuses).toEqual({ a: "SUCCESSFUL", b: "SUCCESSFUL", c: "READY", f: "PENDING" });
  });

  test("R32: a failed compensation outside the scope of a later rollback keeps it from being ROLLED_BACK", () => {
    const run = new CoreRun(plan([undoable("a"), undoable("x"), node("f", ["a", "x"])]));
    run.start();
    run.grant();
    run.ok("a", "x");
    run.grant();
    run.fail("f");
    run.verb({ kind: "rollback", scope: "all" });
    run.grant();
    run.fail("a");
    expect(run.ok("x")).toEqual(["COMPENSATED x #1", "RUN_STATUS run ROLLBACK_FAILED"]);
    expect(run.verb({ kind: "skip-rollback", node: "a" })).toEqual([
      "RUN_STATUS run ROLLING_BACK",
      "RUN_STATUS run ROLLED_BACK",
    ]);
    expect(run.run).toBe("ROLLED_BACK");
  });
});
