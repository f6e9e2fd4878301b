import { describe, expect, test } from "vitest";
import type { PlanDocument } from "../../packages/engine/src/plan/document.ts";
import { DEFAULT_LIMITS, type Limits, resolveLimits } from "../../packages/engine/src/plan/limits.ts";
import { checkPlan } from "../../packages/engine/src/plan/parse.ts";
import { suggester } from "../../packages/engine/src/plan/suggestion.ts";

const NODE = { id: "a", action: "belay.noop" };
const plan = (node: object = {}): PlanDocument => ({ belay: 1, name: "p", nodes: [{ ...NODE, ...node }] });
const nested = (depth: number): unknown => JSON.parse(`${"[".repeat(depth)}${"]".repeat(depth)}`);

/** Nodes in one chain, each reading nothing: the deepest graph there is. */
function chain(count: number, extra: object = {}): object {
  const nodes = Array.from({ length: count }, (_, index) => ({
    id: `n${index}`,
    action: "belay.noop",
    upstreams: index === 0 ? [] : [`n${index - 1}`],
    ...extra,
  }));
  return { belay: 1, name: "p", nodes };
}

function only(source: unknown, limits: Partial<Limits> = {}) {
  const { diagnostics } = checkPlan(source, { limits });
  expect(diagnostics).toHaveLength(1);
  return diagnostics[0];
}

describe("R4: limits", () => {
  test.each([
    ["bytes", JSON.stringify(plan()), "", { bytes: 60 }],
    ["bytes", plan({ description: "x".repeat(100) }), "", { bytes: 100 }],
    ["yamlBytes", "belay: 1\nname: p\nnodes: []\n", "", { yamlBytes: 20 }],
    ["nodes", { belay: 1, name: "p", nodes: [NODE, { ...NODE, id: "b" }] }, "nodes", { nodes: 1 }],
    ["depth", plan({ with: nested(5) }), "nodes[0].with[0][0]", { depth: 5 }],
    ["stringLength", plan({ description: "xxxxxxxxxxxx" }), "nodes[0].description", { stringLength: 11 }],
    ["edges", chain(3), "nodes", { edges: 1 }],
    ["expressionLength", plan({ when: "true || true" }), "nodes[0].when", { expressionLength: 5 }],
    ["expressionNodes", plan({ when: "true || true" }), "nodes[0].when", { expressionNodes: 2 }],
  ])(
    "R4: %s: what exceeds it is refused, and the message names the limit and its setting",
    (name, source, path, limits) => {
      const found = only(source, limits);
      expect(found).toMatchObject({ code: "LIMIT", severity: "error", path });
      expect(`${found?.message} ${found?.suggestion}`).toContain(`limits.${name}`);
    },
  );

  test("R4: a plan that is exactly as large as its limits passes", () => {
    const source = JSON.stringify(plan({ with: nested(3) }));
    const limits = { bytes: source.length, depth: 6, nodes: 1, stringLength: 11 };
    expect(checkPlan(source, { limits }).diagnostics).toEqual([]);
    expect(checkPlan(source, { limits: { ...limits, bytes: source.length - 1 } }).plan).toBeUndefined();
    expect(checkPlan(source, { limits: { ...limits, depth: 5 } }).plan).toBeUndefined();
  });

  test.each([{ nodes: 0 }, { bytes: -1 }, { depth: 1.5 }, { edges: Number.NaN }, { depth: 257 }, { nods: 5 }])(
    "R4: %j is no limit",
    (limits) => {
      expect(() => resolveLimits(limits as Partial<Limits>)).toThrow(/limits\./);
    },
  );

  test("R4: Infinity switches a limit off", () => {
    expect(resolveLimits({ nodes: Number.POSITIVE_INFINITY }).nodes).toBe(Number.POSITIVE_INFINITY);
    expect(resolveLimits()).toEqual(DEFAULT_LIMITS);
  });

  test.each([
    ["closed lists", `${"[".repeat(100_000)}${"]".repeat(100_000)}`],
    ["open lists", "[".repeat(100_000)],
    ["mappings", `${'{"a":'.repeat(100_000)}1${"}".repeat(100_000)}`],
    ["flow-style YAML", `${"{a: ".repeat(100_000)}1`],
    ["YAML list items", `${"- ".repeat(100_000)}x`],
    ["YAML keys", `${"? ".repeat(100_000)}x`],
    ["YAML indentation", Array.from({ length: 1500 }, (_, i) => `${" ".repeat(i)}k:`).join("\n")],
  ])("R4: a text nested very deep in %s is refused, not followed", (_, text) => {
    const found = only(text);
    expect(found).toMatchObject({ code: "LIMIT" });
    expect(found?.line).toBeGreaterThan(0);
    expect(found?.column).toBeGreaterThan(0);
  });

  test("R4: an object nested very deep is refused, not followed", () => {
    expect(only(plan({ with: nested(100_000) }))).toMatchObject({ code: "LIMIT" });
  });

  test("R4: one value shared so often that its copy would be huge is refused", () => {
    let value: unknown = "x";
    for (let level = 0; level < 40; level++) value = [value, value];
    expect(only(plan({ with: value }), { bytes: 100_000 })).toMatchObject({ code: "LIMIT" });
  });

  test("R4: the depth allowed at most is read in every notation", () => {
    const limits = { depth: 256 };
    const nodes = `nodes: [{id: a, action: belay.noop, with: ${"[".repeat(250)}${"]".repeat(250)}}]`;
    const block = `nodes:\n  - id: a\n    action: belay.noop\n    with:\n      ${"- ".repeat(250)}x`;
    for (const text of [nodes, block])
      expect(checkPlan(`belay: 1\nname: p\n${text}\n`, { limits }).diagnostics).toEqual([]);
  });
});

describe("R4: size", { timeout: 120_000 }, () => {
  // Generous for a busy machine, far below what quadratic work would take: 10^10 steps.
  const WITHIN_MS = 90_000;

  test("R4: a chain of 100 000 nodes is read, checked and hashed", () => {
    const text = JSON.stringify(chain(100_000, { timeout: 30, with: { a: 1 } }));
    const start = performance.now();
    const { plan: made, diagnostics } = checkPlan(text);
    expect(diagnostics).toEqual([]);
    expect(made?.document.nodes).toHaveLength(100_000);
    expect(performance.now() - start).toBeLessThan(WITHIN_MS);
  });

  test("R4: 100 000 faults in one text are all reported, each with its place and the nearest name", () => {
    const text = JSON.stringify(chain(100_000, { timeuot: 30 }));
    const start = performance.now();
    const { diagnostics } = checkPlan(text);
    expect(diagnostics).toHaveLength(100_000);
    expect(diagnostics.every(({ suggestion, line }) => suggestion === 'did you mean "timeout"?' && line === 1)).toBe(
      true,
    );
    expect(performance.now() - start).toBeLessThan(WITHIN_MS);
  });

  test("R4: a mapping of 100 000 keys in YAML is checked for duplicates in linear time", () => {
    const keys = Array.from({ length: 100_000 }, (_, index) => `k${index}: 1`).join("\n");
    const start = performance.now();
    const { diagnostics } = checkPlan(`${keys}\nk7: 2\n`);
    expect(diagnostics).toMatchObject([{ code: "DUPLICATE_KEY", line: 100_001, column: 1, path: "k7" }]);
    expect(performance.now() - start).toBeLessThan(WITHIN_MS);
  });

  test("R4: suggestions stop when too much was compared", () => {
    const suggest = suggester(Array.from({ length: 100_000 }, (_, index) => `node-${index}`));
    const answers = Array.from({ length: 100 }, (_, index) => suggest(`nod-${index}`));
    expect(answers[0]).toBe("node-0");
    expect(answers.at(-1)).toBeUndefined();
  });
});

describe("did you mean", () => {
  const suggest = suggester(["upstreams", "downstreams", "timeout", "id", "compensate-first"]);

  test.each([
    ["upstrems", "upstreams"],
    ["timeuot", "timeout"],
    ["Timeout", "timeout"],
    ["compensate_first", "compensate-first"],
    ["ids", "id"],
    ["retries", undefined],
    ["xy", undefined],
    ["timeout", undefined],
  ])("R3: %s suggests %s", (word, expected) => {
    expect(suggest(word)).toBe(expected);
  });
});
