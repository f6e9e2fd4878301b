/** What becomes of a run whose process died (R42): finished nodes stay finished, cut off attempts are never guessed. */
import type { ActionContext, ActionDefinition, PlanDocument } from "@belay/engine";
import { settleTurns } from "@belay/engine/testing";
import { describe, expect, test } from "vitest";
import { type Life, life, type NextLife } from "./second-life.ts";
import { node, nodeOf, plan, statuses, undoable } from "./stage.ts";

/** An action that the test watches: calls by key, and what recovery may ask of it. */
function watched(more: Partial<ActionDefinition> = {}): { action: ActionDefinition; keys: string[] } {
  const keys: string[] = [];
  const run = (ctx: ActionContext): Promise<unknown> | unknown => {
    keys.push(ctx.idempotencyKey);
    return keys.length === 1 ? new Promise(() => undefined) : { attempt: ctx.attempt };
  };
  return { action: { run, ...more }, keys };
}

const chain = (action: string, rest: object = {}): PlanDocument =>
  plan([node("a"), { id: "b", action, upstreams: ["a"], ...rest }, node("c", ["b"])]);

/** A run of `document` whose node "b" is in flight, and the next process. */
async function cutOff(document: PlanDocument, action: ActionDefinition, next: NextLife = {}): Promise<Life> {
  const first = await life({ extra: { x: action }, ...(next.engine ? { engine: next.engine } : {}) });
  await first.start(document, { runId: "r" });
  await settleTurns();
  return await first.crash(next);
}

describe("R42: an attempt in flight at the crash", () => {
  test("R42, R43: an idempotent action is run again, the same attempt under the same key; what has finished is not", async () => {
    const x = watched({ idempotent: true });
    const second = await cutOff(chain("x"), x.action);
    expect((await second.settled()).status).toBe("SUCCESSFUL");
    expect(x.keys).toEqual(["r/b/1", "r/b/1"]);
    expect(second.rig.started()).toEqual(["c"]);
    expect(nodeOf(await second.settled(), "b").runTime).toBe(1);
  });

  test("R42: verify that says done ends it with that output, and nothing is run again", async () => {
    const asked: string[] = [];
    const verify = (ctx: ActionContext): { done: true; output: string } => {
      asked.push(ctx.idempotencyKey);
      return { done: true, output: "was done" };
    };
    const x = watched({ verify });
    const second = await cutOff(chain("x"), x.action);
    expect(nodeOf(await second.settled(), "b")).toMatchObject({ status: "SUCCESSFUL", output: "was done", runTime: 1 });
    expect(x.keys).toEqual(["r/b/1"]);
    expect(asked).toEqual(["r/b/1"]);
  });

  test("R42: verify that says not done lets the same attempt run, even when the action is not idempotent", async () => {
    const x = watched({ verify: () => ({ done: false }) });
    const second = await cutOff(chain("x"), x.action);
    expect((await second.settled()).status).toBe("SUCCESSFUL");
    expect(x.keys).toEqual(["r/b/1", "r/b/1"]);
  });

  test.each([
    ["throws", () => Promise.reject(new Error("cannot look")), "its verify failed: cannot look"],
    ["answers nonsense", () => "yes" as never, "its verify must answer { done: true, output? } or { done: false }"],
  ])(
    "R42: verify that %s leaves the node FAILED(unknown), with attempts left and retries allowed",
    async (_, verify, why) => {
      const x = watched({ verify, idempotent: true });
      const second = await cutOff(chain("x", { retry: { maxAttempts: 5 } }), x.action);
      const told: unknown[] = [];
      second.run().on("node:failed", ({ outcome }) => told.push(outcome));
      const { error, status } = nodeOf(await second.settled(), "b");
      expect(status).toBe("FAILED");
      expect(error).toMatchObject({ code: "CRASHED", retryable: false });
      expect(error?.message).toContain(why);
      expect(x.keys).toHaveLength(1);
    },
  );

  test("R42: verify that hangs gets the node's own timeout, then the node rests FAILED(unknown), never stuck", async () => {
    let aborted: unknown;
    const verify = (ctx: ActionContext): Promise<never> =>
      new Promise((_, reject) => {
        ctx.signal.addEventListener("abort", () => {
          aborted = ctx.signal.reason;
          reject(ctx.signal.reason);
        });
      });
    const x = watched({ verify });
    const second = await cutOff(chain("x", { timeout: 30, retry: { maxAttempts: 3 } }), x.action, { afterMs: 100_000 });
    await second.clock.advance(29_999);
    expect(second.run().snapshot().status).toBe("RUNNING");
    await second.clock.advance(1);
    expect((await second.settled()).status).toBe("FAILED");
    expect(nodeOf(await second.settled(), "b").error?.message).toContain("its verify did not answer within 30 s");
    expect(aborted).toMatchObject({ code: "TIMEOUT" });
    expect(x.keys).toHaveLength(1);
  });

  test("R42: an action of which nobody can tell rests FAILED(unknown) for an operator, whose retry is another attempt", async () => {
    const x = watched();
    const second = await cutOff(chain("x", { retry: { maxAttempts: 5 } }), x.action);
    const snapshot = await second.settled();
    expect(statuses(snapshot)).toEqual({ a: "SUCCESSFUL", b: "FAILED", c: "PENDING" });
    expect(nodeOf(snapshot, "b").error).toEqual({
      code: "CRASHED",
      message: "the engine ended while it ran; it may have taken effect",
      retryable: false,
    });
    expect(snapshot.status).toBe("FAILED");
    await second.run().retry();
    expect((await second.settled()).status).toBe("SUCCESSFUL");
    expect(x.keys).toEqual(["r/b/1", "r/b/2"]);
  });

  test("R31, R42: a lost attempt counts as started: its compensation gets the outcome unknown", async () => {
    const x = watched();
    const second = await cutOff(chain("x", { compensation: { action: "undo" }, with: { n: 1 } }), x.action);
    await second.settled();
    await second.run().rollback();
    expect((await second.settled()).status).toBe("ROLLED_BACK");
    expect(second.rig.undone()).toEqual(["b"]);
    expect(second.rig.contexts.at(-1)).toMatchObject({
      outcome: "unknown",
      input: { n: 1 },
      error: { code: "CRASHED" },
    });
  });

  test("R32, R42: a compensation is resolved the same way", async () => {
    const undo = watched();
    const document = plan([undoable("a"), { id: "b", action: "do", upstreams: ["a"], compensation: { action: "x" } }]);
    const first = await life({ scripts: { b: "fatal" }, extra: { x: undo.action } });
    const run = await first.start(document, { runId: "r" });
    await first.rest(run);
    void run.rollback();
    await settleTurns();
    const lost = await first.crash();
    expect((await lost.settled()).status).toBe("ROLLBACK_FAILED");
    expect(nodeOf(await lost.settled(), "b").compensation?.error).toMatchObject({ code: "CRASHED" });
    expect(undo.keys).toEqual(["r/b/undo/1"]);
    const again = watched({ idempotent: true });
    again.keys.push("the first life's");
    const second = await first.crash({ extra: { x: again.action } });
    expect((await second.settled()).status).toBe("ROLLED_BACK");
    expect(again.keys.slice(1)).toEqual(["r/b/undo/1"]);
    expect(second.rig.undone()).toEqual(["a"]);
  });

  test("R26, R42: an attempt that was asked to let go has, at once and not after its grace period", async () => {
    const x = watched({ idempotent: true });
    const first = await life({ extra: { x: x.action } });
    const run = await first.start(chain("x"), { runId: "r" });
    await settleTurns();
    await run.cancel();
    const second = await first.crash();
    const snapshot = await second.settled();
    expect(snapshot.status).toBe("CANCELED");
    expect(nodeOf(snapshot, "b").error?.code).toBe("CANCELED");
    expect(x.keys).toHaveLength(1);
  });

  test("R28, R42: the input is that of the dispatch, whatever has changed since", async () => {
    const x = watched({ idempotent: true });
    const inputs: unknown[] = [];
    const run = (ctx: ActionContext): unknown => {
      inputs.push(ctx.input);
      return x.action.run(ctx);
    };
    const with_ = { from: { $cel: "nodes.a.output.node" }, list: [1, { two: 2 }] };
    const second = await cutOff(chain("x", { with: with_ }), { ...x.action, run });
    await second.settled();
    expect(inputs[1]).toEqual({ from: "a", list: [1, { two: 2 }] });
    expect(inputs[1]).toEqual(inputs[0]);
  });

  test("R41, R42: what is run again holds its slots: nothing else starts beside it", async () => {
    const running: string[] = [];
    const x: ActionDefinition = {
      idempotent: true,
      run: (ctx) => {
        running.push(ctx.nodeId);
        return new Promise(() => undefined);
      },
    };
    const pools = { narrow: { concurrency: 1 } };
    const document = plan([
      { id: "p", action: "x", pool: "narrow" },
      { id: "q", action: "x", pool: "narrow" },
      { id: "s", action: "x" },
      { id: "t", action: "x" },
    ]);
    const second = await cutOff(document, x, { engine: { concurrency: 1, pools } });
    await settleTurns();
    expect(running.toSorted()).toEqual(["p", "p", "s", "s"]);
    expect(statuses(second.run().snapshot())).toMatchObject({ q: "READY", t: "READY" });
  });
});

describe("R42: time", () => {
  test("R26, R42: an attempt that is run again has its timeout anew", async () => {
    const x: ActionDefinition = { idempotent: true, run: () => new Promise(() => undefined) };
    const second = await cutOff(chain("x", { timeout: 10 }), x, { afterMs: 3_600_000 });
    await second.clock.advance(9_999);
    expect(statuses(second.run().snapshot())["b"]).toBe("RUNNING");
    await second.clock.advance(1);
    expect(statuses(second.run().snapshot())["b"]).toBe("CANCELING");
  });

  test("R26, R42: the time of all attempts goes on while one of them is run again", async () => {
    const x: ActionDefinition = { idempotent: true, run: () => new Promise(() => undefined) };
    const timeouts = { totalTimeout: 60, compensation: { action: "undo", timeout: 600 } };
    const second = await cutOff(chain("x", timeouts), x, { afterMs: 20_000 });
    await second.clock.advance(39_999);
    expect(statuses(second.run().snapshot())["b"]).toBe("RUNNING");
    await second.clock.advance(1);
    expect(statuses(second.run().snapshot())["b"]).toBe("CANCELING");
  });

  test("R25, R42: a backoff goes on from where it was", async () => {
    const first = await life({ scripts: { b: "fail,ok" } });
    await first.start(chain("do", { retry: { maxAttempts: 2, initialInterval: 60 } }), { runId: "r" });
    await settleTurns();
    await first.clock.advance(20_000);
    const second = await first.crash({ scripts: {}, afterMs: 30_000 });
    await second.clock.advance(9_999);
    expect(second.rig.started()).toEqual([]);
    await second.clock.advance(1);
    expect(second.rig.started()).toEqual(["b"]);
  });

  test("R42: what passed while nobody ran passes at once: a wait, a timeout of all attempts, the run's", async () => {
    const wait = await life();
    await wait.start(plan([{ id: "w", action: "belay.wait", with: { seconds: 60 } }]), { runId: "r" });
    const early = await wait.crash({ afterMs: 59_999 });
    expect(early.run().snapshot().status).toBe("RUNNING");
    const late = await wait.crash({ afterMs: 60_001 });
    await late.clock.advance(0);
    expect((await late.settled()).status).toBe("SUCCESSFUL");

    const x: ActionDefinition = { idempotent: true, run: () => new Promise(() => undefined) };
    const total = await cutOff(chain("x", { totalTimeout: 60 }), x, { afterMs: 60_001 });
    expect(nodeOf(await total.settled(), "b").error?.code).toBe("TOTAL_TIMEOUT");

    const whole = await cutOff({ ...chain("x"), timeout: 60 }, x, { afterMs: 60_001 });
    expect(nodeOf(await whole.settled(), "b").error?.code).toBe("RUN_TIMEOUT");
  });

  test("R37, R42: an approval keeps its deadline, and who has approved", async () => {
    const first = await life();
    const approvers = ["ada", "bob", "cid"];
    const document = plan([{ id: "ask", action: "belay.approval", timeout: 100, with: { approvers, required: 2 } }]);
    const run = await first.start(document, { runId: "r" });
    await settleTurns();
    await run.approve("ask", { who: "ada" });
    const second = await first.crash({ afterMs: 50_000 });
    expect(nodeOf(second.run().snapshot(), "ask").waiting).toEqual({
      for: "approval",
      until: null,
      approvedBy: ["ada"],
      approvers,
      required: 2,
    });
    await second.run().approve("ask", { who: "bob" });
    expect(nodeOf(await second.settled(), "ask").output).toEqual({ approvedBy: ["ada", "bob"] });
    const expired = await first.crash({ afterMs: 100_001 });
    await expired.clock.advance(0);
    expect(nodeOf(await expired.settled(), "ask").error?.code).toBe("TIMEOUT");
  });

  test("R42: a poll whose heartbeats came in time is not late for having been cut off", async () => {
    let answers = 0;
    const look = () => ({ done: ++answers > 8 });
    const poll = { id: "p", action: "belay.poll", with: { action: "look", interval: 10 }, heartbeatTimeout: 15 };
    const first = await life({ extra: { look } });
    await first.start(plan([poll]), { runId: "r" });
    for (let times = 0; times < 5; times++) await first.clock.elapse(10_000);
    const second = await first.crash({ afterMs: 1000 });
    for (let times = 0; times < 5; times++) await second.clock.elapse(10_000);
    expect(statuses(await second.settled())).toEqual({ p: "SUCCESSFUL" });
  });
});
