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

const RUNS = Number(process.env["MODEL_RUNS"] ?? 3000);
/** The same lives on every machine, unless asked for others. */
const SEED = Number(process.env["MODEL_SEED"] ?? 1);

interface Lives {
  events: number;
  /** Runs by the state in which they were left. */
  readonly ended: Record<string, number>;
  /** Verbs that were done, and runs with each kind of event. */
  readonly verbs: Record<string, number>;
  readonly kinds: Record<string, number>;
}

/** What a line of a story tells of. */
const KINDS: Readonly<Record<string, RegExp>> = {
  retry: /^\S+ answers retryable$/,
  undo: /^undo .* answers ok$/,
  "failed undo": /^undo .* answers (retryable|fatal)$/,
  member: /^\S+\[\d\]#\d+ answers/,
  teardown: /^t\d#\d+ answers/,
  timeout: /^due: .* (attempt|heartbeat|total)$/,
  "run's timeout": /^due: run$/,
  late: /, too late$/,
};

const VERBS = [
  ..."retry skip cancel rollback skip-rollback pause resume".split(" "),
  ..."abandon approve reject signal".split(" "),
];

function count(counts: Record<string, number>, name: string): void {
  counts[name] = (counts[name] ?? 0) + 1;
}

/** Plays the runs, and tells what was played. */
function live(
  options: ScenarioOptions,
  maxCommands: number,
  parameters: { readonly numRuns: number; readonly unbiased?: boolean },
): Lives {
  const lives: Lives = { events: 0, ended: {}, verbs: {}, kinds: {} };
  const plans = scenario(fc, { ...EVERY_FEATURE, jitter: false, ...options });
  const property = fc.property(plans, coreCommands(maxCommands), (given, commands) => {
    const both = begin(given);
    fc.modelRun(() => both, commands);
    const { model, story } = both.model;
    lives.events += story.length;
    count(lives.ended, model.status);
    for (const [kind, pattern] of Object.entries(KINDS)) {
      if (story.some((line) => pattern.test(line))) count(lives.kinds, kind);
    }
    for (const line of story) {
      const verb = /^operator: \{"verb":"([a-z-]+)".*\}$/.exec(line)?.[1];
      if (verb !== undefined) count(lives.verbs, verb);
    }
  });
  report(fc.check(property, { ...parameters, seed: SEED }));
  return lives;
}

/** What proves little if it is rare: each way to end, each verb that was done, each kind of event. */
function expectRich({ ended, verbs, kinds, events }: Lives, runs: number, perRun: number): void {
  expect(events / runs).toBeGreaterThan(perRun);
  expect(Object.keys(ended).sort()).toEqual([...RUN_STATUSES].sort());
  for (const verb of VERBS) expect(verbs[verb] ?? 0, verb).toBeGreaterThan(runs / 100);
  for (const kind of Object.keys(KINDS)) expect(kinds[kind] ?? 0, kind).toBeGreaterThan(runs / 50);
}

test("R10-R37: the core does what the reference model says, whatever happens to small plans", {
  timeout: 1_200_000,
}, () => {
  expectRich(live({ maxNodes: 7 }, 100, { numRuns: RUNS }), RUNS, 20);
});

test("R10-R37: the core does what the reference model says over long lives", { timeout: 1_200_000 }, () => {
  const runs = Math.ceil(RUNS / 2);
  const options = { minNodes: 4, maxNodes: 10, eventful: true };
  expectRich(live(options, 200, { numRuns: runs, unbiased: true }), runs, 45);
});
