/**
 * The pure core against the reference model: any plan, any answers, any order of deadlines, any verb at any moment. After
 * every command the two must agree on everything that can be seen.
 * `MODEL_RUNS=100000 MODEL_SEED=7 npx vitest run test/model/core.test.ts` looks further.
 */
import { RUN_STATUSES } from "@belay/engine/core";
import { EVERY_FEATURE, scenario } from "@belay/engine/testing";
import fc from "fast-check";
import { expect, test } from "vitest";
import { begin, coreCommands } from "./core-commands.ts";
import { MetKnownDefect } from "./known.ts";
import { report } from "./report.ts";

const RUNS = Number(process.env["MODEL_RUNS"] ?? 3000);
const SEED = process.env["MODEL_SEED"] === undefined ? {} : { seed: Number(process.env["MODEL_SEED"]) };

test("R10-R37: the core does what the reference model says, whatever happens", { timeout: 600_000 }, () => {
  const plans = scenario(fc, { ...EVERY_FEATURE, jitter: false, maxNodes: 7 });
  let cut = 0;
  const ended = new Set<string>();
  const details = fc.check(
    fc.property(plans, coreCommands(60), (given, commands) => {
      try {
        const both = begin(given);
        fc.modelRun(() => both, commands);
        ended.add(both.model.model.status);
      } catch (error) {
        if (!(error instanceof MetKnownDefect)) throw error;
        cut++;
      }
    }),
    { numRuns: RUNS, ...SEED },
  );
  report(details);
  // Every state of a run is where some run was left.
  expect([...ended].sort()).toEqual([...RUN_STATUSES].sort());
  // Runs that end at a known defect prove little: they must stay few.
  expect(cut).toBeLessThan(RUNS * 0.02);
});
