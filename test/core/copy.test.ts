/** R38: what is tried on a copy of a run's state changes nothing in the run. */
import { copyState, type RunState } from "@belay/engine/core";
import { EVERY_FEATURE, type Scenario, scenario } from "@belay/engine/testing";
import fc from "fast-check";
import { expect, test } from "vitest";
import { anyStep } from "./any-step.ts";
import { CoreRun } from "./core-run.ts";

const story = fc.record({
  given: scenario(fc, { ...EVERY_FEATURE, minNodes: 2, maxNodes: 6 }),
  picks: fc.array(fc.nat(10_000), { minLength: 5, maxLength: 60 }),
  more: fc.array(fc.nat(10_000), { minLength: 1, maxLength: 20 }),
});

/** A run that goes on from `state`, or from its start. */
function runOf({ document, params }: Scenario, state?: RunState): CoreRun {
  return new CoreRun(document, params as Record<string, string[]>, 1, state);
}

function begin(given: Scenario, picks: readonly number[]): CoreRun {
  const run = runOf(given);
  run.start();
  for (const pick of picks) step(run, pick);
  return run;
}

function step(run: CoreRun, pick: number): void {
  let drawn = pick;
  anyStep(run, (count) => {
    drawn = (drawn * 7919 + 13) % 10_007;
    return drawn % count;
  });
}

/** Every object that a state is made of, but for what all states of the plan share. */
function partsOf(state: RunState): object[] {
  const { plan: _plan, settings: _settings, ...own } = state;
  const columns: readonly unknown[] = Object.values(own);
  const parts = columns.flatMap((part): unknown[] => (Array.isArray(part) ? [part, ...part] : [part]));
  return parts.filter((part) => typeof part === "object" && part !== null);
}

test("R38: a copy has the same parts, shares none but the plan and the settings, and goes the same way", {
  timeout: 60_000,
}, () => {
  fc.assert(
    fc.property(story, ({ given, picks, more }) => {
      const run = begin(given, picks);
      const copy = copyState(run.state);
      expect(copy).toEqual(run.state);
      expect([copy.plan, copy.settings]).toEqual([run.state.plan, run.state.settings]);
      const parts = new Set(partsOf(run.state));
      expect(partsOf(copy).filter((part) => parts.has(part))).toEqual([]);
      const other = runOf(given, copy);
      for (const pick of more) {
        step(run, pick);
        step(other, pick);
      }
      expect(other.state).toEqual(run.state);
    }),
    { numRuns: 60 },
  );
});

test("R38: what happens to a copy leaves the run as it was, which goes on as if there were none", {
  timeout: 60_000,
}, () => {
  fc.assert(
    fc.property(story, ({ given, picks, more }) => {
      const run = begin(given, picks);
      const copy = copyState(run.state);
      const other = runOf(given, copy);
      for (const pick of more.toReversed()) step(other, pick);
      const twin = begin(given, picks);
      expect(run.state).toEqual(twin.state);
      const after = copyState(copy);
      for (const pick of more) {
        step(run, pick);
        step(twin, pick);
      }
      expect(run.state).toEqual(twin.state);
      expect(copy).toEqual(after);
    }),
    { numRuns: 60 },
  );
});
