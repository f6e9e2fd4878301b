/**
 * News for downstreams: counters only, no decision and no recursion. A node that may be decided now is queued in
 * `undecided`; `flow.ts` decides it. Cost: one pass over the downstream edges per news, so m members and n neighbours
 * cost m + n (R22); where every trigger is `all_succeeded`, one counter is kept and a node whose upstreams succeed is
 * looked at once.
 */
import { blockingOf } from "./layout.ts";
import type { RunState } from "./state.ts";

/** What the end of a node counts as, as bits (R12). */
export const End = {
  /** It succeeded, and downstreams were not told before. */
  SUCCEEDED: 1,
  /** It failed, and downstreams were not told before. */
  FAILED: 2,
  /** Not everything in it failed. */
  SPARED: 4,
  /** Its failure fails the run. */
  BLOCKING: 8,
} as const;

/** A first member of the group succeeded. */
export function noteSuccess(state: RunState, node: number): void {
  if (!state.plan.onlyAllSucceeded) bump(state, node, state.succeeded);
}

/** A first member of the group failed. */
export function noteFailure(state: RunState, node: number): void {
  if (!state.plan.onlyAllSucceeded) bump(state, node, state.failed);
}

/** The node ended. */
export function noteEnd(state: RunState, node: number, end: number): void {
  const { plan, waiting, undecided } = state;
  if ((end & End.BLOCKING) !== 0) bump(state, node, blockingOf(state));
  if (!plan.onlyAllSucceeded) count(state, node, end);
  const { downOffset, downTarget } = plan;
  const last = downOffset[node + 1] as number;
  for (let e = downOffset[node] as number; e < last; e++) {
    const downstream = downTarget[e] as number;
    const left = (waiting[downstream] as number) - 1;
    waiting[downstream] = left;
    // Whether others are waited for is all that is asked of this counter; who bumps another has the node looked at as well.
    if (left === 0) undecided.push(downstream);
  }
}

/** What triggers beside `all_succeeded` ask for. */
function count(state: RunState, node: number, end: number): void {
  if ((end & End.SUCCEEDED) !== 0) bump(state, node, state.succeeded);
  if ((end & End.FAILED) !== 0) bump(state, node, state.failed);
  if ((end & End.SPARED) !== 0) bump(state, node, state.spared);
}

function bump(state: RunState, node: number, counter: Int32Array): void {
  const { downOffset, downTarget } = state.plan;
  const end = downOffset[node + 1] as number;
  for (let e = downOffset[node] as number; e < end; e++) {
    const downstream = downTarget[e] as number;
    counter[downstream] = (counter[downstream] as number) + 1;
    state.undecided.push(downstream);
  }
}
