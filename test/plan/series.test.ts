/** Series ids and the rank that follows from them. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { assignSeriesIds } from "../../packages/engine/src/plan/series.ts";
import { acyclic, compile, document, drafts } from "./acyclic-plan.ts";

describe("series ids", () => {
  test("R13: given labels stay, missing ones are 0..n-1 in topological order", () => {
    const nodes = [{ id: "c", upstreams: ["b"] }, { id: "b", upstreams: ["a"] }, { id: "a" }, { id: "x" }];
    expect([...compile(nodes).series]).toEqual([2, 1, 0, 3]);
    const seed = [8, 5, 4, 1, 6, 0, 7, 3, 2].map((seriesId, v) => ({
      id: `s${v}`,
      seriesId,
      upstreams: v === 0 ? [] : [`s${v - 1}`],
    }));
    expect(compile(seed)).toMatchObject({ series: Int32Array.of(8, 5, 4, 1, 6, 0, 7, 3, 2), nextSeries: 9 });
  });

  test("R13: missing labels fill the numbers that are not given", () => {
    expect([...compile([{ id: "a" }, { id: "b", seriesId: 0 }, { id: "c" }, { id: "d", seriesId: 2 }]).series]).toEqual(
      [1, 0, 3, 2],
    );
  });

  test("R24: members of a group known at the start get consecutive labels in place", () => {
    const group = { split: { over: "params.hosts" } };
    const { series, nextSeries } = compile([{ id: "a" }, { id: "g", ...group }, { id: "b" }], {}, { g: [1, 2, 3] });
    expect([[...series], nextSeries]).toEqual([[0, 1, 4], 5]);
  });

  test("R24: a given label of a group stays if the members fit behind it, or else they go after the highest", () => {
    const group = { split: { over: "params.hosts" } };
    const items = { g: [1, 2, 3] };
    expect([
      ...compile(
        [
          { id: "g", seriesId: 5, ...group },
          { id: "a", seriesId: 8 },
        ],
        {},
        items,
      ).series,
    ]).toEqual([5, 8]);
    expect([
      ...compile(
        [
          { id: "g", seriesId: 5, ...group },
          { id: "a", seriesId: 7 },
        ],
        {},
        items,
      ).series,
    ]).toEqual([8, 7]);
  });

  test("R13: labels never collide, given ones stay where they can, missing ones rise along the edges", () => {
    fc.assert(
      fc.property(acyclic, (graph) => {
        const plan = document(drafts(graph));
        const upstreams = plan.nodes.map((node) => node.upstreams ?? []);
        const counts = Int32Array.from(graph.counts);
        const { series, next } = assignSeriesIds(plan, upstreams, counts);
        const labels = plan.nodes.flatMap((_, v) =>
          Array.from({ length: counts[v] as number }, (_, k) => (series[v] as number) + k),
        );
        expect(new Set(labels).size).toBe(labels.length);
        expect(Math.max(...labels)).toBeLessThan(next);
        const numbers = new Map(plan.nodes.map(({ id }, v) => [id, v]));
        for (const [v, node] of plan.nodes.entries()) {
          if (node.seriesId !== undefined && counts[v] === 1) expect(series[v]).toBe(node.seriesId);
          if (node.seriesId !== undefined) continue;
          for (const upstream of upstreams[v] ?? []) {
            const u = numbers.get(upstream) as number;
            if (plan.nodes[u]?.seriesId === undefined) expect(series[u]).toBeLessThan(series[v] as number);
          }
        }
        if (plan.nodes.every(({ seriesId }) => seriesId === undefined))
          expect(Math.max(...labels)).toBe(labels.length - 1);
      }),
    );
  });
});

describe("rank", () => {
  test("R11: higher priority first, then the lower series id", () => {
    fc.assert(
      fc.property(acyclic, (graph) => {
        const nodes = drafts(graph);
        const { compiled, series } = compile(nodes);
        const expected = nodes
          .map((_, v) => v)
          .sort(
            (a, b) =>
              (nodes[b]?.priority ?? 0) - (nodes[a]?.priority ?? 0) || (series[a] as number) - (series[b] as number),
          );
        const found = nodes
          .map((_, v) => v)
          .sort((a, b) => (compiled.rank[a] as number) - (compiled.rank[b] as number));
        expect(found).toEqual(expected);
        expect([...compiled.rank].sort((a, b) => a - b)).toEqual(nodes.map((_, v) => v));
      }),
    );
  });

  test("R11: the highest label and a large plan do not lose the order", () => {
    const nodes = [
      { id: "a", seriesId: 1_000_000_000 },
      { id: "b", seriesId: 999_999_999 },
      { id: "c", seriesId: 0, priority: -5 },
    ];
    expect([...compile(nodes).compiled.rank]).toEqual([1, 0, 2]);
  });
});
