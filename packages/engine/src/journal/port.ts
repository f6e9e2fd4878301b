/**
 * The journal port: the log that proves what happened. A run is its header and the ordered inputs its core was fed;
 * replaying them gives the state (R42, R50). Adapters: memory here, durable ones behind the same port.
 *
 * Contract (R39): when `append` has answered (a plain return, or a resolved promise), the records survive a crash.
 * Records of one run keep their order; a torn tail loses whole records from the end only. An adapter may group the
 * appends of several runs into one flush. A failed `append` is final: the engine writes nothing more to that run.
 */
import type { Input } from "../core/input.ts";
import type { Json, PlanDocument } from "../plan/document.ts";

/** What a run was started with; written once, before its first record. */
export interface RunHeader {
  readonly runId: string;
  /** Version of this record format. */
  readonly format: 1;
  /** The whole plan: a run never follows a changed one (R5). */
  readonly document: PlanDocument;
  /** `Plan.hash`: SHA-256 of the plan's canonical JSON, lower-case hex. */
  readonly planHash: string;
  /** The run's parameters, defaults filled in. */
  readonly params: Readonly<Record<string, Json>>;
  /** Items of groups whose list comes from `params`, by node id: bound at start (R20). */
  readonly items: Readonly<Record<string, readonly Json[]>>;
  /** Seed of jitter (R50). */
  readonly seed: number;
  /** Milliseconds an aborted attempt is given to let go (R26). */
  readonly graceMs: number;
  /** Token that names the request (R43); null when the caller gave none. */
  readonly clientToken: string | null;
  /** SHA-256, lower-case hex, of plan and parameters: tells a repeated request from another one (R43). */
  readonly requestHash: string;
  /** Start of the run, epoch milliseconds. */
  readonly at: number;
}

/** One input of the core with its payload: outputs, errors, items, who and why. */
export interface JournalRecord {
  /** From 0, without gaps, per run. */
  readonly seq: number;
  /** What happened, as the core was told. */
  readonly input: Input;
  /** Output, failure, items, or who asked why; the core decides without it. Absent when there is none. */
  readonly payload?: Json;
}

/** Where runs are recorded. `MemoryJournal` is one; see the contract above for what an adapter owes the engine. */
export interface Journal {
  /**
   * Registers a run, claims its client token and takes its locks, all or none.
   * `existing` = that client token already started a run; `locked` = another run holds a lock: nothing is written then.
   */
  create(header: RunHeader, locks: readonly string[]): MaybePromise<CreateResult>;
  /** Adds records, whose `seq` go on from the last one, at the end of the run. Fails when they may not be durable. */
  append(runId: string, records: readonly JournalRecord[]): MaybePromise<void>;
  /** The header and all records, in order; undefined when the run is unknown. */
  read(
    runId: string,
  ): MaybePromise<{ readonly header: RunHeader; readonly records: readonly JournalRecord[] } | undefined>;
  /** Ids of known runs, oldest first. */
  list(): MaybePromise<readonly string[]>;
  /** Frees the run's locks; called once it has ended for good (R40). Without effect when it holds none. */
  releaseLocks(runId: string): MaybePromise<void>;
  /** Drops a run, its records, its client token and its locks. Without effect when the run is unknown. */
  remove(runId: string): MaybePromise<void>;
  /** Flushes and lets go of what is open; nothing is asked of the journal afterwards. */
  close(): MaybePromise<void>;
}

/** What became of `create`; `tokens` are the fencing tokens of the locks taken, by resource (R40). */
export type CreateResult =
  | { readonly kind: "created"; readonly tokens: Readonly<Record<string, number>> }
  | { readonly kind: "existing"; readonly runId: string; readonly requestHash: string }
  | { readonly kind: "locked"; readonly resource: string; readonly heldBy: string };

/** An answer at once saves a turn of the event loop per batch. */
export type MaybePromise<T> = T | Promise<T>;
