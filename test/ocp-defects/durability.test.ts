/**
 * Defects of OCP's task engine in what it keeps: restarts, lost results, two engines, changed plans, double submits. Each
 * test shows on the real engine that Belay does not have the defect; what the defects are stands in docs/ocp-defects.md.
 */
import {
  type ActionDefinition,
  BelayError,
  createEngine,
  definePlan,
  MemoryJournal,
  type PlanDocument,
  type StartOptions,
  toOcpTask,
} from "@belay/engine";
import { ManualClock, settleTurns } from "@belay/engine/testing";
import { expect, test } from "vitest";
import { life } from "../engine/second-life.ts";
import { node, nodeOf, plan, refused, stage, statuses, undoable } from "../engine/stage.ts";

const WEEK_SECONDS = 604_800;
const pending = (): Promise<never> => new Promise(() => undefined);
const twelve = Array.from({ length: 12 }, (_, place) => `n${place}`);

test("D5 (R42): after a restart what was running is resolved at once, not when its timeout is over", async () => {
  const nodes = twelve.map((id) => ({ id, action: id === "n0" ? "looks" : "blind", timeout: WEEK_SECONDS }));
  const first = await life({ extra: { looks: { run: pending }, blind: { run: pending } } });
  await first.start(plan(nodes), { runId: "r" });
  await settleTurns();
  expect(toOcpTask(first.run().snapshot()).subtasks.map(({ status }) => status)).toEqual(Array(12).fill("RUNNING"));
  const looks = { run: pending, verify: () => ({ done: true, output: "found" }) };
  const second = await first.crash({ extra: { looks, blind: { run: pending } } });
  // The clock has not moved: no poll, no sweep, no timeout.
  expect(second.clock.now()).toBe(first.clock.now());
  const snapshot = await second.settled();
  expect(snapshot.status).toBe("FAILED");
  expect(nodeOf(snapshot, "n0")).toMatchObject({ status: "SUCCESSFUL", output: "found" });
  expect(snapshot.nodes.slice(1).map(({ error }) => error?.code)).toEqual(Array(11).fill("CRASHED"));
});

test("D7 (R39, R26): a result that could not be kept stops the run aloud, and is asked for again, not lost until a timeout", async () => {
  let calls = 0;
  let answer: (value: string) => void = () => undefined;
  const act: ActionDefinition = {
    run: () => {
      calls++;
      return new Promise((resolve) => {
        answer = resolve;
      });
    },
    verify: () => ({ done: calls > 0, output: "found" }),
  };
  const s = await life({ extra: { act } });
  const run = await s.start(plan([{ id: "a", action: "act", timeout: WEEK_SECONDS }, node("b", ["a"])]), {
    runId: "r",
  });
  await settleTurns();
  const { append } = s.journal;
  s.journal.append = () => {
    throw new BelayError("JOURNAL_FAILED", "the database is away");
  };
  answer("done");
  const stopped = await s.rest(run);
  expect(stopped.fault).toMatchObject({ code: "JOURNAL_FAILED", message: "the database is away" });
  expect(s.rig.started()).toEqual([]);
  s.journal.append = append;
  await s.engine.recover();
  const snapshot = await s.rest(run);
  expect(snapshot).toMatchObject({ status: "SUCCESSFUL", fault: null });
  expect(nodeOf(snapshot, "a")).toMatchObject({ output: "found", runTime: 1 });
  expect([calls, s.rig.started()]).toEqual([1, ["b"]]);

  // An output that is too large to be kept is a failure with a reason, at once.
  const large = await stage({}, { extra: { large: () => "x".repeat(2 ** 21) } });
  const over = await large.start(plan([{ id: "a", action: "large" }]));
  expect(nodeOf(await large.rest(over), "a")).toMatchObject({ status: "FAILED", error: { code: "OUTPUT_INVALID" } });
});

test("D8 (R30, R44): everything is undone once, whatever ends together; two engines on one journal never both run a node", async () => {
  const s = await stage({ z: "fatal" }, { held: true });
  const middle = ["m1", "m2", "m3"].map((id) => undoable(id, ["top"]));
  const run = await s.start(plan([undoable("top"), ...middle, undoable("z", ["m1", "m2", "m3"])]));
  const drain = async (): Promise<void> => {
    for (await settleTurns(); s.rig.pending.length > 0; await settleTurns()) {
      const nodes = s.rig.pending.map((call) => call.node);
      expect(new Set(nodes).size, nodes.join()).toBe(nodes.length);
      for (const call of [...s.rig.pending]) call.finish();
    }
  };
  await drain();
  await s.rest(run);
  const both = await Promise.allSettled([run.rollback(), run.rollback()]);
  expect(both.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
  await drain();
  expect((await s.finish(run)).status).toBe("ROLLED_BACK");
  expect(s.rig.undone()).toEqual(["z", "m3", "m2", "m1", "top"]);

  const journal = new MemoryJournal();
  const calls: string[] = [];
  const act = { run: ({ nodeId }: { nodeId: string }) => void calls.push(nodeId), idempotent: true };
  const slow: ActionDefinition = {
    idempotent: true,
    run: ({ nodeId }) => {
      calls.push(nodeId);
      return pending();
    },
  };
  const engines = await Promise.all([1, 2].map(() => createEngine({ actions: { act, slow }, journal })));
  const document = plan([
    { id: "a", action: "act" },
    { id: "b", action: "slow", upstreams: ["a"] },
  ]);
  await engines[0]?.start(definePlan(document), { runId: "r" });
  await settleTurns();
  expect(await engines[1]?.recover()).toEqual({ runs: [], refused: [] });
  await refused(engines[1]?.find("r") as Promise<unknown>, "FENCED");
  await settleTurns();
  expect(calls).toEqual(["a", "b"]);
  // The first one loses it, to the second, and does not know: it writes nothing more.
  journal.close(journal.list()[0]?.owner as string);
  await engines[1]?.recover();
  await settleTurns();
  await refused(engines[0]?.run("r")?.pause() as Promise<unknown>, "FENCED");
  expect(engines[0]?.run("r")?.snapshot().fault?.code).toBe("FENCED");
  expect(engines[1]?.run("r")?.snapshot().status).toBe("RUNNING");
  // Its attempt was cut off, and idempotent: the new owner runs that one again, and nothing else.
  expect(calls).toEqual(["a", "b", "b"]);
});

test("D10 (R39, R42): a node is RUNNING only with a slot and after its start was kept; a crash before the call leaves no zombie", async () => {
  class LastWords extends MemoryJournal {
    override append(...args: Parameters<MemoryJournal["append"]>): never {
      super.append(...args);
      const dies = args[1].some(({ input }) => input.kind === "grant");
      return (dies ? pending() : undefined) as never;
    }
  }
  const calls: string[] = [];
  const act: ActionDefinition = {
    run: ({ idempotencyKey }) => void calls.push(idempotencyKey),
    verify: ({ idempotencyKey }) => (calls.includes(idempotencyKey) ? { done: true } : { done: false }),
  };
  const journal = new LastWords();
  const clock = new ManualClock();
  const engine = await createEngine({ actions: { act }, journal, clock, concurrency: 1 });
  const document: PlanDocument = plan([
    { id: "a", action: "act", timeout: WEEK_SECONDS },
    { id: "b", action: "act", timeout: WEEK_SECONDS },
  ]);
  const run = await engine.start(definePlan(document), { runId: "r" });
  await settleTurns();
  // Its start is kept, the call was never made; the other one has no slot, and does not claim to run.
  expect(statuses(run.snapshot())).toEqual({ a: "RUNNING", b: "READY" });
  expect(calls).toEqual([]);
  const second = await createEngine({ actions: { act }, journal: journal.afterCrash(), clock, concurrency: 1 });
  await settleTurns();
  expect(second.run("r")?.snapshot().status).toBe("SUCCESSFUL");
  expect(calls).toEqual(["r/a/1", "r/b/1"]);
  expect(clock.pending).toBe(0);
});

test("D17 (R5): a run keeps its plan over a restart: a changed one is refused by name, a missing action too, nothing is softened", async () => {
  const first = await life({ extra: { act: { run: pending } } });
  const nodes = (timeout: number, prohibitRollback: boolean) => [
    undoable("a"),
    { id: "b", action: "act", upstreams: ["a"], timeout, prohibitRollback },
  ];
  await first.start(plan(nodes(30, true)), { runId: "r" });
  await settleTurns();
  const renamed = await first.crash({
    extra: { renamed: { run: pending } },
    engine: { onRefusedRun: () => undefined },
  });
  expect(renamed.engine.run("r")).toBeUndefined();
  expect(renamed.engine.refused()).toMatchObject([{ runId: "r", error: { code: "UNKNOWN_ACTION" } }]);
  expect(renamed.engine.refused()[0]?.error.message).toContain('"act"');

  const second = await first.crash({ engine: { recover: false } });
  const changed = definePlan(plan(nodes(3000, false)));
  const { refused: no } = await second.engine.recover({ plans: [changed] });
  expect(no).toMatchObject([{ error: { code: "PLAN_CHANGED", details: { nodes: ["b"] } } }]);
  await second.engine.recover();
  await settleTurns();
  const snapshot = await second.settled();
  expect(snapshot).toMatchObject({ status: "FAILED", prohibitRollback: true });
  expect(nodeOf(snapshot, "b")).toMatchObject({ timeout: 30, prohibitRollback: true });
  await refused(second.run().rollback(), "ROLLBACK_PROHIBITED");
});

test("D18 (R40, R43): nothing given is nothing broken, one token is one run, and a lock outlasts a failure but not an abandon", async () => {
  const params = { type: "object", properties: { cluster: { type: "string" } }, required: ["cluster"] } as const;
  const document = plan([node("a", [], { prohibitRollback: true })], {
    params,
    locks: [{ $cel: "'cluster/' + params.cluster" }],
  });
  const s = await life({ scripts: { a: "fatal,ok" } });
  for (const [options, code] of [
    [undefined, "PARAMS_INVALID"],
    [{ params: null }, "PARAMS_INVALID"],
    [null, "INVALID_ARGUMENT"],
  ] as const)
    await refused(s.engine.start(definePlan(document), options as unknown as StartOptions), code);
  expect(s.journal.list()).toEqual([]);

  const request = { params: { cluster: "6" }, clientToken: "failover-6" };
  const [one, other] = await Promise.all([1, 2].map(() => s.engine.start(definePlan(document), request)));
  expect(one?.id).toBe(other?.id);
  expect((await one?.settled())?.status).toBe("FAILED");
  expect(s.rig.started()).toEqual(["a"]);

  const second = { params: { cluster: "6" } };
  const locked = await refused(s.engine.start(definePlan(document), second), "LOCKED");
  expect(locked.details).toEqual({ resource: "cluster/6", heldBy: one?.id });
  await refused(one?.rollback() as Promise<unknown>, "ROLLBACK_PROHIBITED");
  const later = await s.crash({ scripts: {} });
  await refused(later.engine.start(definePlan(document), second), "LOCKED");
  await later.run(one?.id).abandon({ who: "ann", why: "mended by hand" });
  const free = await later.engine.start(definePlan(document), second);
  expect((await free.settled()).status).toBe("SUCCESSFUL");
});
