/**
 * `npm run soak`: simulated lives of fresh plans on all cores, for `--minutes` (default 10) or `--runs` of them, from
 * `--seed` (default: drawn, printed first), with plans of up to `--nodes` nodes (default 20). Ends with 1 when a rule
 * broke; the report then holds rule, seed, the smallest plan found that still breaks it, as YAML, and the shortest trace.
 * This file starts the workers and adds up; `soak-worker.ts` plays.
 */
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import type { SoakShare, SoakTold } from "./soak-worker.ts";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "10" },
    runs: { type: "string" },
    seed: { type: "string" },
    nodes: { type: "string", default: "20" },
  },
});
const number = (name: string, text: string): number => {
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  throw new Error(`--${name} takes a number above 0, not ${text}`);
};
const seed = values.seed === undefined ? Math.trunc(Date.now() % 1_000_000_007) : number("seed", values.seed);
const runs = values.runs === undefined ? Number.POSITIVE_INFINITY : number("runs", values.runs);
const minutes = values.runs === undefined ? number("minutes", values.minutes) : Number.POSITIVE_INFINITY;
const nodes = number("nodes", values.nodes);

console.log(`seed ${seed}`);
const total: SoakTold = {
  runs: 0,
  nodes: 0,
  steps: 0,
  crashes: 0,
  faults: {},
  verbs: {},
  seeds: [],
  failure: undefined,
};
const failures: string[] = [];
const workers = Math.max(1, availableParallelism());
const startedAt = performance.now();
const progress = setInterval(() => console.log(rate()), 15_000);
await Promise.all(Array.from({ length: workers }, (_, place) => soakOn(place)));
clearInterval(progress);
finish();

/** One worker for as long as it plays; it is ended whatever comes. */
async function soakOn(place: number): Promise<void> {
  const share: SoakShare = { seed: seed + place, step: workers, nodes, minutes, runs: Math.ceil(runs / workers) };
  const worker = new Worker(new URL("./soak-worker.ts", import.meta.url), { workerData: share });
  try {
    await new Promise<void>((resolve, reject) => {
      worker.on("message", (told: SoakTold) => add(told));
      worker.on("error", reject);
      worker.on("exit", () => resolve());
    });
  } finally {
    await worker.terminate();
  }
}

function add(told: SoakTold): void {
  for (const name of ["runs", "nodes", "steps", "crashes"] as const) total[name] += told[name];
  for (const name of ["faults", "verbs"] as const) {
    for (const [kind, count] of Object.entries(told[name])) total[name][kind] = (total[name][kind] ?? 0) + count;
  }
  total.seeds.push(...told.seeds);
  if (told.failure === undefined) return;
  failures.push(told.failure);
  console.log(`\n${told.failure}\n`);
}

function rate(): string {
  const seconds = (performance.now() - startedAt) / 1000;
  const perSecond = Math.round(total.runs / seconds);
  return `${total.runs} runs in ${Math.round(seconds)} s, ${perSecond} runs/s on ${workers} cores, ${failures.length} violations`;
}

function finish(): void {
  const counts = (kinds: Record<string, number>): string =>
    Object.entries(kinds)
      .sort(([, a], [, b]) => b - a)
      .map(([kind, count]) => `${kind} ${count}`)
      .join(", ");
  const per = (sum: number): string => (sum / Math.max(1, total.runs)).toFixed(1);
  console.log(rate());
  console.log(`per run: ${per(total.nodes)} nodes, ${per(total.steps)} steps`);
  console.log(`faults injected: ${counts(total.faults)}`);
  console.log(`crashes: ${total.crashes}`);
  console.log(`operators: ${counts(total.verbs)}`);
  console.log(`seeds of plans: ${seed} to ${Math.max(seed, ...total.seeds)}`);
  console.log(`violations: ${failures.length}`);
  if (failures.length > 0) process.exitCode = 1;
}
