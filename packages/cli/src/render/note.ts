/** The last column of a node's row: the one thing a reader should know about it now. */
import type { NodeFailure, NodeSnapshot } from "@belay/engine";
import { firstLine, oneLine } from "./text.ts";

/** `CODE: first line`; the code alone is enough when the message repeats it. */
export function failureText(failure: NodeFailure): string {
  const message = firstLine(failure.message);
  if (message === "") return failure.code;
  return failure.code === "ERROR" || message.startsWith(failure.code) ? message : `${failure.code}: ${message}`;
}

/** The note of a node; `log` is its last log line, shown while it works. Unstyled, one line, any width. */
export function noteOf(node: NodeSnapshot, log: string | undefined): string {
  const parts: string[] = [];
  if (node.prohibitRollback) parts.push("point of no return");
  if (node.tolerated) parts.push("tolerated");
  if (node.status === "SKIPPED") parts.push(`skipped: ${node.skipReason ?? "operator"}`);
  const failure = currentFailure(node);
  if (node.waiting !== null) parts.push(waitText(node.waiting));
  if (failure !== null) parts.push(failureText(failure));
  else if (log !== undefined && node.status === "RUNNING") parts.push(firstLine(log));
  return parts.join(" · ");
}

/** What a node waits for: time, people, a message. */
function waitText({ for: what, until, approvedBy, required, approvers }: NonNullable<NodeSnapshot["waiting"]>): string {
  if (what === "time") return `waits until ${until}`;
  if (what === "signal") return "waits for a signal";
  const whom = approvers === null ? "" : ` of ${oneLine(approvers.join(", "))}`;
  return `waits for approval: ${approvedBy.length} of ${required}${whom}`;
}

/** What went wrong last: of the compensation once there is one, else of the node, unless a later attempt succeeded. */
function currentFailure(node: NodeSnapshot): NodeFailure | null {
  if (node.compensation?.error) return node.compensation.error;
  return node.status === "SUCCESSFUL" || node.status === "SKIPPED" ? null : node.error;
}
