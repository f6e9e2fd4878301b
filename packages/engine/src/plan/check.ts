/**
 * The checks that need the graph (R3): ids, edges, cycles, series ids, expressions and what they read, splits, and the
 * limits on nodes and edges (R4). Owns: their order. Does not own: shapes and ranges (`schema.ts`).
 * Everything that is wrong is reported at once, but for what cannot be told while something else is: reads are compared
 * with the order only when there is one. Cost: linear in nodes and edges, but for bounded searches.
 */
import { type Adjacency, ascending, at, invert, isForward, topologicalOrder } from "./adjacency.ts";
import { notAncestors } from "./ancestors.ts";
import { type Cycle, findCycle } from "./cycle.ts";
import type { Diagnostic } from "./diagnostic.ts";
import type { NodeDocument, PlanDocument, Trigger } from "./document.ts";
import { type Edges, edgesOf, readEdges } from "./edges.ts";
import { type Limits, limitDiagnostic } from "./limits.ts";
import { fieldsOf, NodeField, type NodeFields } from "./node-fields.ts";
import { checkExpressions, type NodeRead } from "./reads.ts";
import { checkTeardowns, readableUpstreams } from "./teardown.ts";

/** Highest `seriesId`: labels are 32-bit integers, and members get theirs after the highest in use (R24). */
export const MAX_SERIES_ID = 1_000_000_000;
/** Nodes of a cycle that a message names. */
const NAMED_IN_CYCLE = 20;
const NEEDS_UPSTREAM: ReadonlySet<Trigger> = new Set<Trigger>(["any_succeeded", "any_failed", "all_failed"]);

export interface CheckedGraph {
  readonly diagnostics: Diagnostic[];
  /** Complete upstreams of every node, in the order of the plan; of use only when there is no diagnostic. */
  readonly edges: Edges;
  /** Kahn's order along these (`adjacency.ts`), where the check has needed it. */
  readonly order: Int32Array | undefined;
}

/** What has been found out about a document while it was read. */
export interface ReadGraph {
  readonly fields: NodeFields;
  /** Undefined: still to be read. */
  readonly edges: Edges | undefined;
}

/** Checks a document whose structure is right. Never throws for what people write. */
export function checkGraph(
  document: PlanDocument,
  limits: Limits,
  read: ReadGraph = { fields: fieldsOf(document), edges: undefined },
): CheckedGraph {
  const { fields } = read;
  const exceeded = checkSize(document, fields, limits);
  // What is too large is not looked at any further (R4).
  if (exceeded.length > 0) return { diagnostics: exceeded, edges: noEdges(document), order: undefined };
  const edges = read.edges ?? readEdges(document, fields);
  const { reads, diagnostics } = checkExpressions(document, { edges, fields }, limits);
  const teardowns = checkTeardowns(document, edges, fields);
  const readable = teardowns.length === 0 ? readableUpstreams(document, edges, fields) : edges.up;
  const ordered = checkOrder(document, readable, reads);
  return {
    diagnostics: [
      ...edges.diagnostics,
      ...checkSeriesIds(document, fields),
      ...checkTriggers(document, edges, fields),
      ...teardowns,
      ...ordered.diagnostics,
      ...diagnostics,
    ],
    edges,
    order: readable === edges.up ? ordered.order : undefined,
  };
}

function noEdges({ nodes }: PlanDocument): Edges {
  return edgesOf(new Map(), { offset: new Int32Array(nodes.length + 1), target: new Int32Array(0) });
}

function checkSize({ nodes }: PlanDocument, fields: NodeFields, limits: Limits): Diagnostic[] {
  const diagnostics: Diagnostic[] = [];
  if (nodes.length > limits.nodes) diagnostics.push(limitDiagnostic(limits, "nodes", "nodes", nodes.length));
  // An edge that both sides name is one edge.
  const count = Math.max(fields.upstreams, fields.downstreams);
  if (count > limits.edges) diagnostics.push(limitDiagnostic(limits, "edges", "nodes", count));
  return diagnostics;
}

function checkSeriesIds(document: PlanDocument, fields: NodeFields): Diagnostic[] {
  const diagnostics: Diagnostic[] = [];
  const owners = new Map<number, number>();
  for (const v of fields.with(NodeField.seriesId)) {
    const { seriesId } = document.nodes[v] as NodeDocument;
    if (seriesId === undefined) continue;
    const path = `nodes[${v}].seriesId`;
    const owner = owners.get(seriesId);
    if (owner === undefined) owners.set(seriesId, v);
    else
      diagnostics.push({
        code: "DUPLICATE_SERIES_ID",
        severity: "error",
        path,
        message: `seriesId ${seriesId} is taken by nodes[${owner}]`,
      });
    if (seriesId > MAX_SERIES_ID) {
      diagnostics.push({
        code: "INVALID_VALUE",
        severity: "error",
        path,
        message: `seriesId is at most ${MAX_SERIES_ID}`,
      });
    }
  }
  return diagnostics;
}

/** The cycle, if there is one; otherwise the reads that do not follow the edges. */
function checkOrder(
  document: PlanDocument,
  up: Adjacency,
  reads: readonly NodeRead[],
): { readonly diagnostics: readonly Diagnostic[]; readonly order: Int32Array } {
  const { nodes } = document;
  // The usual plan names its nodes before those that wait for them: then there is nothing to search.
  const order = isForward(up) ? ascending(nodes.length) : topologicalOrder(up, invert(up));
  if (order.length < nodes.length) {
    const cycle = findCycle(up);
    return { diagnostics: cycle === undefined ? [] : [cycleDiagnostic(document, cycle)], order };
  }
  const wrong = notAncestors(reads, up, order);
  if (wrong === undefined) {
    const message = "too many expressions read nodes that are far from them: what they read cannot be checked";
    const suggestion = "read nodes that are direct upstreams";
    return { diagnostics: [{ code: "LIMIT", severity: "error", path: "nodes", message, suggestion }], order };
  }
  return { diagnostics: wrongReads(document, wrong, up, order), order };
}

/** What is read too early; the remedy is an edge, but where that edge would make a cycle. */
function wrongReads(
  { nodes }: PlanDocument,
  wrong: readonly NodeRead[],
  up: Adjacency,
  order: Int32Array,
): Diagnostic[] {
  const backward = wrong.map((query) => ({ reader: query.read, read: query.reader, query }));
  const free = new Set(notAncestors(backward, up, order)?.map(({ query }) => query));
  return wrong.map((query) => {
    const { reader, read, path } = query;
    const [readerId, readId] = [nodes[reader]?.id, nodes[read]?.id].map((id) => JSON.stringify(id));
    const base = { code: "NOT_AN_ANCESTOR", severity: "error", path } as const;
    if (reader === read) {
      return { ...base, message: `the expression of ${readerId} reads the node itself, which has not run yet` };
    }
    if (!free.has(query)) {
      return { ...base, message: `the expression of ${readerId} reads ${readId}, which does not run before it` };
    }
    const message = `the expression of ${readerId} reads ${readId}, which is not an ancestor of it`;
    return { ...base, message, suggestion: `add ${readId} to nodes[${reader}].upstreams` };
  });
}

/** Triggers that ask for the outcome of an upstream, where there is none (R12). */
function checkTriggers({ nodes }: PlanDocument, { up }: Edges, fields: NodeFields): Diagnostic[] {
  return fields.with(NodeField.trigger).flatMap((v): Diagnostic[] => {
    const { trigger, upstreams } = nodes[v] as NodeDocument;
    if (trigger === undefined || !NEEDS_UPSTREAM.has(trigger)) return [];
    // An upstream that is unknown is one that was meant.
    if (at(up.offset, v + 1) > at(up.offset, v) || (upstreams?.length ?? 0) > 0) return [];
    const message = `the trigger ${trigger} can never hold: the node has no upstreams`;
    return [{ code: "CONFLICT", severity: "error", path: `nodes[${v}].trigger`, message }];
  });
}

function cycleDiagnostic(document: PlanDocument, cycle: Cycle): Diagnostic {
  const ids = cycle.nodes.map((v) => (document.nodes[v] as { id: string }).id);
  const named = ids.length > NAMED_IN_CYCLE ? [...ids.slice(0, NAMED_IN_CYCLE), `... (${ids.length} nodes)`] : ids;
  const kind = cycle.shortest
    ? "the upstreams form a cycle"
    : "the upstreams form a cycle (there may be a shorter one)";
  return {
    code: "CYCLE",
    severity: "error",
    path: `nodes[${cycle.nodes[0]}].upstreams`,
    message: `${kind}: ${[...named, ids[0]].join(" -> ")}`,
    suggestion: "remove one of these edges",
  };
}
