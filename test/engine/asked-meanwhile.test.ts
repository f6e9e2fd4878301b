/** What operators asked while no process executed the run comes before what was cut off is called again (R26, R37, R42). */
import type { ActionContext, ActionDefinition, Json } from "@belay/engine";
import { settleTurns } from "@belay/engine/testing";
import { expect, test } from "vitest";
import { type Life, life } from "./second-life.ts";
import { node, nodeOf, plan, undoable } from "./stage.ts";

/** An action that never answers by itself, and what was asked of it. */
function hangs(more: Partial<ActionDefinition> = {}): { readonly action: ActionDefinition; readonly calls: string[] } {
  const calls: string[] = [];
  const run = ({ idempotencyKey, signal }: ActionContext): Promise<never> => {
    calls.push(idempotencyKey);
    return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true }));
  };
  return { action: { run, ...more }, calls };
}

/** A run that was cut off in x, and of which `verb` was asked since. */
async function askedOf(x: ActionDefinition, verb: string, ...args: readonly Json[]): Promise<Life> {
  const first = await life({ extra: { x: hangs().action }, engine: { recover: false } });
  await first.start(plan([undoable("a"), { ...node("x", ["a"]), action: "x" }]), { runId: "r" });
  await settleTurns();
  const second = await first.crash({ extra: { x } });
  second.journal.ask({ requestId: "q", runId: "r", verb, args, at: 0 });
  await second.engine.recover();
  await settleTurns();
  return second;
}

test.each([
  ["may be called again", { idempotent: true }],
  ["would be asked about", { verify: () => ({ done: false }) }],
])("R37, R42: a run that was canceled meanwhile does not call its attempt again that %s", async (_, more) => {
  const { action, calls } = hangs(more);
  const s = await askedOf(action, "cancel", { who: "ada" });
  expect((await s.settled()).status).toBe("CANCELED");
  expect(s.journal.answerTo("q")).toEqual({ ok: true, status: "CANCELED" });
  expect(calls).toEqual([]);
  // It may have taken effect in the process that died: it can be undone, and tried again.
  expect(nodeOf(s.run().snapshot(), "x")).toMatchObject({ status: "FAILED", error: { code: "CANCELED" } });
  expect(s.run().preview({ verb: "rollback" }).compensate).toMatchObject([{ node: "a" }]);
});

test("R37, R42: other verbs leave it to go on: it is called again, once", async () => {
  const { action, calls } = hangs({ idempotent: true });
  const s = await askedOf(action, "pause", {});
  expect(calls).toEqual(["r/x/1"]);
  expect(s.run().snapshot().status).toBe("PAUSED");
  expect(s.journal.answerTo("q")).toMatchObject({ ok: true });
});

test("R37, R42: what nobody can tell of is lost before verbs are judged: it can be retried", async () => {
  const { action, calls } = hangs();
  const s = await askedOf(action, "retry", { node: "x" });
  expect(s.journal.answerTo("q")).toMatchObject({ ok: true });
  expect(calls).toEqual(["r/x/2"]);
});

test("R26, R42: what was overdue stops an attempt that was cut off before it is called again", async () => {
  const { action, calls } = hangs({ idempotent: true });
  const first = await life({ extra: { x: action } });
  await first.start(plan([{ ...node("x"), action: "x", totalTimeout: 60 }]), { runId: "r" });
  await settleTurns();
  expect(calls.splice(0)).toEqual(["r/x/1"]);
  const second = await first.crash({ afterMs: 60_000 });
  const snapshot = await second.settled();
  expect(nodeOf(snapshot, "x")).toMatchObject({ status: "FAILED", error: { code: "TOTAL_TIMEOUT" } });
  expect(calls).toEqual([]);
});
