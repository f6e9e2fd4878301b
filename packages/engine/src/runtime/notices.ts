/**
 * From the core's notices to events. Owns: the mapping, one row of a table per notice. An event nobody listens to is
 * never built.
 */
import { Cause, type Commands, isToleratedFailure, Op, RUN_STATUSES } from "../core/index.ts";
import type { NodeFailure, Outcome, RunEventMap, RunEventName, SkipReason } from "./api.ts";
import type { Executor } from "./executor.ts";
import { engineFailure } from "./failure.ts";
import { nodeId } from "./node-id.ts";

/** Words of SkipCode. */
export const SKIP_REASONS: readonly (SkipReason | null)[] = [
  null,
  "condition",
  "upstream",
  "empty",
  "superseded",
  "operator",
];

const OUTCOMES: readonly Outcome[] = ["failed", "succeeded", "failed", "unknown"];
const CAUSES: readonly string[] = [
  "NONE",
  "TIMEOUT",
  "HEARTBEAT_TIMEOUT",
  "TOTAL_TIMEOUT",
  "CANCELED",
  "RUN_TIMEOUT",
  "KILLED",
];

const RUN_EVENTS: Readonly<Record<string, RunEventName>> = {
  PAUSED: "run:paused",
  FAILED: "run:failed",
  SUCCESSFUL: "run:succeeded",
  ROLLING_BACK: "run:rolling-back",
  ROLLED_BACK: "run:rolled-back",
  PARTIALLY_ROLLED_BACK: "run:partially-rolled-back",
  ROLLBACK_FAILED: "run:rollback-failed",
  CANCELED: "run:canceled",
  ABANDONED: "run:abandoned",
};

interface Row {
  readonly executor: Executor;
  readonly node: number;
  readonly value: number;
  readonly extra: number;
  readonly at: number;
}

/** Name of the event, and what it carries beside runId, nodeId, attempt and at. */
type Notice = readonly [RunEventName, (row: Row) => object];

const NOTICES: Readonly<Record<number, Notice>> = {
  [Op.READY]: ["node:ready", () => ({})],
  [Op.HELD]: ["node:held", () => ({})],
  [Op.RESET]: ["node:reset", () => ({})],
  [Op.RUN]: ["node:started", () => ({})],
  [Op.SUCCEEDED]: ["node:succeeded", ({ executor, node }) => ({ output: executor.values.output(node) })],
  [Op.FAILED]: [
    "node:failed",
    (row) => ({ ...failedFields(row), tolerated: isToleratedFailure(row.executor.state, row.node) }),
  ],
  [Op.RETRYING]: ["node:retrying", (row) => ({ ...failedFields(row), delayMs: row.at })],
  [Op.SKIPPED]: ["node:skipped", ({ value }) => ({ reason: SKIP_REASONS[value] })],
  [Op.CANCELING]: ["node:canceling", ({ value }) => ({ reason: CAUSES[value] })],
  [Op.LATE]: ["node:late", ({ value, extra }) => ({ attempt: value, outcome: OUTCOMES[extra] })],
  [Op.EXPANDED]: ["node:expanded", ({ value }) => ({ members: value })],
  [Op.COMPENSATE]: ["node:compensating", ({ value }) => ({ attempt: value })],
  [Op.COMPENSATED]: ["node:compensated", ({ value }) => ({ attempt: value })],
  [Op.UNDO_RETRYING]: ["node:compensation-retrying", (row) => ({ ...undoFields(row), delayMs: row.at })],
  [Op.UNDO_FAILED]: ["node:compensation-failed", (row) => undoFields(row)],
};

function failedFields({ executor, node }: Row): { error: NodeFailure; outcome: Outcome } {
  const error = executor.values.failure(node) ?? engineFailure("ERROR", "failed without saying why");
  return { error, outcome: OUTCOMES[executor.state.outcome[node] as number] as Outcome };
}

function undoFields({ executor, node, value }: Row): object {
  const error = executor.values.undoFailure(node) ?? engineFailure("ERROR", "failed without saying why");
  return { attempt: value, error, outcome: "failed" };
}

/** Emits the event of one row, if anybody listens. */
export function emitNotice(executor: Executor, commands: Commands, row: number): void {
  const op = commands.op[row] as number;
  const value = commands.value[row] as number;
  if (op === Op.RUN_STATUS) {
    emitRunStatus(executor, value, commands.extra[row] as number);
    return;
  }
  const notice = NOTICES[op];
  if (notice === undefined) return;
  const name = op === Op.FAILED && value === Cause.CANCEL ? "node:canceled" : notice[0];
  const { emitter, header, state } = executor;
  if (!emitter.wants(name)) return;
  const node = commands.node[row] as number;
  const attempt = op === Op.RUN || op === Op.READY ? value : (state.attempt[node] as number);
  const fields = notice[1]({
    executor,
    node,
    value,
    extra: commands.extra[row] as number,
    at: commands.at[row] as number,
  });
  const event = { runId: header.runId, at: executor.lastAt, nodeId: nodeId(executor, node), attempt, ...fields };
  emitter.emit(name, event as unknown as RunEventMap[typeof name]);
}

/** How a run comes to be RUNNING, by the command's `extra`. */
const RUNNING_EVENTS: readonly RunEventName[] = ["run:resumed", "run:retrying", "run:started"];

function emitRunStatus(executor: Executor, status: number, how: number): void {
  const word = RUN_STATUSES[status] as string;
  const name = (word === "RUNNING" ? RUNNING_EVENTS[how] : RUN_EVENTS[word]) as RunEventName;
  executor.emitter.emit(name, { runId: executor.header.runId, at: executor.lastAt } as never);
}
