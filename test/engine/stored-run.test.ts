/** A run as its journal has it: the same snapshot as the engine's, at every point, and what verbs would do (R38, R42). */
import { type NodeDocument, readStoredRun, type VerbRequest } from "@belay/engine";
import { ManualClock, settleTurns } from "@belay/engine/testing";
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
      expect(stored?.snapshot()).toEqual(run.snapshot());
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

  test("R38: tells what a verb would do, as the run itself does, and nothing of it moves", async () => {
    const s = await life({ scripts });
    const run = await s.start(document, { runId: "r" });
    const requests: readonly VerbRequest[] = [
      { verb: "retry" },
      { verb: "skip", node: "g[1]" },
      { verb: "rollback", to: "barrier" },
      { verb: "cancel" },
      { verb: "abandon" },
      { verb: "approve", node: "ask", who: "ada" },
      { verb: "skip", node: "never" },
    ];
    const same = async (): Promise<void> => {
      const stored = await readStoredRun(s.journal, "r");
      for (const request of requests) expect(stored?.preview(request), request.verb).toEqual(run.preview(request));
    };
    await same();
    await s.rest(run);
    const { length } = s.journal.read("r")?.records ?? [];
    await same();
    await settleTurns();
    expect(s.journal.read("r")?.records).toHaveLength(length as number);
    expect(s.rig.undone()).toEqual([]);
  });

  test("one that is not there, and one whose records its plan cannot have made, are told apart", async () => {
    const s = await life({ scripts });
    await s.start(document, { runId: "r" });
    await settleTurns();
    expect(await readStoredRun(s.journal, "never")).toBeUndefined();
    const list = (): [] => [];
    const { header, records } = s.journal.read("r") ?? {};
    if (header === undefined || records === undefined) throw new Error("no run");
    const spoiled = [...records, { seq: records.length, input: { kind: "retry", at: 0, node: 99 } as const }];
    await refused(readStoredRun({ list, read: () => ({ header, records: spoiled }) }, "r"), "JOURNAL_CORRUPT");
    await refused(readStoredRun({ list, read: () => ({ header, records: records.slice(1) }) }, "r"), "JOURNAL_CORRUPT");
  });

  test("R26, R38: tells what a verb would do once what is overdue has passed, as it does when the run is taken up", async () => {
    const asks: NodeDocument = { id: "ask", action: "belay.approval", upstreams: ["a"], timeout: 60 };
    const late = plan([undoable("a"), asks, node("z", ["ask"])], { onFailure: "rollback" });
    const timed = plan([undoable("a"), { ...asks, timeout: 0 }, node("z", ["ask"])], { timeout: 60 });
    for (const document of [late, timed]) {
      const s = await life();
      await s.start(document, { runId: "r" });
      await settleTurns();
      const word: VerbRequest = { verb: "approve", node: "ask", who: "ada" };
      const clock = new ManualClock(s.clock.now() + 59_999);
      const stored = await readStoredRun(s.journal, "r", clock);
      expect(stored?.preview(word)).toEqual(s.run().preview(word));
      await clock.elapse(1);
      const said = stored?.preview(word);
      expect(stored?.snapshot()).toEqual(s.run().snapshot());
      const second = await s.crash({ afterMs: 60_000, engine: { recover: false } });
      const { runs } = await second.engine.recover();
      const error = await refused(runs[0]?.approve("ask", { who: "ada" }) as Promise<unknown>, "STATE_INVALID");
      expect(said?.refused).toEqual({ code: error.code, message: error.message, details: error.details });
    }
  });

  test("R38: a call that was cut off has its limits anew, however late it is looked at", async () => {
    const s = await life({ scripts: { a: "hang" } });
    await s.start(plan([undoable("a", [], { timeout: 5, heartbeatTimeout: 1 })]), { runId: "r" });
    await settleTurns();
    const stored = await readStoredRun(s.journal, "r", new ManualClock(s.clock.now() + 3_600_000));
    expect(stored?.preview({ verb: "pause" })).toMatchObject({ finish: ["a"], finalStatus: "SUCCESSFUL" });
  });
});
