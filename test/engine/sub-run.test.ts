/** Runs inside runs: belay.plan (R2, R26, R30, R37, R43). */
import { checkPlan, createEngine, definePlan, type NodeDocument, type PlanDocument } from "@belay/engine";
import { expect, test } from "vitest";
import { node, nodeOf, plan, refused, type Stage, stage, statuses, undoable } from "./stage.ts";

const inner = (nodes: readonly NodeDocument[], rest: Partial<PlanDocument> = {}): PlanDocument =>
  plan(nodes, { name: "inner", ...rest });

/** A node that runs the plan "inner", undone by "undo" when that succeeded. */
const sub = (rest: Partial<NodeDocument> = {}): NodeDocument => ({
  id: "sub",
  action: "belay.plan",
  with: { plan: "inner" },
  compensation: { action: "undo" },
  ...rest,
});

const withInner = (document: PlanDocument, scripts: Parameters<typeof stage>[0] = {}, held = false): Promise<Stage> =>
  stage(scripts, { held, engine: { plans: { inner: definePlan(document) } } });

test("R2: the node succeeds with its run, whose outputs it has", async () => {
  const s = await withInner(
    inner(
      [
        { id: "x", action: "do", with: { to: { $cel: "params.host" } } },
        node("g", ["x"], { split: { over: "[1, 2]" } }),
      ],
      {
        params: { type: "object", properties: { host: { type: "string" } }, required: ["host"] },
      },
    ),
    { x: { output: 7 }, g: { output: 8 } },
  );
  const run = await s.start(
    plan([
      node("a"),
      sub({ upstreams: ["a"], with: { plan: "inner", params: { host: { $cel: "nodes.a.output.node" } } } }),
    ]),
  );
  const snapshot = await s.rest(run);
  const id = `${run.id}/sub/1`;
  expect(nodeOf(snapshot, "sub").output).toEqual({ runId: id, outputs: { x: 7, g: [8, 8] } });
  expect(s.rig.contexts[1]?.input).toEqual({ to: "a" });
  expect(s.engine.run(id)?.snapshot().status).toBe("SUCCESSFUL");
});

test("R27: the node fails with its run, and says which node of it failed and why", async () => {
  const s = await withInner(inner([node("x")]), { x: "fatal" });
  const run = await s.start(plan([sub()]));
  expect(nodeOf(await s.rest(run), "sub").error).toMatchObject({
    code: "SUB_RUN_FAILED",
    details: { runId: `${run.id}/sub/1`, status: "FAILED", failed: [{ node: "x" }] },
  });
});

test("R27: the failure of a node whose run undid itself says so", async () => {
  const s = await withInner(inner([undoable("x"), node("y", ["x"])], { onFailure: "rollback" }), { y: "fatal" });
  const run = await s.start(plan([sub()]));
  expect(nodeOf(await s.rest(run), "sub").error).toMatchObject({
    code: "SUB_RUN_ROLLED_BACK",
    details: { runId: `${run.id}/sub/1`, status: "ROLLED_BACK", failed: [{ node: "y" }] },
  });
});

test("R25: the next attempt goes on with the same run: what it has done is not done again", async () => {
  const s = await withInner(inner([node("x"), node("y", ["x"])]), { y: "fail,ok" });
  const run = await s.start(plan([sub({ retry: { maxAttempts: 2, initialInterval: 0 } })]));
  expect(nodeOf(await s.rest(run), "sub")).toMatchObject({ status: "SUCCESSFUL", runTime: 2 });
  expect(s.rig.started()).toEqual(["x", "y", "y"]);
  expect(s.engine.runs().map(({ id }) => id)).toEqual([run.id, `${run.id}/sub/1`]);
});

test("R51: a run that rolled itself back has ended: the next attempt starts another", async () => {
  const s = await withInner(inner([undoable("x"), node("y", ["x"])], { onFailure: "rollback" }), { y: "fail,ok" });
  const run = await s.start(plan([sub({ retry: { maxAttempts: 2, initialInterval: 0 } })]));
  expect(nodeOf(await s.rest(run), "sub").output).toMatchObject({ runId: `${run.id}/sub/2` });
  expect(s.rig.started()).toEqual(["x", "y", "x", "y"]);
  expect(s.rig.undone()).toEqual(["x"]);
});

test("R37: while its run is paused the node waits; an operator of the inner run lets it go on", async () => {
  const s = await withInner(inner([node("x"), node("y", ["x"])]), {}, true);
  const run = await s.start(plan([sub()]));
  await s.clock.elapse(0);
  const child = s.engine.run(`${run.id}/sub/1`);
  await child?.pause();
  s.rig.pending[0]?.finish();
  await s.clock.elapse(0);
  expect(child?.snapshot().status).toBe("PAUSED");
  expect(run.snapshot().status).toBe("RUNNING");
  await child?.resume();
  await s.clock.elapse(0);
  s.rig.pending[0]?.finish();
  expect((await s.rest(run)).status).toBe("SUCCESSFUL");
});

test.each(["cancel", "timeout"] as const)(
  "R26: a %s cancels the run inside, and the node lets go with it",
  async (how) => {
    const s = await withInner(inner([node("x")]), { x: "obey" });
    const run = await s.start(plan([sub({ timeout: 10 })]));
    await s.clock.elapse(0);
    if (how === "cancel") await run.cancel();
    else await s.clock.elapse(10_000);
    const snapshot = await s.rest(run);
    expect(nodeOf(snapshot, "sub")).toMatchObject({
      status: "FAILED",
      error: { code: how === "cancel" ? "CANCELED" : "TIMEOUT" },
    });
    expect(s.engine.run(`${run.id}/sub/1`)?.snapshot().status).toBe("CANCELED");
  },
);

test("R30: rolled back, a run inside that had failed is undone itself; the node's compensation is not called", async () => {
  const s = await withInner(inner([undoable("x"), node("y", ["x"])]), { y: "fail" });
  const run = await s.start(plan([undoable("a"), sub({ upstreams: ["a"] })], { onFailure: "rollback" }));
  const snapshot = await s.rest(run);
  expect(snapshot.status).toBe("ROLLED_BACK");
  expect(statuses(snapshot)).toEqual({ a: "COMPENSATED", sub: "COMPENSATED" });
  expect(s.rig.undone()).toEqual(["x", "a"]);
  expect(s.engine.run(`${run.id}/sub/1`)?.snapshot().status).toBe("ROLLED_BACK");
});

test("R30: rolled back, a run inside that had succeeded is undone by the node's compensation", async () => {
  const s = await withInner(inner([undoable("x")]), { b: "fail" });
  const run = await s.start(plan([sub(), node("b", ["sub"])], { onFailure: "rollback" }));
  expect((await s.rest(run)).status).toBe("ROLLED_BACK");
  expect(s.rig.undone()).toEqual(["sub"]);
});

test("R30: the compensation may be a plan too", async () => {
  const s = await stage(
    { b: "fail" },
    { engine: { plans: { inner: definePlan(inner([node("x")])), reverse: definePlan(inner([node("unx")])) } } },
  );
  const undo = { action: "belay.plan", with: { plan: "reverse" } };
  const run = await s.start(plan([sub({ compensation: undo }), node("b", ["sub"])], { onFailure: "rollback" }));
  expect((await s.rest(run)).status).toBe("ROLLED_BACK");
  expect(s.rig.started()).toEqual(["x", "b", "unx"]);
});

test("R33: a run inside that is past its point of no return cannot be undone: the outer rollback fails and says why", async () => {
  const s = await withInner(inner([node("x", [], { prohibitRollback: true }), node("y", ["x"])]), { y: "fail" });
  const run = await s.start(plan([undoable("a"), sub({ upstreams: ["a"] })], { onFailure: "rollback" }));
  const snapshot = await s.rest(run);
  expect(snapshot.status).toBe("ROLLBACK_FAILED");
  expect(statuses(snapshot)).toEqual({ a: "SUCCESSFUL", sub: "COMPENSATION_FAILED" });
  expect(nodeOf(snapshot, "sub").compensation?.error).toMatchObject({
    code: "SUB_RUN_ROLLBACK_FAILED",
    message: expect.stringContaining("x has started"),
  });
});

test("R24: one run per member of a group", async () => {
  const s = await withInner(
    inner([{ id: "x", action: "do", with: { $cel: "params.n" } }], {
      params: { properties: { n: { type: "integer" } } },
    }),
  );
  const run = await s.start(
    plan([sub({ split: { over: "[1, 2]" }, with: { plan: "inner", params: { n: { $cel: "item" } } } })]),
  );
  expect((await s.rest(run)).status).toBe("SUCCESSFUL");
  expect(s.rig.contexts.map(({ input }) => input)).toEqual([1, 2]);
  expect(s.engine.runs().map(({ id }) => id.slice(run.id.length))).toEqual(["", "/sub[0]/1", "/sub[1]/1"]);
});

test("R3: wrong parameters of the inner plan fail the node for good", async () => {
  const s = await withInner(inner([node("x")]));
  const run = await s.start(plan([sub({ with: { plan: "inner", params: { n: 1 } }, retry: { maxAttempts: 3 } })]));
  expect(nodeOf(await s.rest(run), "sub")).toMatchObject({ runTime: 1, error: { code: "PARAMS_INVALID" } });
});

test("R3: what inner plans lack is told before anything runs", async () => {
  const plans = {
    ring: definePlan(inner([sub({ with: { plan: "gnir" } })])),
    gnir: definePlan(inner([sub({ with: { plan: "ring" } })])),
    lacking: definePlan(inner([{ id: "x", action: "nobody" }])),
  };
  const s = await stage({}, { engine: { plans } });
  const faults = async (name: string): Promise<string> =>
    (await refused(s.start(plan([sub({ with: { plan: name } })])), "PLAN_INVALID")).message;
  expect(await faults("rnig")).toContain('no plan "rnig" is registered (did you mean "');
  expect(await faults("ring")).toContain("plans run each other for ever: ring -> gnir -> ring");
  expect(await faults("lacking")).toContain('plan "lacking": no action "nobody" is registered');
  expect(s.engine.runs()).toEqual([]);
  await refused(createEngine({ actions: {}, plans: { x: {} as never } }), "INVALID_ARGUMENT");
});

test("R3: a node with belay.plan must say what undoes it", () => {
  const { compensation: _, ...bare } = sub();
  const codes = (given: NodeDocument): string[] =>
    checkPlan(plan([given])).diagnostics.map(({ code, path }) => `${code} ${path}`);
  expect(codes(bare)).toEqual(["CONFLICT nodes[0]"]);
  expect(codes({ ...bare, effect: "none" })).toEqual([]);
  expect(codes({ ...bare, prohibitRollback: true })).toEqual([]);
  expect(codes({ ...bare, compensation: { action: "belay.plan" } })).toEqual([
    "INVALID_VALUE nodes[0].compensation.with",
  ]);
  expect(codes({ ...bare, effect: "none", with: { plan: { $cel: "'x'" } } })).toEqual(["CONFLICT nodes[0].with"]);
});
