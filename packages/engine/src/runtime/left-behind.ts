/**
 * What a rollback leaves as it is (R30-R35), or a run that is given up: started nodes whose effects stay, and why. Owns: the
 * reasons. Reads marks that the core has set; decides nothing. Cost: one pass over the nodes.
 */
import { expandedGroup, hasFlag, hasMark, hasUndo, homeOf, Mark, NodeState, type RunState } from "../core/index.ts";
import { isWaiting } from "../plan/built-in.ts";
import { NodeFlag } from "../plan/compiled.ts";
import type { NodeDocument, PlanDocument } from "../plan/document.ts";
import type { LeaveReason } from "./preview.ts";

/** A node or member, by number, that stays as it is. */
export interface LeftBehind {
  readonly node: number;
  readonly reason: LeaveReason;
}

/** What stays, in the order of the plan. `abandoned`: nobody undoes anything any more. */
export function leftBehind(state: RunState, document: PlanDocument, abandoned: boolean): LeftBehind[] {
  const left: LeftBehind[] = [];
  for (let v = 0; v < state.plan.size; v++) {
    if (hasFlag(state, v, NodeFlag.TEARDOWN) || !hasEffect(document.nodes[v] as NodeDocument)) continue;
    const group = expandedGroup(state, v);
    const base = group === undefined ? v : group.base;
    const count = group === undefined ? 1 : group.count;
    for (let node = base; node < base + count; node++) {
      const reason = reasonOf(state, node, abandoned);
      if (reason !== undefined) left.push({ node, reason });
    }
  }
  return left;
}

/** Reading, waiting and joining change nothing: there is nothing to leave. */
function hasEffect({ effect, action }: NodeDocument): boolean {
  return effect !== "none" && action !== "belay.noop" && !isWaiting(action);
}

/** undefined = it has never started, or is undone. */
function reasonOf(state: RunState, node: number, abandoned: boolean): LeaveReason | undefined {
  const failed = state.node[node] === NodeState.COMPENSATION_FAILED;
  if (failed && hasMark(state, node, Mark.UNDONE)) return "passed";
  if (!hasMark(state, node, Mark.STARTED)) return undefined;
  if (abandoned) return "abandoned";
  if (state.undoScope[homeOf(state, node)] === 0) {
    if (state.undoScopeKind === "node") return "outside-of-scope";
    return hasMark(state, node, Mark.BARRIER) ? "point-of-no-return" : "above-point-of-no-return";
  }
  if (!hasFlag(state, node, NodeFlag.COMPENSATION)) return "no-compensation";
  if (failed) return "compensation-failed";
  return hasUndo(state, node) ? "above-failed-compensation" : "covers-successes-only";
}
