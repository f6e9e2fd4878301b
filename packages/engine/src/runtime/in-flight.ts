/** Whether a call is under way by the core's state, and whether it was asked to let go. Owns: reading that of states and marks. */
import { hasMark, Mark, NodeState, type RunState, undoAttemptOf } from "../core/index.ts";

/** An attempt of a node, or of its compensation, which counts its own. */
export interface CalledAttempt {
  readonly node: number;
  readonly attempt: number;
  readonly undo: boolean;
}

/** It was dispatched and has not ended. */
export function isInFlight(state: RunState, { node, attempt, undo }: CalledAttempt): boolean {
  const code = state.node[node];
  if (!undo) return state.attempt[node] === attempt && (code === NodeState.RUNNING || code === NodeState.CANCELING);
  const waits = hasMark(state, node, Mark.UNDO_QUEUED | Mark.UNDO_BACKOFF);
  return undoAttemptOf(state, node) === attempt && code === NodeState.COMPENSATING && !waits;
}

/** Of one in flight: it was asked to let go. */
export function isAborting(state: RunState, { node, undo }: CalledAttempt): boolean {
  return undo ? hasMark(state, node, Mark.UNDO_ABORTING) : state.node[node] === NodeState.CANCELING;
}
