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

const RUN_PAINTS: Readonly<Record<RunStatus, (colors: Colors) => Paint>> = {
  RUNNING: ({ blue }) => blue,
  PAUSED: ({ yellow }) => yellow,
  SUCCESSFUL: ({ green }) => green,
  FAILED: ({ red }) => red,
  CANCELED: ({ yellow }) => yellow,
  ROLLING_BACK: ({ magenta }) => magenta,
  ROLLED_BACK: ({ magenta }) => magenta,
  PARTIALLY_ROLLED_BACK: ({ magenta }) => magenta,
  ROLLBACK_FAILED: ({ red }) => red,
  ABANDONED: ({ yellow }) => yellow,
};

/** Every status of a run. */
export const RUN_STATUSES: readonly RunStatus[] = Object.keys(RUN_PAINTS) as RunStatus[];

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
  return RUN_PAINTS[status](colors);
}
