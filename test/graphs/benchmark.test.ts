/** The scheduling benchmark of 180 graphs with proven optima; skipped when the data are not beside the checkout. */
import { definePlan } from "@belay/engine";
import { describe, expect, test } from "vitest";
import { allGraphs, timedGraph } from "./real-graph.ts";
import { play } from "./schedule-facts.ts";
import { remainingMs, shapeOf } from "./shape.ts";

const graphs = allGraphs().filter(({ file }) => file.startsWith("stg-50"));
const WORKERS = [2, 4, 8, 16];

/** Makespans by number of workers. `byPriority`: who has the most work below comes first (R11). */
function makespans(graph: (typeof graphs)[number], byPriority: boolean): number[] {
  const { document, runtimesMs = [] } = timedGraph(graph);
  const shape = shapeOf(document);
  const below = remainingMs(shape, runtimesMs);
  const nodes = document.nodes.map((node, v) => ({ ...node, priority: below[v] as number }));
  const plan = definePlan(byPriority ? { ...document, nodes } : document);
  return WORKERS.map((workers) => play({ plan, shape, durations: runtimesMs }, workers).makespanMs);
}

interface Played {
  readonly graph: (typeof graphs)[number];
  readonly plain: readonly number[];
  readonly prioritized: readonly number[];
}

let once: readonly Played[] | undefined;

function playAll(): readonly Played[] {
  once ??= graphs.map((graph) => ({ graph, plain: makespans(graph, false), prioritized: makespans(graph, true) }));
  return once;
}

describe.skipIf(graphs.length === 0)("the scheduling benchmark", { timeout: 120_000 }, () => {
  test("R11: no schedule of the 180 graphs is shorter than a proven optimum or lower bound", () => {
    const impossible: string[] = [];
    let proven = 0;
    for (const entry of playAll()) {
      const { graph } = entry;
      for (const [place, workers] of WORKERS.entries()) {
        const { optimalMakespan, lowerBound } = graph.expect;
        const optimum = optimalMakespan?.[workers];
        if (optimum !== undefined && optimum !== null) proven++;
        const least = Math.max(optimum ?? 0, lowerBound?.[workers] ?? Number.NaN);
        for (const made of [entry.plain[place], entry.prioritized[place]] as number[]) {
          if (!(made >= least)) impossible.push(`${graph.name}: ${made} with ${workers} workers, at least ${least}`);
        }
      }
    }
    expect(impossible).toEqual([]);
    expect([graphs.length, proven]).toEqual([180, 625]);
  });

  test("R11: the mean excess over the best known schedules, in the plan's order and by priority", ({ annotate }) => {
    const played = playAll();
    const excess = (of: "plain" | "prioritized", place: number): string => {
      const ratios = played.map((entry) => {
        const best = entry.graph.expect.bestKnown?.[WORKERS[place] as number] as number;
        return (entry[of][place] as number) / best - 1;
      });
      return `${((100 * ratios.reduce((sum, ratio) => sum + ratio, 0)) / ratios.length).toFixed(2)} %`;
    };
    const lines = WORKERS.map((workers, place) => {
      return `${workers} workers: ${excess("plain", place)} in the plan's order, ${excess("prioritized", place)} by priority`;
    });
    process.stdout.write(`excess over the best known makespan, mean of 180 graphs\n${lines.join("\n")}\n`);
    return annotate(lines.join("; "));
  });
});
