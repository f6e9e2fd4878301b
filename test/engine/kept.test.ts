/**
 * What no other test holds in place: each of these fails for a change of the engine that every other test lets pass.
 * Found by changing the engine one line at a time and looking for changes that nothing noticed.
 */
import { MemoryJournal, type RunSnapshot } from "@belay/engine";
import { settleTurns } from "@belay/engine/testing";
import { describe, expect, test } from "vitest";
import { isTerminal, RUN_STATUSES, RUN_TRANSITIONS, runMayGo } from "../../packages/engine/src/core/run-state.ts";
import { node, nodeOf, plan, refused, stage, statuses, told, undoable } from "./stage.ts";

const params = {
  type: "object",
  properties: { hosts: { type: "array", items: { type: "string" } } },
  required: ["hosts"],
} as const;
const hosts = { params: { hosts: ["x", "y", "z"] } };

/** A journal whose appends wait for the test once `holds` is set. */
class HeldJournal extends MemoryJournal {
  holds = false;
  readonly #waiting: ((error?: Error) => void)[] = [];

  override append(...args: Parameters<MemoryJournal["append"]>): void | Promise<void> {
    if (!this.holds) return super.append(...args);
    return new Promise((resolve, reject) => {
      this.#waiting.push((error) => (error === undefined ? resolve(super.append(...args)) : reject(error)));
    });
  }

  /** Ends every append that waits: durable, or failed with `error`. */
  async settle(error?: Error): Promise<void> {
    for (const settle of this.#waiting.splice(0)) settle(error);
    await settleTurns();
  }
}

describe("the journal", () => {
  test("R39: no attempt starts and no verb resolves before its record is durable", async () => {
    const journal = new HeldJournal();
    const s = await stage({}, { held: true, engine: { journal } });
    const run = await s.start(plan([node("a"), node("b", ["a"])]));
    journal.holds = true;
    await settleTurns();
    expect(s.rig.started()).toEqual([]);
    await journal.settle();
    expect(s.rig.started()).toEqual(["a"]);
    let paused = false;
    void run.pause().then(() => {
      paused = true;
    });
    await settleTurns();
    expect(paused).toBe(false);
    await journal.settle();
    expect(paused).toBe(true);
  });

  test("R39: a run whose journal fails stops with JOURNAL_FAILED; whoever waits is told, other runs go on", async () => {
    const journal = new HeldJournal();
    const s = await stage({}, { held: true, engine: { journal, concurrency: 1 } });
    const run = await s.start(plan([node("a"), node("b", ["a"])]));
    await settleTurns();
    journal.holds = true;
    const verb = refused(run.pause(), "JOURNAL_FAILED");
    await settleTurns();
    await journal.settle(new Error("disk full"));
    await verb;
    expect((await s.rest(run)).fault).toEqual({ code: "JOURNAL_FAILED", message: "disk full" });
    expect(s.rig.contexts[0]?.signal.aborted).toBe(true);
    expect(told(s, "run:fault")).toMatchObject([{ code: "JOURNAL_FAILED" }]);
    await refused(run.resume(), "CLOSED");
    journal.holds = false;
    await s.start(plan([node("c")]));
    await settleTurns();
    expect(s.rig.started()).toEqual(["a", "c"]);
  });

  test("R39: a journal that throws between two batches stops the run, too", async () => {
    const journal = new MemoryJournal();
    const s = await stage({}, { engine: { journal } });
    const run = await s.start(plan([node("a")]));
    journal.append = () => {
      throw new Error("disk gone");
    };
    const snapshot = await s.rest(run);
    expect(snapshot.fault?.message).toBe("disk gone");
    expect(s.rig.started()).toEqual([]);
  });
});

describe("attempts", () => {
  test("R25: node:ready tells the number of the attempt that becomes ready, after a backoff, too", async () => {
    const s = await stage({ a: "fail,fail,ok" });
    const run = await s.start(plan([node("a", [], { retry: { maxAttempts: 3, initialInterval: 1 } })]));
    await s.clock.elapse(10_000);
    await s.finish(run);
    expect(told(s, "node:ready").map((event) => event["attempt"])).toEqual([1, 2, 3]);
  });

  test("R26: no timer is left once a node that waited for its next attempt is canceled", async () => {
    const s = await stage({ a: "fail" });
    const run = await s.start(plan([node("a", [], { retry: { maxAttempts: 2, initialInterval: 60 } })]));
    await settleTurns();
    expect(s.clock.pending).toBe(1);
    await run.cancel({ node: "a" });
    expect((await s.finish(run)).status).toBe("FAILED");
    expect(s.clock.pending).toBe(0);
  });

  for (const deadline of ["timeout", "heartbeatTimeout", "totalTimeout"] as const) {
    test(`R26: no timer is left once a node with a ${deadline} alone has ended`, async () => {
      const s = await stage({}, { held: true });
      const run = await s.start(plan([node("a", [], { [deadline]: 60 })]));
      await settleTurns();
      expect(s.clock.pending).toBe(1);
      s.rig.pending[0]?.finish();
      await s.finish(run);
      expect(s.clock.pending).toBe(0);
    });
  }

  test("R26: a member of a group that expanded again is told that an attempt from before has not let go", async () => {
    const s = await stage({ a: { output: ["x"] }, g: "hang,ok" });
    const run = await s.start(
      plan([
        undoable("a"),
        node("p", [], { prohibitRollback: true }),
        node("g", ["a", "p"], { timeout: 1, split: { over: "nodes.a.output" } }),
      ]),
    );
    await s.clock.elapse(10_000);
    await run.rollback({ to: "barrier" });
    expect((await s.finish(run)).status).toBe("PARTIALLY_ROLLED_BACK");
    await run.retry();
    expect((await s.finish(run)).status).toBe("SUCCESSFUL");
    const members = s.rig.contexts.filter((ctx) => ctx.nodeId === "g");
    expect(members.map((ctx) => ctx.previousStillRunning)).toEqual([false, true]);
  });
});

describe("compensate-first", () => {
  const retry = { maxAttempts: 2, initialInterval: 0, mode: "compensate-first" } as const;

  test("R37: a node whose compensation failed between two attempts is undone first when it is retried", async () => {
    const s = await stage({ a: { run: "fail,ok", undo: "fatal,ok" } });
    const run = await s.start(plan([undoable("a", [], { retry })]));
    expect(statuses(await s.finish(run))).toEqual({ a: "COMPENSATION_FAILED" });
    await run.retry({ node: "a" });
    expect(await s.finish(run)).toMatchObject({ status: "SUCCESSFUL", fault: null });
    expect([s.rig.started(), s.rig.undone()]).toEqual([
      ["a", "a"],
      ["a", "a"],
    ]);
  });

  test("R37: a retried node whose compensation failed between two attempts gets its attempts anew", async () => {
    const s = await stage({ a: { run: "fail,fail,ok", undo: "fatal,ok" } });
    const run = await s.start(plan([undoable("a", [], { retry })]));
    await s.finish(run);
    await run.retry({ node: "a" });
    expect((await s.finish(run)).status).toBe("SUCCESSFUL");
    expect(s.rig.started()).toEqual(["a", "a", "a"]);
  });

  test("R26: totalTimeout passes while the node is undone between two attempts: no attempt follows", async () => {
    const s = await stage({ a: { run: "fail,hang", undo: "hang" } });
    const run = await s.start(plan([undoable("a", [], { totalTimeout: 10, retry })]));
    await s.clock.elapse(20_000);
    s.rig.pending[0]?.finish();
    await s.clock.elapse(60_000);
    const snapshot = await s.finish(run);
    expect(nodeOf(snapshot, "a")).toMatchObject({ status: "FAILED", error: { code: "TOTAL_TIMEOUT" } });
    expect(s.rig.started()).toEqual(["a"]);
  });

  test("R26: a retried node whose compensation failed between two attempts has its totalTimeout anew", async () => {
    const s = await stage({ a: { run: "fail,obey", undo: "fatal,ok" } });
    const run = await s.start(plan([undoable("a", [], { totalTimeout: 60, retry })]));
    await s.clock.elapse(120_000);
    await run.retry({ node: "a" });
    await s.clock.elapse(59_000);
    expect(run.snapshot().status).toBe("RUNNING");
    await s.clock.elapse(1_000);
    expect(nodeOf(await s.finish(run), "a").error?.code).toBe("TOTAL_TIMEOUT");
  });
});

describe("verbs and states", () => {
  test("R37: a paused run is not given up while an attempt runs", async () => {
    const s = await stage({}, { held: true });
    const run = await s.start(plan([node("a"), node("b", ["a"])]));
    await settleTurns();
    await run.pause();
    await refused(run.abandon(), "STATE_INVALID");
    s.rig.pending[0]?.finish();
    await settleTurns();
    expect((await run.abandon()).status).toBe("ABANDONED");
  });

  test("R51: a run goes only where the table says; nothing leaves a terminal state", () => {
    const listed = new Set(RUN_TRANSITIONS.map(([from, to]) => `${from} ${to}`));
    for (const from of RUN_STATUSES) {
      for (const to of RUN_STATUSES) expect(runMayGo(from, to), `${from} ${to}`).toBe(listed.has(`${from} ${to}`));
    }
    const ends = RUN_STATUSES.filter((from) => !RUN_STATUSES.some((to) => runMayGo(from, to)));
    expect(RUN_STATUSES.filter(isTerminal)).toEqual(ends);
    expect(ends).toEqual(["SUCCESSFUL", "ROLLED_BACK", "ABANDONED"]);
  });
});

describe("R41: the engine's own limit", () => {
  test("R41: compensations take slots like attempts", async () => {
    const s = await stage({ a: { undo: "hang" }, b: { undo: "hang" }, c: "fail" }, { engine: { concurrency: 1 } });
    const run = await s.start(plan([undoable("a"), undoable("b"), node("c", ["a", "b"])]));
    await s.finish(run);
    await run.rollback();
    await settleTurns();
    expect(s.rig.undone()).toEqual(["b"]);
  });

  test("R41: it holds over all runs, however often they take and give back", async () => {
    const s = await stage({}, { held: true, engine: { concurrency: 2 } });
    const document = plan([node("a"), node("b", ["a"]), node("c", ["b"])]);
    for (let started = 0; started < 3; started++) await s.start(document);
    await settleTurns();
    for (let ended = 0; ended < 9; ended++) {
      expect(s.rig.pending).toHaveLength(Math.min(2, 9 - ended));
      s.rig.pending[0]?.finish();
      await settleTurns();
    }
    expect(s.engine.runs().map((run) => run.snapshot().status)).toEqual(["SUCCESSFUL", "SUCCESSFUL", "SUCCESSFUL"]);
  });
});

describe("failures", () => {
  for (const trigger of ["all_failed", "any_failed", "all_finished"] as const) {
    test(`R14: a reaction with ${trigger} starts although a failure holds everything else`, async () => {
      const s = await stage({ a: "fail" });
      const run = await s.start(plan([node("a"), node("react", ["a"], { trigger }), node("rest", ["react"])]));
      expect(statuses(await s.finish(run))).toEqual({ a: "FAILED", react: "SUCCESSFUL", rest: "PENDING" });
    });
  }
});

describe("events", () => {
  test("R31: node:compensating is told for each attempt of a compensation, before its end", async () => {
    const s = await stage({ a: { undo: "fail,ok" }, b: "fail" });
    const compensation = { action: "undo", retry: { maxAttempts: 2, initialInterval: 0 } };
    const run = await s.start(plan([node("a", [], { compensation }), node("b", ["a"])]));
    await s.finish(run);
    await run.rollback();
    await s.finish(run);
    const events = s.rig.trace.flatMap((entry) => (entry.kind === "event" ? [entry.event.type] : []));
    expect(events.filter((type) => type.startsWith("node:compensat"))).toEqual([
      "node:compensating",
      "node:compensation-retrying",
      "node:compensating",
      "node:compensated",
    ]);
  });
});

describe("snapshots", () => {
  test("R31: a compensation that is tried again has no finishTime while it runs", async () => {
    const s = await stage({ a: { run: "fail", undo: "fail,hang" } });
    const compensation = { action: "undo", retry: { maxAttempts: 2, initialInterval: 1 } };
    const run = await s.start(plan([node("a", [], { compensation })]));
    await s.finish(run);
    await run.rollback();
    await settleTurns();
    expect(nodeOf(run.snapshot(), "a").compensation?.finishTime).toBeTypeOf("string");
    await s.clock.elapse(1_000);
    expect(nodeOf(run.snapshot(), "a").compensation).toMatchObject({ runTime: 2, finishTime: null });
  });

  test("R22: members of a chained group are each other's neighbours, its ends those of the nodes around it", async () => {
    const s = await stage();
    const run = await s.start(
      plan([node("a"), node("g", ["a"], { split: { over: "params.hosts", method: "SERIAL" } }), node("b", ["g"])], {
        params,
      }),
      hosts,
    );
    const snapshot = await s.finish(run);
    expect(snapshot.nodes.map(({ id, upstreams, downstreams }) => [id, upstreams, downstreams])).toEqual([
      ["a", [], ["g[0]"]],
      ["g[0]", ["a"], ["g[1]"]],
      ["g[1]", ["g[0]"], ["g[2]"]],
      ["g[2]", ["g[1]"], ["b"]],
      ["b", ["g[2]"], []],
    ]);
  });

  test("R22: the neighbours of a PARALLEL group see all its members", async () => {
    const s = await stage();
    const document = plan([node("a"), node("g", ["a"], { split: { over: "params.hosts" } }), node("b", ["g"])], {
      params,
    });
    const snapshot = await s.finish(await s.start(document, hosts));
    const members = ["g[0]", "g[1]", "g[2]"];
    expect(nodeOf(snapshot, "a").downstreams).toEqual(members);
    expect(nodeOf(snapshot, "b").upstreams).toEqual(members);
    for (const member of members)
      expect(nodeOf(snapshot, member)).toMatchObject({ upstreams: ["a"], downstreams: ["b"] });
  });

  test("R23: snapshots follow a group that gets other members, and one that was taken before does not", async () => {
    const lists = [["x", "y"], ["z"]];
    const s = await stage({ z: "fail,ok" }, { extra: { list: async () => lists.shift() as string[] } });
    const run = await s.start(
      plan([
        node("p", [], { prohibitRollback: true }),
        undoable("a", ["p"], { action: "list" }),
        node("g", ["a"], { split: { over: "nodes.a.output" } }),
        node("z", ["g"]),
      ]),
    );
    const neighbours = ({ nodes }: RunSnapshot): string[] =>
      nodes.slice(1).map(({ id, upstreams, downstreams }) => `${upstreams} > ${id} > ${downstreams}`);
    const declared = run.snapshot();
    const two = await s.rest(run);
    await run.rollback({ to: "barrier" });
    await s.rest(run);
    await run.retry();
    const one = await s.rest(run);
    expect(neighbours(declared)).toEqual(["p > a > g", "a > g > z", "g > z > "]);
    expect(neighbours(two)).toEqual(["p > a > g[0],g[1]", "a > g[0] > z", "a > g[1] > z", "g[0],g[1] > z > "]);
    expect(neighbours(one)).toEqual(["p > a > g[0]", "a > g[0] > z", "g[0] > z > "]);
    expect(nodeOf(one, "g[0]")).toMatchObject({ item: "z", runTime: 2 });
    expect(() => (nodeOf(one, "z").upstreams as string[]).push("a")).toThrow(TypeError);
  });
});
