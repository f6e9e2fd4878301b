/** R39, R42: a journal that keeps no records: runs go the same way, nothing is kept, nothing is taken up, nothing stays locked. */
import { auditTrail, createEngine, definePlan, MemoryJournal, type PlanDocument, readStoredRun } from "@belay/engine";
import { ManualClock } from "@belay/engine/testing";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RecordLog } from "../../packages/engine/src/journal/record-log.ts";

const PLAN: PlanDocument = {
  belay: 1,
  name: "two",
  locks: ["the-db"],
  nodes: [
    { id: "a", action: "step", compensation: { action: "undo" } },
    { id: "b", action: "last", upstreams: ["a"] },
  ],
};

describe("R39: a journal without records", () => {
  test("R39: a run fails, is retried and ends as with records; its lock is free then", async () => {
    const journal = new MemoryJournal({ records: false });
    let fails = true;
    const engine = await createEngine({
      journal,
      clock: new ManualClock(),
      actions: {
        step: () => ({ done: 1 }),
        undo: () => undefined,
        last: () => {
          if (fails) throw new Error("not yet");
        },
      },
    });
    const run = await engine.start(definePlan(PLAN), { runId: "r" });
    expect((await run.settled()).status).toBe("FAILED");
    expect(journal.list()).toMatchObject([
      { runId: "r", status: "FAILED", ended: false, records: 0, locks: ["the-db"] },
    ]);
    await expect(engine.start(definePlan(PLAN))).rejects.toThrow(/the-db/);
    fails = false;
    await run.retry();
    const end = await run.settled();
    expect([end.status, end.nodes[0]?.output]).toEqual(["SUCCESSFUL", { done: 1 }]);
    expect(journal.list()).toMatchObject([{ status: "SUCCESSFUL", ended: true, locks: [] }]);
    await engine.close();
  });

  test("R42: it says that it cannot be read, and nothing of it is taken up by another engine or stays locked", async () => {
    const journal = new MemoryJournal({ records: false });
    const actions = { step: () => new Promise(() => undefined), undo: () => undefined, last: () => undefined };
    const engine = await createEngine({ journal, actions, graceMs: 0 });
    await engine.start(definePlan(PLAN), { runId: "r", clientToken: "t" });
    expect(() => journal.read("r")).toThrow("keeps no records (records: false); run r is known to its engine alone");
    expect(journal.read("other")).toBeUndefined();
    await expect(auditTrail(journal, "r")).rejects.toThrow("keeps no records");
    await expect(readStoredRun(journal, "r")).rejects.toThrow("keeps no records");
    await engine.close();
    expect(journal.list()).toEqual([]);
    const next = await createEngine({ journal, actions, graceMs: 0 });
    expect([next.runs(), next.refused()]).toEqual([[], []]);
    const again = await next.start(definePlan(PLAN), { runId: "r", clientToken: "t" });
    expect(again.snapshot().status).toBe("RUNNING");
    await next.close();
  });
});

describe("R45: records in memory", () => {
  test("R45: what is kept as numbers reads as it was written, beside what is not", () => {
    const node = fc.nat(1000);
    const at = fc.double({ noNaN: true });
    const input = fc.oneof(
      fc.record({ kind: fc.constantFrom("succeeded" as const, "undone" as const), at, node, attempt: node }),
      fc.record({ kind: fc.constant("grant" as const), at, pool: node, count: node }),
      fc.record({ kind: fc.constant("failed" as const), at, node, attempt: node, retryable: fc.boolean() }),
      fc.record({ kind: fc.constant("pause" as const), at }),
    );
    const records = fc.array(fc.record({ input, payload: fc.option(fc.jsonValue(), { nil: undefined }) }), {
      maxLength: 60,
    });
    fc.assert(
      fc.property(records, fc.nat(60), (drawn, kept) => {
        const log = new RecordLog();
        const written = drawn.map(({ input: one, payload }, seq) =>
          payload === undefined ? { seq, input: one } : { seq, input: one, payload: payload as never },
        );
        for (const record of written) log.append(record);
        expect([log.length, log.read()]).toEqual([written.length, written]);
        const copy = log.copy(kept);
        expect(copy.read()).toEqual(written.slice(0, kept));
        copy.append({ seq: copy.length, input: { kind: "pause", at: 1 } });
        expect(log.read()).toEqual(written);
      }),
      { seed: 45, numRuns: 200 },
    );
  });
});
