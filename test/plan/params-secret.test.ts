/** Marks of secrets in a plan: where they are, what a plan may not say under one (R46). */
import { describe, expect, test } from "vitest";
import type { Json } from "../../packages/engine/src/plan/document.ts";
import { checkParamsSchema } from "../../packages/engine/src/plan/params.ts";
import { secretLeaves, secretPaths, secretPatterns } from "../../packages/engine/src/plan/params-secret.ts";
import { EVERY, parseSecretPath } from "../../packages/engine/src/plan/secret-path.ts";

const SECRET = { type: "string", "x-secret": true };
const faults = (schema: Json): string[] => checkParamsSchema(schema).map(({ code, path }) => `${code} ${path}`);
const leavesAt = (value: Json, ...paths: string[]): (string | number)[] =>
  [
    ...secretLeaves(
      value,
      paths.map((path) => parseSecretPath(path) ?? []),
    ),
  ].toSorted();

describe("R46: places of secrets", () => {
  test.each([
    ["", []],
    ["password", ["password"]],
    ["users[*].token", ["users", EVERY, "token"]],
    ["list[2]", ["list", 2]],
    ['["a b"].c', ["a b", "c"]],
    ['["*"]', ["*"]],
    ["a..b", undefined],
    ["a[", undefined],
    ["a b", undefined],
  ])("R46: %j is read as it is written", (path, steps) => {
    expect(parseSecretPath(path)).toEqual(steps);
  });

  test("R46: every text and number at or below a secret place is one, keys and the rest are not", () => {
    const value = { a: { b: ["x", 1, true, null, ""], c: "y" }, list: [{ t: "u" }, { t: "v" }], "a b": "w" };
    expect(leavesAt(value, "a.b")).toEqual([1, "x"]);
    expect(leavesAt(value, "a", "list[*].t")).toEqual([1, "u", "v", "x", "y"]);
    expect(leavesAt(value, "list[1]", '["a b"]')).toEqual(["v", "w"]);
    expect(leavesAt(value, "nowhere.t", "list.t")).toEqual([]);
    expect(leavesAt("whole", "")).toEqual(["whole"]);
  });

  test("R46: the marks of a schema are worked out once", () => {
    const schema = { properties: { a: SECRET, map: { additionalProperties: SECRET } } };
    expect(secretPaths(schema)).toEqual(["a", "map[*]"]);
    expect(secretPatterns(schema)).toEqual([["a"], ["map", EVERY]]);
    expect(secretPatterns(schema)).toBe(secretPatterns(schema));
    expect(secretPatterns({ "x-secret": true })).toEqual([[]]);
  });
});

describe("R46: what a plan says of a secret, everybody reads", () => {
  test.each<[string, Json, string[]]>([
    ["a default", { properties: { a: { ...SECRET, default: "s" } } }, ["CONFLICT params.properties.a.default"]],
    ["a number", { properties: { a: { "x-secret": true, const: 5 } } }, ["CONFLICT params.properties.a.const"]],
    ["one of a list", { properties: { a: { ...SECRET, enum: ["s", "t"] } } }, ["CONFLICT params.properties.a.enum"]],
    [
      "a default above the mark",
      { properties: { a: { type: "object", properties: { b: SECRET }, default: { b: "s" } } } },
      ["CONFLICT params.properties.a.default"],
    ],
    [
      "a default below the mark",
      { properties: { a: { "x-secret": true, type: "object", properties: { b: { default: "s" } } } } },
      ["CONFLICT params.properties.a.properties.b.default"],
    ],
    [
      "a default in a definition",
      { properties: { a: { $ref: "#/$defs/s" } }, $defs: { s: { ...SECRET, default: "s" } } },
      ["CONFLICT params.properties.a.allOf[0].default"],
    ],
    [
      "one in a list",
      { properties: { a: { items: { ...SECRET, const: "s" } } } },
      ["CONFLICT params.properties.a.items.const"],
    ],
    [
      "every parameter",
      { "x-secret": true, properties: { a: { default: 1 } } },
      ["CONFLICT params.properties.a.default"],
    ],
  ])("R46: %s is refused", (_, schema, expected) => {
    expect(faults(schema)).toEqual(expected);
  });

  test.each<[string, Json]>([
    ["an empty default", { properties: { a: { ...SECRET, default: "" } } }],
    ["a default of a switch", { properties: { a: { type: "boolean", "x-secret": true, default: true } } }],
    ["a default beside the mark", { properties: { a: { properties: { b: SECRET }, default: {} } } }],
    ["a default of another parameter", { properties: { a: SECRET, b: { default: "s" } } }],
    ["a mark that says no", { properties: { a: { "x-secret": false, default: "s" } } }],
  ])("R46: %s is none", (_, schema) => {
    expect(faults(schema)).toEqual([]);
  });

  test("R46: the refusal does not repeat the value", () => {
    const schema = { properties: { a: { ...SECRET, default: "hunter2", enum: ["hunter2"] } } };
    expect(JSON.stringify(checkParamsSchema(schema))).not.toContain("hunter2");
  });
});
