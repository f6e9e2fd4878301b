/**
 * `npm run bench`: the scheduler's hot path against a bare loop and against other ways to run a graph, in turns, each in a process of
 * its own. Figures are medians, and ratios round by round. Every contender's order is checked in an untimed round, and
 * whether all handlers ran in each measured one, or the benchmark fails. Goals that are not reached do not make it fail.
 *
 *   --quick            few and small workloads, three rounds
 *   --gate             those of `margins.ts` alone, for the test that guards against regressions
 *   --only=a,b         these contenders, and the floors
 *   --workload=a,b     these workloads; GRAPH-SIZE-async|sync-LIMIT, `wide-1e5-sync-16`
 *   --rounds=n         measured rounds; default 7
 *   --by=cpu           ratios and goals by CPU time instead of the clock: for a machine that others use as well
 *   --json=file        writes all figures
 *   --svg=file         writes the chart of docs/benchmarks.md
 *   --node-flags=a,b   flags of Node for Belay's own processes: --node-flags=--cpu-prof
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { type Bout, boutsOf } from "./bouts.ts";
import { chartOf } from "./chart.ts";
import { Figures } from "./figures.ts";
import { verdictsOf } from "./goals.ts";
import { describeMachine, load } from "./machine.ts";
import { gateFigures } from "./margins.ts";
import { type BoutResult, playBout, type Skipped } from "./measure.ts";
import { boutLines, ELSEWHERE, goalLines, machineLine } from "./report.ts";
import { byCpu } from "./stopwatch.ts";

const { values: given } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    gate: { type: "boolean", default: false },
    only: { type: "string" },
    workload: { type: "string" },
    rounds: { type: "string" },
    by: { type: "string", default: "wall" },
    json: { type: "string" },
    svg: { type: "string" },
    "node-flags": { type: "string" },
  },
});

async function main(): Promise<void> {
  const rounds = Number(given.rounds ?? (given.quick ? 3 : 7));
  if (!(Number.isInteger(rounds) && rounds > 0))
    throw new Error(`--rounds: a whole number from 1, not ${given.rounds}`);
  if (given.by !== "wall" && given.by !== "cpu") throw new Error(`--by: wall or cpu, not ${given.by}`);
  const list = given.gate ? "gate" : given.quick ? "quick" : "full";
  const bouts = boutsOf({ list, only: given.only?.split(","), workloads: given.workload?.split(",") });
  const machine = describeMachine();
  console.log(machineLine(machine));
  console.log(`medians of ${rounds} rounds in turns; ratios by ${given.by === "cpu" ? "CPU time" : "the clock"}`);
  const { results, skipped } = await play(bouts, rounds);
  const figures = new Figures(results.map(shown));
  const verdicts = verdictsOf(figures);
  for (const line of [...goalLines(verdicts), "", ...ELSEWHERE]) console.log(line);
  const loadAtEnd = load();
  console.log(`\nload at the end: ${loadAtEnd.toFixed(2)}`);
  if (given.json !== undefined) {
    const conditions = { machine: { ...machine, loadAtEnd }, rounds, by: given.by };
    const all = { ...conditions, goals: verdicts, gate: gateFigures(results), skipped, bouts: results };
    writeFileSync(given.json, `${JSON.stringify(all, null, 1)}\n`);
  }
  if (given.svg !== undefined) writeFileSync(given.svg, chartOf(figures));
}

async function play(bouts: readonly Bout[], rounds: number): Promise<{ results: BoutResult[]; skipped: Skipped[] }> {
  const flags = given["node-flags"]?.split(",") ?? [];
  const results: BoutResult[] = [];
  const skipped: Skipped[] = [];
  for (const bout of bouts) {
    const result = await playBout(bout, { rounds, builds: !given.gate, flags, say: (line) => console.error(line) });
    if ("why" in result) {
      skipped.push(result);
      console.log(`\n${result.workload}: SKIPPED, ${result.why}`);
      continue;
    }
    results.push(result);
    for (const line of boutLines(shown(result))) console.log(line);
  }
  return { results, skipped };
}

/** What ratios are made of. */
function shown(result: BoutResult): BoutResult {
  if (given.by === "wall") return result;
  const entrants = result.entrants.map((one) => ({ ...one, samples: one.samples.map(byCpu) }));
  return { ...result, entrants };
}

for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));
await main();
