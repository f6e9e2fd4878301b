/**
 * The dispatch order (R11): nodes ready together leave by higher priority, then lower seriesId of the declared node
 * (both in `CompiledPlan.rank`), then lower parallelIdx. Compensations leave before forward nodes and in the reverse
 * order (R30). A binary heap on typed arrays: push and pop cost O(log n), no allocation but for growth.
 *
 * Removal is lazy: the owner marks a node as not queued and `pop` is asked again; see `dispatch.ts`.
 */

import { invariant } from "./assert.ts";

/** Members of one group are told apart by the low part of the key. */
const MEMBER_SPAN = 2 ** 26;

/** The key of a forward node. */
export function forwardKey(rank: number, parallelIdx: number): number {
  return rank * MEMBER_SPAN + parallelIdx + 1;
}

/** The key of a compensation: reverse of R11, ahead of every forward node. */
export function undoKey(rank: number, parallelIdx: number): number {
  return -forwardKey(rank, parallelIdx);
}

export class ReadyQueue {
  size = 0;
  /** Key of the node that `pop` gave last: below 0 for a compensation. */
  key = 0;
  #keys = new Float64Array(8);
  #nodes = new Int32Array(8);

  push(key: number, node: number): void {
    if (this.size === this.#keys.length) this.#grow();
    const keys = this.#keys;
    const nodes = this.#nodes;
    let hole = this.size++;
    while (hole > 0) {
      const parent = (hole - 1) >> 1;
      const parentKey = keys[parent] as number;
      if (parentKey <= key) break;
      keys[hole] = parentKey;
      nodes[hole] = nodes[parent] as number;
      hole = parent;
    }
    keys[hole] = key;
    nodes[hole] = node;
  }

  /** The node with the lowest key; asserts that there is one. */
  pop(): number {
    invariant(this.size > 0, "R41: a slot is granted while no node waits for it");
    const nodes = this.#nodes;
    const top = nodes[0] as number;
    this.key = this.#keys[0] as number;
    const last = --this.size;
    if (last > 0) this.#sink(this.#keys[last] as number, nodes[last] as number);
    return top;
  }

  /** A queue with the same entries, which changes on its own. */
  copy(): ReadyQueue {
    const copy = new ReadyQueue();
    copy.size = this.size;
    copy.key = this.key;
    copy.#keys = this.#keys.slice();
    copy.#nodes = this.#nodes.slice();
    return copy;
  }

  #sink(key: number, node: number): void {
    const keys = this.#keys;
    const nodes = this.#nodes;
    const size = this.size;
    let hole = 0;
    for (;;) {
      let child = hole * 2 + 1;
      if (child >= size) break;
      if (child + 1 < size && (keys[child + 1] as number) < (keys[child] as number)) child++;
      const childKey = keys[child] as number;
      if (childKey >= key) break;
      keys[hole] = childKey;
      nodes[hole] = nodes[child] as number;
      hole = child;
    }
    keys[hole] = key;
    nodes[hole] = node;
  }

  #grow(): void {
    const keys = new Float64Array(this.#keys.length * 2);
    keys.set(this.#keys);
    this.#keys = keys;
    const nodes = new Int32Array(this.#nodes.length * 2);
    nodes.set(this.#nodes);
    this.#nodes = nodes;
  }
}
