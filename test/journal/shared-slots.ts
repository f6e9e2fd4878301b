/**
 * Slots of pools counted in memory over several engines, as a journal that serves several processes counts them (R41).
 * Owns: the table, and a journal in memory that has one. Time is the caller's.
 */
import type { Journal, JournalListener, MemoryJournal, SharedPool, TakenSlots } from "@belay/engine/journal";

interface Slot {
  readonly engine: string;
  readonly pool: string;
}

export class SlotTable {
  readonly #now: () => number;
  readonly #slots = new Map<string, Slot>();
  readonly #starts = new Map<string, number[]>();
  readonly #listeners = new Map<string, JournalListener>();
  #names = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  open(engine: string, listener: JournalListener): void {
    this.#listeners.set(engine, listener);
  }

  take(engine: string, pool: SharedPool, want: number): TakenSlots {
    const { limit, intervalMs } = pool.rate ?? { limit: Number.POSITIVE_INFINITY, intervalMs: 0 };
    const starts = (this.#starts.get(pool.name) ?? []).filter((at) => at > this.#now() - intervalMs);
    const taken = [...this.#slots.values()].filter((slot) => slot.pool === pool.name).length;
    const free = Math.min(pool.concurrency - taken, limit - starts.length);
    const slots = Array.from({ length: Math.max(0, Math.min(want, free)) }, () => `slot-${this.#names++}`);
    for (const slot of slots) this.#slots.set(slot, { engine, pool: pool.name });
    for (const _ of slots) starts.push(this.#now());
    this.#starts.set(pool.name, starts);
    const rateIsLess = slots.length < want && limit - starts.length <= pool.concurrency - taken - slots.length;
    const retryInMs = rateIsLess ? (starts[0] as number) + intervalMs - this.#now() : null;
    return { slots, retryInMs };
  }

  free(slots: readonly string[]): void {
    this.freeInSilence(slots);
    this.#tell();
  }

  freeInSilence(slots: readonly string[]): void {
    for (const slot of slots) this.#slots.delete(slot);
  }

  /** An engine is gone, with or without a word. */
  end(engine: string): void {
    this.#listeners.delete(engine);
    for (const [name, slot] of this.#slots) if (slot.engine === engine) this.#slots.delete(name);
    this.#tell();
  }

  #tell(): void {
    for (const { slotsFree } of this.#listeners.values()) slotsFree?.();
  }
}

/** The journal in memory with slots that its engines share. */
export function sharingSlots(base: MemoryJournal, table: SlotTable): Journal {
  return {
    open: (engine, listener) => {
      table.open(engine, listener);
      base.open(engine, listener);
    },
    create: (engine, header, locks) => base.create(engine, header, locks),
    claim: (engine, runId) => base.claim(engine, runId),
    append: (lease, records, progress) => base.append(lease, records, progress),
    release: (lease) => base.release(lease),
    read: (runId) => base.read(runId),
    list: () => base.list(),
    ask: (request) => base.ask(request),
    takeRequests: (engine) => base.takeRequests(engine),
    answer: (requestId, answer) => base.answer(requestId, answer),
    answerTo: (requestId) => base.answerTo(requestId),
    log: (lines) => base.log(lines),
    logs: (runId) => base.logs(runId),
    takeSlots: (engine, pool, want) => table.take(engine, pool, want),
    freeSlots: (slots) => table.free(slots),
    remove: (runId) => base.remove(runId),
    close: (engine) => {
      base.close(engine);
      table.end(engine);
    },
  };
}
