/** compensate-first and an operator's retry: what is left of the failed attempt is undone first (R25, R37). */
import { describe, expect, test } from "vitest";
import { node, nodeOf, plan, stage, statuses, undoable } from "./stage.ts";

const FIRST = { maxAttempts: 1, mode: "compensate-first", initialInterval: 5 } as const;

/** "start a", "undo a", ... */
const calls = (s: Awaited<ReturnType<typeof stage>>): string[] =>
  s.rig.trace.flatMap((entry) =>
    entry.kind === "start" || entry.kind === "undo" ? [`${entry.kind} ${entry.node}`] : [],
  );

describe("retry of a node with mode compensate-first", () => {
  test.each([undefined, "a"])(
    "R25: it is undone before the new attempt, without a wait (retry of %s)",
    async (name) => {
      const s = await stage({ a: "fail,ok" });
      const run = await s.start(plan([undoable("a", [], { retry: FIRST }), node("b", ["a"])]));
      await s.rest(run);
      await run.retry(name === undefined ? {} : { node: name });
      expect((await s.finish(run)).status).toBe("SUCCESSFUL");
      expect(calls(s)).toEqual(["start a", "undo a", "start a", "start b"]);
      expect(s.clock.pending).toBe(0);
    },
  );

  test("R28, R31: what undoes it, and the new attempt, get the input of the first", async () => {
    const s = await stage({ a: "fail,ok" });
    const run = await s.start(plan([undoable("a", [], { retry: FIRST, with: { host: "db-1" } })]));
    await s.rest(run);
    await run.retry();
    await s.finish(run);
    expect(calls(s)).toEqual(["start a", "undo a", "start a"]);
    expect(s.rig.contexts.map(({ input }) => input)).toEqual([{ host: "db-1" }, { host: "db-1" }, { host: "db-1" }]);
  });

  test("R24, R25: members too, one by one or with their group", async () => {
    const s = await stage({ "g[1]": "fail,fail,ok" });
    const run = await s.start(plan([undoable("g", [], { retry: FIRST, split: { over: "[1, 2]" } })]));
    await s.rest(run);
    await run.retry({ node: "g[1]" });
    await s.rest(run);
    await run.retry({ node: "g" });
    expect((await s.finish(run)).status).toBe("SUCCESSFUL");
    expect(calls(s)).toEqual(["start g[0]", "start g[1]", "undo g[1]", "start g[1]", "undo g[1]", "start g[1]"]);
  });

  test("R31: a compensation that covers successes only leaves a failed attempt as it is", async () => {
    const s = await stage({ a: "fail,ok" });
    const a = node("a", [], { retry: FIRST, compensation: { action: "undo", when: "succeeded" } });
    const run = await s.start(plan([a]));
    await s.rest(run);
    await run.retry();
    expect((await s.finish(run)).status).toBe("SUCCESSFUL");
    expect(calls(s)).toEqual(["start a", "start a"]);
  });

  test("R25: when the compensation fails too, the next retry undoes again, and then goes on", async () => {
    const s = await stage({ a: { run: "fail,ok", undo: "fail,ok" } });
    const run = await s.start(plan([undoable("a", [], { retry: FIRST })]));
    await s.rest(run);
    await run.retry();
    expect(statuses(await s.finish(run))).toEqual({ a: "COMPENSATION_FAILED" });
    await run.retry();
    expect((await s.finish(run)).status).toBe("SUCCESSFUL");
    expect(calls(s)).toEqual(["start a", "undo a", "undo a", "start a"]);
  });

  test("R14: held by a failure that comes while its compensation is queued, it waits, and what it left still counts", async () => {
    const s = await stage({ a: "fail", x: "fail" }, { engine: { concurrency: 1 }, held: true });
    const nodes = [undoable("a", [], { retry: FIRST }), node("x", [], { priority: -1 })];
    const run = await s.start(plan(nodes, { failureMode: "continue" }));
    await s.clock.elapse(0);
    s.rig.pending[0]?.finish();
    await s.clock.elapse(0);
    expect(s.rig.pending.map((call) => call.node)).toEqual(["x"]);
    await run.retry({ node: "a" });
    await run.cancel();
    s.rig.pending[0]?.finish();
    const snapshot = await s.finish(run);
    expect(snapshot.status).toBe("CANCELED");
    expect(nodeOf(snapshot, "a").status).toBe("PENDING");
    await run.rollback();
    await s.clock.elapse(0);
    expect(s.rig.pending.map(({ node: id, compensation }) => [id, compensation])).toEqual([["a", true]]);
  });
});
