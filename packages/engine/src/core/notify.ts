/**
 * News for downstreams: counters only, no decision and no recursion. A node whose counters changed is queued in
 * `undecided`; `flow.ts` decides it. Cost: one pass over the downstream edges per news, so m members and n neighbours
 * cost m + n (R22).
 */
import type { RunState } from "./state.ts";

/** A first member of the group, or the node itself, succeeded. */
export function noteSuccess(state: RunState, node: number): void {
  bump(state, node, state.succeeded, 1);
}

/** A first member of the group, or the node itself, failed. */
export function noteFailure(state: RunState, node: number): void {
  bump(state, node, state.failed, 1);
}

/** The node ended. */
export function noteEnd(state: RunState, node: number, end: { spared: boolean; blocking: boolean }): void {
  bump(state, node, state.waiting, -1);
  if (end.spared) bump(state, node, state.spared, 1);
  if (end.blocking) bump(state, node, state.blocking, 1);
}

function bump(state: RunState, node: number, counter: Int32Array, by: number): void {
  const { downOffset, downTarget } = state.plan;
  const end = downOffset[node + 1] as number;
  for (let e = downOffset[node] as number; e < end; e++) {
    const downstream = downTarget[e] as number;
    counter[downstream] = (counter[downstream] as number) + by;
    state.undecided.push(downstream);
  }
}
