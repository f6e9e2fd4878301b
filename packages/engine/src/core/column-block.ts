/**
 * Columns of numbers by node, side by side in one block of memory. Owns: their layout. An array with memory of its own costs
 * so much to make that a state of twenty of them costs a small run more than all its steps.
 */
import { invariant } from "./assert.ts";

/** How many numbers of each kind. */
export interface Room {
  readonly ints: number;
  readonly bytes: number;
}

export class ColumnBlock {
  readonly #memory: ArrayBuffer;
  /** Where the next column of ints begins: they come first, since only they must be aligned. */
  #front = 0;
  /** Where the last column of bytes begins. */
  #back: number;

  /** Room for so many numbers, all 0. */
  constructor({ ints, bytes }: Room) {
    this.#back = ints * Int32Array.BYTES_PER_ELEMENT + bytes;
    this.#memory = new ArrayBuffer(this.#back);
  }

  /** A column of `length` numbers of 32 bits, which begins like `old`. */
  ints(length: number, old?: Int32Array): Int32Array {
    const column = new Int32Array(this.#memory, this.#front, length);
    this.#front += column.byteLength;
    return this.#filled(column, old);
  }

  /** A column of `length` bytes, which begins like `old`. */
  bytes(length: number, old?: Uint8Array): Uint8Array {
    this.#back -= length;
    return this.#filled(new Uint8Array(this.#memory, this.#back, length), old);
  }

  #filled<Column extends Int32Array | Uint8Array>(column: Column, old: Column | undefined): Column {
    invariant(this.#front <= this.#back, "R50: two columns of the state share memory");
    if (old !== undefined) column.set(old);
    return column;
  }
}
