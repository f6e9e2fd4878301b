/**
 * A plan, or a run of it, as a Mermaid flowchart: renders in Markdown viewers without any tool of ours.
 * Owns: Mermaid's syntax and escaping. Does not own: what is shown (graph-json.ts) and in which words (drawing.ts).
 * Invariants: equal inputs give equal bytes; no name can leave its label; a group is one box and one end of an edge
 * (R22).
 */
import { NODE_STATUSES } from "../core/node-state.ts";
import type { Plan } from "../plan/document.ts";
import type { RunSnapshot } from "../runtime/api.ts";
import { BARRIER_STROKE, factLines, INK, memberLines, PALETTE, plainText } from "./drawing.ts";
import { type GraphNode, toGraphJson } from "./graph-json.ts";

/** The drawing's text; ends in a newline. Never fails for a checked plan. Cost O(nodes + edges). */
export function toMermaid(plan: Plan, snapshot?: RunSnapshot): string {
  const graph = toGraphJson(plan, snapshot);
  // Vertices are numbered: ids such as `end` or `a.b` mean something else to Mermaid.
  const vertexOf = new Map(graph.nodes.map((node, index) => [node.id, `n${index}`]));
  const vertex = (id: string): string => vertexOf.get(id) ?? id;
  const lines = ["---", `title: ${yamlText(titleOf(graph))}`, "---", "flowchart TD"];
  for (const node of graph.nodes) lines.push(`  ${vertex(node.id)}${box(node)}`);
  for (const { from, to } of graph.edges) lines.push(`  ${vertex(from)} --> ${vertex(to)}`);
  for (const { from, to } of graph.teardowns) lines.push(`  ${vertex(from)} -.-> ${vertex(to)}`);
  lines.push(...classLines(graph.nodes, vertex));
  return `${lines.join("\n")}\n`;
}

function titleOf(graph: ReturnType<typeof toGraphJson>): string {
  const notes = [graph.status, graph.prohibitRollback ? "can never be rolled back" : null].filter(
    (note) => note !== null,
  );
  return [graph.title, ...notes].join(" - ");
}

/** Rectangle, hexagon for a point of no return, double sides for a group. */
function box(node: GraphNode): string {
  const texts = [
    node.name,
    ...factLines(node),
    ...(node.group ? memberLines(node.group).map((line) => line.text) : []),
  ];
  const label = `"${texts.map(escapeText).join("<br/>")}"`;
  if (node.prohibitRollback) return `{{${label}}}`;
  return node.group ? `[[${label}]]` : `[${label}]`;
}

function classLines(nodes: readonly GraphNode[], vertex: (id: string) => string): string[] {
  const lines: string[] = [];
  for (const status of NODE_STATUSES) {
    const members = nodes.filter((node) => node.status === status).map((node) => vertex(node.id));
    if (members.length === 0) continue;
    const { fill, stroke } = PALETTE[status];
    const name = status.toLowerCase().replaceAll("_", "-");
    lines.push(`  classDef ${name} fill:${fill},stroke:${stroke},color:${INK}`, `  class ${members.join(",")} ${name}`);
  }
  const barriers = nodes.filter((node) => node.prohibitRollback).map((node) => vertex(node.id));
  if (barriers.length > 0) {
    // Last, so that its border wins over that of the state.
    lines.push(`  classDef barrier stroke:${BARRIER_STROKE},stroke-width:4px`, `  class ${barriers.join(",")} barrier`);
  }
  return lines;
}

/**
 * Text inside a quoted label. Everything but letters, digits and harmless signs becomes a numeric entity: besides
 * quotes and brackets, Mermaid reads Markdown, directives (`%%{`) and its own entities in there, and a raw colon would
 * let a word such as `style` start what looks like a style line. Entities do not help against what Mermaid looks for
 * after it has decoded them: `$$` (a formula), `fa:fa-` (an icon) and the pairs it writes entities with. A word joiner
 * splits those.
 */
function escapeText(text: string): string {
  return plainText(text)
    .replace(/(?<=\$)(?=\$)|(?<=:)(?=fa-)|(?<=ﬂ)(?=°)|(?<=¶)(?=ß)/g, "\u2060")
    .replace(/[!-&*+:-@[-`{-~]/g, (sign) => `#${sign.codePointAt(0)};`)
    .replace(/^(?:(\d+)\.|-)/, (_, digits: string | undefined) => (digits === undefined ? "#45;" : `${digits}#46;`));
}

/** A YAML double-quoted scalar in which Mermaid sees neither directive nor entity. */
function yamlText(text: string): string {
  return JSON.stringify(plainText(text)).replace(/[#%]/g, (sign) => (sign === "#" ? "\\u0023" : "\\u0025"));
}
