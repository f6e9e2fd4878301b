import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { BelayError } from "../../packages/engine/src/errors.ts";
import type { Diagnostic } from "../../packages/engine/src/plan/diagnostic.ts";
import type { PlanDocument } from "../../packages/engine/src/plan/document.ts";
import { canonicalJson, changedNodes, planHash } from "../../packages/engine/src/plan/identity.ts";
import { checkPlan, definePlan, formatDiagnostic, parsePlan } from "../../packages/engine/src/plan/parse.ts";

const HEADER = "belay: 1\nname: p\n";
const ONE_NODE = "nodes:\n  - {id: a, action: belay.noop}\n";

/** Each diagnostic as one line: `CODE line:column path (suggestion)`. */
function brief(diagnostics: readonly Diagnostic[]): string[] {
  return diagnostics.map(({ code, line, column, path, suggestion }) => {
    const place = line === undefined ? "" : ` ${line}:${column}`;
    return `${code}${place} ${path}${suggestion === undefined ? "" : ` (${suggestion})`}`;
  });
}

const check = (text: string): string[] => brief(checkPlan(text).diagnostics);
const checkNode = (node: object): string[] =>
  brief(checkPlan({ belay: 1, name: "p", nodes: [{ id: "a", action: "belay.noop", ...node }] }).diagnostics);

function thrownBy(action: () => unknown): BelayError {
  try {
    action();
  } catch (error) {
    if (error instanceof BelayError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("R1: text", () => {
  test("R1: YAML, flow-style YAML, JSON and an object of the same plan have the same identity", () => {
    const document: PlanDocument = { belay: 1, name: "p", nodes: [{ id: "a", action: "belay.noop" }] };
    const texts = [
      HEADER + ONE_NODE,
      "{belay: 1, name: p, nodes: [{id: a, action: belay.noop}]}",
      JSON.stringify(document),
    ];
    const hashes = texts.map((text) => parsePlan(text).hash);
    expect(new Set([...hashes, definePlan(document).hash])).toEqual(new Set([planHash(document)]));
  });

  test("R1: a byte order mark is accepted and does not shift columns", () => {
    expect(checkPlan(`\u{FEFF}${HEADER}${ONE_NODE}`).plan).toBeDefined();
    expect(check("\u{FEFF}nam: 1")).toContain('UNKNOWN_FIELD 1:1 nam (did you mean "name"?)');
  });

  test.each([
    ["an empty text", "", "SYNTAX 1:1 "],
    ["a text of spaces", " \n ", "SYNTAX 1:1 "],
    ["a second document", "a: 1\n---\nb: 2", "SYNTAX 2:1 "],
    ["a control character", "a: 1\nb: \u0000", "SYNTAX 2:4 "],
    ["an open quote", "a: 'x", "SYNTAX 1:6 "],
    ["a tab as indentation", "a:\n\tb: 1", "SYNTAX 2:1 "],
    ["a key that is a list", "? [a]\n: 1", "SYNTAX 1:3 "],
    ["an open bracket in JSON", '{"a": [1', "SYNTAX 1:9 "],
  ])("R1: %s is refused with its place", (_, text, expected) => {
    expect(check(text)[0]).toBe(expected);
  });

  test("R1: a .json file refuses what only YAML allows", () => {
    const text = '{\n  "belay": 1,\n}';
    expect(brief(checkPlan(text, { filename: "p.json" }).diagnostics)).toEqual(["SYNTAX 3:1 "]);
    expect(brief(checkPlan(text, { filename: "p.yaml" }).diagnostics)).not.toContain("SYNTAX 3:1 ");
  });

  test.each([
    ['{"a": tru}', "1:7"],
    ['{"a" 1}', "1:6"],
    ["{'a': 1}", "1:2"],
    ['{"a": 01}', "1:8"],
    ['{"a": "\\x"}', "1:7"],
    ['{"a": "b', "1:7"],
    ['{"a": 1} 2', "1:10"],
    ["[1,]", "1:4"],
  ])("R1: the JSON %s is refused at %s", (text, place) => {
    expect(brief(checkPlan(text, { filename: "p.json" }).diagnostics)).toEqual([`SYNTAX ${place} `]);
  });

  test("R4: anchors, aliases, tags and directives are refused, all at once", () => {
    expect(check("%YAML 1.1\n---\na: &x 1\nb: *x\nc: !!js/function 'x'\n").map((line) => line.split(" (")[0])).toEqual([
      "YAML_FEATURE 1:1 ",
      "YAML_FEATURE 3:4 ",
      "YAML_FEATURE 4:4 ",
      "YAML_FEATURE 5:4 ",
    ]);
  });

  test("R4: what looks like a YAML feature inside a string is text", () => {
    const plan = parsePlan(`${HEADER}description: |\n  &a *b !c\n  %d\ntitle: '*x'\n${ONE_NODE}`);
    expect(plan.document.description).toBe("&a *b !c\n%d\n");
    expect(plan.document.title).toBe("*x");
  });

  test("R4: aliases that would multiply to a billion values cost nothing", () => {
    const levels = Array.from(
      { length: 30 },
      (_, i) => `k${i + 1}: &a${i + 1} [${Array(9).fill(`*a${i}`).join(", ")}]`,
    );
    expect(check(`k0: &a0 x\n${levels.join("\n")}`).every((line) => line.startsWith("YAML_FEATURE"))).toBe(true);
  });

  test("R4: duplicate keys are refused in YAML and JSON, every one of them", () => {
    expect(check("a: 1\na: 2\nb:\n  c: 1\n  c: 2")).toEqual(["DUPLICATE_KEY 2:1 a", "DUPLICATE_KEY 5:3 b.c"]);
    expect(check('{"a": 1,\n "a": [{"c": 1, "\\u0063": 2}]}')).toEqual([
      "DUPLICATE_KEY 2:2 a",
      "DUPLICATE_KEY 2:17 a[0].c",
    ]);
  });

  test("R4: integers that a number cannot hold are refused rather than rounded", () => {
    const text = `${HEADER}nodes:\n  - {id: a, action: belay.noop, with: {n: 9007199254740993, m: 9007199254740991, f: 0.1}}\n`;
    expect(check(text)).toEqual(["UNSAFE_INTEGER 4:43 nodes[0].with.n (write it as a string)"]);
    expect(checkNode({ with: -(2 ** 53) })).toEqual(["UNSAFE_INTEGER nodes[0].with (write it as a string)"]);
  });

  test("R1: a key __proto__ is refused and sets no prototype", () => {
    const expected = "INVALID_VALUE 1:17 nodes[0].with.__proto__";
    expect(check('{"nodes":[{"with":{"__proto__":{"polluted":1}}}]}').some((line) => line.includes("__proto__"))).toBe(
      true,
    );
    expect(check("{nodes: [{with: {__proto__: {polluted: 1}}}]}")).toContain(expected.replace("1:17", "1:29"));
    expect(Object.hasOwn(Object.prototype, "polluted")).toBe(false);
  });
});

describe("R3: structure", () => {
  test("R1: every fault comes back at once, with line, column and what was meant", () => {
    const text = [
      "belay: 2",
      "name: ''",
      "titel: x",
      "labels: {a: 1}",
      "timeout: -1",
      "failureMode: no_new",
      "defaults: []",
      "nodes:",
      '  - id: "-a"',
      "    action: belay.noop",
      "    upstrems: []",
      "    split: {over: xs, method: PARALEL, tolerated: 10}",
      "    retry: {maxAttempts: 0}",
      "    parallelIdx: 1",
      "  - 5",
      "  - {id: b, onFailure: 1}",
    ].join("\n");
    expect(check(text)).toEqual([
      "INVALID_VALUE 1:8 belay",
      "INVALID_VALUE 2:7 name",
      'UNKNOWN_FIELD 3:1 titel (did you mean "title"?)',
      "WRONG_TYPE 4:9 labels",
      "INVALID_VALUE 5:10 timeout",
      'INVALID_VALUE 6:14 failureMode (did you mean "no-new"?)',
      "WRONG_TYPE 7:11 defaults",
      "INVALID_VALUE 9:9 nodes[0].id",
      'UNKNOWN_FIELD 11:5 nodes[0].upstrems (did you mean "upstreams"?)',
      'INVALID_VALUE 12:31 nodes[0].split.method (did you mean "PARALLEL"?)',
      "INVALID_VALUE 13:26 nodes[0].retry.maxAttempts",
      "INVALID_VALUE 14:18 nodes[0].parallelIdx",
      "WRONG_TYPE 15:5 nodes[1]",
      "MISSING_FIELD 16:5 nodes[2].action",
      "WRONG_TYPE 16:24 nodes[2].onFailure",
    ]);
  });

  test.each([
    ["a negative timeout", { timeout: -1 }, "INVALID_VALUE nodes[0].timeout"],
    ["a timeout above a year", { totalTimeout: 31_536_001 }, "INVALID_VALUE nodes[0].totalTimeout"],
    ["a timeout that is no number", { heartbeatTimeout: Number.NaN }, "INVALID_VALUE nodes[0].heartbeatTimeout"],
    ["a timeout that is text", { timeout: "5" }, "WRONG_TYPE nodes[0].timeout"],
    ["an infinite timeout", { timeout: Number.POSITIVE_INFINITY }, "INVALID_VALUE nodes[0].timeout"],
    ["a share above all", { split: { over: "params.x", tolerated: "101%" } }, "INVALID_VALUE nodes[0].split.tolerated"],
    ["a list for a mapping", { retry: [] }, "WRONG_TYPE nodes[0].retry"],
    ["an id that is a number", { id: 5 }, "WRONG_TYPE nodes[0].id"],
  ])("R3: %s is refused", (_, node, expected) => {
    expect(checkNode(node)).toEqual([expected]);
  });

  test("R3: the bounds themselves are accepted", () => {
    const node = { timeout: 0, totalTimeout: 31_536_000, parallelIdx: 0, effect: "none", retry: { maxAttempts: 1 } };
    expect(checkNode(node)).toEqual([]);
    expect(checkNode({ id: "0a.b_c-D", parallelIdx: -1 })).toEqual([]);
  });

  test("R3: a fault in one field does not hide a cycle", () => {
    const text = `${HEADER}timout: 1\nnodes:\n  - {id: a, action: belay.noop, upstreams: [b]}\n  - {id: b, action: belay.noop, upstreams: [a]}\n`;
    expect(checkPlan(text).diagnostics.map(({ code }) => code)).toEqual(["UNKNOWN_FIELD", "CYCLE"]);
  });

  test.each([null, 5, "5", [], true])("R1: %j is no plan", (value) => {
    expect(checkPlan(value).diagnostics[0]).toMatchObject({ code: "WRONG_TYPE", path: "" });
  });

  test.each([
    ["a function", () => 1],
    ["a date", new Date(0)],
    ["a map", new Map()],
    ["a bigint", 1n],
    ["a symbol", Symbol("x")],
  ])("R1: %s in a document is refused: a plan is data", (_, value) => {
    expect(checkNode({ with: { value } })).toEqual(["WRONG_TYPE nodes[0].with.value"]);
  });

  test("R1: a getter is refused and never runs", () => {
    let ran = false;
    const value = Object.defineProperty({}, "x", { enumerable: true, get: () => (ran = true) });
    expect(checkNode({ with: value })).toEqual(["WRONG_TYPE nodes[0].with.x"]);
    expect(ran).toBe(false);
  });

  test("R1: a document that contains itself is refused", () => {
    const value: Record<string, unknown> = {};
    value["again"] = [value];
    expect(checkNode({ with: value })).toEqual(["WRONG_TYPE nodes[0].with.again[0]"]);
  });
});

describe("R2, R3: rules of single nodes", () => {
  const compensation = { action: "belay.noop" };
  test.each([
    [
      "effect none that prohibits rollback",
      { effect: "none", prohibitRollback: true },
      "CONFLICT nodes[0].prohibitRollback",
    ],
    ["effect none with a compensation", { effect: "none", compensation }, "CONFLICT nodes[0].compensation"],
    ["always", { always: { for: ["a"] } }, "UNSUPPORTED nodes[0].always"],
    ["weight", { weight: 2 }, "UNSUPPORTED nodes[0].weight"],
    ["belay.wait", { action: "belay.wait" }, "UNSUPPORTED nodes[0].action"],
    [
      "belay.plan as compensation",
      { compensation: { action: "belay.plan" } },
      "UNSUPPORTED nodes[0].compensation.action",
    ],
    ["an unknown built-in", { action: "belay.nop" }, 'UNSUPPORTED nodes[0].action (did you mean "belay.noop"?)'],
    ["an expression that is no text", { with: { a: [{ $cel: 1 }] } }, "WRONG_TYPE nodes[0].with.a[0].$cel"],
    ["an expression with a neighbour", { with: { $cel: "1", b: 2 } }, "CONFLICT nodes[0].with"],
    [
      "an empty expression",
      { compensation: { ...compensation, with: { $cel: "" } } },
      "INVALID_VALUE nodes[0].compensation.with.$cel",
    ],
  ])("R3: %s is refused", (_, node, expected) => {
    expect(checkNode(node)).toContain(expected);
  });

  test("R20: parallelIdx 0 together with split is refused", () => {
    expect(checkNode({ parallelIdx: 0, split: { over: "[1, 2]" } })).toContain("CONFLICT nodes[0].parallelIdx");
  });

  test("R3: an action that is not registered is refused with the nearest name, when names are known", () => {
    const text = `${HEADER}nodes:\n  - {id: a, action: pg.promot, compensation: {action: pg.demote}}\n`;
    expect(brief(checkPlan(text, { actions: ["pg.promote", "pg.demote"] }).diagnostics)).toEqual([
      'UNKNOWN_ACTION 4:21 nodes[0].action (did you mean "pg.promote"?)',
    ]);
    expect(checkPlan(text).plan).toBeDefined();
  });
});

describe("R5: the plan", () => {
  test("R2: edges given on the other side only are completed, and downstreams are dropped", () => {
    const plan = definePlan({
      belay: 1,
      name: "p",
      nodes: [
        { id: "a", action: "belay.noop", downstreams: ["b"] },
        { id: "b", action: "belay.noop" },
      ],
    });
    expect(plan.document.nodes).toEqual([
      { id: "a", action: "belay.noop" },
      { id: "b", action: "belay.noop", upstreams: ["a"] },
    ]);
  });

  test("R5: the document is frozen throughout, the caller's own stays as it is", () => {
    const given = {
      belay: 1 as const,
      name: "p",
      nodes: [{ id: "a", action: "belay.noop", with: { list: [{ x: 1 }] } }],
    };
    const before = structuredClone(given);
    const { document } = definePlan(given);
    const stack: unknown[] = [document];
    for (let value = stack.pop(); value !== undefined; value = stack.pop()) {
      if (typeof value !== "object" || value === null) continue;
      expect(Object.isFrozen(value)).toBe(true);
      stack.push(...Object.values(value));
    }
    expect(given).toEqual(before);
    given.nodes[0]?.with.list.push({ x: 2 });
    expect(document.nodes[0]?.with).toEqual({ list: [{ x: 1 }] });
  });

  test("R5: the hash is that of RFC 8785 and ignores the order of keys, not of values", () => {
    expect(canonicalJson({ b: [1e21, 0.000001, "é\n"], a: -0 })).toBe('{"a":0,"b":[1e+21,0.000001,"é\\n"]}');
    const plan = parsePlan("name: p\nnodes: [{action: belay.noop, id: a}]\nbelay: 1");
    expect(plan.hash).toBe(parsePlan(HEADER + ONE_NODE).hash);
    const canonical = '{"belay":1,"name":"p","nodes":[{"action":"belay.noop","id":"a"}]}';
    expect(plan.hash).toBe(createHash("sha256").update(canonical).digest("hex"));
    expect(parsePlan(`${HEADER}title: x\n${ONE_NODE}`).hash).not.toBe(plan.hash);
  });

  test("R5: changed nodes are those added, removed or different", () => {
    const node = (id: string, timeout = 1) => ({ id, action: "belay.noop", timeout });
    const plan = (...nodes: PlanDocument["nodes"][number][]): PlanDocument => ({ belay: 1, name: "p", nodes });
    expect(changedNodes(plan(node("a"), node("b"), node("c")), plan(node("c"), node("b", 2), node("d")))).toEqual([
      "a",
      "b",
      "d",
    ]);
    expect(changedNodes(plan(node("a")), { ...plan(node("a")), title: "x" })).toEqual([]);
  });
});

describe("R1: the thrown error", () => {
  test("R1: its message lists the first ten diagnostics, one per line, and its details have all", () => {
    const text = `belay: 1\nname: p\nnodes: []\n${Array.from({ length: 12 }, (_, i) => `x${i}x: 1`).join("\n")}`;
    const error = thrownBy(() => parsePlan(text, { filename: "p.yaml" }));
    expect(error.code).toBe("PLAN_INVALID");
    const lines = error.message.split("\n");
    expect(lines).toHaveLength(12);
    expect(lines[1]).toBe('p.yaml:4:1 x0x: unknown field "x0x"');
    expect(lines[11]).toBe("and 2 more");
    expect(error.details["diagnostics"]).toHaveLength(12);
  });

  test("R1: a diagnostic is one line, without the parts that are not known", () => {
    const full = {
      code: "SYNTAX",
      severity: "error",
      path: "a.b",
      message: "m",
      suggestion: "s",
      line: 2,
      column: 3,
    } as const;
    expect(formatDiagnostic(full, "f")).toBe("f:2:3 a.b: m (s)");
    expect(formatDiagnostic(full)).toBe("2:3 a.b: m (s)");
    expect(formatDiagnostic({ code: "SYNTAX", severity: "error", path: "", message: "m" })).toBe("m");
  });
});
