/**
 * The public types of engines: starting runs, finding them, taking them up. Owns: shapes and their meaning. Runs, actions
 * and snapshots are in `api.ts`.
 */
import type { Json, Plan } from "../plan/document.ts";
import type { Run } from "./api.ts";
import type { Recovered } from "./known-runs.ts";
import type { GivenSecrets } from "./missing-secrets.ts";
import type { RefusedRun } from "./recovery.ts";

export type { Recovered, RefusedRun };

/** How one run is started. */
export interface StartOptions {
  /** Checked against the plan's `params` schema before anything starts; its defaults are filled in. Default: none. */
  readonly params?: Readonly<Record<string, Json>>;
  /** 1 to 64 printable ASCII characters, case-sensitive: the same token, plan and params give the same run (R43). */
  readonly clientToken?: string;
  /** Id of the run, not in use in this engine or its journal; default: a new UUID. */
  readonly runId?: string;
  /** Who asks for it, a person or a program; shown in snapshots and audit trails, no part of the request (R37, R43). */
  readonly who?: string;
  /** Why: a sentence, a ticket. */
  readonly why?: string;
  /** Seed of jitter, a 32-bit integer; default: drawn. Same seed, same inputs -> same decisions (R50). */
  readonly seed?: number;
}

/** What `recover` takes up. */
export interface RecoverOptions {
  /** Only these runs. Default: all that have not ended. */
  readonly runs?: readonly string[];
  /**
   * Plans as they are now. A run follows the plan it was started with; one whose plan of that name is another is refused
   * with PLAN_CHANGED, and `details.nodes` lists what differs (R5). Default: nothing is compared.
   */
  readonly plans?: readonly Plan[];
  /**
   * Secrets of the one run in `runs`, given again because the key that sealed them is gone: by the names that
   * SECRET_MISSING lists, `password`, `nodes.login.output.token` (R46). The run takes them as they are; one that goes on here is refused
   * with INVALID_ARGUMENT.
   */
  readonly secrets?: GivenSecrets;
  /**
   * The runs are taken up to be canceled or abandoned, and nothing else: they need no secret (R46). No action of a run that lacks
   * one is called: an attempt waits until it is aborted, a compensation fails. Default false.
   */
  readonly giveUp?: boolean;
}

/** The only source of time. `systemClock` in production, `ManualClock` in tests. */
export interface Clock {
  /** Epoch milliseconds; may stand still, never used to order anything. */
  now(): number;
  /** Calls `callback` once after at least `delayMs` (any size); the answer cancels it. */
  schedule(delayMs: number, callback: () => void): () => void;
  /**
   * Keeps the process alive until the answer is called: somebody waits for a run that may wait for a person or a message, and
   * Node ends a process in which nothing else is due. Absent in a clock that stands still: nothing is kept alive.
   */
  keepAlive?(): () => void;
}

/**
 * A limit shared by the nodes that name it in `pool`, over all runs of the engine, and over all engines of a journal that counts
 * slots, as the one in PostgreSQL does (R41).
 */
export interface PoolOptions {
  /** Attempts and compensations running at once, from 1. */
  readonly concurrency: number;
  /** At most `limit` starts (from 1) per `intervalMs` milliseconds. Default: no rate. */
  readonly rate?: { readonly limit: number; readonly intervalMs: number };
}

/** Runs plans. Made by `createEngine`; independent of other engines but for a shared journal. */
export interface Engine {
  /**
   * Checks, journals and starts a run. Refused before anything runs: PLAN_INVALID (an unknown pool), UNKNOWN_ACTION,
   * PARAMS_INVALID, INVALID_ARGUMENT, LOCKED, JOURNAL_FAILED, JOURNAL_CORRUPT, IDEMPOTENT_PARAMETER_MISMATCH, NOT_FOUND (the client
   * token's run is not there any more), FENCED (it belongs to another engine), CLOSED.
   */
  start(plan: Plan, options?: StartOptions): Promise<Run>;
  /** The run of that id, if this engine started it or has taken it up, and has not forgotten it. */
  run(id: string): Run | undefined;
  /**
   * The run of that id, from the journal if need be: one that has ended is read, one that nobody executes is taken up.
   * undefined when there is none; fails as `RefusedRun.error` says, with FENCED for a run of another engine.
   */
  find(id: string): Promise<Run | undefined>;
  /**
   * Takes up runs of the journal that have not ended and that no engine executes (R42), those of this engine that stopped
   * on a fault included, such as a full disk: their records are replayed, attempts that were cut off are resolved by
   * `verify` and `idempotent` of their action, deadlines go on. Every engine does it when it is created. The runs move from
   * the next turn of the event loop on.
   */
  recover(options?: RecoverOptions): Promise<Recovered>;
  /** Runs that could not be taken up, and why; one leaves the list once it is. */
  refused(): readonly RefusedRun[];
  /**
   * Drops runs that ended for good before that time, epoch milliseconds, from the journal too; answers how many. A run inside one
   * that has not ended stays: that one asks for it.
   */
  prune(options: { readonly endedBefore: number }): Promise<number>;
  /** All runs this engine has, in the order of their start. */
  runs(): readonly Run[];
  /**
   * Drops a run that ended for good, from the journal too; one that has stopped on a fault here stays in the journal. NOT_FOUND;
   * STATE_INVALID while it has not ended, or while the run around it has not.
   */
  forget(id: string): void;
  /**
   * Aborts what runs, waits at most the grace period for it to let go, closes the journal. Nothing more is journaled:
   * runs keep the state they had. A second call resolves at once.
   */
  close(): Promise<void>;
}
