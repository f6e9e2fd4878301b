/**
 * A pool whose slots all engines of a journal share (R41). Owns: who of this engine waits for one, and when the journal is
 * asked. Does not own: how many there are; the journal counts them over all engines.
 *
 * The journal is asked for as many as wait, one question at a time. What it does not have now it tells of later
 * (`slotsFree`); the rate's next start is waited for here.
 */
import type { Journal, SharedPool as PoolLimits, TakenSlots } from "../journal/port.ts";
import type { PoolOptions } from "./engine-api.ts";
import type { Pool } from "./pools.ts";
import type { Deadline, Timers } from "./timers.ts";

/** The part of a journal that counts slots. */
export type SlotJournal = Required<Pick<Journal, "takeSlots" | "freeSlots">>;

/** Whether the journal counts slots over its engines. */
export function sharesSlots(journal: Journal): journal is Journal & SlotJournal {
  return journal.takeSlots !== undefined && journal.freeSlots !== undefined;
}

/** Whose pool it is, and what it needs. */
export interface SharedPoolParts {
  readonly engine: string;
  readonly journal: SlotJournal;
  readonly timers: Timers;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

interface Waiter {
  readonly granted: (release: () => void) => void;
}

export class SharedPool implements Pool {
  readonly #limits: PoolLimits;
  readonly #parts: SharedPoolParts;
  readonly #line = new Set<Waiter>();
  #asking = false;
  /** Somebody came, or slots were freed, while the journal was being asked. */
  #again = false;
  #closed = false;
  #warned = false;
  #retry: Deadline | undefined;

  constructor(name: string, { concurrency, rate }: PoolOptions, parts: SharedPoolParts) {
    this.#limits = { name, concurrency, rate: rate ?? null };
    this.#parts = parts;
  }

  request(granted: (release: () => void) => void): () => void {
    const waiter: Waiter = { granted };
    this.#line.add(waiter);
    this.#ask();
    return () => {
      this.#line.delete(waiter);
    };
  }

  slotsFree(): void {
    this.#ask();
  }

  close(): void {
    this.#closed = true;
    this.#line.clear();
  }

  #ask(): void {
    this.#again = true;
    if (!this.#asking && !this.#closed && this.#line.size > 0) void this.#askUntilServed();
  }

  async #askUntilServed(): Promise<void> {
    this.#asking = true;
    while (this.#again) {
      // All requests of this turn go in one question.
      await Promise.resolve();
      this.#again = false;
      const taken = this.#closed || this.#line.size === 0 ? undefined : await this.#take(this.#line.size);
      if (taken !== undefined) this.#give(taken);
    }
    this.#asking = false;
  }

  /** undefined when the journal cannot tell: it says `slotsFree` when it works again. */
  async #take(want: number): Promise<TakenSlots | undefined> {
    const { engine, journal } = this.#parts;
    try {
      const taken = await journal.takeSlots(engine, this.#limits, want);
      this.#warned = false;
      return taken;
    } catch (error) {
      if (!this.#warned && !this.#closed) this.#warn(error);
      return undefined;
    }
  }

  /** Once per outage: runs wait that nothing else stops. */
  #warn(error: unknown): void {
    this.#warned = true;
    const why = error instanceof Error ? error.message : String(error);
    process.emitWarning(`attempts wait for slots of pool "${this.#limits.name}": ${why}`, "BelayPoolWarning");
  }

  #give({ slots, retryInMs }: TakenSlots): void {
    const { journal, timers, now } = this.#parts;
    for (const slot of slots) {
      const [waiter] = this.#line;
      const release = (): void => journal.freeSlots([slot]);
      if (waiter === undefined) {
        release();
        continue;
      }
      this.#line.delete(waiter);
      waiter.granted(release);
    }
    // A journal may answer with a part of what it has.
    if (slots.length > 0 && retryInMs === null) this.#again = true;
    if (this.#retry !== undefined) timers.disarm(this.#retry);
    this.#retry = retryInMs === null || this.#closed ? undefined : timers.arm(now() + retryInMs, () => this.#ask());
  }
}
