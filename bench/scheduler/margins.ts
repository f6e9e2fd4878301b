/**
 * The gate against regressions: what `npm run bench -- --gate` may come to. Owns: the margins, and the figures held against them.
 * Ratios stand at about twice what a quiet machine shows: the gate runs beside other tests. Bytes and timers do not depend on that:
 * a warm run allocates some 700 bytes a node, the promise of its handler included, and makes one timer.
 */
import { CPU, RUN } from "./figures.ts";
import type { BoutResult } from "./measure.ts";

/**
 * The most that each figure may be. `<workload> <entrant>`: its time over that of the floor. `... bytes`: allocated a node by a warm
 * run. `... timers`: timers of Node made by a run.
 */
export const MARGINS: Readonly<Record<string, number>> = {
  "layered-1e4-async-16 belay": 9,
  "layered-1e4-async-16 belay:timeout": 14,
  "layered-1e4-sync-16 belay": 34,
  "chain-1e4-async-16 belay": 30,
  "layered-1e4-async-16 belay bytes": 760,
  "layered-1e4-async-16 belay:timeout timers": 1,
};

/**
 * The figures of a run, by the names of `MARGINS`. Times are those of the best round of each, by the clock or in CPU, whichever
 * ratio is lower: other processes make a round slower, nothing makes it faster.
 */
export function gateFigures(bouts: readonly BoutResult[]): Readonly<Record<string, number>> {
  const figures: Record<string, number> = {};
  for (const { workload, entrants } of bouts) {
    const floor = entrants.find(({ name }) => name === "floor");
    for (const { name, facts, samples } of entrants) {
      if (!name.startsWith("belay")) continue;
      const best = [RUN, CPU].map((of) => Math.min(...samples.map(of)) / Math.min(...(floor?.samples ?? []).map(of)));
      const ratio = Math.min(...best.filter((one) => !Number.isNaN(one)));
      if (floor !== undefined && Number.isFinite(ratio)) figures[`${workload} ${name}`] ??= ratio;
      if (facts["timers"] !== undefined) figures[`${workload} ${name} timers`] ??= facts["timers"];
      const bytes = samples[0]?.["allocatedBytes"];
      if (bytes !== undefined) figures[`${workload} belay bytes`] ??= bytes;
    }
  }
  return figures;
}

/** What is above its margin, or was not measured, in words. */
export function overMargin(
  figures: Readonly<Record<string, number>>,
  margins: Readonly<Record<string, number>> = MARGINS,
): readonly string[] {
  return Object.entries(margins).flatMap(([name, most]) => {
    const figure = figures[name];
    if (figure === undefined) return [`${name}: not measured`];
    return figure > most ? [`${name}: ${figure.toPrecision(3)}, at most ${most}`] : [];
  });
}
