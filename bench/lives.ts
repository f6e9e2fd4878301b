/**
 * `npm run bench:lives`: simulated lives per second of CPU, of plans of exactly 20 nodes, every step of every life judged. Seeds
 * are fixed: each run of this file plays the same lives. Rounds are interleaved; the figures are the median and the best, since
 * on a machine that others use a second of CPU does less.
 */
import { definePlan, type Json, type Plan } from "@belay/engine";
import { EVERY_FEATURE, SCENARIO_POOLS, type ScenarioOptions, scenario, simulate } from "@belay/engine/testing";
import fc from "fast-check";

const ROUNDS = 9;
const PLANS = 200;
const LIVES_PER_PLAN = 10;

/** What `simulate` does by itself, and what `npm run soak` asks for. */
const ODDS = {
  default: {},
  heavy: {
    crashes: 0.05,
    operators: 0.15,
    pools: { narrow: SCENARIO_POOLS.narrow.concurrency, wide: SCENARIO_POOLS.wide.concurrency },
  },
} as const;

interface Given {
  readonly plan: Plan;
  readonly params: Readonly<Record<string, Json>>;
}

interface Tally {
  readonly rates: number[];
  lives: number;
  steps: number;
  crashes: number;
}

function plansOf(features: ScenarioOptions): readonly Given[] {
  const drawn = fc.sample(scenario(fc, { ...features, minNodes: 20, maxNodes: 20 }), { numRuns: PLANS, seed: 5 });
  return drawn.map(({ document, params }) => ({ plan: definePlan(document), params }));
}

const PLANS_BY_FEATURES = { plain: plansOf({}), every: plansOf(EVERY_FEATURE) } as const;

function play(given: readonly Given[], odds: (typeof ODDS)[keyof typeof ODDS], round: number, tally: Tally): void {
  const before = tally.lives;
  const begun = process.cpuUsage();
  for (const [place, { plan, params }] of given.entries()) {
    for (let life = 0; life < LIVES_PER_PLAN; life++) {
      const seed = (round * PLANS + place) * LIVES_PER_PLAN + life;
      const { violations, steps, crashes } = simulate(plan, { seed, params, ...odds });
      if (violations.length > 0) throw new Error(`seed ${seed} of plan ${place}: ${violations[0]?.message}`);
      tally.lives++;
      tally.steps += steps;
      tally.crashes += crashes;
    }
  }
  const { user, system } = process.cpuUsage(begun);
  tally.rates.push((tally.lives - before) / ((user + system) / 1e6));
}

const tallies = new Map<string, Tally>();
for (let round = 0; round < ROUNDS; round++) {
  for (const features of ["plain", "every"] as const) {
    for (const odds of ["default", "heavy"] as const) {
      const name = `${features === "every" ? "every feature" : "plain plans"}, ${odds} odds`;
      const tally = tallies.get(name) ?? { rates: [], lives: 0, steps: 0, crashes: 0 };
      tallies.set(name, tally);
      play(PLANS_BY_FEATURES[features], ODDS[odds], round, tally);
    }
  }
}
for (const [name, { rates, lives, steps, crashes }] of tallies) {
  const sorted = rates.toSorted((a, b) => a - b).map(Math.round);
  const [median, best] = [sorted[sorted.length >> 1], sorted.at(-1)];
  const per = `${(steps / lives).toFixed(1)} steps and ${(crashes / lives).toFixed(2)} crashes each`;
  console.log(`${name}: median ${median}, best ${best} lives per CPU second, ${per}`);
}
