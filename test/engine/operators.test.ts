import { settleTurns } from "@belay/engine/testing";
import { describe, expect, test } from "vitest";
import { node, nodeOf, plan, refused, type Stage, stage, statuses, undoable } from "./stage.ts";

const chain = [node("a"), node("b", ["a"]), node("c", ["b"])];

async function finishAll(s: Stage): Promise<void> {
  await settleTurns();
  while (s.rig.pending.length > 0) {
    s.rig.pending[0]?.finish();
    await settleTurns();
  }
}

describe("R37: pause and resume", () => {
  test("R37: pause starts nothing new and lets what runs finish; resume goes on", async () => {
    const s = await stage({}, { held: true });
    const run = await s.start(plan(chain));
    await settleTurns();
    expect((await run.pause()).status).toBe("PAUSED");
    s.rig.pending[0]?.finish();
    await settleTurns();
    expect(s.rig.started()).toEqual(["a"]);
    expect(nodeOf(run.snapshot(), "a").status).toBe("SUCCESSFUL");
    await run.resume();
    await finishAll(s);
    expect((await s.finish(run)).status).toBe("SUCCESSFUL");
    expect(s.rig.started()).toEqual(["a", "b", "c"]);
  });

  test("R37: no attempt starts while paused, a due retry neither; it starts after resume", async () => {
    const s = await stage({ a: "fail,ok" });
    const run = await s.start(plan([node("a", [], { retry: { maxAttempts: 2, initialInterval: 10 } })]));
    await settleTurns();
    await run.pause();
    await s.clock.elapse(100_000);
    expect(s.rig.started()).toEqual(["a"]);
    await run.resume();
    await s.clock.elapse(100_000);
    expect((await s.finish(run)).status).toBe("SUCCESSFUL");
  });

  test("R37: an attempt that runs through a pause keeps its deadline", async () => {
    const s = await stage({ a: "obey" });
    const run = await s.start(plan([node("a", [], { timeout: 10 })]));
    await settleTurns();
    await run.pause();
    await s.clock.elapse(10_000);
    expect(s.rig.contexts[0]?.signal.aborted).toBe(true);
    expect((await s.finish(run)).status).toBe("FAILED");
  });

  test("R37: pause and resume are refused where they make no sense, with the states that allow them", async () => {
    const s = await stage({}, { held: true });
    const run = await s.start(plan(chain));
    const error = await refused(run.resume(), "STATE_INVALID");
    expect(error.details["allowedIn"]).toEqual(["PAUSED"]);
    await run.pause();
    await refused(run.pause(), "STATE_INVALID");
    await run.resume();
    await finishAll(s);
    await s.finish(run);
    await refused(run.pause(), "STATE_INVALID");
  });
});

describe("R37: retry", () => {
  test("R37: one node: it gets its attempts anew, its number goes on counting, what waited below starts", async () => {
    const s = await stage({ b: "fail,fail,ok" });
    const run = await s.start(
      plan([node("a"), node("b", ["a"], { retry: { maxAttempts: 2, initialInterval: 1 } }), node("c", ["b"])]),
    );
    await s.clock.elapse(1_000);
    expect((await s.finish(run)).status).toBe("FAILED");
    await run.retry({ node: "b" });
    const snapshot = await s.finish(run);
    expect(snapshot.status).toBe("SUCCESSFUL");
    expect(nodeOf(snapshot, "b")).toMatchObject({ runTime: 3, operation: "RETRY", error: null });
    expect(s.rig.started()).toEqual(["a", "b", "b", "b", "c"]);
  });

  test("R37: all failed nodes at once", async () => {
    const s = await stage({ a: "fail,ok", b: "fail,ok" });
    const run = await s.start(plan([node("a"), node("b"), node("c", ["a", "b"])], { failureMode: "continue" }));
    expect((await s.finish(run)).status).toBe("FAILED");
    await run.retry();
    expect((await s.finish(run)).status).toBe("SUCCESSFUL");
    expect(s.rig.started()).toEqual(["a", "b", "a", "b", "c"]);
  });

  test("R37: one of two failures: the run fails again over the other", async () => {
    const s = await stage({ a: "fail,ok", b: "fail" });
    const run = await s.start(plan([node("a"), node("b")], { failureMode: "continue" }));
    await s.finish(run);
    await run.retry({ node: "a" });
    const snapshot = await s.finish(run);
    expect(statuses(snapshot)).toEqual({ a: "SUCCESSFUL", b: "FAILED" });
    expect(snapshot.status).toBe("FAILED");
  });

  test("R37: refused for a node that has not failed, for a run that has not, and for an unknown node", async () => {
    const s = await stage({ b: "fail" });
    const run = await s.start(plan(chain));
    await s.finish(run);
    await refused(run.retry({ node: "a" }), "STATE_INVALID");
    await refused(run.retry({ node: "c" }), "STATE_INVALID");
    await refused(run.retry({ node: "nowhere" }), "NOT_FOUND");
    expect(run.snapshot().status).toBe("FAILED");
  });
});

describe("R37: skip", () => {
  test("R37: a FAILED node passes as done, with an output for those who read it", async () => {
    const s = await stage({ b: "fail" });
    const run = await s.start(
      plan([node("a"), node("b", ["a"]), node("c", ["b"], { with: { $cel: "nodes.b.output.host" } })]),
    );
    await s.finish(run);
    await run.skip("b", { output: { host: "standby-2" } });
    const snapshot = await s.finish(run);
    expect(snapshot.status).toBe("SUCCESSFUL");
    expect(nodeOf(snapshot, "b")).toMatchObject({
      status: "SKIPPED",
      skipReason: "operator",
      operation: "SKIP",
      output: { host: "standby-2" },
    });
    expect(s.rig.contexts.at(-1)?.input).toBe("standby-2");
  });

  test("R37: skipping the last failure of a run ends it SUCCESSFUL", async () => {
    const s = await stage({ a: "fail" });
    const run = await s.start(plan([node("a")]));
    await s.finish(run);
    await run.skip("a");
    expect((await s.finish(run)).status).toBe("SUCCESSFUL");
  });

  test("R37: a SUCCESSFUL or PENDING node is refused", async () => {
    const s = await stage({ b: "fail" });
    const run = await s.start(plan(chain));
    await s.finish(run);
    await refused(run.skip("a"), "STATE_INVALID");
    await refused(run.skip("c"), "STATE_INVALID");
    await refused(run.skip("nowhere"), "NOT_FOUND");
  });

  test("R30: a skipped node that had started is undone by a later rollback", async () => {
    const s = await stage({ a: "fail", b: "fail" });
    const run = await s.start(plan([undoable("a"), undoable("b", ["a"])]));
    await s.finish(run);
    await run.skip("a");
    await s.finish(run);
    await run.rollback();
    expect((await s.rest(run)).status).toBe("ROLLED_BACK");
    expect(s.rig.undone()).toEqual(["b", "a"]);
  });
});

describe("R37: cancel", () => {
  test("R37: a run: what runs is aborted and ends unknown, the run is CANCELED once everything let go", async () => {
    const s = await stage({ a: "obey", b: "hang" });
    const run = await s.start(plan([node("a"), node("b"), node("c", ["a", "b"])]));
    await settleTurns();
    await run.cancel();
    expect(s.rig.contexts.map((ctx) => ctx.signal.aborted)).toEqual([true, true]);
    await settleTurns();
    expect(run.snapshot().status).toBe("RUNNING");
    await s.clock.elapse(5_000);
    const snapshot = await s.finish(run);
    expect(snapshot).toMatchObject({ status: "CANCELED", operation: "CANCEL" });
    expect(statuses(snapshot)).toEqual({ a: "FAILED", b: "FAILED", c: "PENDING" });
    expect(nodeOf(snapshot, "a").error).toMatchObject({ code: "CANCELED" });
  });

  test("R37: a canceled run can be rolled back: outcome unknown is undone", async () => {
    const s = await stage({ b: "obey" });
    const run = await s.start(plan([undoable("a"), undoable("b", ["a"])]));
    await settleTurns();
    await run.cancel();
    await s.finish(run);
    await run.rollback();
    expect((await s.finish(run)).status).toBe("ROLLED_BACK");
    expect(s.rig.undone()).toEqual(["b", "a"]);
    expect(s.rig.contexts[2]).toMatchObject({ outcome: "unknown", error: { code: "CANCELED" } });
  });

  test("R37: a canceled run can go forward again by retry", async () => {
    const s = await stage({ a: "obey,ok" });
    const run = await s.start(plan(chain));
    await settleTurns();
    await run.cancel();
    expect((await s.finish(run)).status).toBe("CANCELED");
    await run.retry();
    expect((await s.finish(run)).status).toBe("SUCCESSFUL");
    expect(s.rig.started()).toEqual(["a", "a", "b", "c"]);
  });

  test("R37: a run that waits between attempts is canceled at once and starts none of them", async () => {
    const s = await stage({ a: "fail" });
    const run = await s.start(plan([node("a", [], { retry: { maxAttempts: 5, initialInterval: 100 } })]));
    await settleTurns();
    await run.cancel();
    expect((await s.finish(run)).status).toBe("CANCELED");
    await s.clock.elapse(1_000_000);
    expect(s.rig.started()).toEqual(["a"]);
  });

  test("R37: one node: it fails with code CANCELED and takes no further attempt", async () => {
    const s = await stage({ a: "obey" });
    const run = await s.start(plan([node("a", [], { retry: { maxAttempts: 5 } }), node("b")]));
    await settleTurns();
    await run.cancel({ node: "a" });
    const snapshot = await s.finish(run);
    expect(nodeOf(snapshot, "a")).toMatchObject({ status: "FAILED", error: { code: "CANCELED" } });
    expect(snapshot.status).toBe("FAILED");
    expect(s.rig.started()).toEqual(["a", "b"]);
  });

  test("R37: a success that lost against the cancel is late", async () => {
    const s = await stage({}, { held: true });
    const run = await s.start(plan([node("a")]));
    await settleTurns();
    await run.cancel();
    s.rig.pending[0]?.finish();
    const snapshot = await s.finish(run);
    expect(snapshot.status).toBe("CANCELED");
    expect(nodeOf(snapshot, "a").status).toBe("FAILED");
  });

  test("R37: a node that does not run is refused", async () => {
    const s = await stage({ b: "fail" });
    const run = await s.start(plan(chain));
    await s.finish(run);
    await refused(run.cancel({ node: "a" }), "STATE_INVALID");
    await refused(run.cancel({ node: "nowhere" }), "NOT_FOUND");
  });
});

describe("R37: request ids and refusals", () => {
  test("R37: a repeated request id changes nothing", async () => {
    const s = await stage({ a: "fail" });
    const run = await s.start(plan([node("a")]));
    await s.finish(run);
    await run.retry({ requestId: "r-1" });
    await s.finish(run);
    await run.retry({ requestId: "r-1" });
    await settleTurns();
    expect(s.rig.started()).toEqual(["a", "a"]);
    await run.retry({ requestId: "r-2" });
    await settleTurns();
    expect(s.rig.started()).toEqual(["a", "a", "a"]);
  });

  test("R37: two retries in one tick: one goes on, the other is refused", async () => {
    const s = await stage({ a: "fail,ok" }, {});
    const run = await s.start(plan([node("a")]));
    await s.finish(run);
    const answers = await Promise.allSettled([run.retry(), run.retry()]);
    expect(answers.map((answer) => answer.status).sort()).toEqual(["fulfilled", "rejected"]);
    expect(answers).toContainEqual({ status: "rejected", reason: expect.objectContaining({ code: "STATE_INVALID" }) });
    await s.finish(run);
    expect(s.rig.started()).toEqual(["a", "a"]);
  });

  test("R37: verbs out of place name the states that allow them", async () => {
    const s = await stage({}, { held: true });
    const run = await s.start(plan(chain));
    for (const [call, allowed] of [
      [run.retry(), "FAILED"],
      [run.rollback(), "FAILED"],
      [run.abandon(), "FAILED"],
      [run.skipRollback("a"), "ROLLBACK_FAILED"],
    ] as const) {
      const error = await refused(call, "STATE_INVALID");
      expect(error.details["allowedIn"]).toContain(allowed);
    }
    await finishAll(s);
    expect((await s.finish(run)).status).toBe("SUCCESSFUL");
  });

  test("R37: abandon ends a resting run without undoing anything", async () => {
    const s = await stage({ a: "fail" });
    const run = await s.start(plan([undoable("a")]));
    await s.finish(run);
    await run.abandon();
    expect((await s.finish(run)).status).toBe("ABANDONED");
    expect(s.rig.undone()).toEqual([]);
  });
});

describe("R51: terminal states", () => {
  test.each(["SUCCESSFUL", "ROLLED_BACK", "ABANDONED"] as const)(
    "R51: %s refuses every verb and stays as it is",
    async (status) => {
      const s = await stage(status === "SUCCESSFUL" ? {} : { a: "fail" });
      const run = await s.start(plan([undoable("a"), node("b", ["a"])]));
      await s.finish(run);
      if (status === "ROLLED_BACK") await run.rollback();
      if (status === "ABANDONED") await run.abandon();
      const before = await s.finish(run);
      expect(before.status).toBe(status);
      const calls = s.rig.contexts.length;
      for (const verb of [
        () => run.retry(),
        () => run.retry({ node: "a" }),
        () => run.skip("a"),
        () => run.cancel(),
        () => run.cancel({ node: "a" }),
        () => run.rollback(),
        () => run.rollback({ to: "barrier" }),
        () => run.rollback({ to: "a" }),
        () => run.skipRollback("a"),
        () => run.pause(),
        () => run.resume(),
        () => run.abandon(),
      ]) {
        await refused(verb(), "STATE_INVALID");
      }
      await s.clock.elapse(1_000_000);
      expect(run.snapshot()).toEqual(before);
      expect(s.rig.contexts).toHaveLength(calls);
    },
  );
});

describe("settled", () => {
  test("settled() waits while the run moves, answers at once at rest, and waits again after a retry", async () => {
    const s = await stage({ a: "fatal,ok" }, { held: true });
    const run = await s.start(plan([node("a")]));
    let rests = 0;
    void run.settled().then(() => {
      rests += 1;
    });
    await settleTurns();
    expect(rests).toBe(0);
    s.rig.pending[0]?.finish();
    await settleTurns();
    expect(rests).toBe(1);
    expect((await run.settled()).status).toBe("FAILED");
    await run.retry();
    void run.settled().then(() => {
      rests += 1;
    });
    await settleTurns();
    expect(rests).toBe(1);
    s.rig.pending[0]?.finish();
    await settleTurns();
    expect(rests).toBe(2);
    expect((await run.settled()).status).toBe("SUCCESSFUL");
  });

  test("settled() with an automatic rollback answers once, at its end", async () => {
    const s = await stage({ a: "fail" });
    const run = await s.start(plan([undoable("a")], { onFailure: "rollback" }));
    expect((await run.settled()).status).toBe("ROLLED_BACK");
  });
});
