/**
 * From the core's notices to events. Owns: the mapping, one row of a table per notice. An event nobody listens to is
 * never built.
 */
import { Cause, type Commands, isToleratedFailure, Op, OUTCOME_SPAN, RUN_STATUSES } from "../core/index.ts";
import type { NodeEvent, NodeFailure, Outcome, RunEvent, RunEventMap, RunEventName } from "./api.ts";
import { bitsOf } from "./emitter.ts";
import type { RunFacts } from "./facts.ts";
import { engineFailure } from "./failure.ts";
import { nodeId } from "./node-id.ts";
import { shownOutput, shownPeople } from "./shown.ts";
import { OUTCOMES, SKIP_REASONS, STOP_CODES } from "./words.ts";

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
  readonly facts: RunFacts;
  readonly node: number;
  readonly value: number;
  readonly extra: number;
  readonly at: number;
}

/** Name of the event, and what it carries beside runId, nodeId, attempt and at; mostly nothing. */
type Notice = readonly [RunEventName, ((row: Row) => object)?];

const NOTICES: Readonly<Record<number, Notice>> = {
  [Op.READY]: ["node:ready"],
  [Op.HELD]: ["node:held"],
  [Op.RESET]: ["node:reset"],
  [Op.RUN]: ["node:started"],
  [Op.APPROVED]: [
    "node:approved",
    ({ facts, node }) => {
      const approvedBy = shownPeople(facts, facts.values.approvals(node));
      return { who: approvedBy.at(-1), approvedBy };
    },
  ],
  [Op.SUCCEEDED]: ["node:succeeded"],
  [Op.FAILED]: [
    "node:failed",
    (row) => ({ ...failedFields(row), tolerated: isToleratedFailure(row.facts.state, row.node) }),
  ],
  [Op.RETRYING]: ["node:retrying", (row) => ({ ...failedFields(row), delayMs: row.at })],
  [Op.SKIPPED]: ["node:skipped", ({ value }) => ({ reason: SKIP_REASONS[value] })],
  [Op.CANCELING]: ["node:canceling", ({ value }) => ({ reason: STOP_CODES[value] })],
  [Op.LATE]: ["node:late", ({ value, extra }) => ({ attempt: value, outcome: OUTCOMES[extra] })],
  [Op.EXPANDED]: ["node:expanded", ({ value }) => ({ members: value })],
  [Op.COMPENSATE]: ["node:compensating", ({ value }) => ({ attempt: value })],
  [Op.COMPENSATED]: ["node:compensated", ({ value }) => ({ attempt: value })],
  [Op.UNDO_RETRYING]: ["node:compensation-retrying", (row) => ({ ...undoFields(row), delayMs: row.at })],
  [Op.UNDO_FAILED]: ["node:compensation-failed", (row) => undoFields(row)],
};

/** The row carries attempt and outcome: later inputs of the same batch may have changed the state. */
function failedFields({ facts, node, extra }: Row): { attempt: number; error: NodeFailure; outcome: Outcome } {
  const error = facts.values.failure(node) ?? engineFailure("ERROR", "failed without saying why");
  // Without an attempt, as when a condition cannot be evaluated, it is the node that failed.
  const outcome = OUTCOMES[extra % OUTCOME_SPAN] ?? "failed";
  return { attempt: Math.floor(extra / OUTCOME_SPAN), error, outcome };
}

function undoFields({ facts, node, value }: Row): object {
  const error = facts.values.undoFailure(node) ?? engineFailure("ERROR", "failed without saying why");
  return { attempt: value, error, outcome: "failed" };
}

/** How a run comes to be RUNNING, by the command's `extra`. */
const RUNNING_EVENTS: readonly RunEventName[] = ["run:resumed", "run:retrying", "run:started"];

/** The name of the event that a row of commands is told as; undefined for rows that only ask for something. */
export function noticeName(commands: Commands, row: number): RunEventName | undefined {
  const op = commands.op[row] as number;
  const value = commands.value[row] as number;
  if (op === Op.RUN_STATUS) {
    const word = RUN_STATUSES[value] as string;
    return word === "RUNNING" ? RUNNING_EVENTS[commands.extra[row] as number] : RUN_EVENTS[word];
  }
  return op === Op.FAILED && value === Cause.CANCEL ? "node:canceled" : NOTICES[op]?.[0];
}

/** Bits of the events that a command may be told as, by its op; see `RunEmitter.heard`. */
export const HEARD_AS: Int32Array = Int32Array.from({ length: 1 + Math.max(...Object.values(Op)) }, (_, op) => {
  if (op === Op.RUN_STATUS) return bitsOf([...RUNNING_EVENTS, ...Object.values(RUN_EVENTS)]);
  const name = NOTICES[op]?.[0];
  if (name === undefined) return 0;
  return bitsOf(op === Op.FAILED ? [name, "node:canceled"] : [name]);
});

/** The event of that row, at the run's time `at`. */
export function noticeEvent(facts: RunFacts, commands: Commands, row: number, at: number): RunEvent {
  const op = commands.op[row] as number;
  const { runId } = facts.header;
  const notice = NOTICES[op];
  if (notice === undefined) return { runId, at };
  const node = commands.node[row] as number;
  const value = commands.value[row] as number;
  const attempt = op === Op.RUN || op === Op.READY ? value : (facts.state.attempt[node] as number);
  const id = nodeId(facts, node);
  // The events of every node are written out: copying fields costs more than all the rest of an event.
  if (op === Op.SUCCEEDED) {
    const succeeded: RunEventMap["node:succeeded"] = {
      runId,
      at,
      nodeId: id,
      attempt,
      output: shownOutput(facts, node),
    };
    return succeeded;
  }
  const plain: NodeEvent = { runId, at, nodeId: id, attempt };
  if (notice[1] === undefined) return plain;
  const extra = commands.extra[row] as number;
  const fields = notice[1]({ facts, node, value, extra, at: commands.at[row] as number });
  return { ...plain, ...fields };
}
