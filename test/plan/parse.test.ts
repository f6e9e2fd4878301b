import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { BelayError } from "../../packages/engine/src/errors.ts";
import type { Diagnostic } from "../../packages/engine/src/plan/diagnostic.ts";
import type { PlanDocument } from "../../packages/engine/src/plan/document.ts";
import { canonicalJson, changedNodes, planHash } from "../../packages/engine/src/plan/identity.ts";
import {
  checkPlan,
  definePlan,
  formatDiagnostic,
  parsePlan,
  readDocument,
} from "../../packages/engine/src/plan/parse.ts";

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
    expect(check(text)).toEqual([
      "UNSAFE_INTEGER 4:43 nodes[0].with.n (write a smaller number, or a string where a string is allowed)",
    ]);
    expect(checkNode({ with: -(2 ** 53) })).toEqual([
      "UNSAFE_INTEGER nodes[0].with (write a smaller number, or a string where a string is allowed)",
    ]);
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

describe("R1: a text that is no plan", () => {
  test("R1: it is read like one: any value, and nothing in it is an expression", () => {
    expect(readDocument("---\nwho: {$cel: 1}\n")).toEqual({ value: { who: { $cel: 1 } }, diagnostics: [] });
    expect(readDocument("3").value).toBe(3);
  });

  test("R4: what plans refuse is refused, with its place", () => {
    expect(brief(readDocument("a: 9007199254740993\nb: .nan\n").diagnostics)).toEqual([
      "UNSAFE_INTEGER 1:4 a (write a smaller number, or a string where a string is allowed)",
      "INVALID_VALUE 2:4 b",
    ]);
    expect(brief(readDocument("{a: 1}", { filename: "a.json" }).diagnostics)).toEqual(["SYNTAX 1:2 "]);
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
