/**
 * The step: one input, its consequences, the commands that follow (R50). A pure function of (plan, state, input) in
 * effect: it changes `state` in place and reads nothing else. Inputs that come too late change nothing (R25).
 *
 * S1: verbs were let pass by `refusalOf`; a step never refuses.
 * S2: after a step the work queues are empty and the run's status follows from its nodes.
 */
import { holdReady } from "./admit.ts";
import { attemptAnswered, attemptDue } from "./attempt.ts";
import { Cause, type Commands, DEADLINES, Deadline, Op } from "./command.ts";
import { grant } from "./dispatch.ts";
import { stopRunning } from "./failure.ts";
import { decide, drainForward, resolved } from "./flow.ts";
import { createMembers } from "./group.ts";
import { type Input, OutcomeCode as OutcomeCodeTable } from "./input.ts";
import { armRun, cancel, retry, skip } from "./operator.ts";
import type { VerbInput } from "./refusal.ts";
import { beginRollback, passFailedUndo, undoDone } from "./rollback.ts";
import { isTerminal, RUN_STATUSES } from "./run-state.ts";
import { settle } from "./settle.ts";
import { type RunState, setRun, upstreamsOf } from "./state.ts";
import { undoAnswered, undoDue } from "./undo.ts";

// Constants of this module: what is imported is looked up and checked anew at every use.
const OutcomeCode = OutcomeCodeTable;

/** Feeds one input to the run; the commands are appended to `out`. */
export function step(state: RunState, input: Input, out: Commands): void {
  out.now = input.at;
  apply(state, input, out);
  // Once all is undone, a rollback's teardowns run like any node.
  if (state.status === "ROLLING_BACK" && !state.tearingDown) drainRollback(state);
  else drainForward(state, out);
  if (!isTerminal(state.status)) settle(state, out);
}

function drainRollback(state: RunState): void {
  for (let i = 0; i < state.done.length; i++) undoDone(state, state.done.at(i));
  state.done.clear();
}

function apply(state: RunState, input: Input, out: Commands): void {
  switch (input.kind) {
    case "start":
      begin(state, out);
      return;
    case "grant":
      grant(state, input, out);
      return;
    case "resolved":
      resolved(state, input, out);
      return;
    case "succeeded":
      attemptAnswered(state, input, OutcomeCode.SUCCEEDED, out);
      return;
    case "failed":
      attemptAnswered(state, input, OutcomeCode.FAILED, out);
      return;
    case "lost":
      attemptAnswered(state, input, OutcomeCode.UNKNOWN, out);
      return;
    case "undone":
      undoAnswered(state, input, true, out);
      return;
    case "undo-failed":
      undoAnswered(state, input, false, out);
      return;
    case "due":
      deadlinePassed(state, input, out);
      return;
    default:
      applyVerb(state, input, out);
  }
}

function applyVerb(state: RunState, input: VerbInput, out: Commands): void {
  switch (input.kind) {
    case "approve":
      out.push(Op.APPROVED, input.node, state.attempt[input.node]);
      if (input.enough) endWait(state, input.node, OutcomeCode.SUCCEEDED, out);
      return;
    case "signal":
      endWait(state, input.node, OutcomeCode.SUCCEEDED, out);
      return;
    case "reject":
      endWait(state, input.node, OutcomeCode.FAILED, out);
      return;
    case "retry":
      retry(state, input.node, out);
      return;
    case "skip":
      skip(state, input.node, out);
      return;
    case "cancel":
      cancel(state, input.node, out);
      return;
    case "rollback":
      beginRollback(state, { kind: input.scope, node: input.node, retryFailed: true }, out);
      return;
    case "skip-rollback":
      passFailedUndo(state, input.node, out);
      beginRollback(state, { kind: state.undoScopeKind, node: state.undoScopeNode, retryFailed: false }, out);
      return;
    case "pause":
      setRun(state, "PAUSED", out);
      return;
    case "resume":
      setRun(state, "RUNNING", out);
      return;
    case "abandon":
      setRun(state, "ABANDONED", out);
      return;
  }
}

/** What a node waits for has come, or will not. */
function endWait(state: RunState, node: number, outcome: number, out: Commands): void {
  attemptAnswered(state, { node, attempt: state.attempt[node] as number }, outcome, out);
}

/** Static groups get their members, then every node without upstreams is looked at. */
function begin(state: RunState, out: Commands): void {
  const { plan } = state;
  out.push(Op.RUN_STATUS, -1, RUN_STATUSES.indexOf("RUNNING"), 2);
  armRun(state, out);
  for (const [index, { count }] of plan.splits.entries())
    if (count >= 0) createMembers(state, plan.groups[index] as number, count, out);
  for (let v = 0; v < plan.size; v++) if (upstreamsOf(plan, v) === 0) decide(state, v, out);
}

function deadlinePassed(state: RunState, input: Extract<Input, { kind: "due" }>, out: Commands): void {
  if (isTerminal(state.status)) return;
  const kind = DEADLINES.indexOf(input.deadline);
  if (kind === Deadline.RUN) {
    const forward = state.status === "RUNNING" || state.status === "PAUSED";
    if (!forward || input.token !== state.runToken || state.canceling) return;
    state.timedOut = true;
    holdReady(state, out);
    stopRunning(state, Cause.RUN_TIMEOUT, out);
    return;
  }
  const due = { kind, node: input.node, token: input.token };
  if (kind >= Deadline.COMPENSATION) undoDue(state, due, out);
  else attemptDue(state, due, out);
}
