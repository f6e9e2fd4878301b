/**
 * Approvals under attack (R37): who counts as a person, which lists of approvers are none, when it is too late, what a
 * crash leaves of what was said. Nobody gets past an approval but by what the plan asks for.
 */
import { checkPlan, MemoryJournal, type NodeDocument, type Run, type RunSnapshot } from "@belay/engine";
import { settleTurns } from "@belay/engine/testing";
import { describe, expect, test } from "vitest";
import { type Life, life } from "./second-life.ts";
import { node, nodeOf, plan, refused, type Stage, stage } from "./stage.ts";

const approval = (id: string, input?: NodeDocument["with"], rest: Partial<NodeDocument> = {}): NodeDocument => ({
  id,
  action: "belay.approval",
  ...(input === undefined ? {} : { with: input }),
  ...rest,
});

/** A run whose only node "ok" waits for approval. */
async function waiting(
  input?: NodeDocument["with"],
  rest: Partial<NodeDocument> = {},
): Promise<{ s: Stage; run: Run; approvedBy: () => readonly string[] | undefined }> {
  const s = await stage();
  const run = await s.start(plan([approval("ok", input, rest)]));
  await s.clock.elapse(0);
  return { s, run, approvedBy: () => nodeOf(run.snapshot(), "ok").waiting?.approvedBy };
}

describe("R37: who counts as a person", () => {
  test.each(["", " ", "\t\n", "\u00a0", "\u200b", "\u2060\u00ad", "\u202e"])(
    "R37: a name that shows nothing, %j, is no name",
    async (who) => {
      const { run, approvedBy } = await waiting();
      await refused(run.approve("ok", { who }), "INVALID_ARGUMENT");
      await refused(run.reject("ok", { who }), "INVALID_ARGUMENT");
      expect(approvedBy()).toEqual([]);
    },
  );

  test.each([
    ["a blank around it", "zo\u00eb", " zo\u00eb "],
    ["composed and decomposed letters", "zo\u00eb", "zoe\u0308"],
    ["a character that nobody sees", "zo\u00eb", "zo\u200b\u00eb"],
    ["a mark of direction", "zo\u00eb", "\u202ezo\u00eb"],
    ["letters of another width", "ann", "\uff41\uff4e\uff4e"],
    ["two blanks for one", "zo\u00eb b", "zo\u00eb  b"],
    ["another kind of blank", "zo\u00eb b", "zo\u00eb\u00a0b"],
    ["another case", "ann", "Ann"],
  ])("R37: nobody is counted twice for %s", async (_, name, other) => {
    const { run, approvedBy } = await waiting({ required: 2 });
    await run.approve("ok", { who: name, requestId: "1" });
    await refused(run.approve("ok", { who: other, requestId: "2" }), "STATE_INVALID");
    expect(approvedBy()).toEqual([name]);
    await run.approve("ok", { who: "bob", requestId: "2" });
    expect(run.snapshot().status).toBe("SUCCESSFUL");
  });

  test("R37: a name that only looks like one that the node names may not approve", async () => {
    const { run } = await waiting({ approvers: ["ann"] });
    // A Cyrillic letter, a hidden character, another case: the allowed name is the allowed name.
    for (const who of ["\u0430nn", "ann\u200b", "ANN", "\uff41nn"])
      await refused(run.approve("ok", { who }), "FORBIDDEN");
    await run.approve("ok", { who: "ann" });
    expect(run.snapshot().status).toBe("SUCCESSFUL");
  });

  test("R37: the same letters written in another order of code points are the same name", async () => {
    const { run } = await waiting({ approvers: ["zo\u00eb"] });
    await run.approve("ok", { who: "zoe\u0308" });
    expect(nodeOf(run.snapshot(), "ok").output).toEqual({ approvedBy: ["zoe\u0308"] });
  });

  test("R37: the same person under two request ids is one approval, under one request id no second one", async () => {
    const { s, run, approvedBy } = await waiting({ required: 2 });
    await run.approve("ok", { who: "ann", requestId: "1" });
    await run.approve("ok", { who: "ann", requestId: "1" });
    await refused(run.approve("ok", { who: "ann", requestId: "2" }), "STATE_INVALID");
    expect(approvedBy()).toEqual(["ann"]);
    await run.approve("ok", { who: "bob", requestId: "3" });
    expect((await s.finish(run)).status).toBe("SUCCESSFUL");
  });

  test("R37: another person under a request id that was used is told so, and not thanked for nothing", async () => {
    const { s, run, approvedBy } = await waiting({ required: 2 });
    await run.approve("ok", { who: "ann", requestId: "1" });
    await refused(run.approve("ok", { who: "bob", requestId: "1" }), "IDEMPOTENT_PARAMETER_MISMATCH");
    await refused(run.reject("ok", { who: "ann", requestId: "1" }), "IDEMPOTENT_PARAMETER_MISMATCH");
    expect(approvedBy()).toEqual(["ann"]);
    await run.approve("ok", { who: "bob", requestId: "2" });
    expect((await s.finish(run)).status).toBe("SUCCESSFUL");
  });

  test("R37: a person named twice among the approvers is one person", async () => {
    const { run } = await waiting({ approvers: ["ann", "ann", "bob"], required: 2 });
    await run.approve("ok", { who: "ann" });
    await refused(run.approve("ok", { who: "ann" }), "STATE_INVALID");
    await run.approve("ok", { who: "bob" });
    expect(run.snapshot().status).toBe("SUCCESSFUL");
  });

  test("R37: who has approved may still reject, and that is the end of it", async () => {
    const { run } = await waiting({ required: 2 });
    await run.approve("ok", { who: "ann" });
    await run.reject("ok", { who: "ann", why: "saw the graph" });
    expect(nodeOf(run.snapshot(), "ok").error).toMatchObject({ code: "REJECTED" });
    await refused(run.approve("ok", { who: "bob" }), "STATE_INVALID");
  });
});

describe("R3: approvals that nobody could give", () => {
  const faults = (input: NodeDocument["with"]): string[] =>
    checkPlan(plan([approval("ok", input)])).diagnostics.map(({ path, message }) => `${path}: ${message}`);

  test("R3: more approvals than there are different approvers are refused when the plan is read", () => {
    const text = "nodes[0].with.required: belay.approval asks for 3 approvals of 2 approvers";
    expect(faults({ approvers: ["ann", "bob"], required: 3 })).toEqual([text]);
    expect(faults({ approvers: ["ann", "bob", "ann"], required: 3 })).toEqual([text]);
    expect(faults({ approvers: ["ann", "bob", "b\u200bob"], required: 3 })).toEqual([text]);
    expect(faults({ approvers: ["ann", "bob"], required: 2 })).toEqual([]);
  });

  test("R3: approvers without a name that can be seen, or nobody at all, are refused when the plan is read", () => {
    const text = "nodes[0].with.approvers: approvers of belay.approval must be a list of names";
    for (const approvers of [[], [""], [" "], ["ann", "\u200b"], [7], "ann"])
      expect(faults({ approvers }), JSON.stringify(approvers)).toEqual([text]);
    for (const required of [0, 1.5, 1001, "2"]) expect(faults({ required })).toHaveLength(1);
  });

  test("R3, R27: a list that is known only when the node starts fails it there, with the reason, and opens it to nobody", async () => {
    const s = await stage({ a: { output: { people: ["ann"] } } });
    const input = { approvers: { $cel: "nodes.a.output.people" }, required: 2 };
    const run = await s.start(plan([node("a"), approval("ok", input, { upstreams: ["a"] })]));
    expect(nodeOf(await s.finish(run), "ok")).toMatchObject({
      status: "FAILED",
      error: { code: "INPUT_INVALID", message: "belay.approval asks for 2 approvals of 1 approvers" },
    });
  });

  /** A journal whose appends wait for the test: what comes meanwhile is decided before the node's own fault is. */
  class SlowJournal extends MemoryJournal {
    held = false;
    readonly #waiting: (() => void)[] = [];

    override append(...args: Parameters<MemoryJournal["append"]>): never {
      super.append(...args);
      if (!this.held) return undefined as never;
      return new Promise<void>((resolve) => this.#waiting.push(resolve)) as never;
    }

    goOn(): void {
      this.held = false;
      for (const resolve of this.#waiting.splice(0)) resolve();
    }
  }

  test.each([
    ["makes no sense", { people: [] }, "INPUT_INVALID"],
    ["cannot be evaluated", {}, "EXPRESSION_FAILED"],
  ])("R37: a list of approvers that %s lets nobody through while that is found out", async (_, output, code) => {
    const journal = new SlowJournal();
    const s = await stage({ a: { output } }, { held: true, engine: { journal } });
    const input = { approvers: { $cel: "nodes.a.output.people" }, required: 2 };
    const run = await s.start(plan([node("a"), approval("ok", input, { upstreams: ["a"] })]));
    await settleTurns();
    journal.held = true;
    s.rig.pending[0]?.finish();
    await settleTurns();
    expect(nodeOf(run.snapshot(), "ok").status).toBe("RUNNING");
    const mallory = run.approve("ok", { who: "mallory" });
    journal.goOn();
    await refused(mallory, "STATE_INVALID");
    expect(nodeOf(await s.rest(run), "ok")).toMatchObject({ status: "FAILED", error: { code } });
  });
});

describe("R26: too late", () => {
  const HOUR = 3600_000;

  test("R26: the last approval counts until its time is over, and not in that very moment", async () => {
    const early = await waiting({ required: 2 }, { timeout: 3600 });
    await early.run.approve("ok", { who: "ann" });
    await early.s.clock.elapse(HOUR - 1);
    await early.run.approve("ok", { who: "bob" });
    expect((await early.s.finish(early.run)).status).toBe("SUCCESSFUL");
    expect(early.s.clock.pending).toBe(0);

    const late = await waiting({ required: 2 }, { timeout: 3600 });
    await late.run.approve("ok", { who: "ann" });
    await late.s.clock.elapse(HOUR);
    await refused(late.run.approve("ok", { who: "bob" }), "STATE_INVALID");
    expect(nodeOf(await late.s.finish(late.run), "ok").error?.code).toBe("TIMEOUT");
  });

  test.each([true, false])(
    "R26: asked at the very moment of the expiry it is too late, whichever timer is first (the asker's: %s)",
    async (asksFirst) => {
      const s = await stage();
      let word: Promise<RunSnapshot> | undefined;
      const ask = (): void => {
        word = (s.engine.run("r") as Run).approve("ok", { who: "ann" });
        word.catch(() => undefined);
      };
      // Timers of one moment fire in the order in which they were armed.
      if (asksFirst) s.clock.schedule(HOUR, ask);
      const run = await s.start(plan([approval("ok", undefined, { timeout: 3600 })]), { runId: "r" });
      await settleTurns();
      if (!asksFirst) s.clock.schedule(HOUR, ask);
      await s.clock.elapse(HOUR);
      await refused(word as Promise<RunSnapshot>, "STATE_INVALID");
      expect(nodeOf(await s.finish(run), "ok").error?.code).toBe("TIMEOUT");
    },
  );

  test("R26, R42: an approval whose time ran out while no process lived is not to be had afterwards", async () => {
    const first = await life();
    await first.start(plan([approval("ok", undefined, { timeout: 3600 }), node("a", ["ok"])]), { runId: "r" });
    await settleTurns();
    const journal = first.journal.afterCrash();
    first.clock.advance(2 * HOUR);
    const { clock } = first;
    const s = await stage({}, { clock, engine: { journal } });
    const run = s.engine.run("r") as Run;
    // At once: neither the run nor a timer has had a turn.
    await refused(run.approve("ok", { who: "ann" }), "STATE_INVALID");
    await clock.elapse(0);
    expect(nodeOf(await s.rest(run), "ok")).toMatchObject({ status: "FAILED", error: { code: "TIMEOUT" } });
    expect(s.rig.started()).toEqual([]);
  });

  test("R26, R42: nor is one that was asked for while no process lived", async () => {
    const first = await life();
    await first.start(plan([approval("ok", undefined, { timeout: 3600 }), node("a", ["ok"])]), { runId: "r" });
    await settleTurns();
    await first.engine.close();
    first.journal.ask({ requestId: "1", runId: "r", verb: "approve", args: ["ok", { who: "ann" }], at: 0 });
    const second = await first.crash({ afterMs: HOUR });
    expect(second.journal.answerTo("1")).toMatchObject({ ok: false, code: "STATE_INVALID" });
    expect(nodeOf(await second.settled(), "ok").error?.code).toBe("TIMEOUT");
  });

  test("R25, R26: after the expiry another attempt asks everybody anew", async () => {
    const retry = { maxAttempts: 2, initialInterval: 1 };
    const { s, run, approvedBy } = await waiting({ required: 2 }, { timeout: 3600, retry });
    await run.approve("ok", { who: "ann" });
    await s.clock.elapse(HOUR + 1000);
    expect(approvedBy()).toEqual([]);
    await run.approve("ok", { who: "ann" });
    await s.clock.elapse(HOUR - 1);
    await run.approve("ok", { who: "bob" });
    expect(nodeOf(await s.finish(run), "ok")).toMatchObject({ status: "SUCCESSFUL", runTime: 2 });
  });

  test("R26, R37: a cancel beats the approval that comes after it, an approval the cancel", async () => {
    const { s, run } = await waiting();
    const canceled = run.cancel({ node: "ok" });
    await refused(run.approve("ok", { who: "ann" }), "STATE_INVALID");
    await canceled;
    expect(nodeOf(await s.finish(run), "ok").error?.code).toBe("CANCELED");
    const other = await waiting();
    const approved = other.run.approve("ok", { who: "ann" });
    await refused(other.run.cancel({ node: "ok" }), "STATE_INVALID");
    expect((await approved).status).toBe("SUCCESSFUL");
  });
});

describe("R39, R42: approvals and crashes", () => {
  test("R42: whatever was durable, who was counted stays counted, and nobody else is", async () => {
    const document = plan([node("a"), approval("ok", { required: 2 }, { upstreams: ["a"] }), node("b", ["ok"])]);
    const first = await life();
    const run = await first.start(document, { runId: "r" });
    await first.clock.elapse(0);
    await run.approve("ok", { who: "ann", requestId: "1" });
    await run.approve("ok", { who: "bob", requestId: "2" });
    expect((await first.settled()).status).toBe("SUCCESSFUL");
    const records = first.journal.read("r")?.records ?? [];
    for (let kept = 1; kept < records.length; kept++) {
      const second = await first.crash({ records: kept });
      await settleTurns();
      const said = records.slice(0, kept).filter(({ input }) => input.kind === "approve").length;
      await finish(second, said);
      const { output } = nodeOf(await second.settled(), "ok");
      expect((await second.settled()).status, `after ${kept} records`).toBe("SUCCESSFUL");
      expect(output, `after ${kept} records`).toEqual({ approvedBy: ["ann", "bob"] });
    }
  });

  /** What is missing is asked again, under the same request ids; what was counted is not counted again. */
  async function finish(second: Life, said: number): Promise<void> {
    // A call that was cut off is for an operator.
    if (second.run().snapshot().status === "FAILED") await second.run().retry();
    await settleTurns();
    if (said < 2) expect(nodeOf(second.run().snapshot(), "ok").waiting?.approvedBy).toEqual(["ann"].slice(0, said));
    await second.run().approve("ok", { who: "ann", requestId: "1" });
    if (said === 1) await refused(second.run().approve("ok", { who: "ann", requestId: "x" }), "STATE_INVALID");
    await second.run().approve("ok", { who: "bob", requestId: "2" });
    await settleTurns();
    if (second.run().snapshot().status === "FAILED") await second.run().retry();
    await settleTurns();
  }

  test("R37, R42: a request of an earlier process is known with its person", async () => {
    const first = await life();
    const run = await first.start(plan([approval("ok", { required: 2 })]), { runId: "r" });
    await first.clock.elapse(0);
    await run.approve("ok", { who: "ann", requestId: "1" });
    const second = await first.crash();
    await refused(second.run().approve("ok", { who: "bob", requestId: "1" }), "IDEMPOTENT_PARAMETER_MISMATCH");
    await second.run().approve("ok", { who: "ann", requestId: "1" });
    expect(nodeOf(second.run().snapshot(), "ok").waiting?.approvedBy).toEqual(["ann"]);
  });
});
