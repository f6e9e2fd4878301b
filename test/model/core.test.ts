/**
 * The pure core against the reference model: any plan, any answers, any order of deadlines, any verb at any moment. After
 * every command the two must agree on everything that can be seen.
 * `MODEL_RUNS=100000 MODEL_SEED=7 npx vitest run test/model/core.test.ts` looks further.
 */
import { RUN_STATUSES } from "@belay/engine/core";
import { EVERY_FEATURE, type ScenarioOptions, scenario } from "@belay/engine/testing";
import fc from "fast-check";
import { expect, test } from "vitest";
import { begin, coreCommands } from "./core-commands.ts";
import { MetKnownDefect } from "./known.ts";
import { report } from "./report.ts";

const RUNS = Number(process.env["MODEL_RUNS"] ?? 6000);
/** The same lives on every machine, unless asked for others. */
const SEED = Number(process.env["MODEL_SEED"] ?? 1);

interface Lives {
  /** Runs that met a known defect, and ended there. */
  cut: number;
  /** States in which runs were left. */
  readonly ended: Set<string>;
}

function live(
  options: ScenarioOptions,
  maxCommands: number,
  parameters: { readonly numRuns: number; readonly unbiased?: boolean },
): Lives {
  const lives: Lives = { cut: 0, ended: new Set() };
  const plans = scenario(fc, { ...EVERY_FEATURE, jitter: false, ...options });
  const property = fc.property(plans, coreCommands(maxCommands), (given, commands) => {
    try {
      const both = begin(given);
      fc.modelRun(() => both, commands);
      lives.ended.add(both.model.model.status);
    } catch (error) {
      if (!(error instanceof MetKnownDefect)) throw error;
      lives.cut++;
    }
  });
  report(fc.check(property, { ...parameters, seed: SEED }));
  return lives;
}

test("R10-R37: the core does what the reference model says, whatever happens to small plans", {
  timeout: 600_000,
}, () => {
  const { cut, ended } = live({ maxNodes: 7 }, 60, { numRuns: RUNS });
  expect([...ended].sort()).toEqual([...RUN_STATUSES].sort());
  // Runs that end at a known defect prove little: they must stay few.
  expect(cut).toBeLessThan(RUNS * 0.05);
});

test("R10-R37: the core does what the reference model says over long lives", { timeout: 600_000 }, () => {
  const runs = Math.ceil(RUNS / 3);
  const { cut, ended } = live({ minNodes: 4, maxNodes: 10 }, 150, { numRuns: runs, unbiased: true });
  expect([...ended].sort()).toEqual([...RUN_STATUSES].sort());
  expect(cut).toBeLessThan(runs * 0.15);
});
