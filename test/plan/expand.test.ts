/** Items of groups that are known at the start: values, diagnostics, limits. */
import { describe, expect, test } from "vitest";
import type { Json, NodeDocument, Plan } from "../../packages/engine/src/plan/document.ts";
import { bindItems } from "../../packages/engine/src/plan/expand.ts";
import { DEFAULT_LIMITS } from "../../packages/engine/src/plan/limits.ts";

function bind(
  nodes: (Partial<NodeDocument> & { id: string })[],
  params: Record<string, Json> = {},
  members = DEFAULT_LIMITS.members,
) {
  const document = { belay: 1, name: "p", nodes: nodes.map((node) => ({ action: "belay.noop", ...node })) };
  return bindItems({ document, hash: "" } as unknown as Plan, params, { ...DEFAULT_LIMITS, members });
}

describe("items", () => {
  test("R20: one member per item of the list, bound once and frozen", () => {
    const params = { hosts: [{ name: "a" }, { name: "b" }] };
    const { items, diagnostics } = bind([{ id: "g", split: { over: "params.hosts" } }, { id: "plain" }], params);
    expect(diagnostics).toEqual([]);
    expect(items).toEqual({ g: [{ name: "a" }, { name: "b" }] });
    (params.hosts[0] as { name: string }).name = "changed";
    expect(items["g"]).toEqual([{ name: "a" }, { name: "b" }]);
    expect(Object.isFrozen(items["g"]) && Object.isFrozen(items["g"]?.[0])).toBe(true);
  });

  test("R20: parallelIdx without split is a label and makes no group", () => {
    expect(
      bind([
        { id: "a", parallelIdx: 0 },
        { id: "b", parallelIdx: -1 },
      ]).items,
    ).toEqual({});
  });

  test("R23: a list from an ancestor is left to the run", () => {
    expect(bind([{ id: "a" }, { id: "g", upstreams: ["a"], split: { over: "nodes.a.output + params.more" } }])).toEqual(
      { items: {}, diagnostics: [] },
    );
  });

  test.each([
    ["missing", {}, "No such key: hosts"],
    ["no list", { hosts: "abc" }, "is no list"],
    ["a mapping", { hosts: { a: 1 } }, "is no list"],
    ["empty", { hosts: [] }, "is empty"],
  ])("R20: a list that is %s is a diagnostic at its place", (_, params, message) => {
    const { items, diagnostics } = bind([{ id: "a" }, { id: "g", split: { over: "params.hosts" } }], params);
    expect(items).toEqual({});
    expect(diagnostics).toMatchObject([
      { code: "SPLIT", path: "nodes[1].split.over", message: expect.stringContaining(message) },
    ]);
  });

  test("R4: the members of all groups together are limited", () => {
    const nodes = [
      { id: "g", split: { over: "[1, 2]" } },
      { id: "h", split: { over: "[1, 2, 3]" } },
    ];
    expect(bind(nodes, {}, 5).diagnostics).toEqual([]);
    expect(bind(nodes, {}, 4).diagnostics).toMatchObject([{ code: "LIMIT", path: "nodes[1].split.over" }]);
  });

  test("R2: ids that are properties of every object are plain ids", () => {
    expect(bind([{ id: "constructor", split: { over: "[1]" } }]).items["constructor"]).toEqual([1]);
    expect("constructor" in bind([{ id: "a" }]).items).toBe(false);
  });
});
