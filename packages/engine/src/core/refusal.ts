/**
 * Which verb is allowed when (R37). Pure questions: the host asks before it journals a verb, so a refused one leaves no
 * trace, and a preview gives the same answers (R38).
 */
import { NodeFlag } from "../plan/compiled.ts";
import type { Input } from "./input.ts";
import { WHOLE_RUN } from "./input.ts";
import { FAILED_STATUSES, NODE_STATUSES, NodeState, type NodeStatus } from "./node-state.ts";
import { barriersWithin } from "./rollback.ts";
import type { RunStatus } from "./run-state.ts";
import { hasFlag, hasMark, isCandidate, isGroup, Mark, type RunState, roundStartOf } from "./state.ts";
import { isToleratedFailure } from "./tolerance.ts";

/** Why a verb is refused: as data. */
export type Refusal =
  | { readonly kind: "run-state"; readonly allowedIn: readonly RunStatus[] }
  | { readonly kind: "node-state"; readonly allowedIn: readonly NodeStatus[]; readonly is: NodeStatus }
  | { readonly kind: "tolerated" }
  | { readonly kind: "member-of-first-success" }
  | { readonly kind: "moving" }
  /** The node does not wait for such a word: its action is another, or it is a group whose members wait. */
  | { readonly kind: "not-waiting"; readonly action: "belay.approval" | "belay.signal"; readonly group: boolean }
  | { readonly kind: "prohibited"; readonly nodes: readonly number[] };

/** Run states in which each verb is allowed. */
const VERB_ALLOWED_IN = {
  retry: ["RUNNING", "PAUSED", "FAILED", "CANCELED", "PARTIALLY_ROLLED_BACK"] as const,
  skip: ["RUNNING", "PAUSED", "FAILED", "CANCELED"] as const,
  cancel: ["RUNNING", "PAUSED"] as const,
  rollback: ["FAILED", "CANCELED", "PARTIALLY_ROLLED_BACK", "ROLLBACK_FAILED"] as const,
  "skip-rollback": ["ROLLBACK_FAILED"] as const,
  approve: ["RUNNING", "PAUSED", "ROLLING_BACK"] as const,
  reject: ["RUNNING", "PAUSED", "ROLLING_BACK"] as const,
  signal: ["RUNNING", "PAUSED", "ROLLING_BACK"] as const,
  pause: ["RUNNING"] as const,
  resume: ["PAUSED"] as const,
  abandon: ["PAUSED", "FAILED", "CANCELED", "PARTIALLY_ROLLED_BACK", "ROLLBACK_FAILED"] as const,
} as const;

/** `retry` of everything that failed waits until the run rests. */
const RETRY_ALL_ALLOWED_IN: readonly RunStatus[] = ["FAILED", "CANCELED", "PARTIALLY_ROLLED_BACK"];

/** An operator's verb. */
export type VerbInput = Extract<Input, { kind: keyof typeof VERB_ALLOWED_IN }>;

/** Whether an operator said it. */
export function isVerb(input: Input): input is VerbInput {
  return Object.hasOwn(VERB_ALLOWED_IN, input.kind);
}

/** undefined = allowed. */
export function refusalOf(state: RunState, input: VerbInput): Refusal | undefined {
  const wholeRetry = input.kind === "retry" && input.node === WHOLE_RUN;
  const allowedIn: readonly RunStatus[] = wholeRetry ? RETRY_ALL_ALLOWED_IN : VERB_ALLOWED_IN[input.kind];
  if (!allowedIn.includes(state.status)) return { kind: "run-state", allowedIn };
  switch (input.kind) {
    case "retry":
      return refuseRetry(state, input.node);
    case "skip":
      return refuseNode(state, input.node, ["FAILED", "READY", "COMPENSATION_FAILED"]) ?? refuseSkip(state, input.node);
    case "cancel":
      return input.node === WHOLE_RUN
        ? refuseCancelRun(state)
        : refuseNode(state, input.node, ["RUNNING", "READY", "CANCELING"]);
    case "rollback":
      return refuseRollback(state, input);
    case "skip-rollback":
      return refuseNode(
        state,
        input.node,
        hasFlag(state, input.node, NodeFlag.TEARDOWN) ? FAILED_STATUSES : ["COMPENSATION_FAILED"],
      );
    case "approve":
    case "reject":
      return refuseWord(state, input.node, NodeFlag.APPROVAL);
    case "signal":
      return refuseWord(state, input.node, NodeFlag.SIGNAL);
    case "abandon":
      return state.status === "PAUSED" && isMoving(state) ? { kind: "moving" } : undefined;
    default:
      return undefined;
  }
}

/** Attempts or compensations are in flight. */
function isMoving(state: RunState): boolean {
  return state.running > 0 || state.undoing > 0 || state.resolving > 0;
}

function refuseNode(state: RunState, node: number, allowedIn: readonly NodeStatus[]): Refusal | undefined {
  const is = NODE_STATUSES[state.node[node] as number] as NodeStatus;
  return allowedIn.includes(is) ? undefined : { kind: "node-state", allowedIn, is };
}

/** A word for a node that waits: it must be of that kind, and waiting. */
function refuseWord(state: RunState, node: number, flag: number): Refusal | undefined {
  const group = isGroup(state, node);
  if (group || !hasFlag(state, node, flag)) {
    const action = flag === NodeFlag.SIGNAL ? "belay.signal" : "belay.approval";
    return { kind: "not-waiting", action, group: group && hasFlag(state, node, flag) };
  }
  return refuseNode(state, node, ["RUNNING"]);
}

function refuseRetry(state: RunState, node: number): Refusal | undefined {
  if (node === WHOLE_RUN) return undefined;
  if (isCanceling(state)) return { kind: "moving" };
  const refused = refuseNode(state, node, FAILED_STATUSES);
  if (refused) return refused;
  if (isToleratedFailure(state, node)) return { kind: "tolerated" };
  // One candidate of a group that has failed is no use by itself: its group starts over, or is passed, as a whole.
  return isCandidate(state, node) ? { kind: "member-of-first-success" } : undefined;
}

function refuseSkip(state: RunState, node: number): Refusal | undefined {
  if (isCanceling(state)) return { kind: "moving" };
  // An operator's retry began a new round, and what the last one left is to be undone first (R25).
  const waits = hasMark(state, node, Mark.UNDO_QUEUED);
  const between = waits || (state.attempt[node] as number) > roundStartOf(state, node);
  if (state.node[node] === NodeState.READY && between) {
    return { kind: "node-state", allowedIn: FAILED_STATUSES, is: "READY" };
  }
  if (!isGroup(state, node) && isToleratedFailure(state, node)) return { kind: "tolerated" };
  if (isCandidate(state, node) && state.node[node] !== NodeState.READY) return { kind: "member-of-first-success" };
  return undefined;
}

/** A canceled run that has not come to rest. */
function isCanceling(state: RunState): boolean {
  return state.canceling && (state.status === "RUNNING" || state.status === "PAUSED");
}

function refuseCancelRun(state: RunState): Refusal | undefined {
  return state.canceling ? { kind: "moving" } : undefined;
}

function refuseRollback(state: RunState, input: Extract<VerbInput, { kind: "rollback" }>): Refusal | undefined {
  if (state.plan.prohibitRollback) return { kind: "prohibited", nodes: [] };
  const sameScope = input.scope === state.undoScopeKind && input.node === state.undoScopeNode;
  if (state.status === "ROLLBACK_FAILED" && input.scope === "node" && !sameScope) {
    return { kind: "run-state", allowedIn: VERB_ALLOWED_IN.rollback.filter((status) => status !== "ROLLBACK_FAILED") };
  }
  const nodes = barriersWithin(state, { kind: input.scope, node: input.node, retryFailed: true });
  return nodes.length > 0 ? { kind: "prohibited", nodes } : undefined;
}
