/**
 * Defects of OCP's task engine in what people are told: logs and reasons. Each test shows on the real engine that Belay
 * does not have the defect; what the defects are stands in docs/ocp-defects.md.
 */
import type { ActionContext, NodeDocument } from "@belay/engine";
import { settleTurns } from "@belay/engine/testing";
import { expect, test } from "vitest";
import { life } from "../engine/second-life.ts";
import { node, nodeOf, plan, stage } from "../engine/stage.ts";

test("D15 (R25): a log is whole lines, each with its node and its attempt or that of its compensation, whoever says them, however long", async () => {
  const long = `${"x".repeat(2047)}\u{1f6e0}${"数".repeat(3000)}`;
  const talk = async (ctx: ActionContext): Promise<void> => {
    ctx.log("begins");
    // From work that the action started beside itself, too.
    await Promise.all(
      ["left", "right"].map(async (side) => {
        await Promise.resolve();
        ctx.log(`${side}\n${long}`);
      }),
    );
    if (ctx.attempt === 1) throw new Error("once");
  };
  const s = await life({ extra: { talk, unsay: (ctx) => ctx.log("undone") }, scripts: { z: "fatal" } });
  const talks: NodeDocument = { id: "a", action: "talk", compensation: { action: "unsay" } };
  const run = await s.start(plan([talks, node("z", ["a"])]), { runId: "r" });
  await s.rest(run);
  await run.retry({ node: "a" });
  await s.rest(run);
  await run.rollback();
  await s.rest(run);
  const lines = s.journal.logs("r").map(({ nodeId, attempt, compensation, message }) => ({
    said: [nodeId, attempt, message],
    compensation,
  }));
  expect(lines.map(({ said }) => said)).toEqual([
    ...[1, 2].flatMap((attempt) => [
      ["a", attempt, "begins"],
      ["a", attempt, `left\n${long}`],
      ["a", attempt, `right\n${long}`],
    ]),
    // The first of its own, and no line of the attempt of that number.
    ["a", 1, "undone"],
  ]);
  expect(lines.map(({ compensation }) => compensation)).toEqual([...Array(6).fill(undefined), true]);
});

test("D19 (R27): whatever goes wrong has a code and a message; a fault of the engine stops the run without calling it failed", async () => {
  const thrown: readonly unknown[] = [new TypeError("x is undefined"), "out of memory", undefined, { odd: 1 }];
  for (const what of thrown) {
    const s = await stage({}, { extra: { bad: () => Promise.reject(what) } });
    const run = await s.start(plan([{ id: "a", action: "bad" }, node("b", ["a"])]));
    const { error } = nodeOf(await s.rest(run), "a");
    expect(run.snapshot().status).toBe("FAILED");
    expect(error?.code).toMatch(/^[A-Z_]+$/);
    expect(error?.message).not.toBe("");
  }

  const heard: unknown[] = [];
  const s = await life({ held: true, engine: { onListenerError: (error) => heard.push(error) } });
  const run = await s.start(plan([node("a"), node("b", ["a"])]), { runId: "r" });
  const beside = await s.start(plan([node("a")]), { runId: "beside" });
  run.on("node:succeeded", () => {
    throw new Error("a listener's own");
  });
  await settleTurns();
  s.rig.pending[0]?.finish();
  await settleTurns();
  expect(run.snapshot()).toMatchObject({ status: "RUNNING", fault: null });
  expect(heard).toHaveLength(1);

  const { append } = s.journal;
  s.journal.append = (lease, records, progress) => {
    if (lease.runId === "r") throw new TypeError("rows is not iterable");
    append.call(s.journal, lease, records, progress);
  };
  for (const call of [...s.rig.pending]) call.finish();
  const stopped = await s.rest(run);
  // The run did not fail: it stands where it was, and says what is broken.
  expect(stopped.status).toBe("RUNNING");
  expect(stopped.fault).toEqual({ code: "JOURNAL_FAILED", message: "rows is not iterable" });
  expect(s.journal.list().map(({ runId, status }) => [runId, status])).toEqual([
    ["r", "RUNNING"],
    ["beside", "SUCCESSFUL"],
  ]);
  expect((await s.rest(beside)).fault).toBeNull();
});
