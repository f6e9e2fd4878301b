/**
 * The scheduler's benchmark: its gate against regressions, and that its checks and its gate can fail. The gate runs the real thing,
 * small, in processes of its own; its margins are in `bench/scheduler/margins.ts`.
 */
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { boutsOf } from "../../bench/scheduler/bouts.ts";
import { chartOf } from "../../bench/scheduler/chart.ts";
import { timed } from "../../bench/scheduler/contender.ts";
import { Figures } from "../../bench/scheduler/figures.ts";
import { openFloor } from "../../bench/scheduler/floor.ts";
import { verdictsOf } from "../../bench/scheduler/goals.ts";
import { checkingHandlers, countingHandlers } from "../../bench/scheduler/handlers.ts";
import { overMargin } from "../../bench/scheduler/margins.ts";
import type { BoutResult } from "../../bench/scheduler/measure.ts";
import { caseOf, documentOf, nodeOf, topologicalOrder, workloadOf } from "../../bench/scheduler/workload.ts";

/** Compiled, as users have it: by `tsc -b`, before the tests. */
const MAIN = join(import.meta.dirname, "../../dist/scheduler/main.js");

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "belay-bench-test-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

async function bench(...options: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [MAIN, ...options], { timeout: 120_000 });
  return stdout;
}

type GateFigures = Readonly<Record<string, number>>;

async function gate(): Promise<GateFigures> {
  const file = join(folder, "figures.json");
  await bench("--gate", "--rounds=5", `--json=${file}`);
  return JSON.parse(readFileSync(file, "utf8")).gate;
}

function lowerOf(a: GateFigures, b: GateFigures): GateFigures {
  return Object.fromEntries(Object.entries(a).map(([name, value]) => [name, Math.min(value, b[name] ?? value)]));
}

describe("the gate against regressions of the scheduler", () => {
  test("Belay is as close to the bare loop of the same run, allocates as little and makes as few timers as it should", {
    timeout: 120_000,
  }, async () => {
    const first = await gate();
    // What was slow twice is slow: once may have been another process.
    const figures = overMargin(first).length === 0 ? first : lowerOf(first, await gate());
    expect(overMargin(figures)).toEqual([]);
  });

  test("a figure above its margin is told, and one that was not measured", () => {
    const margins = { slow: 2, fast: 2, gone: 2 };
    expect(overMargin({ slow: 2.5, fast: 2 }, margins)).toEqual(["slow: 2.50, at most 2", "gone: not measured"]);
  });
});

describe("the benchmark's checks", () => {
  const given = caseOf(workloadOf("layered-1000-async-2"));
  const order = [...topologicalOrder(given.upstreams)];
  const below = given.upstreams.findIndex((ups) => ups.length > 0);
  const above = given.upstreams[below]?.[0] as number;

  test("every handler in order is accepted", async () => {
    const handlers = checkingHandlers(given);
    for (const node of order) await handlers.byNode(node);
    expect(() => handlers.complete()).not.toThrow();
  });

  test("a node that is missing, twice, too early or one too many at once is not", async () => {
    const missing = checkingHandlers(given);
    for (const node of order.slice(1).filter((one) => given.upstreams[one]?.length === 0)) await missing.byNode(node);
    expect(() => missing.complete()).toThrow("never ran");
    await missing.byNode(order[0] as number);
    await expect(missing.byNode(order[0] as number)).rejects.toThrow("ran twice");

    const early = checkingHandlers(given);
    const running = early.byNode(above);
    await expect(early.byNode(below)).rejects.toThrow(`before`);
    await running;

    const crowded = checkingHandlers(given);
    const [first, second, third] = order.slice(0, 3).map((node) => crowded.byNode(node));
    await Promise.all([first, second]);
    await expect(third).rejects.toThrow("3 handlers at once");
  });

  test("a measured round counts, and fails when the count is wrong", async () => {
    const handlers = countingHandlers(given);
    await handlers.byNode(0);
    expect(() => handlers.complete()).toThrow("1 handlers ran of 1000 nodes");
  });

  test.each(["layered-1000-async-2", "layered-1000-async-unlimited", "wide-100-sync-16", "chain-100-async-16"])(
    "the floor of %s passes the checks that all contenders do",
    async (name) => {
      const of = caseOf(workloadOf(name));
      await expect(timed(openFloor(of), of).check()).resolves.toEqual({ timers: 0 });
    },
  );
});

describe("the benchmark's workloads", () => {
  test("layers have a mean in-degree of 4 past the first, edges that point back and the same graph every time", () => {
    const { upstreams, size, edges } = caseOf(workloadOf("layered-1e4-async-16"));
    const inner = upstreams.filter((ups) => ups.length > 0).length;
    expect(edges / inner).toBeCloseTo(4, 1);
    for (const [v, ups] of upstreams.entries()) for (const u of ups) expect(u).toBeLessThan(v);
    expect(size).toBe(10_000);
    expect(caseOf(workloadOf("layered-1e4-async-16")).upstreams).toEqual(upstreams);
  });

  test("the plan of groups expands to the graph that the floor runs", () => {
    const given = caseOf(workloadOf("groups-2e4-async-16"));
    expect(documentOf(given).nodes.map(({ id }) => id)).toEqual(["g0", "j0", "g1", "j1"]);
    expect(given.size).toBe(20_002);
    const join0 = nodeOf("j0", -1);
    expect(given.upstreams[join0]).toHaveLength(10_000);
    expect(given.upstreams[nodeOf("g1", 7)]).toEqual([join0]);
  });

  test("what is asked for by name is run, listed or not, beside the floor", () => {
    const asked = boutsOf({ list: "full", only: ["rxjs"], workloads: ["chain-1e2-async-unlimited"] });
    expect(asked.map(({ workload, entrants }) => [workload.name, ...entrants])).toEqual([
      ["chain-1e2-async-unlimited", "floor", "rxjs"],
    ]);
    expect(() => boutsOf({ list: "gate", only: ["rxjs"] })).toThrow("none of rxjs is in the list");
  });

  test("an unknown workload or contender is refused, and those there are named", () => {
    expect(() => workloadOf("star-1e3-async-16")).toThrow(/no workload is called star-1e3-async-16: .*layered/);
    expect(() => boutsOf({ list: "full", only: ["nobody"] })).toThrow(/no contender is called nobody: floor, belay/);
  });
});

describe("the benchmark's report", () => {
  const round = (runMs: number): Record<string, number> => ({ buildMs: 1, startMs: 1, runMs, runCpuMs: runMs });
  const bout = (workload: string, belay: readonly number[]): BoutResult => ({
    workload,
    nodes: 1000,
    edges: 0,
    entrants: [
      { name: "floor", facts: {}, samples: [round(10), round(20), round(40)] },
      { name: "belay", facts: {}, samples: belay.map(round) },
      { name: "p-graph", facts: {}, samples: [round(600), round(600), round(600)] },
    ],
  });

  test("a ratio is taken round by round; a goal is judged by its median, and one that was not run is not measured", () => {
    const figures = new Figures([bout("layered-1e6-async-16", [10, 30, 80])]);
    expect(figures.ratio("layered-1e6-async-16", ["belay", "floor"])).toEqual({ min: 1, median: 1.5, max: 2 });
    const verdicts = verdictsOf(figures).map(({ verdict }) => verdict);
    expect(verdicts[0]).toBe("reached");
    expect(verdicts.slice(1).every((one) => one === "not measured")).toBe(true);
    const slower = verdictsOf(new Figures([bout("layered-1e6-async-16", [20, 40, 80])]));
    expect(slower[0]).toMatchObject({ goal: "at most 1.50x", measured: "2.00x", verdict: "not reached" });
  });

  test("the chart is an SVG with a bar for each contender, and refuses to be empty", () => {
    const chart = chartOf(new Figures([bout("layered-1e5-async-unlimited", [10, 30, 80])]));
    expect(chart.match(/<rect /g)).toHaveLength(3);
    expect(chart).toContain("prefers-color-scheme:dark");
    expect(() => chartOf(new Figures([]))).toThrow("none was run");
  });
});
