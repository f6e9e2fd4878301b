/**
 * The mappers on cases of our own, the page of differences as a document, and the invariants on traces that break them:
 * everything that the comparison of the peers' cases stands on, tested without their data.
 */
import type { PlanDocument, RunSnapshot } from "@belay/engine";
import type { TraceEntry } from "@belay/engine/testing";
import { describe, expect, test } from "vitest";
import { openPlay } from "./case-play.ts";
import { listedCounts, listedDifferences, matches } from "./differences.ts";
import { EXAMPLES, FALSIFIED } from "./examples.ts";
import { brokenInvariants } from "./invariants.ts";
import { SUITES } from "./suites.ts";
import { differsIn, told } from "./verdict.ts";

const CASES = EXAMPLES.map((example) => ({ ...example, name: `${example.suite}, ${example.given.id}` }));

describe("R10-R37: cases of the peers in our own words", () => {
  test.for(CASES)("R10-R37: $name, is as said", async ({ suite, given, differsIn: said }) => {
    const verdict = await SUITES.find(({ name }) => name === suite)?.compare(given);
    expect(verdict && differsIn(verdict), verdict && told(verdict)).toEqual(said);
  });

  test("R10-R37: a fact that is not so is noticed, in every suite", async () => {
    for (const { suite, given, differsIn: said } of FALSIFIED) {
      const verdict = await SUITES.find(({ name }) => name === suite)?.compare(given);
      expect([suite, verdict && differsIn(verdict)]).toEqual([suite, said]);
    }
    expect(FALSIFIED.map(({ suite }) => suite).sort()).toEqual(SUITES.map(({ name }) => name).sort());
  });
});

describe("R35: what docs/differences.md offers instead", () => {
  test("R35, R37: a scope is undone and repeated by a rollback to the node above it and a retry", async () => {
    const undoable = { action: "do", compensation: { action: "undo" } };
    const play = await openPlay({
      document: {
        belay: 1,
        name: "scope",
        nodes: [
          { id: "before", ...undoable },
          { id: "open", upstreams: ["before"], ...undoable },
          { id: "copy", upstreams: ["open"], ...undoable },
        ],
      },
      scripts: { copy: "fail,ok" },
    });
    expect((await play.play())?.status).toBe("FAILED");
    await play.run.rollback({ to: "before" });
    const rest = await play.play();
    expect(rest?.status).toBe("PARTIALLY_ROLLED_BACK");
    play.judge(rest, { node: "before" });
    await play.run.retry();
    const end = await play.play();
    play.judge(end);
    await play.close();
    expect(end?.status).toBe("SUCCESSFUL");
    expect(play.rig.started()).toEqual(["before", "open", "copy", "open", "copy"]);
    expect(play.rig.undone()).toEqual(["copy", "open"]);
  });
});

describe("docs/differences.md can be read by the tests", () => {
  test("every suite has its counts, and they add up", () => {
    const counts = listedCounts();
    expect(counts.map(({ suite, cases }) => [suite, cases]).sort()).toEqual(
      SUITES.map(({ name, size }) => [name, size]).sort(),
    );
    for (const { cases, same, different, noCounterpart } of counts)
      expect(same + different + noCounterpart).toBe(cases);
  });

  test("every row names cases of a suite, facts and rules", () => {
    const prefixes = ["airflow-table:", "taskflow-par:", ...SUITES.map(({ name }) => `${name}:`)];
    const patterns = listedDifferences().flatMap((row) => row.patterns);
    expect(patterns.filter((pattern) => !prefixes.some((prefix) => pattern.startsWith(prefix)))).toEqual([]);
    expect(new Set(patterns).size).toBe(patterns.length);
  });

  test("a row that says no reason or no rule is refused", () => {
    const page = (row: string): string =>
      `| case | differs in | peer | Belay | rules |\n| --- | --- | --- | --- | --- |\n${row}\n`;
    expect(listedDifferences(page("| `x:a` `x:b*` | `ran` | one | two | R10 |"))).toEqual([
      { patterns: ["x:a", "x:b*"], differsIn: ["ran"], peer: "one" },
    ]);
    expect(() => listedDifferences(page("| `x:a` | `ran` | one | | R10 |"))).toThrow(/incomplete/);
    expect(() => listedDifferences(page("| `x:a` | `ran` | one | two | |"))).toThrow(/incomplete/);
    expect(() => listedDifferences(page("| `x:a` | | one | two | R10 |"))).toThrow(/incomplete/);
  });

  test("a star stands for any text, everything else for itself", () => {
    expect(matches("a:b[0]*/x", "a:b[0]/y/x")).toBe(true);
    expect(matches("a:b.c", "a:bxc")).toBe(false);
    expect(matches("a:b", "a:bc")).toBe(false);
  });
});

describe("I1-I6: the invariants notice what breaks them", () => {
  const document: PlanDocument = {
    belay: 1,
    name: "two",
    nodes: [
      { id: "a", action: "do", compensation: { action: "undo" } },
      { id: "b", action: "do", upstreams: ["a"], compensation: { action: "undo" } },
    ],
  };
  const call = (kind: "start" | "undo", node: string): TraceEntry => ({
    kind,
    node,
    attempt: 1,
    key: "",
    previousStillRunning: false,
  });
  const end = (kind: "end" | "undo-end", node: string, ok: boolean): TraceEntry => ({ kind, node, attempt: 1, ok });
  const event = (type: "run:succeeded" | "run:abandoned"): TraceEntry => ({
    kind: "event",
    event: { type, runId: "r", at: 0 },
  });
  const ran = (node: string, ok = true): TraceEntry[] => [call("start", node), end("end", node, ok)];
  const broken = (...trace: TraceEntry[]): string[] =>
    brokenInvariants(document, trace, { nodes: [] } as unknown as RunSnapshot).map((line) => line.slice(0, 2));

  test("I1-I6: a trace that keeps them all breaks none", () => {
    const undone = ["b", "a"].flatMap((node) => [call("undo", node), end("undo-end", node, true)]);
    expect(broken(...ran("a"), ...ran("b", false), ...undone)).toEqual([]);
  });

  test("I1-I6: each is noticed by its number", () => {
    expect(broken(call("start", "a"), call("start", "b"))).toEqual(["I1"]);
    expect(broken(...ran("a"), ...ran("b"), call("undo", "a"))).toEqual(["I2"]);
    expect(broken(call("undo", "b"))).toEqual(["I3"]);
    expect(broken(...ran("a", false), ...ran("b"))).toEqual(["I1", "I4"]);
    expect(broken(...ran("a"), ...ran("a"))).toEqual(["I5", "I5"]);
    expect(broken(...ran("a"), event("run:succeeded"), ...ran("b"))).toEqual(["I6"]);
    expect(broken(event("run:succeeded"), event("run:abandoned"))).toEqual(["I6"]);
  });
});
