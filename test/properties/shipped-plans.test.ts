/** Every shipped plan, over thousands of simulated lives: faults, crashes and operators break no rule (R10-R43, I11). */
import type { Json } from "@belay/engine";
import { failureReport, simulate } from "@belay/engine/testing";
import { loadPlan, planNames } from "@belay/failover-plans";
import { expect, test } from "vitest";
import { SETTINGS } from "../fixtures/shipped-settings.ts";

const SEED = 20_261_125;
const LIVES = 1_000;

test("every shipped plan has a setting to be played in", () => {
  expect(Object.keys(SETTINGS).sort()).toEqual(planNames());
});

test.each(Object.entries(SETTINGS))(
  "R10-R43, I11: %s keeps every rule in every life",
  { timeout: 120_000 },
  (name, setting) => {
    const plan = loadPlan(name);
    const ends = new Set<string>();
    for (let life = 0; life < LIVES; life++) {
      const outputs = (id: string): Json | undefined => setting.outputs[id.replace(/\[\d+\]$/, "")];
      const options = { seed: SEED + life, params: setting.params, outputs, crashes: 0.1, operators: 0.1 };
      const { violations, snapshot } = simulate(plan, options);
      if (violations.length > 0) throw new Error(failureReport({ document: plan.document, options }));
      ends.add(snapshot.status);
    }
    // The lives are worth something: runs succeed, and runs are undone.
    expect(ends).toContain("SUCCESSFUL");
    expect(ends.size).toBeGreaterThan(2);
  },
);
