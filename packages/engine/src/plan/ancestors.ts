/**
 * Ancestry of many pairs at once (R3: an expression reads ancestors only). Owns: the search and its bound on work.
 *
 * A read of a direct upstream, the usual case, is answered at once. The others are sorted by the place of the node that
 * is read in the topological order, and answered in batches of 32: one bit per node that is read, pushed along the
 * edges between the first of them and the last reader. Cost: edges of that window per batch; linear when reads are near.
 */
import { type Adjacency, at } from "./adjacency.ts";

/** Edges looked at, all batches together: about a second. */
const MAX_STEPS = 300_000_000;
const BATCH = 32;

export interface AncestorQuery {
  readonly reader: number;
  /** The node that is read. */
  readonly read: number;
}

/**
 * The queries whose `read` is no ancestor of `reader`, in the order given; undefined when answering would cost more than
 * `maxSteps`. `order` is the topological order of the whole graph.
 */
export function notAncestors<Query extends AncestorQuery>(
  queries: readonly Query[],
  up: Adjacency,
  order: Int32Array,
  maxSteps: number = MAX_STEPS,
): Query[] | undefined {
  if (queries.length === 0) return [];
  const place = new Int32Array(order.length);
  for (let k = 0; k < order.length; k++) place[at(order, k)] = k;
  const placeOf = (query: AncestorQuery): number => at(place, query.read);
  const far = withoutUpstreams(queries, up);
  far.sort((a, b) => placeOf(a) - placeOf(b));

  const failed = new Set<Query>();
  const masks = new Int32Array(order.length);
  let stepsLeft = maxSteps;
  for (let from = 0; from < far.length; ) {
    const { batch, end } = nextBatch(far, from);
    stepsLeft = answer(batch, { up, order, place, masks }, stepsLeft, failed);
    if (stepsLeft < 0) return undefined;
    from = end;
  }
  return queries.filter((query) => failed.has(query));
}

/** Queries from `from` on that read at most `BATCH` different nodes. */
function nextBatch<Query extends AncestorQuery>(
  sorted: readonly Query[],
  from: number,
): { batch: Query[]; end: number } {
  const reads = new Set<number>();
  let end = from;
  for (; end < sorted.length; end++) {
    const { read } = sorted[end] as Query;
    if (reads.size === BATCH && !reads.has(read)) break;
    reads.add(read);
  }
  return { batch: sorted.slice(from, end), end };
}

interface Search {
  readonly up: Adjacency;
  readonly order: Int32Array;
  /** Place of each node in `order`. */
  readonly place: Int32Array;
  /** By place: which of the batch's nodes are ancestors of the node there, or that node. All 0 between batches. */
  readonly masks: Int32Array;
}

function answer<Query extends AncestorQuery>(
  batch: readonly Query[],
  search: Search,
  steps: number,
  failed: Set<Query>,
): number {
  const { up, order, place, masks } = search;
  const bits = new Map<number, number>();
  for (const { read } of batch) if (!bits.has(read)) bits.set(read, 1 << bits.size);
  const first = at(place, (batch[0] as Query).read);
  let last = first;
  for (const { reader } of batch) last = Math.max(last, at(place, reader));

  let stepsLeft = steps;
  for (let k = first; k <= last; k++) {
    const v = at(order, k);
    let mask = bits.get(v) ?? 0;
    const end = at(up.offset, v + 1);
    for (let edge = at(up.offset, v); edge < end; edge++) mask |= at(masks, at(place, at(up.target, edge)));
    masks[k] = mask;
    stepsLeft -= 1 + end - at(up.offset, v);
    if (stepsLeft < 0) return stepsLeft;
  }
  for (const query of batch) {
    const bit = bits.get(query.read) as number;
    const reached = query.reader !== query.read && (at(masks, at(place, query.reader)) & bit) !== 0;
    if (!reached) failed.add(query);
  }
  masks.fill(0, first, last + 1);
  return stepsLeft;
}

/** The queries that do not read a direct upstream. Those of one reader stand together: its upstreams are marked once. */
function withoutUpstreams<Query extends AncestorQuery>(queries: readonly Query[], up: Adjacency): Query[] {
  const markedFor = new Int32Array(up.offset.length - 1).fill(-1);
  let marked = -1;
  return queries.filter(({ reader, read }) => {
    if (reader !== marked) {
      for (let edge = at(up.offset, reader); edge < at(up.offset, reader + 1); edge++)
        markedFor[at(up.target, edge)] = reader;
      marked = reader;
    }
    return markedFor[read] !== reader;
  });
}
