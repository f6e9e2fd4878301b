/** R37: a skipped node counts as done; a skipped group is passed as a whole. */
import { describe, expect, test } from "vitest";
import { CoreRun, LIST, node, plan, undoable } from "./core-run.ts";

describe("R37: skip", () => {
  test("R37: a skipped failure passes as done, and what is below starts", () => {
    const run = new CoreRun(plan([node("a"), node("b", ["a"]), node("c", ["a"], { trigger: "any_failed" })]));
    run.start();
    run.grant();
    run.fail("a");
    run.grant();
    run.ok("c");
    expect(run.verb({ kind: "skip", node: "a" })).toEqual([
      "RUN_STATUS run RUNNING again",
      "SKIPPED a OPERATOR",
      "READY b #1",
    ]);
    expect(run.statuses).toEqual({ a: "SKIPPED", b: "READY", c: "SUCCESSFUL" });
  });

  test("R37: a node that waits for its first attempt is skipped", () => {
    const run = new CoreRun(plan([node("a"), node("b", ["a"])]));
    run.start();
    expect(run.verb({ kind: "skip", node: "a" })).toEqual(["SKIPPED a OPERATOR", "READY b #1"]);
    expect(run.demand()).toBe(1);
    expect(run.grant()).toEqual(["RUN b #1"]);
  });

  test("R37: skipping the last failure of a run ends it", () => {
    const run = new CoreRun(plan([node("a")], { timeout: 60 }));
    run.start();
    run.grant();
    run.fail("a");
    expect(run.verb({ kind: "skip", node: "a" })).toEqual([
      "RUN_STATUS run RUNNING again",
      "ARM run run #2 +60000",
      "SKIPPED a OPERATOR",
      "DISARM run run",
      "RUN_STATUS run SUCCESSFUL",
    ]);
  });

  test("R37: a failed group is passed although some of its members ended well; a member by itself is passed too", () => {
    const run = new CoreRun(plan([node("g", [], { split: { over: "params.list" } }), node("b", ["g"])], LIST), {
      list: ["x", "y"],
    });
    run.start();
    run.grant();
    run.fail("g[0]");
    run.ok("g[1]");
    expect(run.verb({ kind: "skip", node: "g[0]" })).toEqual([
      "RUN_STATUS run RUNNING again",
      "RESET g",
      "SKIPPED g[0] OPERATOR",
      "SUCCEEDED g #0",
      "READY b #1",
    ]);
  });

  test("R37: a READY member is skipped", () => {
    const run = new CoreRun(plan([node("g", [], { split: { over: "params.list" } }), node("b", ["g"])], LIST), {
      list: ["x", "y"],
    });
    run.start();
    expect(run.verb({ kind: "skip", node: "g[0]" })).toEqual(["SKIPPED g[0] OPERATOR"]);
    expect(run.grant()).toEqual(["RUN g[1] #1"]);
    expect(run.ok("g[1]")).toEqual(["SUCCEEDED g[1] #1", "SUCCEEDED g #0", "READY b #1"]);
  });

  test("R37: a READY candidate of a FIRST_SUCCESS group is skipped, and the next is tried", () => {
    const run = new CoreRun(plan([node("g", [], { split: { over: "params.list", method: "FIRST_SUCCESS" } })], LIST), {
      list: ["x", "y"],
    });
    run.start();
    expect(run.verb({ kind: "skip", node: "g[0]" })).toEqual(["SKIPPED g[0] OPERATOR", "READY g[1] #1"]);
    expect(run.grant()).toEqual(["RUN g[1] #1"]);
    expect(run.fail("g[1]")).toEqual([
      "FAILED g[1] NONE #1 FAILED",
      "FAILED g NONE #0 FAILED",
      "RUN_STATUS run FAILED",
    ]);
    expect(run.refusal({ kind: "skip", node: "g[1]" })).toEqual({ kind: "member-of-first-success" });
  });

  test("R15, R37: a group that is skipped after all its candidates were undone fails the run no more", () => {
    const group = undoable("g", [], { split: { over: "params.list", method: "FIRST_SUCCESS" } });
    const run = new CoreRun(plan([group], LIST), { list: ["a"] });
    run.start();
    run.grant();
    run.fail("g[0]");
    run.grant();
    run.ok("g[0]");
    expect(run.statuses).toEqual({ g: "FAILED", "g[0]": "COMPENSATED" });
    expect(run.verb({ kind: "skip", node: "g" }).at(-1)).toBe("RUN_STATUS run SUCCESSFUL");
  });
});
