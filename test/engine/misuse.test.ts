/**
 * What `createEngine` and `start` refuse, and that a refusal leaves nothing behind: no run, no lock, no client token.
 */
import { type BelayError, createEngine, definePlan, MemoryJournal } from "@belay/engine";
import { describe, expect, test } from "vitest";

const actions = { a: () => undefined };
const plan = definePlan({ belay: 1, name: "p", locks: ["db"], nodes: [{ id: "a", action: "a" }] });

async function errorOf(work: () => Promise<unknown>): Promise<BelayError> {
  return (await work().catch((error: unknown) => error)) as BelayError;
}

describe("R3: everything is refused before anything runs", () => {
  test("R3: faults of every kind are told at once", async () => {
    const faulty = definePlan({
      belay: 1,
      name: "faulty",
      params: { type: "object", properties: { hosts: { type: "array" } }, required: ["hosts"] },
      nodes: [
        { id: "a", action: "unknown" },
        { id: "b", action: "a", pool: "nowhere" },
      ],
    });
    const engine = await createEngine({ actions });
    const error = await errorOf(() => engine.start(faulty, { params: { host: 1 } }));
    expect(error.code).toBe("UNKNOWN_ACTION");
    const diagnostics = error.details["diagnostics"] as { code: string; path: string }[];
    expect(diagnostics.map(({ code }) => code)).toEqual(["UNKNOWN_ACTION", "UNKNOWN_POOL", "PARAMS", "PARAMS"]);
    expect(engine.runs()).toEqual([]);
  });

  test("R40: a lock whose name cannot be computed says which one", async () => {
    const locked = definePlan({
      belay: 1,
      name: "locked",
      params: { type: "object", properties: { name: { type: "string" } } },
      locks: ["x", { $cel: "params.name" }],
      nodes: [{ id: "a", action: "a" }],
    });
    const engine = await createEngine({ actions });
    const error = await errorOf(() => engine.start(locked, { params: { name: "" } }));
    expect(error.details["diagnostics"]).toMatchObject([{ code: "PARAMS", path: "locks[1]" }]);
  });

  test.each([
    [{ runId: "" }],
    [{ runId: 5 }],
    [{ seed: 1.5 }],
    [{ seed: "x" }],
    [{ clientToken: 5 }],
    [{ clientToken: "x".repeat(65) }],
    [{ params: {}, token: "x" }],
    [5],
    [null],
  ])("R43: start options that make no sense are refused: %j", async (options) => {
    const engine = await createEngine({ actions });
    expect((await errorOf(() => engine.start(plan, options as never))).code).toBe("INVALID_ARGUMENT");
  });

  test.each([
    [undefined],
    [{}],
    [{ actions: [] }],
    [{ actions: new Map() }],
    [{ actions: { "belay.noop": () => 1 } }],
    [{ actions, concurency: 3 }],
  ])("R2: engine options that make no sense are refused: %j", async (options) => {
    expect((await errorOf(() => createEngine(options as never))).code).toBe("INVALID_ARGUMENT");
  });
});

describe("R39: a start that cannot be journaled", () => {
  test("R39, R40, R43: leaves no run, no lock and no client token", async () => {
    class Failing extends MemoryJournal {
      broken = true;
      override append(...args: Parameters<MemoryJournal["append"]>): void {
        if (this.broken) throw new Error("disk full");
        super.append(...args);
      }
    }
    const journal = new Failing();
    const engine = await createEngine({ actions, journal });
    expect((await errorOf(() => engine.start(plan, { clientToken: "t" }))).code).toBe("JOURNAL_FAILED");
    expect(engine.runs()).toEqual([]);
    journal.broken = false;
    const run = await engine.start(plan, { clientToken: "t" });
    expect((await run.settled()).status).toBe("SUCCESSFUL");
  });
});

describe("R37: verbs", () => {
  test.each([["barrier"], [{ two: "barrier" }], [{ to: 5 }], [null]])(
    "R37: rollback(%j) is refused, it does not undo everything",
    async (options) => {
      const engine = await createEngine({ actions: { a: () => Promise.reject(new Error("no")) } });
      const run = await engine.start(plan);
      await run.settled();
      expect((await errorOf(() => run.rollback(options as never))).code).toBe("INVALID_ARGUMENT");
      expect(run.snapshot().status).toBe("FAILED");
    },
  );

  test("R37: a request id stands for one request", async () => {
    const engine = await createEngine({ actions: { a: () => Promise.reject(new Error("no")) } });
    const run = await engine.start(plan);
    await run.settled();
    await run.retry({ requestId: "r" });
    await run.settled();
    expect((await errorOf(() => run.rollback({ requestId: "r" }))).code).toBe("IDEMPOTENT_PARAMETER_MISMATCH");
    await run.retry({ requestId: "r" });
    expect(run.snapshot().nodes[0]?.runTime).toBe(2);
  });
});

describe("R40: an ended run holds no lock when its end is told", () => {
  test.each([
    ["without nodes", []],
    ["of one skipped node", [{ id: "a", action: "a", when: "false" }]],
    ["of one node", [{ id: "a", action: "a" }]],
  ])("R40: a plan %s can start again at once", async (_, nodes) => {
    const again = definePlan({ belay: 1, name: "again", locks: ["db"], nodes });
    const engine = await createEngine({ actions });
    const first = await engine.start(again);
    const told = new Promise<string>((resolve) => {
      first.on("run:succeeded", () => {
        engine.start(again).then(
          (run) => resolve(run.id),
          (error: BelayError) => resolve(error.code),
        );
      });
    });
    expect((await first.settled()).status).toBe("SUCCESSFUL");
    expect(await told).not.toBe("LOCKED");
  });

  test("R43: a forgotten run frees its client token", async () => {
    const engine = await createEngine({ actions });
    const run = await engine.start(plan, { clientToken: "t" });
    await run.settled();
    engine.forget(run.id);
    expect((await engine.start(plan, { clientToken: "t" })).id).not.toBe(run.id);
  });
});

test("R21: a failed FIRST_SUCCESS group is seen in the snapshot, with every candidate's reason", async () => {
  const engine = await createEngine({
    actions: { try: () => Promise.reject(new Error("unreachable")), undo: () => undefined },
  });
  const run = await engine.start(
    definePlan({
      belay: 1,
      name: "g",
      nodes: [
        {
          id: "g",
          action: "try",
          split: { over: "['a', 'b']", method: "FIRST_SUCCESS" },
          compensation: { action: "undo" },
        },
      ],
    }),
  );
  const end = await run.settled();
  expect(end.nodes.map(({ status }) => status)).toEqual(["COMPENSATED", "COMPENSATED"]);
  expect(end.groups).toMatchObject([
    { id: "g", status: "FAILED", members: 2, error: { code: "ALL_CANDIDATES_FAILED" } },
  ]);
});
