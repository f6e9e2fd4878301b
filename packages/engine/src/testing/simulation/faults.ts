/**
 * What can go wrong with one call, and how often. Owns: the kinds of faults, their default shares, and the draw.
 * What a fault does is `simulate.ts`'s.
 */
import type { Draw } from "./draw.ts";

/** What can go wrong with one call. */
export type Fault =
  /** It fails; another attempt may help. */
  | "error"
  /** It fails for good. */
  | "fatal"
  /** It takes longer than its node's timeout, and lets go when aborted; without a timeout it answers in the end. */
  | "timeout"
  /** It never answers by itself; it lets go when aborted. */
  | "hang"
  /** It takes effect and its answer is lost: a failure to the engine. */
  | "reply-lost"
  /** Its answer is delivered twice, the second time later. */
  | "duplicate"
  /** It ignores its signal and answers, with success, once its attempt is over. */
  | "late"
  /** It ignores its signal and never lets go. */
  | "deaf";

export const FAULTS: readonly Fault[] = [
  "error",
  "fatal",
  "timeout",
  "hang",
  "reply-lost",
  "duplicate",
  "late",
  "deaf",
];

const DEFAULT_SHARES: Readonly<Record<Fault, number>> = {
  error: 0.08,
  fatal: 0.03,
  timeout: 0.03,
  hang: 0.03,
  "reply-lost": 0.03,
  duplicate: 0.03,
  late: 0.03,
  deaf: 0.03,
};

/** Shares of all calls that have each fault, 0..1. */
export type FaultShares = Partial<Readonly<Record<Fault, number>>>;

/** How a call that was cut off by a crash goes on (R42): it is made again, is found done, or nobody can tell. */
export type CutOff = "again" | "done" | "lost";

/** Shares of the calls that were cut off, 0..1; the rest is made again. */
export interface CutOffShares {
  readonly done?: number;
  readonly lost?: number;
}

/** Draws faults by their shares, and counts them. */
export class FaultDraw {
  readonly counts: Record<Fault, number> = {
    error: 0,
    fatal: 0,
    timeout: 0,
    hang: 0,
    "reply-lost": 0,
    duplicate: 0,
    late: 0,
    deaf: 0,
  };
  readonly #shares: readonly number[];
  readonly #draw: Draw;

  constructor(draw: Draw, shares: FaultShares | undefined) {
    this.#draw = draw;
    this.#shares = shares === undefined ? DEFAULTS : FAULTS.map((fault) => shares[fault] ?? DEFAULT_SHARES[fault]);
  }

  /** The fault of one call, or "ok". */
  next(): Fault | "ok" {
    let draw = this.#draw.next();
    for (let place = 0; place < FAULTS.length; place++) {
      draw -= this.#shares[place] as number;
      if (draw >= 0) continue;
      const fault = FAULTS[place] as Fault;
      this.counts[fault] += 1;
      return fault;
    }
    return "ok";
  }
}

const DEFAULTS: readonly number[] = FAULTS.map((fault) => DEFAULT_SHARES[fault]);
