/**
 * Rules of `always` (R2): what a teardown may be, and which edges it may have. Owns: these diagnostics, and the edges that
 * expressions of a teardown may read along. Does not own: the shape of the field (`schema.ts`), when a teardown runs
 * (`core/teardown.ts`). Cost: linear in nodes, edges and setup nodes.
 */
import { type Adjacency, at } from "./adjacency.ts";
import type { Diagnostic, DiagnosticCode } from "./diagnostic.ts";
import type { NodeDocument, PlanDocument } from "./document.ts";
import type { Edges } from "./edges.ts";
import { NodeField, type NodeFields } from "./node-fields.ts";

/** Diagnostics of every teardown, and of edges between a teardown and an ordinary node. */
export function checkTeardowns(document: PlanDocument, edges: Edges, fields: NodeFields): Diagnostic[] {
  if (!fields.any(NodeField.always)) return [];
  const diagnostics: Diagnostic[] = [];
  const report = (code: DiagnosticCode, path: string, message: string, extra: { suggestion?: string } = {}): void => {
    diagnostics.push({ code, severity: "error", path, message, ...extra });
  };
  for (const [v, node] of document.nodes.entries()) {
    const path = `nodes[${v}]`;
    checkEdges(document, { node, v, path }, edges, report);
    if (node.always === undefined) continue;
    checkFields(node, path, report);
    checkSetups(document, { node, path }, edges, report);
  }
  return diagnostics;
}

/** Upstreams with the setup nodes of each teardown added: what an expression may read. */
export function readableUpstreams(document: PlanDocument, edges: Edges, fields: NodeFields): Adjacency {
  if (!fields.any(NodeField.always)) return edges.up;
  const { offset: given, target: upstreams } = edges.up;
  const offset = new Int32Array(given.length);
  const target: number[] = [];
  for (const [v, { always }] of document.nodes.entries()) {
    for (let edge = at(given, v); edge < at(given, v + 1); edge++) target.push(at(upstreams, edge));
    for (const id of always?.for ?? []) {
      const setup = edges.numbers.get(id);
      if (setup !== undefined) target.push(setup);
    }
    offset[v + 1] = target.length;
  }
  return { offset, target: Int32Array.from(target) };
}

type Report = (code: DiagnosticCode, path: string, message: string, extra?: { suggestion?: string }) => void;

function isTeardown({ always }: NodeDocument): boolean {
  return always !== undefined;
}

function checkEdges(
  { nodes }: PlanDocument,
  { node, v, path }: { node: NodeDocument; v: number; path: string },
  edges: Edges,
  report: Report,
): void {
  const { offset, target } = edges.up;
  for (let edge = at(offset, v); edge < at(offset, v + 1); edge++) {
    const upstream = nodes[at(target, edge)] as NodeDocument;
    if (isTeardown(upstream) === isTeardown(node)) continue;
    const [teardown, ordinary] = isTeardown(node) ? [node.id, upstream.id] : [upstream.id, node.id];
    const message = `${quote(teardown)} is a teardown and ${quote(ordinary)} is not: a teardown runs after all others, its edges are to teardowns only`;
    report("CONFLICT", `${path}.upstreams`, message, { suggestion: "remove the edge" });
  }
}

/** A teardown cleans up: it is no step that could be undone, or forbid undoing. */
function checkFields(node: NodeDocument, path: string, report: Report): void {
  const refused = [
    ["compensation", node.compensation !== undefined, "a teardown is never undone"],
    ["prohibitRollback", node.prohibitRollback === true, "a teardown runs after the rollback: it cannot prohibit it"],
    ["split", node.split !== undefined, "a teardown is a single node: give each item's clean-up to its action"],
  ] as const;
  for (const [field, given, message] of refused) if (given) report("CONFLICT", `${path}.${field}`, message);
}

function checkSetups(
  { nodes }: PlanDocument,
  { node, path }: { node: NodeDocument; path: string },
  edges: Edges,
  report: Report,
): void {
  const seen = new Set<string>();
  for (const [k, id] of (node.always?.for ?? []).entries()) {
    const place = `${path}.always.for[${k}]`;
    const setup = nodes[edges.numbers.get(id) ?? -1];
    if (setup === undefined) report("UNKNOWN_NODE", place, `no node has the id ${quote(id)}`, edges.suggestionFor(id));
    else if (isTeardown(setup))
      report("CONFLICT", place, `${quote(id)} is a teardown itself: name the node it cleans up`);
    else if (seen.has(id)) report("DUPLICATE_EDGE", place, `${quote(id)} is named twice`);
    seen.add(id);
  }
}

function quote(id: string): string {
  return JSON.stringify(id);
}
