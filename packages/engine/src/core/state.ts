/**
 * The state of one run: typed arrays indexed by node, and counters. Owns: the facts, and the one place where a node or the run
 * changes state (checked against the tables). Does not own: any decision; memory and growth (`layout.ts`).
 *
 * Nodes 0..plan.size-1 are the declared ones; a group's members are appended when it expands. `homeOf` gives the
 * declared node whose flags, timeouts and pool a member shares.
 */
import { type CompiledPlan, type CompiledSplit, MethodCode, NodeFlag as NodeFlagTable } from "../plan/compiled.ts";
import { invariant } from "./assert.ts";
import { type Commands, Op as OpTable } from "./command.ts";
import {
  isFailedCode,
  NODE_ALLOWED as NODE_ALLOWED_TABLE,
  NODE_STATUSES as NODE_STATUSES_TABLE,
  NodeState as NodeStateTable,
} from "./node-state.ts";
import type { ReadyQueue } from "./ready-queue.ts";
import { RUN_STATUSES, type RunStatus, runMayGo } from "./run-state.ts";
import type { Worklist } from "./worklist.ts";

// Constants of this module: what is imported is looked up and checked anew at every use.
const NodeFlag = NodeFlagTable;
const Op = OpTable;
const NODE_ALLOWED = NODE_ALLOWED_TABLE;
const NODE_STATUSES = NODE_STATUSES_TABLE;
const NodeState = NodeStateTable;

/** Facts about a node that its status does not tell, as bits of `RunState.marks`. */
export const Mark = {
  /** An attempt was dispatched and its effects were not undone since: rollback covers it (R30). */
  STARTED: 1,
  /** In a ready queue, waiting for a slot. */
  QUEUED: 2,
  /** Waiting for the backoff before its next attempt. */
  BACKOFF: 4,
  /** Its condition or list is being evaluated. */
  RESOLVING: 32,
  /** Its condition was evaluated: not asked again on retry. */
  RESOLVED: 64,
  /** A prohibiting node that has started: never undone, whatever comes (R33). */
  BARRIER: 128,
  /** Rollback has passed it: compensated, or nothing to undo. */
  UNDONE: 256,
  UNDO_QUEUED: 512,
  UNDO_BACKOFF: 1024,
  UNDO_ABORTING: 2048,
  /** Its end was told to its downstreams. */
  FINISHED: 4096,
  /** An operator asked for this node or group again: other failures do not hold it (R37). */
  RETRIED: 8192,
} as const;

/** What was last asked of a node or a run; the words are the seed's. */
export const OperationCode = { EXECUTE: 0, RETRY: 1, ROLLBACK: 2, SKIP: 3, ROLLBACK_SKIP: 4, CANCEL: 5 } as const;

/** Reasons of SKIPPED, as codes. */
export const SkipCode = { NONE: 0, CONDITION: 1, UPSTREAM: 2, EMPTY: 3, SUPERSEDED: 4, OPERATOR: 5 } as const;

/**
 * What a compensation is for: a rollback, the node's next attempt (R25), the next candidate (R21), or a group that starts
 * over and has a candidate whose compensation had failed.
 */
export const Purpose = { NONE: 0, ROLLBACK: 1, RETRY: 2, SUPERSEDE: 3, RESTART: 4 } as const;

/** The members of one group and how far they are. */
export interface GroupState {
  readonly node: number;
  readonly split: CompiledSplit;
  /** First member's number; -1 until expanded. */
  base: number;
  count: number;
  /** parallelIdx of the next member to let go. */
  next: number;
  /** Members let go and not finished. */
  open: number;
  succeeded: number;
  failed: number;
  skipped: number;
  /** More members failed than are tolerated: the group fails. */
  failing: boolean;
  /** Candidates whose compensation failed: the next one may not start (R21). */
  stuck: number;
  /** Members that rollback still has to undo. */
  undoLeft: number;
}

export interface Settings {
  /** Milliseconds an aborted attempt is given to let go (R26). */
  readonly graceMs: number;
  /** Seed of jitter. */
  readonly seed: number;
}

/** Counts of rounds and compensations, all 0 until a node is retried by an operator, or undone. By node, members included. */
export interface Rounds {
  /** Attempts dispatched before the present round; an operator's retry begins a new one. */
  start: Int32Array;
  /** Attempts of the compensation, over all rounds. */
  undoAttempt: Int32Array;
  undoStart: Int32Array;
}

export interface RunState {
  readonly plan: CompiledPlan;
  readonly settings: Settings;
  status: RunStatus;
  operation: number;
  /** Nodes in use, members included. */
  size: number;
  /** Members of the groups that are expanded now. */
  members: number;
  /** NodeState code by node. */
  node: Uint8Array;
  operationOf: Uint8Array;
  skipReason: Uint8Array;
  /** Outcome of the last attempt, an OutcomeCode. */
  outcome: Uint8Array;
  /** Cause of the last abort. */
  cause: Uint8Array;
  purpose: Uint8Array;
  marks: Int32Array;
  /** Attempts dispatched, over all rounds (R25). */
  attempt: Int32Array;
  /** Declared node of a member; of members only, see `groupOf`. */
  memberGroup: Int32Array;
  /** Place of a member in its group; of members only, see `parallelIdxOf` (R20). */
  memberPlace: Int32Array;
  /** What only some runs need, see `Rounds`. */
  rounds: Rounds | undefined;
  /** By split index. */
  readonly groups: (GroupState | undefined)[];
  /** By split index: attempts that earlier members of a group took, forward and undo; the next ones go on from there (R43). */
  readonly attemptFloor: Int32Array;
  readonly undoFloor: Int32Array;
  /** Upstream counters of declared nodes, see `UpstreamCounts`; the next three are empty unless a trigger reads them. */
  readonly waiting: Int32Array;
  readonly succeeded: Int32Array;
  readonly failed: Int32Array;
  readonly spared: Int32Array;
  /** Empty until a failure is counted. */
  blocking: Int32Array;
  /** Rollback: direct downstreams that are not cleared yet; empty outside a rollback. */
  undoWaiting: Int32Array;
  /** Rollback: 1 = in scope. */
  undoScope: Uint8Array;
  undoScopeKind: "all" | "barrier" | "node";
  undoScopeNode: number;
  /** Rollback: failed compensations are tried again (R32). */
  undoRetryFailed: boolean;
  /** One queue per pool. */
  readonly queues: readonly ReadyQueue[];
  /** Nodes that wait, over all pools. */
  queued: number;
  /** Attempts in flight per pool, compensations included: the slots the run holds (R41). */
  readonly active: Int32Array;
  /** Nodes that ended and whose end is not told yet. */
  readonly done: Worklist;
  /** Declared nodes whose upstream counters changed, and groups of which a member was held. */
  readonly undecided: Worklist;
  /** Attempts in flight, aborting ones included. */
  running: number;
  /** Compensations in flight. */
  undoing: number;
  /** Nodes waiting for a backoff, forward or undo. */
  backoff: number;
  /** Conditions and lists being evaluated. */
  resolving: number;
  /** Declared nodes that ended. */
  finished: number;
  /** Declared nodes whose failure fails the run. */
  failures: number;
  /** Compensations that failed for good. */
  undoFailures: number;
  /** Prohibiting nodes that have started (R33). */
  barriers: number;
  /** Nodes may carry RETRIED: a failure that comes now holds them like any other (R14). */
  asked: boolean;
  /** An operator canceled the run: nothing new starts. */
  canceling: boolean;
  /** The run's own timeout passed. */
  timedOut: boolean;
  /** Teardowns may run: the run, or its rollback, is about to end. */
  tearingDown: boolean;
  /** Token of the run's deadline: grows with each arming. */
  runToken: number;
}

/** The declared node whose settings `node` shares: itself, or its group. */
export function homeOf(state: RunState, node: number): number {
  const { size } = state.plan;
  return node < size ? node : (state.memberGroup[node - size] as number);
}

/** The group of a member; -1 for declared nodes. */
export function groupOf(state: RunState, node: number): number {
  const { size } = state.plan;
  return node < size ? -1 : (state.memberGroup[node - size] as number);
}

/** -1 for declared nodes (R20). */
export function parallelIdxOf(state: RunState, node: number): number {
  const { size } = state.plan;
  return node < size ? -1 : (state.memberPlace[node - size] as number);
}

/** The row of `plan.kinds` that says what the node is. */
export function kindOf(state: RunState, node: number): number {
  return state.plan.kind[homeOf(state, node)] as number;
}

/** Index into `plan.pools`. */
export function poolOf(state: RunState, node: number): number {
  const { kinds, pools } = state.plan;
  // Most plans name no pool: the node's row is not read then.
  return pools.length === 1 ? 0 : (kinds.pool[kindOf(state, node)] as number);
}

/** A TriggerCode (R12). */
export function triggerOf(state: RunState, node: number): number {
  return state.plan.kinds.trigger[kindOf(state, node)] as number;
}

/** Number of upstreams of a declared node. */
export function upstreamsOf({ upOffset }: CompiledPlan, node: number): number {
  return (upOffset[node + 1] as number) - (upOffset[node] as number);
}

/** Attempts dispatched before the present round (R25). */
export function roundStartOf(state: RunState, node: number): number {
  return state.rounds === undefined ? 0 : (state.rounds.start[node] as number);
}

/** Attempts of the compensation, over all rounds. */
export function undoAttemptOf(state: RunState, node: number): number {
  return state.rounds === undefined ? 0 : (state.rounds.undoAttempt[node] as number);
}

/** Counts a slot of a pool as taken (+1) or free again (-1) (R41). */
export function useSlot(state: RunState, pool: number, by: number): void {
  state.active[pool] = (state.active[pool] as number) + by;
}

export function isGroup(state: RunState, node: number): boolean {
  return node < state.plan.size && hasFlag(state, node, NodeFlag.GROUP);
}

/** Whether the node is a group that has its members. */
export function isExpanded(state: RunState, node: number): boolean {
  return expandedGroup(state, node) !== undefined;
}

/** The members of a group; undefined until it expanded, and for a node that is no group. */
export function expandedGroup(state: RunState, node: number): GroupState | undefined {
  if (!isGroup(state, node)) return undefined;
  return state.groups[state.plan.kinds.split[kindOf(state, node)] as number];
}

/** The group's members; asserts that `node` is an expanded group. */
export function groupState(state: RunState, node: number): GroupState {
  const group = expandedGroup(state, node);
  invariant(group !== undefined, "R23: a group's members are asked for before it expanded");
  return group;
}

/** A member of a FIRST_SUCCESS group (R21). */
export function isCandidate(state: RunState, node: number): boolean {
  const home = groupOf(state, node);
  return home >= 0 && groupState(state, home).split.method === MethodCode.FIRST_SUCCESS;
}

export function hasFlag(state: RunState, node: number, flag: number): boolean {
  const { kinds, used } = state.plan;
  // Most plans use few features: of one that no node has, the node's row is not read.
  return (used & flag) !== 0 && ((kinds.flags[kindOf(state, node)] as number) & flag) !== 0;
}

export function hasMark(state: RunState, node: number, mark: number): boolean {
  return ((state.marks[node] as number) & mark) !== 0;
}

export function setMark(state: RunState, node: number, mark: number): void {
  state.marks[node] = (state.marks[node] as number) | mark;
}

export function clearMark(state: RunState, node: number, mark: number): void {
  state.marks[node] = (state.marks[node] as number) & ~mark;
}

/** The only place where a node changes state; an unlisted transition is a bug. */
export function setNode(state: RunState, node: number, to: number): void {
  const from = state.node[node] as number;
  const allowed = NODE_ALLOWED[from * NODE_STATUSES.length + to] === 1;
  if (!allowed) invariant(false, `R51: node ${node} may not go from ${NODE_STATUSES[from]} to ${NODE_STATUSES[to]}`);
  state.node[node] = to;
}

/** The only place where the run changes state. */
export function setRun(state: RunState, to: RunStatus, out: Commands, goesOn = false): void {
  const from = state.status;
  if (!runMayGo(from, to)) invariant(false, `R51: the run may not go from ${from} to ${to}`);
  state.status = to;
  out.push(Op.RUN_STATUS, -1, RUN_STATUSES.indexOf(to), goesOn ? 1 : 0);
}

/** An operator, or the run's timeout, has stopped the way forward; a rollback that came after is not stopped by it (R32). */
export function isStopped(state: RunState): boolean {
  return (state.canceling || state.timedOut) && state.status !== "ROLLING_BACK";
}

/** true while a failure holds everything but reactions and attempts under way (R14). */
export function isHalted(state: RunState): boolean {
  return state.failures > 0 && state.plan.failureMode !== "continue";
}

/** FAILED, or its compensation failed, and neither is being mended. */
export function isFailed(state: RunState, node: number): boolean {
  return isFailedCode(state.node[node]) && !hasMark(state, node, Mark.UNDO_QUEUED);
}

/** Ended in the forward direction: its downstreams may be decided. */
export function isFinished(state: RunState, node: number): boolean {
  const code = state.node[node] as number;
  return code === NodeState.SUCCESSFUL || code === NodeState.SKIPPED || isFailed(state, node);
}
