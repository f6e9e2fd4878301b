/**
 * A run as a table that fits a terminal. Pure: a snapshot, a time and a size in, lines out.
 * Owns: columns, what is left out when there is little room, and which rows show of a plan longer than the screen: those
 * around where something happens. Cost O(nodes) for the counts, O(rows shown) for the rest.
 */
import type { NodeSnapshot, NodeStatus, RunSnapshot } from "@belay/engine";
import type { Colors } from "../output.ts";
import { noteOf } from "./note.ts";
import { MOVING, NODE_STATUSES, nodePaint, runPaint, SYMBOL } from "./status.ts";
import { cut, duration, fitLeft, fitRight, oneLine, width } from "./text.ts";

export interface TableView {
  readonly snapshot: RunSnapshot;
  /** Indexes into `snapshot.nodes`, see `rowOrder`. */
  readonly order: readonly number[];
  /** Epoch milliseconds; the end of what still runs. */
  readonly nowMs: number;
  /** Size of the terminal. Nothing is wider; no more than `rows` lines. */
  readonly columns: number;
  readonly rows: number;
  readonly colors: Colors;
  /** Last log line by node id. */
  readonly logs?: ReadonlyMap<string, string>;
}

const TITLE_LINES = 1;
const HEAD_LINES = 1;
const FOOT_LINES = 1;
const TRY_COLUMNS = 3;
const TIME_COLUMNS = 6;
/** What notes get of the room they share with names, when the names would take more. */
const NOTE_SHARE = 0.45;
/** "point of no return"; a note narrower than this says nothing. */
const LEAST_NOTE = 18;
/** Wide enough for every state but COMPENSATION_FAILED, which is shown as UNDO FAILED. */
const STATE_COLUMNS = 12;
const GAP = "  ";

/** The table's lines, styled, without line ends. */
export function renderTable(view: TableView): string[] {
  const { order, snapshot } = view;
  const room = Math.max(1, view.rows - TITLE_LINES - HEAD_LINES);
  const clipped = order.length > room;
  const shown = clipped ? windowAround(view, Math.max(1, room - FOOT_LINES)) : { from: 0, to: order.length };
  const columns = columnsOf(view, shown);
  const lines = [titleLine(view), headLine(view, columns)];
  for (const index of order.slice(shown.from, shown.to)) {
    const node = snapshot.nodes[index];
    if (node) lines.push(rowLine(view, columns, node));
  }
  if (clipped) lines.push(footLine(view, shown));
  return lines.slice(0, Math.max(1, view.rows));
}

interface Columns {
  readonly state: number;
  readonly node: number;
  readonly tries: number;
  readonly time: number;
  readonly note: number;
}

interface Range {
  readonly from: number;
  readonly to: number;
}

/** Room goes to the state, then the node's name, then the note; tries and times are dropped in very narrow terminals. */
function columnsOf({ columns, order, snapshot }: TableView, shown: Range): Columns {
  const symbol = 2;
  const state = columns >= 40 ? STATE_COLUMNS : 0;
  const numbers = columns >= 56;
  const tries = numbers ? TRY_COLUMNS : 0;
  const time = columns >= 30 ? TIME_COLUMNS : 0;
  const fixed = symbol + [state, tries, time].reduce((sum, wide) => sum + (wide > 0 ? wide + GAP.length : 0), 0);
  const rest = Math.max(1, columns - fixed);
  let longest = "NODE".length;
  for (const index of order.slice(shown.from, shown.to)) {
    const node = snapshot.nodes[index];
    if (node) longest = Math.max(longest, width(label(node)));
  }
  const note = Math.max(rest - longest - GAP.length, Math.floor(rest * NOTE_SHARE));
  if (note < LEAST_NOTE) return { state, node: rest, tries, time, note: 0 };
  return { state, node: rest - note - GAP.length, tries, time, note };
}

function titleLine({ snapshot, nowMs, columns, colors }: TableView): string {
  const done = snapshot.nodes.filter((node) => node.status === "SUCCESSFUL" || node.status === "SKIPPED").length;
  const end = snapshot.finishTime === null ? nowMs : Date.parse(snapshot.finishTime);
  const facts = `${done}/${snapshot.nodes.length} done${GAP}${duration(end - Date.parse(snapshot.startTime))}`;
  const state = snapshot.status;
  const room = columns - width(state) - width(facts) - 2 * GAP.length;
  if (room < 4) return runPaint(colors, state)(cut(state, columns));
  const title = cut(oneLine(snapshot.title), room);
  return `${colors.bold(title)}${GAP}${runPaint(colors, state)(state)}${GAP}${facts}`;
}

function headLine({ colors }: TableView, columns: Columns): string {
  const cells = cellsOf(columns, { state: "STATE", node: "NODE", tries: "TRY", time: "TIME", note: "NOTE" });
  return colors.dim(`  ${cells.join(GAP)}`.trimEnd());
}

function rowLine({ colors, nowMs, logs }: TableView, columns: Columns, node: NodeSnapshot): string {
  const paint = nodePaint(colors, node.status);
  const cells = cellsOf(columns, {
    state: stateText(node.status),
    node: label(node),
    tries: triesOf(node),
    time: timeOf(node, nowMs),
    note: noteOf(node, logs?.get(node.id)),
  });
  const styles = stylesOf(columns, paint, node.prohibitRollback && node.started ? colors.yellow : colors.dim);
  const styled = cells.map((cell, index) => (cell.trim() === "" ? cell : (styles[index]?.(cell) ?? cell)));
  return `${paint(SYMBOL[node.status])} ${styled.join(GAP)}`.trimEnd();
}

type Cell = "state" | "node" | "tries" | "time" | "note";

/** The cells that have room, each exactly as wide as its column; the last one is not filled up. */
function cellsOf(columns: Columns, cells: Readonly<Record<Cell, string>>): string[] {
  return visible(columns).map((cell, index, all) => {
    if (cell === "tries" || cell === "time") return fitRight(cells[cell], columns[cell]);
    return index === all.length - 1 ? cut(cells[cell], columns[cell]) : fitLeft(cells[cell], columns[cell]);
  });
}

function stylesOf(columns: Columns, paint: (text: string) => string, note: (text: string) => string) {
  return visible(columns).map((cell) => (cell === "state" ? paint : cell === "note" ? note : undefined));
}

function visible(columns: Columns): readonly Cell[] {
  return (["state", "node", "tries", "time", "note"] as const).filter((cell) => columns[cell] > 0);
}

/** The id, and the name where it says more than the id in other letters. A member has the name of its group. */
function label(node: NodeSnapshot): string {
  const name = oneLine(node.name);
  const says = letters(name);
  return says === "" || says === letters(node.group ?? node.id) ? node.id : `${node.id} ${name}`;
}

function letters(text: string): string {
  return text.toLowerCase().replace(/[\s._-]/g, "");
}

function stateText(status: NodeStatus): string {
  return status === "COMPENSATION_FAILED" ? "UNDO FAILED" : status;
}

function triesOf(node: NodeSnapshot): string {
  const compensation = node.compensation;
  if (compensation && compensation.startTime !== null) return String(compensation.runTime);
  return node.started ? String(node.runTime) : "";
}

/** Of the compensation once it started, else of the node. */
function timeOf(node: NodeSnapshot, nowMs: number): string {
  const compensation = node.compensation;
  const span = compensation && compensation.startTime !== null ? compensation : node;
  if (span.startTime === null) return "";
  const end = span.finishTime === null ? nowMs : Date.parse(span.finishTime);
  return duration(end - Date.parse(span.startTime));
}

/** The rows to show: the first that moves a third from the top; without one the first that failed, else the last that ended. */
function windowAround({ order, snapshot }: TableView, room: number): Range {
  let moving = -1;
  let failed = -1;
  let ended = 0;
  for (const [row, index] of order.entries()) {
    const status = snapshot.nodes[index]?.status ?? "PENDING";
    if (moving < 0 && MOVING.has(status)) moving = row;
    if (failed < 0 && (status === "FAILED" || status === "COMPENSATION_FAILED")) failed = row;
    if (status !== "PENDING" && status !== "READY") ended = row;
  }
  const focus = moving >= 0 ? moving : failed >= 0 ? failed : ended;
  const from = Math.min(Math.max(0, focus - Math.floor(room / 3)), Math.max(0, order.length - room));
  return { from, to: Math.min(order.length, from + room) };
}

function footLine({ order, snapshot, columns, colors }: TableView, shown: Range): string {
  const counts = new Map<NodeStatus, number>();
  for (const { status } of snapshot.nodes) counts.set(status, (counts.get(status) ?? 0) + 1);
  const states = NODE_STATUSES.filter((status) => counts.has(status)).map(
    (status) => `${counts.get(status)} ${stateText(status).toLowerCase()}`,
  );
  const text = `… ${shown.from} above, ${order.length - shown.to} below; ${states.join(", ")}`;
  return colors.dim(cut(text, columns));
}
