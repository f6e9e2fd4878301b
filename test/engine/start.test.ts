import { createEngine, definePlan, parsePlan } from "@belay/engine";
import { actionRig, ManualClock, settleTurns } from "@belay/engine/testing";
import { describe, expect, test } from "vitest";
import { node, nodeOf, plan, refused, stage, undoable } from "./stage.ts";

const params = {
  type: "object",
  properties: { db: { type: "string" } },
  required: ["db"],
  additionalProperties: false,
} as const;

describe("R3: refused before anything runs", () => {
  test("R3: an action nobody registered, forward or compensation", async () => {
    const s = await stage();
    await refused(s.start(plan([node("a"), node("b", [], { action: "nobody" })])), "UNKNOWN_ACTION");
    await refused(s.start(plan([node("a", [], { compensation: { action: "nobody" } })])), "UNKNOWN_ACTION");
    await settleTurns();
    expect(s.rig.started()).toEqual([]);
    expect(s.engine.runs()).toEqual([]);
  });

  test("R3: parameters that do not fit", async () => {
    const s = await stage();
    const document = plan([node("a")], { params });
    await refused(s.start(document), "PARAMS_INVALID");
    await refused(s.start(document, { params: { db: 7 } }), "PARAMS_INVALID");
    await refused(s.start(document, { params: { db: "x", other: 1 } }), "PARAMS_INVALID");
    expect(s.engine.runs()).toEqual([]);
  });

  test("an action is looked up by its own name only: names of Object.prototype are unknown", async () => {
    const s = await stage();
    await refused(s.start(plan([node("a", [], { action: "constructor" })])), "UNKNOWN_ACTION");
  });

  test("belay.noop is built in", async () => {
    const s = await stage();
    const run = await s.start(plan([node("a", [], { action: "belay.noop" })]));
    expect((await s.rest(run)).status).toBe("SUCCESSFUL");
  });
});

describe("R43: clientToken", () => {
  const document = plan([node("a")], { params });

  test("R43: the same token and request give the same run", async () => {
    const s = await stage();
    const first = await s.start(document, { params: { db: "x" }, clientToken: "t-1" });
    const again = await s.engine.start(definePlan(document), { params: { db: "x" }, clientToken: "t-1" });
    expect(again.id).toBe(first.id);
    await s.finish(first);
    expect(s.rig.started()).toEqual(["a"]);
    expect(s.engine.runs()).toHaveLength(1);
  });

  test("R43: the same token with other parameters or another plan is refused", async () => {
    const s = await stage();
    await s.start(document, { params: { db: "x" }, clientToken: "t-1" });
    await refused(s.start(document, { params: { db: "y" }, clientToken: "t-1" }), "IDEMPOTENT_PARAMETER_MISMATCH");
    await refused(
      s.start(plan([node("b")], { params }), { params: { db: "x" }, clientToken: "t-1" }),
      "IDEMPOTENT_PARAMETER_MISMATCH",
    );
    expect(s.engine.runs()).toHaveLength(1);
  });

  test("R43: tokens are case-sensitive, and none means always a new run", async () => {
    const s = await stage();
    const plain = { params: { db: "x" } };
    const ids = await Promise.all(
      [{ clientToken: "t" }, { clientToken: "T" }, {}, {}].map(
        async (token) => (await s.engine.start(definePlan(document), { ...plain, ...token })).id,
      ),
    );
    expect(new Set(ids).size).toBe(4);
  });

  test("R43: two starts with one token in the same tick give one run", async () => {
    const s = await stage();
    const start = () => s.engine.start(definePlan(document), { params: { db: "x" }, clientToken: "t-1" });
    const [one, two] = await Promise.all([start(), start()]);
    expect(one.id).toBe(two.id);
    await settleTurns();
    expect(s.rig.started()).toEqual(["a"]);
  });

  test("R43: a token that is empty, too long or not ASCII is refused", async () => {
    const s = await stage();
    for (const clientToken of ["", "x".repeat(65), "tökén"]) {
      await refused(s.start(document, { params: { db: "x" }, clientToken }), "INVALID_ARGUMENT");
    }
    expect((await s.start(document, { params: { db: "x" }, clientToken: "x".repeat(64) })).id).toBeTypeOf("string");
  });
});

describe("R40: locks", () => {
  const locked = plan([undoable("a")], { locks: ["cluster-1"] });

  test("R40: a second run on the same resource is refused and told by whom; success releases", async () => {
    const s = await stage({}, { held: true });
    const first = await s.start(locked);
    const error = await refused(s.start(locked), "LOCKED");
    expect(error.details).toMatchObject({ resource: "cluster-1", heldBy: first.id });
    await settleTurns();
    s.rig.pending[0]?.finish();
    await settleTurns();
    expect(first.snapshot().status).toBe("SUCCESSFUL");
    await s.start(locked);
  });

  test("R40: kept through FAILED; released by rollback or abandon", async () => {
    const s = await stage({ a: "fail" });
    for (const verb of ["rollback", "abandon"] as const) {
      const run = await s.start(locked);
      expect((await s.rest(run)).status).toBe("FAILED");
      await refused(s.start(locked), "LOCKED");
      await run[verb]();
      await s.rest(run);
    }
    await s.start(locked);
  });

  test("R40: all or none: a refused start takes nothing", async () => {
    const s = await stage({}, { held: true });
    await s.start(plan([node("a")], { locks: ["two"] }));
    await refused(s.start(plan([node("b")], { locks: ["one", "two"] })), "LOCKED");
    await s.start(plan([node("c")], { locks: ["one"] }));
    await settleTurns();
    expect(s.rig.started()).toEqual(["a", "c"]);
  });

  test("R40: each grant has a token that only grows, handed to actions and compensations", async () => {
    const s = await stage({ a: "fail" });
    for (let round = 0; round < 3; round++) {
      const run = await s.start(locked);
      await s.rest(run);
      await run.rollback();
      await s.rest(run);
    }
    const tokens = s.rig.contexts.map((ctx) => ctx.fencingTokens["cluster-1"] as number);
    expect(tokens).toHaveLength(6);
    const [a, undoA, b, undoB, c, undoC] = tokens as [number, number, number, number, number, number];
    expect([undoA, undoB, undoC]).toEqual([a, b, c]);
    expect(b).toBeGreaterThan(a);
    expect(c).toBeGreaterThan(b);
  });

  test("R40: a lock's name may be an expression over the parameters", async () => {
    const s = await stage({}, { held: true });
    const document = plan([node("a")], { params, locks: [{ $cel: "'db/' + params.db" }] });
    await s.start(document, { params: { db: "x" } });
    await s.start(document, { params: { db: "y" } });
    expect((await refused(s.start(document, { params: { db: "x" } }), "LOCKED")).details).toMatchObject({
      resource: "db/x",
    });
  });
});

describe("R41: pools", () => {
  test("R41: concurrency holds across runs", async () => {
    const s = await stage({}, { held: true, engine: { pools: { db: { concurrency: 2 } } } });
    const document = plan([node("a", [], { pool: "db" }), node("b", [], { pool: "db" }), node("free")]);
    await s.start(document);
    await s.start(document);
    await settleTurns();
    expect(s.rig.started().filter((id) => id !== "free")).toEqual(["a", "b"]);
    expect(s.rig.started().filter((id) => id === "free")).toHaveLength(2);
    s.rig.pending.find((call) => call.node === "b")?.finish();
    await settleTurns();
    expect(s.rig.pending.filter((call) => call.node !== "free")).toHaveLength(2);
    while (s.rig.pending.length > 0) {
      s.rig.pending[0]?.finish();
      await settleTurns();
      expect(s.rig.pending.filter((call) => call.node !== "free").length).toBeLessThanOrEqual(2);
    }
    expect(s.engine.runs().map((run) => run.snapshot().status)).toEqual(["SUCCESSFUL", "SUCCESSFUL"]);
  });

  test("R41: a slot is held while an attempt runs, not while its node waits to try again", async () => {
    const s = await stage({ a: "fail,ok" }, { engine: { pools: { db: { concurrency: 1 } } } });
    const run = await s.start(
      plan([
        node("a", [], { pool: "db", priority: 1, retry: { maxAttempts: 2, initialInterval: 60 } }),
        node("b", [], { pool: "db" }),
      ]),
    );
    await settleTurns();
    expect(s.rig.started()).toEqual(["a", "b"]);
    await s.clock.elapse(60_000);
    expect((await s.finish(run)).status).toBe("SUCCESSFUL");
  });

  test("R41: rate: at most so many starts per interval over all runs, by the engine's clock", async () => {
    const s = await stage(
      {},
      { engine: { pools: { db: { concurrency: 100, rate: { limit: 2, intervalMs: 1_000 } } } } },
    );
    const document = plan([
      node("a", [], { pool: "db" }),
      node("b", [], { pool: "db" }),
      node("c", [], { pool: "db" }),
    ]);
    await s.start(document);
    await s.start(document);
    await settleTurns();
    expect(s.rig.started()).toHaveLength(2);
    await s.clock.elapse(999);
    expect(s.rig.started()).toHaveLength(2);
    await s.clock.elapse(1);
    expect(s.rig.started()).toHaveLength(4);
    await s.clock.elapse(1_000);
    expect(s.rig.started()).toHaveLength(6);
  });

  test("R41: a plan that names a pool the engine does not have is refused", async () => {
    const s = await stage();
    await refused(s.start(plan([node("a", [], { pool: "nowhere" })])), "PLAN_INVALID");
  });
});

describe("the engine", () => {
  test("runs are found by id, and forgotten only after they ended for good", async () => {
    const s = await stage({ a: "fail" });
    const run = await s.start(plan([node("a")]), { runId: "run-7" });
    await s.finish(run);
    expect(s.engine.run("run-7")).toBe(run);
    expect(() => s.engine.forget("run-7")).toThrow(expect.objectContaining({ code: "STATE_INVALID" }));
    await run.abandon();
    s.engine.forget("run-7");
    expect(s.engine.run("run-7")).toBeUndefined();
  });

  test("a run id is taken once", async () => {
    const s = await stage();
    await s.start(plan([node("a")]), { runId: "run-7" });
    await refused(s.start(plan([node("a")]), { runId: "run-7" }), "INVALID_ARGUMENT");
  });

  test("close aborts what runs, waits at most the grace period, and refuses what comes after", async () => {
    const s = await stage({ a: "hang", b: "obey" });
    const run = await s.start(plan([node("a"), node("b")]));
    await settleTurns();
    let closed = false;
    const closing = s.engine.close().then(() => {
      closed = true;
    });
    await settleTurns();
    expect(s.rig.contexts.map((ctx) => ctx.signal.aborted)).toEqual([true, true]);
    expect(closed).toBe(false);
    await s.clock.elapse(5_000);
    await closing;
    await refused(s.start(plan([node("a")])), "CLOSED");
    await refused(run.pause(), "CLOSED");
    expect(s.clock.pending).toBe(0);
  });

  test("close without work answers at once, and again", async () => {
    const engine = await createEngine({ actions: actionRig().actions, clock: new ManualClock() });
    await engine.close();
    await engine.close();
  });

  test("a snapshot is plain JSON data that nobody else can change", async () => {
    const s = await stage({ a: { output: { list: [1] } } });
    const run = await s.start(plan([node("a")]));
    const snapshot = await s.finish(run);
    expect(JSON.parse(JSON.stringify(snapshot))).toEqual(JSON.parse(JSON.stringify(run.snapshot())));
    try {
      Object.assign(nodeOf(snapshot, "a"), { status: "FAILED" });
      (nodeOf(snapshot, "a").output as unknown as { list: number[] }).list.push(2);
    } catch {
      // Frozen is as good as a copy.
    }
    expect(run.snapshot().nodes[0]).toMatchObject({ status: "SUCCESSFUL", output: { list: [1] } });
  });
});

test("R4: a plan that was read under wider limits runs, and is taken up again", async () => {
  const long = `true ${"&& true ".repeat(20)}`.trim();
  const document = { belay: 1, name: "long", nodes: [{ id: "a", action: "do", when: long }] };
  const limits = { expressionLength: 10_000, expressionNodes: 10_000 };
  const wide = parsePlan(JSON.stringify(document), { limits });
  const engine = await createEngine({
    actions: { do: () => 1 },
    limits: { expressionLength: 20, expressionNodes: 5 },
  });
  const run = await engine.start(wide);
  expect((await run.settled()).status).toBe("SUCCESSFUL");
  await engine.close();
});
