/** The plan as a graph, and its analysis, on small plans and on real graphs. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { NodeDocument, Plan, PlanDocument } from "../../packages/engine/src/plan/document.ts";
import { analyzePlan, planGraph } from "../../packages/engine/src/plan/graph.ts";
import { realGraphs, realPlan } from "../graphs/real-graph.ts";

function plan(nodes: (Partial<NodeDocument> & { id: string })[], rest: Partial<PlanDocument> = {}): Plan {
  const document = { belay: 1, name: "p", nodes: nodes.map((node) => ({ action: "belay.noop", ...node })), ...rest };
  return { document, hash: "" } as unknown as Plan;
}

/** What a source loads, with everything that loads in turn. */
function loadedBy(entry: URL): string[] {
  const loaded = new Set([entry.href]);
  // A Set grows while it is walked.
  for (const href of loaded) {
    if (!href.endsWith(".ts")) continue;
    const text = readFileSync(new URL(href), "utf8");
    for (const [, type, name] of text.matchAll(/^(?:import|export|\}) ?(type )?[^;'"]*?from "([^"]+)";$/gm)) {
      if (type === undefined && name !== undefined) loaded.add(name.startsWith(".") ? new URL(name, href).href : name);
    }
  }
  return [...loaded];
}

describe("graph", () => {
  test("R4: only who asks for an analysis loads graphology", () => {
    const sources = new URL("../../packages/engine/src/", import.meta.url);
    expect(loadedBy(new URL("views/index.ts", sources))).toContain("graphology");
    const loaded = loadedBy(new URL("index.ts", sources));
    expect(loaded).toContain("valibot");
    expect(loaded.filter((name) => name.startsWith("graphology"))).toEqual([]);
  });

  test("R10: one vertex per node, one edge from each upstream, attributes with defaults", () => {
    const graph = planGraph(
      plan(
        [
          { id: "a", name: "Fence", timeout: 5 },
          {
            id: "b",
            upstreams: ["a"],
            split: { over: "['x']" },
            prohibitRollback: true,
            compensation: { action: "undo" },
          },
        ],
        {
          defaults: { timeout: 30 },
        },
      ),
    );
    expect(graph.edges().map((edge) => [graph.source(edge), graph.target(edge)])).toEqual([["a", "b"]]);
    expect(graph.getNodeAttributes("a")).toEqual({
      name: "Fence",
      action: "belay.noop",
      timeout: 5,
      prohibitRollback: false,
      compensated: false,
      group: false,
    });
    expect(graph.getNodeAttributes("b")).toEqual({
      name: "b",
      action: "belay.noop",
      timeout: 30,
      prohibitRollback: true,
      compensated: true,
      group: true,
    });
  });

  test("R34: what a rollback to the barrier can undo is neither a point of no return nor above one", () => {
    const analysis = analyzePlan(
      plan([
        { id: "fence" },
        { id: "promote", upstreams: ["fence"], prohibitRollback: true },
        { id: "vip", upstreams: ["promote"] },
        { id: "notify", upstreams: ["fence"] },
      ]),
    );
    expect(analysis).toMatchObject({
      generations: [["fence"], ["promote", "notify"], ["vip"]],
      roots: ["fence"],
      leaves: ["vip", "notify"],
      pointsOfNoReturn: ["promote"],
      rollbackSafeNodes: ["vip", "notify"],
    });
  });

  test("R26: the critical path is the chain with the largest sum of timeouts, the longer one on a tie", () => {
    const timed = plan([
      { id: "a", timeout: 10 },
      { id: "b", upstreams: ["a"], timeout: 1 },
      { id: "c", upstreams: ["b"], timeout: 1 },
      { id: "d", upstreams: ["a"], timeout: 5 },
      { id: "e", upstreams: ["c", "d"] },
    ]);
    expect(analyzePlan(timed).criticalPath).toEqual({ nodes: ["a", "d", "e"], timeoutSeconds: 15 });
    const untimed = plan([
      { id: "a" },
      { id: "z", upstreams: ["a"] },
      { id: "b", upstreams: ["a"] },
      { id: "c", upstreams: ["b"] },
    ]);
    expect(analyzePlan(untimed).criticalPath).toEqual({ nodes: ["a", "b", "c"], timeoutSeconds: 0 });
  });

  test("R2: a plan without nodes has an empty analysis", () => {
    expect(analyzePlan(plan([]))).toEqual({
      generations: [],
      criticalPath: { nodes: [], timeoutSeconds: 0 },
      roots: [],
      leaves: [],
      pointsOfNoReturn: [],
      rollbackSafeNodes: [],
    });
  });

  const graphs = realGraphs();
  const large = { timeout: 120_000 };
  test.skipIf(graphs.length === 0).for(graphs)(
    "R10: $file has its recorded depth, roots and leaves",
    large,
    (graph) => {
      const analysis = analyzePlan({ document: realPlan(graph), hash: "" } as unknown as Plan);
      expect(analysis.generations.length).toBe(graph.depth);
      expect(analysis.criticalPath.nodes.length).toBe(graph.depth);
      expect([analysis.roots.length, analysis.leaves.length]).toEqual([graph.roots, graph.leaves]);
    },
  );
});
