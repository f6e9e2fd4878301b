/**
 * The compiled plan: what the core runs. Integers and typed arrays, no strings on the hot path.
 * Owns: the layout. Made by `plan/compile.ts`; read by `core/`. Nodes are numbered 0..size-1 in the order of the plan.
 *
 * Layout (CSR): the upstreams of node v are `upTarget[upOffset[v] .. upOffset[v + 1])`, its downstreams likewise.
 * A node with `split` is one vertex here, the group; its members are numbered from `size` on when it expands, so a join
 * of m members by n neighbours costs m + n (R22).
 */

/** Bits of `CompiledPlan.flags`. */
export const NodeFlag = {
  /** R33: a point of no return once started. */
  PROHIBIT_ROLLBACK: 1,
  /** The node has a compensation. */
  COMPENSATION: 2,
  /** The compensation covers successes only (R31). */
  COMPENSATE_SUCCEEDED_ONLY: 4,
  /** `always`: a teardown, which runs when the run or its rollback is about to end. */
  TEARDOWN: 8,
  /** `onFailure: continue`. */
  TOLERATE_FAILURE: 16,
  /** `when` is decided once, before the node starts or its group expands. */
  CONDITION: 32,
  /** `when` reads the item: decided for each member. */
  MEMBER_CONDITION: 64,
  /** The node is a group. */
  GROUP: 128,
  /** The group's list comes from an ancestor's output: expanded at run time (R23). */
  DYNAMIC: 256,
  /** `retry.mode: compensate-first`. */
  COMPENSATE_FIRST: 512,
  /** `belay.approval`: people end its attempt. */
  APPROVAL: 1024,
  /** `belay.signal`: a message from outside ends its attempt. */
  SIGNAL: 2048,
  /** `with`: the node has an input to evaluate. */
  INPUT: 4096,
  /** It waits and calls nothing: its pool is `WAITING_POOL`. */
  WAITING: 8192,
  /** An attempt of it has a deadline: `timeout`, `totalTimeout` or `heartbeatTimeout`. */
  TIMED: 16384,
} as const;

/** Codes of `CompiledPlan.trigger`, in the order of R12. */
export const TriggerCode = {
  ALL_SUCCEEDED: 0,
  ALL_FINISHED: 1,
  ANY_SUCCEEDED: 2,
  ANY_FAILED: 3,
  ALL_FAILED: 4,
  NONE_FAILED: 5,
} as const;

/** Codes of `CompiledSplit.method`. */
export const MethodCode = { PARALLEL: 0, SERIAL: 1, FIRST_SUCCESS: 2 } as const;

export interface CompiledRetry {
  /** Exactly this many attempts (R25). */
  readonly maxAttempts: number;
  readonly initialIntervalMs: number;
  readonly backoffCoefficient: number;
  readonly maxIntervalMs: number;
  readonly fullJitter: boolean;
}

export interface CompiledSplit {
  readonly method: number;
  /** 0 = no limit of the group's own. */
  readonly maxConcurrency: number;
  /** Absolute number of members that may fail. */
  readonly tolerated: number;
  /** Share of the members that may fail, 0..1; the larger of the two counts. */
  readonly toleratedShare: number;
  /** Number of members when the list comes from `params`; -1 when it is known only at run time. */
  readonly count: number;
}

/** A teardown and the nodes whose start makes it necessary. */
export interface CompiledTeardown {
  readonly node: number;
  readonly setups: Int32Array;
}

/** The pool of nodes that only wait: it has no limit, they take nobody's slot (R41). No plan may name it. */
export const WAITING_POOL = "belay.waiting";

/** What nodes that are alike have in common, by kind: most plans have few kinds, whatever their size. */
export interface CompiledKinds {
  /** Bits of `NodeFlag`. */
  readonly flags: Int32Array;
  readonly trigger: Uint8Array;
  /** Index into `pools`. */
  readonly pool: Int32Array;
  /** Index into `retries`, or -1 = one attempt. */
  readonly retry: Int32Array;
  readonly compensationRetry: Int32Array;
  /** Index into `splits`, or -1. Each group is a kind of its own. */
  readonly split: Int32Array;
  /** Index into `actions`. */
  readonly action: Int32Array;
  /** Index into `actions`, or -1 = no compensation. */
  readonly compensation: Int32Array;
  /** `parallelIdx` of a node that is no group, which is only a label; -1 = none. */
  readonly label: Int32Array;
  /** Milliseconds; 0 = none. */
  readonly timeoutMs: Float64Array;
  readonly totalTimeoutMs: Float64Array;
  readonly heartbeatTimeoutMs: Float64Array;
  readonly compensationTimeoutMs: Float64Array;
}

export interface CompiledPlan {
  /** Number of declared nodes. */
  readonly size: number;
  readonly upOffset: Int32Array;
  readonly upTarget: Int32Array;
  readonly downOffset: Int32Array;
  readonly downTarget: Int32Array;
  /** R11 as one number: the node with the lower rank starts first. A permutation of 0..size-1. */
  readonly rank: Int32Array;
  /** The node of every rank. */
  readonly order: Int32Array;
  /** By node: its row in `kinds`. */
  readonly kind: Uint16Array | Int32Array;
  readonly kinds: CompiledKinds;
  /** Bits of `NodeFlag` that any kind has: what is in none of them is not looked for in any node. */
  readonly used: number;
  /** Every trigger is `all_succeeded`. */
  readonly onlyAllSucceeded: boolean;
  /** Names of actions and of compensations' actions. */
  readonly actions: readonly string[];
  /** Names of pools; index 0 is "" (no pool of its own). */
  readonly pools: readonly string[];
  readonly retries: readonly CompiledRetry[];
  readonly splits: readonly CompiledSplit[];
  /** The node of every split. */
  readonly groups: Int32Array;
  /** In the order of the plan. */
  readonly teardowns: readonly CompiledTeardown[];
  readonly failureMode: "no-new" | "continue" | "kill";
  readonly onFailure: "pause" | "rollback";
  /** Milliseconds for the whole run; 0 = none. */
  readonly runTimeoutMs: number;
  readonly prohibitRollback: boolean;
}
