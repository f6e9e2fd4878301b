/**
 * Recounting: after an operator's verb (retry, skip) every counter of the forward flow is derived anew from the nodes'
 * states, so no verb has to take back what an earlier failure had told. Cost: one pass over nodes and edges per verb.
 */
import { MethodCode, NodeFlag } from "../plan/compiled.ts";
import { Cause, type Commands } from "./command.ts";
import { decide, noteOutcome } from "./flow.ts";
import { endGroup, hasFailed, hasNotedFailure, releaseMembers } from "./group.ts";
import { NodeState } from "./node-state.ts";
import { noteFailure, noteSuccess } from "./notify.ts";
import {
  clearMark,
  expandedGroup,
  type GroupState,
  groupState,
  hasFlag,
  hasMark,
  isExpanded,
  isFailed,
  isFinished,
  Mark,
  Purpose,
  type RunState,
  setMark,
  upstreamsOf,
} from "./state.ts";

/** Derives counters and failures, then lets everything go on that may. */
export function recount(state: RunState, out: Commands): void {
  const { plan } = state;
  state.failures = 0;
  state.finished = 0;
  for (const counter of [state.succeeded, state.failed, state.spared, state.blocking]) counter.fill(0);
  for (const group of state.groups) if (group !== undefined) recountGroup(state, group);
  for (let v = 0; v < plan.size; v++) {
    state.waiting[v] = upstreamsOf(plan, v);
    clearMark(state, v, Mark.FINISHED);
  }
  for (let v = 0; v < plan.size; v++) retell(state, v);
  state.undecided.clear();
  goOn(state, out);
}

function recountGroup(state: RunState, group: GroupState): void {
  group.next = 0;
  group.open = 0;
  group.succeeded = 0;
  group.failed = 0;
  group.skipped = 0;
  group.stuck = 0;
  for (let member = group.base; member < group.base + group.count; member++) {
    const code = state.node[member];
    if (code === NodeState.SUCCESSFUL) group.succeeded++;
    else if (code === NodeState.SKIPPED) group.skipped++;
    else if (code === NodeState.COMPENSATED || isFailed(state, member)) group.failed++;
    else if (code !== NodeState.PENDING || hasMark(state, member, Mark.RESOLVING)) group.open++;
    if (code === NodeState.COMPENSATION_FAILED && isFailed(state, member)) group.stuck++;
  }
  // Whether a candidate is left to try must not wait for the present one to end (R21).
  while (group.next < group.count && !isWaiting(state, group.base + group.next)) group.next++;
  const stopped = state.cause[group.node] === Cause.CANCEL && state.node[group.node] === NodeState.FAILED;
  // A failure that comes only now, by a skip, is spread like any other: `endGroup` sees to it.
  const anew = state.node[group.node] === NodeState.PENDING;
  group.failing = group.failing && !anew && (hasFailed(group) || stopped || isLost(state, group));
}

/** A member that was not let go yet. */
function isWaiting(state: RunState, member: number): boolean {
  return state.node[member] === NodeState.PENDING && !hasMark(state, member, Mark.RESOLVING);
}

/** FIRST_SUCCESS: nobody is left who could succeed; the last candidate is only being undone, and not to be tried again. */
function isLost(state: RunState, group: GroupState): boolean {
  if (group.split.method !== MethodCode.FIRST_SUCCESS || group.succeeded > 0) return false;
  for (let member = group.base; member < group.base + group.count; member++) {
    const code = state.node[member];
    const waits = code === NodeState.PENDING || code === NodeState.READY || state.purpose[member] === Purpose.RESTART;
    if (waits || code === NodeState.RUNNING || code === NodeState.CANCELING) return false;
  }
  return true;
}

/** Tells downstreams again what a declared node has come to. */
function retell(state: RunState, node: number): void {
  const group = expandedGroup(state, node);
  if (group && group.succeeded > 0) noteSuccess(state, node);
  if (group && hasNotedFailure(group)) noteFailure(state, node);
  const failing = isFailed(state, node) || (group?.failing === true && state.node[node] === NodeState.RUNNING);
  if (failing && !hasFlag(state, node, NodeFlag.TOLERATE_FAILURE)) state.failures++;
  if (!isFinished(state, node)) return;
  setMark(state, node, Mark.FINISHED);
  state.finished++;
  noteOutcome(state, node);
}

/** Everything that waits is looked at again, in the order of the plan. */
function goOn(state: RunState, out: Commands): void {
  for (let v = 0; v < state.plan.size; v++) {
    if (state.node[v] === NodeState.PENDING) decide(state, v, out);
    if (state.node[v] !== NodeState.RUNNING || !isExpanded(state, v)) continue;
    const group = groupState(state, v);
    releaseMembers(state, group, out);
    endGroup(state, group, out);
  }
}
