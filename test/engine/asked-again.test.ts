/** A request id that is used again, and what was asked and not answered, whatever has become of the run meanwhile (R37). */
import { BelayError } from "@belay/engine";
import { settleTurns } from "@belay/engine/testing";
import { expect, test } from "vitest";
import { type Life, life } from "./second-life.ts";
import { node, plan, refused, undoable } from "./stage.ts";

/** Rests ROLLBACK_FAILED after a rollback to the barrier, and is rolled back again from there under the id "again". */
async function rolledBackAgain(): Promise<Life> {
  const s = await life({ scripts: { a: { undo: "fatal,ok" }, z: "fatal" } });
  const nodes = [undoable("a"), node("p", [], { prohibitRollback: true }), node("z", ["a"])];
  const run = await s.start(plan(nodes), { runId: "r" });
  await s.settled();
  await run.rollback({ to: "barrier" });
  expect((await s.settled()).status).toBe("ROLLBACK_FAILED");
  await run.rollback({ requestId: "again" });
  expect((await s.settled()).status).toBe("PARTIALLY_ROLLED_BACK");
  return s;
}

test("R37: a rollback that went where the failed one went is the same when it is repeated later, or after a crash", async () => {
  const first = await rolledBackAgain();
  for (const s of [first, await first.crash()]) {
    expect((await s.run().rollback({ requestId: "again" })).status).toBe("PARTIALLY_ROLLED_BACK");
    await refused(s.run().rollback({ to: "a", requestId: "again" }), "IDEMPOTENT_PARAMETER_MISMATCH");
  }
  const records = first.journal.read("r")?.records.length;
  expect((await first.crash()).journal.read("r")?.records).toHaveLength(records as number);
});

test("R37: what the owner has done and not answered when it died is answered as done by the next one", async () => {
  const first = await rolledBackAgain();
  first.journal.ask({ requestId: "again", runId: "r", verb: "rollback", args: [{}], at: 0 });
  // It was taken, carried out and not answered: nothing is served any more before the next owner comes.
  const second = await first.crash();
  await settleTurns();
  expect(second.journal.answerTo("again")).toEqual({ ok: true, status: "PARTIALLY_ROLLED_BACK" });
});

test("R37: a request for a member is the same after its group has expanded again", async () => {
  const first = await life({ scripts: { a: { output: { list: [1, 2] } }, "g[1]": "fail,ok", b: "fatal" } });
  const group = undoable("g", ["a"], { split: { over: "nodes.a.output.list" } });
  const document = plan([undoable("a"), group, node("b")], { failureMode: "continue" });
  const run = await first.start(document, { runId: "r" });
  await first.settled();
  const skip = (s: Life, member: string, output = { x: 1 }) => s.run().skip(member, { requestId: "member", output });
  await skip(first, "g[1]");
  await run.rollback({ to: "a" });
  expect((await first.settled()).status).toBe("PARTIALLY_ROLLED_BACK");
  await run.retry();
  await first.settled();
  expect(first.rig.started().filter((id) => id === "g[1]")).toHaveLength(2);
  await run.rollback({ requestId: "to", to: "g[0]" });
  const { status } = await first.settled();
  for (const s of [first, await first.crash()]) {
    expect((await skip(s, "g[1]")).status).toBe(status);
    expect((await s.run().rollback({ requestId: "to", to: "g[0]" })).status).toBe(status);
    await refused(skip(s, "g[0]"), "IDEMPOTENT_PARAMETER_MISMATCH");
    await refused(skip(s, "g[1]", { x: 2 }), "IDEMPOTENT_PARAMETER_MISMATCH");
  }
});

test("R37, R45: what is asked while the journal is found damaged stays asked, and the damage is told as that", async () => {
  const s = await life({ extra: { x: { idempotent: true, run: () => new Promise(() => undefined) } } });
  const run = await s.start(plan([{ id: "a", action: "x" }]), { runId: "r" });
  await settleTurns();
  const { append, create } = s.journal;
  const corrupt = (): never => {
    throw new BelayError("JOURNAL_CORRUPT", "journal belay.db: row 7 is not what was written; restore a backup");
  };
  s.journal.append = corrupt;
  s.journal.ask({ requestId: "q", runId: "r", verb: "pause", args: [{}], at: 0 });
  await settleTurns();
  expect(run.snapshot().fault).toMatchObject({ code: "JOURNAL_CORRUPT" });
  expect(s.journal.answerTo("q")).toBeUndefined();
  s.journal.create = corrupt;
  await refused(s.start(plan([node("b")])), "JOURNAL_CORRUPT");
  Object.assign(s.journal, { append, create });
  await s.engine.recover();
  await settleTurns();
  expect(s.journal.answerTo("q")).toMatchObject({ ok: true });
});
