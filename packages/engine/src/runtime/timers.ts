/**
 * All deadlines of an engine on one timer (R26): a binary heap of numbers. Owns: ordering, removal by handle, the single armed
 * timer. Ties leave in the order of arming. One that is taken back stays in the heap, dead, until it comes up or until there
 * are more dead than live ones. Cost: O(log n) to arm, mostly one comparison, for deadlines come in about the order of their
 * times; nothing to take back, and a share of a clearing; no allocation but for growth.
 */
import type { Clock } from "./engine-api.ts";

/** Whom a deadline is told. */
export interface DueTarget {
  /** What it was armed with. */
  due(node: number, kind: number, token: number): void;
}

/** A deadline of one's own: told by a call, taken back at any time. */
export interface Deadline {
  /** -1 once it fired or was disarmed. */
  handle: number;
}

/** What a target is told with its deadline. */
export interface Due {
  readonly node: number;
  readonly kind: number;
  readonly token: number;
}

const FIRST_ROOM = 16;
const NOTHING: Due = { node: 0, kind: 0, token: 0 };

export class Timers {
  readonly #clock: Clock;
  /** Handles, the earliest first. */
  #heap = new Int32Array(FIRST_ROOM);
  #size = 0;
  /** How many of these were not taken back. */
  #live = 0;
  /** By handle, the next columns too: when it is due. */
  #at = new Float64Array(FIRST_ROOM);
  /** Grows with each arming. */
  #order = new Float64Array(FIRST_ROOM);
  #node = new Int32Array(FIRST_ROOM);
  #kind = new Int32Array(FIRST_ROOM);
  #token = new Int32Array(FIRST_ROOM);
  /** undefined of one that was taken back. */
  readonly #target: (DueTarget | undefined)[] = [];
  readonly #free: number[] = [];
  #armings = 0;
  #armedFor = Number.POSITIVE_INFINITY;
  #cancelTimer: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Calls `fire` once when the clock has reached `at` (epoch milliseconds). */
  arm(at: number, fire: () => void): Deadline {
    const deadline: Deadline = { handle: -1 };
    const due = (): void => {
      deadline.handle = -1;
      fire();
    };
    deadline.handle = this.armFor({ due }, at, NOTHING);
    return deadline;
  }

  /** Takes a deadline back; one that already fired is left alone. */
  disarm(deadline: Deadline): void {
    if (deadline.handle < 0) return;
    this.take(deadline.handle);
    deadline.handle = -1;
    this.trim();
  }

  /** Tells the target once the clock has reached `at`; the answer is a handle for `take`, good until then. */
  armFor(target: DueTarget, at: number, what: Due): number {
    const handle = this.#free.pop() ?? this.#target.length;
    if (handle === this.#at.length) this.#grow();
    this.#target[handle] = target;
    this.#at[handle] = at;
    this.#order[handle] = this.#armings++;
    this.#node[handle] = what.node;
    this.#kind[handle] = what.kind;
    this.#token[handle] = what.token;
    this.#live++;
    this.#rise(this.#size++, handle);
    if (at < this.#armedFor) this.#schedule();
    return handle;
  }

  /** Takes the deadline with that handle back. The timer stays, for what may be armed next, until `trim`. */
  take(handle: number): void {
    this.#target[handle] = undefined;
    this.#live--;
    if (this.#size > FIRST_ROOM && this.#size > 2 * this.#live) this.#clearOut();
  }

  /** Makes the heap anew, of those that live. What is left of a heap in order is mostly in order. */
  #clearOut(): void {
    const all = this.#size;
    this.#size = 0;
    for (let place = 0; place < all; place++) {
      const handle = this.#heap[place] as number;
      if (this.#target[handle] === undefined) this.#free.push(handle);
      else this.#rise(this.#size++, handle);
    }
  }

  /** Takes the first one out of the heap. */
  #removeFirst(): void {
    this.#free.push(this.#heap[0] as number);
    const last = this.#heap[--this.#size] as number;
    if (this.#size > 0) this.#sink(last);
  }

  /** Lets go of the timer when nothing is armed: it would keep the process alive. */
  trim(): void {
    if (this.#live > 0) return;
    while (this.#size > 0) this.#free.push(this.#heap[--this.#size] as number);
    this.#stop();
  }

  /** Drops every deadline. */
  clear(): void {
    for (let place = 0; place < this.#size; place++) this.#target[this.#heap[place] as number] = undefined;
    this.#live = 0;
    this.trim();
  }

  #stop(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#armedFor = Number.POSITIVE_INFINITY;
  }

  /** Arms the one timer for the earliest deadline. A timer that is too early is kept: it only looks again. */
  #schedule(): void {
    if (this.#live === 0) return;
    const at = this.#at[this.#heap[0] as number] as number;
    if (at >= this.#armedFor) return;
    this.#cancelTimer?.();
    this.#armedFor = at;
    this.#cancelTimer = this.#clock.schedule(Math.max(0, at - this.#clock.now()), () => this.#fireDue());
  }

  /** Fires what is due by now, whether or not the timer has come to it. */
  passDue(): void {
    if (this.#live === 0) return;
    const now = this.#clock.now();
    while (this.#live > 0) {
      const handle = this.#heap[0] as number;
      if ((this.#at[handle] as number) > now) return;
      const target = this.#target[handle];
      this.#removeFirst();
      if (target === undefined) continue;
      const node = this.#node[handle] as number;
      const kind = this.#kind[handle] as number;
      const token = this.#token[handle] as number;
      this.#target[handle] = undefined;
      this.#live--;
      target.due(node, kind, token);
    }
  }

  #fireDue(): void {
    this.#cancelTimer = undefined;
    this.#armedFor = Number.POSITIVE_INFINITY;
    this.passDue();
    this.#schedule();
  }

  /** Places a handle at `place`, or above it. */
  #rise(place: number, handle: number): void {
    const heap = this.#heap;
    let hole = place;
    while (hole > 0) {
      const above = (hole - 1) >> 1;
      const parent = heap[above] as number;
      if (!this.#isBefore(handle, parent)) break;
      heap[hole] = parent;
      hole = above;
    }
    heap[hole] = handle;
  }

  /** Places a handle at the top, or below it. */
  #sink(handle: number): void {
    const heap = this.#heap;
    let hole = 0;
    for (;;) {
      let below = 2 * hole + 1;
      if (below >= this.#size) break;
      if (below + 1 < this.#size && this.#isBefore(heap[below + 1] as number, heap[below] as number)) below++;
      const child = heap[below] as number;
      if (!this.#isBefore(child, handle)) break;
      heap[hole] = child;
      hole = below;
    }
    heap[hole] = handle;
  }

  #isBefore(a: number, b: number): boolean {
    const atA = this.#at[a] as number;
    const atB = this.#at[b] as number;
    return atA < atB || (atA === atB && (this.#order[a] as number) < (this.#order[b] as number));
  }

  #grow(): void {
    const room = 2 * this.#at.length;
    this.#heap = grown(this.#heap, room);
    this.#node = grown(this.#node, room);
    this.#kind = grown(this.#kind, room);
    this.#token = grown(this.#token, room);
    this.#at = grownTimes(this.#at, room);
    this.#order = grownTimes(this.#order, room);
  }
}

function grown(column: Int32Array, room: number): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(room);
  larger.set(column);
  return larger;
}

function grownTimes(column: Float64Array, room: number): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(room);
  larger.set(column);
  return larger;
}
