/** R4 on graphs of every size: what exceeds a limit is told with its size; what is exactly as large, or has a raised limit, runs. */
import { checkPlan, definePlan, type Limits, type PlanDocument } from "@belay/engine";
import { scheduleOf } from "@belay/engine/testing";
import { describe, expect, test } from "vitest";
import { chain, layered } from "./made-graph.ts";
import { allGraphs, timedGraph } from "./real-graph.ts";
import { edgesOf, shapeOf } from "./shape.ts";

function expectLimit(
  document: PlanDocument,
  name: "nodes" | "edges",
  found: number,
  limits: Partial<Limits> = {},
): void {
  const { plan, diagnostics } = checkPlan(document, { limits });
  expect(plan).toBeUndefined();
  expect(diagnostics).toMatchObject([{ code: "LIMIT", severity: "error" }]);
  expect(diagnostics[0]?.message).toContain(`${found} ${name}`);
  expect(diagnostics[0]?.suggestion).toContain(`limits.${name}`);
}

function startsOf(document: PlanDocument, limits: Partial<Limits>): number {
  return scheduleOf(definePlan(document, { limits }), { durations: () => 1, limits }).starts.length;
}

describe("limits on graphs", { timeout: 120_000 }, () => {
  test("R4: 100,001 nodes exceed the default, and run with the limit raised", () => {
    const document = chain(100_001);
    expectLimit(document, "nodes", 100_001);
    expect(startsOf(document, { nodes: 100_001 })).toBe(100_001);
  });

  test("R4: 501,264 edges exceed the default, and run with the limit raised", () => {
    const document = layered(2, 708);
    expect(edgesOf(shapeOf(document))).toBe(501_264);
    expectLimit(document, "edges", 501_264);
    expect(startsOf(document, { edges: 501_264 })).toBe(1416);
  });

  // The largest real graphs fit the defaults, so here the limits are lowered to just below their sizes.
  const large = allGraphs()
    .filter(({ n }) => n > 50_000)
    .map((graph) => [graph.file, graph] as const);
  test.skipIf(large.length === 0).each(large)("R4: %s exceeds a limit that is one too low", (_, graph) => {
    const { document } = timedGraph(graph);
    expectLimit(document, "edges", graph.m, { edges: graph.m - 1 });
  });

  test("R4: a graph that is exactly as large as its limits passes, and with one less of either it does not", () => {
    const document = layered(20, 20);
    expect(checkPlan(document, { limits: { nodes: 400, edges: 7600 } }).diagnostics).toEqual([]);
    expectLimit(document, "nodes", 400, { nodes: 399 });
    expectLimit(document, "edges", 7600, { edges: 7599 });
  });
});
