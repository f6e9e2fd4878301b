/**
 * The forward flow: what the end of a node means for others, and what a node does once its upstreams are known (R10,
 * R12, R14). Owns: the two work queues of the state and their draining; no recursion, so a chain of any depth is fine.
 */
import { NodeFlag as NodeFlagTable, TriggerCode as TriggerCodeTable } from "../plan/compiled.ts";
import { askToResolve, isDecided, makeReady, mayStart, skipNode } from "./admit.ts";
import { invariant } from "./assert.ts";
import { failNode } from "./attempt.ts";
import type { Commands } from "./command.ts";
import { spreadFailure } from "./failure.ts";
import { createMembers, endGroup, hasNotedFailure, memberDone, passRest, startGroup } from "./group.ts";
import { NodeState as NodeStateTable } from "./node-state.ts";
import { End as EndTable, noteEnd } from "./notify.ts";
import {
  clearMark,
  expandedGroup,
  groupOf,
  groupState,
  hasFlag,
  hasMark,
  isExpanded,
  isFailed,
  isGroup,
  Mark as MarkTable,
  type RunState,
  SkipCode as SkipCodeTable,
  setMark,
  triggerOf,
  upstreamsOf,
} from "./state.ts";
import { decideAllSucceeded, decideTrigger, type TriggerVerdict } from "./trigger.ts";

// Constants of this module: what is imported is looked up and checked anew at every use.
const NodeFlag = NodeFlagTable;
const TriggerCode = TriggerCodeTable;
const NodeState = NodeStateTable;
const End = EndTable;
const Mark = MarkTable;
const SkipCode = SkipCodeTable;

/** Tells every end and decides every node it concerns, until nothing is left to tell. */
export function drainForward(state: RunState, out: Commands): void {
  const { done, undecided } = state;
  let told = 0;
  let decided = 0;
  for (;;) {
    if (told < done.length) {
      const node = done.at(told++);
      if (node >= state.plan.size) memberDone(state, node, out);
      else tellEnd(state, node, out);
    } else if (decided < undecided.length) {
      decide(state, undecided.at(decided++), out);
    } else {
      break;
    }
  }
  done.clear();
  undecided.clear();
}

/** A declared node, or a group as a whole, ended. */
function tellEnd(state: RunState, node: number, out: Commands): void {
  const marks = state.marks[node] as number;
  invariant((marks & Mark.FINISHED) === 0, "R10: the end of a node is told twice");
  state.marks[node] = (marks | Mark.FINISHED) & ~Mark.RETRIED;
  state.finished++;
  if (isFailed(state, node) && !expandedGroup(state, node)?.failing) spreadFailure(state, node, out);
  noteOutcome(state, node);
}

/** Tells downstreams of an end; what a group's members have told already is not told again. */
export function noteOutcome(state: RunState, node: number): void {
  noteEnd(state, node, endOf(state, node));
}

/** What the end of a declared node counts as (R12). */
function endOf(state: RunState, node: number): number {
  const group = expandedGroup(state, node);
  if (!isFailed(state, node)) {
    const told = group !== undefined || state.node[node] !== NodeState.SUCCESSFUL;
    return told ? End.SPARED : End.SPARED | End.SUCCEEDED;
  }
  const blocking = hasFlag(state, node, NodeFlag.TOLERATE_FAILURE) ? 0 : End.BLOCKING;
  if (group === undefined) return blocking | End.FAILED;
  // A group that failed without a failed member failed as a whole: its condition could not be evaluated.
  const spared = group.failed > 0 && group.failed < group.count ? End.SPARED : 0;
  return blocking | spared | (hasNotedFailure(group) ? 0 : End.FAILED);
}

function verdictOf(state: RunState, node: number): TriggerVerdict {
  const waiting = state.waiting[node] as number;
  const blocking = state.blocking.length === 0 ? 0 : (state.blocking[node] as number);
  const trigger = state.plan.onlyAllSucceeded ? TriggerCode.ALL_SUCCEEDED : triggerOf(state, node);
  if (trigger === TriggerCode.ALL_SUCCEEDED) return decideAllSucceeded(waiting, blocking);
  return decideTrigger(trigger, {
    total: upstreamsOf(state.plan, node),
    waiting,
    succeeded: state.succeeded[node] as number,
    failed: state.failed[node] as number,
    spared: state.spared[node] as number,
    blocking,
  });
}

/** Looks at a declared PENDING node: starts, skips or holds it, or leaves it waiting. A group under way may end. */
export function decide(state: RunState, node: number, out: Commands): void {
  const group = expandedGroup(state, node);
  if (group !== undefined) endGroup(state, group, out);
  if (state.node[node] !== NodeState.PENDING || hasMark(state, node, Mark.RESOLVING)) return;
  const verdict = verdictOf(state, node);
  if (verdict === "wait" || verdict === "blocked" || !mayStart(state, node)) return;
  if (verdict === "never") {
    // A candidate of a group that starts over is still being undone: what comes of it decides first.
    if (group === undefined || group.open === 0) skipNode(state, node, SkipCode.UPSTREAM, out);
  } else if (!isDecided(state, node)) {
    askToResolve(state, node, out);
  } else if (isGroup(state, node)) startGroup(state, node, out);
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
  const isMember = groupOf(state, node) >= 0;
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
  const group = groupState(state, groupOf(state, member));
  group.open--;
  endGroup(state, group, out);
}

function resolvedGroup(state: RunState, node: number, members: number, out: Commands): void {
  if (!isExpanded(state, node)) createMembers(state, node, members, out);
  if (mayStart(state, node)) startGroup(state, node, out);
}
