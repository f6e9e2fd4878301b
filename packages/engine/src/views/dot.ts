/**
 * A plan, or a run of it, in Graphviz' DOT language.
 * Owns: DOT's syntax and escaping. Does not own: what is shown (graph-json.ts) and in which words (drawing.ts).
 * Invariants: equal inputs give equal bytes; no name can leave its label; a group is one box, a table with one row per
 * member, and one end of an edge (R22).
 */
import type { Plan } from "../plan/document.ts";
import type { RunSnapshot } from "../runtime/api.ts";
import { BARRIER_STROKE, factLines, INK, memberLines, PALETTE, plainText } from "./drawing.ts";
import { type GraphGroup, type GraphNode, toGraphJson } from "./graph-json.ts";

/** The drawing's text; ends in a newline. Never fails for a checked plan. Cost O(nodes + edges). */
export function toDot(plan: Plan, snapshot?: RunSnapshot): string {
  const graph = toGraphJson(plan, snapshot);
  const title = graph.status === null ? graph.title : `${graph.title} - ${graph.status}`;
  const note = graph.prohibitRollback ? "<br/>can never be rolled back" : "";
  const lines = [
    "digraph plan {",
    `  graph [label=<<b>${escapeText(title)}</b>${note}>, labelloc=t, rankdir=TB, fontname="sans-serif"];`,
    `  node [shape=box, style="rounded,filled", fillcolor="#ffffff", fontcolor="${INK}", fontname="sans-serif", fontsize=11];`,
    `  edge [color="#616161"];`,
  ];
  for (const node of graph.nodes) lines.push(`  ${quoted(node.id)} [${attributes(node).join(", ")}];`);
  for (const { from, to } of graph.edges) lines.push(`  ${quoted(from)} -> ${quoted(to)};`);
  for (const { from, to } of graph.teardowns) lines.push(`  ${quoted(from)} -> ${quoted(to)} [style=dashed];`);
  lines.push("}");
  return `${lines.join("\n")}\n`;
}

function attributes(node: GraphNode): string[] {
  const list = [`label=<${label(node)}>`];
  if (node.status !== null) {
    const { fill, stroke } = PALETTE[node.status];
    list.push(`fillcolor="${fill}"`);
    if (!node.prohibitRollback) list.push(`color="${stroke}"`);
  }
  if (node.prohibitRollback) list.push("shape=octagon", `color="${BARRIER_STROKE}"`, "penwidth=3");
  else if (node.group) list.push("peripheries=2");
  return list;
}

function label(node: GraphNode): string {
  const head = [`<b>${escapeText(node.name)}</b>`, ...factLines(node).map(escapeText)].join("<br/>");
  return node.group && node.group.members.length > 0 ? groupTable(head, node.group) : head;
}

function groupTable(head: string, group: GraphGroup): string {
  const rows = memberLines(group).map(
    ({ status, text }) => `<tr><td align="left" bgcolor="${PALETTE[status].fill}">${escapeText(text)}</td></tr>`,
  );
  return `<table border="0" cellborder="0" cellspacing="2"><tr><td>${head}</td></tr>${rows.join("")}</table>`;
}

/** Text inside an HTML-like label. */
function escapeText(text: string): string {
  return plainText(text)
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

/** A quoted DOT id; plan ids hold no quote and no backslash, an id that did would still stay inside. */
function quoted(id: string): string {
  return `"${id.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}
