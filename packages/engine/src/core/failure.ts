/**
 * What a failure that is not tolerated does to the rest of the run (R14): `no-new` and `kill` hold back what has not
 * started, `kill` also aborts what runs, `continue` leaves the rest alone: a descendant waits because its trigger cannot hold.
 */
import { NodeFlag } from "../plan/compiled.ts";
import { holdReady } from "./admit.ts";
import { abortAttempt, failReady } from "./attempt.ts";
import { Cause, type Commands } from "./command.ts";
import { NodeState } from "./node-state.ts";
import { clearMark, hasFlag, isGroup, Mark, type RunState, triggerOf } from "./state.ts";
import { acceptsFailure } from "./trigger.ts";

/** A declared node, or a group as a whole, has failed. Tolerated failures change nothing. */
export function spreadFailure(state: RunState, node: number, out: Commands): void {
  if (hasFlag(state, node, NodeFlag.TOLERATE_FAILURE)) return;
  const held = state.failures++ > 0 && !state.asked;
  // A failure beside others finds everything held: nothing has become ready since but reactions.
  if (state.plan.failureMode === "continue" || held) return;
  // What an operator asked for again was asked before this failure (R14).
  if (state.asked) for (let other = 0; other < state.size; other++) clearMark(state, other, Mark.RETRIED);
  state.asked = false;
  holdReady(state, out);
  if (state.plan.failureMode === "kill") stopRunning(state, Cause.KILL, out);
}

/** Aborts all attempts and gives up those waiting for their next one; reactions to a failure are spared by KILL. */
export function stopRunning(state: RunState, cause: number, out: Commands): void {
  for (let node = 0; node < state.size; node++) {
    const code = state.node[node];
    if (code !== NodeState.RUNNING && code !== NodeState.READY && code !== NodeState.CANCELING) continue;
    if (isGroup(state, node)) continue;
    if (cause === Cause.KILL && survivesKill(state, node)) continue;
    if (code !== NodeState.READY) abortAttempt(state, node, cause, out);
    // What is READY for its first attempt was held before this: only those between two attempts are left.
    else failReady(state, node, cause, out);
  }
}

/** Reactions to a failure, and teardowns. */
function survivesKill(state: RunState, node: number): boolean {
  if (hasFlag(state, node, NodeFlag.TEARDOWN)) return true;
  return acceptsFailure(triggerOf(state, node));
}
