/** The checkers themselves: each must find the violation it is there for, and nothing in a good trace. */
import type { AnyRunEvent, PlanDocument, RunSnapshot } from "@belay/engine";
import { checkTrace, type TraceEntry } from "@belay/engine/testing";
import { describe, expect, test } from "vitest";
import { node, plan, stage, undoable } from "./stage.ts";

/** "start a", "end a", "undo a" and events "node:ready a", "run:failed", as a trace; `a#2` is the second attempt. */
function trace(...lines: string[]): TraceEntry[] {
  return lines.map((line): TraceEntry => {
    const [kind = "", id = ""] = line.split(" ");
    const [name = "", number = "1"] = id.split("#");
    const attempt = Number(number);
    if (kind === "start" || kind === "undo")
      return { kind, node: name, attempt, key: `${kind} ${id}`, previousStillRunning: false };
    if (kind === "end" || kind === "undo-end") return { kind, node: name, attempt, ok: true };
    const node = kind.startsWith("node:") ? { nodeId: name, attempt, members: 2 } : {};
    return { kind: "event", event: { type: kind, runId: "r", at: 0, ...node } as AnyRunEvent };
  });
}

/** The whole life of one attempt that succeeds. */
const done = (id: string): string[] => [
  `node:ready ${id}`,
  `node:started ${id}`,
  `start ${id}`,
  `end ${id}`,
  `node:succeeded ${id}`,
];
const lost = (id: string): string[] => [
  `node:ready ${id}`,
  `node:started ${id}`,
  `start ${id}`,
  `end ${id}`,
  `node:failed ${id}`,
];
const undone = (id: string): string[] => [
  `node:compensating ${id}`,
  `undo ${id}`,
  `undo-end ${id}`,
  `node:compensated ${id}`,
];

function rules(
  document: PlanDocument,
  lines: string[],
  rest: { snapshot?: RunSnapshot; serial?: boolean } = {},
): string[] {
  return [...new Set(checkTrace({ document, trace: trace(...lines), ...rest }).map((violation) => violation.rule))];
}

const chain = plan([undoable("a"), undoable("b", ["a"])]);
const pair = plan([undoable("a"), undoable("b")]);
const group = (method: "SERIAL" | "FIRST_SUCCESS" | "PARALLEL", rest = {}) =>
  plan([undoable("g", [], { split: { over: "params.list", method, ...rest } }), node("z", ["g"])]);

describe("trace check", () => {
  test.each([
    ["a good chain", chain, [...done("a"), ...done("b"), "run:succeeded"]],
    [
      "a good rollback",
      chain,
      [...done("a"), ...lost("b"), "run:failed", "run:rolling-back", ...undone("b"), ...undone("a"), "run:rolled-back"],
    ],
    ["a good SERIAL group", group("SERIAL"), ["node:expanded g", ...done("g[0]"), ...done("g[1]"), ...done("z")]],
    [
      "a good FIRST_SUCCESS group",
      group("FIRST_SUCCESS"),
      ["node:expanded g", ...lost("g[0]"), ...undone("g[0]"), ...done("g[1]"), ...done("z")],
    ],
  ])("finds nothing in %s", (_, document, lines) => {
    expect(rules(document, lines)).toEqual([]);
  });

  test.each([
    [
      "R10",
      "a start before its upstream succeeded",
      chain,
      ["node:ready a", "node:started a", "start a", ...done("b")],
    ],
    [
      "R12",
      "a trigger that does not hold",
      plan([node("a"), node("b", ["a"], { trigger: "any_failed" })]),
      [...done("a"), ...done("b")],
    ],
    ["R14", "a new start under no-new after a failure", pair, [...lost("a"), ...done("b")]],
    ["R21", "a SERIAL member before its turn", group("SERIAL"), ["node:expanded g", ...done("g[1]")]],
    [
      "R21",
      "a candidate before the failed one is undone",
      group("FIRST_SUCCESS"),
      ["node:expanded g", ...lost("g[0]"), ...done("g[1]")],
    ],
    [
      "R21",
      "more members than maxConcurrency",
      group("PARALLEL", { maxConcurrency: 1 }),
      ["node:expanded g", "node:started g[0]", "start g[0]", "node:started g[1]", "start g[1]"],
    ],
    [
      "R10",
      "a join that does not wait for all members",
      group("PARALLEL"),
      ["node:expanded g", ...done("g[0]"), ...done("z")],
    ],
    ["R25", "an attempt called twice", pair, ["node:started a", "start a", "start a"]],
    [
      "R25",
      "more attempts than maxAttempts",
      pair,
      ["node:started a", "start a", "end a", "node:retrying a", "node:started a#2", "start a#2"],
    ],
    ["R25", "a success executed again", pair, [...done("a"), "node:started a#2", "start a#2"]],
    ["R39", "a call nobody was told of", pair, ["start a"]],
    ["R39", "an announced attempt that was never called", pair, ["node:started a"]],
    ["R30", "a compensation of a node that never started", pair, ["run:rolling-back", ...undone("a")]],
    ["R30", "a node compensated twice", pair, [...lost("a"), "run:rolling-back", ...undone("a"), "undo a#2"]],
    [
      "R30",
      "a compensation before those below",
      chain,
      [...done("a"), ...lost("b"), "run:rolling-back", ...undone("a")],
    ],
    ["R30", "a compensation outside a rollback", pair, [...lost("a"), "undo a"]],
    ["R30", "a start during a rollback", pair, [...lost("a"), "run:rolling-back", "node:started b", "start b"]],
    [
      "R31",
      "a failed node undone although only successes are",
      plan([node("a", [], { compensation: { action: "undo", when: "succeeded" } })]),
      [...lost("a"), "run:rolling-back", ...undone("a")],
    ],
    [
      "R33",
      "a started prohibiting node undone",
      plan([undoable("a", [], { prohibitRollback: true })]),
      [...lost("a"), "run:rolling-back", ...undone("a")],
    ],
    [
      "R33",
      "an ancestor of a started prohibiting node undone",
      plan([undoable("a"), node("b", ["a"], { prohibitRollback: true })]),
      [...done("a"), ...lost("b"), "run:rolling-back", ...undone("a")],
    ],
    ["R51", "a start after the end", pair, [...done("a"), "run:succeeded", ...done("b")]],
    ["R51", "a compensation after the end", pair, [...done("a"), "run:succeeded", "undo a"]],
  ])("%s: finds %s", (rule, _, document, lines) => {
    expect(rules(document, lines)).toContain(rule);
  });

  test("R11: finds a start that passed over a better ready node", () => {
    const document = plan([node("a"), node("b", [], { priority: 1 })]);
    const lines = [
      "node:ready a",
      "node:ready b",
      "node:started a",
      "start a",
      "end a",
      "node:succeeded a",
      "node:started b",
      "start b",
    ];
    expect(rules(document, lines, { serial: true })).toContain("R11");
    expect(rules(document, lines)).toEqual([]);
  });

  test("R43: finds two attempts with one idempotency key", () => {
    const twice: TraceEntry[] = trace("node:started a", "start a", "end a", "node:started b", "start b").map((entry) =>
      entry.kind === "start" ? { ...entry, key: "same" } : entry,
    );
    expect(checkTrace({ document: pair, trace: twice }).map((violation) => violation.rule)).toContain("R43");
  });

  test("R15, R20, R24, R30, R33: finds a snapshot that does not fit the story", async () => {
    const s = await stage({ b: "fail" });
    const run = await s.start(chain);
    const snapshot = await s.finish(run);
    const wrong = (change: Partial<RunSnapshot>): string[] => [
      ...new Set(
        checkTrace({ document: chain, trace: s.rig.trace, snapshot: { ...snapshot, ...change } }).map(
          (violation) => violation.rule,
        ),
      ),
    ];
    const nodes = (change: object) =>
      snapshot.nodes.map((entry) => (entry.id === "b" ? { ...entry, ...change } : entry));
    expect(wrong({ status: "SUCCESSFUL" })).toContain("R15");
    expect(wrong({ nodes: nodes({ status: "SUCCESSFUL" }) })).toContain("R15");
    expect(wrong({ nodes: nodes({ status: "RUNNING" }) })).toContain("R14");
    expect(wrong({ nodes: nodes({ parallelIdx: 1 }) })).toContain("R20");
    expect(wrong({ nodes: nodes({ seriesId: 0 }) })).toContain("R24");
    expect(wrong({ prohibitRollback: true })).toContain("R33");
    expect(wrong({ status: "ROLLED_BACK" })).toContain("R30");
    expect(wrong({ status: "ROLLBACK_FAILED" })).toContain("R32");
  });
});
