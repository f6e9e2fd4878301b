/** The real graphs on virtual time; skipped when the data are not beside the checkout. */
import { definePlan } from "@belay/engine";
import { describe, expect, test } from "vitest";
import { drawnDurations } from "./made-graph.ts";
import { allGraphs, type RealGraph, timedGraph } from "./real-graph.ts";
import { play, scheduleFaults, type Timed, WORKERS } from "./schedule-facts.ts";
import { criticalPathMs, edgesOf, levelsOf, shapeOf } from "./shape.ts";

const graphs = allGraphs().filter(({ expect: { shortestCycle } }) => shortestCycle === undefined);
const cases = graphs.map((graph) => [graph.name ?? graph.file, graph] as const);

interface Played {
  /** The source's durations; where it gives none, drawn ones. */
  readonly real: Timed;
  readonly unit: Timed;
  /** `sumWorkMs` of the index; a node cannot take less than no time. */
  readonly workMs: number | undefined;
}

/** Beyond this many nodes one set of durations has to do. */
const LARGE = 10_000;

/** The last graph asked for: a graph's tests follow each other. */
let last: { readonly graph: RealGraph; readonly played: Played } | undefined;

function playedGraph(graph: RealGraph): Played {
  if (last?.graph === graph) return last.played;
  const { document, runtimesMs, belowZeroMs } = timedGraph(graph);
  const plan = definePlan(document);
  const shape = shapeOf(document);
  const drawn = drawnDurations(graph.n, graph.n);
  const real = { plan, shape, durations: runtimesMs ?? drawn, fractional: graph.fractionalRuntimes === true };
  const { sumWorkMs } = graph.expect;
  const workMs = sumWorkMs === undefined ? undefined : sumWorkMs + belowZeroMs;
  const played = { real, unit: { plan, shape, durations: shape.ids.map(() => 1) }, workMs };
  last = { graph, played };
  return played;
}

describe.skipIf(graphs.length === 0)("real graphs on virtual time", { timeout: 120_000 }, () => {
  test("R10: there are 450 acyclic graphs, from 1 to 86,695 nodes", () => {
    expect(graphs.length).toBe(450);
    expect(Math.max(...graphs.map(({ n }) => n))).toBe(86_695);
  });

  describe.each(cases)("%s", (_, graph) => {
    test("R10: without a limit on workers it takes its critical path, exactly, and starts every node once", () => {
      const { real, unit } = playedGraph(graph);
      expect([unit.shape.ids.length, edgesOf(unit.shape)]).toEqual([graph.n, graph.m]);
      const schedule = play(real);
      expect(scheduleFaults(real, schedule)).toEqual([]);
      const { starts, readyAtStart, criticalPathMs: expected } = graph.expect;
      expect([schedule.starts.length, schedule.readyAtStart]).toEqual([starts, readyAtStart]);
      const path = expected ?? criticalPathMs(real.shape, real.durations);
      if (graph.fractionalRuntimes === true) expect(Math.abs(schedule.makespanMs / path - 1)).toBeLessThan(1e-9);
      else expect(schedule.makespanMs).toBe(path);
    });

    test("R10: with unit durations and no limit it takes its depth, and the k-th wave is the k-th level", () => {
      const { unit } = playedGraph(graph);
      const schedule = play(unit);
      expect(scheduleFaults(unit, schedule)).toEqual([]);
      expect(schedule.makespanMs).toBe(graph.expect.makespanUnitUnlimited);
      expect(schedule.waves.length).toBe(graph.depth);
      expect(schedule.maxParallel).toBe(graph.maxLevelWidth);
      const levels = levelsOf(unit.shape).map((level) => level.join());
      expect(schedule.waves.filter((wave, k) => wave.toSorted().join() !== levels[k])).toEqual([]);
    });

    test("R11, R41: 1 to 16 workers stay within Graham's bounds, never run more at once, and one takes all the work", () => {
      const { real, unit, workMs } = playedGraph(graph);
      for (const workers of WORKERS) {
        for (const timed of graph.n > LARGE ? [real] : [real, unit]) {
          const schedule = play(timed, workers);
          expect(scheduleFaults(timed, schedule, workers)).toEqual([]);
          expect(schedule.starts.length).toBe(graph.n);
          if (workers > 1 || timed.fractional === true) continue;
          expect(schedule.makespanMs).toBe(timed.durations.reduce((sum, duration) => sum + duration, 0));
          if (timed === real && workMs !== undefined) expect(schedule.makespanMs).toBe(workMs);
        }
      }
    });
  });
});
