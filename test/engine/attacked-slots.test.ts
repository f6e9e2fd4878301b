/**
 * What attackers broke in the loop of a run: slots that wake nobody, answers and calls around a close, listeners that took others
 * with them (R25, R37, R39, R41, R42, R44). Each is a story that once went wrong.
 */
import {
  type AnyAction,
  createEngine,
  definePlan,
  type Engine,
  MemoryJournal,
  type NodeDocument,
  type PlanDocument,
} from "@belay/engine";
import type { JournalListener, JournalRecord, Lease, RunProgress } from "@belay/engine/journal";
import { heldAction, ManualClock, settleTurns } from "@belay/engine/testing";
import { describe, expect, test } from "vitest";

/** Appends of the runs in `slow` are durable only once the test says so. */
class LaterJournal extends MemoryJournal {
  readonly slow = new Set<string>();
  readonly #held: (() => void)[] = [];

  override append(lease: Lease, records: readonly JournalRecord[], progress: RunProgress): undefined {
    super.append(lease, records, progress);
    if (!this.slow.has(lease.runId)) return undefined;
    // The port lets an append answer later; this journal's own type does not say so.
    return new Promise<void>((resolve) => this.#held.push(resolve)) as unknown as undefined;
  }

  /** What was appended so far is durable, and so is whatever follows. */
  catchUp(): void {
    this.slow.clear();
    for (const durable of this.#held.splice(0)) durable();
  }
}

function plan(name: string, ...nodes: readonly NodeDocument[]): ReturnType<typeof definePlan> {
  const document: PlanDocument = { belay: 1, name, nodes };
  return definePlan(document);
}

const call = (id: string): NodeDocument => ({ id, action: "act" });
const signal: NodeDocument = { id: "s", action: "belay.signal" };

/**
 * Two slots come free together while the first run in line, with the node `first`, is writing: what is called from then on. Run
 * "b" stands behind it.
 */
async function freedWhileWriting(first: NodeDocument): Promise<{
  readonly engine: Engine;
  readonly held: ReturnType<typeof heldAction>;
  readonly calledSince: () => readonly string[];
}> {
  const journal = new LaterJournal();
  const held = heldAction();
  const inner = plan("inner", { ...call("i"), effect: "none" });
  const actions = { act: held.action };
  const engine = await createEngine({ journal, concurrency: 2, graceMs: 0, plans: { inner }, actions });
  await engine.start(plan("c", call("c1"), call("c2")), { runId: "c" });
  await settleTurns();
  const a = await engine.start(plan("a", first, signal), { runId: "a" });
  await settleTurns();
  await engine.start(plan("b", call("b")), { runId: "b" });
  await settleTurns();
  journal.slow.add("a");
  void a.signal("s");
  await settleTurns();
  for (const attempt of held.attempts.slice(0, 2)) attempt.succeed();
  await settleTurns();
  journal.catchUp();
  await settleTurns();
  return { engine, held, calledSince: () => held.attempts.slice(2).map(({ ctx }) => ctx.runId) };
}

describe("R41: slots", () => {
  const outer: NodeDocument = { id: "p", action: "belay.plan", with: { plan: "inner" }, effect: "none" };

  test("R41: two slots that come free together serve two runs in line, also when the first of them is writing", async () => {
    const { engine, calledSince } = await freedWhileWriting(call("a"));
    expect(calledSince()).toEqual(["a", "b"]);
    await engine.close();
  });

  test("R41: a run inside another, in line behind a third, is called once that has ended", async () => {
    const { engine, held, calledSince } = await freedWhileWriting(outer);
    expect(calledSince()).toEqual(["b"]);
    held.attempts[2]?.succeed();
    await settleTurns();
    expect(calledSince()).toEqual(["b", "a/p/1"]);
    await engine.close();
  });

  test("R41: a close begins no call of a run that waits for a slot", async () => {
    const { engine, calledSince } = await freedWhileWriting(outer);
    const closing = engine.close();
    await settleTurns();
    expect(calledSince()).toEqual(["b"]);
    await closing;
  });

  test("R41: attempts taken up above the limit are no credit: nothing starts before there is a slot", async () => {
    const journal = new MemoryJournal();
    const first = heldAction();
    const engine = await createEngine({ journal, concurrency: 3, graceMs: 0, actions: { act: first.action } });
    await engine.start(plan("c", call("c1"), call("c2"), call("c3")), { runId: "c" });
    await settleTurns();
    const second = heldAction();
    const act: AnyAction = { idempotent: true, run: second.action };
    const next = await createEngine({ journal: journal.afterCrash(), concurrency: 1, graceMs: 0, actions: { act } });
    await settleTurns();
    expect(second.attempts).toHaveLength(3);
    await next.start(plan("b", ...["b1", "b2", "b3", "b4"].map(call)), { runId: "b" });
    await settleTurns();
    for (const attempt of second.attempts.slice(0, 3)) attempt.succeed();
    await settleTurns();
    expect(second.attempts.slice(3).map(({ ctx }) => ctx.nodeId)).toEqual(["b1"]);
    await Promise.all([engine.close(), next.close()]);
  });
});

describe("R39: around a close", () => {
  test("R39, R42: an answer that has come before the close is kept", async () => {
    const journal = new MemoryJournal();
    let answer: () => void = () => undefined;
    const act = (): Promise<void> =>
      new Promise((resolve) => {
        answer = resolve;
      });
    const engine = await createEngine({ journal, actions: { act } });
    await engine.start(plan("x", call("a"), { ...call("b"), upstreams: ["a"] }), { runId: "x" });
    await settleTurns();
    answer();
    await Promise.resolve();
    await engine.close();
    expect(journal.read("x")?.records.map(({ input }) => input.kind)).toEqual(["start", "grant", "succeeded"]);
  });

  test("R39: a run that a listener closes in the middle of a batch records no attempt that is never called", async () => {
    const journal = new LaterJournal();
    const held = heldAction();
    const engine = await createEngine({ journal, concurrency: 2, graceMs: 0, actions: { act: held.action } });
    await engine.start(plan("c", call("c")), { runId: "c" });
    await settleTurns();
    const run = await engine.start(plan("x", call("a"), call("b"), signal), { runId: "x" });
    await settleTurns();
    journal.slow.add("x");
    let closing: Promise<void> | undefined;
    run.on("node:succeeded", () => {
      closing = engine.close();
    });
    run.signal("s").catch(() => undefined);
    await settleTurns();
    held.attempts[0]?.succeed();
    await settleTurns();
    journal.catchUp();
    await settleTurns();
    await closing;
    const granted = journal.read("x")?.records.flatMap(({ input }) => (input.kind === "grant" ? [input.count] : []));
    const called = held.attempts.filter(({ ctx }) => ctx.runId === "x").length;
    // The signal's node waits in a pool of its own: one grant of those is no call.
    expect((granted ?? []).reduce((sum, count) => sum + count, 0)).toBe(called + 1);
  });

  test("R26: nothing stays armed after a fault and a close, once its calls have let go", async () => {
    const clock = new ManualClock();
    const journal = new MemoryJournal();
    const held = heldAction();
    const engine = await createEngine({ journal, clock, actions: { act: held.action } });
    const run = await engine.start(plan("x", call("a"), call("b")), { runId: "x" });
    await settleTurns();
    journal.append = () => {
      throw new Error("the disk is gone");
    };
    await expect(run.pause()).rejects.toThrow("the disk is gone");
    await settleTurns();
    const closing = engine.close();
    for (const attempt of held.attempts) attempt.succeed();
    await closing;
    expect(clock.pending).toBe(0);
  });

  test("R44: a run that is lost before it has begun to go on arms nothing", async () => {
    const clock = new ManualClock();
    const journal = new MemoryJournal();
    const engine = await createEngine({ journal, clock, actions: {} });
    await engine.start(plan("x", { id: "w", action: "belay.wait", with: { seconds: 1000 } }), { runId: "x" });
    await settleTurns();
    const copy = journal.afterCrash();
    const later = new ManualClock(clock.now());
    let listener: JournalListener | undefined;
    const open = copy.open.bind(copy);
    copy.open = (name, given) => {
      listener = given;
      open(name, given);
    };
    const next = await createEngine({ journal: copy, clock: later, recover: false, actions: {} });
    await next.recover();
    listener?.lost(["x"]);
    await settleTurns();
    expect([next.run("x")?.snapshot().fault?.code, later.pending]).toEqual(["FENCED", 0]);
    await Promise.all([engine.close(), next.close()]);
  });
});

test("R37: off takes its own listener away, added once or for good, and leaves the others", async () => {
  const engine = await createEngine({ actions: { act: () => undefined } });
  const run = await engine.start(plan("x", call("a")));
  const seen: string[] = [];
  const [gone, once] = [() => void seen.push("gone"), () => void seen.push("once")];
  run.on("run:succeeded", gone);
  run.on("node:succeeded", gone);
  run.once("run:succeeded", once);
  run.on("run:succeeded", () => void seen.push("stays"));
  run.off("run:succeeded", gone);
  run.off("run:succeeded", once);
  await run.settled();
  expect(seen).toEqual(["gone", "stays"]);
  await engine.close();
});

test("R28: a promise that cannot even be waited for fails its node, not its run", async () => {
  const act: AnyAction = () =>
    Object.defineProperty(Promise.resolve(1), "constructor", {
      get: () => {
        throw new Error("poison");
      },
    });
  const engine = await createEngine({ actions: { act } });
  const run = await engine.start(plan("x", call("a"), call("b")));
  const { fault, status, nodes } = await run.settled();
  expect([fault, status, nodes[0]?.error?.message]).toEqual([null, "FAILED", "poison"]);
  await engine.close();
});
