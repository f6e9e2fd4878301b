/**
 * Rollback (R30-R35): the scope, the frontier that walks from the leaves up, and the run's end.
 *
 * B1 (R30): a node is reached once every direct downstream is cleared; cleared = compensated, or nothing to undo, or
 *     out of scope, AND everything below it is cleared. So a node with nothing to undo shields nothing.
 * B2 (R32): a node whose compensation failed is never cleared: its ancestors wait, other branches go on.
 * B3 (R33, R34): a started prohibiting node, and with `barrier` its ancestors, are never in scope.
 * Cost: one pass over nodes and edges per rollback.
 */
import { MethodCode, NodeFlag } from "../plan/compiled.ts";
import { enqueueUndoRound, hasUndo, skipNode } from "./admit.ts";
import { invariant } from "./assert.ts";
import type { Commands } from "./command.ts";
import { NodeState } from "./node-state.ts";
import {
  clearMark,
  type GroupState,
  groupOf,
  groupState,
  hasFlag,
  hasMark,
  homeOf,
  isExpanded,
  Mark,
  OperationCode,
  Purpose,
  type RunState,
  SkipCode,
  setMark,
  setRun,
} from "./state.ts";

export interface RollbackScope {
  readonly kind: "all" | "barrier" | "node";
  /** For `node`: its descendants are undone, it stands. */
  readonly node: number;
  /** false: failed compensations are left alone (skip-rollback). */
  readonly retryFailed: boolean;
}

/** Starts (or resumes) a rollback: computes the scope, then reaches every node that has nothing left below it. */
export function beginRollback(state: RunState, scope: RollbackScope, out: Commands): void {
  setRun(state, "ROLLING_BACK", out);
  state.tearingDown = false;
  state.operation = OperationCode.ROLLBACK;
  state.undoScopeKind = scope.kind;
  state.undoScopeNode = scope.node;
  state.undoRetryFailed = scope.retryFailed;
  state.undoScope = scopeOf(state, scope);
  state.undoFailures = 0;
  const { size, downOffset } = state.plan;
  state.undoWaiting = new Int32Array(size);
  const leaves: number[] = [];
  for (let v = 0; v < size; v++) {
    const below = (downOffset[v + 1] as number) - (downOffset[v] as number);
    state.undoWaiting[v] = below;
    if (below === 0) leaves.push(v);
  }
  reachAll(state, leaves);
}

/** Walks the frontier from `stack` as far as it goes without waiting for a compensation; empties it. */
function reachAll(state: RunState, stack: number[]): void {
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    if (reach(state, node)) clear(state, node, stack);
  }
}

/** The node is cleared: upstreams that waited for it alone are put on `reached`. */
function clear(state: RunState, node: number, reached: number[]): void {
  const { upOffset, upTarget } = state.plan;
  const end = upOffset[node + 1] as number;
  for (let e = upOffset[node] as number; e < end; e++) {
    const upstream = upTarget[e] as number;
    const left = (state.undoWaiting[upstream] as number) - 1;
    state.undoWaiting[upstream] = left;
    if (left === 0) reached.push(upstream);
  }
}

/** Undoes what a declared node did; true when it is cleared at once. */
function reach(state: RunState, node: number): boolean {
  if (state.undoScope[node] === 0) return true;
  if (isExpanded(state, node)) return reachGroup(state, groupState(state, node));
  return !undoOne(state, node);
}

/** Queues the compensation of one node or member; false when there is nothing (more) to undo. */
function undoOne(state: RunState, node: number): boolean {
  if (hasMark(state, node, Mark.UNDONE)) return false;
  if (!hasUndo(state, node)) {
    if (hasMark(state, node, Mark.STARTED)) {
      setMark(state, node, Mark.UNDONE);
      state.operationOf[node] = OperationCode.ROLLBACK;
    }
    return false;
  }
  if (state.node[node] === NodeState.COMPENSATION_FAILED && !state.undoRetryFailed) {
    state.undoFailures++;
    return true;
  }
  state.operationOf[node] = OperationCode.ROLLBACK;
  state.purpose[node] = Purpose.ROLLBACK;
  enqueueUndoRound(state, node);
  return true;
}

/** PARALLEL members are undone together, the others from the last to the first. */
function reachGroup(state: RunState, group: GroupState): boolean {
  if (group.split.method !== MethodCode.PARALLEL) {
    group.undoLeft = group.count;
    return !undoPrevious(state, group);
  }
  group.undoLeft = 0;
  for (let i = group.count - 1; i >= 0; i--) {
    if (undoOne(state, group.base + i)) group.undoLeft++;
  }
  return group.undoLeft === 0;
}

/** Undoes the next member downwards that needs it; false when none is left. `undoLeft` is how far it has come. */
function undoPrevious(state: RunState, group: GroupState): boolean {
  while (group.undoLeft > 0) {
    group.undoLeft--;
    if (undoOne(state, group.base + group.undoLeft)) return true;
  }
  return false;
}

/** A compensation of this rollback ended. */
export function undoDone(state: RunState, node: number): void {
  if (state.node[node] === NodeState.COMPENSATION_FAILED) return;
  invariant(state.node[node] === NodeState.COMPENSATED, "R30: a node is cleared without being compensated");
  const home = groupOf(state, node);
  if (home >= 0 && undoGoesOn(state, groupState(state, home))) return;
  const reached: number[] = [];
  clear(state, homeOf(state, node), reached);
  reachAll(state, reached);
}

/** A member is undone: whether the group still has members to undo. */
function undoGoesOn(state: RunState, group: GroupState): boolean {
  return group.split.method === MethodCode.PARALLEL ? --group.undoLeft > 0 : undoPrevious(state, group);
}

/** 1 for every declared node that the rollback may touch; a teardown is none of them. */
function scopeOf(state: RunState, scope: RollbackScope): Uint8Array {
  const inside = reachOf(state, scope);
  for (const { node } of state.plan.teardowns) inside[node] = 0;
  return inside;
}

function reachOf(state: RunState, scope: RollbackScope): Uint8Array {
  const { size, downOffset, downTarget, upOffset, upTarget } = state.plan;
  if (scope.kind === "node") return closure([scope.node], downOffset, downTarget, false);
  if (scope.kind === "all") return new Uint8Array(size).fill(1);
  const stands = closure(
    barrierNodes(state).map((node) => homeOf(state, node)),
    upOffset,
    upTarget,
    true,
  );
  for (let v = 0; v < size; v++) stands[v] = stands[v] === 1 ? 0 : 1;
  return stands;
}

/** Nodes and members that prohibit rollback and have started (R33), by number. */
function barrierNodes(state: RunState): number[] {
  const found: number[] = [];
  for (let node = 0; node < state.size; node++) if (hasMark(state, node, Mark.BARRIER)) found.push(node);
  return found;
}

/** The started prohibiting nodes that a rollback to `scope` would have to cross. */
export function barriersWithin(state: RunState, scope: RollbackScope): number[] {
  if (scope.kind === "barrier") return [];
  const inside = scopeOf(state, scope);
  return barrierNodes(state).filter((node) => inside[homeOf(state, node)] === 1);
}

/** 1 for everything reachable from `start` along the given edges; `inclusive` counts the start itself. */
export function closure(
  start: readonly number[],
  offset: Int32Array,
  target: Int32Array,
  inclusive: boolean,
): Uint8Array {
  const seen = new Uint8Array(offset.length - 1);
  const stack = [...start];
  if (inclusive) for (const node of start) seen[node] = 1;
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    const end = offset[node + 1] as number;
    for (let e = offset[node] as number; e < end; e++) {
      const next = target[e] as number;
      if (seen[next] === 1) continue;
      seen[next] = 1;
      stack.push(next);
    }
  }
  return seen;
}

/** How the rollback that has come to an end reads. */
export function rollbackEnd(state: RunState): "ROLLED_BACK" | "PARTIALLY_ROLLED_BACK" | "ROLLBACK_FAILED" {
  if (state.undoFailures > 0) return "ROLLBACK_FAILED";
  invariant(!hasFailedUndo(state), "R32: a failed compensation is forgotten by a rollback to elsewhere");
  const whole = state.undoScopeKind === "all" || (state.undoScopeKind === "barrier" && state.barriers === 0);
  return whole ? "ROLLED_BACK" : "PARTIALLY_ROLLED_BACK";
}

/** `refusalOf` lets no rollback pass that would leave a failed compensation of an earlier one behind. */
function hasFailedUndo(state: RunState): boolean {
  return state.node
    .subarray(0, state.size)
    .some((code, node) => code === NodeState.COMPENSATION_FAILED && isLeft(state, node));
}

function isLeft(state: RunState, node: number): boolean {
  return state.purpose[node] === Purpose.ROLLBACK && !hasMark(state, node, Mark.UNDONE);
}

/** skip-rollback (R32): the node counts as cleared although its compensation failed; a failed teardown is skipped. */
export function passFailedUndo(state: RunState, node: number, out: Commands): void {
  if (hasFlag(state, node, NodeFlag.TEARDOWN)) {
    skipNode(state, node, SkipCode.OPERATOR, out);
    state.done.clear();
    state.operationOf[node] = OperationCode.ROLLBACK_SKIP;
    return;
  }
  setMark(state, node, Mark.UNDONE);
  clearMark(state, node, Mark.STARTED);
  state.operationOf[node] = OperationCode.ROLLBACK_SKIP;
}
