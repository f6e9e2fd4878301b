/**
 * Attempts: dispatch, their ends, retries, aborts (R25-R28). Owns: RUNNING and CANCELING, attempt numbers, the deadlines
 * of attempts. Does not own: what a node's final end means for others (`flow.ts`).
 *
 * A1 (R25): an answer counts only for the attempt that is RUNNING; any other is late and changes nothing.
 * A2 (R26): once aborted, an attempt ends unknown, whatever it still answers.
 */
import { type CompiledRetry, NodeFlag as NodeFlagTable } from "../plan/compiled.ts";
import { dequeue, enqueue, hasUndo, hold, leaveBackoff, mustWait, queueUndoForRetry } from "./admit.ts";
import { invariant } from "./assert.ts";
import { Cause as CauseTable, type Commands, Deadline as DeadlineTable, Op as OpTable } from "./command.ts";
import { type Answer, OUTCOME_SPAN, OutcomeCode as OutcomeCodeTable } from "./input.ts";
import { NodeState as NodeStateTable } from "./node-state.ts";
import { retryDelayMs } from "./retry.ts";
import {
  clearMark,
  hasFlag,
  hasMark,
  homeOf,
  isStopped,
  kindOf,
  Mark as MarkTable,
  OperationCode,
  Purpose,
  poolOf,
  type RunState,
  roundStartOf,
  setMark,
  setNode,
  triggerOf,
  useSlot,
} from "./state.ts";
import { acceptsFailure } from "./trigger.ts";

// Constants of this module: what is imported is looked up and checked anew at every use.
const NodeFlag = NodeFlagTable;
const Cause = CauseTable;
const Deadline = DeadlineTable;
const Op = OpTable;
const OutcomeCode = OutcomeCodeTable;
const NodeState = NodeStateTable;
const Mark = MarkTable;

/** READY -> RUNNING: the attempt is now certain to be asked for. */
export function startAttempt(state: RunState, node: number, out: Commands): void {
  setNode(state, node, NodeState.RUNNING);
  const attempt = (state.attempt[node] as number) + 1;
  state.attempt[node] = attempt;
  if (attempt > 1) {
    state.outcome[node] = OutcomeCode.NONE;
    state.cause[node] = Cause.NONE;
  }
  state.running++;
  useSlot(state, poolOf(state, node), 1);
  setMark(state, node, Mark.STARTED);
  if (hasFlag(state, node, NodeFlag.PROHIBIT_ROLLBACK) && !hasMark(state, node, Mark.BARRIER)) {
    setMark(state, node, Mark.BARRIER);
    state.barriers++;
  }
  out.push(Op.RUN, node, attempt);
  if (hasFlag(state, node, NodeFlag.TIMED)) armAttempt(state, node, out);
}

/** The deadlines of an attempt that begins. */
function armAttempt(state: RunState, node: number, out: Commands): void {
  const { kinds } = state.plan;
  const kind = kindOf(state, node);
  const attempt = state.attempt[node] as number;
  const timeoutMs = kinds.timeoutMs[kind] as number;
  if (timeoutMs > 0) out.push(Op.ARM, node, attempt, Deadline.ATTEMPT, out.now + timeoutMs);
  const heartbeatMs = kinds.heartbeatTimeoutMs[kind] as number;
  if (heartbeatMs > 0) out.push(Op.ARM, node, attempt, Deadline.HEARTBEAT, out.now + heartbeatMs);
  const totalMs = kinds.totalTimeoutMs[kind] as number;
  const round = roundStartOf(state, node);
  if (totalMs > 0 && attempt === round + 1) out.push(Op.ARM, node, round, Deadline.TOTAL, out.now + totalMs);
}

/** The action answered: with success, or with a failure. */
export function attemptAnswered(state: RunState, answer: Answer, outcome: number, out: Commands): void {
  const { node, attempt } = answer;
  const current = state.attempt[node] === attempt;
  if (current && state.node[node] === NodeState.RUNNING) {
    endAttempt(state, node, out);
    state.outcome[node] = outcome;
    if (outcome === OutcomeCode.SUCCEEDED) succeed(state, node, out);
    else retryOrFail(state, node, answer.retryable === true, out);
    return;
  }
  const aborting = current && state.node[node] === NodeState.CANCELING;
  // To fail when asked to let go is no news; to succeed all the same is (R26).
  if (!aborting || outcome === OutcomeCode.SUCCEEDED) out.push(Op.LATE, node, attempt, outcome);
  if (aborting) endAborted(state, node, out);
}

function succeed(state: RunState, node: number, out: Commands): void {
  setNode(state, node, NodeState.SUCCESSFUL);
  if (hasFlag(state, node, NodeFlag.TIMED)) clearDeadline(state, node, Deadline.TOTAL, out);
  out.push(Op.SUCCEEDED, node, state.attempt[node]);
  state.done.push(node);
}

/** The attempt is over: its slot is free, its deadlines are void. */
function endAttempt(state: RunState, node: number, out: Commands): void {
  state.running--;
  useSlot(state, poolOf(state, node), -1);
  invariant(state.running >= 0, "R25: more attempts ended than started");
  if (!hasFlag(state, node, NodeFlag.TIMED)) return;
  clearDeadline(state, node, Deadline.ATTEMPT, out);
  clearDeadline(state, node, Deadline.HEARTBEAT, out);
}

/** Takes a deadline back, if the plan has one of that kind. */
export function clearDeadline(state: RunState, node: number, kind: number, out: Commands): void {
  const { kinds } = state.plan;
  const table =
    kind === Deadline.ATTEMPT
      ? kinds.timeoutMs
      : kind === Deadline.TOTAL
        ? kinds.totalTimeoutMs
        : kinds.heartbeatTimeoutMs;
  if ((table[kindOf(state, node)] as number) > 0) out.push(Op.DISARM, node, 0, kind);
}

/** RUNNING -> CANCELING: its signal is aborted and it is given the grace period to let go (R26). */
export function abortAttempt(state: RunState, node: number, cause: number, out: Commands): void {
  // A cancel during the grace of a timeout wins: no further attempt follows. Timeouts abort only what is RUNNING.
  state.cause[node] = cause;
  if (cause === Cause.CANCEL) state.operationOf[node] = OperationCode.CANCEL;
  if (state.node[node] === NodeState.CANCELING) return;
  setNode(state, node, NodeState.CANCELING);
  clearDeadline(state, node, Deadline.ATTEMPT, out);
  clearDeadline(state, node, Deadline.HEARTBEAT, out);
  out.push(Op.CANCELING, node, cause);
  out.push(Op.ABORT, node, cause);
  out.push(Op.ARM, node, state.attempt[node], Deadline.GRACE, out.now + state.settings.graceMs);
}

/** CANCELING ends: unknown, then another attempt or FAILED. */
function endAborted(state: RunState, node: number, out: Commands): void {
  endAttempt(state, node, out);
  out.push(Op.DISARM, node, 0, Deadline.GRACE);
  state.outcome[node] = OutcomeCode.UNKNOWN;
  retryOrFail(state, node, !isFinalCause(state.cause[node] as number), out);
}

function isFinalCause(cause: number): boolean {
  return cause === Cause.CANCEL || cause === Cause.TOTAL || cause === Cause.RUN_TIMEOUT || cause === Cause.KILL;
}

function retryOrFail(state: RunState, node: number, retryable: boolean, out: Commands): void {
  const policy = policyOf(state, node);
  const used = (state.attempt[node] as number) - roundStartOf(state, node);
  if (!retryable || used >= policy.maxAttempts || mustNotRetry(state, node)) {
    failNode(state, node, out);
    return;
  }
  setNode(state, node, NodeState.READY);
  state.operationOf[node] = OperationCode.RETRY;
  const delayMs = delayOf(state, node);
  out.push(Op.RETRYING, node, state.cause[node], attemptFacts(state, node), delayMs);
  if (hasFlag(state, node, NodeFlag.COMPENSATE_FIRST) && hasUndo(state, node)) {
    queueUndoForRetry(state, node);
  } else {
    waitForNext(state, node, delayMs, out);
  }
}

/** Goes on once the node was undone between two attempts, unless the run was stopped meanwhile. */
export function resumeRetry(state: RunState, node: number, out: Commands): void {
  if (isFinalCause(state.cause[node] as number) || mustNotRetry(state, node)) {
    if (!isFinalCause(state.cause[node] as number)) state.cause[node] = stopCause(state);
    failNode(state, node, out);
    return;
  }
  // An operator's retry began a new round with this compensation: nothing is waited for, but a failure may have come since.
  const anew = state.attempt[node] === roundStartOf(state, node);
  if (mustWait(state, node)) hold(state, node, out);
  else waitForNext(state, node, anew ? 0 : delayOf(state, node), out);
}

function delayOf(state: RunState, node: number): number {
  const attempt = state.attempt[node] as number;
  const used = attempt - roundStartOf(state, node);
  return retryDelayMs(policyOf(state, node), used, [state.settings.seed, node, attempt]);
}

function waitForNext(state: RunState, node: number, delayMs: number, out: Commands): void {
  if (delayMs <= 0) {
    enqueue(state, node);
    out.push(Op.READY, node, (state.attempt[node] as number) + 1);
    return;
  }
  setMark(state, node, Mark.BACKOFF);
  state.backoff++;
  out.push(Op.ARM, node, state.attempt[node], Deadline.BACKOFF, out.now + delayMs);
}

/** Whether the run has been stopped in a way that also ends attempts under way (R14 `kill`, R37 cancel). */
function mustNotRetry(state: RunState, node: number): boolean {
  if (hasFlag(state, node, NodeFlag.TEARDOWN)) return isStopped(state);
  if (state.canceling || state.timedOut) return true;
  if (state.plan.failureMode !== "kill" || state.failures === 0) return false;
  const home = homeOf(state, node);
  // Who retries a group asks for its members.
  if (hasMark(state, node, Mark.RETRIED) || hasMark(state, home, Mark.RETRIED)) return false;
  return !acceptsFailure(triggerOf(state, home));
}

function stopCause(state: RunState): number {
  if (state.canceling) return Cause.CANCEL;
  return state.timedOut ? Cause.RUN_TIMEOUT : Cause.KILL;
}

const ONCE: CompiledRetry = {
  maxAttempts: 1,
  initialIntervalMs: 0,
  backoffCoefficient: 1,
  maxIntervalMs: 0,
  fullJitter: false,
};

function policyOf(state: RunState, node: number): CompiledRetry {
  return state.plan.retries[state.plan.kinds.retry[kindOf(state, node)] as number] ?? ONCE;
}

export function undoPolicyOf(state: RunState, node: number): CompiledRetry {
  return state.plan.retries[state.plan.kinds.compensationRetry[kindOf(state, node)] as number] ?? ONCE;
}

/** Ends a node as FAILED and queues the news. */
export function failNode(state: RunState, node: number, out: Commands): void {
  setNode(state, node, NodeState.FAILED);
  clearDeadline(state, node, Deadline.TOTAL, out);
  out.push(Op.FAILED, node, state.cause[node], attemptFacts(state, node));
  state.done.push(node);
}

/** Attempt and outcome as they are now, in one number: later inputs of the batch may change the state. */
function attemptFacts(state: RunState, node: number): number {
  return (state.attempt[node] as number) * OUTCOME_SPAN + (state.outcome[node] as number);
}

/** Ends a READY node that will not get another attempt: canceled, killed or out of time. */
export function failReady(state: RunState, node: number, cause: number, out: Commands): void {
  dequeue(state, node);
  leaveBackoff(state, node, out);
  dequeue(state, node, Mark.UNDO_QUEUED);
  state.cause[node] = cause;
  if (cause === Cause.CANCEL) state.operationOf[node] = OperationCode.CANCEL;
  failNode(state, node, out);
}

/** A deadline of an attempt passed; a token of another attempt changes nothing. */
export function attemptDue(state: RunState, due: { kind: number; node: number; token: number }, out: Commands): void {
  const { kind, node, token } = due;
  const code = state.node[node];
  if (kind === Deadline.TOTAL) {
    if (roundStartOf(state, node) !== token) return;
    if (code === NodeState.RUNNING || code === NodeState.CANCELING) abortAttempt(state, node, Cause.TOTAL, out);
    else if (code === NodeState.READY) failReady(state, node, Cause.TOTAL, out);
    else if (code === NodeState.COMPENSATING && state.purpose[node] === Purpose.RETRY) {
      // Being undone for the next attempt: that one does not come any more.
      state.cause[node] = Cause.TOTAL;
    }
    return;
  }
  if (state.attempt[node] !== token) return;
  if (kind === Deadline.ATTEMPT && code === NodeState.RUNNING) abortAttempt(state, node, Cause.TIMEOUT, out);
  else if (kind === Deadline.HEARTBEAT && code === NodeState.RUNNING) {
    abortAttempt(state, node, Cause.HEARTBEAT, out);
  } else if (kind === Deadline.GRACE && code === NodeState.CANCELING) {
    endAborted(state, node, out);
  } else if (kind === Deadline.BACKOFF && hasMark(state, node, Mark.BACKOFF)) {
    clearMark(state, node, Mark.BACKOFF);
    state.backoff--;
    enqueue(state, node);
    out.push(Op.READY, node, token + 1);
  }
}
