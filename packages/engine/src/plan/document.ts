/**
 * The plan document: the shape people write, in YAML, JSON or TypeScript. Data only (R1, R2).
 * Owns: the types. `schema.ts` checks values against them, `check.ts` checks the graph, `compile.ts` makes it runnable.
 * Every duration is in seconds, 0 to a year, fractions allowed, as in the seed (OCP `subtasks[].timeout`).
 */

/** Any JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/**
 * A CEL expression over `params`, `nodes.<id>.output` and `.status` of ancestors, `item` (members of a group), `run.id`
 * and `run.startedAt` (epoch milliseconds). One that fails at run time fails its node with EXPRESSION_FAILED.
 */
export interface Expression {
  /** The expression's text; an object with this key may have no other. */
  readonly $cel: string;
}

/** A literal, or an object/array in which any value may be an `Expression`. */
export type Template =
  | null
  | boolean
  | number
  | string
  | Expression
  | readonly Template[]
  | { readonly [key: string]: Template };

/**
 * When a node may start, by the states of its upstreams (R12). SKIPPED counts as done; a tolerated failure satisfies
 * `all_succeeded` but not `none_failed`, and counts as a failure for `any_failed` and `all_failed`.
 */
export type Trigger = "all_succeeded" | "all_finished" | "any_succeeded" | "any_failed" | "all_failed" | "none_failed";

/** How the members of a group run (R21); see `SplitDocument.method`. */
export type SplitMethod = "PARALLEL" | "SERIAL" | "FIRST_SUCCESS";

/**
 * What a failure does to the rest of the run (R14): `no-new` starts nothing new and lets finish what runs, `continue`
 * goes on with branches that do not depend on it, `kill` also aborts what runs.
 */
export type FailureMode = "no-new" | "continue" | "kill";

/** How often an action is tried (R25). An attempt that was aborted or timed out counts. */
export interface RetryDocument {
  /** Exactly this many attempts, the first included; 1 to 10,000. Default 1 (no retry). */
  readonly maxAttempts?: number;
  /** Seconds before the second attempt. Default 1. */
  readonly initialInterval?: number;
  /** The interval is multiplied by this after every attempt; 1 to 1000. Default 2. */
  readonly backoffCoefficient?: number;
  /** Seconds; the interval never exceeds it. Default 100 x `initialInterval`. */
  readonly maxInterval?: number;
  /** `full`: the interval is drawn uniformly from 0 to its computed value, from the run's seed. Default `none`. */
  readonly jitter?: "none" | "full";
  /** `NodeFailure.code`s that end the attempts at once. Default: none; an action may also throw `NonRetryable`. */
  readonly nonRetryable?: readonly string[];
  /**
   * `compensate-first`: the node is compensated before each further attempt, an operator's retry included (OCP's meaning
   * of retry). Default `rerun`.
   */
  readonly mode?: "rerun" | "compensate-first";
}

/** Undoes a node (R30, R31). */
export interface CompensationDocument {
  /** Registered name of the action that undoes the node. */
  readonly action: string;
  /** Its input; default: the node's own input. */
  readonly with?: Template;
  /** Seconds of one attempt; 0 = none. Default: `defaults.compensation.timeout`, else none. */
  readonly timeout?: number;
  /** How often the compensation is tried. Default: once; `defaults.retry` does not apply. `mode` means nothing here. */
  readonly retry?: RetryDocument;
  /** `started` (default) also undoes failed and unknown outcomes; `succeeded` only successes. */
  readonly when?: "started" | "succeeded";
}

/** One node per item of a list (R20-R24). */
export interface SplitDocument {
  /**
   * CEL list over `params` (bound when the run starts) or over an ancestor's output (bound when the node is ready,
   * R23).
   */
  readonly over: string;
  /** Binds the item under this name too, beside `item`, in `when`, `with` and `compensation.with` of this node. */
  readonly as?: string;
  /**
   * PARALLEL: independent. SERIAL: one after the other. FIRST_SUCCESS: in order until one succeeds. Default PARALLEL.
   */
  readonly method?: SplitMethod;
  /** PARALLEL: at most this many members at once, from 1. Default: no limit of the group's own. */
  readonly maxConcurrency?: number;
  /** This many members, or "p%" of them, may fail without failing the group; not for FIRST_SUCCESS. Default 0. */
  readonly tolerated?: number | string;
}

/**
 * A teardown: runs when the run is about to be SUCCESSFUL or ROLLED_BACK, whatever happened on the way, if one of its
 * setup nodes has ever started; else it is SKIPPED. Its edges are to other teardowns only.
 */
export interface AlwaysDocument {
  /** Ids of the setup nodes: what they left is cleaned up. Expressions of the teardown may read these and what is above. */
  readonly for: readonly string[];
}

/** One step of a plan: an action, the nodes it waits for, and what happens when it fails. */
export interface NodeDocument {
  /** Unique in the plan; letters, digits, `.`, `_`, `-`, at most 64, starting with a letter or digit. */
  readonly id: string;
  /** Shown to people; default: the id. */
  readonly name?: string;
  readonly description?: string;
  /** OCP `subtasks[].nodeType`; default "TASK". */
  readonly nodeType?: string;
  /**
   * Registered name of the action. Built in: `belay.noop` does nothing and succeeds; `belay.wait`, `belay.approval` and
   * `belay.signal` wait for time, people or a message; `belay.poll` asks an action until it is done; `belay.plan` runs a plan.
   */
  readonly action: string;
  /** The action's input, evaluated when an attempt starts. Default: none, `ctx.input` is undefined. */
  readonly with?: Template;
  /** Nodes that must be done before this one (R10). OCP `subtasks[].upstreams`. */
  readonly upstreams?: readonly string[];
  /** The same edges from the other side; when given, both sides must agree (R3). OCP `subtasks[].downstreams`. */
  readonly downstreams?: readonly string[];
  /**
   * CEL boolean, evaluated once the trigger holds; false = the node is SKIPPED(condition). One that reads `item` is
   * decided member by member.
   */
  readonly when?: string;
  /** When the upstreams' states let the node start (R12); default `all_succeeded`. */
  readonly trigger?: Trigger;
  /**
   * Seconds of one attempt, from its dispatch; 0 = none (R26). Default: `defaults.timeout`, else none. OCP
   * `subtasks[].timeout`.
   */
  readonly timeout?: number;
  /**
   * Seconds over all attempts, from the first dispatch, waits included; an operator's retry starts afresh. Default 0 =
   * none.
   */
  readonly totalTimeout?: number;
  /** Seconds without `ctx.heartbeat()` after which the attempt times out. Default 0 = none. */
  readonly heartbeatTimeout?: number;
  /** How often the action is tried. Default: `defaults.retry`, else once. Replaces the default as a whole. */
  readonly retry?: RetryDocument;
  /** What undoes the node. Default: nothing does; a rollback then passes it. */
  readonly compensation?: CompensationDocument;
  /** `none`: the action only reads. Refused together with `compensation` or `prohibitRollback`. */
  readonly effect?: "none";
  /**
   * true: a point of no return as soon as the node has started (R33). Default false. OCP `subtasks[].prohibitRollback`.
   */
  readonly prohibitRollback?: boolean;
  /** Makes the node a group: one member per item of a list (R20). Default: a single node. */
  readonly split?: SplitDocument;
  /** Makes the node a teardown: it runs when the run, or its rollback, is about to end. Default: an ordinary node. */
  readonly always?: AlwaysDocument;
  /** `continue`: a failure of this node is tolerated and shown, never relabelled as success (R14). Default `fail`. */
  readonly onFailure?: "fail" | "continue";
  /** One of `EngineOptions.pools` (R41). Default: the engine's own `concurrency`. */
  readonly pool?: string;
  /** Higher starts first among nodes ready together (R11); an integer within a million of 0. Default 0. */
  readonly priority?: number;
  /**
   * Unique label and tie-break, never a constraint (R13); from 0. Default: assigned in topological order. OCP
   * `subtasks[].seriesId`.
   */
  readonly seriesId?: number;
  /**
   * A label accepted from the seed, shown and not read: -1 = not split (default), 0 = was split over a list of one
   * (R20). Refused together with `split`. OCP `subtasks[].parallelIdx`.
   */
  readonly parallelIdx?: number;
}

/** A plan as people write it. Unchecked: `definePlan` and `parsePlan` make a `Plan` of it. */
export interface PlanDocument {
  /** Version of the format. */
  readonly belay: 1;
  /** Where editors find the JSON Schema of plans (`@belay/engine/plan.schema.json`); not read by the engine. */
  readonly $schema?: string;
  /** 1 to 256 characters; not unique, runs have ids of their own. */
  readonly name: string;
  /** Shown to people; default: the name. OCP `name`. */
  readonly title?: string;
  readonly description?: string;
  /** Strings by name for the plan's users; the engine only keeps them. */
  readonly labels?: { readonly [key: string]: string };
  /**
   * JSON Schema (2020-12) of the run's parameters; without it a run takes none. Defaults are filled in. `x-secret: true`
   * marks a value as secret: actions and expressions see it, nobody else does (R46).
   */
  readonly params?: { readonly [key: string]: Json };
  /** Resources the run holds alone until it has ended for good: names, or expressions over `params` (R40). */
  readonly locks?: readonly (string | Expression)[];
  /** Seconds for the whole run, afresh whenever it goes forward again after a rest; 0 = none. Default 0. */
  readonly timeout?: number;
  /** What a failure does to the rest (R14); default `no-new`. */
  readonly failureMode?: FailureMode;
  /**
   * What a failed run does: `pause` (default) rests until an operator acts (R30), `rollback` undoes what is safe (R34).
   */
  readonly onFailure?: "pause" | "rollback";
  /** What nodes that say nothing get: `timeout` and `compensation.timeout` in seconds, and `retry`. */
  readonly defaults?: {
    readonly timeout?: number;
    readonly retry?: RetryDocument;
    readonly compensation?: { readonly timeout?: number };
  };
  /** true: the whole run can never be rolled back, and rests where it failed. Default false. OCP `prohibitRollback`. */
  readonly prohibitRollback?: boolean;
  /** The nodes, in any order: only edges order them (R10). Empty = a run that succeeds at once. */
  readonly nodes: readonly NodeDocument[];
}

declare const checked: unique symbol;

/**
 * A plan that passed every check (R3, R4). Only `definePlan`, `parsePlan`, `checkPlan` and `importOcpTask` make one: an
 * unchecked document cannot be passed where a plan is needed.
 */
export interface Plan {
  readonly [checked]: true;
  /** The document as given, with `downstreams` dropped and `upstreams` complete. Deeply frozen. */
  readonly document: PlanDocument;
  /** SHA-256 of the canonical JSON (RFC 8785) of `document`, lower-case hex (R5). */
  readonly hash: string;
}
