/**
 * Native states in OCP's words, as tables. Owns: what a run and each of its nodes read as in OCP's task view.
 *
 * OCP has three states of a task and six of a subtask; what was done or is wanted stands beside them in `operation`.
 * A finished rollback reads SUCCESSFUL there, with operation ROLLBACK and every subtask PENDING (R36).
 */
import type { NodeSnapshot, NodeStatus, Operation, RunSnapshot, RunStatus } from "../runtime/api.ts";

/** The three states OCP has of a task. */
export type OcpTaskStatus = "RUNNING" | "FAILED" | "SUCCESSFUL";
/** The six states OCP has of a subtask. */
export type OcpSubtaskStatus = "PENDING" | "READY" | "RUNNING" | "CANCELING" | "FAILED" | "SUCCESSFUL";

/** A state and what was last asked, as OCP shows them together. */
export interface OcpState<Status> {
  /** One of OCP's states. */
  readonly status: Status;
  /** EXECUTE, RETRY, ROLLBACK, SKIP or ROLLBACK_SKIP as OCP has them; CANCEL is ours. */
  readonly operation: Operation;
}

/**
 * Where the operation comes from. `forward`: EXECUTE, or RETRY from the second attempt. `stopped`: CANCEL when it was
 * canceled, else as `forward`. `undo`: RETRY between two attempts (retry.mode: compensate-first), else ROLLBACK.
 */
type OperationRule = "forward" | "stopped" | "undo" | "last" | "ROLLBACK" | "SKIP";

const TASK_STATES: Readonly<Record<RunStatus, readonly [OcpTaskStatus, OperationRule]>> = {
  RUNNING: ["RUNNING", "forward"],
  // OCP knows no pause.
  PAUSED: ["RUNNING", "forward"],
  SUCCESSFUL: ["SUCCESSFUL", "forward"],
  FAILED: ["FAILED", "forward"],
  CANCELED: ["FAILED", "last"],
  ABANDONED: ["FAILED", "last"],
  ROLLING_BACK: ["RUNNING", "ROLLBACK"],
  ROLLED_BACK: ["SUCCESSFUL", "ROLLBACK"],
  PARTIALLY_ROLLED_BACK: ["FAILED", "ROLLBACK"],
  ROLLBACK_FAILED: ["FAILED", "ROLLBACK"],
};

const SUBTASK_STATES: Readonly<Record<NodeStatus, readonly [OcpSubtaskStatus, OperationRule]>> = {
  PENDING: ["PENDING", "forward"],
  READY: ["READY", "forward"],
  RUNNING: ["RUNNING", "forward"],
  CANCELING: ["CANCELING", "forward"],
  SUCCESSFUL: ["SUCCESSFUL", "forward"],
  FAILED: ["FAILED", "stopped"],
  SKIPPED: ["SUCCESSFUL", "SKIP"],
  COMPENSATING: ["RUNNING", "undo"],
  COMPENSATED: ["PENDING", "undo"],
  COMPENSATION_FAILED: ["FAILED", "ROLLBACK"],
};

/** Runs whose nodes have been, or are being, undone. */
const UNDOING: ReadonlySet<RunStatus> = new Set<RunStatus>([
  "ROLLING_BACK",
  "ROLLED_BACK",
  "PARTIALLY_ROLLED_BACK",
  "ROLLBACK_FAILED",
]);

/** A run's status as OCP shows a task's. */
export function taskStatus(status: RunStatus): OcpTaskStatus {
  return TASK_STATES[status][0];
}

/** The run's state as OCP shows a task's. */
export function taskState(run: RunSnapshot): OcpState<OcpTaskStatus> {
  const [status, rule] = TASK_STATES[run.status];
  return { status, operation: operationOf(rule, run.operation, run.operation === "RETRY") };
}

/** The node's state as OCP shows a subtask's; `run` says whether a rollback reaches it. */
export function subtaskState(run: RunSnapshot, node: NodeSnapshot): OcpState<OcpSubtaskStatus> {
  return UNDOING.has(run.status) ? undoneState(run, node) : plainState(node);
}

/** Outside a rollback, or out of its reach. */
function plainState(node: NodeSnapshot): OcpState<OcpSubtaskStatus> {
  const [status, rule] = SUBTASK_STATES[node.status];
  return { status, operation: operationOf(rule, node.operation, node.runTime > 1 || node.operation === "RETRY") };
}

/**
 * In a rollback. The engine marks a node ROLLBACK when the rollback reaches it: everything below is undone then, and
 * the node is compensated, or has nothing to undo and is passed. OCP calls an empty rollback there: PENDING either way.
 */
function undoneState(run: RunSnapshot, node: NodeSnapshot): OcpState<OcpSubtaskStatus> {
  if (node.operation === "ROLLBACK_SKIP") return { status: "PENDING", operation: "ROLLBACK_SKIP" };
  const plain = plainState(node);
  const touched = node.started || node.status === "SKIPPED" || node.operation === "ROLLBACK";
  if (!touched) return { status: "PENDING", operation: plain.operation };
  if (run.status === "ROLLED_BACK") return { status: "PENDING", operation: "ROLLBACK" };
  if (node.status.startsWith("COMPENSAT")) return { status: plain.status, operation: "ROLLBACK" };
  if (node.operation !== "ROLLBACK") {
    // Not reached. With a started point of no return the rollback is a partial one, and may never get here (R34).
    const coming = !run.prohibitRollback && run.status !== "PARTIALLY_ROLLED_BACK";
    return coming ? { status: plain.status, operation: "ROLLBACK" } : plain;
  }
  const waiting = node.compensation !== null && run.status === "ROLLING_BACK";
  return { status: waiting ? "READY" : "PENDING", operation: "ROLLBACK" };
}

function operationOf(rule: OperationRule, last: Operation, again: boolean): Operation {
  switch (rule) {
    case "last":
      return last;
    case "undo":
      return last === "RETRY" ? "RETRY" : "ROLLBACK";
    case "stopped":
      return last === "CANCEL" ? "CANCEL" : operationOf("forward", last, again);
    case "forward":
      return again ? "RETRY" : "EXECUTE";
    default:
      return rule;
  }
}
