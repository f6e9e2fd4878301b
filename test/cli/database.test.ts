/** What the commands over a file are made of: naming runs, requests as data, registries of several runs. */
import type { ActionContext, ActionDefinition } from "@belay/engine";
import type { RunSummary } from "@belay/engine/journal";
import { describe, expect, test } from "vitest";
import { mergeActions } from "../../packages/cli/src/database/actions-by-run.ts";
import { requestFor, VERBS } from "../../packages/cli/src/database/ask-owner.ts";
import { findRun, rootOf, shortId, whichRun } from "../../packages/cli/src/database/run-ref.ts";
import { ExitCode, worstOf } from "../../packages/cli/src/exit-code.ts";

function summary(runId: string, parent: string | null = null): RunSummary {
  const bare = { planName: "p", planHash: "", clientToken: null, startedAt: 0, records: 1, locks: [], owner: null };
  const inside = parent === null ? null : { runId: parent, nodeId: "n", attempt: 1 };
  return { ...bare, runId, parent: inside, status: "RUNNING", ended: false, at: 0 };
}

describe("which run is meant", () => {
  const runs = [summary("abcdef"), summary("abc"), summary("abd"), summary("abd/n/1", "abd")];

  test("a whole id wins over a beginning; what is not one run is told", () => {
    expect(findRun("abc", runs).runId).toBe("abc");
    expect(findRun("abcd", runs).runId).toBe("abcdef");
    expect(() => findRun("ab", runs)).toThrow('"ab" is the beginning of 4 runs: abcdef, abc, abd, abd/n/1');
    expect(() => findRun("abx", runs)).toThrow('no run "abx" (did you mean "abc"?)');
  });

  test("--latest passes runs inside runs, and leaves all words to the verb", () => {
    expect(whichRun(runs, { latest: true, words: ["node"] })).toEqual({ run: runs[2], rest: ["node"] });
    expect(whichRun(runs, { words: ["abd", "node"] }).rest).toEqual(["node"]);
    expect(() => whichRun([], { latest: true, words: [] })).toThrow("the file holds no run");
  });

  test("ids are shortened as far as they differ", () => {
    const ids = ["aaaaaaaa-1", "aaaaaaaa-2", "bbbbbbbbbb", "c"];
    expect(ids.map((id) => shortId(id, ids))).toEqual(["aaaaaaaa-1", "aaaaaaaa-2", "bbbbbbbb", "c"]);
  });

  test("what a run inside a run needs is noted with the outermost", () => {
    const chain = [summary("a"), summary("b", "a"), summary("c", "b"), summary("d", "gone")];
    expect(chain.map((run) => rootOf(run, chain))).toEqual(["a", "a", "a", "gone"]);
  });
});

describe("R37: a verb as a request", () => {
  const asked = { runId: "r", who: "ada", why: undefined, requestId: "q", to: undefined, output: undefined };

  test("its node is an argument where the method has it, an option where it is one", () => {
    const args = (verb: string, node?: string, more: object = {}) =>
      requestFor({ ...asked, ...more, verb, node }, 5).args;
    expect(args("skip", "n", { output: [1] })).toEqual(["n", { who: "ada", output: [1] }]);
    expect(args("retry", "n")).toEqual([{ who: "ada", node: "n" }]);
    expect(args("rollback", undefined, { to: "barrier", why: "x" })).toEqual([{ who: "ada", why: "x", to: "barrier" }]);
    expect(requestFor({ ...asked, verb: "skip-rollback", node: "n" }, 5)).toMatchObject({
      verb: "skipRollback",
      at: 5,
    });
  });

  test("there is a command for each verb of a run but start", () => {
    expect(
      Object.values(VERBS)
        .map(({ method }) => method)
        .toSorted(),
    ).toEqual(
      [
        "abandon",
        "approve",
        "cancel",
        "pause",
        "reject",
        "resume",
        "retry",
        "rollback",
        "signal",
        "skip",
        "skipRollback",
      ].toSorted(),
    );
  });
});

describe("actions of several runs in one engine", () => {
  const ctx = (runId: string): ActionContext => ({ runId }) as ActionContext;
  const action = (answer: string, more: Partial<ActionDefinition> = {}): ActionDefinition => ({
    idempotent: true,
    run: () => answer,
    verify: () => ({ done: true, output: answer }),
    ...more,
  });

  test("each run, and each run inside it, is given its own", async () => {
    const merged = mergeActions(
      new Map([
        ["r1", { x: action("one") }],
        ["r2", { x: action("two") }],
      ]),
    );
    const { x } = merged;
    if (typeof x !== "object") throw new Error("no definition");
    expect(["r1", "r2", "r2/n/1"].map((id) => x.run(ctx(id)))).toEqual(["one", "two", "two"]);
    expect(await x.verify?.(ctx("r2/n/1"))).toEqual({ done: true, output: "two" });
    expect(x.idempotent).toBe(true);
    expect(() => x.run(ctx("r3"))).toThrow("run r3 has no action x");
  });

  test("one that all runs share stays as it is", () => {
    const shared = action("one");
    expect(
      mergeActions(
        new Map([
          ["r1", { x: shared }],
          ["r2", { x: shared }],
        ]),
      )["x"],
    ).toBe(shared);
  });

  test.each([
    ["a function", () => "two"],
    ["another idempotence", action("two", { idempotent: false })],
    ["no verify", { run: () => "two", idempotent: true }],
  ])("of another kind under the same name are kept apart: %s", (_, other) => {
    const both = new Map([
      ["r1", { x: action("one") }],
      ["r2", { x: other }],
    ]);
    expect(() => mergeActions(both)).toThrow('other runs have another action under the name "x"');
  });
});

test("the exit code of several runs is the worst", () => {
  expect(worstOf([])).toBe(ExitCode.OK);
  expect(worstOf([ExitCode.OK, ExitCode.ROLLED_BACK])).toBe(ExitCode.ROLLED_BACK);
  expect(worstOf([ExitCode.REFUSED, ExitCode.FAILED, ExitCode.ROLLED_BACK])).toBe(ExitCode.FAILED);
  expect(worstOf([ExitCode.FAILED, ExitCode.ROLLBACK_FAILED])).toBe(ExitCode.ROLLBACK_FAILED);
});
