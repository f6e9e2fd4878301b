/**
 * Rules of `always` (R2): what a teardown may be, and which edges it may have. Owns: these diagnostics, and the edges that
 * expressions of a teardown may read along. Does not own: the shape of the field (`schema.ts`), when a teardown runs
 * (`core/teardown.ts`). Cost: linear in nodes, edges and setup nodes.
 */
import type { Diagnostic, DiagnosticCode } from "./diagnostic.ts";
import type { NodeDocument, PlanDocument } from "./document.ts";
import type { Edges } from "./edges.ts";

/** Diagnostics of every teardown, and of edges between a teardown and an ordinary node. */
export function checkTeardowns(document: PlanDocument, edges: Edges): Diagnostic[] {
  if (!document.nodes.some(isTeardown)) return [];
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
export function readableUpstreams(document: PlanDocument, edges: Edges): readonly (readonly string[])[] {
  return document.nodes.map(({ always }, v) => {
    const upstreams = edges.upstreams[v] ?? [];
    return always === undefined ? upstreams : [...upstreams, ...always.for];
  });
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
  for (const id of edges.upstreams[v] ?? []) {
    const upstream = nodes[edges.numbers.get(id) ?? -1];
    if (upstream === undefined || isTeardown(upstream) === isTeardown(node)) continue;
    const [teardown, ordinary] = isTeardown(node) ? [node.id, id] : [id, node.id];
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
