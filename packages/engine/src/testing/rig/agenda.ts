/**
 * What runs on virtual time, by the time at which it ends: a binary heap on typed arrays. Owns: the order. Cost: O(log n) to add
 * and to take, no allocation but for growth.
 */
import { assert } from "../../errors.ts";

export class Agenda {
  size = 0;
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
    assert(this.size > 0, "R41: nothing runs that could end");
    const nodes = this.#nodes;
    const top = nodes[0] as number;
    const last = --this.size;
    if (last > 0) this.#sink(this.#keys[last] as number, nodes[last] as number);
    return top;
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
