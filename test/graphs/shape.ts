/**
 * A plan's graph by plain means: lists of places, no code of the engine. Owns: the other opinion on levels, longest paths,
 * reachability and shortest cycles. Everything but `shortestCycleLength` is linear and without recursion.
 */
import type { PlanDocument } from "../../packages/engine/src/plan/document.ts";

/** Nodes by place in the plan. */
export interface Shape {
  readonly ids: readonly string[];
  readonly places: ReadonlyMap<string, number>;
  readonly up: readonly (readonly number[])[];
  readonly down: readonly (readonly number[])[];
  /** Upstreams before downstreams; shorter than the graph when that has a cycle. */
  readonly order: readonly number[];
}

export function shapeOf({ nodes }: PlanDocument): Shape {
  const ids = nodes.map(({ id }) => id);
  const places = new Map(ids.map((id, place) => [id, place]));
  const up = nodes.map(({ upstreams = [] }) => upstreams.map((id) => places.get(id) as number));
  const down: number[][] = ids.map(() => []);
  for (const [v, list] of up.entries()) for (const u of list) (down[u] as number[]).push(v);
  const missing = up.map((list) => list.length);
  const order = missing.flatMap((count, v) => (count === 0 ? [v] : []));
  // The list grows while it is walked.
  for (const u of order) {
    for (const v of down[u] as number[]) {
      missing[v] = (missing[v] as number) - 1;
      if (missing[v] === 0) order.push(v);
    }
  }
  return { ids, places, up, down, order };
}

export function edgesOf({ up }: Shape): number {
  return up.reduce((sum, list) => sum + list.length, 0);
}

/** When each node ends if nothing but its upstreams holds it. */
export function earliestEnds({ up, order }: Shape, durations: readonly number[]): number[] {
  const ends = up.map(() => 0);
  for (const v of order) {
    let start = 0;
    for (const u of up[v] as readonly number[]) start = Math.max(start, ends[u] as number);
    ends[v] = start + (durations[v] as number);
  }
  return ends;
}

/** Milliseconds of the longest chain. */
export function criticalPathMs(shape: Shape, durations: readonly number[]): number {
  return earliestEnds(shape, durations).reduce((longest, end) => Math.max(longest, end), 0);
}

/** What each node and the longest chain below it take. */
export function remainingMs({ down, order }: Shape, durations: readonly number[]): number[] {
  const remaining = down.map(() => 0);
  for (const v of order.toReversed()) {
    let below = 0;
    for (const w of down[v] as readonly number[]) below = Math.max(below, remaining[w] as number);
    remaining[v] = below + (durations[v] as number);
  }
  return remaining;
}

/** Ids by longest distance from a root, each level sorted. */
export function levelsOf(shape: Shape): string[][] {
  const levels: string[][] = [];
  const depths = earliestEnds(
    shape,
    shape.ids.map(() => 1),
  );
  for (const [v, depth] of depths.entries()) {
    levels[depth - 1] ??= [];
    levels[depth - 1]?.push(shape.ids[v] as string);
  }
  return levels.map((level) => level.sort());
}

/** Every place that can be reached from `start` along the lists, without `start` itself unless it is reached again. */
export function reachable(lists: Shape["up"], start: readonly number[]): Set<number> {
  const reached = new Set(start.flatMap((v) => lists[v] as number[]));
  // A Set grows while it is walked.
  for (const v of reached) for (const w of lists[v] as number[]) reached.add(w);
  return reached;
}

/** Nodes on a shortest path from one place to another, both counted; undefined when there is none. */
export function pathLength({ down }: Shape, from: number, to: number): number | undefined {
  const length = new Map([[from, 1]]);
  for (const [v, steps] of length) {
    if (v === to) return steps;
    for (const w of down[v] as readonly number[]) if (!length.has(w)) length.set(w, steps + 1);
  }
  return undefined;
}

/**
 * Length of a shortest cycle by powers of the adjacency matrix: the first one with something on its diagonal. For graphs
 * of at most 31 nodes.
 */
export function shortestCycleLength({ down }: Shape): number | undefined {
  const rows = down.map((list) => list.reduce((row, v) => row | (1 << v), 0));
  let power = rows;
  for (let length = 1; length <= rows.length; length++) {
    if (power.some((row, v) => (row & (1 << v)) !== 0)) return length;
    power = power.map((row) => rows.reduce((union, step, v) => ((row & (1 << v)) !== 0 ? union | step : union), 0));
  }
  return undefined;
}
