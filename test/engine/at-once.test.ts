/** What is asked of an engine at once: the same run, the same request, and its end (R39, R42, R43, R44). */
import { createEngine, definePlan, MemoryJournal } from "@belay/engine";
import { settleTurns } from "@belay/engine/testing";
import { expect, test } from "vitest";
import { life } from "./second-life.ts";
import { node, plan } from "./stage.ts";

const one = definePlan(plan([node("a")]));
const actions = { do: () => 1 };

/** A journal with a run "r" of the client token "t" that has ended in an earlier process. */
async function ended(): Promise<MemoryJournal> {
  const s = await life();
  await s.start(one.document, { runId: "r", clientToken: "t" });
  expect((await s.settled()).status).toBe("SUCCESSFUL");
  return s.journal.afterCrash();
}

test("R42: a run that two look for at once is found by both", async () => {
  const engine = await createEngine({ actions, journal: await ended() });
  const found = await Promise.all([engine.find("r"), engine.find("r"), engine.find("r")]);
  expect(found.map((run) => run?.id)).toEqual(["r", "r", "r"]);
  expect(new Set(found).size).toBe(1);
});

test("R43: the same request of an earlier process, made twice at once, gives its run twice", async () => {
  const engine = await createEngine({ actions, journal: await ended() });
  const again = () => engine.start(one, { clientToken: "t" });
  expect((await Promise.all([again(), again()])).map(({ id }) => id)).toEqual(["r", "r"]);
});

test("R43: the same new request, made twice at once under one id, gives one run", async () => {
  const engine = await createEngine({ actions });
  const start = () => engine.start(one, { clientToken: "t", runId: "r" });
  const [first, second] = await Promise.all([start(), start()]);
  expect(second).toBe(first);
  await expect(engine.start(one, { clientToken: "u", runId: "r" })).rejects.toThrow("run id r is in use");
});

test("R39, R43: a repeated request is answered once the run's first step is durable, as the first one is", async () => {
  const journal = new MemoryJournal();
  const { append } = journal;
  let flush = (): void => undefined;
  journal.append = (...args): never => {
    const flushed = new Promise<void>((resolve) => {
      flush = resolve;
    });
    return flushed.then(() => append.apply(journal, args)) as never;
  };
  const engine = await createEngine({ actions, journal });
  const answered: string[] = [];
  for (const name of ["first", "second"]) void engine.start(one, { clientToken: "t" }).then(() => answered.push(name));
  await settleTurns();
  expect(answered).toEqual([]);
  flush();
  await settleTurns();
  expect(answered.toSorted()).toEqual(["first", "second"]);
});

test("R42: an engine that closes while it takes runs up calls nothing, and leaves them to the next", async () => {
  const calls: string[] = [];
  const x = { idempotent: true, run: ({ nodeId }: { nodeId: string }) => new Promise(() => calls.push(nodeId)) };
  const journal = new MemoryJournal();
  const first = await createEngine({ actions: { x }, journal });
  await first.start(definePlan(plan([{ id: "a", action: "x" }])), { runId: "r" });
  await settleTurns();
  expect(calls.splice(0)).toEqual(["a"]);
  for (let turns = 0; turns < 8; turns++) {
    const left = journal.afterCrash();
    const engine = await createEngine({ actions: { x }, journal: left, recover: false, graceMs: 0 });
    const recovering = engine.recover().then(
      () => "taken up",
      (error) => error.code,
    );
    for (let turn = 0; turn < turns; turn++) await Promise.resolve();
    await engine.close();
    const came = await recovering;
    await settleTurns();
    expect([turns, came, calls, left.list()[0]?.owner]).toEqual([turns, expect.any(String), [], null]);
  }
});

test("R44: an engine that forgets a run which it lost leaves it to the engine that has it", async () => {
  const s = await life({ held: true });
  const run = await s.start(plan([node("a"), node("b", ["a"])]), { runId: "r" });
  await settleTurns();
  const claimed = s.journal.claim(s.journal.list()[0]?.owner as string, "r");
  s.rig.pending[0]?.finish();
  await settleTurns();
  expect(run.snapshot().fault?.code).toBe("FENCED");
  s.engine.forget("r");
  await settleTurns();
  expect(s.engine.run("r")).toBeUndefined();
  expect(s.journal.list().map(({ runId }) => runId)).toEqual(["r"]);
  expect(claimed.kind).toBe("claimed");
});
