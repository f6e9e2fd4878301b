/** Tolerated failures (R14, R21): which FAILED nodes do not fail the run. Read by refusals and by views. */
import { MethodCode, NodeFlag } from "../plan/compiled.ts";
import { isFailedCode, NodeState } from "./node-state.ts";
import { groupOf, groupState, hasFlag, Purpose, type RunState } from "./state.ts";

/** true for a FAILED node whose failure the plan tolerates, as far as is known now. */
export function isToleratedFailure(state: RunState, node: number): boolean {
  const failed = isFailedCode(state.node[node]);
  const home = groupOf(state, node);
  if (home < 0) return failed && hasFlag(state, node, NodeFlag.TOLERATE_FAILURE);
  const group = groupState(state, home);
  const candidate = group.split.method === MethodCode.FIRST_SUCCESS && isUndoneCandidate(state, node);
  if (!failed && !candidate) return false;
  return hasFlag(state, home, NodeFlag.TOLERATE_FAILURE) || !group.failing;
}

/** A failed candidate is undone before the next one starts (R21): it has failed all the same. */
function isUndoneCandidate(state: RunState, node: number): boolean {
  const code = state.node[node];
  if (state.purpose[node] !== Purpose.SUPERSEDE && state.purpose[node] !== Purpose.RESTART) return false;
  return code === NodeState.COMPENSATING || code === NodeState.COMPENSATED;
}
