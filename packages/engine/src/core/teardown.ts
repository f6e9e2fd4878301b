/**
 * Teardowns (`always`, R2): nodes that run when the run is about to be SUCCESSFUL, or its rollback to be ROLLED_BACK. Owns:
 * when that phase begins and which teardowns take part. Within it they are decided, dispatched and retried like any node.
 *
 * T1: a rest is no end: FAILED, CANCELED, PAUSED, PARTIALLY_ROLLED_BACK and ROLLBACK_FAILED tear nothing down.
 * T2: a teardown runs only if one of its setup nodes has ever started; one that succeeded runs again only after a
 *     partial rollback from which the run goes forward again.
 * T3: no failure holds a teardown, and its own failure never starts a rollback.
 * Cost: one pass over teardowns, their edges and their setups per phase.
 */
import { NodeFlag } from "../plan/compiled.ts";
import { skipNode } from "./admit.ts";
import type { Commands } from "./command.ts";
import { decide, noteOutcome } from "./flow.ts";
import { isFailedCode, NodeState } from "./node-state.ts";
import { resetNode } from "./reset.ts";
import {
  expandedGroup,
  hasFlag,
  isFinished,
  kindOf,
  Mark,
  type RunState,
  SkipCode,
  setMark,
  upstreamsOf,
} from "./state.ts";

/** Whether every ordinary node has ended well and the teardowns have not had their turn. */
export function awaitsTeardown(state: RunState): boolean {
  const { plan } = state;
  if (state.tearingDown || plan.teardowns.length === 0 || state.failures > 0) return false;
  if (state.canceling || state.timedOut) return false;
  let open = 0;
  for (const { node } of plan.teardowns) if (!isFinished(state, node)) open++;
  return state.finished + open === plan.size;
}

/** After a retry that lets an ordinary node run again: the end is not near any more, and what was not needed may be. */
export function leaveTeardown(state: RunState, out: Commands): void {
  if (!state.tearingDown || isAllElseFinished(state)) return;
  state.tearingDown = false;
  for (const { node } of state.plan.teardowns) {
    if (state.node[node] === NodeState.SKIPPED && state.skipReason[node] === SkipCode.UPSTREAM)
      resetNode(state, node, out);
  }
}

function isAllElseFinished(state: RunState): boolean {
  for (let v = 0; v < state.plan.size; v++) {
    if (!hasFlag(state, v, NodeFlag.TEARDOWN) && !isFinished(state, v)) return false;
  }
  return true;
}

/** Begins the phase: failed teardowns of an earlier one run again, those with nothing to tear down are SKIPPED. */
export function beginTeardown(state: RunState, out: Commands): void {
  const { teardowns } = state.plan;
  state.tearingDown = true;
  for (const { node } of teardowns) {
    if (!isFailedCode(state.node[node])) continue;
    if (!hasFlag(state, node, NodeFlag.TOLERATE_FAILURE)) state.failures--;
    state.finished--;
    resetNode(state, node, out);
  }
  tellAgain(state);
  for (const { node, setups } of teardowns) {
    if (state.node[node] !== NodeState.PENDING) continue;
    if (setups.some((setup) => hasEverStarted(state, setup))) decide(state, node, out);
    else skipNode(state, node, SkipCode.UPSTREAM, out);
  }
}

/** Counters of teardowns from their states: their edges are among themselves, so nobody else is concerned. */
function tellAgain(state: RunState): void {
  const { plan } = state;
  const { teardowns } = plan;
  for (const { node } of teardowns) {
    state.waiting[node] = upstreamsOf(plan, node);
    for (const counter of [state.succeeded, state.failed, state.spared, state.blocking])
      counter.fill(0, node, node + 1);
  }
  for (const { node } of teardowns) {
    if (!isFinished(state, node)) continue;
    setMark(state, node, Mark.FINISHED);
    noteOutcome(state, node);
  }
}

/** An attempt of the node, or of a member it has or had, was dispatched in this run, undone since or not. */
function hasEverStarted(state: RunState, node: number): boolean {
  if ((state.attempt[node] as number) > 0) return true;
  if (!hasFlag(state, node, NodeFlag.GROUP)) return false;
  if ((state.attemptFloor[state.plan.kinds.split[kindOf(state, node)] as number] as number) > 0) return true;
  const group = expandedGroup(state, node);
  for (let i = 0; group !== undefined && i < group.count; i++) {
    if ((state.attempt[group.base + i] as number) > 0) return true;
  }
  return false;
}

/** A teardown has failed and the plan does not tolerate it: the rollback has not ended. */
export function hasFailedTeardown(state: RunState): boolean {
  return state.plan.teardowns.some(
    ({ node }) => isFailedCode(state.node[node]) && !hasFlag(state, node, NodeFlag.TOLERATE_FAILURE),
  );
}
