/** One run in full: what it is, where its nodes stand, what failed, what waits, what can be done. Pure. */
import type { AuditEntry, RunSnapshot } from "@belay/engine";
import type { RunSummary } from "@belay/engine/journal";
import type { Colors } from "../output.ts";
import { auditText } from "./audit-text.ts";
import { rowOrder } from "./order.ts";
import { storedOutcomeLines } from "./outcome.ts";
import { executedBy } from "./run-rows.ts";
import type { StoredRef } from "./stored-choices.ts";
import { renderTable } from "./table.ts";
import { cut, duration, oneLine } from "./text.ts";

export interface PageView {
  readonly summary: RunSummary;
  readonly snapshot: RunSnapshot;
  readonly audit: readonly AuditEntry[];
  readonly stored: StoredRef;
  /** Epoch milliseconds. */
  readonly nowMs: number;
  readonly columns: number;
  /** Nodes shown at most. */
  readonly rows: number;
  readonly colors: Colors;
}

/** The last ones; `belay logs` has all. */
const ASKED = 5;

/** The lines, styled, without line ends. */
export function runPage(view: PageView): string[] {
  const { snapshot, stored, nowMs, columns, colors } = view;
  const { rows } = view;
  const order = rowOrder(snapshot.nodes);
  const table = renderTable({ snapshot, order, nowMs: endOf(view), columns, rows, colors });
  return [...facts(view), "", ...table, "", ...storedOutcomeLines(snapshot, stored, colors), ...lastAsked(view, nowMs)];
}

/** What stood still since the run was cut off did not take longer since. */
function endOf({ summary, nowMs }: PageView): number {
  return summary.owner === null ? summary.at : nowMs;
}

function facts({ summary, snapshot, nowMs, columns, colors }: PageView): string[] {
  const { runId, planHash, parent, locks, clientToken, records } = summary;
  const ago = (at: number): string => `${new Date(at).toISOString()} (${duration(nowMs - at)} ago)`;
  const rows: [string, string][] = [
    ["run", runId],
    ["plan", `${snapshot.planName} ${planHash.slice(0, 12)}`],
    ["started", ago(summary.startedAt)],
    ["last record", `${ago(summary.at)}, ${records} ${records === 1 ? "record" : "records"}`],
    ["executed by", whoExecutes(summary)],
  ];
  if (locks.length > 0) rows.push(["locks", locks.join(", ")]);
  if (parent !== null) rows.push(["inside", `${parent.runId}, attempt ${parent.attempt} of ${parent.nodeId}`]);
  if (clientToken !== null) rows.push(["client token", clientToken]);
  return rows.map(([name, text]) => `${colors.dim(name.padEnd(12))} ${cut(oneLine(text), columns - 13)}`);
}

function whoExecutes({ owner, ended, status }: RunSummary): string {
  if (ended) return "nobody: it has ended";
  if (owner !== null) return executedBy(owner).replace("executed by ", "");
  return status === "RUNNING" || status === "ROLLING_BACK" ? "nobody: it was cut off" : "nobody";
}

function lastAsked({ audit, colors, stored }: PageView, nowMs: number): string[] {
  const asked = audit.filter(({ verb }) => verb !== "start");
  if (asked.length === 0) return [];
  const more = asked.length > ASKED ? ` (the last ${ASKED} of ${asked.length}; belay logs ${stored.run} has all)` : "";
  const lines = asked.slice(-ASKED).map((one) => {
    return `  ${duration(nowMs - Date.parse(one.at)).padStart(6)} ago  ${oneLine(auditText(one))}`;
  });
  return ["", colors.bold(`What was asked and decided${more}:`), ...lines];
}
