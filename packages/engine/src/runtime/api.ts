/**
 * The public types of the runtime: what embedders see of engines, runs, actions and snapshots; events are in
 * `event.ts`. Owns: shapes and their meaning. Times are ISO-8601 UTC strings in snapshots and epoch milliseconds in
 * events; member ids are `group[0]`, `group[1]`, ... in snapshots, events and verbs.
 */
import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { NodeStatus } from "../core/node-state.ts";
import type { RunStatus } from "../core/run-state.ts";
import type { Json } from "../plan/document.ts";
import type { AnyRunEvent, NodeEvent, NodeFailedEvent, RunEvent, RunEventMap, RunEventName } from "./event.ts";
import type { Preview, VerbRequest } from "./preview.ts";

export type { AnyRunEvent, NodeEvent, NodeFailedEvent, NodeStatus, RunEvent, RunEventMap, RunEventName, RunStatus };

/** The last thing asked of a node or a run (OCP `operation`, and CANCEL). */
export type Operation = "EXECUTE" | "RETRY" | "ROLLBACK" | "SKIP" | "ROLLBACK_SKIP" | "CANCEL";

/** How an attempt ended (R27). `unknown` = timed out, aborted or crashed: it may or may not have taken effect. */
export type Outcome = "succeeded" | "failed" | "unknown";

/** Why a node was skipped (R12, R20, R21, R37). */
export type SkipReason = "condition" | "upstream" | "empty" | "superseded" | "operator";

/** Why a node failed: data, not an exception. */
export interface NodeFailure {
  /**
   * Stable code: the `code` (string or number) of what was thrown, else ERROR. Of the engine itself: TIMEOUT,
   * HEARTBEAT_TIMEOUT, TOTAL_TIMEOUT, RUN_TIMEOUT, CANCELED, KILLED, CRASHED, EXPRESSION_FAILED, INPUT_INVALID, OUTPUT_INVALID,
   * MEMBERS_FAILED, ALL_CANDIDATES_FAILED, REJECTED, SUB_RUN_FAILED, SUB_RUN_ROLLED_BACK.
   */
  readonly code: string;
  /** What was thrown, for people; at most 8192 characters. */
  readonly message: string;
  /** false = this failure ends the node's attempts, whatever `retry` says. */
  readonly retryable: boolean;
  /** The `details` of what was thrown, when they are JSON; for a group, the failures of its members. */
  readonly details?: Json;
}

/**
 * What an action receives. Everything in it belongs to this attempt alone (R28); `const { signal, log } = ctx` works. A copy
 * made with `{ ...ctx }` lacks what is made when it is read: `signal`, `log`, `heartbeat`, `idempotencyKey`.
 */
export interface ActionContext<Input = unknown> {
  readonly runId: string;
  /** Id of the node in the plan; a member's is that of its group. */
  readonly nodeId: string;
  /** Place in the group, from 0; of a node that is no member the plan's label, -1 when it has none (R20). */
  readonly parallelIdx: number;
  /** The member's item of the list, frozen; undefined for a node that is no member. */
  readonly item: Json | undefined;
  /** Attempt number from 1, going on over operators' retries (OCP `runTime`). A compensation counts its own. */
  readonly attempt: number;
  /** Unique to this attempt in its run, and the same whenever this very attempt is executed again (R43). */
  readonly idempotencyKey: string;
  /** The run's parameters, defaults filled in, frozen. */
  readonly params: Readonly<Record<string, Json>>;
  /**
   * The node's `with`, evaluated, then checked by `ActionDefinition.input`; undefined without `with`. A compensation
   * gets its own `with`, else the node's.
   */
  readonly input: Input;
  /** Compensations only: the node's output, if it has one. */
  readonly output: Json | undefined;
  /** Compensations only: the failure of the node's last attempt, unless that succeeded. */
  readonly error: NodeFailure | undefined;
  /** Compensations only: how the node's last attempt ended (R31). */
  readonly outcome: Outcome | undefined;
  /**
   * Aborted when the attempt must end: timeouts, cancel, `failureMode: kill`, `engine.close()`; `signal.reason.code`
   * says which. Let go within `EngineOptions.graceMs`, else the attempt ends without you (R26).
   */
  readonly signal: AbortSignal;
  /** An earlier call for this node, its action's or its compensation's, was aborted and has not let go yet (R26). */
  readonly previousStillRunning: boolean;
  /** Token of each of the plan's locks, by resource; only grows (R40). */
  readonly fencingTokens: Readonly<Record<string, number>>;
  /** Emits `node:log`, and keeps the line beside the run in the journal; a crash may lose the last ones. */
  log(message: string, details?: Json): void;
  /**
   * Says that the attempt is alive: `heartbeatTimeout` counts anew. Without effect in compensations, which have none.
   */
  heartbeat(): void;
}

/**
 * An action: code registered under a name. Its result, as `JSON.stringify` sees it, or nothing, is the node's output;
 * what JSON cannot hold fails the node with OUTPUT_INVALID. It fails by throwing: `NonRetryable` ends the attempts,
 * anything else may be retried.
 */
export type ActionFunction<Input = never, Output = unknown> = (ctx: ActionContext<Input>) => Output | Promise<Output>;

/** What `verify` answers (R42): did the attempt take effect, and with which output? */
export type Verification<Output = unknown> =
  | { readonly done: true; readonly output?: Output }
  | { readonly done: false };

/** An action with its schemas and what recovery may ask of it; `defineAction` types one. */
export interface ActionDefinition<Input = unknown, Output = unknown> {
  readonly description?: string;
  /** Standard Schema (zod, valibot, ...) of the input; a mismatch fails the attempt, non-retryable INPUT_INVALID. */
  readonly input?: StandardSchemaV1<unknown, Input>;
  /** Standard Schema of the output; a mismatch fails the attempt, non-retryable OUTPUT_INVALID. */
  readonly output?: StandardSchemaV1<unknown, Output>;
  /** One attempt. It succeeds by returning and fails by throwing, see `ActionFunction`. */
  readonly run: (ctx: ActionContext<Input>) => Output | Promise<Output>;
  /**
   * Asked at recovery what became of an attempt that a crash cut off (R42), with the attempt's own context. It looks and
   * changes nothing. When it fails, or does not answer in the attempt's time, the node is FAILED with CRASHED.
   */
  readonly verify?: (ctx: ActionContext<Input>) => Verification<Output> | Promise<Verification<Output>>;
  /** Running the same attempt again, same idempotency key, is harmless (R42). Default false. Asked when there is no `verify`. */
  readonly idempotent?: boolean;
  /**
   * true: the output is secret; a list: these places of it, `token`, `users[*].token`. Actions and expressions see it; the journal
   * keeps it sealed, nothing else shows it (R46). Default false.
   */
  readonly secret?: boolean | readonly string[];
}

/** What a registry holds: a function, or a definition with schemas. */
// biome-ignore lint/suspicious/noExplicitAny: a registry holds actions of any input.
export type AnyAction = ActionFunction<any, unknown> | ActionDefinition<any, any>;

/** Actions by the name that plans give in `action`. */
export type ActionRegistry = Readonly<Record<string, AnyAction>>;

/** A node's compensation as it stands. */
export interface CompensationSnapshot {
  /** Registered name of the action that undoes the node. */
  readonly action: string;
  /** Attempts made so far; 0 = none. */
  readonly runTime: number;
  /** First dispatch; null before. */
  readonly startTime: string | null;
  /** End of the last attempt; null before, and while one runs. */
  readonly finishTime: string | null;
  /** Failure of the last attempt that ended; null when none failed or the last one succeeded. */
  readonly error: NodeFailure | null;
}

/** What a node with a waiting action waits for. */
export interface WaitSnapshot {
  readonly for: "time" | "approval" | "signal";
  /** When a wait for time ends; null for the others. */
  readonly until: string | null;
  /** Who has approved so far, in order. */
  readonly approvedBy: readonly string[];
  /** Who may approve; null = anyone, or no approval is waited for. */
  readonly approvers: readonly string[] | null;
  /** How many people have to approve; 1 for what is no approval. */
  readonly required: number;
}

/** One node as it stands. A group appears as its members once it is expanded (R23), an empty one as declared. */
export interface NodeSnapshot {
  /** Id in the plan; a member's is `group[parallelIdx]`. What verbs take. */
  readonly id: string;
  /** Id of the group this node is a member of; null otherwise (R24). */
  readonly group: string | null;
  /** Shown to people; the plan's id when the plan gives no name. */
  readonly name: string;
  readonly description: string | null;
  /** As in the plan; default "TASK" (OCP `nodeType`). */
  readonly nodeType: string;
  /** Registered name of the action. */
  readonly action: string;
  /** Where the node stands; every state and transition is drawn in docs/states.md. */
  readonly status: NodeStatus;
  /** What was last asked of the node, by an operator or by a retry; EXECUTE at first. */
  readonly operation: Operation;
  /** Set when status is SKIPPED. */
  readonly skipReason: SkipReason | null;
  /**
   * It failed, and that does not fail the run or its group: `onFailure: continue`, `split.tolerated`, a candidate (R14,
   * R21).
   */
  readonly tolerated: boolean;
  /** Place in the group, from 0; of a node that is no member the plan's label, -1 when it has none (R20). */
  readonly parallelIdx: number;
  /** Unique label, never an order (R13); members of one group have consecutive ones (R24). */
  readonly seriesId: number;
  /** Number of the last attempt, over all retries; 1 before the first (OCP `runTime`). */
  readonly runTime: number;
  /** true once an attempt was dispatched. */
  readonly started: boolean;
  /** What the node waits for while it is RUNNING; null unless its action is belay.wait, belay.approval or belay.signal. */
  readonly waiting: WaitSnapshot | null;
  /** Snapshot ids of the nodes it waits for: all members of a PARALLEL group, the last of a chained one (R21). */
  readonly upstreams: readonly string[];
  /** Snapshot ids of the nodes that wait for it; the inverse of `upstreams`. */
  readonly downstreams: readonly string[];
  /** As in the plan: a point of no return as soon as the node has started (R33). */
  readonly prohibitRollback: boolean;
  /** Seconds of one attempt; 0 = none. */
  readonly timeout: number;
  /** First dispatch; null before it, and again once the node starts over after a partial rollback. */
  readonly startTime: string | null;
  /** End of the last attempt, or the time of being skipped; null before and while an attempt runs. */
  readonly finishTime: string | null;
  /** The member's item of the list; undefined for a node that is no member. */
  readonly item: Json | undefined;
  /** What the action returned, or what the operator who skipped the node gave; undefined when there is none. */
  readonly output: Json | undefined;
  /** Failure of the last attempt that ended; null when none failed or the node succeeded since. */
  readonly error: NodeFailure | null;
  /** How far its undoing is; null when the plan declares no compensation. */
  readonly compensation: CompensationSnapshot | null;
}

/** A group as a whole, once it has its members (R21, R23); the members are among the nodes. */
export interface GroupSnapshot {
  /** Id of the declared node: what `retry`, `skip` and `cancel` of the whole group take. */
  readonly id: string;
  /** RUNNING from its first member's turn on; FAILED once more members failed than are tolerated. */
  readonly status: NodeStatus;
  /** How many members it has. */
  readonly members: number;
  /** FIRST_SUCCESS: the winner's output. Else the members' outputs in order, null where there is none. */
  readonly output: Json | undefined;
  /** MEMBERS_FAILED or ALL_CANDIDATES_FAILED, with every failed member's reason. */
  readonly error: NodeFailure | null;
}

/** A run as it stands: plain data, a copy that does not change. */
export interface RunSnapshot {
  /** Unique in the engine; a UUID unless `StartOptions.runId` gave one. */
  readonly id: string;
  /** `name` of the plan. */
  readonly planName: string;
  /** `Plan.hash`: which plan exactly (R5). */
  readonly planHash: string;
  /** Shown to people; the plan's name when the plan gives no title. */
  readonly title: string;
  /** Where the run stands, from all nodes (R15); every state and transition is drawn in docs/states.md. */
  readonly status: RunStatus;
  /** What was last asked of the run; EXECUTE at first, RETRY after a skip too. */
  readonly operation: Operation;
  /** true once a plain rollback would be refused: the plan prohibits it, or a prohibiting node has started (R33). */
  readonly prohibitRollback: boolean;
  /** When `start` was called; never reset. */
  readonly startTime: string;
  /**
   * Time of the last change before the run came to rest; null while it moves. PAUSED with nothing in flight is a rest.
   */
  readonly finishTime: string | null;
  /** `StartOptions.clientToken`; null when none was given (R43). */
  readonly clientToken: string | null;
  /** `StartOptions.who`; null when nobody was named. */
  readonly startedBy: string | null;
  /**
   * A fault of the engine itself (journal lost, broken invariant): the run stopped where it was. `status` is then what the
   * journal has; what nodes show may be ahead of it, and is decided anew by `recover` (R39).
   */
  readonly fault: { readonly code: string; readonly message: string } | null;
  /** In the order of the plan, which means nothing; members in the order of `parallelIdx`. */
  readonly nodes: readonly NodeSnapshot[];
  /** Groups that have their members, in the order of the plan. */
  readonly groups: readonly GroupSnapshot[];
}

/** What every verb carries, for the journal (R37). */
export interface VerbOptions {
  /** Who asks: a person or a program. */
  readonly who?: string;
  /** Why: a sentence, a ticket. */
  readonly why?: string;
  /**
   * Names this request of the run: the same id again changes nothing and answers the present snapshot. A refused
   * request may be asked again under its id.
   */
  readonly requestId?: string;
}

/**
 * A run, to watch and to steer. A verb resolves once it is durable (R39), with the run as it then stands; what it sets
 * in motion goes on, see `settled`. It rejects with STATE_INVALID where it makes no sense (`details.allowedIn`),
 * NOT_FOUND for an unknown node, JOURNAL_FAILED, or CLOSED; a refused verb changes nothing.
 */
export interface Run {
  /** `RunSnapshot.id`. */
  readonly id: string;
  /**
   * Listens to one kind of event. A listener attached in the tick in which `start` resolves misses nothing. What it
   * throws goes to `EngineOptions.onListenerError`, never to the run.
   */
  on<K extends RunEventName>(type: K, listener: (event: RunEventMap[K]) => void): this;
  /** Like `on`, for the next event of that kind only. */
  once<K extends RunEventName>(type: K, listener: (event: RunEventMap[K]) => void): this;
  /** Takes back a listener of `on` or `once`. */
  off<K extends RunEventName>(type: K, listener: (event: RunEventMap[K]) => void): this;
  /**
   * All events from now on, kept until read. Ends after a terminal state; a run that only rests keeps it open: `break`.
   */
  events(): AsyncIterableIterator<AnyRunEvent>;
  /** The run as it stands. Cost: linear in nodes and edges. */
  snapshot(): RunSnapshot;
  /**
   * Resolves with the snapshot once the run is at rest: every status but RUNNING and ROLLING_BACK, with nothing in
   * flight. Also when it stopped on a fault or the engine was closed; `status` is what it was then. Never rejects.
   * Until then it keeps the process alive, also while the run only waits for a person or a message.
   */
  settled(): Promise<RunSnapshot>;
  /**
   * Goes forward again with a fresh round of attempts: one node that is FAILED or COMPENSATION_FAILED, or all of them
   * once the run rests in FAILED, CANCELED or PARTIALLY_ROLLED_BACK. What a partial rollback undid runs again either
   * way.
   */
  retry(options?: { node?: string } & VerbOptions): Promise<RunSnapshot>;
  /**
   * Passes a node that is FAILED, COMPENSATION_FAILED or READY and never started, as if done, with an optional output
   * for those who read it. INVALID_ARGUMENT when `output` is not JSON.
   */
  skip(node: string, options?: { output?: Json } & VerbOptions): Promise<RunSnapshot>;
  /**
   * Stops one node that is READY, RUNNING or CANCELING, which is FAILED then, or the whole run, which is CANCELED once
   * everything let go. Only in RUNNING and PAUSED: a rollback is not interrupted (R32). Resolves when the abort is
   * asked.
   */
  cancel(options?: { node?: string } & VerbOptions): Promise<RunSnapshot>;
  /**
   * Undoes everything (default; after ROLLBACK_FAILED: what the last one was to undo), what is safe below the point of
   * no return (`to: "barrier"`, R34), or the descendants of a node (`to: "<id>"`, R35). ROLLBACK_PROHIBITED when that
   * would cross a point of no return; `details.nodes`.
   */
  rollback(options?: { to?: string } & VerbOptions): Promise<RunSnapshot>;
  /** In ROLLBACK_FAILED: goes on above a node whose compensation failed (R32). */
  skipRollback(node: string, options?: VerbOptions): Promise<RunSnapshot>;
  /**
   * One person's approval of a RUNNING node with `belay.approval`; it succeeds once as many as it asks for have. FORBIDDEN
   * when its `approvers` do not name `who`; STATE_INVALID when `who` has approved already, or its time is over. `who` is
   * believed: find out who somebody is before.
   */
  approve(node: string, options: { who: string } & VerbOptions): Promise<RunSnapshot>;
  /** Refuses a RUNNING node with `belay.approval`: it FAILED with REJECTED, and is not tried again by itself. */
  reject(node: string, options: { who: string } & VerbOptions): Promise<RunSnapshot>;
  /** What a RUNNING node with `belay.signal` waits for has come; `output` becomes the node's. */
  signal(node: string, options?: { output?: Json } & VerbOptions): Promise<RunSnapshot>;
  /** In RUNNING: nothing new starts, what runs finishes. */
  pause(options?: VerbOptions): Promise<RunSnapshot>;
  /** In PAUSED: goes on. */
  resume(options?: VerbOptions): Promise<RunSnapshot>;
  /** Ends a resting run for good without undoing anything; releases its locks. */
  abandon(options?: VerbOptions): Promise<RunSnapshot>;
  /**
   * What a verb would do now, without doing it: `preview({ verb: "rollback", to: "barrier" })` (R38). Changes and records
   * nothing. Cost: linear in the plan. INVALID_ARGUMENT for an unknown verb; what the verb would reject with is data.
   */
  preview(request: VerbRequest): Preview;
}
