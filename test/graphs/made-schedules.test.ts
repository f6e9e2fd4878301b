/** Made graphs on virtual time: the facts of the real ones, for every clone. Seeds are in the names. */
import { definePlan, type PlanDocument } from "@belay/engine";
import { describe, expect, test } from "vitest";
import { chain, drawnDurations, layered, randomDag, wide } from "./made-graph.ts";
import { play, scheduleFaults, type Timed, WORKERS } from "./schedule-facts.ts";
import { criticalPathMs, levelsOf, shapeOf } from "./shape.ts";

function timed(document: PlanDocument, durationsOf: (count: number) => readonly number[]): Timed {
  return { plan: definePlan(document), shape: shapeOf(document), durations: durationsOf(document.nodes.length) };
}

const unit = (count: number): number[] => Array.from({ length: count }, () => 1);
const sum = (durations: readonly number[]): number => durations.reduce((total, duration) => total + duration, 0);

describe("made graphs on virtual time", { timeout: 120_000 }, () => {
  const seeds = Array.from({ length: 200 }, (_, index) => index + 1);

  test.for(seeds)("R10, R11: every fact holds for the random graph of seed %i", (seed) => {
    const document = randomDag(seed, 60);
    const drawn = timed(document, (count) => drawnDurations(seed, count));
    const free = play(drawn);
    expect(scheduleFaults(drawn, free)).toEqual([]);
    expect(free.makespanMs).toBe(criticalPathMs(drawn.shape, drawn.durations));
    expect(free.readyAtStart).toBe(drawn.shape.up.filter((list) => list.length === 0).length);
    for (const workers of WORKERS) {
      const schedule = play(drawn, workers);
      expect(scheduleFaults(drawn, schedule, workers)).toEqual([]);
      if (workers === 1) expect(schedule.makespanMs).toBe(sum(drawn.durations));
    }
    const waves = play({ ...drawn, durations: unit(document.nodes.length) }).waves;
    expect(waves.map((wave) => wave.toSorted())).toEqual(levelsOf(drawn.shape));
  });

  test("R10: a chain of 100,000 nodes takes as long as all of them, whoever works", () => {
    const made = timed(chain(100_000), (count) => drawnDurations(1, count));
    for (const workers of [undefined, 16]) {
      const schedule = play(made, workers);
      expect(scheduleFaults(made, schedule, workers)).toEqual([]);
      expect(schedule.makespanMs).toBe(sum(made.durations));
      expect([schedule.maxParallel, schedule.readyAtStart, schedule.waves.length]).toEqual([1, 1, 100_000]);
    }
  });

  test("R11: 100,000 independent nodes start in one wave, or 16 at a time", () => {
    const made = timed(wide(100_000), unit);
    const free = play(made);
    expect([free.makespanMs, free.maxParallel, free.readyAtStart, free.waves.length]).toEqual([1, 100_000, 100_000, 1]);
    const schedule = play(made, 16);
    expect(scheduleFaults(made, schedule, 16)).toEqual([]);
    expect([schedule.makespanMs, schedule.maxParallel]).toEqual([6250, 16]);
  });

  test("R10, R11: 50 full layers of 60 nodes, 176,400 edges, are 50 waves, and 16 workers take 4 rounds a layer", () => {
    const made = timed(layered(50, 60), unit);
    const free = play(made);
    expect(scheduleFaults(made, free)).toEqual([]);
    expect([free.makespanMs, free.maxParallel, free.waves.length]).toEqual([50, 60, 50]);
    const schedule = play(made, 16);
    expect(scheduleFaults(made, schedule, 16)).toEqual([]);
    // Nobody can begin a layer before the one above is done: 60 nodes are 4 rounds of 16.
    expect(schedule.makespanMs).toBe(200);
  });
});

describe("the judge of schedules", () => {
  const made = timed(layered(3, 4), (count) => drawnDurations(7, count));
  const schedule = play(made, 2);

  test("R10: a start before an upstream, a second start and a missing one are told", () => {
    const { starts } = schedule;
    const swapped = { ...schedule, starts: [starts.at(-1), ...starts.slice(0, -1)] as typeof starts };
    expect(scheduleFaults(made, swapped, 2).join()).toMatch(/R10: n\d+ before n\d+/);
    const twice = { ...schedule, starts: [...starts, starts[0]] as typeof starts };
    expect(scheduleFaults(made, twice, 2).join()).toContain("starts twice");
    expect(scheduleFaults(made, { ...schedule, starts: starts.slice(0, -1) }, 2).join()).toContain("11 of 12 nodes");
  });

  test("R11, R41: a makespan out of bounds and more at once than workers are told", () => {
    expect(scheduleFaults(made, { ...schedule, makespanMs: 1 }, 2).join()).toContain("an edge was ignored");
    expect(scheduleFaults(made, { ...schedule, makespanMs: 10_000 }, 2).join()).toContain("a worker idled");
    expect(scheduleFaults(made, schedule, 1).join()).toContain("at once with 1 workers");
  });
});
