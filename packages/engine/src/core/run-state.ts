/**
 * The run's state machine, as a table. SUCCESSFUL, ROLLED_BACK and ABANDONED are terminal: nothing leaves them and
 * nothing starts after one (R51). The other resting states wait for an operator (R37).
 */

export const RUN_TRANSITIONS = [
  ["RUNNING", "SUCCESSFUL", "every node is SUCCESSFUL, SKIPPED or a tolerated failure (R15)"],
  ["RUNNING", "FAILED", "a node failed, nothing runs and no reaction can start (R14)"],
  ["RUNNING", "PAUSED", "an operator pauses: nothing new starts, what runs finishes (R37)"],
  ["RUNNING", "CANCELED", "an operator canceled the run and everything let go (R37)"],
  ["RUNNING", "ROLLING_BACK", "it failed and the plan says onFailure: rollback (R34)"],
  ["PAUSED", "RUNNING", "resume (R37)"],
  ["PAUSED", "SUCCESSFUL", "what ran was all there was"],
  ["PAUSED", "FAILED", "what ran has failed and nothing else can start (R14)"],
  ["PAUSED", "CANCELED", "canceled while paused"],
  ["PAUSED", "ROLLING_BACK", "what ran has failed and the plan says onFailure: rollback (R34)"],
  ["PAUSED", "ABANDONED", "an operator gives the run up"],
  ["FAILED", "RUNNING", "retry or skip (R37)"],
  ["FAILED", "ROLLING_BACK", "rollback (R30)"],
  ["FAILED", "ABANDONED", "an operator gives the run up"],
  ["CANCELED", "RUNNING", "retry: past a point of no return forward is the only way"],
  ["CANCELED", "ROLLING_BACK", "rollback (R30)"],
  ["CANCELED", "ABANDONED", "an operator gives the run up"],
  [
    "ROLLING_BACK",
    "ROLLED_BACK",
    "everything that started is undone, had nothing to undo, or was passed by skip-rollback (R30, R32)",
  ],
  ["ROLLING_BACK", "PARTIALLY_ROLLED_BACK", "everything in scope is undone, the rest stands (R34, R35)"],
  ["ROLLING_BACK", "ROLLBACK_FAILED", "a compensation failed; the branches that could go on did (R32)"],
  ["PARTIALLY_ROLLED_BACK", "RUNNING", "retry: what was undone runs again (R34)"],
  ["PARTIALLY_ROLLED_BACK", "ROLLING_BACK", "rollback of more"],
  ["PARTIALLY_ROLLED_BACK", "ABANDONED", "an operator gives the run up"],
  ["ROLLBACK_FAILED", "ROLLING_BACK", "rollback again, or skip-rollback of the failed node (R32)"],
  ["ROLLBACK_FAILED", "ABANDONED", "an operator gives the run up"],
] as const;

/** State of a run: any that stands in the table. */
export type RunStatus = (typeof RUN_TRANSITIONS)[number][0 | 1];

/** Status by code, as `RUN_STATUS` commands carry it. */
export const RUN_STATUSES = [
  "RUNNING",
  "PAUSED",
  "FAILED",
  "SUCCESSFUL",
  "ROLLING_BACK",
  "ROLLED_BACK",
  "PARTIALLY_ROLLED_BACK",
  "ROLLBACK_FAILED",
  "CANCELED",
  "ABANDONED",
] as const;

/** Nothing leaves such a state (R51). */
export function isTerminal(status: RunStatus): boolean {
  // Asked at every step: three comparisons, no search.
  return status === "SUCCESSFUL" || status === "ROLLED_BACK" || status === "ABANDONED";
}

/** Whether the table lists that transition. */
export function runMayGo(from: RunStatus, to: RunStatus): boolean {
  return RUN_TRANSITIONS.some(([f, t]) => f === from && t === to);
}
