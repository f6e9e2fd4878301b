/**
 * All deadlines of an engine on one timer (R26): an indexed binary heap of (time, callback). Owns: ordering, removal by
 * handle, the single armed timer. Ties leave in the order of arming. Cost: O(log n) to arm and disarm.
 */
import type { Clock } from "./engine-api.ts";

/** One armed deadline; `slot` is its place in the heap, -1 once it fired or was disarmed. */
export interface Deadline {
  readonly at: number;
  readonly order: number;
  readonly fire: () => void;
  slot: number;
}

export class Timers {
  readonly #clock: Clock;
  readonly #heap: Deadline[] = [];
  #order = 0;
  #armedFor = Number.POSITIVE_INFINITY;
  #cancelTimer: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Calls `fire` once when the clock has reached `at` (epoch milliseconds). */
  arm(at: number, fire: () => void): Deadline {
    const deadline: Deadline = { at, order: this.#order++, fire, slot: this.#heap.length };
    this.#heap.push(deadline);
    this.#rise(deadline);
    this.#schedule();
    return deadline;
  }

  /** Takes a deadline back; one that already fired is left alone. */
  disarm(deadline: Deadline): void {
    const { slot } = deadline;
    if (slot < 0) return;
    deadline.slot = -1;
    const last = this.#heap.pop();
    if (last !== undefined && last !== deadline) {
      last.slot = slot;
      this.#heap[slot] = last;
      this.#rise(last);
      this.#sink(last);
    }
    if (this.#heap.length === 0) this.#stop();
  }

  /** Drops every deadline. */
  clear(): void {
    for (const deadline of this.#heap) deadline.slot = -1;
    this.#heap.length = 0;
    this.#stop();
  }

  #stop(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#armedFor = Number.POSITIVE_INFINITY;
  }

  /** Arms the one timer for the earliest deadline. A timer that is too early is kept: it only looks again. */
  #schedule(): void {
    const first = this.#heap[0];
    if (first === undefined || first.at >= this.#armedFor) return;
    this.#cancelTimer?.();
    this.#armedFor = first.at;
    this.#cancelTimer = this.#clock.schedule(Math.max(0, first.at - this.#clock.now()), () => this.#fireDue());
  }

  /** Fires what is due by now, whether or not the timer has come to it. */
  passDue(): void {
    const now = this.#clock.now();
    for (let first = this.#heap[0]; first !== undefined && first.at <= now; first = this.#heap[0]) {
      this.disarm(first);
      first.fire();
    }
  }

  #fireDue(): void {
    this.#cancelTimer = undefined;
    this.#armedFor = Number.POSITIVE_INFINITY;
    this.passDue();
    this.#schedule();
  }

  #rise(deadline: Deadline): void {
    while (deadline.slot > 0) {
      const parent = this.#heap[(deadline.slot - 1) >> 1] as Deadline;
      if (!isBefore(deadline, parent)) return;
      this.#swap(deadline, parent);
    }
  }

  #sink(deadline: Deadline): void {
    for (;;) {
      const left = this.#heap[deadline.slot * 2 + 1];
      const right = this.#heap[deadline.slot * 2 + 2];
      const child = right !== undefined && left !== undefined && isBefore(right, left) ? right : left;
      if (child === undefined || !isBefore(child, deadline)) return;
      this.#swap(deadline, child);
    }
  }

  #swap(a: Deadline, b: Deadline): void {
    const slot = a.slot;
    a.slot = b.slot;
    b.slot = slot;
    this.#heap[a.slot] = a;
    this.#heap[b.slot] = b;
  }
}

function isBefore(a: Deadline, b: Deadline): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
