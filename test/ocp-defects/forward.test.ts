/**
 * Defects of OCP's task engine on the way forward: joins, retries, order, graphs. Each test shows on the real engine that
 * Belay does not have the defect; what the defects are stands in docs/ocp-defects.md.
 */
import { checkPlan, definePlan, MemoryJournal, type NodeDocument, type Run, toOcpTask } from "@belay/engine";
import { settleTurns } from "@belay/engine/testing";
import { expect, test } from "vitest";
import { encodeRecord } from "../../packages/engine/src/journal/replay.ts";
import { diamond, node, nodeOf, plan, refused, stage, statuses, told, undoable } from "../engine/stage.ts";

const DAY = 24 * 3600_000;

const viewed = (run: Run): string[] => toOcpTask(run.snapshot()).subtasks.map(({ status }) => status);

test("D1 (R10, R33): branches that answer one key differently join, also below a point of no return; what cannot be read is a failure", async () => {
  const { start, finish, rest, rig } = await stage({
    a: { output: { host: "a", prohibit_rollback: "true" } },
    b: { output: { host: "b", prohibit_rollback: "false" } },
  });
  const branches = [node("r"), node("a", ["r"], { prohibitRollback: true }), node("b", ["r"])];
  const both = { a: { $cel: "nodes.a.output.host" }, b: { $cel: "nodes.b.output.host" } };
  const run = await start(plan([...branches, node("join", ["a", "b"], { with: both }), node("end", ["join"])]));
  const snapshot = await finish(run);
  expect(snapshot).toMatchObject({ status: "SUCCESSFUL", prohibitRollback: true });
  expect(rig.contexts.find(({ nodeId }) => nodeId === "join")?.input).toEqual({ a: "a", b: "b" });
  expect(viewed(run)).toEqual(Array(5).fill("SUCCESSFUL"));

  const missing = { with: { x: { $cel: "nodes.a.output.nothing" } } };
  const failing = await start(plan([...branches, node("join", ["a", "b"], missing)]));
  expect(nodeOf(await rest(failing), "join")).toMatchObject({ status: "FAILED", error: { code: "EXPRESSION_FAILED" } });
  expect(failing.snapshot().status).toBe("FAILED");
});

test("D2 (R25, R14): with n attempts a node has exactly n, and a run that failed has no success that comes later", async () => {
  for (const most of [1, 2, 3, 4]) {
    const nodes = [node("a", [], { retry: { maxAttempts: most, initialInterval: 1 } }), node("b", ["a"])];
    const last = await stage({ a: `${"fail,".repeat(most - 1)}ok` });
    const lucky = await last.start(plan(nodes));
    await last.clock.elapse(DAY);
    expect(statuses(await last.finish(lucky))).toEqual({ a: "SUCCESSFUL", b: "SUCCESSFUL" });
    expect(nodeOf(lucky.snapshot(), "a").runTime).toBe(most);

    const late = await stage({ a: `${"fail,".repeat(most)}ok` });
    const unlucky = await late.start(plan(nodes));
    await late.clock.elapse(DAY);
    expect(statuses(await late.finish(unlucky))).toEqual({ a: "FAILED", b: "PENDING" });
    expect(late.rig.started()).toEqual(Array(most).fill("a"));
    expect(late.clock.pending).toBe(0);
    // The run had not been called failed before its last attempt was.
    const ends = late.rig.trace.flatMap((entry) => (entry.kind === "event" ? [entry.event.type] : []));
    expect(ends.indexOf("run:failed")).toBeGreaterThan(ends.lastIndexOf("node:failed"));
  }
});

test("D11 (R14, R30): what is ready when the run fails does not start, and no rollback begins beside what still runs", async () => {
  const s = await stage({ a: "fatal" }, { held: true, engine: { concurrency: 2 } });
  const run = await s.start(plan([undoable("a"), undoable("b"), undoable("c"), undoable("d", ["b"])]));
  await settleTurns();
  expect(statuses(run.snapshot())).toEqual({ a: "RUNNING", b: "RUNNING", c: "READY", d: "PENDING" });
  s.rig.pending[0]?.finish();
  await settleTurns();
  expect(statuses(run.snapshot())).toEqual({ a: "FAILED", b: "RUNNING", c: "PENDING", d: "PENDING" });
  await refused(run.rollback(), "STATE_INVALID");
  expect(s.rig.undone()).toEqual([]);
  s.rig.pending[0]?.finish();
  expect((await s.finish(run)).status).toBe("FAILED");
  await s.clock.elapse(DAY);
  expect(s.rig.started()).toEqual(["a", "b"]);
  await run.rollback();
  for (let call = s.rig.pending[0]; call !== undefined; call = s.rig.pending[0]) {
    call.finish();
    await settleTurns();
  }
  expect((await s.finish(run)).status).toBe("ROLLED_BACK");
  expect(s.rig.undone().sort()).toEqual(["a", "b"]);
});

test("D12 (R28): nothing that a failed attempt did to what it was given is seen by the next one, or by its compensation", async () => {
  const seen: unknown[] = [];
  const spoil = (ctx: { input: unknown; attempt: number }): string => {
    const input = ctx.input as { hosts: string[]; token?: string };
    seen.push(structuredClone(input));
    input.hosts.push("spoiled");
    input.token = "stale";
    if (ctx.attempt === 1) throw Object.assign(new Error("after it had changed things"), { code: "E_SPOILED" });
    return "done";
  };
  const undo = (ctx: { input: unknown }): void => void seen.push(structuredClone(ctx.input));
  const s = await stage({ z: "fatal" }, { extra: { spoil, unspoil: undo } });
  const spoiled: NodeDocument = {
    id: "a",
    action: "spoil",
    with: { hosts: ["h1"] },
    compensation: { action: "unspoil" },
  };
  const run = await s.start(plan([spoiled, node("z", ["a"])]));
  await s.rest(run);
  expect(nodeOf(run.snapshot(), "a").error?.code).toBe("E_SPOILED");
  await run.retry({ node: "a" });
  await s.rest(run);
  await run.rollback();
  expect((await s.rest(run)).status).toBe("ROLLED_BACK");
  expect(seen).toEqual(Array(3).fill({ hosts: ["h1"] }));
});

test("D13 (R3, R4): a cycle below 400 layers of crossing edges is found, named, and nothing of its plan is kept", () => {
  const layers = 400;
  const id = (layer: number, side: number): string => `n${layer}-${side}`;
  const nodes = Array.from({ length: 2 * layers }, (_, place): NodeDocument => {
    const layer = Math.floor(place / 2);
    return node(id(layer, place % 2), layer === 0 ? [] : [id(layer - 1, 0), id(layer - 1, 1)]);
  });
  // A search that goes down every path would visit 2^400.
  expect(checkPlan(plan(nodes)).diagnostics).toEqual([]);
  const closed = nodes.map((one, place) => (place === 0 ? node(one.id, [id(layers - 1, 1)]) : one));
  const { plan: kept, diagnostics } = checkPlan(plan(closed));
  expect(kept).toBeUndefined();
  expect(diagnostics.map(({ code }) => code)).toEqual(["CYCLE"]);
  expect(diagnostics[0]?.message).toContain("(400 nodes)");
  expect(() => definePlan(plan([node("a", ["a"])]))).toThrow(/itself/);
});

test("D14 (R22): a barrier of 300 by 300 members is no 90,000 edges, runs are listed unread, and nothing looks again and again", async () => {
  const journal = new MemoryJournal();
  const s = await stage({}, { held: true, engine: { journal } });
  const members = JSON.stringify(Array.from({ length: 300 }, (_, item) => item));
  const split = { over: members };
  const run = await s.start(plan([node("a", [], { split }), node("b", ["a"], { split }), node("c", ["b"])]), {
    runId: "r",
  });
  await settleTurns();
  const [first, second] = run.snapshot().nodes.filter(({ group }) => group === "b");
  expect(first?.upstreams).toHaveLength(300);
  expect(second?.upstreams).toBe(first?.upstreams);
  // It moves, and no timer runs: what ends is told, nobody asks for it.
  expect(s.clock.pending).toBe(0);
  journal.read = () => {
    throw new Error("a list reads no run");
  };
  expect(journal.list()).toMatchObject([{ runId: "r", status: "RUNNING", ended: false, planName: "test" }]);
  while (s.rig.pending.length > 0) {
    for (const call of [...s.rig.pending]) call.finish();
    await settleTurns();
  }
  expect((await s.rest(run)).status).toBe("SUCCESSFUL");
  expect(s.rig.started()).toHaveLength(601);
});

test("D16 (R3, R50): a missing upstream is refused when the plan is read, and no node is lost or renamed while its state changes", async () => {
  const { plan: kept, diagnostics } = checkPlan(plan([node("a"), node("b", ["a", "gone"])]));
  expect(kept).toBeUndefined();
  expect(diagnostics).toMatchObject([{ code: "UNKNOWN_NODE", path: "nodes[1].upstreams[1]" }]);

  const lives: string[][] = [];
  for (let life = 0; life < 2; life++) {
    const journal = new MemoryJournal();
    const s = await stage({ d: "fail", b: { undo: "fail,ok" } }, { engine: { journal } });
    const run = await s.start(plan(diamond), { runId: "r" });
    const numbered = (): string =>
      JSON.stringify(toOcpTask(run.snapshot()).subtasks.map((one) => [one.id, one.name, one.upstreams]));
    const looks = [numbered()];
    for (const type of ["node:started", "node:succeeded", "node:compensated", "run:failed"] as const)
      run.on(type, () => looks.push(numbered()));
    await s.rest(run);
    await run.retry();
    await s.rest(run);
    await run.rollback();
    await s.rest(run);
    await run.rollback();
    expect((await s.finish(run)).status).toBe("ROLLED_BACK");
    expect(looks.length).toBeGreaterThan(10);
    expect(new Set(looks).size).toBe(1);
    expect(told(s, "node:compensated")).toHaveLength(4);
    lives.push((journal.read("r")?.records ?? []).map(encodeRecord));
  }
  expect(lives[0]?.length).toBeGreaterThan(10);
  expect(lives[1]).toEqual(lives[0]);
});
