/** One entry of a run's audit trail in one line: who, what, of which node, why. Pure. */
import type { AuditEntry } from "@belay/engine";
import { oneLine } from "./text.ts";

/** `ada: retry of work: the disk is replaced (request 7f)`; of a recovery what was decided. */
export function auditText({ by, verb, decision, nodeId, to, who, why, requestId, ...entry }: AuditEntry): string {
  const of = nodeId === null ? "" : ` of ${entry.compensation ? "the undo of " : ""}${nodeId}`;
  if (decision !== null) return oneLine(`engine: attempt ${entry.attempt}${of} was cut off: ${DECISIONS[decision]}`);
  const what = verb === "skipRollback" ? "skip-rollback" : verb;
  const until = to === null ? "" : ` to ${to}`;
  const reason = why === null ? "" : `: ${why}`;
  const request = requestId === null ? "" : ` (request ${requestId})`;
  const asker = who ?? (by === "engine" ? "engine" : "somebody");
  return oneLine(`${asker}: ${what}${of}${until}${reason}${request}`);
}

const DECISIONS = {
  VERIFIED: "it had taken effect",
  AGAIN: "it was run again",
  LOST: "nobody can tell what came of it",
} as const;
