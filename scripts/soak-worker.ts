/**
 * One worker of `npm run soak`: draws plans from consecutive seeds, plays each with many seeds, tells what it counted about
 * once a second. Stops at its first violation, which it makes small first. Owns: the loop. Prints nothing.
 */
import { parentPort, workerData } from "node:worker_threads";
import { definePlan } from "@belay/engine";
import {
  EVERY_FEATURE,
  failureReport,
  SCENARIO_POOLS,
  type SimulationOptions,
  type SimulationResult,
  scenario,
  shrinkFailure,
  simulate,
} from "@belay/engine/testing";
import fc from "fast-check";

/** What a worker is to do. */
export interface SoakShare {
  /** Seed of its first plan; the next one is `step` further. */
  readonly seed: number;
  readonly step: number;
  /** Most nodes of a plan. */
  readonly nodes: number;
  readonly minutes: number;
  readonly runs: number;
}

/** What came of it since the worker last told. */
export interface SoakTold {
  runs: number;
  /** Sums over the runs. */
  nodes: number;
  steps: number;
  crashes: number;
  faults: Record<string, number>;
  verbs: Record<string, number>;
  /** The latest seed of a plan. */
  seeds: number[];
  /** The report, once a rule broke. */
  failure: string | undefined;
}

/** Runs of one plan; several plans are drawn at once, since drawing costs as much as some runs. */
const RUNS_PER_PLAN = 100;
const PLANS_PER_SEED = 20;

/** Heavier than `simulate`'s own odds: lives are short, and each should hold something. */
const ODDS = {
  crashes: 0.05,
  operators: 0.15,
  pools: { narrow: SCENARIO_POOLS.narrow.concurrency, wide: SCENARIO_POOLS.wide.concurrency },
} as const;

const share = workerData as SoakShare;
const endAt = performance.now() + share.minutes * 60_000;
let told = nothing();
let toldAt = performance.now();
soak();

function soak(): void {
  let left = share.runs;
  for (let seed = share.seed; ; seed += share.step) {
    const least = Math.min(share.nodes, 2 + (seed % Math.max(1, share.nodes)));
    const arbitrary = scenario(fc, { ...EVERY_FEATURE, minNodes: least, maxNodes: share.nodes });
    for (const { document, params } of fc.sample(arbitrary, { numRuns: PLANS_PER_SEED, seed })) {
      const plan = definePlan(document);
      for (let place = 0; place < RUNS_PER_PLAN; place++) {
        if (left-- <= 0 || performance.now() > endAt) {
          tell(seed);
          return;
        }
        const options: SimulationOptions = { seed: seed * 1_000_003 + place, params, ...ODDS };
        const result = simulate(plan, options);
        count(result, document.nodes.length);
        if (result.violations.length === 0) continue;
        told.failure = failureReport(shrinkFailure({ document, options }));
        tell(seed);
        return;
      }
    }
    if (performance.now() - toldAt > 1000) tell(seed);
  }
}

function nothing(): SoakTold {
  return { runs: 0, nodes: 0, steps: 0, crashes: 0, faults: {}, verbs: {}, seeds: [], failure: undefined };
}

function count(result: SimulationResult, nodes: number): void {
  told.runs += 1;
  told.nodes += nodes;
  told.steps += result.steps;
  told.crashes += result.crashes;
  for (const name of ["faults", "verbs"] as const) {
    for (const [kind, times] of Object.entries(result[name])) told[name][kind] = (told[name][kind] ?? 0) + times;
  }
}

function tell(seed: number): void {
  told.seeds = [seed];
  parentPort?.postMessage(told);
  told = nothing();
  toldAt = performance.now();
}
