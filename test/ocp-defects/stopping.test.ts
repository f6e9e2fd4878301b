/**
 * Defects of OCP's task engine in what stops things: cancel, timeouts, the end of a rollback. Each test shows on the real
 * engine that Belay does not have the defect; what the defects are stands in docs/ocp-defects.md.
 */
import { type ActionContext, type NodeDocument, toOcpTask } from "@belay/engine";
import { type PendingCall, settleTurns } from "@belay/engine/testing";
import { expect, test } from "vitest";
import { life } from "../engine/second-life.ts";
import { node, nodeOf, plan, refused, stage, statuses, undoable } from "../engine/stage.ts";

const DAY = 24 * 3600_000;
const WEEK_SECONDS = 604_800;

test("D3 (R32): nothing asked during a rollback makes a node run forward again", async () => {
  const s = await stage({ c: "fatal,ok" }, { held: true });
  const run = await s.start(plan([undoable("a"), undoable("b", ["a"]), undoable("c", ["b"])]));
  const finishOne = async (): Promise<void> => {
    s.rig.pending[0]?.finish();
    await settleTurns();
  };
  await settleTurns();
  for (let i = 0; i < 3; i++) await finishOne();
  await s.rest(run);
  await run.rollback();
  for (let round = 0; round < 3; round++) {
    await settleTurns();
    const [call] = s.rig.pending as [PendingCall];
    expect(call.compensation).toBe(true);
    for (const verb of [
      () => run.cancel(),
      () => run.cancel({ node: call.node }),
      () => run.retry(),
      () => run.retry({ node: call.node }),
      () => run.skip(call.node),
    ])
      await refused(verb(), "STATE_INVALID");
    expect(call.held.ctx.signal.aborted).toBe(false);
    const { operation, status } = toOcpTask(run.snapshot());
    expect([status, operation]).toEqual(["RUNNING", "ROLLBACK"]);
    await finishOne();
  }
  expect((await s.finish(run)).status).toBe("ROLLED_BACK");
  await s.clock.elapse(DAY);
  expect(s.rig.started()).toEqual(["a", "b", "c"]);
  expect(s.rig.undone()).toEqual(["c", "b", "a"]);
});

test("D4 (R26): a run that is days old still times out, is still canceled and still tries again", async () => {
  const long: NodeDocument = { id: "long", action: "do", timeout: WEEK_SECONDS };
  const canceled = await stage({ long: "obey" });
  const first = await canceled.start(plan([long]));
  await canceled.clock.elapse(3 * DAY);
  await first.cancel({ node: "long" });
  expect(nodeOf(await canceled.finish(first), "long").error?.code).toBe("CANCELED");

  const timed = await stage({ long: "obey" });
  const second = await timed.start(plan([long]));
  await timed.clock.elapse(7 * DAY - 1);
  expect(second.snapshot().status).toBe("RUNNING");
  await timed.clock.elapse(1);
  expect(nodeOf(await timed.finish(second), "long").error?.code).toBe("TIMEOUT");

  const retry = { maxAttempts: 3, initialInterval: 3 * 86_400, maxInterval: 3 * 86_400 };
  const again = await stage({ a: "fail,obey,ok" });
  const third = await again.start(plan([node("a", [], { retry, timeout: 60 })]));
  await again.clock.elapse(7 * DAY);
  expect(await again.finish(third)).toMatchObject({ status: "SUCCESSFUL" });
  expect(again.rig.started()).toEqual(["a", "a", "a"]);

  const rested = await life({ scripts: { a: "fail,obey" } });
  await rested.start(plan([node("a", [], { timeout: 60 })]), { runId: "r" });
  await rested.settled();
  const later = await rested.crash({ afterMs: 9 * DAY, scripts: { a: "obey" } });
  await later.run().retry();
  await later.clock.elapse(60_000);
  expect(nodeOf(await later.settled(), "a")).toMatchObject({ status: "FAILED", error: { code: "TIMEOUT" } });
});

test("D6 (R26): a cancel and a timeout reach the very call that runs, and no other", async () => {
  for (const [code, stop] of [
    ["CANCELED", "cancel"],
    ["TIMEOUT", "time"],
  ] as const) {
    const calls: { stopped: boolean }[] = [];
    const watch = (ctx: ActionContext): Promise<never> =>
      new Promise((_, reject) => {
        const own = { stopped: false };
        calls.push(own);
        ctx.signal.addEventListener("abort", () => {
          own.stopped = true;
          reject(ctx.signal.reason);
        });
      });
    const s = await stage({}, { extra: { watch } });
    const run = await s.start(plan([{ id: "a", action: "watch", timeout: 60 }]));
    await settleTurns();
    expect(calls).toEqual([{ stopped: false }]);
    if (stop === "cancel") await run.cancel({ node: "a" });
    else await s.clock.elapse(60_000);
    const { error, status } = nodeOf(await s.rest(run), "a");
    expect([status, error?.code]).toEqual(["FAILED", code]);
    expect(calls).toEqual([{ stopped: true }]);
  }
});

test("D9 (R2, R26): a timeout of 0 is none, for attempts, heartbeats, waits and compensations, and cancel still works", async () => {
  const none = { timeout: 0, totalTimeout: 0, heartbeatTimeout: 0 };
  const s = await stage({ a: "obey", c: { run: "fatal", undo: "obey" } });
  const run = await s.start(plan([node("a", [], none), { id: "w", action: "belay.signal", timeout: 0 }]));
  await s.clock.elapse(30 * DAY);
  expect(statuses(run.snapshot())).toEqual({ a: "RUNNING", w: "RUNNING" });
  expect(s.clock.pending).toBe(0);
  expect(toOcpTask(run.snapshot()).subtasks.map(({ timeout }) => timeout)).toEqual([0, 0]);
  await run.cancel();
  const snapshot = await s.rest(run);
  expect(snapshot.nodes.map(({ error }) => error?.code)).toEqual(["CANCELED", "CANCELED"]);

  const undo = { action: "undo", timeout: 0 };
  const other = await s.start(plan([node("c", [], { ...none, compensation: undo })]));
  await s.rest(other);
  await other.rollback();
  await s.clock.elapse(30 * DAY);
  expect(statuses(other.snapshot())).toEqual({ c: "COMPENSATING" });
  s.rig.pending[0]?.finish();
  expect((await s.rest(other)).status).toBe("ROLLED_BACK");
});
