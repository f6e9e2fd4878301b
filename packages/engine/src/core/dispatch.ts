/**
 * Dispatch (R11, R41): a grant of slots starts the best queued nodes of a pool. The host asks for slots while `demand`
 * is positive; nothing is queued that may not start, so a grant always takes the top of the heap.
 */

import { dequeue } from "./admit.ts";
import { startAttempt } from "./attempt.ts";
import type { Commands } from "./command.ts";
import { NodeState } from "./node-state.ts";
import type { ReadyQueue } from "./ready-queue.ts";
import { hasMark, Mark, type RunState } from "./state.ts";
import { startUndo } from "./undo.ts";

/** How many nodes of a pool wait for a slot; 0 while the run is paused (R37). */
export function demand(state: RunState, pool: number): number {
  return state.status === "RUNNING" || state.status === "ROLLING_BACK" ? (state.queued[pool] as number) : 0;
}

/** Starts up to `count` nodes; answers how many slots were not used. */
export function grant(state: RunState, slots: { pool: number; count: number }, out: Commands): number {
  const queue = state.queues[slots.pool] as ReadyQueue;
  let left = slots.count;
  while (left > 0 && demand(state, slots.pool) > 0) {
    const node = queue.pop();
    // An entry that was taken back does not stand for a later one of the other kind, which has a place of its own (R11).
    const undo = queue.key < 0;
    if (undo && hasMark(state, node, Mark.UNDO_QUEUED)) {
      dequeue(state, node, Mark.UNDO_QUEUED);
      startUndo(state, node, out);
      left--;
    } else if (!undo && hasMark(state, node, Mark.QUEUED) && state.node[node] === NodeState.READY) {
      dequeue(state, node);
      startAttempt(state, node, out);
      left--;
    }
  }
  return left;
}
