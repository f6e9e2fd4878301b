/**
 * Plans and operators' verbs that once broke a rule: groups, retries, compensations and deadlines that meet in ways no
 * single rule speaks of. Each test is the smallest story of one defect, and says what must be instead.
 */
import { createEngine, definePlan, MemoryJournal, type NodeDocument } from "@belay/engine";
import { heldAction, settleTurns } from "@belay/engine/testing";
import { describe, expect, test } from "vitest";
import { node, nodeOf, plan, refused, type Stage, stage, statuses, told, undoable } from "./stage.ts";

const params = { type: "object", properties: { list: { type: "array" } }, required: ["list"] } as const;
const listOf = (count: number) => ({ params: { list: Array.from({ length: count }, (_, place) => place) } });

/** The calls that wait for the test, oldest first. */
const waiting = (s: Stage): string[] => s.rig.pending.map((call) => call.node);

/** Ends the oldest waiting call of that node as its script says. */
async function end(s: Stage, id: string): Promise<void> {
  const call = s.rig.pending.find((one) => one.node === id);
  if (call === undefined) throw new Error(`no call of ${id} waits, only of ${waiting(s).join()}`);
  call.finish();
  await settleTurns();
}

describe("sizes", () => {
  test("a chain of 60,000 nodes whose conditions are false is passed without recursion", {
    timeout: 120_000,
  }, async () => {
    const s = await stage();
    const chain = Array.from({ length: 60_000 }, (_, place) =>
      node(`n${place}`, place === 0 ? [] : [`n${place - 1}`], { when: "false" }),
    );
    const snapshot = await s.rest(await s.start(plan(chain)));
    expect(snapshot).toMatchObject({ status: "SUCCESSFUL", fault: null });
    expect(nodeOf(snapshot, "n59999").skipReason).toBe("condition");
  });

  /** Milliseconds from the first of `count` failures until the run rests. */
  async function timeFailures(failureMode: "no-new" | "kill", count: number): Promise<number> {
    const held = heldAction({ letGoOnAbort: true });
    const engine = await createEngine({ actions: { held: held.action } });
    const nodes = Array.from({ length: count }, (_, place) => ({ id: `n${place}`, action: "held" }));
    const run = await engine.start(definePlan({ belay: 1, name: "wide", failureMode, nodes }));
    await settleTurns();
    expect(held.attempts).toHaveLength(count);
    const began = performance.now();
    if (failureMode === "kill") held.attempts[0]?.fail();
    else for (const attempt of held.attempts) attempt.fail();
    expect((await run.settled()).status).toBe("FAILED");
    const ms = performance.now() - began;
    await engine.close();
    return ms;
  }

  test.each(["no-new", "kill"] as const)(
    "R14: the cost of failures grows with their number, not with its square (failureMode %s)",
    { timeout: 120_000 },
    async (failureMode) => {
      await timeFailures(failureMode, 1_000);
      const small = await timeFailures(failureMode, 5_000);
      const large = await timeFailures(failureMode, 20_000);
      // Four times the failures: linear is 4, quadratic would be 16.
      expect(large / small).toBeLessThan(12);
    },
  );

  test("R4: the members of a group that expands again count once", async () => {
    const s = await stage({ a: { output: [1, 2, 3, 4, 5, 6] }, z: "fail" }, { engine: { limits: { members: 10 } } });
    const run = await s.start(
      plan([node("a"), undoable("g", ["a"], { split: { over: "nodes.a.output" } }), node("z", ["g"])]),
    );
    await s.finish(run);
    for (let round = 0; round < 3; round++) {
      if (round === 2) s.rig.rescript("z", "ok");
      await run.rollback({ to: "a" });
      expect((await s.finish(run)).status).toBe("PARTIALLY_ROLLED_BACK");
      await run.retry();
      expect((await s.finish(run)).status).toBe(round === 2 ? "SUCCESSFUL" : "FAILED");
    }
  });
});

describe("attempts", () => {
  test("R25: 2,000 attempts without a pause end, and deadlines of other runs still pass on time", async () => {
    const s = await stage({ a: "fail", other: "obey" });
    const run = await s.start(plan([node("a", [], { retry: { maxAttempts: 2_000, initialInterval: 0 } })]));
    expect(nodeOf(await s.rest(run), "a")).toMatchObject({ status: "FAILED", runTime: 2_000 });
    const other = await s.start(plan([node("other", [], { timeout: 1 })]));
    await s.clock.elapse(999);
    expect(statuses(other.snapshot())).toEqual({ other: "RUNNING" });
    await s.clock.elapse(1);
    expect(nodeOf(await s.rest(other), "other").error?.code).toBe("TIMEOUT");
  });

  test("R25, R26: node:retrying tells of the attempt that failed, also when the next one starts at once", async () => {
    const s = await stage({ a: "obey" });
    const run = await s.start(plan([node("a", [], { timeout: 1, retry: { maxAttempts: 2, initialInterval: 0 } })]));
    await s.clock.elapse(2_000);
    await s.finish(run);
    expect(told(s, "node:retrying")).toMatchObject([{ attempt: 1, outcome: "unknown", error: { code: "TIMEOUT" } }]);
    expect(told(s, "node:failed")).toMatchObject([{ attempt: 2, outcome: "unknown" }]);
  });

  test("R28, R31: the input is what it was when the node first started, for retries and the compensation too", async () => {
    const s = await stage({ b: "hang", c: "fail,ok", z: "fail" });
    const run = await s.start(
      plan([
        node("a"),
        node("b"),
        undoable("c", ["a", "b"], {
          trigger: "any_succeeded",
          with: { b: { $cel: "nodes.b.status" } },
          retry: { maxAttempts: 2, initialInterval: 1 },
        }),
        node("z", ["c"]),
      ]),
    );
    await settleTurns();
    await end(s, "b");
    expect(nodeOf(run.snapshot(), "b").status).toBe("SUCCESSFUL");
    await s.clock.elapse(1_000);
    await s.finish(run);
    await run.rollback();
    await s.finish(run);
    const calls = s.rig.contexts.filter((ctx) => ctx.nodeId === "c");
    expect(calls.map((ctx) => ctx.input)).toEqual([{ b: "RUNNING" }, { b: "RUNNING" }, { b: "RUNNING" }]);
  });

  const stops: [code: string, rest: { failureMode?: "kill"; timeout?: number }, event: string][] = [
    ["CANCELED", {}, "node:canceled"],
    ["RUN_TIMEOUT", { timeout: 10 }, "node:failed"],
    ["KILLED", { failureMode: "kill" }, "node:failed"],
  ];
  test.each(stops)(
    "R31: a node that was stopped while undone for its next attempt says why: %s",
    async (code, rest, event) => {
      const s = await stage({ a: { run: "fail", undo: "hang" }, b: "obey" });
      const retry = { maxAttempts: 2, initialInterval: 0, mode: "compensate-first" } as const;
      // Its failure stops the run under `kill`; elsewhere it only has to be there.
      const run = await s.start(plan([undoable("a", [], { retry }), node("b", [], { timeout: 5 })], rest));
      await settleTurns();
      if (code === "CANCELED") await run.cancel();
      await s.clock.elapse(10_000);
      await end(s, "a");
      const snapshot = await s.rest(run);
      expect(nodeOf(snapshot, "a")).toMatchObject({ status: "FAILED", error: { code } });
      expect(told(s, event).filter(({ nodeId }) => nodeId === "a")).toMatchObject([{ error: { code } }]);
      expect(s.rig.started().filter((id) => id === "a")).toEqual(["a"]);
    },
  );
});

describe("groups", () => {
  test("R21: a percentage tolerates exactly as many members as it says, whatever its binary fraction", async () => {
    // 0.29 * 100, 0.57 * 100 and 0.58 * 100 are a little less than the whole number.
    for (const percent of [28, 29, 57, 58]) {
      for (const [failed, status] of [
        [percent, "SUCCESSFUL"],
        [percent + 1, "FAILED"],
      ] as const) {
        const s = await stage(
          Object.fromEntries(Array.from({ length: failed }, (_, place) => [`g[${place}]`, "fail"])),
        );
        const group = node("g", [], { split: { over: "params.list", tolerated: `${percent}%` } });
        const run = await s.start(plan([group], { params, failureMode: "continue" }), listOf(100));
        expect((await s.rest(run)).status, `${failed} failed of 100, ${percent}% tolerated`).toBe(status);
      }
    }
  });

  test("R21: a member that is retried while a sibling runs waits for its place (maxConcurrency)", async () => {
    const s = await stage({ "g[0]": "fail,ok" }, { held: true });
    const group = node("g", [], { split: { over: "params.list", maxConcurrency: 1 } });
    const run = await s.start(plan([group], { params, failureMode: "continue" }), listOf(3));
    await settleTurns();
    await end(s, "g[0]");
    await run.retry({ node: "g[0]" });
    await settleTurns();
    for (let left = 3; left > 0; left--) {
      expect(waiting(s)).toHaveLength(1);
      await end(s, waiting(s)[0] as string);
    }
    expect((await s.finish(run)).status).toBe("SUCCESSFUL");
    expect(s.rig.started().toSorted()).toEqual(["g[0]", "g[0]", "g[1]", "g[2]"]);
  });

  test("R21: two members that are retried at rest go one after the other (maxConcurrency)", async () => {
    const s = await stage({ g: "fail" }, { held: true });
    const group = node("g", [], { split: { over: "params.list", maxConcurrency: 1 } });
    const run = await s.start(plan([group], { params, failureMode: "continue" }), listOf(2));
    await settleTurns();
    await end(s, "g[0]");
    await end(s, "g[1]");
    await s.finish(run);
    s.rig.rescript("g", "ok");
    await run.retry({ node: "g[0]" });
    await run.retry({ node: "g[1]" });
    await settleTurns();
    expect(waiting(s)).toEqual(["g[0]"]);
    await end(s, "g[0]");
    expect(waiting(s)).toEqual(["g[1]"]);
    await end(s, "g[1]");
    expect((await s.finish(run)).status).toBe("SUCCESSFUL");
  });

  test("R20: a group whose condition could not be evaluated does not start by a retry that skips the condition", async () => {
    const s = await stage({ a: { output: {} } });
    const group = node("g", ["a"], { when: "nodes.a.output.go == true", split: { over: "params.list" } });
    const run = await s.start(plan([node("a"), group], { params }), listOf(2));
    expect((await s.rest(run)).status).toBe("FAILED");
    await run.retry({ node: "g" });
    expect((await s.rest(run)).status).toBe("FAILED");
    expect(s.rig.started()).toEqual(["a"]);
  });

  test("R12: no member starts before its group's trigger is decided anew", async () => {
    const s = await stage({ a: "fail,ok", g: { run: "fail", undo: "fail,ok" } }, { held: true });
    const split = { over: "params.list", method: "FIRST_SUCCESS" } as const;
    const group = undoable("g", ["a"], { trigger: "any_failed", split });
    const run = await s.start(plan([node("a"), group, node("d", ["g"])], { params }), listOf(2));
    await settleTurns();
    for (const id of ["a", "g[0]", "g[0]"]) await end(s, id);
    expect(statuses(await s.finish(run))).toMatchObject({
      a: "FAILED",
      "g[0]": "COMPENSATION_FAILED",
      "g[1]": "PENDING",
    });
    await run.retry();
    await settleTurns();
    await end(s, "g[0]");
    expect(waiting(s)).toEqual(["a"]);
    await end(s, "a");
    await end(s, "d");
    const snapshot = await s.finish(run);
    expect(snapshot.status).toBe("SUCCESSFUL");
    expect(nodeOf(snapshot, "g[1]")).toMatchObject({ status: "SKIPPED", started: false });
    expect(s.rig.started()).toEqual(["a", "g[0]", "a", "d"]);
  });

  test("R14: a group that has failed holds the rest, although its last candidate is still being undone", async () => {
    const s = await stage({ g: { run: "fail", undo: "hang" }, t: "fail" }, { engine: { concurrency: 2 } });
    const split = { over: "params.list", method: "FIRST_SUCCESS" } as const;
    const others: NodeDocument[] = ["n1", "n2", "n3"].map((id) => node(id));
    const run = await s.start(
      plan([undoable("g", [], { priority: 5, split }), node("t", [], { priority: 4 }), ...others], { params }),
      listOf(1),
    );
    await settleTurns();
    expect(statuses(run.snapshot())).toMatchObject({ "g[0]": "COMPENSATING", t: "FAILED", n1: "PENDING" });
    await run.skip("t");
    await settleTurns();
    await end(s, "g[0]");
    expect((await s.finish(run)).status).toBe("FAILED");
    expect(s.rig.started()).toEqual(["g[0]", "t"]);
  });
});

describe("rollback and the end", () => {
  test("R30: a node that an operator's retry had let wait again, and a cancel then held, is still undone", async () => {
    const s = await stage({ a: "fail,obey", b: "fail" }, { engine: { concurrency: 1 } });
    const run = await s.start(plan([undoable("a"), undoable("b")], { failureMode: "continue" }));
    expect(statuses(await s.finish(run))).toEqual({ a: "FAILED", b: "FAILED" });
    await run.retry();
    await settleTurns();
    expect(statuses(run.snapshot())).toEqual({ a: "RUNNING", b: "READY" });
    await run.cancel();
    expect(statuses(await s.finish(run))).toEqual({ a: "FAILED", b: "PENDING" });
    expect(told(s, "node:held").map(({ nodeId }) => nodeId)).toEqual(["b"]);
    await run.rollback();
    expect(await s.finish(run)).toMatchObject({ status: "ROLLED_BACK", fault: null });
    expect(s.rig.undone().toSorted()).toEqual(["a", "b"]);
  });

  test("R10: a node that is undone late, by an operator who goes on, runs again before what is below it", async () => {
    const s = await stage({ n: { undo: "fail,ok" }, z: "fail,ok" });
    const nodes = [
      undoable("r"),
      undoable("n", ["r"]),
      undoable("d", ["n"]),
      undoable("y", ["r"]),
      undoable("z", ["y", "d"]),
    ];
    const run = await s.start(plan(nodes));
    await s.rest(run);
    await run.rollback({ to: "r" });
    expect((await s.rest(run)).status).toBe("ROLLBACK_FAILED");
    // A narrower scope would leave n half undone and forgotten.
    await refused(run.rollback({ to: "y" }), "STATE_INVALID");
    await run.rollback();
    expect((await s.rest(run)).status).toBe("PARTIALLY_ROLLED_BACK");
    const before = s.rig.started().length;
    await run.retry();
    expect((await s.rest(run)).status).toBe("SUCCESSFUL");
    expect(s.rig.started().slice(before)).toEqual(["n", "y", "d", "z"]);
  });

  test("R51: deadlines of an abandoned run are void: nothing changes and nothing is recorded after its end", async () => {
    const journal = new MemoryJournal();
    const s = await stage({ a: "fail" }, { engine: { journal } });
    const a = node("a", [], { totalTimeout: 60, retry: { maxAttempts: 3, initialInterval: 100 } });
    const run = await s.start(plan([a, node("reaction", ["a"], { trigger: "any_failed" })], { timeout: 86_400 }));
    await settleTurns();
    await run.pause();
    const ended = await run.abandon();
    expect(s.clock.pending).toBe(0);
    const records = journal.read(run.id)?.records.length;
    await s.clock.elapse(86_400_000);
    expect(run.snapshot()).toEqual(ended);
    expect(journal.read(run.id)?.records).toHaveLength(records ?? -1);
  });
});
