/** Expressions and templates: numbers, names, what is refused, limits, results. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { NODE_STATUSES } from "../../packages/engine/src/core/node-state.ts";
import type { Json } from "../../packages/engine/src/plan/document.ts";
import {
  type CompiledExpression,
  compileExpression,
  type ExpressionFailure,
  type ExpressionScope,
  MAX_MACRO_ITEMS,
} from "../../packages/engine/src/plan/expression.ts";
import { DEFAULT_LIMITS } from "../../packages/engine/src/plan/limits.ts";
import { STATUS_WORDS } from "../../packages/engine/src/plan/syntax.ts";
import { compileTemplate } from "../../packages/engine/src/plan/template.ts";

const RUN = { id: "run-1", startedAt: 1_700_000_000_000 };

function compiled(source: string, as?: string): CompiledExpression {
  const result = compileExpression(source, DEFAULT_LIMITS, as);
  if (!result.ok) throw new Error(`${source}: ${result.message}`);
  return result;
}

function refusal(source: string, as?: string): ExpressionFailure {
  const result = compileExpression(source, DEFAULT_LIMITS, as);
  if (result.ok) throw new Error(`${source} was accepted`);
  return result;
}

function scope(parts: Partial<ExpressionScope> = {}): ExpressionScope {
  return { params: {}, nodes: {}, run: RUN, ...parts };
}

function value(source: string, parts: Partial<ExpressionScope> = {}, as?: string): Json {
  const result = compiled(source, as).evaluate(scope(parts));
  if (!result.ok) throw new Error(result.message);
  return result.value;
}

function failureOf(source: string, parts: Partial<ExpressionScope> = {}): string {
  const result = compiled(source).evaluate(scope(parts));
  if (result.ok) throw new Error(`${source} gave ${JSON.stringify(result.value)}`);
  return result.message;
}

describe("numbers", () => {
  const params = { count: 3, ratio: 1.5, hosts: ["a", "b", "c"], big: Number.MAX_SAFE_INTEGER };
  test.each([
    ["params.count + 1", 4],
    ["1 + params.count", 4],
    ["(1 + params.count) / 2", 2],
    ["params.count / 2", 1.5],
    ["params.count % 2", 1],
    ["7 / 2", 3],
    ["params.ratio * 2", 3],
    ["-params.count", -3],
    ["0 * -params.ratio", 0],
    ["size(params.hosts) - params.count", 0],
    ["params.hosts[params.count - 1]", "c"],
    ["size(params.hosts) > 2", true],
    ["params.count == 3", true],
    ["params.count in [1, 2, 3]", true],
    ["string(params.count)", "3"],
    ["params.hosts.map(h, size(h))", [1, 1, 1]],
    ["[1, params.count, 2.5]", [1, 3, 2.5]],
    ["{'a': 1 + 1}", { a: 2 }],
    ["5u", 5],
  ])("R2: %s is %j: numbers of JSON and ints of the language mix", (source, expected) => {
    expect(value(source, { params })).toEqual(expected);
  });

  test("R2: a result is plain JSON, and 0 has no sign", () => {
    expect(Object.is(value("0 * -params.ratio", { params }), 0)).toBe(true);
    expect(JSON.stringify(value("[size(params.hosts)]", { params }))).toBe("[3]");
  });

  test.each([
    ["9007199254740993", "beyond 2^53"],
    ["params.big + 1", "beyond 2^53"],
    ["params.count / 0.0", "Infinity"],
    ["0.0 / 0.0", "NaN"],
    ["1 / 0", "division by zero"],
  ])("R4: %s fails rather than being rounded (%s)", (source, message) => {
    expect(failureOf(source, { params })).toContain(message);
  });

  test("R2: integer arithmetic on parameters agrees with JavaScript", () => {
    const int = fc.integer({ min: -1_000_000, max: 1_000_000 });
    fc.assert(
      fc.property(int, int, fc.constantFrom("+", "-", "*"), (left, right, operator) => {
        const expected = { "+": left + right, "-": left - right, "*": left * right }[operator] as number;
        const literal = right < 0 ? `(${right})` : `${right}`;
        expect(value(`params.left ${operator} ${literal}`, { params: { left } })).toBe(expected === 0 ? 0 : expected);
        expect(value(`params.left ${operator} params.right`, { params: { left, right } })).toBe(
          expected === 0 ? 0 : expected,
        );
      }),
      { numRuns: 50 },
    );
  });
});

describe("names", () => {
  test("R3: an expression says what it reads, each node once, in order", () => {
    const expression = compiled(
      'nodes["stop-primary"].output.lsn == nodes.promote.output.lsn && nodes["stop-primary"].status == "SUCCESSFUL"',
    );
    expect(expression.nodesRead).toEqual(["stop-primary", "promote"]);
    expect(expression).toMatchObject({ readsNodes: true, readsItem: false, readsParams: false, type: "bool" });
  });

  test("R38: an expression says of which nodes it reads the output, not only the status", () => {
    expect(compiled("nodes.a.status == 'FAILED' && nodes.b.status == 'FAILED'").outputsRead).toEqual([]);
    expect(compiled('nodes.a.status == "FAILED" || has(nodes["b-c"].output) ? nodes.a.output : 1').outputsRead).toEqual(
      ["b-c", "a"],
    );
  });

  test("R2: an id with '.' or '-' is read with brackets, in has() too", () => {
    const nodes = { "a.b-c": { output: { x: 1 }, status: "SUCCESSFUL" }, "a-b": { status: "SKIPPED" } };
    expect(value('nodes["a.b-c"].output.x + 1', { nodes })).toBe(2);
    expect(value('has(nodes["a.b-c"].output.x)', { nodes })).toBe(true);
    expect(value('has(nodes["a-b"].output)', { nodes })).toBe(false);
    expect(value("nodes['a-b']['status']", { nodes })).toBe("SKIPPED");
  });

  test("R3: a status is a string, and what it is compared with is a status", () => {
    expect(compiled("nodes.a.status").type).toBe("string");
    expect(refusal("nodes.a.status + 1").message).toContain("overload");
    expect(refusal("nodes.a.status == 1").message).toContain("overload");
    const wrong = (source: string): string => {
      const { message, suggestion } = refusal(source);
      return `${message} (${suggestion})`;
    };
    expect(wrong('nodes.a.status == "SUCESSFUL"')).toBe(
      '"SUCESSFUL" is no status of a node (did you mean "SUCCESSFUL"?)',
    );
    expect(wrong('"SUCCEEDED" != nodes["a"].status')).toContain('did you mean "SUCCESSFUL"?');
    expect(wrong('nodes.a.status in ["FAILED", "failed"]')).toContain('did you mean "FAILED"?');
    expect(wrong('nodes.a.status == "done"')).toContain("a status is one of PENDING, ");
    expect(compiled('nodes.a.status in ["FAILED", "SKIPPED"] || nodes.a.output == "done"').type).toBe("bool");
    expect(value("has(nodes.a.status)", { nodes: { a: { status: "FAILED" } } })).toBe(true);
    expect(wrong("belay_statuses.n0")).toContain("belay_statuses");
  });

  test("R3: the statuses that expressions know are those of the core", () => {
    expect([...STATUS_WORDS].sort()).toEqual([...NODE_STATUSES].sort());
  });

  test("R3: an expression says which parameters it reads by name", () => {
    expect(compiled('params.a.b + params["c d"]').paramsRead).toEqual(["a", "c d"]);
    expect(compiled("params").paramsRead).toEqual([]);
  });

  test("R2: ids that are properties of every object are plain ids", () => {
    expect(value("nodes.constructor.output", { nodes: { constructor: { output: 1, status: "SUCCESSFUL" } } })).toBe(1);
    expect(failureOf("nodes.constructor.output", { nodes: {} })).toContain("unknown to the run");
  });

  test("R20: `as` names the item, and counts as reading it", () => {
    expect(compiled("host", "host").readsItem).toBe(true);
    expect(value("host + item", { item: "a" }, "host")).toBe("aa");
    expect(compiled("params.list.all(host, host != '')", "host").readsItem).toBe(false);
    expect(refusal("host").message).toContain("Unknown variable: host");
  });

  test.each([
    "now()",
    "random()",
    "foo",
    "run.foo",
    "run.id + 1",
    "params ? 1 : 2",
    "1 + 'a'",
    "nodes.a.output &&",
    "",
    "1 +",
    "a b",
  ])("R3: %j does not parse or type-check", (source) => {
    expect(refusal(source)).toMatchObject({ ok: false, code: "EXPRESSION" });
  });

  test.each([
    ["nodes[params.x].output", "literal"],
    ["size(nodes) > 1", "literal"],
    ["nodes.a", "literal"],
    ["nodes.map(n, n)", "literal"],
    ["nodes.a.result", 'no "result"'],
    ["params.s.matches('^(a+)+$')", "exponential"],
    ["cel.bind(x, 1, x + 1)", "cel.bind"],
    ["params.a.map(x, x.map(y, y))", "do not nest"],
    ["params.a.all(x, params.b.exists(y, x == y))", "do not nest"],
    ["params.a.map(nodes, nodes.b)", "meaning of its own"],
    ["timestamp('2020-01-01T00:00:00Z')", "JSON cannot hold"],
    ["b'abc'", "JSON cannot hold"],
    ["{'constructor': 1}", "cannot be a key"],
  ])("R3: %s is refused (%s)", (source, message) => {
    expect(refusal(source).message).toContain(message);
  });

  test("R3: macros in a row, and beside each other, do not nest", () => {
    expect(value("params.a.filter(x, x > 1).map(x, x * 2)", { params: { a: [1, 2, 3] } })).toEqual([4, 6]);
    expect(value("params.a.all(x, x > 0) && params.a.exists(x, x == 3)", { params: { a: [1, 2, 3] } })).toBe(true);
  });
});

describe("limits", () => {
  test.each([
    ["a long expression", "x".repeat(DEFAULT_LIMITS.expressionLength + 1), "characters; the limit is 4096"],
    ["a large expression", `[${"1,".repeat(DEFAULT_LIMITS.expressionNodes)}1]`, "elements; the limit is 1000"],
    ["a deep expression", `${"(".repeat(40)}1${")".repeat(40)}`, "levels of nesting; the limit is 32"],
  ])("R4: %s has its own diagnostic", (_, source, message) => {
    expect(refusal(source)).toMatchObject({ code: "LIMIT", message: expect.stringContaining(message) });
  });

  test("R4: a macro ranges over a bounded list, wherever the list comes from", () => {
    const full = Array.from({ length: MAX_MACRO_ITEMS }, (_, k) => k);
    expect(value("params.list.all(x, x >= 0)", { params: { list: full } })).toBe(true);
    for (const source of [
      "params.list.all(x, x >= 0)",
      "(params.list).map(x, x)",
      "[0].filter(x, x > 1) == params.list.map(x, x)",
    ]) {
      expect(failureOf(source, { params: { list: [...full, 0] } })).toContain("the limit is 1000");
    }
    expect(failureOf("(params.list + params.list).exists(x, x == 5)", { params: { list: full } })).toContain(
      "2000 items",
    );
  });

  test("R4: a long chain of operators is compiled and evaluated", () => {
    const source = Array.from({ length: 300 }, () => "params.n").join(" + ");
    const limits = { ...DEFAULT_LIMITS, expressionNodes: 10_000 };
    const result = compileExpression(source, limits);
    expect(result.ok && result.evaluate(scope({ params: { n: 2 } }))).toEqual({ ok: true, value: 600 });
  });

  test("R4: raised limits end in a failure, not in a crash", () => {
    const limits = {
      ...DEFAULT_LIMITS,
      expressionNodes: Number.POSITIVE_INFINITY,
      expressionLength: Number.POSITIVE_INFINITY,
    };
    expect(compileExpression(`${"!".repeat(200_000)}true`, limits).ok).toBe(false);
    expect(compileExpression(`1${" + 1".repeat(200_000)}`, limits)).toMatchObject({ ok: false, code: "LIMIT" });
  });
});

describe("evaluation", () => {
  test.each([
    ["params.missing == null", "No such key: missing"],
    ["params.s + 1", "no such overload"],
    ["params.s > 1", "no such overload"],
    ["item == 1", "item"],
    ["params.n.x", "No such key: x"],
  ])("R3: %s fails, it is never false", (source, message) => {
    expect(failureOf(source, { params: { s: "x", n: null } })).toContain(message);
  });

  test("R28: a result shares nothing with what it was read from", () => {
    const params = { hosts: [{ name: "a" }] };
    const result = value("params.hosts", { params }) as { name: string }[];
    (result[0] as { name: string }).name = "changed";
    expect(params.hosts).toEqual([{ name: "a" }]);
  });

  test("R4: a value nested 100 000 deep is copied without recursion", () => {
    let deep: Json = 1;
    for (let k = 0; k < 100_000; k++) deep = [deep];
    let found = value("params.deep", { params: { deep } });
    let depth = 0;
    for (; Array.isArray(found); depth++) found = found[0] as Json;
    expect(depth).toBe(100_000);
  });

  test("R50: the printed form means what the source means", () => {
    const leaf = fc.constantFrom("params.a", "params.b", "2", "5", "0.5", "size(params.list)");
    const tree: fc.Arbitrary<string> = fc.letrec<{ tree: string }>((tie) => ({
      tree: fc.oneof(
        { maxDepth: 4, withCrossShrink: true },
        leaf,
        fc
          .tuple(tie("tree"), fc.constantFrom("+", "-", "*", "/"), tie("tree"))
          .map(([left, operator, right]) => `(${left} ${operator} ${right})`),
        fc
          .tuple(tie("tree"), tie("tree"), tie("tree"))
          .map(([test, left, right]) => `(${test} > 1.0 ? double(${left}) : double(${right}))`),
        tie("tree").map((inner) => `-(${inner})`),
      ),
    })).tree;
    // All numbers as doubles, so that JavaScript is the oracle.
    const params = { a: 7, b: -2.25, list: [1, 2, 3] };
    fc.assert(
      fc.property(tree, (source) => {
        const script = source.replaceAll("size(params.list)", "3");
        const oracle = Function(
          "params",
          "double",
          `return ${script.replaceAll("-(-", "-( -")}`,
        )(params, Number) as number;
        const doubles = source
          .replace(/(?<![\w.])(\d+)(?![\w.])/g, "$1.0")
          .replaceAll("size(params.list)", "double(size(params.list))");
        const found = compiled(doubles).evaluate(scope({ params }));
        if (!Number.isFinite(oracle) || (Number.isInteger(oracle) && !Number.isSafeInteger(oracle)))
          expect(found.ok).toBe(false);
        else expect(found).toEqual({ ok: true, value: oracle === 0 ? 0 : oracle });
      }),
      { numRuns: 200 },
    );
  });

  test("R50: strings keep every character through the printed form", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 20 }), (text) => {
        const quoted = JSON.stringify(text);
        expect(value(`[${quoted}].map(x, x)`)).toEqual([text]);
        expect(
          value(`{"k" + ${quoted}: nodes[${quoted}].output}["k" + ${quoted}]`, {
            nodes: { [text]: { output: text, status: "" } },
          }),
        ).toBe(text);
      }),
      { examples: [["__proto__x"], ['"\\'], ["\u2028\n\t"], ["é😀"]] },
    );
  });
});

describe("templates", () => {
  const template = {
    host: { $cel: "params.host" },
    list: [1, { deep: { $cel: 'nodes["a-b"].output + 1' } }],
    text: "{{params.host}}",
  } as const;

  test("R2: a value is an expression only as {$cel}; everything else is literal", () => {
    const compiledTemplate = compileTemplate(template, DEFAULT_LIMITS);
    expect(compiledTemplate).toMatchObject({ constant: false, nodesRead: ["a-b"], readsItem: false });
    const nodes = { "a-b": { output: 1, status: "SUCCESSFUL" } };
    expect(compiledTemplate.evaluate(scope({ params: { host: "h" }, nodes }))).toEqual({
      ok: true,
      value: { host: "h", list: [1, { deep: 2 }], text: "{{params.host}}" },
    });
  });

  test("R28: every evaluation is a fresh copy", () => {
    const source = { list: [{ a: 1 }], nothing: null };
    const constant = compileTemplate(source, DEFAULT_LIMITS);
    expect(constant.constant).toBe(true);
    const first = constant.evaluate(scope());
    if (first.ok) (first.value as { list: { a: number }[] }).list[0]!.a = 2;
    expect(constant.evaluate(scope())).toEqual({ ok: true, value: source });
    expect(source.list).toEqual([{ a: 1 }]);
  });

  test("R3: an expression that fails fails the whole input", () => {
    expect(
      compileTemplate(template, DEFAULT_LIMITS).evaluate(scope({ nodes: { "a-b": { status: "SKIPPED" } } })),
    ).toMatchObject({
      ok: false,
      message: expect.stringContaining("host"),
    });
  });

  test("R2: a whole input can be one expression, and a key named __proto__ stays a key", () => {
    expect(compileTemplate({ $cel: "params" }, DEFAULT_LIMITS).evaluate(scope({ params: { a: 1 } }))).toEqual({
      ok: true,
      value: { a: 1 },
    });
    const odd = JSON.parse('{"__proto__": {"x": 1}}') as { [key: string]: number };
    const result = compileTemplate(odd, DEFAULT_LIMITS).evaluate(scope());
    expect(result.ok && JSON.stringify(result.value)).toBe('{"__proto__":{"x":1}}');
  });
});
