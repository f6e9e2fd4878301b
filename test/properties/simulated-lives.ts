/**
 * Plays whole lives of drawn plans from seeds, and counts. Owns: how plans and seeds are drawn from one number, so that a
 * seed names a story on every machine, and what a failure says.
 */
import { definePlan, type Plan } from "@belay/engine";
import {
  EVERY_FEATURE,
  failureReport,
  SCENARIO_POOLS,
  type SimulationOptions,
  type SimulationResult,
  shrinkFailure,
  simulate,
} from "@belay/engine/testing";
import fc from "fast-check";
import { type ScenarioOptions, scenario } from "../../packages/engine/src/testing/scenario/arbitraries.ts";
import type { Scenario } from "../../packages/engine/src/testing/scenario/scenario.ts";

/** `SIMULATIONS=10 npm test` plays ten times as many; `SEED=7` others. */
const FACTOR = Number(process.env["SIMULATIONS"] ?? 1);
export const SEED: number = Number(process.env["SEED"] ?? 1);

/** How many attempts at once the pools of drawn plans let run. */
export const POOLS: Readonly<Record<string, number>> = {
  narrow: SCENARIO_POOLS.narrow.concurrency,
  wide: SCENARIO_POOLS.wide.concurrency,
};

/** Plans in which everything can happen: pools, deadlines, teardowns, nodes that wait, and what older plans had. */
export const EVERYTHING: ScenarioOptions = { ...EVERY_FEATURE };

export interface DrawnPlan {
  readonly scenario: Scenario;
  readonly plan: Plan;
  /** Seed of the first of its lives. */
  readonly seed: number;
}

/** So many plans within `options`, the same ones every time. */
export function drawPlans(count: number, options: ScenarioOptions): readonly DrawnPlan[] {
  return fc
    .sample(scenario(fc, options), { numRuns: Math.ceil(count * FACTOR), seed: SEED })
    .map((one: Scenario, index: number) => ({
      scenario: one,
      plan: definePlan(one.document),
      seed: SEED * 1_000_000 + index,
    }));
}

export interface Lives {
  runs: number;
  crashes: number;
  /** Calls by fault, verbs by name. */
  readonly faults: Record<string, number>;
  readonly verbs: Record<string, number>;
}

/** Every plan, `lives` times each; fails at the first broken rule with the smallest plan and trace that show it. */
export function playLives(plans: readonly DrawnPlan[], lives: number, odds: Partial<SimulationOptions>): Lives {
  const counted: Lives = { runs: 0, crashes: 0, faults: {}, verbs: {} };
  for (const { scenario, plan, seed } of plans) {
    for (let life = 0; life < lives; life++) {
      const options: SimulationOptions = {
        pools: POOLS,
        ...odds,
        seed: seed + life * 100_003,
        params: scenario.params,
      };
      const result = simulate(plan, options);
      if (result.violations.length > 0) failWith(scenario, options);
      count(counted, result);
    }
  }
  return counted;
}

/** Throws the report. */
export function failWith({ document }: Scenario, options: SimulationOptions): never {
  throw new Error(failureReport(shrinkFailure({ document, options })));
}

function count(lives: Lives, { crashes, faults, verbs }: SimulationResult): void {
  lives.runs += 1;
  lives.crashes += crashes;
  for (const [kind, times] of Object.entries(faults)) lives.faults[kind] = (lives.faults[kind] ?? 0) + times;
  for (const [name, times] of Object.entries(verbs)) lives.verbs[name] = (lives.verbs[name] ?? 0) + times;
}
