/**
 * The node's state machine, as a table. Types, codes and the drawing in `docs/states.md` derive from it; a transition
 * that is not listed is a bug (`setNode` in `state.ts` asserts it).
 */

export const NODE_TRANSITIONS = [
  ["PENDING", "READY", "its trigger holds (R10, R12)"],
  ["PENDING", "SKIPPED", "condition false, trigger can no longer hold, empty list, or superseded (R12, R20, R21)"],
  ["PENDING", "FAILED", "its condition or list could not be evaluated, or its group failed before it started"],
  ["PENDING", "RUNNING", "a group runs as soon as its first member may start (R20)"],
  ["PENDING", "COMPENSATING", "rollback of a node that an operator's retry had let wait again (R30)"],
  ["READY", "RUNNING", "dispatched (R11)"],
  ["READY", "SKIPPED", "an operator skips it (R37), or a sibling succeeded (R21)"],
  ["READY", "FAILED", "canceled, or out of time, before it was dispatched (again)"],
  ["READY", "PENDING", "held: a failure or a cancel of the run stops it before its first attempt (R14)"],
  ["READY", "COMPENSATING", "undone before the next attempt (retry.mode: compensate-first)"],
  ["RUNNING", "SUCCESSFUL", "the attempt succeeded"],
  ["RUNNING", "READY", "the attempt failed and another follows (R25)"],
  ["RUNNING", "FAILED", "the last attempt failed (R25)"],
  ["RUNNING", "CANCELING", "timed out or canceled: its signal is aborted, it is given time to let go (R26)"],
  ["RUNNING", "PENDING", "a group that was held half way is decided again after a partial rollback (R34, R35)"],
  ["RUNNING", "SKIPPED", "every member of the group was skipped"],
  ["CANCELING", "READY", "the attempt ended unknown and another follows (R26)"],
  ["CANCELING", "FAILED", "the attempt ended unknown (R26)"],
  ["FAILED", "RUNNING", "a group goes on because a member is retried (R24)"],
  ["FAILED", "SKIPPED", "an operator skips it (R37)"],
  ["FAILED", "COMPENSATING", "undone: rollback, or the next candidate follows (R21, R30, R31)"],
  [
    "FAILED",
    "PENDING",
    "an operator retries it (R37), its group starts over, or it runs again after a partial rollback (R34)",
  ],
  ["SUCCESSFUL", "COMPENSATING", "rollback (R30)"],
  ["SUCCESSFUL", "PENDING", "it runs again after a partial rollback (R34, R35)"],
  ["SKIPPED", "COMPENSATING", "rollback of a node that was skipped after it had started (R30)"],
  ["SKIPPED", "PENDING", "decided again after a partial rollback (R34, R35)"],
  ["COMPENSATING", "COMPENSATED", "the compensation succeeded"],
  ["COMPENSATING", "COMPENSATION_FAILED", "the compensation's last attempt failed (R32)"],
  ["COMPENSATING", "READY", "undone between two attempts (retry.mode: compensate-first)"],
  ["COMPENSATION_FAILED", "COMPENSATING", "rollback again resumes there (R32), or its group's retry"],
  ["COMPENSATION_FAILED", "SKIPPED", "an operator skips it (R37)"],
  ["COMPENSATION_FAILED", "PENDING", "it runs again after a partial rollback whose compensation an operator skipped"],
  ["COMPENSATED", "PENDING", "it runs again after a partial rollback (R34, R35), or its group starts over"],
] as const;

/** State of a node: any that stands in the table. SUCCESSFUL, FAILED and SKIPPED end its way forward. */
export type NodeStatus = (typeof NODE_TRANSITIONS)[number][0 | 1];

/** Status by code, the index; `Uint8Array` states hold these codes. */
export const NODE_STATUSES = [
  "PENDING",
  "READY",
  "RUNNING",
  "CANCELING",
  "SUCCESSFUL",
  "FAILED",
  "SKIPPED",
  "COMPENSATING",
  "COMPENSATED",
  "COMPENSATION_FAILED",
] as const;

/** Code by status. */
export const NodeState = {
  PENDING: 0,
  READY: 1,
  RUNNING: 2,
  CANCELING: 3,
  SUCCESSFUL: 4,
  FAILED: 5,
  SKIPPED: 6,
  COMPENSATING: 7,
  COMPENSATED: 8,
  COMPENSATION_FAILED: 9,
} as const;

/** Statuses of a node that has failed; the second also when it was undone in vain. */
export const FAILED_STATUSES: readonly NodeStatus[] = ["FAILED", "COMPENSATION_FAILED"];

/** Whether a code is one of `FAILED_STATUSES`. */
export function isFailedCode(code: number | undefined): boolean {
  return code === NodeState.FAILED || code === NodeState.COMPENSATION_FAILED;
}

/** 1 where `from * size + to` is listed. */
export const NODE_ALLOWED: Uint8Array = allowed();

function allowed(): Uint8Array {
  const size = NODE_STATUSES.length;
  const table = new Uint8Array(size * size);
  for (const [from, to] of NODE_TRANSITIONS) table[NodeState[from] * size + NodeState[to]] = 1;
  return table;
}
