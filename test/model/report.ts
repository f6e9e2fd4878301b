/**
 * Counterexamples of model tests, as people read them: seed and path to see it again, the plan as YAML, what happened, and
 * where model and engine part. Owns: the text.
 */
import { describeScenario, type Scenario } from "@belay/engine/testing";
import type fc from "fast-check";

/** Throws what a failed check has to say. */
export function report<T extends [Scenario, ...unknown[]]>(details: fc.RunDetails<T>): void {
  if (!details.failed) return;
  const { seed, counterexamplePath, counterexample, errorInstance, numRuns, numShrinks } = details;
  const told = counterexample === null ? "" : describeScenario(counterexample[0], seed);
  const why = errorInstance instanceof Error ? errorInstance.message : String(errorInstance);
  const again = `{ seed: ${seed}, path: "${counterexamplePath}", endOnFailure: true }`;
  throw new Error(`after ${numRuns} runs and ${numShrinks} shrinks: ${again}\n${told}\n${why}`);
}
