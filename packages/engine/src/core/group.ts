/**
 * Groups (R20-R24): expansion, letting members go by method, counting their ends, the group's own end.
 * A group is one vertex of the graph; members hang on it, so neighbours never see them (R22).
 *
 * G1 (R21): SERIAL and FIRST_SUCCESS have at most one member open; a failed candidate is undone before the next starts.
 * G2 (R14): a member that has not started is held like any node; the group ends once nothing of it can go on.
 */
import { type CompiledSplit, MethodCode, NodeFlag } from "../plan/compiled.ts";
import { askToResolve, enqueueUndoRound, hasUndo, makeReady, mayStart, passMember, skipNode } from "./admit.ts";
import { Cause, type Commands, Op } from "./command.ts";
import { spreadFailure } from "./failure.ts";
import { OutcomeCode } from "./input.ts";
import { appendMembers, roundsOf } from "./layout.ts";
import { NodeState } from "./node-state.ts";
import { noteFailure, noteSuccess } from "./notify.ts";
import { waitAgain } from "./reset.ts";
import {
  type GroupState,
  groupOf,
  groupState,
  hasFlag,
  hasMark,
  kindOf,
  Mark,
  Purpose,
  type RunState,
  SkipCode,
  setNode,
} from "./state.ts";

/** Gives a group its members; none of them starts yet. */
export function createMembers(state: RunState, node: number, count: number, out: Commands): void {
  const index = state.plan.kinds.split[kindOf(state, node)] as number;
  const base = appendMembers(state, node, count);
  state.members += count;
  takeFloors(state, index, { base, count });
  state.groups[index] = {
    node,
    split: state.plan.splits[index] as CompiledSplit,
    base,
    count,
    next: 0,
    open: 0,
    succeeded: 0,
    failed: 0,
    skipped: 0,
    failing: false,
    stuck: 0,
    undoLeft: 0,
  };
  out.push(Op.EXPANDED, node, count, base);
}

/** Attempts of members that were there before go on counting (R43). */
function takeFloors(state: RunState, index: number, { base, count }: { base: number; count: number }): void {
  const attempts = state.attemptFloor[index] as number;
  const undone = state.undoFloor[index] as number;
  if (attempts + undone === 0) return;
  const rounds = roundsOf(state);
  state.attempt.fill(attempts, base, base + count);
  rounds.start.fill(attempts, base, base + count);
  rounds.undoAttempt.fill(undone, base, base + count);
}

/** PENDING -> RUNNING; an empty group is SKIPPED(empty) (R20). */
export function startGroup(state: RunState, node: number, out: Commands): void {
  const group = groupState(state, node);
  if (group.count === 0) {
    skipNode(state, node, SkipCode.EMPTY, out);
    return;
  }
  setNode(state, node, NodeState.RUNNING);
  releaseMembers(state, group, out);
}

/** Lets as many members go as method, concurrency and failures allow, in order of parallelIdx (R11). */
export function releaseMembers(state: RunState, group: GroupState, out: Commands): void {
  const limit = openLimit(group);
  while (group.open < limit && group.next < group.count && mayRelease(state, group)) {
    const member = group.base + group.next++;
    if (state.node[member] !== NodeState.PENDING || hasMark(state, member, Mark.RESOLVING)) continue;
    letGo(state, group, member, out);
  }
}

/** The member's turn has come: its own condition is asked first, if it has one that was not (R20). */
export function letGo(state: RunState, group: GroupState, member: number, out: Commands): void {
  group.open++;
  if (hasFlag(state, member, NodeFlag.MEMBER_CONDITION) && !hasMark(state, member, Mark.RESOLVED)) {
    askToResolve(state, member, out);
  } else {
    makeReady(state, member, out);
  }
}

/** How many members may be open at once (R21). */
export function openLimit({ split, count }: GroupState): number {
  if (split.method !== MethodCode.PARALLEL) return 1;
  return split.maxConcurrency > 0 ? split.maxConcurrency : count;
}

function mayRelease(state: RunState, group: GroupState): boolean {
  if (state.node[group.node] !== NodeState.RUNNING) return false;
  if (!mayStart(state, group.node) || state.cause[group.node] === Cause.CANCEL) return false;
  if (group.split.method === MethodCode.PARALLEL) return true;
  return !group.failing;
}

/** A member ended, or a failed candidate is undone. */
export function memberDone(state: RunState, member: number, out: Commands): void {
  const group = groupState(state, groupOf(state, member));
  const firstSuccess = group.split.method === MethodCode.FIRST_SUCCESS;
  const code = state.node[member];
  if (firstSuccess && code === NodeState.FAILED && hasUndo(state, member)) {
    state.purpose[member] = Purpose.SUPERSEDE;
    enqueueUndoRound(state, member);
    // Nobody is left to try: the group fails now, whatever becomes of the compensation.
    if (group.next === group.count) startFailing(state, group, out);
    return;
  }
  group.open--;
  if (code === NodeState.COMPENSATED && state.purpose[member] === Purpose.RESTART) {
    // The group starts over, now that nothing is left of the candidate that was stuck.
    waitAgain(state, member, out);
    group.next = 0;
  } else if (code === NodeState.SUCCESSFUL) {
    countSuccess(state, group, out);
  } else if (code === NodeState.SKIPPED) {
    group.skipped++;
  } else {
    if (code === NodeState.COMPENSATION_FAILED) group.stuck++;
    countFailure(state, group, out);
  }
  releaseMembers(state, group, out);
  if (state.node[group.node] === NodeState.PENDING) endRestart(state, group, out);
  else endGroup(state, group, out);
}

/** The group waits to start over: it is decided once its stuck candidate is undone, or has failed with it. */
function endRestart(state: RunState, group: GroupState, out: Commands): void {
  if (group.failing) failGroup(state, group, out);
  else state.undecided.push(group.node);
}

function countSuccess(state: RunState, group: GroupState, out: Commands): void {
  if (group.succeeded++ === 0) noteSuccess(state, group.node);
  if (group.split.method !== MethodCode.FIRST_SUCCESS) return;
  for (; group.next < group.count; group.next++) {
    // One candidate is tried at a time: those that follow the winner are all PENDING.
    passMember(state, group.base + group.next, SkipCode.SUPERSEDED, out);
    group.skipped++;
  }
}

/** Whether downstreams were told of a failed member; a failed candidate alone is no news (R21). */
export function hasNotedFailure(group: GroupState): boolean {
  return group.failed > 0 && group.split.method !== MethodCode.FIRST_SUCCESS;
}

function countFailure(state: RunState, group: GroupState, out: Commands): void {
  const noted = hasNotedFailure(group);
  group.failed++;
  if (!noted && hasNotedFailure(group)) noteFailure(state, group.node);
  if (hasFailed(group)) startFailing(state, group, out);
}

function startFailing(state: RunState, group: GroupState, out: Commands): void {
  if (group.failing) return;
  group.failing = true;
  spreadFailure(state, group.node, out);
}

/** How many members may fail. */
function toleratedOf(group: GroupState): number {
  return Math.max(group.split.tolerated, Math.floor(group.split.toleratedShare * group.count + 1e-9));
}

/** Whether the failures so far fail the group. */
export function hasFailed(group: GroupState): boolean {
  if (group.split.method !== MethodCode.FIRST_SUCCESS) return group.failed > toleratedOf(group);
  if (group.succeeded > 0) return false;
  if (group.stuck > 0) return true;
  return group.failed > 0 && group.failed + group.skipped === group.count;
}

/** A tolerated group takes the members it did not start with it: nobody will retry them. */
export function passRest(state: RunState, group: GroupState, out: Commands): void {
  if (!hasFlag(state, group.node, NodeFlag.TOLERATE_FAILURE)) return;
  for (let member = group.base; member < group.base + group.count; member++) {
    if (state.node[member] === NodeState.PENDING) passMember(state, member, SkipCode.UPSTREAM, out);
  }
}

function failGroup(state: RunState, group: GroupState, out: Commands): void {
  const { node } = group;
  state.outcome[node] = OutcomeCode.FAILED;
  passRest(state, group, out);
  setNode(state, node, NodeState.FAILED);
  out.push(Op.FAILED, node, state.cause[node], OutcomeCode.FAILED);
  state.done.push(node);
}

/** Ends the group once every member ended, or it fails and nothing of it can go on. */
export function endGroup(state: RunState, group: GroupState, out: Commands): void {
  const { node } = group;
  if (group.open > 0 || state.node[node] !== NodeState.RUNNING) return;
  const canceled = state.cause[node] === Cause.CANCEL;
  const complete = group.succeeded + group.failed + group.skipped === group.count;
  if ((canceled && !complete) || hasFailed(group)) startFailing(state, group, out);
  if (!complete && !group.failing) return;
  if (group.failing) {
    failGroup(state, group, out);
    return;
  }
  if (group.skipped === group.count) {
    setNode(state, node, NodeState.SKIPPED);
    state.skipReason[node] = SkipCode.CONDITION;
    out.push(Op.SKIPPED, node, SkipCode.CONDITION);
  } else {
    setNode(state, node, NodeState.SUCCESSFUL);
    out.push(Op.SUCCEEDED, node);
  }
  state.done.push(node);
}
