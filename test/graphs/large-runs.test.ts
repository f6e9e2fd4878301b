/** The largest graphs through the engine itself, with actions that do nothing but say that they were called. */
import { createEngine, definePlan, type PlanDocument } from "@belay/engine";
import { describe, expect, test } from "vitest";
import { chain, layered } from "./made-graph.ts";
import { allGraphs, timedGraph } from "./real-graph.ts";
import { shapeOf } from "./shape.ts";

/** Ids in the order of the calls, and how the run ended. */
async function runOf(document: PlanDocument): Promise<{ calls: string[]; status: string }> {
  const calls: string[] = [];
  const engine = await createEngine({
    actions: {
      told: (ctx: { nodeId: string }) => {
        calls.push(ctx.nodeId);
      },
    },
  });
  const nodes = document.nodes.map((node) => ({ ...node, action: "told" }));
  const run = await engine.start(definePlan({ ...document, nodes }));
  const { status } = await run.settled();
  await engine.close();
  return { calls, status };
}

async function expectEachOnceInOrder(document: PlanDocument): Promise<void> {
  const { calls, status } = await runOf(document);
  expect(status).toBe("SUCCESSFUL");
  expect(calls.length).toBe(document.nodes.length);
  const place = new Map(calls.map((id, index) => [id, index]));
  expect(place.size).toBe(calls.length);
  const { ids, up } = shapeOf(document);
  const early = ids.filter((id, v) =>
    (up[v] as readonly number[]).some((u) => !((place.get(ids[u] as string) as number) < (place.get(id) as number))),
  );
  expect(early).toEqual([]);
}

describe("large graphs through the engine", { timeout: 120_000 }, () => {
  test.each([
    ["a chain of 100,000 nodes", chain(100_000)],
    ["50 full layers of 60 nodes", layered(50, 60)],
  ] as const)("R10: every node of %s is called once, after its upstreams", (_, document) =>
    expectEachOnceInOrder(document),
  );

  const large = allGraphs()
    .filter(({ n }) => n > 50_000)
    .map((graph) => [graph.file, graph] as const);
  test.skipIf(large.length === 0).each(large)("R10: every node of %s is called once, after its upstreams", (_, graph) =>
    expectEachOnceInOrder(timedGraph(graph).document),
  );
});
