/**
 * Coming to rest (R14, R15): after every step, if nothing moves and nothing can start, the run's status follows from
 * all nodes. A plan with `onFailure: rollback` goes on into its rollback from here (R34), teardowns come before the end.
 */
import { invariant } from "./assert.ts";
import { type Commands, Deadline, Op } from "./command.ts";
import { drainForward } from "./flow.ts";
import { beginRollback, rollbackEnd } from "./rollback.ts";
import { type RunState, setRun } from "./state.ts";
import { awaitsTeardown, beginTeardown, hasFailedTeardown } from "./teardown.ts";

/** Ends the run's movement when there is none left. */
export function settle(state: RunState, out: Commands): void {
  if (isBusy(state)) return;
  if (state.status === "ROLLING_BACK") {
    endRollback(state, out);
    return;
  }
  if (state.status !== "RUNNING" && state.status !== "PAUSED") return;
  if (awaitsTeardown(state) && tearsDown(state, out)) return;
  if (state.plan.runTimeoutMs > 0) out.push(Op.DISARM, -1, 0, Deadline.RUN);
  if (state.canceling) {
    setRun(state, "CANCELED", out);
  } else if (state.failures > 0 || state.timedOut) {
    fail(state, out);
  } else {
    invariant(state.finished === state.plan.size, "R15: nothing moves, nothing failed, and the run is not done");
    setRun(state, "SUCCESSFUL", out);
  }
}

/** Lets the teardowns have their turn; false when there is nothing to tear down. */
function tearsDown(state: RunState, out: Commands): boolean {
  beginTeardown(state, out);
  drainForward(state, out);
  return isBusy(state);
}

/** A teardown that failed undoes nothing by itself: what it cleans up after has ended well. */
function fail(state: RunState, out: Commands): void {
  if (state.plan.onFailure === "pause" || state.plan.prohibitRollback || state.tearingDown) {
    setRun(state, "FAILED", out);
    return;
  }
  beginRollback(state, { kind: "barrier", node: -1, retryFailed: true }, out);
  if (!isBusy(state)) endRollback(state, out);
}

/** Nothing is left to undo: a run that ends ROLLED_BACK tears down first. */
function endRollback(state: RunState, out: Commands): void {
  const end = rollbackEnd(state);
  if (end === "ROLLED_BACK" && !state.tearingDown && state.plan.teardowns.length > 0 && tearsDown(state, out)) return;
  setRun(state, end === "ROLLED_BACK" && hasFailedTeardown(state) ? "ROLLBACK_FAILED" : end, out);
}

/** Attempts, compensations, backoffs, evaluations or queued nodes are left. */
function isBusy(state: RunState): boolean {
  return state.running > 0 || state.queued > 0 || state.undoing > 0 || state.backoff > 0 || state.resolving > 0;
}

/** At rest: nothing is in flight and nothing will start by itself. A paused run rests while nodes wait. */
export function isAtRest(state: RunState): boolean {
  if (state.status === "RUNNING" || state.status === "ROLLING_BACK") return false;
  return state.running === 0 && state.undoing === 0 && state.resolving === 0;
}
