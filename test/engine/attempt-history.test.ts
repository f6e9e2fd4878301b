/** The attempts of a run, read from its journal (R25, R27): of moving runs, ended ones, and those of another process. */
import { attemptHistory, createEngine, definePlan, MemoryJournal } from "@belay/engine";
import { heldAction, ManualClock, settleTurns } from "@belay/engine/testing";
import { expect, test } from "vitest";

const START = 1_735_689_600_000;

async function rig() {
  const clock = new ManualClock(START);
  const journal = new MemoryJournal();
  const work = heldAction({ letGoOnAbort: true });
  const undo = heldAction();
  const engine = await createEngine({ actions: { work: work.action, undo: undo.action }, clock, journal });
  return { clock, journal, work, undo, engine };
}

test("R25: each attempt has its own times and its own failure", async () => {
  const { clock, journal, work, undo, engine } = await rig();
  const plan = definePlan({
    belay: 1,
    name: "p",
    nodes: [{ id: "a", action: "work", timeout: 60, compensation: { action: "undo" } }],
  });
  const run = await engine.start(plan);
  const first = await work.next();
  clock.advance(10);
  first.fail(Object.assign(new Error("no"), { code: "E_NO" }));
  await run.settled();
  clock.advance(5);
  await run.retry();
  await work.next();
  expect((await attemptHistory(journal, run.id)).at(-1)).toMatchObject({ attempt: 2, endedAt: null, outcome: null });
  await clock.elapse(60_000);
  await run.settled();
  await run.rollback();
  (await undo.next()).fail(new Error("not now"));
  await run.settled();
  await run.rollback();
  (await undo.next()).succeed();
  await run.settled();
  const common = { nodeId: "a", compensation: false };
  const undone = { nodeId: "a", compensation: true, startedAt: START + 60_015, endedAt: START + 60_015 };
  expect(await attemptHistory(journal.afterCrash(), run.id)).toEqual([
    {
      ...common,
      ...{ attempt: 1, startedAt: START, endedAt: START + 10, outcome: "failed" },
      failure: { code: "E_NO", message: "no" },
    },
    {
      ...common,
      ...{ attempt: 2, startedAt: START + 15, endedAt: START + 60_015, outcome: "unknown" },
      failure: { code: "TIMEOUT", message: "stopped; it may have taken effect" },
    },
    { ...undone, attempt: 1, outcome: "failed", failure: { code: "ERROR", message: "not now" } },
    { ...undone, attempt: 2, outcome: "succeeded", failure: null },
  ]);
  await engine.close();
});

test("R24: members are named by their place", async () => {
  const { journal, work, engine } = await rig();
  const plan = definePlan({
    belay: 1,
    name: "p",
    params: { type: "object", properties: { hosts: { type: "array" } } },
    nodes: [{ id: "g", action: "work", split: { over: "params.hosts" } }],
  });
  const run = await engine.start(plan, { params: { hosts: ["x", "y"] } });
  await settleTurns();
  for (const attempt of work.attempts) attempt.succeed();
  await run.settled();
  const history = await attemptHistory(journal, run.id);
  expect(history.map(({ nodeId, outcome }) => [nodeId, outcome])).toEqual([
    ["g[0]", "succeeded"],
    ["g[1]", "succeeded"],
  ]);
  await engine.close();
});

test("R45: an unknown run is NOT_FOUND", async () => {
  await expect(attemptHistory(new MemoryJournal(), "no")).rejects.toMatchObject({ code: "NOT_FOUND" });
});
