/**
 * Back to PENDING: a node that is decided again (R34, R37). Owns: what of its past is forgotten and what still counts.
 */
import { Cause, type Commands, Op } from "./command.ts";
import { OutcomeCode } from "./input.ts";
import { roundsOf } from "./layout.ts";
import { NodeState } from "./node-state.ts";
import { clearMark, hasMark, Mark, OperationCode, Purpose, type RunState, SkipCode, setNode } from "./state.ts";

/** Back to PENDING, as if it had never started; attempt numbers go on (R25). */
export function resetNode(state: RunState, node: number, out: Commands): void {
  clearMark(state, node, Mark.STARTED | Mark.RESOLVED);
  waitAgain(state, node, out);
}

/** Back to PENDING for a fresh round of attempts; what its earlier attempts did still counts for a rollback (R30). */
export function waitAgain(state: RunState, node: number, out: Commands): void {
  if (state.node[node] !== NodeState.PENDING) setNode(state, node, NodeState.PENDING);
  clearMark(state, node, Mark.UNDONE | Mark.FINISHED);
  beginRound(state, node);
  if (!hasMark(state, node, Mark.STARTED)) state.outcome[node] = OutcomeCode.NONE;
  state.cause[node] = Cause.NONE;
  state.purpose[node] = Purpose.NONE;
  state.skipReason[node] = SkipCode.NONE;
  state.operationOf[node] = OperationCode.RETRY;
  out.push(Op.RESET, node, hasMark(state, node, Mark.STARTED) ? 1 : 0);
}

/** The attempts that follow are counted from here (R25). */
function beginRound(state: RunState, node: number): void {
  const attempt = state.attempt[node] as number;
  if (attempt > 0) roundsOf(state).start[node] = attempt;
}
