/** Documents that are read fast: accepted only where a close look finds nothing, with the same result. */
import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { canonicalJson } from "../../packages/engine/src/plan/identity.ts";
import { DEFAULT_LIMITS } from "../../packages/engine/src/plan/limits.ts";
import { NodeField } from "../../packages/engine/src/plan/node-fields.ts";
import { outlineOf } from "../../packages/engine/src/plan/outline.ts";
import { checkPlan, definePlan } from "../../packages/engine/src/plan/parse.ts";
import { readPlainDocument } from "../../packages/engine/src/plan/plain-document.ts";
import { EVERY_FEATURE, scenario } from "../../packages/engine/src/testing/scenario/arbitraries.ts";

type Draft = Record<string, unknown>;

function plain(nodes: unknown, head: Draft = {}): unknown {
  return readPlainDocument({ belay: 1, name: "p", ...head, nodes }, DEFAULT_LIMITS);
}

/** Everything a check answers. A proxy is never read fast. */
function answer(document: unknown, closely: boolean): string {
  const { plan, diagnostics } = checkPlan(closely ? new Proxy(document as object, {}) : document);
  return JSON.stringify([diagnostics, plan?.hash, plan?.document]);
}

const node = { id: "b", action: "belay.noop" };

describe("documents read fast", () => {
  const drawn = scenario(fc, EVERY_FEATURE).map(({ document }) => document);

  test("R3: a plan of every feature is read fast, and like one that is looked at closely", () => {
    fc.assert(
      fc.property(drawn, (document) => {
        expect(readPlainDocument(document, DEFAULT_LIMITS)).toBeDefined();
        expect(answer(document, false)).toBe(answer(document, true));
      }),
      { numRuns: 300 },
    );
  });

  test("R3: a document with one wrong field has the same diagnostics either way", () => {
    const field = fc.constantFrom(...Object.keys(NodeField), "id", "action", "weight");
    const value = fc.oneof(
      fc.constantFrom<unknown>(undefined, null, -1, 1.5, "", "n0", 2 ** 53, ["n0", "n0"], [null], {}, { $cel: "" }),
      fc.anything(),
    );
    fc.assert(
      fc.property(drawn, fc.nat(), field, value, ({ nodes, ...head }, at, key, wrong) => {
        const broken = nodes.map((one, v) => (v === at % nodes.length ? { ...one, [key]: wrong } : one));
        const document = { ...head, nodes: broken };
        expect(answer(document, false)).toBe(answer(document, true));
      }),
      { numRuns: 600 },
    );
  });

  test.each<readonly [string, unknown]>([
    ["no mapping", ["b"]],
    ["an id of the wrong form", [{ ...node, id: "b c" }]],
    ["an id given twice", [node, node]],
    ["an unknown upstream", [{ ...node, upstreams: ["a"] }]],
    ["itself as its upstream", [{ ...node, upstreams: ["b"] }]],
    [
      "an upstream named twice",
      [
        { ...node, id: "a" },
        { ...node, upstreams: ["a", "a"] },
      ],
    ],
    ["an unknown field", [{ ...node, timeot: 1 }]],
    ["a value out of its range", [{ ...node, timeout: -1 }]],
    ["no action", [{ id: "b" }]],
    ["a proxy", [new Proxy(node, {})]],
    ["a proxy inside", [{ ...node, upstreams: new Proxy([], {}) }]],
    ["a class", [Object.assign(Object.create({ a: 1 }), node)]],
    ["a hole", Object.assign(new Array(2), { 0: node })],
    ["a list of its own kind", [{ ...node, upstreams: Object.setPrototypeOf([], null) }]],
    ["a key that is not listed", [Object.defineProperty({ ...node }, "id", { enumerable: false })]],
  ])("R1: a node with %s is looked at closely", (_, nodes) => {
    expect(plain([node])).toBeDefined();
    expect(plain(nodes)).toBeUndefined();
  });

  test("R1: no accessor runs, wherever it stands", () => {
    const calls: string[] = [];
    const trapped = <T extends object>(holder: T, key: PropertyKey, get: boolean): T => {
      const called = (): void => void calls.push(String(key));
      return Object.defineProperty(holder, key, { enumerable: true, ...(get ? { get: called } : { set: called }) });
    };
    for (const get of [true, false]) {
      const nodes: unknown[] = [
        trapped({ ...node }, "id", get),
        trapped({ ...node }, "action", get),
        trapped({ ...node }, "timeout", get),
        { ...node, upstreams: trapped(["a"], 0, get) },
        { ...node, with: trapped({}, "a", get) },
      ];
      const documents = [...nodes.map((one) => ({ belay: 1, name: "p", nodes: [one] })), { belay: 1, name: "p" }];
      trapped(documents.at(-1) as object, "nodes", get);
      for (const document of documents) expect(checkPlan(document).diagnostics).not.toEqual([]);
    }
    expect(calls).toEqual([]);
  });

  test("R5: what is read fast shares nothing with its source, and cannot change", () => {
    const upstreams = ["a"];
    const input = { list: [1] };
    const source = {
      belay: 1,
      name: "p",
      nodes: [
        { ...node, id: "a" },
        { ...node, upstreams, with: input },
      ],
    } as const;
    const { document } = definePlan(source);
    upstreams.push("x");
    input.list.push(2);
    expect(document.nodes[1]).toEqual({ ...node, upstreams: ["a"], with: { list: [1] } });
    for (const part of [document, document.nodes, ...document.nodes, document.nodes[1]?.upstreams]) {
      expect(Object.isFrozen(part)).toBe(true);
    }
  });

  test("R5: the hash is that of the canonical JSON, whatever the keys and characters", () => {
    const text = fc.string({ unit: "grapheme", maxLength: 300 });
    const value = fc.jsonValue({ maxDepth: 4 });
    fc.assert(
      fc.property(drawn, text, value, fc.dictionary(text, fc.double()), (drawnOne, title, list, numbers) => {
        const more = { ...node, id: "more-of-it", name: title, with: { list, numbers } as never };
        const { plan } = checkPlan({ ...drawnOne, title, nodes: [...drawnOne.nodes, more] });
        if (plan === undefined) return;
        expect(plan.hash).toBe(createHash("sha256").update(canonicalJson(plan.document)).digest("hex"));
      }),
      { numRuns: 300 },
    );
  });
});

describe("the outline of a plan", () => {
  test("R4: of fields that nobody gives no node is looked at", () => {
    const nodes = Array.from({ length: 1000 }, (_, v) => ({ ...node, id: `n${v}`, with: { a: [v] } }));
    const { fields } = outlineOf(definePlan({ belay: 1, name: "p", nodes }));
    const given = Object.entries(NodeField).filter(([, bit]) => fields.with(bit).length > 0);
    expect(given.map(([field]) => field)).toEqual(["with"]);
  });

  test("R10: it has the edges of both sides, and an order along them", () => {
    const nodes = [
      { ...node, id: "c", upstreams: ["b"] },
      { ...node, id: "a", downstreams: ["b"] },
      { ...node, id: "b" },
    ];
    const outline = outlineOf(definePlan({ belay: 1, name: "p", nodes }));
    expect(outline.ids).toEqual(["c", "a", "b"]);
    expect([...outline.up.target]).toEqual([2, 1]);
    expect([...outline.down.target]).toEqual([2, 0]);
    expect([...outline.order]).toEqual([1, 2, 0]);
  });
});
