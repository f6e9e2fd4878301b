/**
 * The whole engine against the reference model: arbitrary outcomes, deadlines and operator verbs, one at a time, and after
 * each of them everything that can be seen is compared. `MODEL_RUNS=5000 MODEL_SEED=7 npx vitest run
 * test/model/commands.test.ts` looks further. Slower than `core.test.ts`, which goes through many more runs.
 */
import { EVERY_FEATURE, scenario } from "@belay/engine/testing";
import fc from "fast-check";
import { test } from "vitest";
import { beginRun, engineCommands } from "./engine-commands.ts";
import { report } from "./report.ts";

const RUNS = Number(process.env["MODEL_RUNS"] ?? 600);
/** The same lives on every machine, unless asked for others. */
const SEED = Number(process.env["MODEL_SEED"] ?? 1);

test("R10-R37, R41: the engine does what the reference model says, whatever happens", {
  timeout: 600_000,
}, async () => {
  const plans = scenario(fc, { ...EVERY_FEATURE, jitter: false, maxNodes: 7 });
  const details = await fc.check(
    fc.asyncProperty(plans, engineCommands(40), async (given, commands) => {
      const setup = await beginRun(given);
      try {
        await fc.asyncModelRun(() => setup, commands);
      } finally {
        await setup.real.close();
      }
    }),
    { numRuns: RUNS, seed: SEED },
  );
  report(details);
});
