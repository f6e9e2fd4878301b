/**
 * `npm run bench`: the scheduler's hot path against a bare loop and against other ways to run a graph, in turns, each in a process of
 * its own. Figures are medians, and ratios round by round. Every contender's order is checked in an untimed round, and
 * whether all handlers ran in each measured one, or the benchmark fails. Goals that are not reached do not make it fail.
 *
 *   --quick            few and small workloads, three rounds: for a look, and for the gate of `test/bench/scheduler.test.ts`
 *   --only=a,b         these contenders, and the floors
 *   --workload=a,b     these workloads; GRAPH-SIZE-async|sync-LIMIT, `wide-1e5-sync-16`
 *   --rounds=n         measured rounds; default 7
 *   --json=file        writes all figures
 *   --svg=file         writes the chart of docs/benchmarks.md
 *   --node-flags=a,b   flags of Node for Belay's own processes: --node-flags=--cpu-prof
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { boutsOf } from "./bouts.ts";
import { chartOf } from "./chart.ts";
import { Figures } from "./figures.ts";
import { bestRatios, verdictsOf } from "./goals.ts";
import { describeMachine, load } from "./machine.ts";
import { type BoutResult, playBout, type Skipped } from "./measure.ts";
import { boutLines, ELSEWHERE, goalLines, machineLines } from "./report.ts";

const { values: given } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    only: { type: "string" },
    workload: { type: "string" },
    rounds: { type: "string" },
    json: { type: "string" },
    svg: { type: "string" },
    "node-flags": { type: "string" },
  },
});

async function main(): Promise<void> {
  const rounds = Number(given.rounds ?? (given.quick ? 3 : 7));
  if (!(Number.isInteger(rounds) && rounds > 0))
    throw new Error(`--rounds must be a whole number from 1, not ${given.rounds}`);
  const bouts = boutsOf({ quick: given.quick, only: given.only?.split(","), workloads: given.workload?.split(",") });
  const machine = describeMachine();
  for (const line of [...machineLines(machine), `medians of ${rounds} rounds in turns`]) console.log(line);
  const play = { rounds, flags: given["node-flags"]?.split(",") ?? [], say: (line: string) => console.error(line) };
  const results: BoutResult[] = [];
  const skipped: Skipped[] = [];
  for (const bout of bouts) {
    const result = await playBout(bout, play);
    if ("why" in result) skipped.push(result);
    else results.push(result);
    for (const line of "why" in result ? [`\n${result.workload}: SKIPPED, ${result.why}`] : boutLines(result))
      console.log(line);
  }
  const figures = new Figures(results);
  const verdicts = verdictsOf(figures);
  for (const line of goalLines(verdicts)) console.log(line);
  for (const line of ["", ...ELSEWHERE]) console.log(line);
  const loadAtEnd = load();
  console.log(`\nload at the end: ${loadAtEnd.toFixed(2)}`);
  if (given.json !== undefined) {
    const all = {
      machine: { ...machine, loadAtEnd },
      rounds,
      goals: verdicts,
      best: bestRatios(figures),
      skipped,
      bouts: results,
    };
    writeFileSync(given.json, `${JSON.stringify(all, null, 1)}\n`);
  }
  if (given.svg !== undefined) writeFileSync(given.svg, chartOf(figures));
}

for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));
await main();
