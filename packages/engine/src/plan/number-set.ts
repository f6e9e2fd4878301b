/**
 * A set of small integers that gives up its lowest one: the ready set of a topological order, whose ties go by number
 * (R13). Owns: the bits. A word of 32 bits per 32 numbers, a bit per word above it, and so on up to one word.
 * Cost: a step per level, of which a million numbers have four; a binary heap of them has twenty.
 */

const BITS = 5;

/** Numbers from 0 to `size` - 1. */
export class NumberSet {
  /** From the words of the numbers up to the one word on top: bit b of word w is number, or word below, 32 w + b. */
  readonly #levels: Int32Array[] = [];

  constructor(size: number) {
    let words = size;
    do {
      words = Math.max(1, Math.ceil(words / 32));
      this.#levels.push(new Int32Array(words));
    } while (words > 1);
  }

  add(number: number): void {
    let place = number;
    for (const level of this.#levels) {
      const word = place >> BITS;
      const before = level[word] as number;
      level[word] = before | (1 << (place & 31));
      // Another number below the same word: what is above knows already.
      if (before !== 0) return;
      place = word;
    }
  }

  /** Removes and answers the lowest number; -1 when there is none. */
  takeLowest(): number {
    const levels = this.#levels;
    let place = 0;
    for (let k = levels.length - 1; k >= 0; k--) {
      const bits = (levels[k] as Int32Array)[place] as number;
      if (bits === 0) return -1;
      place = (place << BITS) | (31 - Math.clz32(bits & -bits));
    }
    this.#remove(place);
    return place;
  }

  #remove(number: number): void {
    let place = number;
    for (const level of this.#levels) {
      const word = place >> BITS;
      const left = (level[word] as number) & ~(1 << (place & 31));
      level[word] = left;
      if (left !== 0) return;
      place = word;
    }
  }
}
