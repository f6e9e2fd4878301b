import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Json } from "../../packages/engine/src/plan/document.ts";
import { checkParams, checkParamsSchema } from "../../packages/engine/src/plan/params.ts";
import { patternFault } from "../../packages/engine/src/plan/params-pattern.ts";
import { secretPaths } from "../../packages/engine/src/plan/params-secret.ts";
import { checkPlan } from "../../packages/engine/src/plan/parse.ts";

const ADDRESS = { type: "string", format: "ipv4" };
const SCHEMA = {
  type: "object",
  required: ["cluster"],
  properties: {
    cluster: { type: "string", minLength: 1 },
    mode: { enum: ["switchover", "failover"], default: "switchover" },
    hosts: { type: "array", minItems: 1, items: { type: "object", required: ["ip"], properties: { ip: ADDRESS } } },
    wait: { type: "integer", minimum: 1, maximum: 60 },
    password: { type: "string", "x-secret": true },
    proxy: { $ref: "#/$defs/proxy" },
    target: { anyOf: [{ type: "string" }, { type: "object", properties: { name: { type: "string" } } }] },
  },
  $defs: {
    proxy: {
      type: "object",
      properties: { port: { type: "integer", default: 8080 }, token: { "x-secret": true } },
      additionalProperties: false,
    },
  },
} as const satisfies Json;

const brief = (diagnostics: readonly { code: string; path: string; suggestion?: string }[]): string[] =>
  diagnostics.map(
    ({ code, path, suggestion }) => `${code} ${path}${suggestion === undefined ? "" : ` (${suggestion})`}`,
  );
const faults = (params: unknown): string[] =>
  checkParams(SCHEMA, params).diagnostics.map(({ path, message }) => `${path} ${message}`);
const schemaFaults = (schema: Json): string[] => brief(checkParamsSchema(schema));

describe("R3: parameters", () => {
  test("R3: defaults are filled in at the top and in objects that are given", () => {
    expect(checkParams(SCHEMA, { cluster: "c", proxy: {} })).toEqual({
      params: { cluster: "c", mode: "switchover", proxy: { port: 8080 } },
      diagnostics: [],
    });
    expect(checkParams(SCHEMA, { cluster: "c", mode: "failover" }).params).toEqual({ cluster: "c", mode: "failover" });
  });

  test("R28: the answer is frozen and shares nothing with what was given or with the schema", () => {
    const schema = { properties: { a: { type: "object", default: { list: [1] } } } };
    const given = { b: 1 };
    const { params } = checkParams({ ...schema, additionalProperties: true }, given);
    schema.properties.a.default.list.push(2);
    given.b = 2;
    expect(params).toEqual({ a: { list: [1] }, b: 1 });
    expect(Object.isFrozen(params)).toBe(true);
  });

  test("R3: every parameter that does not fit is named, with its place", () => {
    const params = {
      clstr: "c",
      hosts: [{ ip: "x" }, {}, 5],
      wait: 0.5,
      mode: "drill",
      proxy: { port: "80", x: 1 },
      target: 5,
    };
    expect(brief(checkParams(SCHEMA, params).diagnostics)).toEqual([
      'PARAMS params.clstr (did you mean "cluster"?)',
      "PARAMS params.cluster",
      "PARAMS params.mode",
      "PARAMS params.hosts[0].ip",
      "PARAMS params.hosts[1].ip",
      "PARAMS params.hosts[2]",
      "PARAMS params.wait",
      "PARAMS params.wait",
      "PARAMS params.proxy.port",
      "PARAMS params.proxy.x",
      "PARAMS params.target",
    ]);
  });

  test("R3: the message says what is wanted", () => {
    expect(faults({ cluster: 5 })).toEqual(["params.cluster must be of type string, not number"]);
    expect(faults({})).toEqual(['params.cluster the parameter "cluster" is missing']);
    expect(faults({ cluster: "c", wait: 61 })).toEqual(["params.wait must be at most 60"]);
    expect(faults({ cluster: "c", mode: "x" })).toEqual(['params.mode must be one of "switchover", "failover"']);
    expect(faults({ cluster: "c", hosts: [] })).toEqual(["params.hosts must have at least 1 items"]);
    expect(faults({ cluster: "c", target: 5 })).toEqual(["params.target fits none of the allowed forms"]);
  });

  test("R2: no message shows a value, which may be secret", () => {
    const secret = "s3cr3t-value";
    for (const params of [{ password: [secret] }, { mode: secret }, { hosts: [{ ip: secret }] }, { wait: secret }]) {
      expect(JSON.stringify(checkParams(SCHEMA, params).diagnostics)).not.toContain(secret);
    }
  });

  test("R3: a plan without params takes no parameter", () => {
    expect(brief(checkParams(undefined, { x: 1 }).diagnostics)).toEqual(["PARAMS params.x"]);
    expect(checkParams(undefined)).toEqual({ params: {}, diagnostics: [] });
  });

  test("R3: names that the schema does not mention pass only with additionalProperties", () => {
    const schema = { properties: { a: true }, allOf: [{ properties: { b: true } }] };
    expect(brief(checkParams(schema, { a: 1, b: 2, c: 3 }).diagnostics)).toEqual(["PARAMS params.c"]);
    expect(checkParams({ ...schema, additionalProperties: true }, { c: 3 }).diagnostics).toEqual([]);
    expect(brief(checkParams({ ...schema, additionalProperties: { type: "string" } }, { c: 3 }).diagnostics)).toEqual([
      "PARAMS params.c",
    ]);
  });

  test.each([
    ["a list", [], "PARAMS params"],
    ["a function inside", { a: () => 1 }, "WRONG_TYPE params.a"],
    [
      "an unsafe integer",
      { a: 2 ** 60 },
      "UNSAFE_INTEGER params.a (write a smaller number, or a string where a string is allowed)",
    ],
  ])("R1: %s is refused as parameters", (_, params, expected) => {
    expect(brief(checkParams(SCHEMA, params).diagnostics)).toEqual([expected]);
  });
});

describe("R3: the params schema", () => {
  test("R3: mistakes are found with the plan, each at its place", () => {
    const text = "belay: 1\nname: p\nparams:\n  propertes:\n    a: {typ: string}\nnodes: []\n";
    expect(checkPlan(text).diagnostics).toMatchObject([
      { code: "UNKNOWN_FIELD", path: "params.propertes", line: 4, column: 3, suggestion: 'did you mean "properties"?' },
    ]);
  });

  test("R3: an unknown parameter of a closed schema is told once, with the nearest name", () => {
    const schema = { properties: { count: { type: "integer" } }, additionalProperties: false } as const;
    expect(checkParams(schema, { cuont: 1 }).diagnostics).toEqual([
      {
        code: "PARAMS",
        severity: "error",
        path: "params.cuont",
        message: 'the plan has no parameter "cuont"',
        suggestion: 'did you mean "count"?',
      },
    ]);
  });

  test.each<[string, Json, string]>([
    [
      "an unknown keyword",
      { properties: { a: { tpye: "string" } } },
      'UNKNOWN_FIELD params.properties.a.tpye (did you mean "type"?)',
    ],
    [
      "a mistyped x-secret",
      { properties: { a: { "x-secrets": true } } },
      'UNKNOWN_FIELD params.properties.a.x-secrets (did you mean "x-secret"?)',
    ],
    [
      "x-secret that is no boolean",
      { properties: { a: { "x-secret": "yes" } } },
      "WRONG_TYPE params.properties.a.x-secret",
    ],
    [
      "an unknown type",
      { properties: { a: { type: "strng" } } },
      'INVALID_VALUE params.properties.a.type (did you mean "string"?)',
    ],
    [
      "an unknown format",
      { properties: { a: { format: "ipv5" } } },
      'INVALID_VALUE params.properties.a.format (did you mean "ipv4"?)',
    ],
    [
      "a remote reference",
      { properties: { a: { $ref: "https://example.org/s.json" } } },
      "UNSUPPORTED params.properties.a.$ref",
    ],
    [
      "another draft",
      { $schema: "http://json-schema.org/draft-07/schema#", properties: {} },
      "INVALID_VALUE params.$schema",
    ],
    ["a reference to nothing", { $ref: "#/$defs/a", $defs: { b: {} } }, "INVALID_VALUE params.$ref"],
    [
      "a reference to itself",
      { $defs: { a: { items: { $ref: "#/$defs/a" } } } },
      "INVALID_VALUE params.$defs.a.items.$ref",
    ],
    ["an id", { $id: "https://example.org/s.json" }, "UNSUPPORTED params.$id"],
    ["pattern properties", { patternProperties: {} }, "UNSUPPORTED params.patternProperties"],
    ["a schema that is no object", { type: "array" }, "INVALID_VALUE params.type"],
    ["a property that is no schema", { properties: { a: 5 } }, "WRONG_TYPE params.properties.a"],
    ["properties that are a list", { properties: [] }, "WRONG_TYPE params.properties"],
    ["a negative length", { properties: { a: { minLength: -1 } } }, "WRONG_TYPE params.properties.a.minLength"],
    [
      "a default that does not fit",
      { properties: { a: { type: "integer", default: "x" } } },
      "INVALID_VALUE params.properties.a.default",
    ],
    [
      "a required name that is no property",
      { properties: { cluster: {} }, required: ["clutser"] },
      'INVALID_VALUE params.required[0] (did you mean "cluster"?)',
    ],
    [
      "a pattern without maxLength",
      { properties: { a: { pattern: "^a+$" } } },
      "INVALID_VALUE params.properties.a.pattern",
    ],
    [
      "uniqueItems without maxItems",
      { properties: { a: { uniqueItems: true } } },
      "INVALID_VALUE params.properties.a.uniqueItems",
    ],
  ])("R3: %s is refused", (_, schema, expected) => {
    expect(schemaFaults(schema)).toEqual([expected]);
  });

  test("R4: references that multiply are refused", () => {
    const $defs: Record<string, Json> = { d0: {} };
    for (let level = 1; level < 30; level++) {
      const $ref = `#/$defs/d${level - 1}`;
      $defs[`d${level}`] = { allOf: [{ $ref }, { $ref }] };
    }
    expect(schemaFaults({ $defs })).toEqual(["INVALID_VALUE params"]);
  });

  test("R2: the places of secrets are known, also in lists, mappings, alternatives and references", () => {
    expect(secretPaths(undefined)).toEqual([]);
    expect(secretPaths(SCHEMA)).toEqual(["password", "proxy.token"]);
    const key = { "x-secret": true };
    expect(
      secretPaths({
        properties: {
          list: { items: { properties: { key } } },
          map: { additionalProperties: key },
          either: { oneOf: [{ type: "string" }, { properties: { "a b": key } }] },
        },
      }),
    ).toEqual(['either["a b"]', "list[*].key", "map[*]"]);
  });
});

describe("R4: patterns", () => {
  test.each(["^[a-z][a-z0-9-]{0,62}$", "^(?:ro|rw)$", "^\\d{1,3}\\.\\d{1,3}$", "^(abc)+$", "^[*+]{2}$", "\\(a\\)+"])(
    "R4: %s is allowed",
    (pattern) => {
      expect(patternFault(pattern)).toBeUndefined();
    },
  );

  test.each([
    "(a+)+$",
    "(a|aa)+$",
    "(a?){30}a{30}",
    "((a)+b?)*",
    "a*a*a*a*b",
    "(a)\\1",
    "(?=a)b",
    "(?<!a)b",
    "(",
    "(?<n>a)\\k<n>",
    "([a-z]+)*x",
    "(a|a)(a|a)(a|a)(a|a)",
    "((a{100}){100}){100}",
  ])("R4: %s is refused", (pattern) => {
    expect(patternFault(pattern)).toBeDefined();
  });

  test("R4: a pattern is matched anywhere in a string, and never on one that is longer than its maxLength", () => {
    const schema = {
      properties: {
        a: { anyOf: [{ type: "string", maxLength: 200, pattern: "[ab]+[bc]+[cd]+$" }, { type: "number" }] },
      },
    };
    expect(checkParams(schema, { a: "xxabcd" }).diagnostics).toEqual([]);
    expect(checkParams(schema, { a: "xxabcde" }).diagnostics).toHaveLength(1);
    const start = performance.now();
    expect(checkParams(schema, { a: `${"b".repeat(1_000_000)}!` }).diagnostics).toHaveLength(1);
    // Trying it at each of a million places takes minutes.
    expect(performance.now() - start).toBeLessThan(30_000);
  }, 60_000);

  test("R4: what is allowed ends soon on the worst strings", () => {
    const start = performance.now();
    for (const pattern of ["a*a*a*b", "[ab]+[bc]+[cd]+!", "(?:a|b)a*a*c"]) {
      expect(patternFault(pattern)).toBeUndefined();
      const schema = { properties: { x: { maxLength: 256, pattern } } };
      expect(checkParams(schema, { x: "a".repeat(256) }).diagnostics).toHaveLength(1);
    }
    // An exponential search would not end; a busy machine is slow.
    expect(performance.now() - start).toBeLessThan(60_000);
  }, 120_000);
});

describe("R1: any schema and any parameters", () => {
  const keyword = fc.constantFrom(
    "type",
    "properties",
    "items",
    "enum",
    "required",
    "default",
    "pattern",
    "maxLength",
    "format",
    "$ref",
    "$defs",
    "allOf",
    "not",
    "if",
    "then",
    "x-secret",
    "additionalProperties",
    "uniqueItems",
    "multipleOf",
  );
  const { schema } = fc.letrec((tie) => ({
    schema: fc.oneof(
      { depthSize: "small" },
      fc.constantFrom<unknown>(true, "string", ["a"], 5, "#/$defs/a", "^a+$", {}, { type: "string" }, "object"),
      fc.dictionary(fc.oneof(keyword, fc.constantFrom("a", "b")), tie("schema"), { maxKeys: 4 }),
      fc.array(tie("schema"), { maxLength: 3 }),
    ),
  }));

  test("R1: checking a schema and parameters against it answers diagnostics and throws nothing", () => {
    fc.assert(
      fc.property(
        fc.dictionary(keyword, schema, { maxKeys: 5 }),
        fc.dictionary(fc.constantFrom("a", "b", "__proto__", "constructor"), fc.anything()),
        (any, params) => {
          const wrong = checkParamsSchema(any as Json);
          const { diagnostics } = checkParams(any as Record<string, Json>, params);
          expect(wrong.every(({ path }) => path.startsWith("params"))).toBe(true);
          expect(diagnostics.every(({ path }) => path.startsWith("params"))).toBe(true);
          secretPaths(any as Record<string, Json>);
        },
      ),
      { numRuns: 1000 },
    );
  });
});
