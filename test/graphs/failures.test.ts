/** Nodes that fail for good on real and made graphs, and the rollback of what started. Seeds are in the names. */
import { definePlan, type PlanDocument } from "@belay/engine";
import { describe, expect, test } from "vitest";
import type { FailureMode } from "../../packages/engine/src/plan/document.ts";
import { Draw } from "../../packages/engine/src/testing/simulation/draw.ts";
import { FailingRun } from "./failing-run.ts";
import { forwardFaults, rollbackFaults } from "./failure-facts.ts";
import { chain, layered, randomDag, wide } from "./made-graph.ts";
import { allGraphs, timedGraph } from "./real-graph.ts";
import { type Shape, shapeOf } from "./shape.ts";

const MODES: readonly FailureMode[] = ["no-new", "continue", "kill"];
const UNDO = { action: "belay.noop" };

interface Story {
  readonly document: PlanDocument;
  readonly shape: Shape;
  readonly seed: number;
}

/** Some nodes have nothing to undo: one in `share`; 0 = all have. */
function undoableBy(seed: number, size: number, share: number): Set<number> {
  const draw = new Draw(seed);
  const places = Array.from({ length: size }, (_, v) => v);
  return new Set(share === 0 ? places : places.filter(() => draw.below(share) > 0));
}

/** Nodes fail, the run rests, what started is undone: everything that is wrong. */
function faultsOf({ document, shape, seed }: Story, mode: FailureMode, workers: number | undefined): string[] {
  const size = shape.ids.length;
  const draw = new Draw(seed);
  const failing = new Set(Array.from({ length: 1 + draw.below(3) }, () => draw.below(size)));
  const undoable = undoableBy(seed, size, seed % 2 === 0 ? 0 : 3);
  const nodes = document.nodes.map((node, v) => (undoable.has(v) ? { ...node, compensation: UNDO } : node));
  const run = new FailingRun(definePlan({ ...document, failureMode: mode, nodes }), {
    failing,
    seed,
    ...(workers === undefined ? {} : { workers }),
  });
  const forward = run.forward();
  const { started } = forward;
  return [
    ...forwardFaults(shape, failing, mode, forward),
    ...rollbackFaults(shape, { started, undoable: (v) => undoable.has(v) }, run.rollback()),
  ];
}

/** The same with points of no return: the safe part is undone, they and what is above them stand. */
function barrierFaultsOf({ document, shape, seed }: Story): string[] {
  const size = shape.ids.length;
  const draw = new Draw(seed);
  const failing = new Set([draw.below(size)]);
  const prohibiting = new Set(Array.from({ length: 1 + draw.below(3) }, () => draw.below(size)));
  const nodes = document.nodes.map((node, v) => ({
    ...node,
    compensation: UNDO,
    ...(prohibiting.has(v) ? { prohibitRollback: true } : {}),
  }));
  const run = new FailingRun(definePlan({ ...document, failureMode: "continue", nodes }), { failing, seed });
  const { started } = run.forward();
  const standing = started.filter((v) => prohibiting.has(v));
  return rollbackFaults(shape, { started, undoable: () => true, standing }, run.rollback("barrier"));
}

function expectNoFaults(document: PlanDocument, seeds: readonly number[]): void {
  const shape = shapeOf(document);
  for (const seed of seeds) {
    for (const mode of MODES) {
      expect(faultsOf({ document, shape, seed }, mode, [undefined, 1, 4][seed % 3]), `seed ${seed}, ${mode}`).toEqual(
        [],
      );
    }
    expect(barrierFaultsOf({ document, shape, seed }), `seed ${seed}, barrier`).toEqual([]);
  }
}

describe("failures on made graphs", { timeout: 120_000 }, () => {
  const seeds = Array.from({ length: 100 }, (_, index) => index + 1);

  test.for(seeds)(
    "R14, R30, R34: nothing starts below a failure, and what started is undone bottom up: seed %i",
    (seed) => {
      expectNoFaults(randomDag(seed, 40), [seed]);
    },
  );

  test("R14, R30: nothing of a layer starts below one that failed, and the layers are undone from the last", () => {
    expectNoFaults(layered(12, 20), [1, 2, 3]);
  });

  test("R30: a chain of 100,000 nodes whose last one fails is undone from its end", () => {
    const document = chain(100_000);
    const nodes = document.nodes.map((node) => ({ ...node, compensation: UNDO }));
    const run = new FailingRun(definePlan({ ...document, nodes }), { failing: new Set([99_999]), seed: 1 });
    const { started, status } = run.forward();
    expect([started.length, status]).toEqual([100_000, "FAILED"]);
    const record = run.rollback();
    expect(record.status).toBe("ROLLED_BACK");
    expect([...record.called.keys()]).toEqual(started.toReversed());
  });

  test("R30: 20,000 independent nodes are undone once each, those that failed included", () => {
    const document = wide(20_000);
    const nodes = document.nodes.map((node) => ({ ...node, compensation: UNDO }));
    const failing = new Set([0, 5, 19_999]);
    const shape = shapeOf(document);
    const run = new FailingRun(definePlan({ ...document, nodes }), { failing, seed: 1 });
    const forward = run.forward();
    expect(forwardFaults(shape, failing, "no-new", forward)).toEqual([]);
    expect(forward.started.length).toBe(20_000);
    const { started } = forward;
    expect(rollbackFaults(shape, { started, undoable: () => true }, run.rollback())).toEqual([]);
  });
});

describe("failures on real graphs", { timeout: 120_000 }, () => {
  const acyclic = allGraphs().filter(({ expect: { shortestCycle } }) => shortestCycle === undefined);
  const some = acyclic.filter(({ n }) => n < 10_000).map((graph) => [graph.name ?? graph.file, graph] as const);
  const large = acyclic.filter(({ n }) => n >= 10_000).map((graph) => [graph.file, graph] as const);

  test.skipIf(acyclic.length === 0)("R3: there are small and large ones without a cycle", () => {
    expect(some.length).toBeGreaterThan(100);
    expect(large.length).toBeGreaterThan(0);
  });

  test.skipIf(some.length === 0).each(some)(
    "R14, R30, R34: nothing of %s starts below a failure, and all is undone",
    (_, graph) => {
      expectNoFaults(timedGraph(graph).document, [graph.n]);
    },
  );

  test.skipIf(large.length === 0).each(large)(
    "R14, R30: a failure in %s holds all below it, and all is undone",
    (_, graph) => {
      const { document } = timedGraph(graph);
      expect(faultsOf({ document, shape: shapeOf(document), seed: graph.n }, "continue", undefined)).toEqual([]);
    },
  );
});

describe("the judge of failures and rollbacks", () => {
  const document = chain(4);
  const shape = shapeOf(document);
  const failing = new Set([2]);
  const nodes = document.nodes.map((node) => ({ ...node, compensation: UNDO }));
  const run = new FailingRun(definePlan({ ...document, failureMode: "continue", nodes }), { failing, seed: 1 });
  const forward = run.forward();
  const record = run.rollback();
  const undone = { started: forward.started, undoable: () => true };

  test("R14, R10: a start below a failure, one before its upstream and one too few are told", () => {
    expect(forward.started).toEqual([0, 1, 2]);
    const told = (started: number[]): string =>
      forwardFaults(shape, failing, "continue", { ...forward, started }).join();
    expect(told([0, 1, 2])).toBe("");
    expect(told([0, 1, 2, 3])).toContain("n3 started below a failure");
    expect(told([1, 0, 2])).toContain("n1 before n0");
    expect(told([0, 1])).toContain("2 started, of 3");
    const late = { ...forward, startedBeforeFailure: 2 };
    expect(forwardFaults(shape, failing, "no-new", late).join()).toContain("started after a failure");
  });

  test("R30: an undo before one below it, a missing one and a second one are told, also across a node without undo", () => {
    const told = (changed: Partial<typeof record>): string =>
      rollbackFaults(shape, undone, { ...record, ...changed }).join();
    expect(told({})).toBe("");
    expect(told({ called: new Map([...record.called, [0, 0]]) })).toContain("n0 is undone before something below it");
    expect(told({ called: new Map([...record.called].slice(1)) })).toContain("n2 started and is not undone");
    expect(told({ calls: 4 })).toContain("4 compensations, of 3");
    const shielded = {
      called: new Map([
        [0, 1],
        [2, 2],
      ]),
      answered: new Map([
        [0, 2],
        [2, 3],
      ]),
      calls: 2,
    };
    const partly = { ...undone, undoable: (v: number) => v !== 1 };
    const faults = rollbackFaults(shape, partly, { ...record, ...shielded }).join();
    expect(faults).toContain("n0 is undone before something below it");
  });
});
