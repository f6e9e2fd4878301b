/**
 * The slots of one run (R41). Owns: how many of the engine's own it holds, its requests to named pools, the releases of
 * the slots these gave. Does not own: how many are wanted (`demand` of the core), who is next (`pools.ts`).
 */
import { demand, type RunState } from "../core/index.ts";
import { WAITING_POOL } from "../plan/compiled.ts";
import type { Host } from "./host.ts";
import type { SlotTaker } from "./pools.ts";

/** The run, as its slots see it. */
export interface SlotUser extends SlotTaker {
  readonly state: RunState;
  readonly host: Host;
  /** A named pool has a slot: the run decides whether it still wants it, see `keep`. */
  granted(pool: number, release: () => void): void;
  /** Slots of a named pool that were granted and are not decided on yet. */
  undecidedGrants(pool: number): number;
}

/** A slot asked of a named pool. */
interface PoolRequest {
  takeBack: () => void;
}

export class RunSlots {
  readonly #run: SlotUser;
  /** Slots of the engine's own limit. */
  #held = 0;
  /** It stands in the line for the engine's own slots. */
  #waits = false;
  /** Requests to named pools that are not granted yet. */
  readonly #waiting: Set<PoolRequest>[];
  readonly #releases: (() => void)[][];
  /** The run has stopped: what is granted now goes back. */
  #gone = false;

  constructor(run: SlotUser) {
    this.#run = run;
    const { pools } = run.state.plan;
    this.#waiting = pools.map(() => new Set());
    this.#releases = pools.map(() => []);
  }

  /** A run was taken up again: its attempts in flight have their slots, before anybody else asks for one. */
  resume(): void {
    const { host, state } = this.#run;
    this.#held = state.active[0] as number;
    host.slots.seize(this.#held);
    for (let pool = 1; pool < state.active.length; pool++) {
      if (state.plan.pools[pool] === WAITING_POOL) continue;
      for (let count = state.active[pool] as number; count > 0; count--) this.#seize(pool);
    }
  }

  /** The pool may be smaller than it was, and grant it late: then the slot may be free already. */
  #seize(pool: number): void {
    const { host, state } = this.#run;
    host.pools.request(state.plan.pools[pool] as string, (release) => {
      const held = this.#releases[pool] as (() => void)[];
      if (!this.#gone && held.length < (state.active[pool] as number)) held.push(release);
      else release();
    });
  }

  /** Slots to start with now; those of a named pool are only asked for, and come with a grant of their own. */
  take(pool: number, want: number): number {
    if (pool === 0) return this.#takeOwn(want);
    this.#request(pool, want);
    return 0;
  }

  /**
   * Takes up to `want` of the engine's own slots. Those of attempts that just ended are used again unless another run
   * waits for one.
   */
  #takeOwn(want: number): number {
    const { host, state } = this.#run;
    const { slots } = host;
    const spare = this.#held - (state.active[0] as number);
    const reused = spare > 0 && slots.waiting === (this.#waits ? 1 : 0) ? Math.min(spare, want) : 0;
    const missing = want - reused;
    if (missing <= 0) {
      this.#leave();
      return reused;
    }
    // Who waits already gets nothing by asking again while there is none.
    if (this.#waits && slots.isFull) return reused;
    const taken = slots.take(missing, this.#run);
    this.#waits = taken < missing;
    this.#held += taken;
    // Slots were left while the line stood still because this run could not take any: the next one is told now.
    if (!this.#waits && slots.waiting > 0 && !slots.isFull) host.releaseLater(0);
    return reused + taken;
  }

  /** Who wants nothing (more) stands in nobody's way. */
  #leave(): void {
    if (!this.#waits) return;
    this.#waits = false;
    if (this.#run.host.slots.quit(this.#run)) this.#run.host.releaseLater(0);
  }

  /** Asks a named pool for as many slots as are wanted beside those on their way, and takes the others back. */
  #request(pool: number, want: number): void {
    const waiting = this.#waiting[pool] as Set<PoolRequest>;
    while (waiting.size + this.#run.undecidedGrants(pool) < want) {
      const request: PoolRequest = { takeBack: () => undefined };
      waiting.add(request);
      // The pool may grant at once, before `request` has answered.
      request.takeBack = this.#run.host.pools.request(this.#run.state.plan.pools[pool] as string, (release) => {
        waiting.delete(request);
        this.#run.granted(pool, release);
      });
    }
    for (const request of waiting) {
      if (waiting.size <= want) break;
      waiting.delete(request);
      request.takeBack();
    }
  }

  /** A slot that came: it goes back once an attempt of that pool has ended, or at once, when none is wanted any more. */
  keep(pool: number, release: () => void): boolean {
    const wanted = demand(this.#run.state, pool) > 0;
    if (wanted) this.#releases[pool]?.push(release);
    else release();
    return wanted;
  }

  /** Gives back the slots of attempts that ended. */
  releaseEnded(): void {
    const { host, state } = this.#run;
    const { active } = state;
    if (this.#held > (active[0] as number)) {
      const free = this.#held - (active[0] as number);
      this.#held = active[0] as number;
      host.releaseLater(free);
    }
    for (let pool = 1; pool < active.length; pool++) {
      const held = this.#releases[pool] as (() => void)[];
      while (held.length > (active[pool] as number)) held.pop()?.();
    }
  }

  /** The run wants no more of the engine's own slots for now. */
  leaveLine(): void {
    this.#waits = false;
    this.#run.host.slots.leave(this.#run);
  }

  /** Gives everything back, whatever still runs, for good. */
  releaseAll(): void {
    this.#gone = true;
    for (const waiting of this.#waiting) for (const request of waiting) request.takeBack();
    for (const held of this.#releases) for (const release of held.splice(0)) release();
    if (this.#held > 0) this.#run.host.releaseLater(this.#held);
    this.#held = 0;
  }
}
