/** Fields, their values, and the rules between them: everything wrong is told at once, with what was meant. */
import { describe, expect, test } from "vitest";
import type { Diagnostic } from "../../packages/engine/src/plan/diagnostic.ts";
import { checkPlan } from "../../packages/engine/src/plan/parse.ts";

const HEADER = "belay: 1\nname: p\n";

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
      "WRONG_TYPE 4:13 labels.a",
      "INVALID_VALUE 5:10 timeout",
      'INVALID_VALUE 6:14 failureMode (did you mean "no-new"?)',
      "WRONG_TYPE 7:11 defaults",
      "INVALID_VALUE 9:9 nodes[0].id",
      'UNKNOWN_FIELD 11:5 nodes[0].upstrems (did you mean "upstreams"?)',
      "EXPRESSION 12:19 nodes[0].split.over",
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
    ["a share above all", { split: { over: "[1]", tolerated: "101%" } }, "INVALID_VALUE nodes[0].split.tolerated"],
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

  test("R1: what is wrong in ids, edges and groups hides no other fault, and no fault is invented from it", () => {
    const text = [
      "belay: 1",
      "name: p",
      "nodes:",
      "  - {id: 5, action: belay.noop}",
      "  - {id: a, action: belay.noop, upstreams: b}",
      "  - {id: b, action: belay.noop, upstreams: [a, 7, c]}",
      "  - {id: c, action: belay.noop, upstreams: 9, trigger: any_failed, when: nodes.b.output}",
      "  - {id: d, action: belay.noop, split: [x], when: item == 1, with: {$cel: 1 +}}",
      "  - {id: e, action: belay.noop, split: {over: '[1]', as: x, method: ALL}, when: x == 1 && y}",
      "  - x",
    ].join("\n");
    expect(check(text)).toEqual([
      "WRONG_TYPE 4:10 nodes[0].id",
      "WRONG_TYPE 5:44 nodes[1].upstreams",
      "CYCLE 5:44 nodes[1].upstreams (remove one of these edges)",
      "WRONG_TYPE 6:48 nodes[2].upstreams[1]",
      "WRONG_TYPE 7:44 nodes[3].upstreams",
      "WRONG_TYPE 8:40 nodes[4].split",
      "EXPRESSION 8:68 nodes[4].with",
      "INVALID_VALUE 9:69 nodes[5].split.method",
      "EXPRESSION 9:81 nodes[5].when",
      "WRONG_TYPE 10:5 nodes[6]",
    ]);
  });

  test("R1: each label that is no text is shown at its own place", () => {
    expect(
      brief(checkPlan({ belay: 1, name: "p", labels: { a: 1, b: "x", "c d": null }, nodes: [] }).diagnostics),
    ).toEqual(["WRONG_TYPE labels.a", 'WRONG_TYPE labels["c d"]']);
  });

  test.each([
    ["depends_on", { depends_on: ["b"] }, 'UNKNOWN_FIELD nodes[0].depends_on (did you mean "upstreams"?)'],
    ["dependsOn", { dependsOn: ["b"] }, 'UNKNOWN_FIELD nodes[0].dependsOn (did you mean "upstreams"?)'],
    ["needs", { needs: "b" }, 'UNKNOWN_FIELD nodes[0].needs (did you mean "upstreams"?)'],
    ["retries", { retries: 3 }, 'UNKNOWN_FIELD nodes[0].retries (did you mean "retry"?)'],
    ["all_success", { trigger: "all_success" }, 'INVALID_VALUE nodes[0].trigger (did you mean "all_succeeded"?)'],
    ["<<", { "<<": {} }, 'UNKNOWN_FIELD nodes[0]["<<"] (merge keys are not supported: write the fields out)'],
  ])("R3: %s of other tools leads to the word of this format", (_, node, expected) => {
    expect(checkNode(node)).toEqual([expected]);
  });

  test("R2: the version is a number, and the message says so", () => {
    const message = (belay: unknown): string | undefined =>
      checkPlan({ belay, name: "p", nodes: [] }).diagnostics[0]?.message;
    expect(message("1")).toBe('must be the number 1, not the string "1"');
    expect(message(2)).toBe("must be the number 1");
  });

  test("R1: a value that throws while it is read is refused", () => {
    const hostile = new Proxy(
      {},
      {
        ownKeys: () => {
          throw new Error("no");
        },
      },
    );
    expect(checkNode({ with: hostile })).toEqual(["WRONG_TYPE nodes[0]"]);
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    expect(checkPlan(proxy).diagnostics).toMatchObject([{ code: "WRONG_TYPE", path: "" }]);
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
    ["a teardown of itself", { always: { for: ["a"] } }, "CONFLICT nodes[0].always.for[0]"],
    ["weight", { weight: 2 }, "UNSUPPORTED nodes[0].weight"],
    ["belay.wait without a time", { action: "belay.wait" }, "INVALID_VALUE nodes[0].with"],
    [
      "belay.plan as compensation without an input",
      { compensation: { action: "belay.plan" } },
      "INVALID_VALUE nodes[0].compensation.with",
    ],
    ["an unknown built-in", { action: "belay.nop" }, 'UNKNOWN_ACTION nodes[0].action (did you mean "belay.noop"?)'],
    ["an expression that is no text", { with: { a: [{ $cel: 1 }] } }, "WRONG_TYPE nodes[0].with.a[0].$cel"],
    ["an expression with a neighbour", { with: { $cel: "1", b: 2 } }, "CONFLICT nodes[0].with"],
    [
      "compensate-first without a compensation",
      { retry: { mode: "compensate-first" } },
      "CONFLICT nodes[0].retry.mode",
    ],
    [
      "a mode of a compensation's retry",
      { compensation: { ...compensation, retry: { mode: "rerun" } } },
      "CONFLICT nodes[0].compensation.retry.mode",
    ],
    [
      "a longest wait below the first",
      { retry: { initialInterval: 5, maxInterval: 4 } },
      "INVALID_VALUE nodes[0].retry.maxInterval",
    ],
    [
      "an empty expression",
      { compensation: { ...compensation, with: { $cel: "" } } },
      "INVALID_VALUE nodes[0].compensation.with.$cel",
    ],
  ])("R3: %s is refused", (_, node, expected) => {
    expect(checkNode(node)).toContain(expected);
  });

  test("R3: a missing input of a built-in action is shown where its node stands", () => {
    expect(check(`${HEADER}nodes:\n  - id: a\n    action: belay.wait\n`)).toEqual(["INVALID_VALUE 4:5 nodes[0].with"]);
  });

  test("R33: a plan that prohibits rollback cannot ask for one", () => {
    const document = { belay: 1, name: "p", prohibitRollback: true, nodes: [] } as const;
    expect(brief(checkPlan({ ...document, onFailure: "rollback" }).diagnostics)).toEqual(["CONFLICT onFailure"]);
    expect(checkPlan({ ...document, onFailure: "pause" }).diagnostics).toEqual([]);
  });

  test("R25: a default retry whose longest wait is below the first is refused", () => {
    const defaults = { retry: { initialInterval: 2, maxInterval: 1 } };
    expect(brief(checkPlan({ belay: 1, name: "p", defaults, nodes: [] }).diagnostics)).toEqual([
      "INVALID_VALUE defaults.retry.maxInterval",
    ]);
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

test("R34: a node cannot take the word that names the point of no return in a rollback", () => {
  expect(checkNode({ id: "barrier" })).toEqual(["INVALID_VALUE nodes[0].id"]);
});
