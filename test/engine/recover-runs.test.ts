/** Which runs an engine takes up from its journal, and what it says of those that it cannot (R5, R37, R40, R42 to R45). */
import {
  BelayError,
  createEngine,
  definePlan,
  type Json,
  MemoryJournal,
  type NodeDocument,
  type PlanDocument,
  parsePlan,
} from "@belay/engine";
import { settleTurns } from "@belay/engine/testing";
import { describe, expect, test } from "vitest";
import { life } from "./second-life.ts";
import { diamond, node, nodeOf, plan, refused, statuses, undoable } from "./stage.ts";

const idempotent = { x: { idempotent: true, run: () => new Promise(() => undefined) } };

describe("R42: every point at which the records may end", () => {
  const documents: Readonly<Record<string, PlanDocument>> = {
    diamond: plan(diamond),
    groups: plan([
      node("a"),
      undoable("g", ["a"], { split: { over: "[1, 2, 3]", method: "PARALLEL" } }),
      undoable("s", ["g"], { split: { over: "nodes.a.output.list", method: "SERIAL" }, when: "item != 'none'" }),
      undoable("f", ["s"], { split: { over: "['x', 'y']", method: "FIRST_SUCCESS" } }),
      node("t", [], { always: { for: ["a"] } }),
    ]),
    conditions: plan([
      node("a"),
      node("b", ["a"], { when: "nodes.a.output.list.size() == 5" }),
      node("c", ["b"], { when: "nodes.b.status == 'SKIPPED'", with: { n: { $cel: "nodes.a.output.list" } } }),
    ]),
  };

  test.each(Object.entries(documents))(
    "R39, R42, R50: %s ends as it would have, whatever was durable",
    async (_, document) => {
      const scripts = { a: { output: { list: ["p", "none", "q"] } }, "f[0]": "fail" };
      const again = { actions: ["do"], compensations: ["undo"] };
      const whole = await life({ scripts, ...again });
      await whole.start(document, { runId: "r" });
      const expected = await whole.settled();
      expect(expected.status).toBe("SUCCESSFUL");
      const records = whole.journal.read("r")?.records.length as number;
      for (let kept = 1; kept < records; kept++) {
        const second = await whole.crash({ records: kept, scripts });
        const snapshot = await second.settled();
        // Nobody can tell of what was cut off: an operator says that it may run again.
        if (snapshot.status !== "SUCCESSFUL") await second.run().retry();
        expect(statuses(await second.settled()), `after ${kept} records`).toEqual(statuses(expected));
        const finished = second.rig.started().filter((id, place, all) => all.indexOf(id) !== place);
        expect(finished, `after ${kept} records`).toEqual([]);
        expect(second.journal.read("r")?.records.slice(0, kept)).toEqual(
          whole.journal.read("r")?.records.slice(0, kept),
        );
      }
    },
  );
});

describe("R42: runs inside runs", () => {
  const inner = definePlan(plan([{ id: "x", action: "x" }, undoable("y", ["x"])], { name: "inner" }));
  const outer = plan([
    undoable("a"),
    { id: "sub", action: "belay.plan", with: { plan: "inner" }, upstreams: ["a"], compensation: { action: "undo" } },
  ]);

  test("R42: the node finds its run again, and ends with it", async () => {
    const first = await life({ extra: idempotent, engine: { plans: { inner } } });
    await first.start(outer, { runId: "r" });
    await settleTurns();
    const second = await first.crash({ extra: { x: { idempotent: true, run: () => 7 } } });
    expect((await second.settled()).status).toBe("SUCCESSFUL");
    expect(nodeOf(await second.settled(), "sub").output).toMatchObject({ runId: "r/sub/1", outputs: { x: 7 } });
    expect(second.engine.runs().map(({ id }) => id)).toEqual(["r", "r/sub/1"]);
    expect(second.journal.list().map(({ parent }) => parent)).toEqual([
      null,
      { runId: "r", nodeId: "sub", attempt: 1 },
    ]);
  });

  test("R30, R42: a rollback after the crash still rolls back the run inside that has not ended", async () => {
    const first = await life({ extra: { x: () => 1 }, scripts: { y: "fatal" }, engine: { plans: { inner } } });
    const run = await first.start(outer, { runId: "r" });
    expect((await first.rest(run)).status).toBe("FAILED");
    const second = await first.crash({ extra: { x: () => 1 } });
    await second.run().rollback();
    expect((await second.settled()).status).toBe("ROLLED_BACK");
    expect((await second.settled("r/sub/1")).status).toBe("ROLLED_BACK");
    expect(second.rig.undone()).toEqual(["y", "a"]);
  });

  test("R30, R42: one that has succeeded is undone by the node's own compensation", async () => {
    const first = await life({ extra: { x: () => 1 }, engine: { plans: { inner } } });
    const run = await first.start({ ...outer, nodes: [...outer.nodes, node("z", ["sub"])] }, { runId: "r" });
    await first.rest(run);
    const records = first.journal.read("r")?.records.length as number;
    const second = await first.crash({ extra: { x: () => 1 }, records: records - 1 });
    await second.settled();
    await second.run().rollback();
    expect((await second.settled()).status).toBe("ROLLED_BACK");
    expect(second.rig.undone()).toEqual(["sub", "a"]);
  });
});

describe("R5, R45: runs that are refused", () => {
  test("R5: another version of the plan is refused, with the nodes that differ; without one the run's own is followed", async () => {
    const first = await life({ held: true, extra: idempotent });
    await first.start(plan([node("a"), node("b", ["a"])], { name: "p" }), { runId: "r" });
    await settleTurns();
    const changed = definePlan(plan([node("a"), node("b", ["a"], { timeout: 5 }), node("c")], { name: "p" }));
    const second = await first.crash({ engine: { recover: false } });
    const { runs, refused: no } = await second.engine.recover({ plans: [changed] });
    expect(runs).toEqual([]);
    expect(no).toHaveLength(1);
    expect(no[0]?.error).toMatchObject({ code: "PLAN_CHANGED", details: { nodes: ["b", "c"], runId: "r" } });
    expect(second.engine.refused()).toHaveLength(1);
    expect(second.journal.list()[0]?.owner).toBe(null);
    expect((await second.engine.recover()).runs).toHaveLength(1);
    expect(second.engine.refused()).toEqual([]);
  });

  test("R3: a run whose action is not registered any more is refused and told; the others go on", async () => {
    const told: string[] = [];
    const first = await life({ extra: idempotent });
    await first.start(plan([{ id: "a", action: "x" }]), { runId: "gone" });
    await first.start(plan([node("a"), node("b", ["a"])]), { runId: "r" });
    const second = await first.crash({
      extra: {},
      engine: { onRefusedRun: ({ runId, error }) => told.push(`${runId}: ${error.code}`) },
    });
    expect(told).toEqual(["gone: UNKNOWN_ACTION"]);
    expect(second.engine.run("gone")).toBeUndefined();
    await refused(second.engine.find("gone"), "UNKNOWN_ACTION");
    expect((await second.settled()).status).toBe("SUCCESSFUL");
  });

  test.each([
    ["depth", Array.from({ length: 100 }).reduce<Json>((inner) => [inner], 1)],
    ["stringLength", "x".repeat(2 ** 20 + 1)],
  ])(
    "R4, R42: a plan that was read under a wider limit, %s, is not judged again by the usual one",
    async (limit, value) => {
      const text = JSON.stringify(plan([{ id: "a", action: "x", with: { value } }]));
      const first = await life({ extra: idempotent });
      await first.engine.start(parsePlan(text, { limits: { [limit]: limit === "depth" ? 200 : 2 ** 21 } }), {
        runId: "r",
      });
      await settleTurns();
      const second = await first.crash({ extra: { x: { idempotent: true, run: () => 1 } } });
      expect((await second.settled()).status).toBe("SUCCESSFUL");
    },
  );

  test.each([
    [
      "a node that does not exist",
      (records: { input: object }[]) => records.push({ input: { kind: "retry", node: 99 } }),
    ],
    ["a history with a gap", (records: { input: object }[]) => records.splice(1, 1)],
  ])("R45: records of %s are refused with JOURNAL_CORRUPT, not guessed", async (_, spoil) => {
    const first = await life();
    await first.start(plan([node("a"), node("b", ["a"])]), { runId: "r" });
    await settleTurns();
    const spoiled = new MemoryJournal();
    const stored = first.journal.read("r");
    if (stored === undefined) throw new Error("no run");
    const records = stored.records.slice(0, 3).map((record) => ({ ...record }));
    spoil(records as never);
    const created = spoiled.create("e", stored.header, []);
    if (created.kind !== "created") throw new Error(created.kind);
    spoiled.append(created.lease, records, { status: "RUNNING", ended: false, at: 0 });
    spoiled.close("e");
    const engine = await createEngine({ actions: { do: () => 1 }, journal: spoiled, onRefusedRun: () => undefined });
    expect(engine.refused().map(({ error }) => error.code)).toEqual(["JOURNAL_CORRUPT"]);
    await engine.close();
  });

  test("R39: a run whose start was never durable is not there", async () => {
    const first = await life({ extra: idempotent });
    await first.start(plan([{ id: "a", action: "x" }], { locks: ["l"] }), { runId: "r", clientToken: "t" });
    const second = await first.crash({ records: 0 });
    expect(second.engine.runs()).toEqual([]);
    expect(second.journal.list()).toEqual([]);
    const run = await second.start(plan([node("a")], { locks: ["l"] }), { clientToken: "t" });
    expect((await second.rest(run)).status).toBe("SUCCESSFUL");
  });
});

describe("R37, R40, R43: what outlives the process", () => {
  test("R40: locks stay held, their tokens grow with the new owner, and the end frees them", async () => {
    const tokens: number[] = [];
    const x = {
      idempotent: true,
      run: (ctx: { fencingTokens: object }) => void tokens.push((ctx.fencingTokens as { l: number }).l),
    };
    const document = plan(
      [
        { id: "a", action: "hang" },
        { id: "b", action: "x", upstreams: ["a"] },
      ],
      { locks: ["l"] },
    );
    const hang = { idempotent: true, run: () => new Promise(() => undefined) };
    const first = await life({ extra: { x, hang } });
    await first.start(document, { runId: "r" });
    await settleTurns();
    const second = await first.crash();
    await refused(second.start(document), "LOCKED");
    const third = await second.crash({ extra: { x, hang: { idempotent: true, run: () => 1 } } });
    expect((await third.settled()).status).toBe("SUCCESSFUL");
    expect(tokens).toEqual([3]);
    expect(third.journal.list()[0]?.locks).toEqual([]);
  });

  test("R43: a client token gives the run of an earlier process, moving or ended", async () => {
    const document = plan([node("a"), { id: "b", action: "x", upstreams: ["a"] }]);
    const first = await life({ extra: idempotent });
    await first.start(document, { runId: "r", clientToken: "t" });
    const second = await first.crash({ extra: { x: { idempotent: true, run: () => 1 } } });
    expect((await second.start(document, { clientToken: "t" })).id).toBe("r");
    expect((await second.start(document, { clientToken: "t", runId: "r" })).id).toBe("r");
    await refused(second.start(document, { clientToken: "u", runId: "r" }), "INVALID_ARGUMENT");
    await second.settled();
    const third = await second.crash();
    expect(third.engine.runs()).toEqual([]);
    const ended = await third.engine.start(definePlan(document), { clientToken: "t", runId: "r" });
    expect(ended.snapshot()).toMatchObject({ id: "r", status: "SUCCESSFUL" });
    expect((await ended.settled()).nodes.map(({ output }) => output)).toEqual([{ node: "a", attempt: 1 }, 1]);
    await refused(ended.cancel(), "STATE_INVALID");
    await refused(
      third.engine.start(definePlan(plan([node("other")])), { clientToken: "t" }),
      "IDEMPOTENT_PARAMETER_MISMATCH",
    );
  });

  test("R37: a request that was carried out before the crash is not carried out again after it", async () => {
    const first = await life({ scripts: { a: "fail" } });
    const run = await first.start(plan([node("a")]), { runId: "r" });
    await first.rest(run);
    await run.retry({ node: "a", requestId: "again", who: "ada" });
    await first.rest(run);
    const second = await first.crash();
    const records = second.journal.read("r")?.records.length;
    await second.run().retry({ node: "a", requestId: "again" });
    expect(second.journal.read("r")?.records).toHaveLength(records as number);
    await refused(second.run().retry({ requestId: "again" }), "IDEMPOTENT_PARAMETER_MISMATCH");
  });

  test("R37: a request from another process is carried out once by the owner, and answered", async () => {
    const first = await life({ scripts: { a: "fail" } });
    const run = await first.start(plan([node("a")]), { runId: "r" });
    await first.rest(run);
    const ask = (requestId: string, verb: string, args: readonly string[] = []): void =>
      first.journal.ask({ requestId, runId: "r", verb, args: args.map((text) => JSON.parse(text)), at: 0 });
    ask("1", "retry", ['{"who": "ada", "why": "mended"}']);
    ask("1", "retry", ['{"who": "ada", "why": "mended"}']);
    ask("2", "approve", ['"a"', '{"who": "ada"}']);
    ask("3", "explode");
    ask("4", "retry", ["[1]"]);
    await settleTurns();
    expect(first.rig.started()).toEqual(["a", "a"]);
    expect(["1", "2", "3", "4"].map((id) => first.journal.answerTo(id))).toMatchObject([
      { ok: true },
      { ok: false, code: "STATE_INVALID" },
      { ok: false, code: "INVALID_ARGUMENT" },
      { ok: false, code: "INVALID_ARGUMENT" },
    ]);
    const asked = first.journal.read("r")?.records.filter(({ input }) => input.kind === "retry");
    expect(asked?.map(({ payload }) => payload)).toEqual([{ who: "ada", why: "mended", requestId: "1" }]);
  });

  test("R37: a request asked while nobody owned the run is carried out by the next owner", async () => {
    const first = await life({ scripts: { a: "fail,ok" } });
    const run = await first.start(plan([node("a")]), { runId: "r" });
    await first.rest(run);
    const left = first.journal;
    await first.engine.close();
    left.ask({ requestId: "1", runId: "r", verb: "abandon", args: [], at: 0 });
    const second = await first.crash({ scripts: { a: "ok" } });
    await settleTurns();
    expect(second.run().snapshot().status).toBe("ABANDONED");
    expect(second.journal.answerTo("1")).toEqual({ ok: true, status: "ABANDONED" });
  });
});

describe("an engine that is closed right after it recovered", () => {
  test("R37: asks its journal for nothing any more", async () => {
    const told: unknown[] = [];
    const first = await life({ extra: idempotent });
    await first.start(plan([{ id: "a", action: "x" }]), { runId: "r" });
    await settleTurns();
    const journal = first.journal.afterCrash();
    journal.takeRequests = () => {
      throw new BelayError("JOURNAL_FAILED", "it is closed");
    };
    const onListenerError = (error: unknown): void => void told.push(error);
    const engine = await createEngine({ actions: idempotent, journal, recover: false, onListenerError });
    await engine.recover();
    await engine.close();
    await settleTurns();
    expect(told).toEqual([]);
  });
});

describe("R39, R44: a run that stopped on a fault", () => {
  test("R39: goes on once the medium does, for the same listeners, with nothing that was acknowledged lost", async () => {
    const events: string[] = [];
    let calls = 0;
    const x = { idempotent: true, run: () => (++calls < 3 ? new Promise(() => undefined) : 1) };
    const s = await life({ extra: { x } });
    const run = await s.start(plan([{ id: "p", action: "x" }, { id: "q", action: "x" }, node("z", ["p", "q"])]), {
      runId: "r",
    });
    for (const name of ["run:fault", "run:succeeded", "node:succeeded"] as const) run.on(name, () => events.push(name));
    await settleTurns();
    const { append } = s.journal;
    s.journal.append = () => {
      throw new BelayError("JOURNAL_FAILED", "no space left on the disk of belay.db; free space, then recover");
    };
    await expect(run.pause()).rejects.toMatchObject({ code: "JOURNAL_FAILED" });
    expect(run.snapshot().fault?.message).toContain("free space");
    await refused(run.pause(), "CLOSED");
    s.journal.append = append;
    const { runs, refused: no } = await s.engine.recover();
    expect([runs.map(({ id }) => id), no]).toEqual([["r"], []]);
    expect(runs[0]).toBe(run);
    expect((await s.rest(run)).status).toBe("SUCCESSFUL");
    expect(events).toEqual(["run:fault", "node:succeeded", "node:succeeded", "node:succeeded", "run:succeeded"]);
  });

  test("R39: what could not be journaled did not succeed, for a run around it neither", async () => {
    const inner = definePlan(plan([node("i")], { name: "inner" }));
    const s = await life({ held: true, engine: { plans: { inner } } });
    const sub: NodeDocument = { id: "sub", action: "belay.plan", with: { plan: "inner" }, effect: "none" };
    const run = await s.start(plan([sub, node("next", ["sub"], { prohibitRollback: true })]), { runId: "r" });
    await settleTurns();
    const { append } = s.journal;
    s.journal.append = (lease, records, progress) => {
      if (lease.runId !== "r") throw new Error("disk full");
      append.call(s.journal, lease, records, progress);
    };
    s.rig.pending[0]?.finish();
    const outer = await s.rest(run);
    expect(s.run("r/sub/1").snapshot()).toMatchObject({ status: "RUNNING", fault: { code: "JOURNAL_FAILED" } });
    expect(nodeOf(outer, "sub")).toMatchObject({ status: "FAILED", error: { code: "SUB_RUN_FAILED" } });
    expect(s.rig.started()).toEqual(["i"]);
  });

  test("R44: a run that another engine took over stops, writes nothing, and aborts what it runs", async () => {
    const s = await life({ held: true });
    const run = await s.start(plan([node("a")]), { runId: "r" });
    await settleTurns();
    const ours = s.journal.list()[0]?.owner as string;
    s.journal.close(ours);
    expect(s.journal.claim("other", "r").kind).toBe("claimed");
    s.rig.pending[0]?.finish();
    const snapshot = await s.rest(run);
    expect(snapshot.fault?.code).toBe("FENCED");
    expect(s.journal.read("r")?.records).toHaveLength(2);
    expect((await s.engine.recover()).refused).toEqual([]);
    await refused(
      s.engine
        .find("r")
        .then(() => s.engine.recover({ runs: ["r"] }))
        .then(({ refused: no }) => Promise.reject(no[0]?.error)),
      "FENCED",
    );
  });
});

describe("the shelf", () => {
  test("R51: find reads what has ended; prune drops it once it is old; a rest is no end", async () => {
    const first = await life({ scripts: { b: "fail" } });
    await first.start(plan([node("a")]), { runId: "done" });
    await first.start(plan([node("b")]), { runId: "r" });
    await settleTurns();
    const second = await first.crash({ afterMs: 1000 });
    expect(second.engine.run("done")).toBeUndefined();
    expect((await second.engine.find("done"))?.snapshot().status).toBe("SUCCESSFUL");
    expect(await second.engine.find("never")).toBeUndefined();
    expect(await second.engine.prune({ endedBefore: second.clock.now() - 1000 })).toBe(0);
    expect(await second.engine.prune({ endedBefore: second.clock.now() })).toBe(1);
    expect(second.engine.run("done")).toBeUndefined();
    expect(second.journal.list().map(({ runId }) => runId)).toEqual(["r"]);
  });

  test("R2: arguments that make no sense are refused", async () => {
    const { engine } = await life();
    for (const bad of [null, { run: ["r"] }, { runs: "r" }, { plans: [{}] }])
      await refused(engine.recover(bad as never), "INVALID_ARGUMENT");
    await refused(engine.prune({ endedBefore: Number.NaN }), "INVALID_ARGUMENT");
    expect((await engine.recover({ runs: ["never"] })).refused).toMatchObject([{ error: { code: "NOT_FOUND" } }]);
    await engine.close();
    await refused(engine.recover(), "CLOSED");
    await refused(engine.find("r"), "CLOSED");
  });
});
