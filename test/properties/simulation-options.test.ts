/** What cannot be played is refused: a misspelt option would prove less than its caller believes. */
import { BelayError, definePlan, type Json, type Plan } from "@belay/engine";
import { type SimulationOptions, simulate } from "@belay/engine/testing";
import { expect, test } from "vitest";

const PLAN = definePlan({ belay: 1, name: "one", nodes: [{ id: "a", action: "do" }] });

function refusal(options: unknown, plan: unknown = PLAN): string {
  try {
    simulate(plan as Plan, options as SimulationOptions);
  } catch (error) {
    if (error instanceof BelayError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return "none";
}

test.each<[unknown, string]>([
  [undefined, "the options must be an object with a seed"],
  [{}, "seed must be an integer"],
  [{ seed: "7" }, "seed must be an integer"],
  [{ seed: Number.NaN }, "seed must be an integer"],
  [{ seed: 1, crash: 0.5 }, "crash is no option: there are seed, params, faults, cutOff, crashes, operators, workers"],
  [{ seed: 1, crashes: 5 }, "crashes must be a share from 0 to 1"],
  [{ seed: 1, operators: Number.NaN }, "operators must be a share from 0 to 1"],
  [{ seed: 1, faults: { eror: 0.5 } }, 'faults has no "eror": there are error, fatal, timeout, hang'],
  [{ seed: 1, faults: { error: 3 } }, "faults.error must be a share from 0 to 1"],
  [{ seed: 1, cutOff: { again: 1 } }, 'cutOff has no "again": there are done, lost'],
  [{ seed: 1, workers: 0 }, "workers must be a whole number from 1 on, or Infinity"],
  [{ seed: 1, pools: { slow: 1.5 } }, "pools.slow must be a whole number from 1 on, or Infinity"],
  [{ seed: 1, pools: [2] }, "pools must be an object"],
  [{ seed: 1, steps: -1 }, "steps must be a whole number from 0 on"],
  [{ seed: 1, world: {} }, "world must be a function"],
])("I12: %j is refused, and told by name", (options, told) => {
  expect(refusal(options)).toContain(`INVALID_ARGUMENT: simulate: ${told}`);
});

test("I12: a document that was not checked is refused", () => {
  expect(refusal({ seed: 1 }, PLAN.document)).toContain("the plan must be one that definePlan or parsePlan has made");
});

test("I12: options at their limits are played", () => {
  const least = { seed: -1, crashes: 0, operators: 0, workers: 1, steps: 0, faults: { error: 0 }, cutOff: { done: 0 } };
  const most = { seed: 2 ** 40, crashes: 1, operators: 1, workers: Number.POSITIVE_INFINITY, faults: { error: 1 } };
  for (const options of [least, most, { seed: 1, params: undefined } as unknown as SimulationOptions])
    expect(simulate(PLAN, options).violations).toEqual([]);
});

test("R3: parameters are held against the plan's schema, and its defaults are filled in", () => {
  const plan = definePlan({
    belay: 1,
    name: "defaults",
    params: {
      type: "object",
      properties: { go: { type: "boolean", default: true }, count: { type: "integer" } },
      required: ["count"],
    },
    nodes: [{ id: "a", action: "do", when: "params.go" }],
  });
  const play = (params: Record<string, Json>): string =>
    simulate(plan, { seed: 1, params, faults: {}, operators: 0, crashes: 0 }).snapshot.nodes[0]?.status ?? "";
  expect(play({ count: 1 })).toBe("SUCCESSFUL");
  expect(play({ count: 1, go: false })).toBe("SKIPPED");
  expect(refusal({ seed: 1, params: { count: "one" } }, plan)).toMatch(/^PARAMS_INVALID: params\.count: /);
  expect(refusal({ seed: 1, params: { count: 1, gone: 1 } }, plan)).toMatch(/^PARAMS_INVALID: params\.gone: /);
  expect(refusal({ seed: 1 }, plan)).toMatch(/^PARAMS_INVALID: /);
});
