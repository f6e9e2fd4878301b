/**
 * An engine's time as an owner: one row in `owners`, one lease for all its runs, until it is not prolonged. Owns: what
 * the engine may write to, and when it must stop by its own clock (R44). Does not own: asking the server (`keeper.ts`).
 *
 * The server's lease begins when it has received what asked for it. The engine counts from when that was sent and stops a
 * tenth earlier, so that it has stopped before the server lets another engine in.
 */
import { BelayError } from "../../errors.ts";
import type { JournalClock } from "./options.ts";

/** Of the lease: clocks that run at different speeds, and timers that come late, stay within the rest. */
const SAFE_SHARE = 0.9;

/** A run that the engine owns. */
export interface OwnedRun {
  readonly runId: string;
  /** Its number in the tables. */
  readonly run: string;
  readonly epoch: number;
  readonly tenure: Tenure;
  /** `seq` of the next record. */
  next: number;
  /** Its status is final: nobody needs to take it over. */
  ended: boolean;
  /** Why nothing more may be written (J2). */
  failed: BelayError | undefined;
}

export class Tenure {
  readonly engine: string;
  /** Number of its row in `owners`. */
  readonly owner: string;
  /** By run id. */
  readonly runs: Map<string, OwnedRun> = new Map();
  readonly #clock: JournalClock;
  readonly #safeMs: number;
  #safeUntil: number;
  #over = false;

  /** `sentAt`: when the lease was asked for, by `clock`. */
  constructor(facts: { engine: string; owner: string; leaseMs: number }, clock: JournalClock, sentAt: number) {
    this.engine = facts.engine;
    this.owner = facts.owner;
    this.#clock = clock;
    this.#safeMs = facts.leaseMs * SAFE_SHARE;
    this.#safeUntil = sentAt + this.#safeMs;
  }

  /** The engine has stopped writing, for good. */
  get over(): boolean {
    return this.#over;
  }

  /** The lease may have ended: time to stop. */
  get expired(): boolean {
    return this.#clock.now() >= this.#safeUntil;
  }

  /** Milliseconds until `expired`. */
  get leftMs(): number {
    return this.#safeUntil - this.#clock.now();
  }

  /** The server has prolonged the lease; `sentAt`: when that was asked for. */
  prolong(sentAt: number): void {
    this.#safeUntil = Math.max(this.#safeUntil, sentAt + this.#safeMs);
  }

  /** Nothing more is written. Answers the runs it had. */
  end(): readonly OwnedRun[] {
    this.#over = true;
    const runs = [...this.runs.values()];
    this.runs.clear();
    for (const run of runs) run.failed ??= fenced(run.runId, "the engine's lease has ended");
    return runs;
  }
}

/** FENCED; `details.runId`. */
export function fenced(runId: string, why: string): BelayError {
  return new BelayError("FENCED", `run ${runId} has another owner, or may have: ${why}`, { runId });
}
