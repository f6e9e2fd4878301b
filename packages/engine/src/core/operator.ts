/**
 * The operator's verbs (R37), once `refusal.ts` has let them pass. Each changes states, then recounts; none of them
 * decides anything a failure or a success would decide otherwise.
 */
import { MethodCode } from "../plan/compiled.ts";
import { dequeue, enqueueUndoRound, holdReady, isDecided, makeReady, skipNode } from "./admit.ts";
import { abortAttempt, failReady } from "./attempt.ts";
import { Cause, type Commands, Deadline, Op } from "./command.ts";
import { stopRunning } from "./failure.ts";
import { endGroup, letGo, openLimit } from "./group.ts";
import { WHOLE_RUN } from "./input.ts";
import { isFailedCode, NodeState } from "./node-state.ts";
import { recount } from "./recount.ts";
import { resetNode, waitAgain } from "./reset.ts";
import { closure } from "./rollback.ts";
import {
  clearMark,
  expandedGroup,
  type GroupState,
  groupOf,
  groupState,
  hasMark,
  homeOf,
  isCandidate,
  isExpanded,
  kindOf,
  Mark,
  OperationCode,
  Purpose,
  type RunState,
  SkipCode,
  setMark,
  setNode,
  setRun,
  undoAttemptOf,
} from "./state.ts";
import { leaveTeardown } from "./teardown.ts";
import { isToleratedFailure } from "./tolerance.ts";

/** retry: one FAILED node, or everything that failed; after a partial rollback also everything that was undone. */
export function retry(state: RunState, node: number, out: Commands): void {
  state.asked = true;
  const undone = state.status === "PARTIALLY_ROLLED_BACK";
  leaveRest(state, out);
  if (undone) resetUndone(state, out);
  if (node === WHOLE_RUN) rearmAll(state, out);
  else if (state.node[node] !== NodeState.PENDING) retryOne(state, node, out);
  // Undone, or below what was: it waits for its turn, but no other failure holds what was asked for by name (R37).
  else setMark(state, homeOf(state, node), Mark.RETRIED);
  leaveTeardown(state, out);
  recount(state, out);
}

function retryOne(state: RunState, node: number, out: Commands): void {
  rearm(state, node, out);
  if (groupOf(state, node) < 0) startNow(state, node, out);
}

/** Goes forward again: a resting run is RUNNING, its own deadline starts anew. */
function leaveRest(state: RunState, out: Commands): void {
  const rested = state.status !== "RUNNING" && state.status !== "PAUSED";
  if (rested) setRun(state, "RUNNING", out, true);
  if (rested || state.timedOut) armRun(state, out);
  state.canceling = false;
  state.timedOut = false;
  state.operation = OperationCode.RETRY;
}

/** Arms the deadline of the whole run (`timeout` of the plan). */
export function armRun(state: RunState, out: Commands): void {
  if (state.plan.runTimeoutMs <= 0) return;
  state.runToken++;
  out.push(Op.ARM, -1, state.runToken, Deadline.RUN, out.now + state.plan.runTimeoutMs);
}

function rearmAll(state: RunState, out: Commands): void {
  for (let v = 0; v < state.plan.size; v++) {
    const code = state.node[v];
    if (isExpanded(state, v) && code === NodeState.RUNNING) rearmMembers(state, groupState(state, v), out);
    else if (isFailedCode(code) && !isPassed(state, v)) rearmDeclared(state, v, out);
  }
}

/** Decided anew once its upstreams, which may be retried with it, have ended (R12). */
function rearmDeclared(state: RunState, node: number, out: Commands): void {
  setMark(state, node, Mark.RETRIED);
  if (isExpanded(state, node)) rearmMembers(state, groupState(state, node), out);
  again(state, node, out);
}

/** The plan tolerates the failure (R14). What was stopped from outside runs again, unless the plan has gone on since. */
function isPassed(state: RunState, node: number): boolean {
  if (!isToleratedFailure(state, node)) return false;
  const cause = state.cause[node];
  const stopped = cause === Cause.CANCEL || cause === Cause.RUN_TIMEOUT || cause === Cause.KILL;
  return !stopped || hasGoneOn(state, homeOf(state, node));
}

function hasGoneOn(state: RunState, node: number): boolean {
  const { downOffset, downTarget } = state.plan;
  for (let e = downOffset[node] as number; e < (downOffset[node + 1] as number); e++) {
    if (state.node[downTarget[e] as number] !== NodeState.PENDING) return true;
  }
  return false;
}

function rearm(state: RunState, node: number, out: Commands): void {
  const home = groupOf(state, node);
  setMark(state, node, Mark.RETRIED);
  state.operationOf[home >= 0 ? home : node] = OperationCode.RETRY;
  if (home >= 0) {
    reopenGroup(state, home, out);
    rearmMember(state, node, out);
  } else if (isExpanded(state, node) && isDecided(state, node)) {
    reopenGroup(state, node, out);
    rearmMembers(state, groupState(state, node), out);
  } else {
    again(state, node, out);
  }
}

/** The one node that was asked for runs again, whatever has become of its upstreams: its trigger was decided (R12). */
function startNow(state: RunState, node: number, out: Commands): void {
  if (!isExpanded(state, node) && isDecided(state, node)) makeReady(state, node, out);
}

/** A failed group goes on: what was said of its failure no longer holds. */
function reopenGroup(state: RunState, group: number, out: Commands): void {
  state.cause[group] = Cause.NONE;
  if (state.node[group] !== NodeState.FAILED) return;
  setNode(state, group, NodeState.RUNNING);
  out.push(Op.RESET, group);
}

/** FIRST_SUCCESS starts over with its first candidate; the other methods retry what failed. */
function rearmMembers(state: RunState, group: GroupState, out: Commands): void {
  const startsOver = group.split.method === MethodCode.FIRST_SUCCESS;
  for (let member = group.base; member < group.base + group.count; member++) {
    const code = state.node[member];
    const failed = isFailedCode(code);
    const passed = code === NodeState.COMPENSATED || code === NodeState.SKIPPED;
    if (startsOver ? failed || passed : failed && !isPassed(state, member)) again(state, member, out);
  }
}

/** A fresh round: the node waits for its turn, which its trigger decides; a candidate is undone first (R21). */
function again(state: RunState, node: number, out: Commands): void {
  state.operationOf[node] = OperationCode.RETRY;
  // What a compensation in vain has left, before the next candidate or between two attempts, must not stand beside another.
  if (state.node[node] !== NodeState.COMPENSATION_FAILED || !isCandidate(state, node)) {
    waitAgain(state, node, out);
    return;
  }
  state.purpose[node] = Purpose.RESTART;
  state.cause[node] = Cause.NONE;
  enqueueUndoRound(state, node);
}

/** One member, whatever holds its siblings: its group's trigger was decided and stays so (R12). */
function rearmMember(state: RunState, member: number, out: Commands): void {
  const group = groupState(state, groupOf(state, member));
  again(state, member, out);
  if (group.open < openLimit(group)) {
    letGo(state, group, member, out);
  } else {
    // No place in the group now: it comes when one is free, with whatever else waits there.
    setMark(state, group.node, Mark.RETRIED);
  }
}

/** After a partial rollback: everything undone, and every decision below it, is taken anew (R34, R35). */
function resetUndone(state: RunState, out: Commands): void {
  const below = undoneAndBelow(state);
  for (let v = 0; v < state.plan.size; v++) {
    if (below[v] === 0 || hasMark(state, v, Mark.BARRIER)) continue;
    if (isExpanded(state, v)) {
      const group = groupState(state, v);
      for (let m = group.base; m < group.base + group.count; m++) resetNode(state, m, out);
      if (group.split.count < 0) dissolve(state, group);
    }
    resetNode(state, v, out);
  }
  for (const { node } of state.plan.teardowns) {
    // One that was held before its turn ended was asked for its condition: what that read may be another thing now.
    if (state.node[node] !== NodeState.PENDING || hasMark(state, node, Mark.RESOLVED)) resetNode(state, node, out);
  }
}

/** A group whose list came from the run will expand again; its attempts go on counting (R43). */
function dissolve(state: RunState, group: GroupState): void {
  const index = state.plan.kinds.split[kindOf(state, group.node)] as number;
  for (let member = group.base; member < group.base + group.count; member++) {
    state.attemptFloor[index] = Math.max(state.attemptFloor[index] as number, state.attempt[member] as number);
    state.undoFloor[index] = Math.max(state.undoFloor[index] as number, undoAttemptOf(state, member));
  }
  state.groups[index] = undefined;
  state.members -= group.count;
}

function undoneAndBelow(state: RunState): Uint8Array {
  const undone: number[] = [];
  for (let node = 0; node < state.size; node++) {
    if (hasMark(state, node, Mark.UNDONE)) undone.push(homeOf(state, node));
  }
  return closure(undone, state.plan.downOffset, state.plan.downTarget, true);
}

/** skip: the node counts as done; a failed group is passed as a whole. */
export function skip(state: RunState, node: number, out: Commands): void {
  leaveRest(state, out);
  if (state.node[node] === NodeState.READY) dequeue(state, node);
  const home = groupOf(state, node);
  if (home >= 0) reopenGroup(state, home, out);
  skipNode(state, node, SkipCode.OPERATOR, out);
  state.operationOf[node] = OperationCode.SKIP;
  const group = expandedGroup(state, node);
  // Its members are what people see: they say that their group was passed.
  for (let i = 0; group !== undefined && i < group.count; i++) state.operationOf[group.base + i] = OperationCode.SKIP;
  state.done.clear();
  clearMark(state, node, Mark.FINISHED);
  recount(state, out);
}

/** cancel: one node, a group's members, or the run. */
export function cancel(state: RunState, node: number, out: Commands): void {
  if (node === WHOLE_RUN) {
    state.canceling = true;
    state.operation = OperationCode.CANCEL;
    holdReady(state, out);
    stopRunning(state, Cause.CANCEL, out);
    return;
  }
  if (!isExpanded(state, node)) {
    cancelOne(state, node, out);
    return;
  }
  const group = groupState(state, node);
  state.cause[node] = Cause.CANCEL;
  state.operationOf[node] = OperationCode.CANCEL;
  for (let member = group.base; member < group.base + group.count; member++) cancelOne(state, member, out);
  endGroup(state, group, out);
}

function cancelOne(state: RunState, node: number, out: Commands): void {
  const code = state.node[node];
  if (code === NodeState.RUNNING || code === NodeState.CANCELING) abortAttempt(state, node, Cause.CANCEL, out);
  else if (code === NodeState.READY) failReady(state, node, Cause.CANCEL, out);
  else if (code === NodeState.COMPENSATING && state.purpose[node] === Purpose.RETRY) {
    // Being undone for the next attempt: that one does not come any more.
    state.cause[node] = Cause.CANCEL;
    state.operationOf[node] = OperationCode.CANCEL;
  }
}
