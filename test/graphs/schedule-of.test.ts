import { createEngine, definePlan, type NodeDocument, type PlanDocument } from "@belay/engine";
import { callId, scheduleOf } from "@belay/engine/testing";
import { describe, expect, test } from "vitest";
import { Draw } from "../../packages/engine/src/testing/simulation/draw.ts";
import { randomDag } from "./made-graph.ts";

const plan = (nodes: (Partial<NodeDocument> & { id: string })[], rest: Partial<PlanDocument> = {}) =>
  definePlan({ belay: 1, name: "p", nodes: nodes.map((node) => ({ action: "do", ...node })), ...rest });

const second = (): number => 1000;

describe("what a plan takes", () => {
  const diamond = plan([
    { id: "fence" },
    { id: "stop", upstreams: ["fence"] },
    { id: "promote", upstreams: ["fence"], priority: 1 },
    { id: "notify", upstreams: ["stop", "promote"] },
  ]);
  const durations = (id: string): number => ({ fence: 10, stop: 5, promote: 30, notify: 1 })[id] as number;

  test("R10: each start is told with its time and its worker, wave by wave", () => {
    expect(scheduleOf(diamond, { durations })).toEqual({
      makespanMs: 41,
      starts: [
        { node: "fence", startMs: 0, endMs: 10, worker: 0 },
        { node: "promote", startMs: 10, endMs: 40, worker: 0 },
        { node: "stop", startMs: 10, endMs: 15, worker: 1 },
        { node: "notify", startMs: 40, endMs: 41, worker: 0 },
      ],
      maxParallel: 2,
      readyAtStart: 1,
      waves: [["fence"], ["promote", "stop"], ["notify"]],
    });
  });

  test("R11: one worker takes the higher priority first, and all the work in all", () => {
    const { makespanMs, starts, maxParallel } = scheduleOf(diamond, { durations, workers: 1 });
    expect([makespanMs, maxParallel, starts.map(({ node }) => node).join()]).toEqual([
      46,
      1,
      "fence,promote,stop,notify",
    ]);
  });

  test("R10: nodes that take no time have waves of their own", () => {
    const { makespanMs, waves } = scheduleOf(diamond, { durations: () => 0, workers: 1 });
    expect([makespanMs, waves]).toEqual([0, [["fence"], ["promote"], ["stop"], ["notify"]]]);
  });

  test("R2: a plan without nodes takes no time", () => {
    expect(scheduleOf(plan([]), { durations: second })).toEqual({
      makespanMs: 0,
      starts: [],
      maxParallel: 0,
      readyAtStart: 0,
      waves: [],
    });
  });

  test("R20, R21: members of a group are nodes of their own, as many at once as the group lets", () => {
    const over = "params.hosts";
    const grouped = (split: NodeDocument["split"]) =>
      plan(
        [
          { id: "g", split: split as NonNullable<typeof split> },
          { id: "after", upstreams: ["g"] },
        ],
        {
          params: { type: "object", properties: { hosts: { type: "array", default: ["a", "b", "c", "d"] } } },
        },
      );
    const waves = (split: NodeDocument["split"]) => scheduleOf(grouped(split), { durations: second }).waves;
    expect(waves({ over })).toEqual([["g[0]", "g[1]", "g[2]", "g[3]"], ["after"]]);
    expect(waves({ over, maxConcurrency: 3 })).toEqual([["g[0]", "g[1]", "g[2]"], ["g[3]"], ["after"]]);
    expect(waves({ over, method: "SERIAL" })).toEqual([["g[0]"], ["g[1]"], ["g[2]"], ["g[3]"], ["after"]]);
    expect(waves({ over, method: "FIRST_SUCCESS" })).toEqual([["g[0]"], ["after"]]);
    const two = scheduleOf(grouped({ over }), { durations: second, params: { hosts: ["a", "b"] } });
    expect([two.readyAtStart, two.makespanMs]).toEqual([2, 2000]);
  });

  test("R12, R23: conditions and lists read the outputs that are given; what is skipped does not start", () => {
    const reading = plan([
      { id: "look" },
      { id: "fix", upstreams: ["look"], when: "nodes.look.output.broken" },
      { id: "each", upstreams: ["look"], split: { over: "nodes.look.output.hosts" } },
      { id: "react", upstreams: ["fix"], trigger: "any_failed" },
    ]);
    const waves = (broken: boolean, hosts: string[]) =>
      scheduleOf(reading, { durations: second, outputs: (id) => (id === "look" ? { broken, hosts } : undefined) })
        .waves;
    expect(waves(true, ["a", "b"])).toEqual([["look"], ["fix", "each[0]", "each[1]"]]);
    expect(waves(false, [])).toEqual([["look"]]);
    expect(() => scheduleOf(reading, { durations: second })).toThrow(/"fix" cannot be decided: when: .*outputs/);
  });

  test("R41: nodes of a pool have its limit, not that of the workers", () => {
    const pooled = plan(["a", "b", "c", "d", "x", "y"].map((id) => ({ id, ...(id < "x" ? { pool: "db" } : {}) })));
    const took = (options: { workers?: number; pools?: Record<string, number> }) => {
      const { makespanMs, maxParallel } = scheduleOf(pooled, { durations: second, ...options });
      return [makespanMs, maxParallel];
    };
    expect(took({})).toEqual([1000, 6]);
    expect(took({ pools: { db: 2 } })).toEqual([2000, 4]);
    expect(took({ workers: 1, pools: { db: 2 } })).toEqual([2000, 3]);
    expect(took({ workers: 1 })).toEqual([2000, 5]);
  });

  test("R26: a function of the timeouts gives the slowest run in which every first attempt succeeds", () => {
    const timed = plan([{ id: "a" }, { id: "b", timeout: 2, upstreams: ["a"] }, { id: "c", totalTimeout: 7 }], {
      defaults: { timeout: 10 },
    });
    expect(scheduleOf(timed, { durations: (_, timeoutMs) => timeoutMs }).makespanMs).toBe(12_000);
    const untimed = (_: string, timeoutMs: number): number => (timeoutMs === Number.POSITIVE_INFINITY ? 3 : -1);
    expect(scheduleOf(plan([{ id: "a" }]), { durations: untimed }).makespanMs).toBe(3);
    const code = "INVALID_ARGUMENT";
    expect(() => scheduleOf(timed, { durations: () => 10_001 })).toThrow(expect.objectContaining({ code }));
    expect(() => scheduleOf(timed, { durations: () => 9_000 })).toThrow(/"c" cannot take 9000 ms: .* after 7000 ms/);
  });

  test.each([-1, Number.NaN, Number.POSITIVE_INFINITY])("R2: %d is no duration", (duration) => {
    expect(() => scheduleOf(diamond, { durations: () => duration })).toThrow(/duration of "fence"/);
  });

  test.each([0, -1, 1.5, Number.NaN])("R41: %d is no number of workers, nor a limit of a pool", (limit) => {
    expect(() => scheduleOf(diamond, { durations, workers: limit })).toThrow(/workers must be/);
    expect(() => scheduleOf(diamond, { durations, pools: { db: limit } })).toThrow(/pools.db must be/);
  });

  test("R3: parameters that do not fit are refused", () => {
    const strict = plan([{ id: "a" }], {
      params: { type: "object", properties: { host: { type: "string" } }, required: ["host"] },
    });
    expect(() => scheduleOf(strict, { durations })).toThrow(expect.objectContaining({ code: "PARAMS_INVALID" }));
  });
});

describe("a schedule and the engine", () => {
  const seeds = Array.from({ length: 60 }, (_, index) => index + 1);

  /** A random graph with priorities, groups and conditions. */
  function variedPlan(seed: number) {
    const draw = new Draw(seed);
    const nodes = randomDag(seed, 30).nodes.map((node): NodeDocument => {
      const split = draw.of(["PARALLEL", "SERIAL", "FIRST_SUCCESS"] as const) ?? "SERIAL";
      const varied = { ...node, action: "told", priority: draw.below(4) };
      if (draw.chance(0.2)) return { ...varied, split: { over: "['x', 'y', 'z']", method: split } };
      return draw.chance(0.2) ? { ...varied, when: draw.chance(0.5) ? "true" : "false" } : varied;
    });
    return definePlan({ belay: 1, name: "varied", nodes });
  }

  test.for(seeds)("R11, R50: one worker does the same in the same order in both: seed %i", async (seed) => {
    const calls: string[] = [];
    const engine = await createEngine({
      concurrency: 1,
      actions: {
        told: (ctx) => {
          calls.push(callId(ctx));
        },
      },
    });
    const made = variedPlan(seed);
    const run = await engine.start(made);
    expect((await run.settled()).status).toBe("SUCCESSFUL");
    await engine.close();
    const { starts } = scheduleOf(made, { durations: second, workers: 1 });
    expect(starts.map(({ node }) => node)).toEqual(calls);
  });
});
