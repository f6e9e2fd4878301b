/** What expressions and lists may read, and the rules of groups that need them. */
import { describe, expect, test } from "vitest";
import { checkGraph } from "../../packages/engine/src/plan/check.ts";
import type { NodeDocument, PlanDocument } from "../../packages/engine/src/plan/document.ts";
import { DEFAULT_LIMITS } from "../../packages/engine/src/plan/limits.ts";

type Draft = Partial<NodeDocument> & { id: string };

function plan(nodes: Draft[], rest: Partial<PlanDocument> = {}): PlanDocument {
  return { belay: 1, name: "p", nodes: nodes.map((node) => ({ action: "belay.noop", ...node })), ...rest };
}

function check(nodes: Draft[], rest: Partial<PlanDocument> = {}) {
  return checkGraph(plan(nodes, rest), DEFAULT_LIMITS);
}

/** A plan whose runs are given `params.hosts`. */
const HOSTS: Partial<PlanDocument> = { params: { properties: { hosts: { type: "array" } } } };

/** Code and place of everything that is wrong. */
function findings(nodes: Draft[], rest: Partial<PlanDocument> = {}): string[] {
  return check(nodes, rest).diagnostics.map(({ code, path }) => `${code} ${path}`);
}

describe("expressions", () => {
  const chain = [{ id: "a" }, { id: "b", upstreams: ["a"] }];

  test("R3: an expression reads ancestors, direct or not", () => {
    const when = 'nodes.a.status == "SUCCESSFUL" && nodes.b.output.ok';
    expect(findings([...chain, { id: "c", upstreams: ["b"], when }])).toEqual([]);
  });

  test("R3: reading a sibling, a descendant, itself or nobody is refused where it stands", () => {
    const nodes: Draft[] = [
      { id: "a", when: "nodes.c.output" },
      { id: "b", upstreams: ["a"], with: { x: [{ $cel: "nodes.d.output" }] } },
      { id: "c", upstreams: ["b"], when: "nodes.c.output" },
      { id: "d", upstreams: ["a"], with: { $cel: "nodes.bb.output" } },
    ];
    expect(findings(nodes)).toEqual([
      "NOT_AN_ANCESTOR nodes[0].when",
      "NOT_AN_ANCESTOR nodes[1].with.x[0]",
      "NOT_AN_ANCESTOR nodes[2].when",
      "UNKNOWN_NODE nodes[3].with",
    ]);
  });

  test("R3: the remedy of a read is an edge, but where that edge would make a cycle", () => {
    const nodes: Draft[] = [
      { id: "a", when: "nodes.c.output" },
      { id: "b", upstreams: ["a"], when: "nodes.b.output" },
      { id: "c", upstreams: ["b"], when: "nodes.d.output" },
      { id: "d" },
    ];
    expect(check(nodes).diagnostics.map(({ message, suggestion }) => [message, suggestion])).toEqual([
      ['the expression of "a" reads "c", which does not run before it', undefined],
      ['the expression of "b" reads the node itself, which has not run yet', undefined],
      ['the expression of "c" reads "d", which is not an ancestor of it', 'add "d" to nodes[2].upstreams'],
    ]);
  });

  test("R3: a parameter that nobody can give is refused wherever it is read, with the nearest name", () => {
    const params = { properties: { cluster: {}, hosts: {} }, additionalProperties: false };
    const nodes: Draft[] = [
      { id: "a", when: 'params.clustr == "x"', with: { of: { $cel: "params['cluster']" } } },
      { id: "b", split: { over: "params.host" } },
      { id: "c", compensation: { action: "undo", with: { $cel: "has(params.x)" } } },
    ];
    const locks = [{ $cel: "params.Cluster" }];
    expect(check(nodes, { params, locks }).diagnostics.map(({ path, suggestion }) => [path, suggestion])).toEqual([
      ["locks[0]", 'did you mean "cluster"?'],
      ["nodes[0].when", 'did you mean "cluster"?'],
      ["nodes[1].split.over", 'did you mean "hosts"?'],
      ["nodes[2].compensation.with", undefined],
    ]);
    expect(findings(nodes, { params: { ...params, additionalProperties: true }, locks })).toEqual([]);
  });

  test("R3: a plan without params takes none: reading them is refused", () => {
    const nodes: Draft[] = [
      { id: "a", when: "params.yes", with: { $cel: "params" } },
      { id: "b", with: { $cel: "[1].map(params, params)" } },
    ];
    expect(check(nodes, { locks: [{ $cel: "params.x" }] }).diagnostics).toMatchObject([
      { code: "EXPRESSION", path: "locks[0]", suggestion: "declare them in params, a JSON Schema" },
      { code: "EXPRESSION", path: "nodes[0].when" },
      { code: "EXPRESSION", path: "nodes[0].with" },
      { code: "EXPRESSION", path: "nodes[1].with" },
    ]);
  });

  test("R12: a trigger that asks for an upstream's outcome needs an upstream", () => {
    expect(
      findings([
        { id: "a", trigger: "any_failed" },
        { id: "b", trigger: "all_failed", upstreams: [] },
        { id: "c", trigger: "any_succeeded" },
        { id: "d", trigger: "all_finished" },
        { id: "e", trigger: "none_failed", downstreams: ["f"] },
        { id: "f", trigger: "any_failed" },
        { id: "g", trigger: "any_failed", upstreams: ["e"] },
      ]),
    ).toEqual([
      "EDGE_MISMATCH nodes[4].downstreams",
      "CONFLICT nodes[0].trigger",
      "CONFLICT nodes[1].trigger",
      "CONFLICT nodes[2].trigger",
    ]);
  });

  test("R3: an unknown id in an expression comes with the nearest known one", () => {
    const nodes: Draft[] = [{ id: "promote" }, { id: "b", upstreams: ["promote"], when: "nodes.promot.output" }];
    expect(check(nodes).diagnostics[0]?.suggestion).toBe('did you mean "promote"?');
  });

  test("R31: a compensation may read its own node", () => {
    const compensation = {
      action: "undo",
      with: { lsn: { $cel: "nodes.b.output.lsn" }, of: { $cel: "nodes.a.output" } },
    };
    expect(findings([{ id: "a" }, { id: "b", upstreams: ["a"], compensation }])).toEqual([]);
    expect(
      findings([{ id: "a", compensation: { action: "undo", with: { $cel: "nodes.b.output" } } }, chain[1] as Draft]),
    ).toEqual(["NOT_AN_ANCESTOR nodes[0].compensation.with"]);
  });

  test.each([
    ["a condition that is no boolean", { when: "size(params.hosts)" }, "EXPRESSION nodes[0].when"],
    ["a condition that does not parse", { when: "1 +" }, "EXPRESSION nodes[0].when"],
    ["an item outside of a group", { when: "item == 1" }, "EXPRESSION nodes[0].when"],
    ["an expression that is too long", { when: "x".repeat(5000) }, "LIMIT nodes[0].when"],
  ])("R3: %s is refused", (_, node, finding) => {
    expect(findings([{ id: "a", ...node }], HOSTS)).toEqual([finding]);
  });

  test("R40: a lock reads only params, and is a string", () => {
    const locks = [{ $cel: "params.cluster" }, "fixed", { $cel: "nodes.a.output" }, { $cel: "1 + 1" }];
    expect(findings([{ id: "a" }], { locks, params: { properties: { cluster: {} } } })).toEqual([
      "EXPRESSION locks[2]",
      "EXPRESSION locks[3]",
    ]);
  });
});

describe("groups", () => {
  const over = "params.hosts";

  test("R20: expressions of a group read the item, under both names", () => {
    const node: Draft = { id: "a", split: { over, as: "host" }, when: "host != item", with: { $cel: "host" } };
    expect(findings([node], HOSTS)).toEqual([]);
    expect(findings([{ id: "a", parallelIdx: 0, when: "item == null" }])).toEqual(["EXPRESSION nodes[0].when"]);
  });

  test("R23: a list comes from params, from a literal, or from an ancestor", () => {
    expect(
      findings([
        { id: "a", split: { over: "[1, 2]" } },
        { id: "b", upstreams: ["a"], split: { over: "nodes.a.output" } },
      ]),
    ).toEqual([]);
  });

  test.each([
    ["a list that is none", { over: "'abc'" }, "SPLIT nodes[0].split.over"],
    ["an empty literal", { over: "[]" }, "SPLIT nodes[0].split.over"],
    ["a list that reads the item", { over: "item" }, "SPLIT nodes[0].split.over"],
    ["a list that reads the run", { over: "[run.id]" }, "SPLIT nodes[0].split.over"],
    ["a list that does not parse", { over: "[" }, "EXPRESSION nodes[0].split.over"],
    ["a list of an unknown node", { over: "nodes.x.output" }, "UNKNOWN_NODE nodes[0].split.over"],
    ["a list of a node that is no ancestor", { over: "nodes.z.output" }, "NOT_AN_ANCESTOR nodes[0].split.over"],
    ["as that hides a name", { over, as: "params" }, "INVALID_VALUE nodes[0].split.as"],
    ["as that is a word of the language", { over, as: "while" }, "INVALID_VALUE nodes[0].split.as"],
    [
      "FIRST_SUCCESS with maxConcurrency",
      { over, method: "FIRST_SUCCESS", maxConcurrency: 2 },
      "CONFLICT nodes[0].split.maxConcurrency",
    ],
    [
      "FIRST_SUCCESS with tolerated",
      { over, method: "FIRST_SUCCESS", tolerated: 0 },
      "CONFLICT nodes[0].split.tolerated",
    ],
    [
      "SERIAL with maxConcurrency",
      { over, method: "SERIAL", maxConcurrency: 2 },
      "CONFLICT nodes[0].split.maxConcurrency",
    ],
    ["more than all", { over, tolerated: "101%" }, "INVALID_VALUE nodes[0].split.tolerated"],
    ["a share that is none", { over, tolerated: "half" }, "INVALID_VALUE nodes[0].split.tolerated"],
    ["less than none", { over, tolerated: -1 }, "INVALID_VALUE nodes[0].split.tolerated"],
  ] as const)("R3: %s is refused", (_, split, finding) => {
    expect(findings([{ id: "a", split }, { id: "z" }], HOSTS)).toEqual([finding]);
  });
});
