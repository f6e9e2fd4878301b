/** The other 60,000 simulated lives: of plans of 2 to 20 nodes, every size as likely; see `simulation.test.ts`. */
import { describe, expect, test } from "vitest";
import { drawPlans, EVERYTHING, playLives, SEED } from "./simulated-lives.ts";

describe(`60,000 simulated lives of plans of 2 to 20 nodes, from seed ${SEED}`, () => {
  const plans = [
    ...drawPlans(800, { minNodes: 2, maxNodes: 20 }),
    ...drawPlans(1200, { ...EVERYTHING, minNodes: 2, maxNodes: 20 }),
  ];

  test("R10-R42, I11: faults, crashes and operators together break no rule, and every run comes to rest", {
    timeout: 600_000,
  }, () => {
    const { runs, crashes, verbs } = playLives(plans, 30, { crashes: 0.05, operators: 0.15 });
    expect(runs).toBe(plans.length * 30);
    expect(crashes).toBeGreaterThan(runs / 2);
    for (const verb of ["approve", "reject", "signal"]) expect(verbs[verb], verb).toBeGreaterThan(100);
    expect(plans.some(({ plan }) => plan.document.nodes.length === 20)).toBe(true);
  });
});
