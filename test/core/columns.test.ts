/** R24, R50: the columns of a state lie side by side in one block of memory, and none on another. */
import type { RunState } from "@belay/engine/core";
import { describe, expect, test } from "vitest";
import { ColumnBlock } from "../../packages/engine/src/core/column-block.ts";
import { parallelIdxOf, type Rounds } from "../../packages/engine/src/core/state.ts";
import { CoreRun, LIST, node, plan } from "./core-run.ts";

describe("R50: columns of a state", () => {
  test("R50: a block that is asked for more than it has room for says so", () => {
    const block = new ColumnBlock({ ints: 1, bytes: 4 });
    expect(block.ints(1, Int32Array.of(7))).toEqual(Int32Array.of(7));
    expect(block.bytes(2, Uint8Array.of(1, 2))).toEqual(Uint8Array.of(1, 2));
    expect(block.bytes(2)).toEqual(Uint8Array.of(0, 0));
    expect(() => block.bytes(1)).toThrow("R50: two columns of the state share memory");
    expect(() => new ColumnBlock({ ints: 1, bytes: 4 }).ints(3)).toThrow(RangeError);
  });

  type Column = Int32Array | Uint8Array;

  function columnsOf(state: RunState): readonly Column[] {
    return Object.values(state).filter((column): column is Column => ArrayBuffer.isView(column));
  }

  /** Each column gets a number of its own; so it stays unless two columns share memory. */
  function areApart(state: RunState): void {
    const columns = columnsOf(state);
    for (const [place, column] of columns.entries()) column.fill(place);
    for (const [place, column] of columns.entries())
      expect(new Set(column)).toEqual(new Set(column.length > 0 ? [place] : []));
  }

  /** Bytes of the block that holds the nodes' states, and those of the columns in it. */
  function used(state: RunState): { block: number; columns: number } {
    const block = state.node.buffer;
    const inside = columnsOf(state).filter(({ buffer }) => buffer === block);
    return { block: block.byteLength, columns: inside.reduce((sum, { byteLength }) => sum + byteLength, 0) };
  }

  test("R50: none shares memory with another, and none is wasted, however many nodes there are", () => {
    for (const size of [1, 2, 3, 4, 5, 7]) {
      for (const trigger of ["all_succeeded", "all_finished"] as const) {
        const nodes = Array.from({ length: size }, (_, v) => node(`n${v}`, [], { trigger }));
        const { state } = new CoreRun(plan(nodes));
        // What other triggers ask for is counted only where a node has one.
        const counted = trigger === "all_succeeded" ? 0 : size;
        expect([state.succeeded, state.failed, state.spared].map(({ length }) => length)).toEqual([
          counted,
          counted,
          counted,
        ]);
        const { block, columns } = used(state);
        expect(columns).toBe(block);
        areApart(state);
      }
    }
  });

  test("R25, R50: a run that only goes forward has no memory for rounds, which is made when the first begins", () => {
    const run = new CoreRun(plan([node("a"), node("b"), node("c")]));
    run.start();
    run.verb({ kind: "cancel", node: "a" });
    run.verb({ kind: "retry", node: "a" });
    run.grant();
    expect(run.status("a")).toBe("RUNNING");
    // The attempt that was taken back before it began is none: no other round has begun.
    expect(run.state.rounds).toBeUndefined();
    run.fail("b");
    run.verb({ kind: "retry", node: "b" });
    const { start, undoAttempt, undoStart } = run.state.rounds as Rounds;
    expect([start, undoAttempt, undoStart]).toEqual([Int32Array.of(0, 1, 0), new Int32Array(3), new Int32Array(3)]);
    expect(start.buffer.byteLength).toBe(start.byteLength + undoAttempt.byteLength + undoStart.byteLength);
    for (const [place, column] of [start, undoAttempt, undoStart].entries()) column.fill(place);
    expect([start[2], undoAttempt[0], undoAttempt[2], undoStart[0]]).toEqual([0, 1, 1, 2]);
  });

  test("R20: a declared node has no place in a group", () => {
    const run = new CoreRun(plan([node("a"), node("g", [], { split: { over: "params.list" } })], LIST), {
      list: ["x", "y"],
    });
    run.start();
    expect([0, 1, 2, 3].map((v) => parallelIdxOf(run.state, v))).toEqual([-1, -1, 0, 1]);
  });

  test("R24: members that are known from the start have their place, those that come later are given one", () => {
    const known = new CoreRun(plan([node("a"), node("g", [], { split: { over: "params.list" } })], LIST), {
      list: ["x", "y", "z"],
    });
    const memory = known.state.node;
    const ofMembers = Object.entries(known.state).filter(([, column]) => column?.length === 5);
    expect(ofMembers.map(([name]) => name)).toEqual([
      "node",
      "operationOf",
      "skipReason",
      "outcome",
      "cause",
      "purpose",
      "marks",
      "attempt",
    ]);
    expect([known.state.memberGroup, known.state.memberPlace].map(({ length }) => length)).toEqual([3, 3]);
    known.start();
    expect(known.state.node).toBe(memory);

    const later = new CoreRun(plan([node("a"), node("g", ["a"], { split: { over: "nodes.a.output" } })]));
    expect(later.state.node).toHaveLength(2);
    later.start();
    later.grant();
    later.ok("a");
    later.resolve("g", "run", 3);
    expect(later.statuses).toEqual({
      a: "SUCCESSFUL",
      g: "RUNNING",
      "g[0]": "READY",
      "g[1]": "READY",
      "g[2]": "READY",
    });
    for (const [name] of ofMembers) expect(later.state[name as keyof RunState], name).toHaveLength(5);
    expect([later.state.memberGroup, later.state.memberPlace].map(({ length }) => length)).toEqual([3, 3]);
    expect(later.state.rounds).toBeUndefined();
    const { block, columns } = used(later.state);
    expect(columns).toBe(block);
    areApart(later.state);
  });
});
