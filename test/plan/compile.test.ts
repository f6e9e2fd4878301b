/** The compiled plan: edges, defaults, units, flags, tables, and its cost on large and on real graphs. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { adjacencyOf, invert, topologicalOrder } from "../../packages/engine/src/plan/adjacency.ts";
import { checkGraph } from "../../packages/engine/src/plan/check.ts";
import { MethodCode, NodeFlag, TriggerCode } from "../../packages/engine/src/plan/compiled.ts";
import type { NodeDocument, PlanDocument } from "../../packages/engine/src/plan/document.ts";
import { DEFAULT_LIMITS } from "../../packages/engine/src/plan/limits.ts";
import { realGraphs, realPlan } from "../graphs/real-graph.ts";
import { acyclic, columnOf, compile, compileDocument, drafts } from "./acyclic-plan.ts";

describe("edges", () => {
  test("R10: upstreams and downstreams are the same edges from both sides", () => {
    fc.assert(
      fc.property(acyclic, (graph) => {
        const nodes = drafts(graph);
        const { compiled, indexOf, ids } = compile(nodes);
        const up = new Set<string>();
        const down = new Set<string>();
        for (let v = 0; v < compiled.size; v++) {
          for (const u of compiled.upTarget.slice(compiled.upOffset[v], compiled.upOffset[v + 1])) up.add(`${u}>${v}`);
          for (const w of compiled.downTarget.slice(compiled.downOffset[v], compiled.downOffset[v + 1]))
            down.add(`${v}>${w}`);
          expect(indexOf(ids[v] as string)).toBe(v);
        }
        const expected = nodes.flatMap(({ id, upstreams = [] }) =>
          upstreams.map((upstream) => `${indexOf(upstream)}>${indexOf(id)}`),
        );
        expect([...up].sort()).toEqual(expected.sort());
        expect([...down].sort()).toEqual(expected);
      }),
    );
  });

  test("R13: the topological order takes the lowest place among the nodes that could come next", () => {
    fc.assert(
      fc.property(acyclic, (graph) => {
        const nodes = drafts(graph);
        const numbers = new Map(nodes.map(({ id }, v) => [id, v]));
        const up = adjacencyOf(
          nodes.map(({ upstreams = [] }) => upstreams),
          (id) => numbers.get(id) ?? -1,
        );
        const done = new Set<number>();
        const expected: number[] = [];
        while (done.size < nodes.length) {
          const next = nodes.findIndex(
            ({ upstreams = [] }, v) => !done.has(v) && upstreams.every((id) => done.has(numbers.get(id) as number)),
          );
          done.add(next);
          expected.push(next);
        }
        expect([...topologicalOrder(up, invert(up))]).toEqual(expected);
      }),
    );
  });

  test("R3: the order of a cyclic graph stops before the cycle and all below it", () => {
    const up = adjacencyOf([[], ["0", "2"], ["1"], ["2"], ["0"]], Number);
    expect([...topologicalOrder(up, invert(up))]).toEqual([0, 4]);
  });

  test("an id that no node has is -1, those of every object's properties included", () => {
    const { indexOf } = compile([{ id: "constructor" }]);
    expect([indexOf("constructor"), indexOf("toString"), indexOf("x")]).toEqual([0, -1, -1]);
  });
});

describe("fields", () => {
  test("R26: seconds become milliseconds, defaults apply, 0 is none, and nothing short becomes none", () => {
    const { compiled } = compile(
      [
        { id: "a", timeout: 1.5, totalTimeout: 60, heartbeatTimeout: 0.0001, compensation: { action: "undo" } },
        { id: "b", timeout: 0, compensation: { action: "undo", timeout: 7 } },
        { id: "c" },
      ],
      { timeout: 3600, defaults: { timeout: 30, compensation: { timeout: 9 } } },
    );
    expect(columnOf(compiled, "timeoutMs")).toEqual([1500, 0, 30_000]);
    expect(columnOf(compiled, "totalTimeoutMs")).toEqual([60_000, 0, 0]);
    expect(columnOf(compiled, "heartbeatTimeoutMs")).toEqual([1, 0, 0]);
    expect(columnOf(compiled, "compensationTimeoutMs").slice(0, 2)).toEqual([9000, 7000]);
    expect(compiled.runTimeoutMs).toBe(3_600_000);
  });

  test("R25: retry policies have their defaults, equal ones are stored once, one attempt is none", () => {
    const { compiled, detailsOf } = compile(
      [
        { id: "a" },
        { id: "b", retry: { maxAttempts: 3 } },
        { id: "c", retry: { maxAttempts: 1 } },
        { id: "d", retry: { maxAttempts: 3, initialInterval: 1, nonRetryable: ["X"] } },
        {
          id: "e",
          compensation: {
            action: "undo",
            retry: { maxAttempts: 2, initialInterval: 0, maxInterval: 5, jitter: "full", nonRetryable: ["Y"] },
          },
        },
      ],
      { defaults: { retry: { maxAttempts: 5, initialInterval: 2, backoffCoefficient: 1, nonRetryable: ["Z"] } } },
    );
    expect(columnOf(compiled, "retry").map((index) => compiled.retries[index]?.maxAttempts ?? 1)).toEqual([
      5, 3, 1, 3, 5,
    ]);
    expect(columnOf(compiled, "retry")[1]).toBe(columnOf(compiled, "retry")[3]);
    expect(columnOf(compiled, "retry")[2]).toBe(-1);
    expect(compiled.retries[columnOf(compiled, "retry")[0] as number]).toEqual({
      maxAttempts: 5,
      initialIntervalMs: 2000,
      backoffCoefficient: 1,
      maxIntervalMs: 200_000,
      fullJitter: false,
    });
    expect(compiled.retries[columnOf(compiled, "retry")[1] as number]).toMatchObject({
      initialIntervalMs: 1000,
      backoffCoefficient: 2,
      maxIntervalMs: 100_000,
    });
    expect(compiled.retries[columnOf(compiled, "compensationRetry")[4] as number]).toMatchObject({
      initialIntervalMs: 0,
      maxIntervalMs: 5000,
      fullJitter: true,
    });
    expect(columnOf(compiled, "compensationRetry")[0]).toBe(-1);
    expect(
      ["a", "b", "d"].map(
        (id) => detailsOf(compile([{ id: "a" }, { id: "b" }, { id: "c" }, { id: "d" }]).indexOf(id)).nonRetryable,
      ),
    ).toEqual([["Z"], [], ["X"]]);
    expect(detailsOf(4)).toMatchObject({ nonRetryable: ["Z"], compensationNonRetryable: ["Y"] });
  });

  test("R33: flags say what the document says, and nothing more", () => {
    const compensation = { action: "undo" };
    const flag = (node: Partial<NodeDocument>, rest: Partial<PlanDocument> = {}) =>
      columnOf(compile([{ id: "u" }, { id: "a", upstreams: ["u"], ...node }], rest).compiled, "flags")[1];
    expect(flag({})).toBe(0);
    expect(flag({ prohibitRollback: true })).toBe(NodeFlag.PROHIBIT_ROLLBACK);
    expect(flag({ compensation })).toBe(NodeFlag.COMPENSATION);
    expect(flag({ compensation: { ...compensation, when: "succeeded" } })).toBe(
      NodeFlag.COMPENSATION | NodeFlag.COMPENSATE_SUCCEEDED_ONLY,
    );
    expect(flag({ effect: "none" })).toBe(0);
    expect(flag({ with: null })).toBe(NodeFlag.INPUT);
    expect(flag({ action: "belay.wait" })).toBe(NodeFlag.WAITING);
    expect(flag({ action: "belay.signal" })).toBe(NodeFlag.WAITING | NodeFlag.SIGNAL);
    expect(flag({ always: { for: ["u"] } })).toBe(NodeFlag.TEARDOWN);
    expect(flag({ onFailure: "continue" })).toBe(NodeFlag.TOLERATE_FAILURE);
    expect(flag({ when: "params.x" })).toBe(NodeFlag.CONDITION);
    expect(flag({ when: "params.x", parallelIdx: 0 })).toBe(NodeFlag.CONDITION);
    expect(flag({ when: "params.x", split: { over: "params.hosts" } })).toBe(NodeFlag.CONDITION | NodeFlag.GROUP);
    expect(flag({ when: "host == 1", split: { over: "params.hosts", as: "host" } })).toBe(
      NodeFlag.MEMBER_CONDITION | NodeFlag.GROUP,
    );
    expect(flag({ split: { over: "nodes.u.output" } })).toBe(NodeFlag.GROUP | NodeFlag.DYNAMIC);
    expect(flag({ retry: { mode: "compensate-first" }, compensation })).toBe(
      NodeFlag.COMPENSATION | NodeFlag.COMPENSATE_FIRST,
    );
    expect(flag({}, { defaults: { retry: { mode: "compensate-first" } } })).toBe(0);
  });

  test("R20, R21: splits", () => {
    const { compiled, detailsOf } = compile(
      [
        { id: "a", parallelIdx: 0 },
        { id: "b", split: { over: "params.hosts", method: "SERIAL", tolerated: 2 } },
        { id: "c", upstreams: ["a"], split: { over: "nodes.a.output", method: "FIRST_SUCCESS" } },
        { id: "d", split: { over: "params.hosts", maxConcurrency: 4, tolerated: "12.5%" } },
        { id: "e", parallelIdx: -1 },
      ],
      {},
      { b: [1, 2], d: [1, 2, 3] },
    );
    expect(columnOf(compiled, "split").map((index) => compiled.splits[index])).toEqual([
      undefined,
      { method: MethodCode.SERIAL, maxConcurrency: 0, tolerated: 2, toleratedShare: 0, count: 2 },
      { method: MethodCode.FIRST_SUCCESS, maxConcurrency: 0, tolerated: 0, toleratedShare: 0, count: -1 },
      { method: MethodCode.PARALLEL, maxConcurrency: 4, tolerated: 0, toleratedShare: 0.125, count: 3 },
      undefined,
    ]);
    expect([0, 1, 2].map((v) => detailsOf(v).over?.source)).toEqual([undefined, undefined, "nodes.a.output"]);
  });

  test("R12, R14, R41: triggers, modes and pools", () => {
    const { compiled } = compile(
      [
        { id: "a", pool: "db" },
        { id: "b", trigger: "none_failed" },
        { id: "c", pool: "db", trigger: "any_failed" },
        { id: "d", pool: "net" },
      ],
      {
        failureMode: "kill",
        onFailure: "rollback",
        prohibitRollback: true,
      },
    );
    expect(columnOf(compiled, "pool").map((index) => compiled.pools[index])).toEqual(["db", "", "db", "net"]);
    expect(compiled.pools[0]).toBe("");
    expect(columnOf(compiled, "trigger")).toEqual([0, TriggerCode.NONE_FAILED, TriggerCode.ANY_FAILED, 0]);
    expect(compiled).toMatchObject({ failureMode: "kill", onFailure: "rollback", prohibitRollback: true });
    expect(compile([{ id: "a" }]).compiled).toMatchObject({
      failureMode: "no-new",
      onFailure: "pause",
      prohibitRollback: false,
      runTimeoutMs: 0,
    });
  });

  test("R11: nodes that are alike share one kind, whatever lies between them; ranks and nodes name each other", () => {
    const alike = { timeout: 5, pool: "db", compensation: { action: "undo" } };
    const { compiled } = compile([
      { id: "a", ...alike },
      { id: "b", priority: 3 },
      { id: "c", ...alike, retry: { maxAttempts: 1 } },
      { id: "d", ...alike, action: "other", seriesId: 9 },
      { id: "e", ...alike, compensation: { action: "other" } },
    ]);
    expect([...compiled.kind]).toEqual([0, 1, 0, 2, 3]);
    expect(columnOf(compiled, "action").map((index) => compiled.actions[index])).toEqual([
      "belay.noop",
      "belay.noop",
      "belay.noop",
      "other",
      "belay.noop",
    ]);
    expect(columnOf(compiled, "compensation").map((index) => compiled.actions[index])).toEqual([
      "undo",
      undefined,
      "undo",
      "undo",
      "other",
    ]);
    expect([...compiled.order].map((v) => compiled.rank[v])).toEqual([0, 1, 2, 3, 4]);
    expect(compiled.order[0]).toBe(1);
  });

  test("R2: more kinds than two bytes can name", () => {
    const nodes = Array.from({ length: 2 ** 16 + 1 }, (_, v) => ({ id: `n${v}`, timeout: v + 1 }));
    const { compiled } = compile(nodes);
    expect(columnOf(compiled, "timeoutMs").every((ms, v) => ms === (v + 1) * 1000)).toBe(true);
    expect(compile(nodes.slice(1)).compiled.kind).toBeInstanceOf(Uint16Array);
  });

  test("R2: expressions and templates are compiled; plain nodes share one object", () => {
    const { detailsOf } = compile([
      { id: "a" },
      { id: "b" },
      {
        id: "c",
        upstreams: ["a"],
        when: "nodes.a.output",
        with: { x: { $cel: "nodes.a.output" } },
        compensation: { action: "undo", with: null },
      },
    ]);
    expect(detailsOf(0)).toBe(detailsOf(1));
    expect(detailsOf(2).condition?.nodesRead).toEqual(["a"]);
    expect(detailsOf(2).input?.nodesRead).toEqual(["a"]);
    expect(detailsOf(2).compensationInput?.evaluate({ params: {}, nodes: {}, run: { id: "", startedAt: 0 } })).toEqual({
      ok: true,
      value: null,
    });
    expect(detailsOf(0)).toEqual({ nonRetryable: [], compensationNonRetryable: [] });
  });
});

describe("size", { timeout: 120_000 }, () => {
  test("R4: a chain of 1 000 000 nodes compiles without recursion", () => {
    const nodes = Array.from(
      { length: 1_000_000 },
      (_, v): NodeDocument => ({ id: `n${v}`, action: "belay.noop", upstreams: v === 0 ? [] : [`n${v - 1}`] }),
    );
    const { compiled, series } = compileDocument({ belay: 1, name: "chain", nodes });
    expect([compiled.size, compiled.upTarget.length, compiled.downTarget.length]).toEqual([
      1_000_000, 999_999, 999_999,
    ]);
    expect(compiled.rank[999_999]).toBe(999_999);
    expect(series[999_999]).toBe(999_999);
  });

  test("R4: four times the graph takes nowhere near sixteen times as long", () => {
    const layered = (size: number): PlanDocument => ({
      belay: 1,
      name: "layered",
      nodes: Array.from({ length: size }, (_, v) => ({
        id: `n${v}`,
        action: "belay.noop",
        upstreams: v < 1000 ? [] : [1000, 999, 900, 500].map((back) => `n${v - back}`),
      })),
    });
    const limits = { ...DEFAULT_LIMITS, edges: 1_000_000 };
    // The time of this process alone: what else the machine does is no part of it.
    const workOf = (plan: PlanDocument): number => {
      const started = process.cpuUsage();
      expect(checkGraph(plan, limits).diagnostics).toEqual([]);
      compileDocument(plan);
      const { user, system } = process.cpuUsage(started);
      return user + system;
    };
    const [small, large] = [layered(25_000), layered(100_000)];
    workOf(small);
    const best = (plan: PlanDocument): number => Math.min(workOf(plan), workOf(plan), workOf(plan));
    expect(best(large) / best(small)).toBeLessThan(12);
  });

  const graphs = realGraphs();
  test.skipIf(graphs.length === 0).for(graphs)("R3, R13: $file is accepted and compiles to its own size", (graph) => {
    const plan = realPlan(graph);
    expect(checkGraph(plan, DEFAULT_LIMITS).diagnostics).toEqual([]);
    const { compiled, series } = compileDocument(plan);
    expect([compiled.size, compiled.upTarget.length]).toEqual([graph.n, graph.m]);
    const degrees = (offset: Int32Array): number => offset.subarray(1).filter((end, v) => end === offset[v]).length;
    expect([degrees(compiled.upOffset), degrees(compiled.downOffset)]).toEqual([graph.roots, graph.leaves]);
    for (let v = 0; v < compiled.size; v++) {
      for (let edge = compiled.upOffset[v] as number; edge < (compiled.upOffset[v + 1] as number); edge++) {
        if ((series[compiled.upTarget[edge] as number] as number) >= (series[v] as number))
          throw new Error(`R13: ${v} before its upstream`);
      }
    }
  });
});
