/**
 * Records of one run in memory. Owns: their layout: what most records are, answers that say nothing and grants, takes columns of
 * numbers, 17 bytes each; any other is kept as it is. Gives back what was appended. Cost: no object is kept for a plain record.
 */
import type { Input } from "../core/input.ts";
import type { JournalRecord } from "./port.ts";

/** Kinds that are kept in columns; 0 = any other. */
const Plain = { NONE: 0, SUCCEEDED: 1, UNDONE: 2, GRANT: 3 } as const;

const FIRST_ROOM = 16;

export class RecordLog {
  length = 0;
  #kind = new Uint8Array(FIRST_ROOM);
  #at = new Float64Array(FIRST_ROOM);
  /** The node, or the pool of a grant. */
  #which = new Int32Array(FIRST_ROOM);
  /** The attempt, or the count of a grant. */
  #count = new Int32Array(FIRST_ROOM);
  /** By place: what does not fit. */
  #others = new Map<number, JournalRecord>();

  append(record: JournalRecord): void {
    const { input } = record;
    const place = this.length++;
    if (place === this.#kind.length) this.#grow();
    // A record is kept as it is too when it has anything to say beside, or another number than its place.
    const plain = record.payload === undefined && record.seq === place ? this.#put(place, input) : Plain.NONE;
    this.#kind[place] = plain;
    if (plain === Plain.NONE) this.#others.set(place, record);
  }

  /** The first `count` records. */
  read(count: number = this.length): JournalRecord[] {
    return Array.from({ length: Math.min(count, this.length) }, (_, place) => this.#recordAt(place));
  }

  /** A log of the first `count` records, which grows on its own. */
  copy(count: number): RecordLog {
    const copy = new RecordLog();
    for (const record of this.read(count)) copy.append(record);
    return copy;
  }

  #put(place: number, input: Input): number {
    switch (input.kind) {
      case "succeeded":
      case "undone":
        this.#at[place] = input.at;
        this.#which[place] = input.node;
        this.#count[place] = input.attempt;
        return input.kind === "succeeded" ? Plain.SUCCEEDED : Plain.UNDONE;
      case "grant":
        this.#at[place] = input.at;
        this.#which[place] = input.pool;
        this.#count[place] = input.count;
        return Plain.GRANT;
      default:
        return Plain.NONE;
    }
  }

  #recordAt(seq: number): JournalRecord {
    const at = this.#at[seq] as number;
    const which = this.#which[seq] as number;
    const count = this.#count[seq] as number;
    switch (this.#kind[seq]) {
      case Plain.SUCCEEDED:
        return { seq, input: { kind: "succeeded", at, node: which, attempt: count } };
      case Plain.UNDONE:
        return { seq, input: { kind: "undone", at, node: which, attempt: count } };
      case Plain.GRANT:
        return { seq, input: { kind: "grant", at, pool: which, count } };
      default:
        return this.#others.get(seq) as JournalRecord;
    }
  }

  #grow(): void {
    const room = 2 * this.#kind.length;
    const kind = new Uint8Array(room);
    kind.set(this.#kind);
    this.#kind = kind;
    const at = new Float64Array(room);
    at.set(this.#at);
    this.#at = at;
    const which = new Int32Array(room);
    which.set(this.#which);
    this.#which = which;
    const count = new Int32Array(room);
    count.set(this.#count);
    this.#count = count;
  }
}
