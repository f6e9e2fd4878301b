/** Runs inside runs after a crash, between engines, and when something of them is missing (R25, R30, R42, R44). */
import {
  type ActionDefinition,
  createEngine,
  definePlan,
  type Json,
  MemoryJournal,
  type PlanDocument,
} from "@belay/engine";
import type { Journal, JournalListener } from "@belay/engine/journal";
import { settleTurns } from "@belay/engine/testing";
import { expect, test } from "vitest";
import { type Life, life, type NextLife } from "./second-life.ts";
import { nodeOf, plan, refused, undoable } from "./stage.ts";

/** So many records of the run get durable, of other runs all: as if the process died then. */
function stopsAt(records: number, runId = "r"): MemoryJournal {
  const journal = new MemoryJournal();
  const { append } = journal;
  const stopping: Journal["append"] = (lease, added, progress) => {
    const had = journal.read(lease.runId)?.records.length ?? 0;
    const kept = lease.runId === runId ? added.slice(0, Math.max(0, records - had)) : added;
    if (kept.length > 0) append.call(journal, lease, kept, progress);
    return kept.length < added.length ? new Promise(() => undefined) : undefined;
  };
  journal.append = stopping as MemoryJournal["append"];
  return journal;
}

const inner = definePlan(plan([undoable("x"), undoable("y", ["x"])], { name: "inner" }));
const sub = {
  id: "sub",
  action: "belay.plan",
  with: { plan: "inner" },
  upstreams: ["a"],
  compensation: { action: "undo" },
};
const outer: PlanDocument = plan([undoable("a"), sub]);
const INSIDE = "r/sub/1";

/** Kinds of the run's records, in order. */
function kindsOf(journal: MemoryJournal, runId: string): string[] {
  return (journal.read(runId)?.records ?? []).map(({ input }) => input.kind);
}

async function begun(options: NextLife, document = outer): Promise<Life> {
  const s = await life({ engine: { plans: { inner } }, ...options });
  await s.start(document, { runId: "r" });
  for (let turn = 0; turn < 4; turn++) await s.clock.elapse(0);
  return s;
}

test("R42: a run inside that succeeded is kept while the run around it has not ended, and is not run again", async () => {
  // The outer run's process dies before it knows that the inner one has succeeded.
  const first = await begun({ journal: stopsAt(4) });
  expect(first.journal.list().map(({ runId, ended }) => [runId, ended])).toEqual([
    ["r", false],
    [INSIDE, true],
  ]);
  const second = await first.crash({ engine: { plans: { inner }, recover: false } });
  expect(await second.engine.prune({ endedBefore: Number.MAX_SAFE_INTEGER })).toBe(0);
  await second.engine.recover();
  expect(() => second.engine.forget(INSIDE)).toThrow("the run around it, r, has not ended");
  expect((await second.settled()).status).toBe("SUCCESSFUL");
  expect(second.rig.started()).toEqual([]);
  expect(await second.engine.prune({ endedBefore: Number.MAX_SAFE_INTEGER })).toBe(2);
});

test("R25, R42: an attempt that went on with the run of the last one does so once, whenever the process dies", async () => {
  const retried = plan([undoable("a"), { ...sub, retry: { maxAttempts: 2, initialInterval: 0 } }]);
  const scripts = { y: "fail" };
  for (let records = 5; records < 12; records++) {
    const first = await begun({ journal: stopsAt(records), scripts }, retried);
    const second = await first.crash({ scripts });
    for (let turn = 0; turn < 4; turn++) await second.clock.elapse(0);
    expect((await second.settled()).status).toBe("FAILED");
    const calls = [...first.rig.started(), ...second.rig.started()].filter((id) => id === "y");
    expect(calls, `${records} records`).toEqual(["y", "y"]);
    expect(kindsOf(second.journal, INSIDE).filter((kind) => kind === "retry")).toHaveLength(1);
  }
});

const natures: Readonly<Record<string, ActionDefinition>> = {
  "says nothing of crashes": { run: () => undefined },
  "is idempotent": { idempotent: true, run: () => undefined },
  "knows that the whole plan is undone": { verify: () => ({ done: true }), run: () => undefined },
};

test.each(Object.entries(natures))(
  "R30, R42: rolling back a run inside goes on after a crash, also when the compensation %s",
  async (_, undo) => {
    const calls: string[] = [];
    const undoes: ActionDefinition = { ...undo, run: ({ nodeId }) => void calls.push(nodeId) };
    const names = plan([
      { ...undoable("a"), compensation: { action: "keep" } },
      { ...sub, compensation: { action: "whole" } },
    ]);
    const extra = { whole: undoes, keep: { idempotent: true, run: () => undefined } };
    const scripts = { y: "fatal" };
    const whole = await begun({ scripts, extra }, names);
    await whole.run().rollback();
    expect((await whole.settled()).status).toBe("ROLLED_BACK");
    const all = kindsOf(whole.journal, "r");
    for (let records = all.indexOf("rollback") + 1; records < all.length; records++) {
      const first = await begun({ scripts, extra, journal: stopsAt(records) }, names);
      void first
        .run()
        .rollback()
        .catch(() => undefined);
      await settleTurns();
      const second = await first.crash();
      expect((await second.settled()).status, `${records} records`).toBe("ROLLED_BACK");
      expect((await second.settled(INSIDE)).status).toBe("ROLLED_BACK");
    }
    // It undoes a run inside that has succeeded, and none did.
    expect(calls).toEqual([]);
  },
);

test("R30, R37: a run inside that an operator rolls back meanwhile is waited for", async () => {
  const s = await begun({ scripts: { y: "fatal", x: { undo: "hang" } } });
  await s.run(INSIDE).rollback();
  await s.run().rollback();
  await settleTurns();
  expect(s.run().snapshot().status).toBe("ROLLING_BACK");
  for (const call of [...s.rig.pending]) call.finish();
  expect((await s.settled()).status).toBe("ROLLED_BACK");
  expect(s.rig.undone()).toEqual(["y", "x", "a"]);
});

/** A life whose inner run calls an action that the next engine does not have. */
async function withoutItsAction(): Promise<Life> {
  const old = definePlan(plan([undoable("x"), { id: "y", action: "old", upstreams: ["x"] }], { name: "inner" }));
  const first = await begun({
    engine: { plans: { inner: old } },
    extra: { old: () => Promise.reject(new Error("no")) },
  });
  expect((await first.settled()).status).toBe("FAILED");
  const second = await first.crash({ extra: {}, engine: { plans: { inner }, onRefusedRun: () => undefined } });
  expect(second.engine.refused().map(({ runId, error }) => [runId, error.code])).toEqual([[INSIDE, "UNKNOWN_ACTION"]]);
  return second;
}

test("R30, R42: a run is not rolled back while what a run inside it did stands, since that cannot be taken up", async () => {
  const s = await withoutItsAction();
  await s.run().rollback();
  const snapshot = await s.settled();
  expect(snapshot.status).toBe("ROLLBACK_FAILED");
  const { compensation } = nodeOf(snapshot, "sub");
  expect(compensation?.error).toMatchObject({ code: "SUB_RUN_ROLLBACK_FAILED", details: { runId: INSIDE } });
  expect(s.rig.undone()).toEqual([]);
});

test("R25, R42: no other run is started beside one inside that cannot be taken up", async () => {
  const s = await withoutItsAction();
  await s.run().retry();
  expect(nodeOf(await s.settled(), "sub").error?.message).toBe(
    `run ${INSIDE} is not taken up by this engine: recover it first`,
  );
  expect(s.rig.started()).toEqual([]);
  expect(s.journal.list().map(({ runId }) => runId)).toEqual(["r", INSIDE]);
});

/** Two engines on one journal, whose listeners the test calls. */
async function twoEngines(journal: MemoryJournal, calls: string[]) {
  const listeners: JournalListener[] = [];
  const open: Journal["open"] = (engine, listener) => {
    listeners.push(listener);
    return MemoryJournal.prototype.open.call(journal, engine, listener);
  };
  journal.open = open as MemoryJournal["open"];
  const engineOf = async (name: string) => {
    const does = (answer: Json): ActionDefinition => ({
      idempotent: true,
      run: async ({ nodeId }) => {
        calls.push(`${name} ${nodeId}`);
        return answer;
      },
    });
    const options = { actions: { do: does(1), undo: does(null) }, plans: { inner }, journal };
    const empty = await createEngine({ ...options, recover: true, onRefusedRun: () => undefined });
    return empty;
  };
  // What is there already is hidden while they are created: nobody takes it up before it is told.
  const { list } = journal;
  journal.list = () => [];
  const engines = [await engineOf("one"), await engineOf("two")] as const;
  journal.list = list;
  return { engines, listeners };
}

test.each([
  ["the outer one first", [["r"], [INSIDE]]],
  ["the inner one first", [[INSIDE], ["r"]]],
  [
    "both at once",
    [
      ["r", INSIDE],
      [INSIDE, "r"],
    ],
  ],
] as const)("R42, R44: a run and the run inside it go to one engine, told of %s", async (_, told) => {
  const first = await begun({ held: true });
  first.rig.pending[0]?.finish();
  await settleTurns();
  const left = first.journal.afterCrash();
  const calls: string[] = [];
  const { engines, listeners } = await twoEngines(left, calls);
  for (const [place, ids] of told.entries()) listeners[place]?.orphaned(ids);
  await settleTurns();
  expect(left.list().map(({ runId, status }) => [runId, status])).toEqual([
    ["r", "SUCCESSFUL"],
    [INSIDE, "SUCCESSFUL"],
  ]);
  expect(new Set(left.list().map(({ owner }) => owner)).size).toBe(1);
  expect(calls.map((call) => call.slice(4))).toEqual(["x", "y"]);
  for (const engine of engines) await engine.close();
});

test("R44: a run inside one that another engine executes is left to that engine", async () => {
  const first = await begun({ held: true });
  first.rig.pending[0]?.finish();
  await settleTurns();
  const { journal } = first;
  const other = await createEngine({
    actions: { do: () => 1, undo: () => 1 },
    plans: { inner },
    journal,
    recover: false,
  });
  // As when only the inner run was given up.
  journal.release({ runId: INSIDE, epoch: 1, tokens: {} });
  expect(journal.list().map(({ owner }) => owner === null)).toEqual([false, true]);
  expect(await other.recover()).toEqual({ runs: [], refused: [] });
  await refused(other.find("r"), "FENCED");
  await other.close();
  for (const call of [...first.rig.pending]) call.finish();
});
