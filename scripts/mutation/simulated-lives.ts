/**
 * Kill suite: whole lives of drawn plans, judged by the rules of the contract. Owns: which lives. Same seeds, same lives.
 */
import { definePlan } from "@belay/engine";
import {
  type Scenario,
  type SimulationOptions,
  type SimulationResult,
  scenario,
  simulate,
} from "@belay/engine/testing";
import fc from "fast-check";
import type { KillCase, KillSuite } from "./kill-suite.ts";

type Climate = Omit<SimulationOptions, "seed">;

/** What goes wrong, and how often: a life each in turn. */
const CLIMATES: readonly Climate[] = [
  { crashes: 0.05, operators: 0.15 },
  { crashes: 0.05, operators: 0.3 },
  { crashes: 0, operators: 0 },
  { crashes: 0.1, operators: 0.05 },
];
const MAX_NODES = 10;

/** `lives` of them from `seed` on. */
export function simulatedLives(name: string, seed: number, lives: number): KillSuite {
  const given = fc.sample(scenario(fc, { maxNodes: MAX_NODES }), { numRuns: lives, seed });
  const cases = given.map((one, index) => {
    const climate = CLIMATES[index % CLIMATES.length] as Climate;
    return life(one, { ...climate, seed: seed * 1_000_000 + index });
  });
  return { name, cases };
}

function life(given: Scenario, options: SimulationOptions): KillCase {
  const play = (): SimulationResult => simulate(definePlan(given.document), { ...options, params: given.params });
  return {
    name: `life ${options.seed}`,
    run() {
      const [violation] = play().violations;
      if (violation !== undefined) throw new Error(violation.message);
    },
    outcome() {
      const { journal, snapshot, trace } = play();
      return JSON.stringify([journal, snapshot, trace]);
    },
  };
}
