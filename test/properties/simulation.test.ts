/**
 * Whole lives of drawn plans, from seeds: faults of every kind, crashes between any two records, operators at any moment;
 * then the faults stop. 100,000 lives here and 60,000 of larger plans in `simulation-large.test.ts`; `npm run soak` plays
 * on with fresh ones. `SIMULATIONS=10 SEED=7 npx vitest run test/properties/simulation.test.ts` looks further.
 */
import { definePlan } from "@belay/engine";
import { checkTrace, type SimulationOptions, shrinkFailure, simulate } from "@belay/engine/testing";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { scenario } from "../../packages/engine/src/testing/scenario/arbitraries.ts";
import type { Scenario } from "../../packages/engine/src/testing/scenario/scenario.ts";
import { drawPlans, EVERYTHING, failWith, POOLS, playLives, SEED } from "./simulated-lives.ts";

const TIMEOUT = { timeout: 600_000 } as const;

describe(`100,000 simulated lives of plans of up to 20 nodes, from seed ${SEED}`, () => {
  const plans = [...drawPlans(1000, { maxNodes: 20 }), ...drawPlans(1000, { ...EVERYTHING, maxNodes: 20 })];

  test("R10-R36, I11: faults alone break no rule, and every run comes to rest once they stop", TIMEOUT, () => {
    const { runs, crashes, faults } = playLives(plans, 15, { crashes: 0, operators: 0 });
    expect({ runs, crashes }).toEqual({ runs: plans.length * 15, crashes: 0 });
    for (const [fault, times] of Object.entries(faults)) expect(times, fault).toBeGreaterThan(plans.length / 4);
  });

  test("R39, R42, R50: a crash between any two records, in a batch or after it, changes nothing", TIMEOUT, () => {
    const { runs, crashes } = playLives(plans, 10, { crashes: 0.2, operators: 0 });
    expect(runs).toBe(plans.length * 10);
    expect(crashes).toBeGreaterThan(runs / 2);
  });

  test("R33-R37: operators at any moment, with every verb, break no rule", TIMEOUT, () => {
    const { runs, verbs } = playLives(plans, 25, { crashes: 0.05, operators: 0.15 });
    expect(runs).toBe(plans.length * 25);
    for (const verb of [...VERBS, "skip-rollback"]) expect(verbs[verb], verb).toBeGreaterThan(0);
    for (const verb of VERBS) expect(verbs[verb], verb).toBeGreaterThan(100);
  });

  test("R50: the same seed gives byte-identical records", () => {
    for (const {
      plan,
      scenario: { params },
      seed,
    } of plans.slice(900, 1100)) {
      const options = { seed, params, operators: 0.1, crashes: 0.05, pools: POOLS };
      expect(simulate(plan, options).journal).toBe(simulate(plan, options).journal);
    }
  });

  test("R50: the trace of a life, judged by itself, is judged as it was when it was lived", () => {
    for (const {
      plan,
      scenario: { document, params },
      seed,
    } of plans.slice(850, 1150)) {
      const { trace, snapshot, violations } = simulate(plan, {
        seed,
        params,
        operators: 0.1,
        crashes: 0.05,
        pools: POOLS,
      });
      expect(violations).toEqual([]);
      expect(checkTrace({ document, trace, snapshot })).toEqual([]);
    }
  });

  const VERBS = [
    "pause",
    "resume",
    "retry",
    "retry run",
    "skip",
    "cancel",
    "cancel run",
    "rollback all",
    "rollback barrier",
    "rollback node",
    "abandon",
  ];
});

describe("what simulation found once", () => {
  /** Seed of the scenarios, and place among them: each broke a rule once, in the engine or in its judge. */
  const FOUND = [
    [3, 56],
    [5, 365],
    [6, 722],
    [22, 2637],
    [31, 438],
    [34, 3676],
    [35, 1767],
    [45, 3775],
    [7, 561],
    [7, 868],
  ] as const;

  test.each(FOUND)("R37: what seed %i, place %i, once broke holds", { timeout: 120_000 }, (seed, place) => {
    const found = fc.sample(scenario(fc, { maxNodes: 20 }), { numRuns: place + 1, seed })[place] as Scenario;
    for (const first of [seed * 1_000_000 + place, place, place + 200_000]) {
      const options = { seed: first, params: found.params, crashes: 0.05, operators: 0.15 };
      if (simulate(definePlan(found.document), options).violations.length > 0) failWith(found, options);
    }
  });

  test("R12, R25: a reaction that is undone before it goes on was decided when that began, whatever is skipped meanwhile", () => {
    const plan = definePlan({
      belay: 1,
      name: "reaction",
      nodes: [
        { id: "a", action: "do", timeout: 7 },
        {
          id: "b",
          action: "do",
          upstreams: ["a"],
          trigger: "all_failed",
          retry: { maxAttempts: 2, mode: "compensate-first" },
          compensation: { action: "undo" },
          timeout: 7,
        },
      ],
    });
    for (let seed = 1; seed <= 3_000; seed++) {
      const { violations } = simulate(plan, { seed, crashes: 0.05, operators: 0.3 });
      expect(violations, `seed ${seed}`).toEqual([]);
    }
  });
});

describe("a broken rule", () => {
  test("I11: is made small: a life that cannot end is shown with one node and no more than it needs", () => {
    // No step at all after the start: a run that has not ended by then is taken for one that never will.
    const options: SimulationOptions = { seed: 1, params: {}, bound: 0, steps: 3 };
    const document = {
      belay: 1,
      name: "never",
      nodes: [
        { id: "a", action: "do" },
        { id: "b", action: "do" },
      ],
    } as const;
    const { document: small, options: fewer } = shrinkFailure({ document, options }, { runs: 500 });
    expect(small.nodes.map(({ upstreams, ...node }) => node)).toEqual([{ id: expect.any(String), action: "do" }]);
    expect(simulate(definePlan(small), fewer).violations.map(({ rule }) => rule)).toEqual(["I11"]);
  });
});
