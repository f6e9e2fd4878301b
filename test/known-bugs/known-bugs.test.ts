/**
 * Known bugs, each kept as a patch of the core: the simulation must catch every one of them within 100 runs, and nothing
 * without a patch. A framework that no longer catches what it once caught has lost something.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { EVERY_FEATURE, SCENARIO_POOLS, type Scenario, scenario } from "@belay/engine/testing";
import fc from "fast-check";
import { expect, test } from "vitest";
import { type PatchedEngine, patchedEngine } from "./patched-engine.ts";

const SEED = Number(process.env["KNOWN_BUGS_SEED"] ?? 20_261_125);
const RUNS = 100;
const PATCHES = readdirSync(import.meta.dirname).filter((name) => name.endsWith(".patch"));
const features = { ...EVERY_FEATURE, eventful: true, minNodes: 2, maxNodes: 20 };
const scenarios: readonly Scenario[] = fc.sample(scenario(fc, features), { numRuns: RUNS, seed: SEED });
const POOLS = { narrow: SCENARIO_POOLS.narrow.concurrency, wide: SCENARIO_POOLS.wide.concurrency };

/** The number of the run that finds something, from 1, and what it finds; undefined when none of them does. */
function firstCaught({ definePlan, simulate }: PatchedEngine): { run: number; found: string } | undefined {
  for (const [index, { document, params }] of scenarios.entries()) {
    // Half of the lives have many crashes, the other half many answers that come too late.
    const trouble =
      index % 2 === 0
        ? { crashes: 0.3, cutOff: { done: 0.1, lost: 0.05 } }
        : { crashes: 0.02, faults: { late: 0.4, error: 0.15 } };
    const options = { seed: SEED + index, params, ...trouble, operators: 0.1, pools: POOLS };
    try {
      const { violations } = simulate(definePlan(document), options);
      if (violations.length > 0) return { run: index + 1, found: violations[0]?.message ?? "" };
    } catch (error) {
      // A broken invariant of the core, or a replay that differs.
      return { run: index + 1, found: error instanceof Error ? error.message : String(error) };
    }
  }
  return undefined;
}

test("docs/benchmarks.md says how many there are", () => {
  const figures = readFileSync(join(import.meta.dirname, "../../docs/benchmarks.md"), "utf8");
  expect(figures).toContain(`| known bugs, each kept as a patch of the core | ${PATCHES.length}, each caught`);
});

test("without a patch nothing is caught", async () => {
  const engine = await patchedEngine("");
  try {
    expect(firstCaught(engine)).toBeUndefined();
  } finally {
    engine.remove();
  }
});

test.each(PATCHES)("%s is caught within 100 runs", async (name) => {
  const engine = await patchedEngine(readFileSync(join(import.meta.dirname, name), "utf8"));
  try {
    const caught = firstCaught(engine);
    expect(caught, `seed ${SEED}: ${RUNS} runs found nothing`).toBeDefined();
    // What is caught is a rule, not an accident of the bug.
    expect(caught?.found).toMatch(/^(?:R|I|B|G|A|S|T)\d/);
  } finally {
    engine.remove();
  }
});
