/**
 * Draws of a simulation: everything that looks random comes from one seed, so that a seed is a whole story (R50).
 * A small mixer with 32 bits of state (mulberry32); good enough to choose, not to keep secrets.
 */
export class Draw {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0;
  }

  /** A number in [0, 1). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let h = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    h = (h + Math.imul(h ^ (h >>> 7), 61 | h)) ^ h;
    return ((h ^ (h >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from 0 to `count - 1`. */
  below(count: number): number {
    return Math.floor(this.next() * count);
  }

  /** true in `share` of all draws. */
  chance(share: number): boolean {
    return this.next() < share;
  }

  /** One of the values; undefined when there is none. */
  of<T>(values: readonly T[]): T | undefined {
    return values[this.below(values.length)];
  }
}
