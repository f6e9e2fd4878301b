/** Pools whose slots several engines of one journal share (R41): on a journal in memory that counts them. */
import { createEngine, definePlan, type Engine, type EngineOptions, MemoryJournal } from "@belay/engine";
import type { Journal } from "@belay/engine/journal";
import { type HeldAttempt, heldAction, ManualClock, settleTurns } from "@belay/engine/testing";
import { describe, expect, test } from "vitest";
import { SlotTable, sharingSlots } from "../journal/shared-slots.ts";

const TWO = { db: { concurrency: 2 } };

/** Engines on one journal, whose actions end when the test says so. */
class Shared {
  readonly clock = new ManualClock();
  readonly table = new SlotTable(() => this.clock.now());
  readonly journal: Journal = sharingSlots(new MemoryJournal(), this.table);
  readonly #work = heldAction();
  readonly #engines: Engine[] = [];

  async engine(pools: NonNullable<EngineOptions["pools"]> = TWO): Promise<Engine> {
    const { clock, journal } = this;
    const engine = await createEngine({ actions: { work: this.#work.action }, clock, journal, pools });
    this.#engines.push(engine);
    return engine;
  }

  /** A run of so many nodes beside each other, all in the pool. */
  async start(engine: Engine, runId: string, nodes = 2) {
    const work = Array.from({ length: nodes }, (_, v) => ({ id: `n${v}`, action: "work", pool: "db" }));
    const run = await engine.start(definePlan({ belay: 1, name: "p", nodes: work }), { runId });
    await settleTurns();
    return run;
  }

  /** Attempts under way, as "run node", in the order of their starts. */
  running(): string[] {
    return this.#held().map(({ ctx }) => `${ctx.runId} ${ctx.nodeId}`);
  }

  /** Ends the attempts that were called first. */
  async end(count = 1): Promise<void> {
    for (const attempt of this.#held().slice(0, count)) attempt.succeed();
    await settleTurns();
  }

  async close(): Promise<void> {
    while (this.#held().length > 0) await this.end(100);
    await Promise.all(this.#engines.map((engine) => engine.close()));
  }

  #held(): HeldAttempt[] {
    return this.#work.attempts.filter(({ ended }) => !ended);
  }
}

/** A body that gets engines of its own, which are closed whatever came of it. */
function shared(body: (s: Shared) => Promise<void>): () => Promise<void> {
  return async () => {
    const s = new Shared();
    try {
      await body(s);
    } finally {
      await s.close();
    }
  };
}

describe("R41: pools of a journal that several engines share", () => {
  test(
    "R41: concurrency holds across engines, and a slot that one gives back is the other's",
    shared(async (s) => {
      const [a, b] = [await s.engine(), await s.engine()];
      const runs = [await s.start(a, "a", 3), await s.start(b, "b", 3)];
      expect(s.running()).toEqual(["a n0", "a n1"]);
      for (let left = 6; left > 0; left--) {
        expect(s.running()).toHaveLength(Math.min(2, left));
        await s.end();
      }
      expect(runs.map((run) => run.snapshot().status)).toEqual(["SUCCESSFUL", "SUCCESSFUL"]);
    }),
  );

  test(
    "R41: engines that differ in the limit each keep to their own",
    shared(async (s) => {
      const [wide, narrow] = [await s.engine({ db: { concurrency: 3 } }), await s.engine({ db: { concurrency: 1 } })];
      await s.start(narrow, "narrow", 2);
      await s.start(wide, "wide", 3);
      expect(s.running()).toEqual(["narrow n0", "wide n0", "wide n1"]);
      await s.end(2);
      expect(s.running()).toEqual(["wide n1", "wide n2"]);
      await s.end(2);
      expect(s.running()).toEqual(["narrow n1"]);
    }),
  );

  test(
    "R41: the rate holds across engines, and goes on by itself",
    shared(async (s) => {
      const rated = { db: { concurrency: 100, rate: { limit: 2, intervalMs: 1_000 } } };
      const [a, b] = [await s.engine(rated), await s.engine(rated)];
      await s.start(a, "a", 3);
      await s.start(b, "b", 2);
      expect(s.running()).toEqual(["a n0", "a n1"]);
      await s.end(2);
      expect(s.running()).toEqual([]);
      await s.clock.elapse(999);
      expect(s.running()).toEqual([]);
      await s.clock.elapse(1);
      expect(s.running()).toHaveLength(2);
      await s.clock.elapse(1_000);
      expect(s.running()).toHaveLength(3);
    }),
  );

  test(
    "R41: a run that no longer wants its slot takes none",
    shared(async (s) => {
      const [a, b] = [await s.engine(), await s.engine()];
      await s.start(a, "a");
      const waits = await s.start(b, "b");
      await waits.cancel({ who: "operator" });
      await settleTurns();
      await s.end(2);
      expect(s.running()).toEqual([]);
      await s.start(a, "later");
      expect(s.running()).toEqual(["later n0", "later n1"]);
    }),
  );

  test(
    "R41: an engine that closed leaves its slots, and those of one that died are asked for when the journal says so",
    shared(async (s) => {
      const [a, b] = [await s.engine(), await s.engine()];
      await s.start(a, "a");
      await s.start(b, "b");
      expect(s.running()).toEqual(["a n0", "a n1"]);
      const closed = a.close();
      await s.end(2);
      await closed;
      await settleTurns();
      expect(s.running()).toEqual(["b n0", "b n1"]);
    }),
  );

  test(
    "R41: a journal that cannot tell keeps attempts waiting, says so once, and is asked again",
    shared(async (s) => {
      const engine = await s.engine();
      const warnings: Error[] = [];
      const warned = (warning: Error): number => warnings.push(warning);
      process.on("warning", warned);
      const { takeSlots } = s.journal;
      s.journal.takeSlots = () => Promise.reject(new Error("the server is away"));
      const run = await s.start(engine, "a");
      s.table.free([]);
      await settleTurns();
      process.off("warning", warned);
      expect(warnings.map(({ name, message }) => `${name}: ${message}`)).toEqual([
        'BelayPoolWarning: attempts wait for slots of pool "db": the server is away',
      ]);
      expect(run.snapshot().status).toBe("RUNNING");
      expect(s.running()).toEqual([]);
      s.journal.takeSlots = takeSlots as NonNullable<Journal["takeSlots"]>;
      s.table.free([]);
      await settleTurns();
      expect(s.running()).toEqual(["a n0", "a n1"]);
    }),
  );
});
