import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkPlan, parsePlan } from "../../packages/engine/src/plan/parse.ts";

describe("R1: any input", () => {
  const fragments = fc.constantFrom(
    "belay: 1\n",
    "name: p\n",
    "nodes:\n",
    "  - id: a\n",
    "    action: belay.noop\n",
    "    upstreams: [a, b]\n",
    "- ",
    "? ",
    ": ",
    "{",
    "}",
    "[",
    "]",
    "&x ",
    "*x ",
    "!t ",
    "|\n",
    ">-\n",
    "'",
    '"',
    "#",
    "---\n",
    "...\n",
    "%YAML 1.2\n",
    "\t",
    "  ",
    "\u{FEFF}",
    "\\u0000",
    "9".repeat(20),
    ".nan",
    "__proto__: 1\n",
    "constructor: 1\n",
    ",",
    "with: {$cel: 'x'}\n",
  );
  const text = fc.oneof(
    fc.string({ unit: "binary", maxLength: 200 }),
    fc.array(fragments, { maxLength: 40 }).map((parts) => parts.join("")),
    fc.jsonValue({ maxDepth: 5 }).map((value) => JSON.stringify(value)),
  );

  test("R1: whatever the text, checking answers a plan or located diagnostics and throws nothing", () => {
    fc.assert(
      fc.property(text, (source) => {
        const { plan, diagnostics } = checkPlan(source);
        expect(plan === undefined).toBe(diagnostics.some(({ severity }) => severity === "error"));
        for (const { line, column } of diagnostics) {
          expect(line).toBeGreaterThanOrEqual(1);
          expect(column).toBeGreaterThanOrEqual(1);
        }
      }),
      { numRuns: 1500 },
    );
  });

  test("R1: a JSON text reads as JSON.parse reads it", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), fc.constantFrom(0, 1, 4), (value, indent) => {
        const document = {
          belay: 1,
          name: "p",
          nodes: [{ id: "a", action: "belay.noop", with: { list: [null, -1.5e-3] } }],
        };
        const source = JSON.stringify({ ...document, title: JSON.stringify(value) }, null, indent);
        expect(parsePlan(source).document).toEqual(JSON.parse(source));
      }),
    );
  });

  test("R1: whatever the object, checking throws nothing", () => {
    const node = fc.record(
      {
        id: fc.constantFrom("a", "b", "", 1),
        action: fc.constantFrom("belay.noop", "x", null),
        upstreams: fc.oneof(fc.array(fc.constantFrom("a", "b", "zz")), fc.anything()),
        split: fc.oneof(fc.record({ over: fc.constantFrom("params.x", "[1]", "((") }), fc.anything()),
        with: fc.anything(),
        when: fc.oneof(fc.constantFrom("true", "params.x", "1 +", "nodes.a.output"), fc.anything()),
      },
      { requiredKeys: [] },
    );
    const document = fc.record(
      { belay: fc.constant(1), name: fc.constant("p"), params: fc.anything(), nodes: fc.array(node) },
      { requiredKeys: ["belay", "name", "nodes"] },
    );
    fc.assert(
      fc.property(fc.oneof(document, fc.anything()), (source) => {
        const { plan, diagnostics } = checkPlan(source);
        expect(plan === undefined).toBe(diagnostics.some(({ severity }) => severity === "error"));
      }),
      { numRuns: 1000 },
    );
  });
});
