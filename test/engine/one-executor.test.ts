/** One run has one executor in an engine, whatever is started, told and taken up at once (R39, R44). */
import { createEngine, definePlan, MemoryJournal } from "@belay/engine";
import type { JournalListener, RunHeader } from "@belay/engine/journal";
import { settleTurns } from "@belay/engine/testing";
import { describe, expect, test } from "vitest";
import { type Life, life } from "./second-life.ts";
import { node, plan } from "./stage.ts";

const idempotent = { x: { idempotent: true, run: () => new Promise(() => undefined) } };

describe("R44: one run, one executor", () => {
  test("R44: runs that are left are taken up by themselves, once, however often that is told", async () => {
    const { journal, listener } = listened();
    const s = await life({ held: true, journal });
    const other = "other";
    journal.open(other, { lost: () => undefined, orphaned: () => undefined, asked: () => undefined });
    begin(journal, other, { ...(await headerOf(s)), runId: "left" });
    journal.close(other);
    for (let times = 0; times < 3; times++) listener().orphaned(["left"]);
    await settleTurns();
    expect(s.engine.run("left")?.snapshot().status).toBe("RUNNING");
    expect(s.rig.pending.filter(({ held }) => held.ctx.runId === "left")).toHaveLength(1);
    const claims = journal.claim(journal.list()[0]?.owner as string, "left");
    expect(claims).toMatchObject({ kind: "claimed", lease: { epoch: 3 } });
  });

  test("R44: a run that another engine was faster to take, however often, is taken up when that leaves it", async () => {
    const { journal, listener } = listened();
    const s = await life({ held: true, journal });
    const other = "other";
    journal.open(other, { lost: () => undefined, orphaned: () => undefined, asked: () => undefined });
    begin(journal, other, { ...(await headerOf(s)), runId: "left" });
    for (let times = 0; times < 20; times++) {
      listener().orphaned(["left"]);
      await settleTurns();
    }
    expect(s.engine.run("left")).toBeUndefined();
    expect(s.engine.refused()).toEqual([]);
    journal.close(other);
    listener().orphaned(["left"]);
    await settleTurns();
    expect(s.engine.run("left")?.snapshot().status).toBe("RUNNING");
  });

  test("R44: an engine that cannot read its journal leaves it to others", async () => {
    const journal = new MemoryJournal();
    const { list } = journal;
    const closed: string[] = [];
    const { close } = journal;
    journal.close = (engine) => {
      closed.push(engine);
      close.call(journal, engine);
    };
    journal.list = () => {
      throw new Error("the disk is gone");
    };
    await expect(createEngine({ actions: {}, journal })).rejects.toThrow("the disk is gone");
    expect(closed).toHaveLength(1);
    journal.list = list;
    await (await createEngine({ actions: {}, journal })).close();
  });

  test("R44: a run that is being started is not taken up beside that", async () => {
    const { journal, listener } = listened();
    const s = await life({ journal });
    const starting = s.start(plan([node("a")]), { runId: "r" });
    listener().orphaned(["r"]);
    const recovering = s.engine.recover();
    const run = await starting;
    expect((await recovering).runs).toEqual([]);
    expect((await s.rest(run)).status).toBe("SUCCESSFUL");
    expect(s.rig.started()).toEqual(["a"]);
  });

  test("R44: taking up a run leaves the run inside it alone that goes on here", async () => {
    const inner = definePlan(plan([node("x")], { name: "inner" }));
    const journal = new MemoryJournal();
    const s = await life({ held: true, journal, engine: { plans: { inner } } });
    const sub = { id: "sub", action: "belay.plan", with: { plan: "inner" }, effect: "none" } as const;
    const run = await s.start(plan([sub, node("b", ["sub"])]), { runId: "r" });
    await settleTurns();
    const append = journal.append.bind(journal);
    journal.append = (lease, ...rest) => {
      if (lease.runId === "r") throw new Error("disk full");
      append(lease, ...rest);
    };
    await expect(run.pause()).rejects.toMatchObject({ code: "JOURNAL_FAILED" });
    journal.append = append;
    await s.engine.recover();
    await settleTurns();
    for (const call of [...s.rig.pending]) call.finish();
    await settleTurns();
    for (const call of [...s.rig.pending]) call.finish();
    await settleTurns();
    expect(s.rig.started()).toEqual(["x", "b"]);
    expect(run.snapshot().status).toBe("SUCCESSFUL");
  });

  test("R39: closing an engine cancels no run inside a run: the next engine goes on with both", async () => {
    const inner = definePlan(plan([{ id: "x", action: "x" }], { name: "inner" }));
    const first = await life({ extra: idempotent, engine: { plans: { inner }, graceMs: 0 } });
    const sub = { id: "sub", action: "belay.plan", with: { plan: "inner" }, effect: "none" } as const;
    await first.start(plan([sub]), { runId: "r" });
    await settleTurns();
    void first.engine.close();
    await settleTurns();
    const second = await first.crash({ extra: { x: { idempotent: true, run: () => 7 } } });
    expect((await second.settled()).status).toBe("SUCCESSFUL");
    expect(second.engine.run("r/sub/1")?.snapshot().status).toBe("SUCCESSFUL");
  });

  test("R39: a run whose journal refuses it again and again is not taken up for ever", async () => {
    const { journal, listener } = listened();
    const s = await life({ journal, extra: idempotent });
    const run = await s.start(plan([{ id: "a", action: "x" }]), { runId: "r" });
    await settleTurns();
    const { append } = journal;
    let refusals = 0;
    journal.append = () => {
      refusals++;
      throw new Error("refused");
    };
    for (let times = 0; times < 9; times++) {
      listener().orphaned(["r"]);
      await run.pause().catch(() => undefined);
      listener().orphaned(["r"]);
      await settleTurns();
    }
    expect(refusals).toBeLessThan(9);
    journal.append = append;
    expect((await s.engine.recover()).runs).toHaveLength(1);
    expect((await run.pause()).status).toBe("PAUSED");
  });
});

/** A run of another engine, with its first record. */
function begin(journal: MemoryJournal, engine: string, header: RunHeader): void {
  const created = journal.create(engine, header, []);
  if (created.kind !== "created") throw new Error(created.kind);
  const progress = { status: "RUNNING", ended: false, at: header.at } as const;
  journal.append(created.lease, [{ seq: 0, input: { kind: "start", at: header.at } }], progress);
}

/** A journal whose listener the test calls. */
function listened(): { journal: MemoryJournal; listener: () => JournalListener } {
  const journal = new MemoryJournal();
  const { open } = journal;
  let heard: JournalListener | undefined;
  journal.open = (engine, listener) => {
    heard ??= listener;
    open.call(journal, engine, listener);
  };
  return { journal, listener: () => heard as JournalListener };
}

/** The header of any run of one node that the stage can execute. */
async function headerOf(s: Life): Promise<RunHeader> {
  const run = await s.start(plan([node("a")]), { runId: "any" });
  await settleTurns();
  s.rig.pending[0]?.finish();
  await s.rest(run);
  return s.journal.read("any")?.header as RunHeader;
}
