/** Nodes that wait: belay.wait, belay.approval, belay.signal, belay.poll (R2, R26, R37, R41). */
import { checkPlan, createEngine, type NodeDocument } from "@belay/engine";
import { describe, expect, test } from "vitest";
import { node, nodeOf, plan, refused, stage, statuses, told, undoable } from "./stage.ts";

const wait = (id: string, input: NodeDocument["with"], rest: Partial<NodeDocument> = {}): NodeDocument => ({
  id,
  action: "belay.wait",
  ...(input === undefined ? {} : { with: input }),
  ...rest,
});
const approval = (id: string, input?: NodeDocument["with"], rest: Partial<NodeDocument> = {}): NodeDocument => ({
  id,
  action: "belay.approval",
  ...(input === undefined ? {} : { with: input }),
  ...rest,
});

describe("belay.wait", () => {
  test("R26: it succeeds when the time has come, counted from its dispatch", async () => {
    const s = await stage();
    const run = await s.start(plan([wait("w", { seconds: 30 }), node("a", ["w"])]));
    await s.clock.elapse(29_999);
    expect(nodeOf(run.snapshot(), "w")).toMatchObject({
      status: "RUNNING",
      waiting: { for: "time", until: new Date(s.clock.now() + 1).toISOString() },
    });
    await s.clock.elapse(1);
    expect(statuses(await s.finish(run))).toEqual({ w: "SUCCESSFUL", a: "SUCCESSFUL" });
    expect(nodeOf(run.snapshot(), "w").waiting).toBeNull();
  });

  test.each([
    ["2025-01-01T00:00:05Z", 5000],
    ["2025-01-01T02:00:05+02:00", 5000],
    [1_735_689_605_000, 5000],
    ["2024-12-31T23:59:59Z", 0],
  ])("R26: until %s", async (until, ms) => {
    const s = await stage();
    const run = await s.start(plan([wait("w", { until })]));
    if (ms > 0) {
      await s.clock.elapse(ms - 1);
      expect(run.snapshot().status).toBe("RUNNING");
    }
    await s.clock.elapse(1);
    expect((await s.finish(run)).status).toBe("SUCCESSFUL");
  });

  test("R26, R37: a timeout ends it unknown, a cancel ends it at once, and no deadline is left behind", async () => {
    const s = await stage();
    const run = await s.start(plan([wait("w", { seconds: 100 }, { timeout: 10 }), wait("v", { seconds: 1000 })]));
    await s.clock.elapse(10_000);
    expect(nodeOf(run.snapshot(), "w")).toMatchObject({ status: "FAILED", error: { code: "TIMEOUT" } });
    await run.cancel({ node: "v" });
    const snapshot = await s.finish(run);
    expect(nodeOf(snapshot, "v")).toMatchObject({ status: "FAILED", error: { code: "CANCELED" }, waiting: null });
    expect(s.clock.pending).toBe(0);
  });

  test("R41: waiting takes no slot of the engine", async () => {
    const s = await stage({}, { engine: { concurrency: 1 } });
    const run = await s.start(plan([wait("w", { seconds: 60 }), wait("v", { seconds: 60 }), node("a")]));
    await s.clock.elapse(0);
    expect(statuses(run.snapshot())).toEqual({ w: "RUNNING", v: "RUNNING", a: "SUCCESSFUL" });
    await s.clock.elapse(60_000);
    expect((await s.finish(run)).status).toBe("SUCCESSFUL");
  });

  test("R2: an expression gives the seconds; what is no number fails the node for good", async () => {
    const s = await stage({ a: { output: { lag: 5, bad: "x" } } });
    const run = await s.start(
      plan([
        node("a"),
        wait("w", { seconds: { $cel: "nodes.a.output.lag * 2.0" } }, { upstreams: ["a"] }),
        wait("v", { seconds: { $cel: "nodes.a.output.bad" } }, { upstreams: ["a"], retry: { maxAttempts: 3 } }),
      ]),
    );
    await s.clock.elapse(10_000);
    const snapshot = await s.finish(run);
    expect(nodeOf(snapshot, "w").status).toBe("SUCCESSFUL");
    expect(nodeOf(snapshot, "v")).toMatchObject({ status: "FAILED", runTime: 1, error: { code: "INPUT_INVALID" } });
  });

  test("R37: a paused run starts no wait; what waits goes on waiting", async () => {
    const s = await stage();
    const run = await s.start(plan([wait("w", { seconds: 5 }), wait("v", { seconds: 5 }, { upstreams: ["w"] })]));
    await s.clock.elapse(0);
    await run.pause();
    await s.clock.elapse(5000);
    expect(statuses(run.snapshot())).toEqual({ w: "SUCCESSFUL", v: "READY" });
    await run.resume();
    await s.clock.elapse(5000);
    expect((await s.finish(run)).status).toBe("SUCCESSFUL");
  });
});

describe("belay.approval", () => {
  test("R37: it waits until a person approves, and tells who did", async () => {
    const s = await stage();
    const run = await s.start(plan([approval("ok"), node("a", ["ok"])]));
    await s.clock.elapse(86_400_000);
    expect(nodeOf(run.snapshot(), "ok")).toMatchObject({
      status: "RUNNING",
      waiting: { for: "approval", approvedBy: [], approvers: null, required: 1 },
    });
    await run.approve("ok", { who: "ann", why: "CHG-1" });
    const snapshot = await s.finish(run);
    expect(nodeOf(snapshot, "ok")).toMatchObject({ status: "SUCCESSFUL", output: { approvedBy: ["ann"] } });
    expect(told(s, "node:approved")).toMatchObject([{ nodeId: "ok", who: "ann", approvedBy: ["ann"] }]);
  });

  test("R37: as many different people as it asks for, and only those it names", async () => {
    const s = await stage();
    const run = await s.start(plan([approval("ok", { approvers: ["ann", "bob", "eve"], required: 2 })]));
    await s.clock.elapse(0);
    const forbidden = await refused(run.approve("ok", { who: "joe" }), "FORBIDDEN");
    expect(forbidden.details).toEqual({ node: "ok", approvers: ["ann", "bob", "eve"] });
    await run.approve("ok", { who: "ann" });
    await refused(run.approve("ok", { who: "ann" }), "STATE_INVALID");
    expect(nodeOf(run.snapshot(), "ok").waiting).toMatchObject({ approvedBy: ["ann"], required: 2 });
    await run.approve("ok", { who: "bob", requestId: "r" });
    await run.approve("ok", { who: "bob", requestId: "r" });
    expect((await s.finish(run)).status).toBe("SUCCESSFUL");
  });

  test("R37: two people at once are two approvals, the same person at once is one", async () => {
    const s = await stage();
    const run = await s.start(plan([approval("ok", { required: 2 })]));
    await s.clock.elapse(0);
    const both = await Promise.allSettled([run.approve("ok", { who: "ann" }), run.approve("ok", { who: "ann" })]);
    expect(both.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
    expect(run.snapshot().status).toBe("RUNNING");
    await run.approve("ok", { who: "bob" });
    expect((await s.finish(run)).status).toBe("SUCCESSFUL");
  });

  test("R25, R37: a rejection fails it for good, with the reason; a retry asks everybody anew", async () => {
    const s = await stage();
    const run = await s.start(
      plan([undoable("a"), approval("ok", { required: 2 }, { upstreams: ["a"], retry: { maxAttempts: 5 } })]),
    );
    await s.clock.elapse(0);
    await run.approve("ok", { who: "ann" });
    await run.reject("ok", { who: "bob", why: "not tonight" });
    expect(nodeOf(await s.rest(run), "ok")).toMatchObject({
      status: "FAILED",
      runTime: 1,
      error: { code: "REJECTED", message: "rejected by bob: not tonight", retryable: false },
    });
    await run.retry({ node: "ok" });
    await s.clock.elapse(0);
    expect(nodeOf(run.snapshot(), "ok").waiting).toMatchObject({ approvedBy: [] });
    await run.approve("ok", { who: "ann" });
    await run.approve("ok", { who: "bob" });
    expect((await s.finish(run)).status).toBe("SUCCESSFUL");
  });

  test("R26: its timeout is its expiry", async () => {
    const s = await stage();
    const run = await s.start(plan([approval("ok", undefined, { timeout: 3600 })]));
    await s.clock.elapse(3_600_000);
    expect(nodeOf(await s.finish(run), "ok")).toMatchObject({ status: "FAILED", error: { code: "TIMEOUT" } });
    await refused(run.approve("ok", { who: "ann" }), "STATE_INVALID");
  });

  test("R24: each member of a group is approved for itself", async () => {
    const s = await stage();
    const run = await s.start(plan([approval("ok", undefined, { split: { over: '["db", "net"]' } })]));
    await s.clock.elapse(0);
    await refused(run.approve("ok", { who: "ann" }), "STATE_INVALID");
    await run.approve("ok[1]", { who: "ann" });
    await run.approve("ok[0]", { who: "ann" });
    expect((await s.finish(run)).groups[0]?.output).toEqual([{ approvedBy: ["ann"] }, { approvedBy: ["ann"] }]);
  });

  test("R37: refused where it makes no sense, with what would", async () => {
    const s = await stage({}, { held: true });
    const run = await s.start(plan([node("a"), approval("ok", undefined, { upstreams: ["a"] })]));
    await s.clock.elapse(0);
    expect((await refused(run.approve("a", { who: "ann" }), "STATE_INVALID")).message).toContain("belay.approval");
    expect((await refused(run.approve("ok", { who: "ann" }), "STATE_INVALID")).details["allowedIn"]).toEqual([
      "RUNNING",
    ]);
    await refused(run.signal("ok"), "STATE_INVALID");
    await refused(run.approve("ok", {} as { who: string }), "INVALID_ARGUMENT");
    await refused(run.reject("ok", { who: "" }), "INVALID_ARGUMENT");
    await refused(run.approve("nobody", { who: "ann" }), "NOT_FOUND");
  });
});

describe("belay.signal", () => {
  test("R37: it waits for a message, whose output becomes its own", async () => {
    const s = await stage();
    const run = await s.start(
      plan([
        { id: "go", action: "belay.signal" },
        { id: "a", action: "do", upstreams: ["go"], with: { to: { $cel: "nodes.go.output.host" } } },
      ]),
    );
    await s.clock.elapse(0);
    await run.signal("go", { output: { host: "b" }, who: "monitor" });
    expect((await s.finish(run)).status).toBe("SUCCESSFUL");
    expect(s.rig.contexts[0]?.input).toEqual({ to: "b" });
    await refused(run.signal("go"), "STATE_INVALID");
  });
});

describe("belay.poll", () => {
  const poll = (rest: Partial<NodeDocument> = {}): NodeDocument => ({
    id: "p",
    action: "belay.poll",
    with: { action: "caught-up", with: { lag: 0 }, interval: 2 },
    ...rest,
  });

  test("R2: it asks until the action says it is done, and has its output", async () => {
    const asked: unknown[] = [];
    const s = await stage(
      {},
      {
        extra: {
          "caught-up": (ctx) => {
            asked.push([ctx.input, ctx.nodeId, ctx.attempt, s.clock.now() - 1_735_689_600_000]);
            return asked.length < 3 ? { done: false } : { done: true, output: { lag: 0 } };
          },
        },
      },
    );
    const run = await s.start(plan([poll({ heartbeatTimeout: 3 })]));
    await s.clock.elapse(10_000);
    expect(nodeOf(await s.finish(run), "p")).toMatchObject({ status: "SUCCESSFUL", output: { lag: 0 } });
    expect(asked).toEqual([0, 2000, 4000].map((at) => [{ lag: 0 }, "p", 1, at]));
  });

  test("R26: its timeout ends the whole, between two answers too", async () => {
    const s = await stage({}, { extra: { "caught-up": () => ({ done: false }) } });
    const run = await s.start(plan([poll({ timeout: 5 })]));
    await s.clock.elapse(60_000);
    expect(nodeOf(await s.finish(run), "p")).toMatchObject({ status: "FAILED", error: { code: "TIMEOUT" } });
    expect(s.clock.pending).toBe(0);
  });

  test("R27: a failure of the asked action fails the attempt; an answer of another form fails it for good", async () => {
    let answer = (): unknown => {
      throw new Error("refused");
    };
    const s = await stage({}, { extra: { "caught-up": () => answer() } });
    const run = await s.start(plan([poll({ retry: { maxAttempts: 3, initialInterval: 1 } })]));
    await s.clock.elapse(0);
    answer = () => true;
    await s.clock.elapse(1000);
    expect(nodeOf(await s.finish(run), "p")).toMatchObject({ runTime: 2, error: { code: "OUTPUT_INVALID" } });
  });

  test("R3: an action that is not registered is refused before anything runs", async () => {
    const s = await stage();
    const error = await refused(s.start(plan([poll()])), "UNKNOWN_ACTION");
    expect(error.message).toContain("nodes[0].with.action");
  });
});

describe("plans with nodes that wait", () => {
  const faults = (nodes: readonly NodeDocument[]): string[] =>
    checkPlan(plan(nodes)).diagnostics.map(({ code, path, message }) => `${code} ${path}: ${message}`);

  test("R3: literal inputs of built-in actions are checked when the plan is read", () => {
    expect(
      faults([
        wait("a", undefined),
        wait("b", { seconds: -1 }),
        wait("c", { seconds: 1, until: "2025-01-01T00:00:00Z" }),
        wait("d", { until: "tomorrow" }),
        wait("e", { second: 1 }),
        wait("f", { $cel: "params" }, { pool: "x" }),
        approval("g", { approvers: ["ann"], required: 2 }),
        { id: "h", action: "belay.poll", with: { action: { $cel: "'x'" }, interval: 1 } },
        node("i", [], { pool: "belay.waiting" }),
        { id: "j", action: "belay.approval", compensation: { action: "belay.wait", with: { seconds: 1 } } },
        { id: "k", action: "belay.signal", with: { x: 1 } },
      ]).map((text) => text.replace(/; .*/, "")),
    ).toEqual([
      "INVALID_VALUE nodes[0].with: belay.wait needs an input: seconds?, until?",
      "INVALID_VALUE nodes[1].with.seconds: seconds of belay.wait must be a number of seconds from 0 to 31536000",
      "INVALID_VALUE nodes[2].with: belay.wait needs either seconds or until",
      "INVALID_VALUE nodes[3].with.until: until of belay.wait must be a time: ISO 8601 with its zone, or epoch milliseconds",
      'INVALID_VALUE nodes[4].with.second: belay.wait has no input "second": seconds?, until?',
      "CONFLICT nodes[5].pool: belay.wait only waits: it takes no slot of a pool",
      "INVALID_VALUE nodes[6].with.required: belay.approval asks for 2 approvals of 1 approvers",
      "CONFLICT nodes[7].with: action of belay.poll must be given as it is, not as an expression",
      'INVALID_VALUE nodes[8].pool: names of pools that start with "belay." are the engine\'s own',
      "CONFLICT nodes[9].compensation: belay.approval only waits: it leaves nothing to undo",
      "CONFLICT nodes[9].compensation.action: belay.wait only waits: it undoes nothing",
      'INVALID_VALUE nodes[10].with.x: belay.signal has no input "x": it takes none',
      "EXPRESSION nodes[5].with: the expression reads params, but the plan declares none",
    ]);
  });

  test("R41: an engine has no pool of a built-in name", async () => {
    await refused(createEngine({ actions: {}, pools: { "belay.waiting": { concurrency: 1 } } }), "INVALID_ARGUMENT");
  });
});
