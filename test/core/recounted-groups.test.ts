/** R20-R24, R37: groups that are recounted while they are under way, canceled, or started over. */
import { describe, expect, test } from "vitest";
import { CoreRun, LIST, node, plan, undoable } from "./core-run.ts";

const FIRST_SUCCESS = { over: "params.list", method: "FIRST_SUCCESS" } as const;
const AGAIN = { maxAttempts: 2, initialInterval: 0, mode: "compensate-first" } as const;

describe("R21, R37: a retry elsewhere", () => {
  test("R21: a candidate that was undone is out of the way after it", () => {
    const run = new CoreRun(plan([node("x"), undoable("g", [], { split: FIRST_SUCCESS })], LIST), {
      list: ["a", "b", "c"],
    });
    run.start();
    run.grant();
    run.fail("g[0]");
    run.grant();
    run.ok("g[0]");
    run.grant();
    run.fail("x");
    run.verb({ kind: "retry", node: "x" });
    run.fail("g[1]");
    run.grant();
    expect(run.ok("g[1]")).toEqual(["COMPENSATED g[1] #1", "READY g[2] #1"]);
  });

  test("R20, R21: a member whose condition is being asked keeps its place", () => {
    const group = node("g", [], { split: { over: "params.list", maxConcurrency: 1 }, when: "item == 'a'" });
    const run = new CoreRun(plan([node("x"), group], LIST), { list: ["a", "b"] });
    expect(run.start()).toContain("RESOLVE g[0]");
    run.grant();
    run.fail("x");
    expect(run.verb({ kind: "retry", node: "x" })).toEqual(["RESET x started", "READY x #2"]);
    expect(run.resolve("g[0]", "skip")).toEqual(["SKIPPED g[0] CONDITION", "RESOLVE g[1]"]);
  });

  test("R14, R21: after it the last candidate's failure holds others before it is undone", () => {
    const nodes = [node("x"), undoable("g", [], { split: FIRST_SUCCESS }), node("slow"), node("late", ["slow"])];
    const run = new CoreRun(plan(nodes, LIST), { list: ["a"] });
    run.start();
    run.grant();
    run.fail("x");
    run.verb({ kind: "retry", node: "x" });
    run.fail("g[0]");
    expect(run.ok("slow")).toEqual(["SUCCEEDED slow #1"]);
  });

  test("R14, R21: a last candidate that is being undone goes on holding others", () => {
    const nodes = [node("x"), undoable("g", [], { split: FIRST_SUCCESS }), node("slow"), node("late", ["slow"])];
    const run = new CoreRun(plan(nodes, LIST), { list: ["a"] });
    run.start();
    run.grant();
    run.fail("x");
    run.fail("g[0]");
    run.grant();
    run.verb({ kind: "retry", node: "x" });
    expect(run.ok("slow")).toEqual(["SUCCEEDED slow #1"]);
  });

  test("R14, R20, R21: also one whose condition was being asked then", () => {
    const group = undoable("g", [], { split: FIRST_SUCCESS, when: "item == 'a'" });
    const run = new CoreRun(plan([node("x"), group, node("slow"), node("late", ["slow"])], LIST), { list: ["a"] });
    run.start();
    run.grant();
    run.fail("x");
    run.verb({ kind: "retry", node: "x" });
    run.resolve("g[0]");
    run.grant();
    run.fail("g[0]");
    expect(run.ok("slow")).toEqual(["SUCCEEDED slow #1"]);
  });

  test("R14, R21: members of another group that run beside it are no candidates of its own", () => {
    const other = node("h", [], { split: { over: "params.list" } });
    const nodes = [node("x"), undoable("g", [], { split: FIRST_SUCCESS }), other, node("slow"), node("late", ["slow"])];
    const run = new CoreRun(plan(nodes, LIST), { list: ["a"] });
    run.start();
    run.grant();
    run.fail("x");
    run.verb({ kind: "retry", node: "x" });
    run.fail("g[0]");
    expect(run.status("h[0]")).toBe("RUNNING");
    expect(run.ok("slow")).toEqual(["SUCCEEDED slow #1"]);
  });

  test("R20, R37: a member that takes the next free place lets nobody be asked twice", () => {
    const group = node("g", [], { split: { over: "params.list", maxConcurrency: 2 }, when: "item != ''" });
    const run = new CoreRun(plan([group], { ...LIST, failureMode: "continue" }), { list: ["a", "b", "c", "d"] });
    run.start();
    run.resolve("g[0]");
    run.grant();
    expect(run.fail("g[0]")).toEqual(["FAILED g[0] NONE #1 FAILED", "RESOLVE g[2]"]);
    expect(run.verb({ kind: "retry", node: "g[0]" })).toEqual(["RESET g[0] started"]);
    expect(run.resolve("g[1]", "skip")).toEqual(["SKIPPED g[1] CONDITION", "READY g[0] #2"]);
    run.grant();
    expect(run.ok("g[0]")).toEqual(["SUCCEEDED g[0] #2", "RESOLVE g[3]"]);
  });
});

describe("R21, R37: a group that starts over with its only candidate", () => {
  test.each([undefined, "g"])("R21: it is undone, and tried again (retry of %s)", (name) => {
    const run = new CoreRun(plan([undoable("g", [], { split: FIRST_SUCCESS })], LIST), { list: ["a"] });
    run.start();
    run.grant();
    run.fail("g[0]");
    run.grant();
    run.fail("g[0]");
    expect(run.statuses).toEqual({ g: "FAILED", "g[0]": "COMPENSATION_FAILED" });
    run.verb({ kind: "retry", ...(name === undefined ? {} : { node: name }) });
    expect(run.grant()).toEqual(["COMPENSATE g[0] #2"]);
    expect(run.ok("g[0]")).toEqual(["COMPENSATED g[0] #2", "RESET g[0]", "READY g[0] #2"]);
    run.grant();
    expect(run.ok("g[0]").at(-1)).toBe("RUN_STATUS run SUCCESSFUL");
  });

  test("R21, R32: its compensation has all its attempts again, and no cause is left of the old attempt", () => {
    const compensation = { action: "undo", retry: { maxAttempts: 2, initialInterval: 0 } };
    const group = node("g", [], { split: FIRST_SUCCESS, compensation, timeout: 1 });
    const run = new CoreRun(plan([group], LIST), { list: ["a"] });
    run.start();
    run.grant();
    run.due("attempt", "g[0]");
    run.due("grace", "g[0]");
    for (const _ of [1, 2]) {
      run.grant();
      run.fail("g[0]");
    }
    expect(run.facts("g[0]")).toBe("UNKNOWN TIMEOUT NONE");
    run.verb({ kind: "retry" });
    expect(run.facts("g[0]")).toBe("UNKNOWN NONE NONE");
    run.grant();
    expect(run.fail("g[0]")).toEqual(["UNDO_RETRYING g[0] #3 +0"]);
    run.grant();
    run.ok("g[0]");
    expect(run.grant()).toEqual(["RUN g[0] #2", "ARM g[0] attempt #2 +1000"]);
  });

  test("R12, R21: undone before its upstreams have ended again, it waits for them", () => {
    const group = undoable("g", ["x"], { split: FIRST_SUCCESS, trigger: "all_finished" });
    const run = new CoreRun(plan([node("x"), group], LIST), { list: ["a"] });
    run.start();
    run.grant();
    run.fail("x");
    run.grant();
    run.fail("g[0]");
    run.grant();
    run.fail("g[0]");
    expect(run.verb({ kind: "retry" }).at(-1)).toBe("READY x #2");
    expect(run.grant()).toEqual(["COMPENSATE g[0] #2", "RUN x #2"]);
    expect(run.ok("g[0]")).toEqual(["COMPENSATED g[0] #2", "RESET g[0]"]);
    expect(run.ok("x")).toEqual(["SUCCEEDED x #2", "READY g[0] #2"]);
  });
});

describe("R37: groups that are canceled", () => {
  test("R14, R37: the group has failed once its last open member is held", () => {
    const group = node("g", [], { split: { over: "params.list" } });
    const run = new CoreRun(plan([node("x"), group], { ...LIST, failureMode: "continue" }), { list: ["a", "b"] });
    run.start();
    run.grant(2);
    run.fail("g[0]");
    expect(run.verb({ kind: "cancel" })).toEqual([
      "HELD g[1]",
      "CANCELING x CANCEL",
      "ABORT x CANCEL",
      "ARM x grace #1 +5000",
      "FAILED g NONE #0 FAILED",
    ]);
  });

  test("R37: a member that is undone for its next attempt gets none", () => {
    const group = undoable("g", [], { split: { over: "params.list" }, retry: AGAIN });
    const run = new CoreRun(plan([group], LIST), { list: ["a"] });
    run.start();
    run.grant();
    run.fail("g[0]");
    run.grant();
    expect(run.verb({ kind: "cancel", node: "g" })).toEqual([]);
    expect(run.operations).toEqual({ run: "EXECUTE", g: "CANCEL", "g[0]": "CANCEL" });
    expect(run.ok("g[0]")).toEqual([
      "COMPENSATED g[0] #1",
      "FAILED g[0] CANCEL #1 FAILED",
      "FAILED g CANCEL #0 FAILED",
      "RUN_STATUS run FAILED",
    ]);
  });

  test("R37: a member that could not be undone before is not canceled with its group", () => {
    const group = undoable("g", [], { split: { over: "params.list" }, retry: AGAIN });
    const run = new CoreRun(plan([group], LIST), { list: ["a", "b"] });
    run.start();
    run.grant();
    run.fail("g[0]");
    run.grant();
    run.fail("g[0]");
    run.verb({ kind: "cancel", node: "g" });
    expect(run.operations).toEqual({ run: "EXECUTE", g: "CANCEL", "g[0]": "RETRY", "g[1]": "CANCEL" });
    expect(run.facts("g[0]")).toBe("FAILED NONE NONE");
  });

  test("R21, R37: a candidate that is undone for the next one has failed by itself", () => {
    const run = new CoreRun(plan([undoable("g", [], { split: FIRST_SUCCESS })], LIST), { list: ["a", "b"] });
    run.start();
    run.grant();
    run.fail("g[0]");
    run.grant();
    run.verb({ kind: "cancel", node: "g" });
    expect(run.facts("g[0]")).toBe("FAILED NONE NONE");
    expect(run.operations).toEqual({ run: "EXECUTE", g: "CANCEL", "g[0]": "EXECUTE", "g[1]": "EXECUTE" });
  });
});

describe("R37: what was asked, and how many there are", () => {
  test.each(["g", "g[0]"])("R37: a retry of %s is told of the group, too", (name) => {
    const run = new CoreRun(plan([node("g", [], { split: { over: "params.list" } })], LIST), { list: ["a", "b"] });
    run.start();
    run.grant();
    run.fail("g[0]");
    run.ok("g[1]");
    run.verb({ kind: "retry", node: name });
    expect(run.operations).toEqual({ run: "RETRY", g: "RETRY", "g[0]": "RETRY", "g[1]": "EXECUTE" });
  });

  test("R23, R43: the members that there are now are counted, and their attempts go on from earlier ones", () => {
    const nodes = [
      node("a", [], { prohibitRollback: true }),
      undoable("g", ["a"], { split: { over: "nodes.a.output" } }),
    ];
    const run = new CoreRun(plan(nodes));
    run.start();
    run.grant();
    run.ok("a");
    run.resolve("g", "run", 3);
    expect(run.state.members).toBe(3);
    run.grant();
    run.ok("g[0]", "g[1]");
    run.fail("g[2]");
    run.verb({ kind: "rollback", scope: "barrier" });
    run.grant();
    run.ok("g[0]", "g[1]", "g[2]");
    run.verb({ kind: "retry" });
    expect(run.state.members).toBe(0);
    run.resolve("g", "run", 2);
    expect(run.state.members).toBe(2);
    expect(run.grant()).toEqual(["RUN g[0] #2", "RUN g[1] #2"]);
    run.fail("g[1]");
    run.ok("g[0]");
    run.verb({ kind: "rollback", scope: "barrier" });
    expect(run.grant()).toEqual(["COMPENSATE g[1] #2", "COMPENSATE g[0] #2"]);
  });

  test("R37: after a partial rollback what is retried by name is not held by a failure that stands", () => {
    const run = new CoreRun(plan([node("x", [], { prohibitRollback: true }), node("b"), undoable("c")]));
    run.start();
    run.grant();
    run.ok("c");
    run.fail("x");
    run.fail("b");
    run.verb({ kind: "rollback", scope: "barrier" });
    run.grant();
    expect(run.ok("c").at(-1)).toBe("RUN_STATUS run PARTIALLY_ROLLED_BACK");
    expect(run.verb({ kind: "retry", node: "b" }).at(-1)).toBe("READY b #2");
    expect(run.statuses).toEqual({ x: "FAILED", b: "READY", c: "PENDING" });
  });
});
