/**
 * What surrounds a run once broke a rule: slots and rates shared by runs, the journal, errors and listeners of other
 * people's code, and the end of the engine. Each test is the smallest story of one defect, and says what must be instead.
 */
import { definePlan, MemoryJournal, type Run } from "@belay/engine";
import { settleTurns } from "@belay/engine/testing";
import { describe, expect, test, vi } from "vitest";
import { node, nodeOf, plan, refused, type Stage, stage } from "./stage.ts";

/** Ends the oldest waiting call of that node as its script says. */
async function end(s: Stage, id: string): Promise<void> {
  s.rig.pending.find((call) => call.node === id)?.finish();
  await settleTurns();
}

/** A stage whose action "stamp" writes down when it was called, in milliseconds from the start, within rate-limited pool "p". */
async function stampedStage(limit: number): Promise<{ s: Stage; at: number[]; wide: (count: number) => Promise<Run> }> {
  const at: number[] = [];
  const pools = { p: { concurrency: 100, rate: { limit, intervalMs: 1_000 } } };
  const s = await stage({}, { engine: { pools }, extra: { stamp: () => at.push(s.clock.now() - began) } });
  const began = s.clock.now();
  const wide = (count: number) =>
    s.start(plan(Array.from({ length: count }, (_, place) => node(`n${place}`, [], { action: "stamp", pool: "p" }))));
  return { s, at, wide };
}

describe("R41: what runs share", () => {
  test("R41: a run that wants no slot any more does not keep a free one from others", async () => {
    const s = await stage({}, { held: true, engine: { concurrency: 2 } });
    await s.start(plan([node("a1"), node("a2"), node("a3")]));
    await settleTurns();
    await end(s, "a1");
    await s.start(plan([node("b")]));
    await settleTurns();
    expect(s.rig.pending.map((call) => call.node)).toEqual(["a2", "a3"]);
    await end(s, "a2");
    expect(s.rig.pending.map((call) => call.node)).toEqual(["a3", "b"]);
  });

  test("R41: no interval, wherever it begins, sees more starts than the rate allows", async () => {
    const { s, at, wide } = await stampedStage(3);
    await wide(1);
    await s.clock.elapse(990);
    await wide(8);
    await s.clock.elapse(10_000);
    expect(at).toHaveLength(9);
    for (let later = 3; later < at.length; later++) {
      expect((at[later] as number) - (at[later - 3] as number), at.join()).toBeGreaterThanOrEqual(1_000);
    }
  });

  test("R41: what a canceled run had asked for uses up no rate", async () => {
    const { s, at, wide } = await stampedStage(1);
    const canceled = await wide(101);
    await settleTurns();
    await canceled.cancel();
    await wide(1);
    await s.clock.elapse(10_000);
    expect(at).toEqual([0, 1_000]);
  });
});

describe("R27: what other people's code throws", () => {
  const failures: [what: string, action: () => unknown][] = [
    [
      "whose message is an object",
      async () => Promise.reject(Object.assign(new Error("x"), { message: { reason: 1 } })),
    ],
    [
      "whose message is a number",
      () => {
        throw Object.assign(new Error("x"), { message: 5 });
      },
    ],
    [
      "whose code cannot be read",
      async () => Promise.reject(Object.defineProperty({}, "code", { get: () => unreadable() })),
    ],
    // biome-ignore lint/suspicious/noThenProperty: what is no promise and looks like one is what the test is about.
    ["whose then cannot be read", () => Object.defineProperty({}, "then", { get: () => unreadable() })],
  ];

  function unreadable(): never {
    throw new Error("not to be read");
  }

  test.each(failures)("R27: an answer %s fails the node and nothing else", async (_, action) => {
    const s = await stage({}, { extra: { odd: action } });
    const run = await s.start(plan([node("a", [], { action: "odd" })]));
    const snapshot = await s.rest(run);
    expect(snapshot).toMatchObject({ status: "FAILED", fault: null });
    expect(nodeOf(snapshot, "a")).toMatchObject({ status: "FAILED", error: { message: expect.any(String) } });
  });
});

describe("listeners", () => {
  /** Runs one node with that listener; what was warned of, and that the run ended well. */
  async function warningsOf(listener: () => unknown, onListenerError?: (error: unknown) => void): Promise<string[]> {
    const warnings: string[] = [];
    const spy = vi.spyOn(process, "emitWarning").mockImplementation((text) => {
      warnings.push(String(text));
    });
    try {
      const s = await stage({}, { engine: onListenerError === undefined ? {} : { onListenerError } });
      const run = await s.start(plan([node("a"), node("b", ["a"])]));
      run.once("node:started", listener);
      expect(await s.finish(run)).toMatchObject({ status: "SUCCESSFUL", fault: null });
      return warnings;
    } finally {
      spy.mockRestore();
    }
  }

  test("a listener that throws what has no text harms nothing", async () => {
    const warnings = await warningsOf(() => {
      throw Object.create(null);
    });
    expect(warnings).toHaveLength(1);
  });

  test("onListenerError may throw as well", async () => {
    const warnings = await warningsOf(
      () => {
        throw new Error("the listener");
      },
      () => {
        throw new Error("who is told");
      },
    );
    expect(warnings).toHaveLength(1);
  });

  test("what an asynchronous listener throws goes to onListenerError", async () => {
    const errors: unknown[] = [];
    const late = new Error("late");
    await warningsOf(
      async () => {
        await null;
        throw late;
      },
      (error) => errors.push(error),
    );
    expect(errors).toEqual([late]);
  });

  test("return() of events() ends it although next() waits for an event", async () => {
    const s = await stage({}, { held: true });
    const run = await s.start(plan([node("a")]));
    await settleTurns();
    const events = run.events();
    const results: unknown[] = [];
    void events.next().then((result) => results.push(result));
    await settleTurns();
    expect(results).toEqual([]);
    void events.return?.().then((result) => results.push(result));
    await settleTurns();
    expect(results).toEqual([
      { done: true, value: undefined },
      { done: true, value: undefined },
    ]);
  });
});

describe("the journal", () => {
  test("R39: one run id in one tick gives one run and one story in the journal", async () => {
    const journal = new MemoryJournal();
    const s = await stage({}, { engine: { journal } });
    const first = s.start(plan([node("a")]), { runId: "r" });
    await refused(s.start(plan([node("a")]), { runId: "r" }), "INVALID_ARGUMENT");
    await s.finish(await first);
    expect(s.rig.started()).toEqual(["a"]);
    expect(journal.read("r")?.records.map(({ seq }) => seq)).toEqual([0, 1, 2]);
  });

  test("R39: whatever a journal answers that has a then is waited for", async () => {
    const waiting: (() => void)[] = [];
    class ForeignJournal extends MemoryJournal {
      override append(...args: Parameters<MemoryJournal["append"]>): void | Promise<void> {
        super.append(...args);
        // biome-ignore lint/suspicious/noThenProperty: promises of other libraries are what the test is about.
        return { then: (resolve: () => void) => waiting.push(resolve) } as unknown as Promise<void>;
      }
    }
    const s = await stage({}, { engine: { journal: new ForeignJournal() } });
    const starting = s.start(plan([node("a")]));
    await settleTurns();
    waiting.shift()?.();
    const run = await starting;
    await settleTurns();
    expect(s.rig.started()).toEqual([]);
    expect(waiting).toHaveLength(1);
    waiting.shift()?.();
    await settleTurns();
    expect(s.rig.started()).toEqual(["a"]);
    waiting.shift()?.();
    expect((await s.finish(run)).status).toBe("SUCCESSFUL");
  });

  test("R39: a journal that throws while a run goes on is told as JOURNAL_FAILED", async () => {
    const journal = new MemoryJournal();
    const s = await stage({}, { held: true, engine: { journal } });
    const run = await s.start(plan([node("a"), node("b", ["a"])]));
    await settleTurns();
    journal.append = () => {
      throw new Error("disk full");
    };
    await end(s, "a");
    expect((await s.rest(run)).fault).toEqual({ code: "JOURNAL_FAILED", message: "disk full" });
    expect(s.rig.started()).toEqual(["a"]);
  });
});

describe("the end of the engine", () => {
  test.each([1, Number.POSITIVE_INFINITY])(
    "a start that close overtakes is refused and calls nothing (concurrency %s)",
    async (concurrency) => {
      const s = await stage({}, { engine: { concurrency } });
      const starting = refused(s.engine.start(definePlan(plan([node("a"), node("b", ["a"])]))), "CLOSED");
      await s.engine.close();
      await starting;
      await settleTurns();
      expect(s.rig.started()).toEqual([]);
      expect(s.engine.runs()).toEqual([]);
    },
  );

  test("no other node starts after a listener has closed the engine, not even in the same batch", async () => {
    const s = await stage({ a: "obey" }, { engine: { concurrency: 2 } });
    const run = await s.start(plan(["a", "b", "c", "d"].map((id) => node(id))));
    let closed: Promise<void> | undefined;
    run.on("node:started", () => {
      closed ??= s.engine.close();
    });
    await settleTurns();
    await closed;
    expect(closed).toBeDefined();
    expect(s.rig.started().filter((id) => id !== "a")).toEqual([]);
  });

  test("nothing starts after an action has closed the engine, not even in the same batch", async () => {
    let closed: Promise<void> | undefined;
    const close = (): void => {
      closed = s.engine.close();
    };
    const s = await stage({}, { engine: { concurrency: 2 }, extra: { close } });
    await s.start(plan([node("a", [], { action: "close" }), node("b"), node("c"), node("d")]));
    await settleTurns();
    await closed;
    expect(closed).toBeDefined();
    expect(s.rig.started()).toEqual([]);
  });
});
