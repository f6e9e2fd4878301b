/** R50, R51: what cannot happen stops the run it happens in, by an error that names the rule. */
import { NodeState } from "@belay/engine/core";
import { expect, test } from "vitest";
import { groupState, Mark, Purpose } from "../../packages/engine/src/core/state.ts";
import { CoreRun, node, plan, undoable } from "./core-run.ts";

test("R51: a run never goes where the table does not say", () => {
  const run = new CoreRun(plan([node("a")]));
  run.start();
  expect(() => run.feed({ kind: "resume" })).toThrow("R51: the run may not go from RUNNING to RUNNING");
  expect(run.run).toBe("RUNNING");
});

test("R51: a node never goes where the table does not say", () => {
  const run = new CoreRun(plan([node("a"), node("b", ["a"])]));
  run.start();
  run.grant();
  run.ok("a");
  expect(() => run.feed({ kind: "skip", node: "a" })).toThrow("R51: node 0 may not go from SUCCESSFUL to SKIPPED");
  expect(run.status("a")).toBe("SUCCESSFUL");
});

/** A run of one undoable node, running, whose state a test then breaks by hand. */
function broken(breakIt: (state: CoreRun["state"]) => void): CoreRun {
  const run = new CoreRun(plan([undoable("a"), node("b", [])]));
  run.start();
  run.grant();
  breakIt(run.state);
  return run;
}

test("R25: an attempt that ends without having been counted stops the run", () => {
  const run = broken((state) => {
    state.running = 0;
  });
  expect(() => run.ok("a")).toThrow("R25: more attempts ended than started");
});

test("R10: an end that was told already stops the run, and telling one says so", () => {
  const run = broken((state) => {
    state.marks[0] = (state.marks[0] as number) | Mark.FINISHED;
  });
  expect(() => run.ok("a")).toThrow("R10: the end of a node is told twice");
  const sound = new CoreRun(plan([node("a"), node("b")]));
  sound.start();
  sound.grant();
  sound.ok("a");
  expect((sound.state.marks[0] as number) & Mark.FINISHED).toBe(Mark.FINISHED);
});

test("R15: a run that comes to rest with a node left behind stops", () => {
  const run = broken((state) => {
    state.finished = -1;
  });
  run.ok("a");
  expect(() => run.ok("b")).toThrow("R15: nothing moves, nothing failed, and the run is not done");
});

test("R23: members of a group that has none yet are asked for in vain", () => {
  const run = new CoreRun(plan([node("a"), node("g", ["a"], { split: { over: "nodes.a.output" } })]));
  run.start();
  expect(() => groupState(run.state, 1)).toThrow("R23: a group's members are asked for before it expanded");
});

test("R30: a node that is cleared without being compensated stops the rollback", () => {
  const run = broken(() => {});
  run.fail("a");
  run.ok("b");
  run.verb({ kind: "rollback", scope: "all" });
  run.state.done.push(1);
  expect(() => run.grant()).toThrow("R30: a node is cleared without being compensated");
});

const FAILED_UNDO = { code: NodeState.COMPENSATION_FAILED, purpose: Purpose.ROLLBACK, marks: 0 };

test.each([
  ["a failed compensation of a rollback, which stops it", FAILED_UNDO],
  ["one that was passed", { ...FAILED_UNDO, marks: Mark.UNDONE }],
  ["one between two attempts", { ...FAILED_UNDO, purpose: Purpose.RETRY }],
  ["a node that was never undone", { ...FAILED_UNDO, code: NodeState.PENDING }],
] as const)("R32: a rollback comes to a good end and leaves behind %s", (_, left) => {
  const run = broken(() => {});
  run.fail("a");
  run.ok("b");
  run.verb({ kind: "rollback", scope: "all" });
  run.grant();
  run.state.node[1] = left.code;
  run.state.purpose[1] = left.purpose;
  run.state.marks[1] = left.marks;
  const end = (): string | undefined => run.ok("a").at(-1);
  if (left === FAILED_UNDO) expect(end).toThrow("R32: a failed compensation is forgotten by a rollback to elsewhere");
  else expect(end()).toBe("RUN_STATUS run ROLLED_BACK");
});

test("R32: what lies past the last node is no failed compensation", () => {
  const nodes = [
    undoable("a"),
    undoable("g", ["a"], { split: { over: "nodes.a.output" } }),
    node("b", ["a"]),
    node("c", ["a"]),
  ];
  const run = new CoreRun(plan(nodes));
  run.start();
  run.grant();
  run.ok("a");
  run.resolve("g", "run", 3);
  run.grant();
  run.ok("g[0]", "g[1]", "g[2]");
  run.ok("b");
  run.fail("c");
  run.verb({ kind: "rollback", scope: "all" });
  run.grant();
  expect(run.state.node.length).toBeGreaterThan(run.state.size);
  run.state.node[run.state.size] = NodeState.COMPENSATION_FAILED;
  run.state.purpose[run.state.size] = Purpose.ROLLBACK;
  run.ok("g[0]", "g[1]", "g[2]");
  run.grant();
  expect(run.ok("a").at(-1)).toBe("RUN_STATUS run ROLLED_BACK");
});
