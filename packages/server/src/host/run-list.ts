/**
 * The journal's list of runs, for everybody who asks for it. A journal lists all of its runs or none, in time that grows with them, and one
 * in a file does it in the process's only thread: many who look at a long list must not keep runs from moving. Owns: how old a list may be.
 *
 * A list of 200 runs or more is used again for as long as four times the time that it took, a second at most: lists take a fifth of
 * the process, however many ask. What is started or steered through this host is always in the list that is asked for after it.
 */
import type { Journal, RunSummary } from "@belay/engine/journal";

/** Shorter lists are read each time. */
const LONG = 200;
const MOST_MS = 1000;
const SHARE = 4;

/** See the head of this file. */
export class RunList {
  readonly #journal: Pick<Journal, "list">;
  readonly #now: () => number;
  #changes = 0;
  #reading: Promise<readonly RunSummary[]> | undefined;
  #kept: { readonly runs: readonly RunSummary[]; readonly until: number } | undefined;

  /** `now` in milliseconds, from any clock that does not jump. */
  constructor(journal: Pick<Journal, "list">, now: () => number = () => performance.now()) {
    this.#journal = journal;
    this.#now = now;
  }

  /** All runs, the oldest first. */
  async all(): Promise<readonly RunSummary[]> {
    if (this.#kept !== undefined && this.#now() < this.#kept.until) return this.#kept.runs;
    this.#reading ??= this.#read(this.#changes);
    return await this.#reading;
  }

  /** Something has changed that the next list must have. */
  changed(): void {
    this.#changes += 1;
    this.#kept = undefined;
    this.#reading = undefined;
  }

  async #read(changes: number): Promise<readonly RunSummary[]> {
    const began = this.#now();
    try {
      // Later: a journal that fails at once must not fail before this reading is known.
      const runs = await Promise.resolve().then(() => this.#journal.list());
      const ended = this.#now();
      if (changes === this.#changes && runs.length >= LONG) {
        this.#kept = { runs, until: ended + Math.min(MOST_MS, SHARE * (ended - began)) };
      }
      return runs;
    } finally {
      if (changes === this.#changes) this.#reading = undefined;
    }
  }
}
