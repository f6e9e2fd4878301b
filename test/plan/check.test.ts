/** The graph's checks: edges, cycles, limits; and the searches against plain ones. */
import { existsSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { adjacencyOf, invert, topologicalOrder } from "../../packages/engine/src/plan/adjacency.ts";
import { notAncestors } from "../../packages/engine/src/plan/ancestors.ts";
import { checkGraph, MAX_SERIES_ID } from "../../packages/engine/src/plan/check.ts";
import { findCycle } from "../../packages/engine/src/plan/cycle.ts";
import type { NodeDocument, PlanDocument } from "../../packages/engine/src/plan/document.ts";
import { DEFAULT_LIMITS } from "../../packages/engine/src/plan/limits.ts";

type Draft = Partial<NodeDocument> & { id: string };

function plan(nodes: Draft[], rest: Partial<PlanDocument> = {}): PlanDocument {
  return { belay: 1, name: "p", nodes: nodes.map((node) => ({ action: "belay.noop", ...node })), ...rest };
}

function check(nodes: Draft[], rest: Partial<PlanDocument> = {}) {
  return checkGraph(plan(nodes, rest), DEFAULT_LIMITS);
}

/** What is wrong, and the complete upstreams of every node. */
function completed(nodes: Draft[]) {
  const { diagnostics, edges } = check(nodes);
  const { offset, target } = edges.up;
  const ids = [...target].map((v) => nodes[v]?.id);
  return { diagnostics, upstreams: nodes.map((_, v) => ids.slice(offset[v], offset[v + 1])) };
}

/** Code and place of everything that is wrong. */
function findings(nodes: Draft[], rest: Partial<PlanDocument> = {}): string[] {
  return check(nodes, rest).diagnostics.map(({ code, path }) => `${code} ${path}`);
}

describe("edges", () => {
  test("R10: a plan without errors gives its upstreams", () => {
    expect(completed([{ id: "b", upstreams: ["a"] }, { id: "a" }])).toEqual({
      diagnostics: [],
      upstreams: [["a"], []],
    });
  });

  test("R3: unknown, own, repeated and duplicate ids are each reported at their place, all at once", () => {
    expect(findings([{ id: "a", upstreams: ["a", "x"] }, { id: "b", upstreams: ["a", "a"] }, { id: "b" }])).toEqual([
      "DUPLICATE_ID nodes[2].id",
      "SELF_EDGE nodes[0].upstreams[0]",
      "UNKNOWN_NODE nodes[0].upstreams[1]",
      "DUPLICATE_EDGE nodes[1].upstreams[1]",
    ]);
  });

  test("R3: an unknown id comes with the nearest known one", () => {
    expect(check([{ id: "promote" }, { id: "b", upstreams: ["promot"] }]).diagnostics[0]?.suggestion).toBe(
      'did you mean "promote"?',
    );
  });

  test("R2: both sides that agree are one edge", () => {
    const nodes = [
      { id: "a", upstreams: [], downstreams: ["b"] },
      { id: "b", upstreams: ["a"], downstreams: [] },
    ];
    expect(completed(nodes)).toEqual({ diagnostics: [], upstreams: [[], ["a"]] });
  });

  test("R2: a side that is left out follows from the other", () => {
    const nodes = [{ id: "a", downstreams: ["c"] }, { id: "b", downstreams: ["c"] }, { id: "c" }];
    expect(completed(nodes)).toEqual({ diagnostics: [], upstreams: [[], [], ["a", "b"]] });
  });

  test("R3: sides that disagree say which node lacks which", () => {
    const lacking = check([
      { id: "a", downstreams: ["b"] },
      { id: "b", upstreams: [] },
    ]).diagnostics;
    expect(lacking).toMatchObject([{ code: "EDGE_MISMATCH", path: "nodes[1].upstreams" }]);
    expect(lacking[0]?.message).toBe('"a" has "b" among its downstreams, but "b" lacks "a" in its upstreams');
    const other = check([
      { id: "a", downstreams: [] },
      { id: "b", upstreams: ["a"] },
    ]).diagnostics;
    expect(other).toMatchObject([{ code: "EDGE_MISMATCH", path: "nodes[0].downstreams" }]);
    expect(other[0]?.message).toBe('"b" has "a" among its upstreams, but "a" lacks "b" in its downstreams');
  });

  test("R3: downstreams are checked like upstreams", () => {
    expect(findings([{ id: "a", downstreams: ["a", "x", "b", "b"] }, { id: "b" }])).toEqual([
      "SELF_EDGE nodes[0].downstreams[0]",
      "UNKNOWN_NODE nodes[0].downstreams[1]",
      "DUPLICATE_EDGE nodes[0].downstreams[3]",
    ]);
  });

  test("R13: a series id is unique and fits a label", () => {
    expect(
      findings([
        { id: "a", seriesId: 5 },
        { id: "b", seriesId: 5 },
        { id: "c", seriesId: MAX_SERIES_ID + 1 },
      ]),
    ).toEqual(["DUPLICATE_SERIES_ID nodes[1].seriesId", "INVALID_VALUE nodes[2].seriesId"]);
  });

  test("R4: too many nodes or edges are one diagnostic each, and an edge named by both sides counts once", () => {
    const document = plan([
      { id: "a", downstreams: ["b"] },
      { id: "b", upstreams: ["a"] },
    ]);
    expect(checkGraph(document, { ...DEFAULT_LIMITS, edges: 1, nodes: 2 }).diagnostics).toEqual([]);
    const { diagnostics } = checkGraph(
      plan([{ id: "a" }, { id: "b", upstreams: ["a"] }, { id: "c", upstreams: ["a"] }]),
      {
        ...DEFAULT_LIMITS,
        edges: 1,
        nodes: 2,
      },
    );
    expect(diagnostics.map(({ code, message }) => [code, message.split(";")[0]])).toEqual([
      ["LIMIT", "the plan has 3 nodes"],
      ["LIMIT", "the plan has 2 edges"],
    ]);
  });
});

describe("cycles", () => {
  test("R3: the diagnostic names the shortest cycle, each node an upstream of the next", () => {
    const nodes = [
      { id: "root" },
      { id: "a", upstreams: ["root", "d"] },
      { id: "b", upstreams: ["a", "c"] },
      { id: "c", upstreams: ["b"] },
      { id: "d", upstreams: ["c"] },
    ];
    expect(check(nodes).diagnostics).toMatchObject([
      { code: "CYCLE", path: "nodes[2].upstreams", message: "the upstreams form a cycle: b -> c -> b" },
    ]);
  });

  test("R3: a cycle hides no other finding", () => {
    expect(
      findings([
        { id: "a", upstreams: ["b"], when: "1 + 1" },
        { id: "b", upstreams: ["a", "x"] },
      ]),
    ).toEqual(["UNKNOWN_NODE nodes[1].upstreams[1]", "CYCLE nodes[0].upstreams", "EXPRESSION nodes[0].when"]);
  });

  test("R3: the cycle found is as short as an exhaustive search finds", () => {
    const graph = fc.integer({ min: 2, max: 12 }).chain((size) => {
      const edge = fc.tuple(fc.nat(size - 1), fc.nat(size - 1)).filter(([u, v]) => u !== v);
      return fc.record({
        size: fc.constant(size),
        edges: fc.uniqueArray(edge, { maxLength: 30, selector: (pair) => pair.join() }),
      });
    });
    fc.assert(
      fc.property(graph, ({ size, edges }) => {
        const lists: string[][] = Array.from({ length: size }, () => []);
        for (const [u, v] of edges) lists[v]?.push(String(u));
        const found = findCycle(adjacencyOf(lists, Number));
        expect(found?.nodes.length).toBe(naiveShortestCycle(size, edges));
        if (found === undefined) return;
        expect(found.shortest).toBe(true);
        expect(new Set(found.nodes).size).toBe(found.nodes.length);
        for (const [k, v] of found.nodes.entries()) {
          const next = found.nodes[(k + 1) % found.nodes.length] as number;
          expect(lists[next]).toContain(String(v));
        }
      }),
      { numRuns: 500 },
    );
  });

  test("R4: one ring of 60 000 nodes is found in linear time, and its message stays short", {
    timeout: 120_000,
  }, () => {
    const size = 60_000;
    const nodes = Array.from({ length: size }, (_, v) => ({ id: `n${v}`, upstreams: [`n${(v + size - 1) % size}`] }));
    const [diagnostic, ...others] = check(nodes).diagnostics;
    expect(others).toEqual([]);
    expect(diagnostic?.message).toContain("n0 -> n1 -> n2");
    expect(diagnostic?.message).toContain("(60000 nodes) -> n0");
    expect(diagnostic?.message.length).toBeLessThan(300);
  });

  test("R4: when the search is cut off the answer is still a cycle, and says so", () => {
    const size = 200;
    const lists = Array.from({ length: size }, (_, v) => [String((v + size - 1) % size), String((v + 77) % size)]);
    const found = findCycle(adjacencyOf(lists, Number), 10);
    expect(found?.shortest).toBe(false);
    const nodes = found?.nodes ?? [];
    for (const [k, v] of nodes.entries()) expect(lists[nodes[(k + 1) % nodes.length] as number]).toContain(String(v));
  });

  const bundle = new URL("../../../shared/data/graphs/cyclic-small.bundle.json", import.meta.url);
  test.skipIf(!existsSync(bundle))(
    "R3: real cyclic graphs are refused with a cycle of the recorded shortest length",
    () => {
      type Graph = { name: string; nodes: { id: string; upstreams: string[] }[] };
      type Row = { name: string; expect: { shortestCycle: number } };
      const { graphs } = JSON.parse(readFileSync(bundle, "utf8")) as { graphs: Graph[] };
      const index = JSON.parse(readFileSync(new URL("index.json", bundle), "utf8")) as {
        files: { file: string; items?: Row[] }[];
      };
      const entry = index.files.find(({ file }) => file.includes("cyclic-small"));
      const rows = entry?.items ?? [];
      expect(rows.length).toBe(20);
      expect(graphs.length).toBe(20);
      for (const graph of graphs) {
        const ids = new Map(graph.nodes.map(({ id }, k) => [id, `n${k}`]));
        const nodes = graph.nodes.map(({ id, upstreams }) => ({
          id: ids.get(id) as string,
          upstreams: upstreams.map((u) => ids.get(u) as string),
        }));
        const { diagnostics } = check(nodes);
        expect(diagnostics.map(({ code }) => code)).toEqual(["CYCLE"]);
        const named = diagnostics[0]?.message.split(": ")[1]?.split(" -> ") ?? [];
        expect(named.length - 1, graph.name).toBe(rows.find(({ name }) => name === graph.name)?.expect.shortestCycle);
        expect(named[0]).toBe(named.at(-1));
        for (const [k, id] of named.slice(0, -1).entries()) {
          expect(nodes.find((node) => node.id === named[k + 1])?.upstreams).toContain(id);
        }
      }
    },
  );
});

function naiveShortestCycle(size: number, edges: readonly (readonly [number, number])[]): number | undefined {
  let best: number | undefined;
  const distance = Array.from({ length: size }, () => Array<number>(size).fill(Number.POSITIVE_INFINITY));
  for (const [u, v] of edges) (distance[u] as number[])[v] = 1;
  for (let k = 0; k < size; k++)
    for (let u = 0; u < size; u++)
      for (let v = 0; v < size; v++) {
        const through = (distance[u]?.[k] ?? 0) + (distance[k]?.[v] ?? 0);
        if (through < (distance[u]?.[v] ?? 0)) (distance[u] as number[])[v] = through;
      }
  for (let v = 0; v < size; v++) {
    const length = distance[v]?.[v] ?? Number.POSITIVE_INFINITY;
    if (Number.isFinite(length) && (best === undefined || length < best)) best = length;
  }
  return best;
}

describe("ancestors", () => {
  test("R3: the pairs found not to be ancestors are those a plain search finds", () => {
    const graph = fc.integer({ min: 2, max: 80 }).chain((size) =>
      fc.record({
        lists: fc.tuple(
          ...Array.from({ length: size }, (_, v) =>
            fc.uniqueArray(fc.nat(Math.max(0, v - 1)), { maxLength: Math.min(v, 3) }),
          ),
        ),
        pairs: fc.array(fc.tuple(fc.nat(size - 1), fc.nat(size - 1)), { maxLength: 300 }),
      }),
    );
    fc.assert(
      fc.property(graph, ({ lists, pairs }) => {
        const up = adjacencyOf(
          lists.map((ids, v) => (v === 0 ? [] : ids.map(String))),
          Number,
        );
        const queries = pairs.map(([reader, read]) => ({ reader, read }));
        const ancestors = lists.map(() => new Set<number>());
        for (const [v, ids] of lists.entries()) {
          for (const u of v === 0 ? [] : ids) {
            ancestors[v]?.add(u);
            for (const w of ancestors[u] ?? []) ancestors[v]?.add(w);
          }
        }
        const expected = queries.filter(({ reader, read }) => !ancestors[reader]?.has(read));
        expect(notAncestors(queries, up, topologicalOrder(up, invert(up)))).toEqual(expected);
      }),
      { numRuns: 200 },
    );
  });

  const large = { timeout: 120_000 };
  test("R4: 50 000 nodes that each read the first are checked in linear time, and the work is bounded", large, () => {
    const size = 50_000;
    const nodes = Array.from({ length: size }, (_, v) => ({
      id: `n${v}`,
      upstreams: v === 0 ? [] : [`n${v - 1}`],
      ...(v > 0 && { when: "nodes.n0.output" }),
    }));
    expect(findings(nodes)).toEqual([]);
    const up = adjacencyOf(
      nodes.map(({ upstreams }) => upstreams),
      (id) => Number(id.slice(1)),
    );
    expect(notAncestors([{ reader: size - 1, read: 0 }], up, topologicalOrder(up, invert(up)), 1000)).toBeUndefined();
  });
});
