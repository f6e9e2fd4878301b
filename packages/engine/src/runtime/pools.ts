/**
 * Slots for attempts (R41). Owns: the engine's own limit, shared by nodes without a pool, and the named pools, each a
 * p-queue with its concurrency and rate. Does not own: which node gets a slot; the core decides that (R11); pools that
 * several engines share (`shared-pool.ts`). Slots are handed to runs in the order of asking.
 */
import PQueue from "p-queue";
import { BelayError } from "../errors.ts";
import type { Clock, PoolOptions } from "./engine-api.ts";
import type { Timers } from "./timers.ts";

/** Who asks for slots: one run. */
export interface SlotTaker {
  /** Slots may be free: ask again. */
  slotsFree(): void;
}

/** The engine's own limit: a counter and a line of runs that wait. */
export class Slots {
  readonly #limit: number;
  #taken = 0;
  readonly #line = new Set<SlotTaker>();
  #closed = false;

  /** `limit`: attempts at once; Infinity = no limit. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Takes up to `want` slots; the taker is told when more are free if it got fewer. */
  take(want: number, taker: SlotTaker): number {
    const waits = this.#line.size > 0 && this.#line.values().next().value !== taker;
    // Attempts that were taken up again may hold more than the limit.
    const got = waits || this.#closed ? 0 : Math.max(0, Math.min(want, this.#limit - this.#taken));
    this.#taken += got;
    if (got < want) this.#line.add(taker);
    else this.#line.delete(taker);
    return got;
  }

  /** Takes slots for what runs already, whatever the limit says. */
  seize(count: number): void {
    this.#taken += count;
  }

  /** How many runs wait for a slot. */
  get waiting(): number {
    return this.#line.size;
  }

  /** No slot is free. */
  get isFull(): boolean {
    return this.#taken >= this.#limit;
  }

  /** Gives slots back and calls the first in line. */
  release(count: number): void {
    this.#taken -= count;
    if (this.#closed) return;
    for (const taker of [...this.#line]) {
      if (this.#taken >= this.#limit) return;
      taker.slotsFree();
      if (this.#line.has(taker)) return;
    }
  }

  /** The engine closes: nobody gets a slot any more, whoever leaves one. */
  close(): void {
    this.#closed = true;
  }

  /** Leaves the line; false when it was not in it. Whoever is next is not called: see `leave`. */
  quit(taker: SlotTaker): boolean {
    return this.#line.delete(taker);
  }

  /** The taker wants nothing any more. */
  leave(taker: SlotTaker): void {
    if (this.#line.delete(taker)) this.release(0);
  }
}

/** A named limit. */
export interface Pool {
  /** Calls `granted` with the slot's release once there is a slot, maybe at once; the answer takes the request back. */
  request(granted: (release: () => void) => void): () => void;
  /** Slots may be free that were not. */
  slotsFree(): void;
  /** Drops everyone who waits. */
  close(): void;
}

/** Named limits across runs. */
export class Pools {
  readonly #pools = new Map<string, Pool>();

  /** `make`: a pool of options that were checked. */
  constructor(pools: Readonly<Record<string, PoolOptions>>, make: (name: string, options: PoolOptions) => Pool) {
    for (const [name, options] of Object.entries(pools)) {
      checkOptions(name, options);
      this.#pools.set(name, make(name, options));
    }
  }

  has(name: string): boolean {
    return this.#pools.has(name);
  }

  names(): string[] {
    return [...this.#pools.keys()];
  }

  /** Calls `granted` with the slot's release once the pool has a slot; the answer takes the request back. */
  request(name: string, granted: (release: () => void) => void): () => void {
    const pool = this.#pools.get(name);
    if (pool === undefined) throw new BelayError("INTERNAL", `R41: pool "${name}" was not checked at start`);
    return pool.request(granted);
  }

  /** Another engine of the journal may have given slots back. */
  slotsFree(): void {
    for (const pool of this.#pools.values()) pool.slotsFree();
  }

  /** Drops everyone who waits. */
  close(): void {
    for (const pool of this.#pools.values()) pool.close();
  }
}

/** A limit of one engine. p-queue counts attempts; starts per interval are counted here, on the engine's clock. */
export class OwnPool implements Pool {
  readonly #queue: PQueue;
  readonly #rate: PoolOptions["rate"];
  readonly #timers: Timers;
  readonly #clock: Clock;
  /** Times of the starts within the last interval. */
  readonly #starts: number[] = [];

  constructor(options: PoolOptions, timers: Timers, clock: Clock) {
    this.#queue = new PQueue({ concurrency: options.concurrency });
    this.#rate = options.rate;
    this.#timers = timers;
    this.#clock = clock;
  }

  /** The answer takes the request back: a run that no longer wants the slot uses nothing of the rate. */
  request(granted: (release: () => void) => void): () => void {
    let wanted = true;
    const held = (): Promise<void> =>
      new Promise((resolve) => {
        if (!wanted) {
          resolve();
          return;
        }
        wanted = false;
        this.#countStart();
        granted(resolve);
      });
    this.#queue.add(held).catch(() => undefined);
    return () => {
      wanted = false;
    };
  }

  /** Nobody else has slots of it. */
  slotsFree(): void {}

  close(): void {
    this.#queue.clear();
  }

  /** The start that reaches the limit pauses the queue until the oldest one counted is an interval ago. */
  #countStart(): void {
    const rate = this.#rate;
    if (rate === undefined) return;
    const now = this.#clock.now();
    this.#starts.push(now);
    this.#forget(now - rate.intervalMs);
    if (this.#starts.length < rate.limit) return;
    this.#queue.pause();
    this.#timers.arm((this.#starts[0] as number) + rate.intervalMs, () => {
      this.#forget(this.#clock.now() - rate.intervalMs);
      this.#queue.start();
    });
  }

  /** Starts up to `until` are out of the interval. */
  #forget(until: number): void {
    const kept = this.#starts.findIndex((at) => at > until);
    this.#starts.splice(0, kept < 0 ? this.#starts.length : kept);
  }
}

function checkOptions(name: string, options: PoolOptions): void {
  if (typeof options !== "object" || options === null) {
    throw new BelayError("INVALID_ARGUMENT", `pools.${name} must be an object with concurrency`);
  }
  if (name.startsWith("belay.")) {
    throw new BelayError("INVALID_ARGUMENT", `pools["${name}"]: names that start with "belay." are the engine's own`);
  }
  const { concurrency, rate } = options;
  if (!(Number.isInteger(concurrency) && concurrency >= 1) && concurrency !== Number.POSITIVE_INFINITY) {
    throw new BelayError(
      "INVALID_ARGUMENT",
      `pools.${name}.concurrency must be a whole number from 1 on, not ${concurrency}`,
    );
  }
  if (rate === undefined) return;
  if (Number.isInteger(rate.limit) && rate.limit >= 1 && rate.intervalMs > 0 && Number.isFinite(rate.intervalMs))
    return;
  throw new BelayError("INVALID_ARGUMENT", `pools.${name}.rate needs a whole limit from 1 on and intervalMs above 0`);
}
