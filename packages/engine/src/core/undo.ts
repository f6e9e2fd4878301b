/**
 * Attempts of compensations (R31, R32): dispatch, their ends, retries, timeouts. The same rules as forward attempts,
 * with a budget and deadlines of their own; an aborted or failed one counts as "not undone".
 * Does not own: which nodes are undone and in which order (`rollback.ts`, `group.ts`).
 */
import { enqueueUndo } from "./admit.ts";
import { clearDeadline, resumeRetry, undoPolicyOf } from "./attempt.ts";
import { Cause, type Commands, Deadline, Op } from "./command.ts";
import { type Answer, OutcomeCode } from "./input.ts";
import { roundsOf } from "./layout.ts";
import { NodeState } from "./node-state.ts";
import { retryDelayMs } from "./retry.ts";
import {
  clearMark,
  hasMark,
  kindOf,
  Mark,
  Purpose,
  poolOf,
  type RunState,
  setMark,
  setNode,
  undoAttemptOf,
  useSlot,
} from "./state.ts";

/** A compensation gets its slot. */
export function startUndo(state: RunState, node: number, out: Commands): void {
  if (state.node[node] !== NodeState.COMPENSATING) setNode(state, node, NodeState.COMPENSATING);
  const { undoAttempt } = roundsOf(state);
  const attempt = (undoAttempt[node] as number) + 1;
  undoAttempt[node] = attempt;
  state.undoing++;
  useSlot(state, poolOf(state, node), 1);
  out.push(Op.COMPENSATE, node, attempt);
  const timeoutMs = state.plan.kinds.compensationTimeoutMs[kindOf(state, node)] as number;
  if (timeoutMs > 0) out.push(Op.ARM, node, attempt, Deadline.COMPENSATION, out.now + timeoutMs);
}

/** The compensation answered. */
export function undoAnswered(state: RunState, answer: Answer, done: boolean, out: Commands): void {
  const { node, attempt } = answer;
  const live = undoAttemptOf(state, node) === attempt && hasUndoInFlight(state, node);
  if (!live) {
    out.push(Op.LATE, node, attempt, done ? OutcomeCode.SUCCEEDED : OutcomeCode.FAILED);
    return;
  }
  const aborted = hasMark(state, node, Mark.UNDO_ABORTING);
  if (aborted && done) out.push(Op.LATE, node, attempt, OutcomeCode.SUCCEEDED);
  endUndo(state, node, out);
  if (done && !aborted) conclude(state, node, out);
  else retryOrGiveUp(state, node, aborted || answer.retryable === true, out);
}

function hasUndoInFlight(state: RunState, node: number): boolean {
  return (
    state.node[node] === NodeState.COMPENSATING &&
    !hasMark(state, node, Mark.UNDO_QUEUED) &&
    !hasMark(state, node, Mark.UNDO_BACKOFF)
  );
}

function endUndo(state: RunState, node: number, out: Commands): void {
  state.undoing--;
  useSlot(state, poolOf(state, node), -1);
  if ((state.plan.kinds.compensationTimeoutMs[kindOf(state, node)] as number) > 0) {
    out.push(Op.DISARM, node, 0, Deadline.COMPENSATION);
  }
  if (hasMark(state, node, Mark.UNDO_ABORTING)) {
    clearMark(state, node, Mark.UNDO_ABORTING);
    out.push(Op.DISARM, node, 0, Deadline.COMPENSATION_GRACE);
  }
}

/** The node is undone; what follows depends on what it was undone for. */
function conclude(state: RunState, node: number, out: Commands): void {
  const purpose = state.purpose[node];
  clearMark(state, node, Mark.STARTED);
  out.push(Op.COMPENSATED, node, undoAttemptOf(state, node));
  if (purpose === Purpose.RETRY) {
    setNode(state, node, NodeState.READY);
    state.purpose[node] = Purpose.NONE;
    resumeRetry(state, node, out);
    return;
  }
  setNode(state, node, NodeState.COMPENSATED);
  if (purpose === Purpose.ROLLBACK) setMark(state, node, Mark.UNDONE);
  state.done.push(node);
}

function retryOrGiveUp(state: RunState, node: number, retryable: boolean, out: Commands): void {
  const policy = undoPolicyOf(state, node);
  const attempt = undoAttemptOf(state, node);
  const used = attempt - (roundsOf(state).undoStart[node] as number);
  if (retryable && used < policy.maxAttempts) {
    const delayMs = retryDelayMs(policy, used, [state.settings.seed, ~node, attempt]);
    out.push(Op.UNDO_RETRYING, node, attempt, 0, delayMs);
    if (delayMs <= 0) {
      enqueueUndo(state, node);
      return;
    }
    setMark(state, node, Mark.UNDO_BACKOFF);
    state.backoff++;
    out.push(Op.ARM, node, attempt, Deadline.COMPENSATION_BACKOFF, out.now + delayMs);
    return;
  }
  setNode(state, node, NodeState.COMPENSATION_FAILED);
  if (state.purpose[node] === Purpose.ROLLBACK) state.undoFailures++;
  if (state.purpose[node] === Purpose.RETRY) clearDeadline(state, node, Deadline.TOTAL, out);
  out.push(Op.UNDO_FAILED, node, attempt);
  state.done.push(node);
}

/** A deadline of a compensation passed; a token of another attempt changes nothing. */
export function undoDue(state: RunState, due: { kind: number; node: number; token: number }, out: Commands): void {
  const { kind, node, token } = due;
  if (undoAttemptOf(state, node) !== token) return;
  if (kind === Deadline.COMPENSATION_BACKOFF) {
    if (!hasMark(state, node, Mark.UNDO_BACKOFF)) return;
    clearMark(state, node, Mark.UNDO_BACKOFF);
    state.backoff--;
    enqueueUndo(state, node);
    return;
  }
  if (!hasUndoInFlight(state, node)) return;
  if (kind === Deadline.COMPENSATION && !hasMark(state, node, Mark.UNDO_ABORTING)) {
    setMark(state, node, Mark.UNDO_ABORTING);
    out.push(Op.ABORT, node, Cause.TIMEOUT, 1);
    out.push(Op.ARM, node, token, Deadline.COMPENSATION_GRACE, out.now + state.settings.graceMs);
  } else if (kind === Deadline.COMPENSATION_GRACE && hasMark(state, node, Mark.UNDO_ABORTING)) {
    endUndo(state, node, out);
    retryOrGiveUp(state, node, true, out);
  }
}
