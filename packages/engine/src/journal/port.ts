/**
 * The journal port: the log that proves what happened. A run is its header and the ordered inputs its core was fed;
 * replaying them gives the state (R42, R50). Adapters: memory here, `@belay/engine/sqlite`, `@belay/engine/postgres`, or
 * your own, held against `journalConformance` of `@belay/engine/testing`.
 *
 * J1 (R39): when `append` has answered (a plain return, or a resolved promise), the records survive a crash. Records of
 * one run keep their order; a crash loses whole records from the end only, and only those that were not answered. An
 * adapter may group the appends of several runs into one flush.
 * J2: a failed `append` is final: the engine writes nothing more to that run until it has claimed it anew. What of it is
 * durable all the same is read then.
 * J3 (R44): a run is written by its owner only. `create` and `claim` make one; each grant has an epoch that only grows, and
 * an append with another epoch than the last one granted fails with FENCED and writes nothing.
 * J4 (R40): a lock has one holder. Every grant of it, to a new run or to a new owner of the run, has a token that only
 * grows, also over the holders' removal. It is freed in the same write that records its run's end.
 * J5 (R45): `read` answers all that was appended, or fails with JOURNAL_CORRUPT saying where; never something else.
 * J6 (R41): a journal with `takeSlots` counts a pool's slots over all its engines: a slot has one holder, until that gives it
 * back or is gone.
 *
 * Any method may fail with JOURNAL_FAILED when the medium refuses; the message says which file or server, and the remedy.
 */
import type { Input } from "../core/input.ts";
import type { RunStatus } from "../core/run-state.ts";
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
  /** Values in `params` and `items` are sealed (R46): an adapter keeps them as they are. Absent when none is. */
  readonly sealed?: true;
  /** Seed of jitter (R50). */
  readonly seed: number;
  /** Milliseconds an aborted attempt is given to let go (R26). */
  readonly graceMs: number;
  /** Token that names the request (R43); null when the caller gave none. */
  readonly clientToken: string | null;
  /** 64 hex digits, a hash of plan and parameters: tells a repeated request from another one (R43). Keyed when they hold secrets. */
  readonly requestHash: string;
  /** Start of the run, epoch milliseconds. */
  readonly at: number;
  /** The attempt of a `belay.plan` node that this run stands for; null for a run of its own. */
  readonly parent: ParentAttempt | null;
  /** Who asked for the run and why, for people (R37), secrets left out; absent when nobody was named. */
  readonly startedBy?: StartedBy;
}

/** Who asked for a run. */
export interface StartedBy {
  /** `StartOptions.who`; null when only a reason was given. */
  readonly who: string | null;
  /** `StartOptions.why`; null when none was given. */
  readonly why: string | null;
}

/** One attempt of a node in another run. */
export interface ParentAttempt {
  readonly runId: string;
  /** Id as in snapshots: a member's is `group[0]`. */
  readonly nodeId: string;
  readonly attempt: number;
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

/** Where the run stands after an append: what lists of runs show without a replay. */
export interface RunProgress {
  /** Status of the run. */
  readonly status: RunStatus;
  /** The status is final (R51): the append frees the run's locks. */
  readonly ended: boolean;
  /** Time of the last record, epoch milliseconds. */
  readonly at: number;
}

/** The right to write to a run. */
export interface Lease {
  readonly runId: string;
  /** From 1, growing with each grant. */
  readonly epoch: number;
  /** Fencing tokens of the run's locks, by resource (R40). */
  readonly tokens: Readonly<Record<string, number>>;
}

/** A run as the journal knows it without reading its records. */
export interface RunSummary extends RunProgress {
  readonly runId: string;
  /** `name` of the plan. */
  readonly planName: string;
  /** `RunHeader.planHash`. */
  readonly planHash: string;
  /** `RunHeader.clientToken`. */
  readonly clientToken: string | null;
  /** `RunHeader.parent`. */
  readonly parent: ParentAttempt | null;
  /** Start of the run, epoch milliseconds; `at` is the time of its last record, or the start. */
  readonly startedAt: number;
  /** How many records it has. */
  readonly records: number;
  /** Resources that it holds. */
  readonly locks: readonly string[];
  /** Name of the engine that may write to it; null when anyone may claim it now. */
  readonly owner: string | null;
}

/** What became of `create`. */
export type CreateResult =
  | { readonly kind: "created"; readonly lease: Lease }
  /** That client token already started a run: nothing was written (R43). */
  | { readonly kind: "existing"; readonly runId: string; readonly requestHash: string }
  /** Another run holds a lock: nothing was written (R40). */
  | { readonly kind: "locked"; readonly resource: string; readonly heldBy: string };

/** What became of `claim`. */
export type ClaimResult =
  | { readonly kind: "claimed"; readonly lease: Lease }
  /** Another engine owns it, and lives as far as the journal knows. */
  | { readonly kind: "held"; readonly by: string }
  | { readonly kind: "unknown" };

/** What a journal tells the engine that opened it. Calls come from outside of any call of the engine's. */
export interface JournalListener {
  /** Another engine has these runs, or may have: the engine stops them and writes nothing more to them (R44). */
  lost(runIds: readonly string[]): void;
  /** These runs have lost their owner: the engine may claim them. */
  orphaned(runIds: readonly string[]): void;
  /** There may be requests to take, see `takeRequests`. */
  asked(): void;
  /**
   * Slots of pools may be free that were not, see `takeSlots`. Said now and then without a reason too, so that nobody waits
   * for slots of an engine that died, or after a failed `takeSlots`. Absent when the engine has no pools.
   */
  slotsFree?(): void;
}

/** A pool as an engine knows it, whose slots all engines of a journal share (R41). Engines that differ each keep to their own. */
export interface SharedPool {
  readonly name: string;
  /** Slots that are taken at once, at most, over all living engines; from 1, Infinity = no limit. */
  readonly concurrency: number;
  /** At most `limit` slots, from 1, are taken per `intervalMs` milliseconds. null = no rate. */
  readonly rate: { readonly limit: number; readonly intervalMs: number } | null;
}

/** What `takeSlots` has got. */
export interface TakenSlots {
  /** A name for each slot, as many as were free: none to as many as were wanted. */
  readonly slots: readonly string[];
  /** Milliseconds until the rate lets the next one be taken; null when it was not the rate that kept one back. */
  readonly retryInMs: number | null;
}

/** A verb that somebody asked of a run from outside the process that owns it (R37). */
export interface OperatorRequest {
  /** Names the request, for ever: asked twice, it is done once. 1 to 128 characters. */
  readonly requestId: string;
  readonly runId: string;
  /** Name of a method of `Run`: "retry", "skip", "cancel", ... */
  readonly verb: string;
  /** The method's arguments, in order, without `requestId`. */
  readonly args: readonly Json[];
  /** Epoch milliseconds. */
  readonly at: number;
}

/** What became of a request. */
export type RequestAnswer =
  | { readonly ok: true; readonly status: RunStatus }
  | { readonly ok: false; readonly code: string; readonly message: string };

/** A line that an action logged. */
export interface LogLine {
  readonly runId: string;
  /** Id as in snapshots. */
  readonly nodeId: string;
  /** The attempt that said it, from 1; a compensation's counts its own. */
  readonly attempt: number;
  /** The node's compensation said it; absent when its action did. */
  readonly compensation?: true;
  /** Epoch milliseconds. */
  readonly at: number;
  /** The line, as the action said it. */
  readonly message: string;
  /** What the action said beside it; absent when it said nothing. */
  readonly details?: Json;
}

/** Where runs are recorded. See J1 to J6 for what an adapter owes the engine. */
export interface Journal {
  /**
   * false: it keeps no records, so that the engine makes none; an append without records tells how far a run is. Its runs cannot be
   * taken up again and have no audit trail: `read` fails, and a run is forgotten when its engine closes. Absent = it keeps them (J1).
   */
  readonly keepsRecords?: boolean;
  /**
   * An engine begins to use the journal, before anything else it asks of it. `engine` names it in errors and lists and is
   * unique to it. Fails with JOURNAL_IN_USE when the medium serves another engine and can serve but one.
   */
  open(engine: string, listener: JournalListener): MaybePromise<void>;
  /** Registers a run of `engine`, claims its client token and takes its locks, all or none. */
  create(engine: string, header: RunHeader, locks: readonly string[]): MaybePromise<CreateResult>;
  /** Makes `engine` the owner of a run that it, or nobody alive, owns. */
  claim(engine: string, runId: string): MaybePromise<ClaimResult>;
  /** Adds records, whose `seq` go on from the last one, at the end of the run. */
  append(lease: Lease, records: readonly JournalRecord[], progress: RunProgress): MaybePromise<void>;
  /** The owner gives the run up: anyone may claim it. Without effect when it is another's by now. */
  release(lease: Lease): MaybePromise<void>;
  /** The header and all records, in order; undefined when the run is unknown. */
  read(
    runId: string,
  ): MaybePromise<{ readonly header: RunHeader; readonly records: readonly JournalRecord[] } | undefined>;
  /** All runs, oldest first. */
  list(): MaybePromise<readonly RunSummary[]>;
  /**
   * Keeps a request for the engine that owns the run, or will; a request id that is known already changes nothing. Fails
   * with NOT_FOUND when the run is unknown.
   */
  ask(request: OperatorRequest): MaybePromise<void>;
  /** Requests without an answer for runs that `engine` owns, in the order of asking. */
  takeRequests(engine: string): MaybePromise<readonly OperatorRequest[]>;
  /** Keeps what became of a request; the first answer stands. */
  answer(requestId: string, answer: RequestAnswer): MaybePromise<void>;
  /** What became of a request; undefined while nothing has. Fails with NOT_FOUND for one that was never asked. */
  answerTo(requestId: string): MaybePromise<RequestAnswer | undefined>;
  /** Keeps lines for people, beside the records: nobody waits for it, it never fails, and a crash may lose the last. */
  log(lines: readonly LogLine[]): void;
  /** The lines of a run, oldest first. An adapter may keep but the last ones: at least 10,000. */
  logs(runId: string): MaybePromise<readonly LogLine[]>;
  /**
   * Takes slots of a pool, at most `want`, for attempts of `engine`. They are its own until it gives them back, or its ownership
   * ends. Only in a journal that serves several engines; without it each engine counts for itself (R41).
   */
  takeSlots?(engine: string, pool: SharedPool, want: number): MaybePromise<TakenSlots>;
  /** Gives slots back; without effect for those that are free already. Never fails: the journal sees to it until it is done. */
  freeSlots?(slots: readonly string[]): void;
  /** Drops a run with all that belongs to it, whoever owns it. Without effect when it is unknown. */
  remove(runId: string): MaybePromise<void>;
  /** That engine uses the journal no more: its runs are released. Flushes; an adapter with one engine lets go of all. */
  close(engine: string): MaybePromise<void>;
}

/** An answer at once saves a turn of the event loop per batch. */
export type MaybePromise<T> = T | Promise<T>;
