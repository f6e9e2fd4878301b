/** A run as its journal has it: the same snapshot as the engine's, at every point, and what operators asked (R37, R42). */
import { readStoredRun } from "@belay/engine";
import { settleTurns } from "@belay/engine/testing";
import { describe, expect, test } from "vitest";
import { life } from "./second-life.ts";
import { node, plan, refused, undoable } from "./stage.ts";

const document = plan([
  node("a"),
  undoable("g", ["a"], { split: { over: "nodes.a.output.list", method: "PARALLEL" } }),
  { id: "ask", action: "belay.approval", upstreams: ["g"] },
  node("z", ["ask"]),
]);
const scripts = { a: { output: { list: ["p", "q"] } }, "g[1]": "fail,ok" };

describe("R42: a run read from its journal", () => {
  test("stands where its engine has it, moving, at rest and ended, and is not claimed for that", async () => {
    const s = await life({ scripts });
    const run = await s.start(document, { runId: "r" });
    const same = async (): Promise<void> => {
      const stored = await readStoredRun(s.journal, "r");
      expect(stored?.snapshot).toEqual(run.snapshot());
    };
    await same();
    await s.rest(run);
    await same();
    await run.retry({ node: "g[1]" });
    await settleTurns();
    await same();
    await run.approve("ask", { who: "ada" });
    await s.rest(run);
    expect(run.snapshot().status).toBe("SUCCESSFUL");
    await same();
    expect(s.journal.list()[0]?.owner).not.toBe(null);
  });

  test("R37: says who asked what of it, and why, members by their id; what was refused is not among it", async () => {
    const s = await life({ scripts });
    const run = await s.start(document, { runId: "r" });
    await s.rest(run);
    await run.skip("g[1]", { output: { by: "hand" }, who: "ada", why: "mended", requestId: "1" });
    await settleTurns();
    await refused(run.approve("z", { who: "bob" }), "STATE_INVALID");
    await run.pause({ who: "bob" });
    await run.cancel();
    await s.rest(run);
    await run.rollback({ to: "a", why: "again" });
    await s.rest(run);
    await run.rollback({ to: "barrier" });
    const nobody = { node: null, to: null, who: null, why: null, requestId: null, output: undefined };
    const stored = await readStoredRun(s.journal, "r");
    expect(stored?.asked.map(({ at: _, ...rest }) => rest)).toEqual([
      { ...nobody, verb: "skip", node: "g[1]", who: "ada", why: "mended", requestId: "1", output: { by: "hand" } },
      { ...nobody, verb: "pause", who: "bob" },
      { ...nobody, verb: "cancel" },
      { ...nobody, verb: "rollback", to: "a", why: "again" },
      { ...nobody, verb: "rollback", to: "barrier" },
    ]);
  });

  test("one that is not there, and one whose records its plan cannot have made, are told apart", async () => {
    const s = await life({ scripts });
    await s.start(document, { runId: "r" });
    await settleTurns();
    expect(await readStoredRun(s.journal, "never")).toBeUndefined();
    const { header, records } = s.journal.read("r") ?? {};
    if (header === undefined || records === undefined) throw new Error("no run");
    const spoiled = [...records, { seq: records.length, input: { kind: "retry", at: 0, node: 99 } as const }];
    await refused(readStoredRun({ read: () => ({ header, records: spoiled }) }, "r"), "JOURNAL_CORRUPT");
    await refused(readStoredRun({ read: () => ({ header, records: records.slice(1) }) }, "r"), "JOURNAL_CORRUPT");
  });
});
