/**
 * What must hold of any schedule that leaves no worker idle, whatever its tie-break: exact makespans, Graham's bounds, never
 * more at once than workers, upstreams first. Owns: the facts. They are computed from the graph alone.
 */
import { type Schedule, scheduleOf } from "@belay/engine/testing";
import type { Plan } from "../../packages/engine/src/plan/document.ts";
import { criticalPathMs, type Shape } from "./shape.ts";

export const WORKERS: readonly number[] = [1, 2, 4, 8, 16];

/** Sums of durations that are no whole numbers depend on their order. */
const TOLERANCE = 1e-9;

/** A plan with what its nodes take, by place. */
export interface Timed {
  readonly plan: Plan;
  readonly shape: Shape;
  readonly durations: readonly number[];
  /** Sums may differ by their order. */
  readonly fractional?: boolean;
}

/** Plays it with so many workers; undefined = no limit. */
export function play({ plan, shape, durations }: Timed, workers?: number): Schedule {
  return scheduleOf(plan, {
    durations: (id) => durations[shape.places.get(id) as number] as number,
    ...(workers === undefined ? {} : { workers }),
  });
}

/** Everything that is wrong, by rule; empty = every fact holds. */
export function scheduleFaults(timed: Timed, schedule: Schedule, workers?: number): string[] {
  return [
    ...startFaults(timed, schedule),
    ...makespanFaults(timed, schedule, workers),
    ...widthFaults(schedule, workers),
  ];
}

function startFaults({ shape, durations }: Timed, { starts }: Schedule): string[] {
  const faults: string[] = [];
  const endMs: number[] = shape.ids.map(() => Number.POSITIVE_INFINITY);
  let started = 0;
  for (const { node, startMs, endMs: end } of starts) {
    const v = shape.places.get(node) as number;
    if (endMs[v] === Number.POSITIVE_INFINITY) started++;
    else faults.push(`R10: ${node} starts twice`);
    if (end !== startMs + (durations[v] as number)) faults.push(`R10: ${node} does not take its duration`);
    for (const u of shape.up[v] as readonly number[]) {
      if (!((endMs[u] as number) <= startMs)) faults.push(`R10: ${node} before ${shape.ids[u]}`);
    }
    endMs[v] = end;
  }
  if (started !== shape.ids.length) faults.push(`R10: ${started} of ${shape.ids.length} nodes start`);
  return faults;
}

function makespanFaults({ shape, durations, fractional }: Timed, { makespanMs }: Schedule, workers?: number): string[] {
  const slack = fractional === true ? TOLERANCE : 0;
  const path = criticalPathMs(shape, durations);
  const work = durations.reduce((sum, duration) => sum + duration, 0);
  const least = workers === undefined ? path : Math.max(path, work / workers);
  const most = workers === undefined ? path : work / workers + (1 - 1 / workers) * path;
  const faults: string[] = [];
  const between = `${makespanMs} ms with ${workers ?? "unlimited"} workers; it is between ${least} and ${most}`;
  if (makespanMs < least * (1 - slack)) faults.push(`R10: an edge was ignored: ${between}`);
  // The upper bound is itself computed with rounding.
  if (makespanMs > most * (1 + TOLERANCE)) faults.push(`R11: a worker idled: ${between}`);
  return faults;
}

function widthFaults({ starts, maxParallel }: Schedule, workers = Number.POSITIVE_INFINITY): string[] {
  const faults: string[] = [];
  // What takes no time stands in nobody's way.
  const lasting = starts.filter(({ startMs, endMs }) => endMs > startMs);
  const begins = Float64Array.from(lasting, ({ startMs }) => startMs).sort();
  const ends = Float64Array.from(lasting, ({ endMs }) => endMs).sort();
  let over = 0;
  let most = 0;
  for (const [place, begin] of begins.entries()) {
    // What ends at a moment ends before anything starts at it.
    while ((ends[over] as number) <= begin) over++;
    most = Math.max(most, place + 1 - over);
  }
  if (most > workers || maxParallel > workers) faults.push(`R41: ${most} at once with ${workers} workers`);
  if (most > maxParallel) faults.push(`${most} at once, and maxParallel says ${maxParallel}`);
  const freeFrom: number[] = [];
  for (const { node, worker, startMs, endMs } of starts) {
    if (worker >= workers || startMs < (freeFrom[worker] ?? 0))
      faults.push(`R41: worker ${worker} of ${node} is not free`);
    freeFrom[worker] = endMs;
  }
  return faults;
}
