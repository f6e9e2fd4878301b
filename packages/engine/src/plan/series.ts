/**
 * Series ids: unique labels and the tie-break of R11, never a constraint (R13). Owns: keeping given ones, assigning the
 * missing ones, and the consecutive labels of groups whose size is known at the start (R24).
 * Cost: linear in nodes and members, but for the topological order.
 */
import { adjacencyOf, invert, topologicalOrder } from "./adjacency.ts";
import type { PlanDocument } from "./document.ts";

export interface SeriesIds {
  /** First label of every node, in the order of the plan. */
  readonly series: Int32Array;
  /** First label after the highest in use: where the members of groups that expand later begin. */
  readonly next: number;
}

/**
 * Labels for a checked document. `upstreams` are the complete edges (`checkGraph`), `memberCounts[v]` the number of labels
 * of node v: the members of a group known at the start; 0 and 1 are one label.
 *
 * 1. Given labels are reserved. A group keeps its given one when the labels after it are free, or else gets consecutive
 *    ones after the highest in use, groups in the order of the plan.
 * 2. The others follow in topological order, ties by place in the plan, each at the smallest free labels after those of
 *    the one before: 0..n-1 when no label is given.
 */
export function assignSeriesIds(
  document: PlanDocument,
  upstreams: readonly (readonly string[])[],
  memberCounts: Int32Array,
): SeriesIds {
  const places = new Map(document.nodes.map(({ id }, v) => [id, v]));
  const up = adjacencyOf(upstreams, (id) => places.get(id) ?? -1);
  return labelInOrder(document, topologicalOrder(up, invert(up)), memberCounts);
}

/** The same, for a caller that has the topological order already. */
export function labelInOrder(document: PlanDocument, order: Int32Array, memberCounts: Int32Array): SeriesIds {
  const { nodes } = document;
  const series = new Int32Array(nodes.length);
  const countOf = (v: number): number => Math.max(1, memberCounts[v] ?? 1);
  const { given, next } = keepGiven(document, series, countOf);
  let cursor = 0;
  for (const v of order) {
    if (nodes[v]?.seriesId !== undefined) continue;
    const first = firstFreeRun(given, cursor, countOf(v));
    series[v] = first;
    cursor = first + countOf(v);
  }
  return { series, next: Math.max(next, cursor) };
}

/** Labels of a plan that gives none and whose nodes take one each: places in the topological order. */
export function labelByPlace(order: Int32Array): SeriesIds {
  const series = new Int32Array(order.length);
  let isIdentity = true;
  for (let place = 0; place < order.length; place++) {
    const v = order[place] as number;
    series[v] = place;
    if (v !== place) isIdentity = false;
  }
  // Most plans name their nodes in an order that their edges allow: one array is enough.
  return { series: isIdentity ? order : series, next: order.length };
}

/** Labels the nodes that have one; answers every label this takes, and the first after the highest. */
function keepGiven(
  document: PlanDocument,
  series: Int32Array,
  countOf: (v: number) => number,
): { given: ReadonlySet<number>; next: number } {
  const given = new Set<number>();
  let next = 0;
  for (const { seriesId } of document.nodes) {
    if (seriesId === undefined) continue;
    given.add(seriesId);
    next = Math.max(next, seriesId + 1);
  }
  for (const [v, { seriesId }] of document.nodes.entries()) {
    if (seriesId === undefined) continue;
    const first = runIsFree(given, seriesId + 1, countOf(v) - 1) ? seriesId : next;
    for (let label = first; label < first + countOf(v); label++) given.add(label);
    series[v] = first;
    next = Math.max(next, first + countOf(v));
  }
  return { given, next };
}

function runIsFree(used: ReadonlySet<number>, first: number, count: number): boolean {
  for (let label = first; label < first + count; label++) if (used.has(label)) return false;
  return true;
}

/** The lowest start, from `from` on, of `count` free labels in a row. */
function firstFreeRun(used: ReadonlySet<number>, from: number, count: number): number {
  let first = from;
  for (let label = first; label < first + count; label++) if (used.has(label)) first = label + 1;
  return first;
}
