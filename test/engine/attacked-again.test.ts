/** Defects that outlived a first mending: each test failed until it was mended for good. */
import { settleTurns } from "@belay/engine/testing";
import { expect, test } from "vitest";
import { node, nodeOf, plan, stage, told, undoable } from "./stage.ts";

const retry = { maxAttempts: 2, initialInterval: 0, mode: "compensate-first" } as const;

test("R26: no timer is left once a compensation failed between two attempts", async () => {
  const s = await stage({ a: { run: "fail", undo: "fatal" } });
  const run = await s.start(plan([undoable("a", [], { totalTimeout: 60, retry })]));
  expect((await s.finish(run)).status).toBe("FAILED");
  expect(s.clock.pending).toBe(0);
});

test("R37: a node is retried although its totalTimeout passed while its compensation was failing", async () => {
  const s = await stage({ a: { run: "fail,ok", undo: "hang,ok" } });
  const compensation = { action: "undo", timeout: 20 };
  const run = await s.start(plan([node("a", [], { compensation, totalTimeout: 10, retry })]));
  await s.clock.elapse(30_000);
  expect(nodeOf(await s.rest(run), "a").status).toBe("COMPENSATION_FAILED");
  await run.retry();
  expect((await s.rest(run)).status).toBe("SUCCESSFUL");
  expect(s.rig.started()).toEqual(["a", "a"]);
});

test("R39: nothing at all is called after a listener of node:started has closed the engine", async () => {
  const s = await stage({}, { held: true });
  const run = await s.start(plan([node("a")]));
  let closed = false;
  run.on("node:started", () => {
    void s.engine.close().then(() => {
      closed = true;
    });
  });
  await settleTurns();
  expect(closed).toBe(true);
  expect(s.rig.contexts).toEqual([]);
});

test("R20: a group whose condition could not be evaluated says so", async () => {
  const s = await stage({ a: { output: {} } });
  const params = { type: "object", properties: { list: { type: "array" } } } as const;
  const group = node("g", ["a"], { when: "nodes.a.output.go == true", split: { over: "params.list" } });
  const run = await s.start(plan([node("a"), group], { params }), { params: { list: [1, 2] } });
  const snapshot = await s.rest(run);
  expect(told(s, "node:failed")).toMatchObject([{ nodeId: "g", error: { code: "EXPRESSION_FAILED" } }]);
  expect(snapshot.groups).toMatchObject([{ error: { code: "EXPRESSION_FAILED" } }]);
});

test("R21: the trace checker counts tolerated percents exactly, too", async () => {
  const s = await stage(Object.fromEntries(Array.from({ length: 29 }, (_, place) => [`g[${place}]`, "fail"])));
  const params = { type: "object", properties: { list: { type: "array" } } } as const;
  const group = node("g", [], { split: { over: "params.list", tolerated: "29%" } });
  const list = Array.from({ length: 100 }, (_, place) => place);
  const run = await s.start(plan([group], { params }), { params: { list } });
  expect((await s.finish(run)).status).toBe("SUCCESSFUL");
});
