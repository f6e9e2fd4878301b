/** What the hot path shares between answers, and what it must not: batches, turns, slots for promises, deadlines (R25, R26, R39). */
import { createEngine, definePlan, type Json, MemoryJournal, type PlanDocument } from "@belay/engine";
import type { JournalRecord, Lease, RunProgress } from "@belay/engine/journal";
import { ManualClock } from "@belay/engine/testing";
import { describe, expect, test } from "vitest";

/** Counts what each append holds. */
class CountingJournal extends MemoryJournal {
  readonly appends: string[][] = [];

  override append(lease: Lease, records: readonly JournalRecord[], progress: RunProgress): void {
    this.appends.push(records.map(({ input }) => input.kind));
    super.append(lease, records, progress);
  }
}

function wide(count: number, rest: Partial<PlanDocument> = {}): PlanDocument {
  const nodes = Array.from({ length: count }, (_, v) => ({ id: `n${v}`, action: "act" }));
  return { belay: 1, name: "wide", nodes, ...rest };
}

describe("R39: a batch", () => {
  test("R39: answers of the same microtasks are one batch with one time, also when a failure is among them", async () => {
    const journal = new CountingJournal();
    const waiting: (() => void)[] = [];
    const engine = await createEngine({
      journal,
      actions: {
        act: ({ nodeId }) =>
          new Promise<void>((resolve, reject) =>
            waiting.push(() => (nodeId === "n5" ? reject(new Error("no")) : resolve())),
          ),
      },
    });
    const run = await engine.start(definePlan(wide(8)));
    await new Promise((resolve) => setImmediate(resolve));
    expect(waiting).toHaveLength(8);
    journal.appends.length = 0;
    for (const answer of waiting) answer();
    const { status } = await run.settled();
    expect(status).toBe("FAILED");
    // The failure is handled at once, with the answers that came before it; the others follow together.
    expect(journal.appends).toEqual([
      ["succeeded", "succeeded", "succeeded", "succeeded", "succeeded", "failed"],
      ["succeeded", "succeeded"],
    ]);
    const stored = journal.read(run.id);
    const times = stored?.records.slice(-8, -3).map(({ input }) => input.at);
    expect(new Set(times).size).toBe(1);
    await engine.close();
  });

  test("R39: a verb asked by an action comes after the answers of its batch, and no record's time goes back", async () => {
    let now = 1_000;
    const clock = new ManualClock();
    const journal = new MemoryJournal();
    const engine = await createEngine({
      journal,
      concurrency: 1,
      clock: Object.assign(Object.create(clock) as ManualClock, { now: () => now++ }),
      actions: {
        act: ({ nodeId }) => {
          if (nodeId === "n1") void engine.run("r")?.pause();
        },
      },
    });
    const run = await engine.start(definePlan(wide(4)), { runId: "r" });
    await run.settled();
    await run.resume();
    expect((await run.settled()).status).toBe("SUCCESSFUL");
    const times = journal.read("r")?.records.map(({ input }) => input.at) ?? [];
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    await engine.close();
  });

  test("R39: timers have their turn while promises that are settled already follow each other", async () => {
    const engine = await createEngine({ actions: { act: async () => undefined }, concurrency: 1 });
    const run = await engine.start(definePlan(wide(5_000)));
    let ended = false;
    let turns = 0;
    run.once("run:succeeded", () => {
      ended = true;
    });
    while (!ended) {
      await new Promise((resolve) => setImmediate(resolve));
      turns++;
    }
    expect(turns).toBeGreaterThanOrEqual(4);
    await engine.close();
  });
});

describe("R25: what is waited for", () => {
  /** Calls its callbacks as often as it likes. */
  function rude(answers: number): PromiseLike<Json> {
    return {
      // biome-ignore lint/suspicious/noThenProperty: such a thing is what is tested.
      then: (resolve: (value: Json) => void, reject: (reason: unknown) => void) => {
        for (let i = 0; i < answers; i++) setImmediate(() => (i % 2 === 0 ? resolve(i) : reject(new Error("again"))));
        return undefined as never;
      },
    } as PromiseLike<Json>;
  }

  test("R25: a thenable that answers often counts once, and its later answers reach no other call", async () => {
    const engine = await createEngine({
      concurrency: 2,
      actions: {
        act: ({ nodeId }) => (nodeId === "n0" ? rude(5) : new Promise((resolve) => setImmediate(resolve, nodeId))),
      },
    });
    const run = await engine.start(definePlan(wide(6)));
    const { status, nodes } = await run.settled();
    expect(status).toBe("SUCCESSFUL");
    expect(nodes.map(({ output }) => output)).toEqual([0, "n1", "n2", "n3", "n4", "n5"]);
    await engine.close();
  });

  test("R25: a promise whose own then calls back twice counts once", async () => {
    const engine = await createEngine({
      actions: {
        act: ({ nodeId }) => {
          const promise = Promise.resolve(nodeId);
          // biome-ignore lint/suspicious/noThenProperty: such a thing is what is tested.
          promise.then = ((ok: (value: string) => unknown) => {
            ok("mine");
            ok("twice");
          }) as never;
          return promise;
        },
      },
    });
    const run = await engine.start(definePlan(wide(3)));
    expect((await run.settled()).nodes.map(({ output }) => output)).toEqual(["n0", "n1", "n2"]);
    await engine.close();
  });

  test("R28: what a context makes when it is read is the same each time, and works by itself", async () => {
    const seen: unknown[] = [];
    const engine = await createEngine({
      actions: {
        act: (ctx) => {
          const { signal, log, heartbeat, idempotencyKey } = ctx;
          log("hello", { from: ctx.nodeId });
          heartbeat();
          seen.push([signal === ctx.signal, log === ctx.log, heartbeat === ctx.heartbeat, idempotencyKey]);
          seen.push(Object.keys({ ...ctx }).filter((key) => ["signal", "log", "heartbeat"].includes(key)));
        },
      },
    });
    const run = await engine.start(definePlan(wide(1)), { runId: "r" });
    const lines: unknown[] = [];
    run.on("node:log", ({ nodeId, message, details }) => lines.push([nodeId, message, details]));
    await run.settled();
    expect(seen).toEqual([[true, true, true, "r/n0/1"], []]);
    expect(lines).toEqual([["n0", "hello", { from: "n0" }]]);
    await engine.close();
  });
});

describe("R26: deadlines", () => {
  test("R26: of a thousand that are armed and taken back at any time, those that are left pass in their order", async () => {
    const { Timers } = await import("../../packages/engine/src/runtime/timers.ts");
    const clock = new ManualClock();
    const timers = new Timers(clock);
    const start = clock.now();
    const passed: number[] = [];
    let drawn = 7;
    const draw = (below: number): number => {
      drawn = (drawn * 7919 + 13) % 1_000_003;
      return drawn % below;
    };
    const armed = Array.from({ length: 1_000 }, (_, order) => {
      const at = start + draw(500);
      return { order, at, deadline: timers.arm(at, () => passed.push(order)), left: true };
    });
    for (const one of armed) {
      if (draw(10) < 8) {
        timers.disarm(one.deadline);
        timers.disarm(one.deadline);
        one.left = false;
      }
    }
    await clock.advance(250);
    for (const one of armed.filter(({ at, left }) => left && at > start + 250 && draw(2) === 0)) {
      timers.disarm(one.deadline);
      one.left = false;
    }
    await clock.advance(250);
    const expected = armed.filter(({ left }) => left).toSorted((a, b) => a.at - b.at || a.order - b.order);
    expect(passed).toEqual(expected.map(({ order }) => order));
    expect(clock.pending).toBe(0);
  });
});
