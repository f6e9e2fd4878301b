/** Cycles, real and made: refused before anything runs, the shortest one named, whatever the size of the graph. */
import { BelayError, checkPlan, createEngine, type Diagnostic, type PlanDocument, parsePlan } from "@belay/engine";
import { describe, expect, test } from "vitest";
import { Draw } from "../../packages/engine/src/testing/simulation/draw.ts";
import { randomDigraph, shuffled } from "./made-graph.ts";
import { allGraphs, timedGraph } from "./real-graph.ts";
import { pathLength, reachable, type Shape, shapeOf, shortestCycleLength } from "./shape.ts";

/** The members that a message names, the first one again at the end; of a long cycle, the first 20 and how many there are. */
function namedCycle({ message }: Diagnostic): { readonly members: string[]; readonly length: number } {
  const names = message.slice(message.indexOf(": ") + 2).split(" -> ");
  const members = names.slice(0, -1);
  expect(names.at(-1)).toBe(members[0]);
  const cut = /^\.\.\. \((\d+) nodes\)$/.exec(members.at(-1) as string);
  if (cut === null) return { members, length: members.length };
  return { members: members.slice(0, -1), length: Number(cut[1]) };
}

/** Refused as text and as a document, with one diagnostic: a cycle of that length, along the edges. */
function expectCycle(document: PlanDocument, length: number): void {
  const { plan, diagnostics } = checkPlan(document);
  expect(plan).toBeUndefined();
  expect(diagnostics).toMatchObject([{ code: "CYCLE", severity: "error" }]);
  const named = namedCycle(diagnostics[0] as Diagnostic);
  expect(named.length).toBe(length);
  expect(new Set(named.members).size).toBe(named.members.length);
  const upstreams = new Map(document.nodes.map((node) => [node.id, node.upstreams ?? []]));
  const whole = named.members.length === length;
  for (const [place, id] of named.members.entries()) {
    const next = named.members[place + 1] ?? (whole ? named.members[0] : undefined);
    if (next !== undefined) expect(upstreams.get(next)).toContain(id);
  }
  const path = diagnostics[0]?.path as string;
  expect(document.nodes[Number(/^nodes\[(\d+)\]\.upstreams$/.exec(path)?.[1])]?.id).toBe(named.members[0]);
}

describe("made cycles", () => {
  const seeds = Array.from({ length: 800 }, (_, index) => index + 1);

  test("R3: of 800 random graphs, those with a cycle are refused, and no other is shorter than the named one", () => {
    const lengths = new Map<number, number>();
    for (const seed of seeds) {
      const document = randomDigraph(seed, 8);
      const length = shortestCycleLength(shapeOf(document));
      lengths.set(length ?? 0, (lengths.get(length ?? 0) ?? 0) + 1);
      if (length === undefined) expect(checkPlan(document).diagnostics, `seed ${seed}`).toEqual([]);
      else expectCycle(document, length);
    }
    // The seeds are worth something only when they cover what can be: no cycle, short ones and long ones.
    for (const length of [0, 2, 3, 4]) expect(lengths.get(length), `length ${length}`).toBeGreaterThan(5);
  });

  test.each([2, 3, 20, 21, 100_000])("R3: a ring of %i nodes in any order is named with its length", (length) => {
    const places = shuffled(length, new Draw(length));
    const nodes = places.map((place) => ({
      id: `n${place}`,
      action: "belay.noop",
      upstreams: [`n${(place + length - 1) % length}`],
    }));
    expectCycle({ belay: 1, name: "ring", nodes }, length);
  });

  test("R3: a text with a cycle never becomes a plan, so nothing of it can run", async () => {
    let calls = 0;
    const node = (id: string, upstream: string) => ({ id, action: "count", upstreams: [upstream] });
    const text = JSON.stringify({
      belay: 1,
      name: "p",
      nodes: [{ id: "root", action: "count" }, node("a", "b"), node("b", "a")],
    });
    let refused: unknown;
    try {
      parsePlan(text);
    } catch (error) {
      refused = error;
    }
    expect(refused).toBeInstanceOf(BelayError);
    expect(refused).toMatchObject({ code: "PLAN_INVALID", details: { diagnostics: [{ code: "CYCLE" }] } });
    const engine = await createEngine({
      actions: {
        count: () => {
          calls += 1;
        },
      },
    });
    // Who passes the document by the parser is refused too.
    await expect(engine.start(JSON.parse(text))).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    await engine.close();
    expect(calls).toBe(0);
  });
});

/** `document` with one more edge, from a node to one of its ancestors: the cycle is as long as the shortest way between them. */
function withEdgeBack(document: PlanDocument, shape: Shape, draw: Draw): { document: PlanDocument; length: number } {
  for (;;) {
    const bottom = draw.below(shape.ids.length);
    const above = [...reachable(shape.up, [bottom])];
    const top = draw.of(above);
    if (top === undefined) continue;
    const nodes = document.nodes.map((node, v) =>
      v === top ? { ...node, upstreams: [...(node.upstreams ?? []), shape.ids[bottom] as string] } : node,
    );
    return { document: { ...document, nodes }, length: pathLength(shape, top, bottom) as number };
  }
}

describe("real cycles", { timeout: 120_000 }, () => {
  const graphs = allGraphs();
  const cyclic = graphs.filter(({ expect: { shortestCycle } }) => shortestCycle !== undefined);
  const cases = cyclic.map((graph) => [graph.name, graph.expect.shortestCycle as number, graph] as const);

  test.skipIf(cyclic.length === 0)("R3: there are 20 of them, with cycles of 2, 3 and 4 nodes", () => {
    expect(cyclic.length).toBe(20);
    expect([...new Set(cases.map(([, length]) => length))].sort()).toEqual([2, 3, 4]);
  });

  test.skipIf(cyclic.length === 0).each(cases)("R3: %s is refused, naming a cycle of %i", (_, length, graph) => {
    const { document } = timedGraph(graph);
    expectCycle(document, length);
    expect(() => parsePlan(JSON.stringify(document))).toThrow(expect.objectContaining({ code: "PLAN_INVALID" }));
  });

  const large = graphs.filter(({ n }) => n > 50_000).map((graph) => [graph.file, graph] as const);
  test.skipIf(large.length === 0).each(large)(
    "R3: one wrong edge in %s is found, and the shortest way round",
    (_, graph) => {
      const { document } = timedGraph(graph);
      const shape = shapeOf(document);
      for (const seed of [1, 2, 3]) {
        const wrong = withEdgeBack(document, shape, new Draw(seed));
        expectCycle(wrong.document, wrong.length);
      }
    },
  );
});
