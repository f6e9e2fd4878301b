/**
 * The graph as integers: CSR arrays of both directions and the topological order. Owns: building and inverting them.
 * Cost: linear in nodes and edges.
 */
import { NumberSet } from "./number-set.ts";

/** CSR of one direction: the neighbours of v are `target[offset[v] .. offset[v + 1])`. */
export interface Adjacency {
  readonly offset: Int32Array;
  readonly target: Int32Array;
}

/** CSR from lists of neighbours; `indexOf` numbers an id, and ids it answers with -1 are left out. */
export function adjacencyOf(lists: readonly (readonly string[])[], indexOf: (id: string) => number): Adjacency {
  const offset = new Int32Array(lists.length + 1);
  const target: number[] = [];
  for (const [v, ids] of lists.entries()) {
    for (const id of ids) {
      const u = indexOf(id);
      if (u >= 0) target.push(u);
    }
    offset[v + 1] = target.length;
  }
  return { offset, target: Int32Array.from(target) };
}

/** The same edges from the other side; neighbours come in ascending order. */
export function invert(adjacency: Adjacency): Adjacency {
  const { offset, target } = adjacency;
  const size = offset.length - 1;
  const inverse = new Int32Array(size + 1);
  for (const u of target) inverse[u + 1] = at(inverse, u + 1) + 1;
  for (let v = 0; v < size; v++) inverse[v + 1] = at(inverse, v + 1) + at(inverse, v);
  const next = inverse.slice(0, size);
  const inverted = new Int32Array(target.length);
  for (let v = 0; v < size; v++) {
    for (let edge = at(offset, v); edge < at(offset, v + 1); edge++) {
      const u = at(target, edge);
      const slot = at(next, u);
      inverted[slot] = v;
      next[u] = slot + 1;
    }
  }
  return { offset: inverse, target: inverted };
}

/**
 * Kahn's order: every node after all its upstreams, among those that could come next the one with the lowest number
 * (R13: ties by place in the plan). Shorter than the graph when there is a cycle: then exactly the nodes that neither
 * are on one nor below one.
 */
export function topologicalOrder(up: Adjacency, down: Adjacency): Int32Array {
  if (isForward(up)) return ascending(up.offset.length - 1);
  const size = up.offset.length - 1;
  const missing = new Int32Array(size);
  const ready = new NumberSet(size);
  for (let v = 0; v < size; v++) {
    missing[v] = at(up.offset, v + 1) - at(up.offset, v);
    if (missing[v] === 0) ready.add(v);
  }
  const order = new Int32Array(size);
  let count = 0;
  for (let v = ready.takeFirst(); v >= 0; v = ready.takeFirst()) {
    order[count++] = v;
    for (let edge = at(down.offset, v); edge < at(down.offset, v + 1); edge++) {
      const w = at(down.target, edge);
      missing[w] = at(missing, w) - 1;
      if (missing[w] === 0) ready.add(w);
    }
  }
  return order.subarray(0, count);
}

/** Whether every upstream has a lower number than its node: then there is no cycle, and the numbers are Kahn's order. */
export function isForward({ offset, target }: Adjacency): boolean {
  const size = offset.length - 1;
  for (let v = 0; v < size; v++) {
    for (let edge = at(offset, v); edge < at(offset, v + 1); edge++) if (at(target, edge) >= v) return false;
  }
  return true;
}

/** 0 to `size` - 1. */
export function ascending(size: number): Int32Array {
  const numbers = new Int32Array(size);
  for (let v = 0; v < size; v++) numbers[v] = v;
  return numbers;
}

/** An element that is there: indexes come from the arrays' own bounds. */
export function at(array: Int32Array, index: number): number {
  return array[index] as number;
}
