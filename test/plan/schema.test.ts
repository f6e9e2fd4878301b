import { readFileSync } from "node:fs";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Json } from "../../packages/engine/src/plan/document.ts";
import { checkRules } from "../../packages/engine/src/plan/rules.ts";
import { checkStructure } from "../../packages/engine/src/plan/structure.ts";
import { generatePlanSchema } from "../../scripts/plan-schema.ts";

const PUBLISHED = new URL("../../packages/engine/plan.schema.json", import.meta.url);
function compile(): ValidateFunction {
  return new Ajv2020({ strict: false }).compile(JSON.parse(generatePlanSchema()));
}

const VALUE = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    true,
    false,
    -1,
    0,
    1,
    2,
    0.5,
    1e9,
    31_536_000,
    31_536_001,
    "",
    "a",
    "25%",
    "101%",
    "none",
    "full",
    "rerun",
  ),
  fc.constantFrom<unknown>(
    "PARALLEL",
    "SERIAL",
    "started",
    "fail",
    "continue",
    "rollback",
    "any_failed",
    [],
    ["a"],
    [1],
    {},
    { $cel: "1" },
    { $cel: 1 },
    { a: [{ $cel: "1", b: 2 }] },
  ),
);
const PATH = fc.constantFrom(
  "belay",
  "$schema",
  "name",
  "title",
  "description",
  "labels",
  "locks",
  "timeout",
  "failureMode",
  "onFailure",
  "defaults",
  "prohibitRollback",
  "nodes",
  "defaults.timeout",
  "defaults.retry",
  "defaults.compensation",
  "defaults.compensation.timeout",
  "extra",
  "constructor",
  "nodes.0",
  "nodes.0.id",
  "nodes.0.name",
  "nodes.0.nodeType",
  "nodes.0.action",
  "nodes.0.with",
  "nodes.0.with.x",
  "nodes.0.upstreams",
  "nodes.0.trigger",
  "nodes.0.timeout",
  "nodes.0.totalTimeout",
  "nodes.0.heartbeatTimeout",
  "nodes.0.effect",
  "nodes.0.prohibitRollback",
  "nodes.0.onFailure",
  "nodes.0.pool",
  "nodes.0.priority",
  "nodes.0.seriesId",
  "nodes.0.parallelIdx",
  "nodes.0.extra",
  "nodes.0.always",
  ...["maxAttempts", "initialInterval", "backoffCoefficient", "maxInterval", "jitter", "nonRetryable", "mode", "x"].map(
    (key) => `nodes.0.retry.${key}`,
  ),
  ...["action", "with", "timeout", "retry", "when", "x"].map((key) => `nodes.0.compensation.${key}`),
  ...["as", "method", "maxConcurrency", "tolerated", "x"].map((key) => `nodes.0.split.${key}`),
);

describe("R1: the published schema", () => {
  const validate = compile();
  const agree = (document: Json): void => {
    const { diagnostics, sound } = checkStructure(document);
    const templates = sound === undefined ? [] : checkRules(sound).filter(({ path }) => path.includes(".with"));
    const structural = [...diagnostics, ...templates];
    expect({ document, valid: validate(document) }).toEqual({ document, valid: structural.length === 0 });
  };

  test("R1: packages/engine/plan.schema.json is what the parser's schema generates", () => {
    expect(readFileSync(PUBLISHED, "utf8")).toBe(generatePlanSchema());
  });

  test("R1: it describes every field of plans and nodes", () => {
    const schema = JSON.parse(generatePlanSchema());
    expect(schema.$id).toBe("urn:belay:plan:1");
    for (const fields of [schema.properties, schema.properties.nodes.items.properties]) {
      for (const [name, field] of Object.entries<{ description?: string }>(fields)) {
        expect(`${name}: ${field.description}`).toMatch(/: .+/);
        expect(field.description, name).toBeDefined();
      }
    }
  });

  test.each<[string, object]>([
    ["an unknown field", { titel: "x" }],
    ["a list for a mapping", { defaults: [] }],
    ["an unknown field deep inside", { defaults: { compensation: { timout: 1 } } }],
    ["labels that are no text", { labels: { constructor: 5 } }],
    ["a negative timeout", { timeout: -1 }],
    ["a lock that is an expression", { locks: ["a", { $cel: "'b'" }] }],
    ["a lock with a neighbour", { locks: [{ $cel: "'b'", x: 1 }] }],
    ["an unknown word", { failureMode: "stop" }],
    ["another version", { belay: 2 }],
    ["params that are no mapping", { params: [] }],
    ["nodes that are no list", { nodes: {} }],
  ])("R1: the parser and the published schema agree on %s", (_, fields) => {
    agree({ belay: 1, name: "p", nodes: [], ...fields } as Json);
  });

  test("R1: the parser and the published schema agree on documents one field away from a right one", () => {
    fc.assert(
      fc.property(PATH, VALUE, fc.boolean(), (place, replacement, remove) => {
        const document = {
          belay: 1,
          name: "p",
          labels: {},
          locks: [],
          defaults: { retry: {}, compensation: {} },
          nodes: [
            {
              id: "a",
              action: "belay.noop",
              with: {},
              retry: {},
              compensation: { action: "belay.noop" },
              split: { over: "[1]" },
            },
          ],
        };
        const keys = place.split(".");
        const last = keys.pop() as string;
        let target: Record<string, unknown> = document;
        for (const key of keys) target = target[key] as Record<string, unknown>;
        if (remove && !Array.isArray(target)) delete target[last];
        else target[last] = replacement;
        agree(document as unknown as Json);
      }),
      { numRuns: 3000 },
    );
  });
});
