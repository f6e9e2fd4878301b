/**
 * The audit trail (R37): every verb with who, why, when and under which request id, and what the engine decided at a
 * recovery (R42); of runs that move, that ended, that another engine owns. The test reads it from the journal alone.
 */
import { type AuditEntry, auditTrail, definePlan, MemoryJournal, type NodeDocument } from "@belay/engine";
import { settleTurns } from "@belay/engine/testing";
import { describe, expect, test } from "vitest";
import { type Life, life } from "./second-life.ts";
import { node, plan, refused, undoable } from "./stage.ts";

const NOON = "2025-01-01T00:00:00.000Z";

/** What an entry says beyond its defaults, without its place in the journal. */
function brief({ seq: _, status, at, ...entry }: AuditEntry): Record<string, unknown> {
  const told = Object.entries(entry).filter(([name, value]) => value !== null && value !== false && name !== "by");
  return Object.fromEntries([...told, ["status", status], ...(at === NOON ? [] : [["at", at]])]);
}

async function trail(s: Life, id = "r"): Promise<Record<string, unknown>[]> {
  return (await auditTrail(s.journal, id)).map(brief);
}

const approval = (id: string, rest: Partial<NodeDocument> = {}): NodeDocument => ({
  id,
  action: "belay.approval",
  ...rest,
});

describe("R37: who asked what", () => {
  test("R37: every verb is there, in order, with who, why, when, its request and what it named", async () => {
    const s = await life({ scripts: { f: "fail,fatal,fatal,fatal,ok", p: { undo: "fail,ok" } } });
    const document = plan([
      undoable("p"),
      approval("ok", { with: { required: 2 }, upstreams: ["p"] }),
      { id: "go", action: "belay.signal", upstreams: ["ok"] },
      { id: "no", action: "belay.approval", upstreams: ["go"], onFailure: "continue" },
      undoable("f", ["no"]),
    ]);
    const run = await s.start(document, { runId: "r" });
    await s.clock.elapse(0);
    await run.pause({ who: "ops", why: "lunch" });
    await run.approve("ok", { who: "ann", why: "CHG-1", requestId: "a1" });
    await run.approve("ok", { who: "ann", why: "CHG-1", requestId: "a1" });
    await refused(run.approve("ok", { who: "ann" }), "STATE_INVALID");
    await s.clock.elapse(1000);
    await run.approve("ok", { who: "bob" });
    await run.resume();
    await s.clock.elapse(0);
    await run.signal("go", { who: "monitor", output: { secret: "of the node" } });
    await s.clock.elapse(0);
    await run.reject("no", { who: "eve", why: "not me" });
    await s.rest(run);
    await run.retry({ who: "ops", requestId: "r1" });
    await s.rest(run);
    await run.retry({ node: "f", who: "ops" });
    await s.rest(run);
    await run.rollback({ to: "no", who: "ops", why: "try later" });
    await s.rest(run);
    await run.retry({ who: "ops" });
    await s.rest(run);
    await run.rollback({ to: "barrier", who: "ops" });
    await s.rest(run);
    await run.rollback({ who: "ops" });
    await s.rest(run);
    expect(run.snapshot().status).toBe("ROLLED_BACK");
    const later = { at: "2025-01-01T00:00:01.000Z" };
    expect(await trail(s)).toEqual([
      { verb: "start", status: "RUNNING" },
      { verb: "pause", who: "ops", why: "lunch", status: "PAUSED" },
      { verb: "approve", nodeId: "ok", who: "ann", why: "CHG-1", requestId: "a1", status: "PAUSED" },
      { verb: "approve", nodeId: "ok", who: "bob", status: "PAUSED", ...later },
      { verb: "resume", status: "RUNNING", ...later },
      { verb: "signal", nodeId: "go", who: "monitor", status: "RUNNING", ...later },
      { verb: "reject", nodeId: "no", who: "eve", why: "not me", status: "RUNNING", ...later },
      { verb: "retry", who: "ops", requestId: "r1", status: "RUNNING", ...later },
      { verb: "retry", nodeId: "f", who: "ops", status: "RUNNING", ...later },
      { verb: "rollback", to: "no", who: "ops", why: "try later", status: "ROLLING_BACK", ...later },
      { verb: "retry", who: "ops", status: "RUNNING", ...later },
      { verb: "rollback", to: "barrier", who: "ops", status: "ROLLING_BACK", ...later },
      // After ROLLBACK_FAILED it goes where the last one went.
      { verb: "rollback", to: "barrier", who: "ops", status: "ROLLING_BACK", ...later },
    ]);
  });

  test("R37: skips, cancels, skip-rollback and abandon too; the output that was given is not repeated", async () => {
    const s = await life({ scripts: { a: "fatal", b: { undo: "fail" }, w: "obey" } });
    const run = await s.start(plan([node("a"), undoable("b"), node("c", ["a", "b"]), node("w")]), { runId: "r" });
    await settleTurns();
    await run.cancel({ node: "w", who: "x" });
    await s.rest(run);
    await run.skip("a", { who: "x", why: "by hand", output: 1 });
    await settleTurns();
    await s.rest(run);
    await run.rollback({ who: "x" });
    await s.rest(run);
    await run.skipRollback("b", { who: "y" });
    expect((await s.rest(run)).status).toBe("ROLLED_BACK");
    expect((await trail(s)).slice(1)).toEqual([
      { verb: "cancel", nodeId: "w", who: "x", status: "RUNNING" },
      { verb: "skip", nodeId: "a", who: "x", why: "by hand", status: "FAILED" },
      { verb: "rollback", who: "x", status: "ROLLING_BACK" },
      { verb: "skipRollback", nodeId: "b", who: "y", status: "ROLLED_BACK" },
    ]);
    const other = await s.start(plan([node("w")]), { runId: "other" });
    await settleTurns();
    await other.cancel({ why: "wrong cluster" });
    await s.rest(other);
    await other.abandon({ who: "z" });
    expect((await trail(s, "other")).slice(1)).toEqual([
      { verb: "cancel", why: "wrong cluster", status: "RUNNING" },
      { verb: "abandon", who: "z", status: "ABANDONED" },
    ]);
  });

  test("R24, R37: members are named as they were, though their group has other members since", async () => {
    const s = await life({ scripts: { "g[1]": "fatal", a: { output: { list: [1, 2] } } } });
    const group = undoable("g", ["a"], { split: { over: "nodes.a.output.list" } });
    const run = await s.start(plan([node("r"), undoable("a", ["r"]), group, node("z", ["g"])]), { runId: "r" });
    await s.rest(run);
    await run.retry({ node: "g[1]", who: "ann" });
    await s.rest(run);
    await run.rollback({ to: "r", who: "ann" });
    await s.rest(run);
    s.rig.rescript("a", { output: { list: [1, 2, 3] } });
    s.rig.rescript("g[1]", "ok");
    s.rig.rescript("g[2]", "fatal,ok");
    await run.retry({ who: "ann" });
    await s.rest(run);
    await run.retry({ node: "g[2]", who: "bob" });
    await s.rest(run);
    const entries = await auditTrail(s.journal, "r");
    expect(entries.map(({ verb, nodeId, to }) => [verb, nodeId ?? to])).toEqual([
      ["start", null],
      ["retry", "g[1]"],
      ["rollback", "r"],
      ["retry", null],
      ["retry", "g[2]"],
    ]);
  });

  test("R37: a verb that was asked from another process reads like any other", async () => {
    const s = await life({ scripts: { a: "fail" } });
    await s.rest(await s.start(plan([node("a")]), { runId: "r" }));
    s.journal.ask({ requestId: "1", runId: "r", verb: "abandon", args: [{ who: "ann", why: "gone" }], at: 0 });
    await settleTurns();
    expect((await trail(s))[1]).toEqual({
      verb: "abandon",
      who: "ann",
      why: "gone",
      requestId: "1",
      status: "ABANDONED",
    });
  });
});

describe("R42: what the engine decided", () => {
  const pending = (): Promise<never> => new Promise(() => undefined);
  const chain = plan([
    { id: "done", action: "done", compensation: { action: "undo" } },
    { id: "not", action: "not" },
    { id: "again", action: "again" },
    { id: "blind", action: "blind" },
    { id: "lost", action: "lost" },
    node("z", ["done", "not", "again", "blind", "lost"]),
  ]);
  const verifies = (answer: () => unknown) => ({ run: () => 1, verify: answer as never });

  test("R42: attempts that were verified, run again or lost are told, those that went on undisturbed are not", async () => {
    const names = ["done", "not", "again", "blind", "lost"];
    const first = await life({ extra: Object.fromEntries(names.map((name) => [name, { run: pending }])) });
    await first.start(chain, { runId: "r" });
    await settleTurns();
    const second = await first.crash({
      extra: {
        done: verifies(() => ({ done: true, output: 7 })),
        not: verifies(() => ({ done: false })),
        again: { run: () => 1, idempotent: true },
        blind: verifies(() => Promise.reject(new Error("no route to host"))),
        lost: { run: () => 1 },
      },
    });
    await second.settled();
    await second.run().retry({ who: "ann" });
    expect((await second.settled()).status).toBe("SUCCESSFUL");
    const entries = await trail(second);
    // The retried attempts of "blind" and "lost", and "z", were nobody's decision.
    const decided = entries
      .filter(({ verb }) => verb === "recover")
      .map((one) => `${one["nodeId"]} ${one["decision"]}`);
    expect(decided.sort()).toEqual(["again AGAIN", "blind LOST", "done VERIFIED", "lost LOST", "not AGAIN"]);
    expect(entries.at(-1)).toMatchObject({ verb: "retry", who: "ann" });
    expect(new Set((await auditTrail(second.journal, "r")).map(({ by }) => by))).toEqual(
      new Set(["operator", "engine"]),
    );
  });

  test("R32, R42: compensations are told apart from attempts; a failure of what ran again is told as well", async () => {
    const undo = { run: pending };
    const first = await life({ extra: { undo }, scripts: { b: "fatal" } });
    const run = await first.start(plan([undoable("a"), undoable("b", ["a"])]), { runId: "r" });
    await first.rest(run);
    await run.rollback({ who: "ann" });
    await settleTurns();
    const lost = await first.crash();
    await settleTurns();
    expect((await trail(lost)).at(-1)).toEqual({
      verb: "recover",
      decision: "LOST",
      nodeId: "b",
      attempt: 1,
      compensation: true,
      status: "ROLLBACK_FAILED",
    });
    const fails = { idempotent: true, run: () => Promise.reject(new Error("still not")) };
    const again = await first.crash({ extra: { undo: fails } });
    await settleTurns();
    expect((await trail(again)).at(-1)).toMatchObject({ decision: "AGAIN", nodeId: "b", compensation: true });
    const verified = await first.crash({ extra: { undo: { run: () => 1, verify: () => ({ done: true }) } } });
    await settleTurns();
    expect((await trail(verified)).slice(2)).toMatchObject([{ decision: "VERIFIED", nodeId: "b", compensation: true }]);
    expect((await verified.settled()).status).toBe("ROLLED_BACK");
  });

  test("R25, R42: only the attempt that was cut off is a decision, not the one after it, though its answer is late", async () => {
    const first = await life({ extra: { x: { run: pending } } });
    const x: NodeDocument = { id: "x", action: "x", timeout: 10, retry: { maxAttempts: 2, initialInterval: 1 } };
    await first.start(plan([x]), { runId: "r" });
    await settleTurns();
    const ends: ((value: number) => void)[] = [];
    const run = (): Promise<number> => new Promise((resolve) => ends.push(resolve));
    const second = await first.crash({ extra: { x: { idempotent: true, run } } });
    await second.clock.elapse(10_000 + 5_000 + 1_000);
    expect(ends).toHaveLength(2);
    ends[1]?.(2);
    await settleTurns();
    expect((await second.settled()).status).toBe("SUCCESSFUL");
    expect((await trail(second)).filter(({ verb }) => verb === "recover")).toEqual([]);
  });

  test("R42: a verify that does not answer in time is told once, as lost", async () => {
    const first = await life({ extra: { x: { run: pending } } });
    await first.start(plan([{ id: "x", action: "x", timeout: 10 }]), { runId: "r" });
    await settleTurns();
    const second = await first.crash({
      extra: {
        x: {
          run: () => 1,
          verify: (ctx) =>
            new Promise((_, reject) => ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason))),
        },
      },
    });
    await second.clock.elapse(10_000);
    expect((await second.settled()).status).toBe("FAILED");
    expect((await trail(second)).filter(({ verb }) => verb === "recover")).toMatchObject([{ decision: "LOST" }]);
  });

  test("R42: a run inside a run was started by the engine", async () => {
    const inner = definePlan(plan([node("i")], { name: "inner" }));
    const s = await life({ engine: { plans: { inner } } });
    const outer = plan([{ id: "sub", action: "belay.plan", with: { plan: "inner" }, effect: "none" }]);
    await s.rest(await s.start(outer, { runId: "r" }));
    expect((await auditTrail(s.journal, "r")).map(({ by }) => by)).toEqual(["operator"]);
    expect((await auditTrail(s.journal, "r/sub/1")).map(({ by }) => by)).toEqual(["engine"]);
  });
});

describe("R44: whoever owns the run", () => {
  test("R44: nothing is claimed, written or needed but the journal: no action, no engine", async () => {
    const s = await life({ held: true });
    const run = await s.start(plan([node("a")]), { runId: "r" });
    await settleTurns();
    await run.pause({ who: "ann" });
    const calls: string[] = [];
    const { journal } = s;
    const reader = {
      read: (id: string) => {
        calls.push(id);
        return journal.read(id);
      },
    };
    const before = JSON.stringify([journal.list(), journal.read("r")]);
    expect((await auditTrail(reader, "r")).map(({ verb }) => verb)).toEqual(["start", "pause"]);
    expect(calls).toEqual(["r"]);
    expect(JSON.stringify([journal.list(), journal.read("r")])).toBe(before);
    await run.resume();
    s.rig.pending[0]?.finish();
    expect((await s.rest(run)).status).toBe("SUCCESSFUL");
    await s.engine.close();
    expect((await auditTrail(journal.afterCrash(), "r")).map(({ verb }) => verb)).toEqual(["start", "pause", "resume"]);
  });

  test("R5, R45: an unknown run is NOT_FOUND, records that are none of its plan are JOURNAL_CORRUPT", async () => {
    const s = await life();
    await s.rest(await s.start(plan([node("a")]), { runId: "r" }));
    await refused(auditTrail(new MemoryJournal(), "r"), "NOT_FOUND");
    const { header, records } = s.journal.read("r") as NonNullable<ReturnType<MemoryJournal["read"]>>;
    const odd = { seq: records.length, input: { kind: "retry", at: 0, node: 99 } } as const;
    await refused(auditTrail({ read: () => ({ header, records: [...records, odd] }) }, "r"), "JOURNAL_CORRUPT");
    const forged = { ...header, planHash: "0" };
    await refused(auditTrail({ read: () => ({ header: forged, records }) }, "r"), "JOURNAL_CORRUPT");
  });
});
