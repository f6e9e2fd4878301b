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

  test.each([[undefined], [{}], [{ actions: [] }], [{ actions: new Map() }], [{ actions: { "belay.noop": () => 1 } }]])(
    "R2: engine options that make no sense are refused: %j",
    async (options) => {
      expect((await errorOf(() => createEngine(options as never))).code).toBe("INVALID_ARGUMENT");
    },
  );
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
