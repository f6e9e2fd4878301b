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
import { report } from "./report.ts";

const RUNS = Number(process.env["MODEL_RUNS"] ?? 6000);
/** The same lives on every machine, unless asked for others. */
const SEED = Number(process.env["MODEL_SEED"] ?? 1);

/** Plays the runs; answers the states in which they were left. */
function live(
  options: ScenarioOptions,
  maxCommands: number,
  parameters: { readonly numRuns: number; readonly unbiased?: boolean },
): Set<string> {
  const ended = new Set<string>();
  const plans = scenario(fc, { ...EVERY_FEATURE, jitter: false, ...options });
  const property = fc.property(plans, coreCommands(maxCommands), (given, commands) => {
    const both = begin(given);
    fc.modelRun(() => both, commands);
    ended.add(both.model.model.status);
  });
  report(fc.check(property, { ...parameters, seed: SEED }));
  return ended;
}

test("R10-R37: the core does what the reference model says, whatever happens to small plans", {
  timeout: 600_000,
}, () => {
  const ended = live({ maxNodes: 7 }, 60, { numRuns: RUNS });
  expect([...ended].sort()).toEqual([...RUN_STATUSES].sort());
});

test("R10-R37: the core does what the reference model says over long lives", { timeout: 600_000 }, () => {
  const runs = Math.ceil(RUNS / 3);
  const ended = live({ minNodes: 4, maxNodes: 10 }, 150, { numRuns: runs, unbiased: true });
  expect([...ended].sort()).toEqual([...RUN_STATUSES].sort());
});
