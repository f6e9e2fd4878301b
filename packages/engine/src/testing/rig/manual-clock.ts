/**
 * A clock that stands still until a test moves it. Owns: the time and the callbacks waiting for it. Does not own: what
 * the callbacks do; a callback that continues in a promise needs `settleTurns` before its effect is seen.
 *
 * Callbacks fire by due time, then in the order in which they were scheduled, and never early. Any delay works, beyond
 * 2^31-1 ms too (R26). Scheduling and cancelling cost a binary search and a move within one array.
 */
import type { Clock } from "../../runtime/engine-api.ts";
import { settleTurns } from "./turns.ts";

interface Alarm {
  readonly due: number;
  /** Ties fire in the order of scheduling. */
  readonly order: number;
  readonly callback: () => void;
}

/** 2025-01-01T00:00:00Z: a round time reads well in snapshots. */
const DEFAULT_START_MS = 1_735_689_600_000;

/** `Clock` for tests: time moves only by `advance`, `next` and `elapse`. */
export class ManualClock implements Clock {
  readonly #alarms: Alarm[] = [];
  #nowMs: number;
  #scheduled = 0;

  /** Starts at `startMs`, epoch milliseconds; default 2025-01-01T00:00:00Z. */
  constructor(startMs: number = DEFAULT_START_MS) {
    this.#nowMs = startMs;
  }

  /** Epoch milliseconds. */
  now(): number {
    return this.#nowMs;
  }

  /** Number of callbacks that wait. */
  get pending(): number {
    return this.#alarms.length;
  }

  /** Epoch milliseconds of the earliest waiting callback; undefined when none waits. */
  get nextDue(): number | undefined {
    return this.#alarms[0]?.due;
  }

  /** Calls `callback` once when the clock has moved by `delayMs` (negative and NaN count as 0); the answer cancels it. */
  schedule(delayMs: number, callback: () => void): () => void {
    const alarm: Alarm = { due: this.#nowMs + (delayMs > 0 ? delayMs : 0), order: this.#scheduled++, callback };
    this.#alarms.splice(this.#place(alarm), 0, alarm);
    return () => {
      const at = this.#place(alarm);
      if (this.#alarms[at] === alarm) this.#alarms.splice(at, 1);
    };
  }

  /**
   * Moves the time by `ms` and fires what falls due on the way, each callback at its own time; those scheduled on the way
   * by a callback itself count. What a callback does later, in a promise, sees the time after the whole move: use `elapse`.
   */
  advance(ms: number): void {
    const target = this.#nowMs + ms;
    while (this.#fireFirst(target)) {
      // Fires one by one: each may schedule or cancel others.
    }
    this.#nowMs = target;
  }

  /** Jumps to the next due time and fires everything due then. false = nothing waits, the time stands. */
  next(): boolean {
    const due = this.nextDue;
    if (due === undefined) return false;
    this.advance(due - this.#nowMs);
    return true;
  }

  /** Like `advance`, but lets promises settle before, between and after the due times: deadlines armed on the way count. */
  async elapse(ms: number): Promise<void> {
    const target = this.#nowMs + ms;
    await settleTurns();
    for (let due = this.nextDue; due !== undefined && due <= target; due = this.nextDue) {
      this.advance(due - this.#nowMs);
      await settleTurns();
    }
    this.#nowMs = target;
  }

  #fireFirst(limit: number): boolean {
    const first = this.#alarms[0];
    if (first === undefined || first.due > limit) return false;
    this.#alarms.shift();
    this.#nowMs = first.due;
    first.callback();
    return true;
  }

  /** Index of `alarm`, or where it belongs. */
  #place(alarm: Alarm): number {
    let low = 0;
    let high = this.#alarms.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const other = this.#alarms[middle] as Alarm;
      const before = other.due === alarm.due ? other.order < alarm.order : other.due < alarm.due;
      if (before) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
