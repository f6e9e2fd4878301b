/**
 * The plan as the reference model sees it: plain maps of ids, derived from the document by the contract alone. Owns:
 * reachability, declared order (R11, R13), how many members may fail. Shares no code with the compiler, the core or the judge
 * of traces on purpose: it is another opinion. Sized for plans of a few hundred nodes: reachability is a set per node.
 */
import type { NodeDocument, PlanDocument } from "../plan/document.ts";

export interface ReferencePlan {
  readonly document: PlanDocument;
  readonly nodes: ReadonlyMap<string, NodeDocument>;
  /** All nodes above, and all nodes below, each by declared id. */
  readonly ancestors: ReadonlyMap<string, ReadonlySet<string>>;
  readonly descendants: ReadonlyMap<string, ReadonlySet<string>>;
  /** `seriesId` of the declared node: given, or assigned 0..n-1 in topological order, ties by place in the plan (R13). */
  readonly seriesId: ReadonlyMap<string, number>;
}

/** Builds the model of a valid plan document. Throws on a cycle or an unknown upstream. */
export function referencePlan(document: PlanDocument): ReferencePlan {
  const nodes = new Map(document.nodes.map((node) => [node.id, node]));
  const order = topologicalOrder(document);
  const ancestors = new Map<string, Set<string>>();
  const descendants = new Map<string, Set<string>>(order.map((id) => [id, new Set()]));
  for (const id of order) {
    const above = new Set<string>();
    for (const upstream of nodes.get(id)?.upstreams ?? []) {
      above.add(upstream);
      for (const higher of ancestors.get(upstream) ?? []) above.add(higher);
    }
    ancestors.set(id, above);
    for (const higher of above) descendants.get(higher)?.add(id);
  }
  const seriesId = new Map(order.map((id, place) => [id, nodes.get(id)?.seriesId ?? place]));
  return { document, nodes, ancestors, descendants, seriesId };
}

/** Upstreams before downstreams; among the free ones the first in the plan comes first. */
function topologicalOrder(document: PlanDocument): string[] {
  const waiting = new Map(document.nodes.map((node) => [node.id, new Set(node.upstreams ?? [])]));
  const order: string[] = [];
  while (waiting.size > 0) {
    const free = [...waiting].find(([, upstreams]) => upstreams.size === 0)?.[0];
    if (free === undefined)
      throw new Error(`the plan has a cycle or an unknown upstream among ${[...waiting.keys()].join(", ")}`);
    waiting.delete(free);
    for (const upstreams of waiting.values()) upstreams.delete(free);
    order.push(free);
  }
  return order;
}

/** How many of `members` may fail without failing the group (R2 `tolerated`). */
export function toleratedFailures(node: NodeDocument, members: number): number {
  const tolerated = node.split?.tolerated ?? 0;
  if (typeof tolerated === "number") return tolerated;
  // 29 % of 100 is 28.999999999999996 in floating point.
  return Math.floor((Number.parseFloat(tolerated) / 100) * members + 1e-9);
}
