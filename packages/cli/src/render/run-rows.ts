/** Runs as rows that fit a terminal. Pure. Owns: columns, and what is said of a run in one phrase. */
import type { RunSummary } from "@belay/engine/journal";
import { shortId } from "../database/run-ref.ts";
import type { Colors } from "../output.ts";
import { runPaint } from "./status.ts";
import { cut, duration, fitLeft, fitRight, oneLine, width } from "./text.ts";

export interface RowsView {
  /** All runs of the file: short ids tell one from these. */
  readonly all: readonly RunSummary[];
  /** Epoch milliseconds. */
  readonly nowMs: number;
  /** Nothing is wider. */
  readonly columns: number;
  readonly colors: Colors;
}

const GAP = "  ";
const AGE_COLUMNS = 7;
/** A plan's name is cut to this when there is little room. */
const LEAST_PLAN = 12;

/** The lines, styled, without line ends; one line when there are no runs. */
export function runRows(runs: readonly RunSummary[], { all, nowMs, columns, colors }: RowsView): string[] {
  if (runs.length === 0) return ["no runs"];
  const ids = all.map(({ runId }) => runId);
  const rows = runs.map((run) => ({ run, id: shortId(run.runId, ids), note: noteOf(run, ids) }));
  const widest = (texts: readonly string[]): number => Math.max(...texts.map(width));
  const id = widest(["RUN", ...rows.map((row) => row.id)]);
  const status = widest(["STATUS", ...runs.map((run) => run.status)]);
  const fixed = id + status + 2 * AGE_COLUMNS + 4 * GAP.length;
  const plan = Math.min(
    widest(["PLAN", ...runs.map((run) => run.planName)]),
    Math.max(LEAST_PLAN, columns - fixed - 20),
  );
  const line = (cells: readonly string[]): string => cut(cells.join(GAP).trimEnd(), columns);
  const head = [fitLeft("RUN", id), fitLeft("STATUS", status), fitLeft("PLAN", plan)];
  const lines = [
    colors.dim(line([...head, fitRight("STARTED", AGE_COLUMNS), fitRight("CHANGED", AGE_COLUMNS), "NOTE"])),
  ];
  for (const { run, id: short, note } of rows) {
    const ages = [run.startedAt, run.at].map((at) => fitRight(duration(nowMs - at), AGE_COLUMNS));
    const room = columns - fixed - plan - GAP.length;
    const cells = [fitLeft(short, id), runPaint(colors, run.status)(fitLeft(run.status, status))];
    cells.push(fitLeft(oneLine(run.planName), plan), ...ages, cut(note, room));
    lines.push(cells.join(GAP).trimEnd());
  }
  return [...lines, colors.dim("STARTED and CHANGED say how long ago.")];
}

/** Who is expected to do something. */
function noteOf({ status, owner, ended, parent }: RunSummary, ids: readonly string[]): string {
  const inside = parent === null ? "" : `inside ${shortId(parent.runId, ids)}`;
  if (ended) return inside;
  const isMoving = status === "RUNNING" || status === "ROLLING_BACK";
  const state = owner === null ? (isMoving ? "cut off: belay recover" : "waits for an operator") : executedBy(owner);
  return inside === "" ? state : `${state}, ${inside}`;
}

/** Engines are named `host:pid:...`; another name is shown as it is. */
export function executedBy(owner: string): string {
  const [, host, pid] = /^(.+):(\d+):[^:]+$/.exec(owner) ?? [];
  return pid === undefined ? `executed by ${oneLine(owner)}` : `executed by process ${pid} on ${host}`;
}
