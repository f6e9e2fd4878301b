/** Nodes that are still to be looked at, in order. Owns: their memory, which is kept for the next ones. No allocation but to grow. */

/** Nodes for which there is room at first. */
const ROOM = 8;

/** More memory than that is given back once it is not needed. */
const MOST_KEPT = 2 ** 16;

export class Worklist {
  length = 0;
  #nodes = new Int32Array(ROOM);

  /** Nodes for which there is memory now. */
  get room(): number {
    return this.#nodes.length;
  }

  push(node: number): void {
    if (this.length === this.#nodes.length) {
      const larger = new Int32Array(2 * this.length);
      larger.set(this.#nodes);
      this.#nodes = larger;
    }
    this.#nodes[this.length++] = node;
  }

  /** The node at a place below `length`. */
  at(place: number): number {
    return this.#nodes[place] as number;
  }

  clear(): void {
    this.length = 0;
    if (this.#nodes.length > MOST_KEPT) this.#nodes = new Int32Array(ROOM);
  }

  /** The same nodes, in a list that changes on its own. */
  copy(): Worklist {
    const copy = new Worklist();
    copy.length = this.length;
    copy.#nodes = this.#nodes.slice();
    return copy;
  }
}
