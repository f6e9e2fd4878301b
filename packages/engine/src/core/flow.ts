/**
 * The forward flow: what the end of a node means for others, and what a node does once its upstreams are known (R10,
 * R12, R14). Owns: the two work queues of the state and their draining; no recursion, so a chain of any depth is fine.
 */
import { NodeFlag } from "../plan/compiled.ts";
import { askToResolve, isDecided, makeReady, mayStart, skipNode } from "./admit.ts";
import { invariant } from "./assert.ts";
import { failNode } from "./attempt.ts";
import type { Commands } from "./command.ts";
import { spreadFailure } from "./failure.ts";
import { createMembers, endGroup, hasNotedFailure, memberDone, passRest, startGroup } from "./group.ts";
import { NodeState } from "./node-state.ts";
import { noteEnd, noteFailure, noteSuccess } from "./notify.ts";
import {
  clearMark,
  expandedGroup,
  groupState,
  hasFlag,
  hasMark,
  isExpanded,
  isFailed,
  isGroup,
  Mark,
  type RunState,
  SkipCode,
  setMark,
} from "./state.ts";
import { decideTrigger, type TriggerVerdict } from "./trigger.ts";

/** Tells every end and decides every node it concerns, until nothing is left to tell. */
export function drainForward(state: RunState, out: Commands): void {
  const { done, undecided } = state;
  let told = 0;
  let decided = 0;
  for (;;) {
    if (told < done.length) {
      const node = done[told++] as number;
      if ((state.groupOf[node] as number) >= 0) memberDone(state, node, out);
      else tellEnd(state, node, out);
    } else if (decided < undecided.length) {
      decide(state, undecided[decided++] as number, out);
    } else {
      break;
    }
  }
  // To empty a list costs as much as to decide a node, even when it is empty.
  if (told > 0) done.length = 0;
  if (decided > 0) undecided.length = 0;
}

/** A declared node, or a group as a whole, ended. */
function tellEnd(state: RunState, node: number, out: Commands): void {
  invariant(!hasMark(state, node, Mark.FINISHED), "R10: the end of a node is told twice");
  setMark(state, node, Mark.FINISHED);
  clearMark(state, node, Mark.RETRIED);
  state.finished++;
  if (isFailed(state, node) && !expandedGroup(state, node)?.failing) spreadFailure(state, node, out);
  noteOutcome(state, node);
}

/** Tells downstreams of an end; what a group's members have told already is not told again. */
export function noteOutcome(state: RunState, node: number): void {
  const end = endOf(state, node);
  const group = expandedGroup(state, node);
  if (end.failed && !(group && hasNotedFailure(group))) noteFailure(state, node);
  if (!group && state.node[node] === NodeState.SUCCESSFUL) noteSuccess(state, node);
  noteEnd(state, node, end);
}

/** What the end of a declared node counts as (R12). */
function endOf(state: RunState, node: number): { failed: boolean; spared: boolean; blocking: boolean } {
  const failed = isFailed(state, node);
  const blocking = failed && !hasFlag(state, node, NodeFlag.TOLERATE_FAILURE);
  if (!failed || !isExpanded(state, node)) return { failed, spared: !failed, blocking };
  const group = groupState(state, node);
  // A group that failed without a failed member failed as a whole: its condition could not be evaluated.
  return { failed, spared: group.failed > 0 && group.failed < group.count, blocking };
}

function verdictOf(state: RunState, node: number): TriggerVerdict {
  const { plan } = state;
  return decideTrigger(plan.trigger[node] as number, {
    total: (plan.upOffset[node + 1] as number) - (plan.upOffset[node] as number),
    waiting: state.waiting[node] as number,
    succeeded: state.succeeded[node] as number,
    failed: state.failed[node] as number,
    spared: state.spared[node] as number,
    blocking: state.blocking[node] as number,
  });
}

/** Looks at a declared PENDING node: starts, skips or holds it, or leaves it waiting. A group under way may end. */
export function decide(state: RunState, node: number, out: Commands): void {
  if (isExpanded(state, node)) endGroup(state, groupState(state, node), out);
  if (state.node[node] !== NodeState.PENDING || hasMark(state, node, Mark.RESOLVING)) return;
  const verdict = verdictOf(state, node);
  if (verdict === "wait" || verdict === "blocked") return;
  if (!mayStart(state, node)) return;
  if (verdict === "never") {
    // A candidate of a group that starts over is still being undone: what comes of it decides first.
    if ((expandedGroup(state, node)?.open ?? 0) === 0) skipNode(state, node, SkipCode.UPSTREAM, out);
  } else admit(state, node, out);
}

function admit(state: RunState, node: number, out: Commands): void {
  if (!isDecided(state, node)) askToResolve(state, node, out);
  else if (isGroup(state, node)) startGroup(state, node, out);
  else makeReady(state, node, out);
}

/** The host's answer to RESOLVE. */
export function resolved(
  state: RunState,
  answer: { node: number; verdict: "run" | "skip" | "fail"; members: number },
  out: Commands,
): void {
  const { node, verdict, members } = answer;
  if (!hasMark(state, node, Mark.RESOLVING)) return;
  clearMark(state, node, Mark.RESOLVING);
  state.resolving--;
  const isMember = (state.groupOf[node] as number) >= 0;
  if (verdict === "fail") {
    if (isExpanded(state, node)) passRest(state, groupState(state, node), out);
    failNode(state, node, out);
    return;
  }
  setMark(state, node, Mark.RESOLVED);
  if (verdict === "skip") skipNode(state, node, SkipCode.CONDITION, out);
  else if (isMember) readyOrHold(state, node, out);
  else if (isGroup(state, node)) resolvedGroup(state, node, members, out);
  else decide(state, node, out);
}

/** A failure may have come while the member's condition was evaluated. */
function readyOrHold(state: RunState, member: number, out: Commands): void {
  if (mayStart(state, member)) {
    makeReady(state, member, out);
    return;
  }
  const group = groupState(state, state.groupOf[member] as number);
  group.open--;
  endGroup(state, group, out);
}

function resolvedGroup(state: RunState, node: number, members: number, out: Commands): void {
  if (!isExpanded(state, node)) createMembers(state, node, members, out);
  if (mayStart(state, node)) startGroup(state, node, out);
}
