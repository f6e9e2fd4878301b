/**
 * What Mermaid and DOT say alike: the text lines of a vertex, the symbols and colours of states.
 * Owns: wording and palette of drawings. Does not own: escaping, which is each format's own.
 */
import { NODE_STATUSES, type NodeStatus } from "../core/node-state.ts";
import type { GraphGroup, GraphMember, GraphNode } from "./graph-json.ts";

/** Colours of a state, `#rrggbb`; text on them is `INK`. */
export interface Paint {
  readonly fill: string;
  readonly stroke: string;
}

/** Colour by state: greys wait, blue works, green is done, red failed, violet undoes. */
export const PALETTE: Readonly<Record<NodeStatus, Paint>> = {
  PENDING: { fill: "#f5f5f5", stroke: "#9e9e9e" },
  READY: { fill: "#e3f2fd", stroke: "#64b5f6" },
  RUNNING: { fill: "#90caf9", stroke: "#1565c0" },
  CANCELING: { fill: "#ffe0b2", stroke: "#ef6c00" },
  SUCCESSFUL: { fill: "#c8e6c9", stroke: "#2e7d32" },
  FAILED: { fill: "#ffcdd2", stroke: "#c62828" },
  SKIPPED: { fill: "#eeeeee", stroke: "#bdbdbd" },
  COMPENSATING: { fill: "#d1c4e9", stroke: "#5e35b1" },
  COMPENSATED: { fill: "#ede7f6", stroke: "#9575cd" },
  COMPENSATION_FAILED: { fill: "#f48fb1", stroke: "#880e4f" },
};

/** Border of a point of no return: it shows through any state (R33). */
export const BARRIER_STROKE = "#b71c1c";

/** Text colour on every fill of the palette. */
export const INK = "#1b1b1b";

const SYMBOL: Readonly<Record<NodeStatus, string>> = {
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

/** What a node with a waiting action waits for. */
const WAITS: ReadonlyMap<string, string> = new Map([
  ["belay.wait", "waits for a time"],
  ["belay.approval", "waits for approval"],
  ["belay.signal", "waits for a signal"],
]);

/** Groups of up to this many members list them one by one; larger ones are counted by state. */
const LISTED_MEMBERS = 12;

/** Longest condition shown, in characters. */
const CONDITION_LENGTH = 60;

/** A line about members: a state to colour it by, and its text. */
export interface MemberLine {
  readonly status: NodeStatus;
  readonly text: string;
}

/** The lines under a node's name: facts a reader needs to judge the plan, then its state. Unescaped. */
export function factLines(node: GraphNode): string[] {
  const lines: string[] = [];
  if (node.name !== node.id) lines.push(node.id);
  if (node.prohibitRollback) lines.push("⛔ point of no return");
  if (node.teardown) lines.push("runs at the end, whatever happened");
  const waits = WAITS.get(node.action);
  if (waits !== undefined) lines.push(waits);
  if (node.group) lines.push(groupLine(node.group));
  const limits: string[] = [];
  if (node.timeout > 0) limits.push(`timeout ${duration(node.timeout)}`);
  if (node.maxAttempts > 1) limits.push(`${node.maxAttempts} attempts`);
  if (node.compensation !== null) limits.push("↺ can be undone");
  if (limits.length > 0) lines.push(limits.join(" · "));
  if (node.when !== null) lines.push(`only if ${shorten(node.when)}`);
  if (node.trigger !== "all_succeeded") lines.push(`starts on ${node.trigger.replaceAll("_", " ")}`);
  if (node.status !== null) lines.push(stateText(node.status, node.tolerated));
  return lines;
}

/** Member by member, or counts by state when there are many. */
export function memberLines(group: GraphGroup): MemberLine[] {
  if (group.members.length <= LISTED_MEMBERS) return group.members.map(memberLine);
  const counts = new Map<NodeStatus, number>();
  for (const { status } of group.members) counts.set(status, (counts.get(status) ?? 0) + 1);
  return NODE_STATUSES.filter((status) => counts.has(status)).map((status) => ({
    status,
    text: `${counts.get(status)} × ${stateText(status, false)}`,
  }));
}

function memberLine(member: GraphMember): MemberLine {
  const text = `[${member.parallelIdx}] ${stateText(member.status, member.tolerated)}`;
  return { status: member.status, text };
}

function groupLine(group: GraphGroup): string {
  const limit = group.maxConcurrency === null ? "" : `, ${group.maxConcurrency} at once`;
  const size = group.members.length > 0 ? ` of ${group.members.length}` : "";
  return `group${size}, ${group.method.toLowerCase().replaceAll("_", " ")}${limit}`;
}

function stateText(status: NodeStatus, tolerated: boolean): string {
  return `${SYMBOL[status]} ${status}${tolerated ? " (tolerated)" : ""}`;
}

/** Seconds as people read them: `90` -> `1 min 30 s`. */
function duration(seconds: number): string {
  const parts: string[] = [];
  let rest = seconds;
  for (const [unit, size] of [
    ["h", 3600],
    ["min", 60],
  ] as const) {
    const count = Math.floor(rest / size);
    if (count > 0) parts.push(`${count} ${unit}`);
    rest -= count * size;
  }
  const left = Number(rest.toFixed(3));
  if (left > 0 || parts.length === 0) parts.push(`${left} s`);
  return parts.join(" ");
}

function shorten(expression: string): string {
  const characters = [...expression];
  return characters.length <= CONDITION_LENGTH ? expression : `${characters.slice(0, CONDITION_LENGTH - 1).join("")}…`;
}

/**
 * Text that no format can trip over: control characters and line breaks become spaces, what XML cannot carry the
 * replacement character, and characters that reorder what a reader sees are dropped.
 */
export function plainText(text: string): string {
  return text
    .replace(/[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, "")
    .replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, " ")
    .replace(/[\ufffe\uffff]/g, "\ufffd")
    .trim();
}
