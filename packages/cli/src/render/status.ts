/** How states look in a terminal: a symbol that tells without colour, and a colour. */
import type { NodeStatus, RunStatus } from "@belay/engine";
import type { Colors } from "../output.ts";

type Paint = (text: string) => string;

/** One column wide, distinct without colour. */
export const SYMBOL: Readonly<Record<NodeStatus, string>> = {
  PENDING: "·",
  READY: "○",
  RUNNING: "▸",
  CANCELING: "◌",
  SUCCESSFUL: "✓",
  FAILED: "✗",
  SKIPPED: "»",
  COMPENSATING: "◂",
  COMPENSATED: "↺",
  COMPENSATION_FAILED: "✗",
};

/** Every state, in the order of the table above. */
export const NODE_STATUSES: readonly NodeStatus[] = Object.keys(SYMBOL) as NodeStatus[];

/** States of a node in which something is under way. */
export const MOVING: ReadonlySet<NodeStatus> = new Set<NodeStatus>(["RUNNING", "CANCELING", "COMPENSATING"]);

/** The colour of a node's state. */
export function nodePaint(colors: Colors, status: NodeStatus): Paint {
  const paints: Readonly<Record<NodeStatus, Paint>> = {
    PENDING: colors.dim,
    READY: colors.cyan,
    RUNNING: colors.blue,
    CANCELING: colors.yellow,
    SUCCESSFUL: colors.green,
    FAILED: colors.red,
    SKIPPED: colors.dim,
    COMPENSATING: colors.magenta,
    COMPENSATED: colors.magenta,
    COMPENSATION_FAILED: colors.red,
  };
  return paints[status];
}

/** The colour of a run's status. */
export function runPaint(colors: Colors, status: RunStatus): Paint {
  const paints: Readonly<Record<RunStatus, Paint>> = {
    RUNNING: colors.blue,
    PAUSED: colors.yellow,
    SUCCESSFUL: colors.green,
    FAILED: colors.red,
    CANCELED: colors.yellow,
    ROLLING_BACK: colors.magenta,
    ROLLED_BACK: colors.magenta,
    PARTIALLY_ROLLED_BACK: colors.magenta,
    ROLLBACK_FAILED: colors.red,
    ABANDONED: colors.yellow,
  };
  return paints[status];
}
