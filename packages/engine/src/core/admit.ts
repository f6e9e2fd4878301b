/**
 * Admission: a node whose trigger holds becomes READY, is asked to resolve its condition, or is held back (R14).
 * Owns: READY, the queues' contents. Does not own: who decides that a trigger holds (`flow.ts`), members of
 * groups (`group.ts`), dispatch (`dispatch.ts`).
 */
import { NodeFlag as NodeFlagTable } from "../plan/compiled.ts";
import { type Commands, Deadline, Op as OpTable } from "./command.ts";
import { OutcomeCode } from "./input.ts";
import { roundsOf } from "./layout.ts";
import { isFailedCode, NodeState as NodeStateTable } from "./node-state.ts";
import type { ReadyQueue } from "./ready-queue.ts";
import {
  clearMark,
  expandedGroup,
  groupOf,
  groupState,
  hasFlag,
  hasMark,
  homeOf,
  isHalted,
  isStopped,
  Mark as MarkTable,
  Purpose,
  parallelIdxOf,
  poolOf,
  type RunState,
  roundStartOf,
  setMark,
  setNode,
  triggerOf,
} from "./state.ts";
import { acceptsFailure } from "./trigger.ts";

// Constants of this module: what is imported is looked up and checked anew at every use.
const NodeFlag = NodeFlagTable;
const Op = OpTable;
const NodeState = NodeStateTable;
const Mark = MarkTable;

/** Whether `node` may start a first attempt now: nothing holds it, or its trigger accepts failures (R14, R37). */
export function mayStart(state: RunState, node: number): boolean {
  if (state.failures === 0 && !state.canceling && !state.timedOut && state.plan.teardowns.length === 0) return true;
  const home = homeOf(state, node);
  if (hasFlag(state, home, NodeFlag.TEARDOWN)) return state.tearingDown && !isStopped(state);
  if (state.canceling || state.timedOut) return false;
  if (hasMark(state, home, Mark.RETRIED) || hasMark(state, node, Mark.RETRIED)) return true;
  return !isHalted(state) || acceptsFailure(triggerOf(state, home));
}

/**
 * PENDING -> READY and into its pool's queue. With `compensate-first`, what attempts before an operator's retry have left
 * is undone first, as between two attempts (R25).
 */
export function makeReady(state: RunState, node: number, out: Commands): void {
  setNode(state, node, NodeState.READY);
  if (hasFlag(state, node, NodeFlag.COMPENSATE_FIRST) && hasUndo(state, node)) {
    queueUndoForRetry(state, node);
    return;
  }
  enqueue(state, node);
  out.push(Op.READY, node, (state.attempt[node] as number) + 1);
}

/** Queues a READY node for dispatch. */
export function enqueue(state: RunState, node: number): void {
  joinPool(state, node, false);
}

/** Queues the compensation of a READY node: its next attempt follows (R25). */
export function queueUndoForRetry(state: RunState, node: number): void {
  state.purpose[node] = Purpose.RETRY;
  enqueueUndoRound(state, node);
}

/** Queues the compensation of a node. */
export function enqueueUndo(state: RunState, node: number): void {
  joinPool(state, node, true);
}

/** The same for the first of a new round of attempts (R32). */
export function enqueueUndoRound(state: RunState, node: number): void {
  const rounds = roundsOf(state);
  rounds.undoStart[node] = rounds.undoAttempt[node] as number;
  enqueueUndo(state, node);
}

function joinPool(state: RunState, node: number, undo: boolean): void {
  const home = homeOf(state, node);
  const rank = state.plan.rank[home] as number;
  const queue = state.queues[poolOf(state, node)] as ReadyQueue;
  setMark(state, node, undo ? Mark.UNDO_QUEUED : Mark.QUEUED);
  state.queued++;
  if (home === node) queue.push(rank, undo);
  else queue.pushMember(rank, undo, { place: parallelIdxOf(state, node), count: groupState(state, home).count });
}

/** Takes a node out of its queue (QUEUED or UNDO_QUEUED), if it is in. */
export function dequeue(state: RunState, node: number, mark: number = Mark.QUEUED): void {
  if (!hasMark(state, node, mark)) return;
  leaveQueue(state, node, mark);
  const rank = state.plan.rank[homeOf(state, node)] as number;
  state.queues[poolOf(state, node)]?.remove(rank, parallelIdxOf(state, node), mark === Mark.UNDO_QUEUED);
}

/** It was taken out of its queue. */
export function leaveQueue(state: RunState, node: number, mark: number): void {
  clearMark(state, node, mark);
  state.queued--;
}

/** Its condition and its list have been evaluated, or it has neither. */
export function isDecided(state: RunState, node: number): boolean {
  return hasMark(state, node, Mark.RESOLVED) || !hasFlag(state, node, NodeFlag.CONDITION | NodeFlag.DYNAMIC);
}

/** Asks the host to evaluate the node's condition, or its list. */
export function askToResolve(state: RunState, node: number, out: Commands): void {
  setMark(state, node, Mark.RESOLVING);
  state.resolving++;
  out.push(Op.RESOLVE, node);
}

/** Ends a node as SKIPPED and queues the news; of a group, every member that has not ended goes with it. */
export function skipNode(state: RunState, node: number, reason: number, out: Commands): void {
  const group = expandedGroup(state, node);
  for (let i = 0; group !== undefined && i < group.count; i++) passMember(state, group.base + i, reason, out);
  setNode(state, node, NodeState.SKIPPED);
  state.skipReason[node] = reason;
  out.push(Op.SKIPPED, node, reason);
  state.done.push(node);
}

/** Ends a member as SKIPPED without news of its own: its group tells. Members that ended otherwise stay as they are. */
export function passMember(state: RunState, member: number, reason: number, out: Commands): void {
  const code = state.node[member];
  if (code !== NodeState.PENDING && code !== NodeState.READY && !isFailedCode(code)) return;
  dequeue(state, member);
  setNode(state, member, NodeState.SKIPPED);
  state.skipReason[member] = reason;
  out.push(Op.SKIPPED, member, reason);
}

/**
 * Takes back every node that is READY for its first attempt and may not start any more (R14). Nodes between two
 * attempts go on: what runs finishes. Cost: one pass over the nodes, once per failure that halts the run.
 */
export function holdReady(state: RunState, out: Commands): void {
  for (let node = 0; node < state.size; node++) {
    if (state.node[node] === NodeState.READY && mustWait(state, node)) hold(state, node, out);
  }
}

/** The node would start its first attempt of this round, and may not (R14). */
export function mustWait(state: RunState, node: number): boolean {
  return (state.attempt[node] as number) <= roundStartOf(state, node) && !mayStart(state, node);
}

/**
 * READY -> PENDING, before the first attempt of a round, which no backoff precedes; of a group, the member is open no
 * more, and may have been the last that its end waited for.
 */
export function hold(state: RunState, node: number, out: Commands): void {
  dequeue(state, node);
  dequeue(state, node, Mark.UNDO_QUEUED);
  setNode(state, node, NodeState.PENDING);
  out.push(Op.HELD, node);
  const group = groupOf(state, node);
  if (group < 0) return;
  groupState(state, group).open--;
  state.undecided.push(group);
}

/** The node no longer waits for its next attempt. */
export function leaveBackoff(state: RunState, node: number, out: Commands): void {
  if (!hasMark(state, node, Mark.BACKOFF)) return;
  clearMark(state, node, Mark.BACKOFF);
  state.backoff--;
  out.push(Op.DISARM, node, 0, Deadline.BACKOFF);
}

/** Whether the compensation covers what the node has done (R30, R31). */
export function hasUndo(state: RunState, node: number): boolean {
  if (!hasMark(state, node, Mark.STARTED) || !hasFlag(state, node, NodeFlag.COMPENSATION)) return false;
  return !hasFlag(state, node, NodeFlag.COMPENSATE_SUCCEEDED_ONLY) || state.outcome[node] === OutcomeCode.SUCCEEDED;
}
