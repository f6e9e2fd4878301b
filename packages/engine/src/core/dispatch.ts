/**
 * Dispatch (R11, R41): a grant of slots starts the best queued nodes of a pool. The host asks for slots while `demand`
 * is positive; nothing is queued that may not start, so a grant always takes the top of the heap.
 */
import { leaveQueue } from "./admit.ts";
import { startAttempt } from "./attempt.ts";
import type { Commands } from "./command.ts";
import type { ReadyQueue } from "./ready-queue.ts";
import { groupState, Mark as MarkTable, type RunState } from "./state.ts";
import { startUndo } from "./undo.ts";

// Constants of this module: what is imported is looked up and checked anew at every use.
const Mark = MarkTable;

/** How many nodes of a pool wait for a slot; 0 while the run is paused (R37). */
export function demand(state: RunState, pool: number): number {
  if (state.queued === 0) return 0;
  const moves = state.status === "RUNNING" || state.status === "ROLLING_BACK";
  return moves ? (state.queues[pool]?.size ?? 0) : 0;
}

/** Starts up to `count` nodes; answers how many slots were not used. */
export function grant(
  state: RunState,
  slots: { readonly pool: number; readonly count: number },
  out: Commands,
): number {
  const queue = state.queues[slots.pool] as ReadyQueue;
  let left = slots.count;
  while (left > 0 && demand(state, slots.pool) > 0) {
    queue.pop();
    const home = state.plan.order[queue.rank] as number;
    const node = queue.member < 0 ? home : groupState(state, home).base + queue.member;
    leaveQueue(state, node, queue.undo ? Mark.UNDO_QUEUED : Mark.QUEUED);
    if (queue.undo) startUndo(state, node, out);
    else startAttempt(state, node, out);
    left--;
  }
  return left;
}
