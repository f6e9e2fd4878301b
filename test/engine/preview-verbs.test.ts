/** R38, verb by verb: pause, resume, cancel, approve, reject, signal, abandon; what is no request. */
import { MemoryJournal, type Preview, type VerbRequest } from "@belay/engine";
import { settleTurns } from "@belay/engine/testing";
import { describe, expect, test } from "vitest";
import { life } from "./second-life.ts";
import { node, plan, refused, type Stage, stage, undoable } from "./stage.ts";

const ids = (list: Preview["run"]): string[] => list.map((step) => step.node);

async function close(s: Stage): Promise<void> {
  const closing = s.engine.close();
  for (const call of [...s.rig.pending]) call.finish();
  await closing;
}

describe("R38: pause and resume", () => {
  test("R37, R38: what runs finishes, what would follow is READY until the resume", async () => {
    const s = await stage({ r: "fail" }, { held: true });
    const run = await s.start(
      plan([
        node("a"),
        node("b", ["a"]),
        node("r", [], { retry: { maxAttempts: 2, initialInterval: 9 } }),
        node("c", ["b"]),
      ]),
    );
    await settleTurns();
    s.rig.pending.find((call) => call.node === "r")?.finish();
    await settleTurns();
    const pause = run.preview({ verb: "pause" });
    expect(pause).toMatchObject({ status: "PAUSED", finalStatus: "PAUSED", run: [], abort: [], finish: ["a"] });
    expect(pause.afterResume).toEqual(["b", "r"]);
    await run.pause();
    const resume = run.preview({ verb: "resume" });
    expect(resume).toMatchObject({ status: "RUNNING", finalStatus: "SUCCESSFUL", afterResume: [], finish: ["a"] });
    expect(resume.run).toEqual([
      { node: "r", action: "do", attempt: 2, wave: 2 },
      { node: "b", action: "do", attempt: 1, wave: 2 },
      { node: "c", action: "do", attempt: 1, wave: 3 },
    ]);
    expect(run.preview({ verb: "retry", node: "r" }).refused?.code).toBe("STATE_INVALID");
    await close(s);
  });

  test("R25, R32, R38: a compensation between two attempts, or between two of its own, waits for the resume too", async () => {
    const s = await stage({ a: { run: "fail,ok", undo: "fail,ok" } });
    const run = await s.start(
      plan([
        undoable("a", [], {
          retry: { maxAttempts: 2, mode: "compensate-first", initialInterval: 1 },
          compensation: { action: "undo", retry: { maxAttempts: 2, initialInterval: 9 } },
        }),
      ]),
    );
    await settleTurns();
    expect(run.preview({ verb: "pause" })).toMatchObject({ finalStatus: "PAUSED", finish: [], afterResume: ["a"] });
    await run.pause();
    const preview = run.preview({ verb: "resume" });
    expect(preview.compensate).toEqual([{ node: "a", action: "undo", attempt: 2, wave: 2, outcome: "failed" }]);
    // Two backoffs count like calls: they take time.
    expect(preview.run).toEqual([{ node: "a", action: "do", attempt: 2, wave: 4 }]);
    await close(s);
  });

  test("R26, R38: a compensation that is out of time already fails, and with it its node", async () => {
    const s = await stage({ a: { run: "fail,ok", undo: "hang" } });
    const run = await s.start(
      plan([
        undoable("a", [], {
          retry: { maxAttempts: 2, mode: "compensate-first" },
          compensation: { action: "undo", timeout: 1 },
        }),
        node("b"),
      ]),
    );
    await s.clock.elapse(1_000);
    expect(run.preview({ verb: "pause" })).toMatchObject({ finalStatus: "FAILED", finish: [], fail: ["a"], run: [] });
    await close(s);
  });

  test("R37, R38: a retry in a paused run makes the node READY and starts nothing", async () => {
    const s = await stage({ b: "fail" }, { held: true });
    const run = await s.start(plan([node("a"), node("b")], { failureMode: "continue" }));
    await settleTurns();
    await run.pause();
    s.rig.pending[1]?.finish();
    await settleTurns();
    const preview = run.preview({ verb: "retry", node: "b" });
    expect(preview).toMatchObject({ finalStatus: "PAUSED", run: [], afterResume: ["b"], finish: ["a"] });
    await close(s);
  });
});

describe("R38: cancel", () => {
  test("R26, R38: the run: what is in flight is aborted, and nothing is undone", async () => {
    const s = await stage({}, { held: true });
    const run = await s.start(plan([undoable("a"), node("b", ["a"]), undoable("c")]));
    await settleTurns();
    const preview = run.preview({ verb: "cancel" });
    expect(preview).toMatchObject({
      status: "RUNNING",
      finalStatus: "CANCELED",
      abort: ["a", "c"],
      fail: ["a", "c"],
      finish: [],
      run: [],
      compensate: [],
    });
    await run.cancel();
    expect(run.preview({ verb: "cancel" }).refused?.message).toContain("until run");
    await close(s);
  });

  test("R14, R38: one node: its failure aborts the others with kill, and lets a reaction start", async () => {
    const s = await stage({}, { held: true });
    const run = await s.start(
      plan([node("a"), node("b"), node("x", ["a"]), node("r", ["a", "b"], { trigger: "any_failed" })], {
        failureMode: "kill",
      }),
    );
    await settleTurns();
    const preview = run.preview({ verb: "cancel", node: "a" });
    expect(preview).toMatchObject({ abort: ["a", "b"], fail: ["a", "b"], finish: [], finalStatus: "FAILED" });
    expect(preview.run).toEqual([{ node: "r", action: "do", attempt: 1, wave: 2 }]);
    await close(s);
  });

  test("R14, R38: what is aborted ends first: its failure holds what the others would have let start", async () => {
    const s = await stage({}, { held: true });
    const run = await s.start(plan([node("a"), node("b", ["a"]), node("c")]));
    await settleTurns();
    const preview = run.preview({ verb: "cancel", node: "c" });
    expect(preview).toMatchObject({ abort: ["c"], finish: ["a"], run: [], finalStatus: "FAILED" });
    await close(s);
  });

  test("R34, R38: a failure that rolls the plan back says what would be undone", async () => {
    const s = await stage({}, { held: true });
    const run = await s.start(
      plan([undoable("a"), undoable("b", ["a"]), node("p", ["a"], { prohibitRollback: true })], {
        onFailure: "rollback",
      }),
    );
    await settleTurns();
    s.rig.pending[0]?.finish();
    await settleTurns();
    const preview = run.preview({ verb: "cancel", node: "b" });
    expect(preview).toMatchObject({
      status: "RUNNING",
      finalStatus: "PARTIALLY_ROLLED_BACK",
      abort: ["b"],
      finish: ["p"],
    });
    expect(preview.compensate).toEqual([{ node: "b", action: "undo", attempt: 1, wave: 2, outcome: "unknown" }]);
    expect(preview.leave.map((left) => left.reason)).toEqual(["above-point-of-no-return", "point-of-no-return"]);
    await close(s);
  });

  test("R26, R38: what was asked to let go before is neither aborted nor goes on", async () => {
    const s = await stage({ a: "hang" });
    const run = await s.start(plan([node("a", [], { timeout: 1, retry: { maxAttempts: 2 } }), node("b", ["a"])]));
    await s.clock.elapse(1_000);
    const preview = run.preview({ verb: "pause" });
    expect(preview).toMatchObject({ finish: [], abort: [], afterResume: ["a"], finalStatus: "PAUSED" });
    const canceled = run.preview({ verb: "cancel", node: "a" });
    expect(canceled).toMatchObject({ abort: [], fail: ["a"], run: [], finalStatus: "FAILED" });
    await close(s);
  });
});

describe("R38: words of people", () => {
  const approval = plan([
    undoable("a"),
    node("ask", ["a"], { action: "belay.approval", with: { approvers: ["ann", "bob"], required: 2 } }),
    node("p", ["ask"], { prohibitRollback: true }),
    node("sign", ["ask"], { action: "belay.signal" }),
  ]);

  test("R37, R38: an approval that is not enough lets nothing start yet; the last one does", async () => {
    const s = await stage();
    const run = await s.start(approval);
    await settleTurns();
    const first = run.preview({ verb: "approve", node: "ask", who: "ann" });
    expect(first).toMatchObject({ status: "RUNNING", finish: ["ask"], awaits: ["ask", "sign"], crosses: ["p"] });
    expect(ids(first.run)).toEqual(["p", "sign"]);
    expect(first.run[0]?.wave).toBe(2);
    await run.approve("ask", { who: "ann" });
    const last = run.preview({ verb: "approve", node: "ask", who: "bob" });
    expect(last).toMatchObject({ finish: [], awaits: ["sign"], finalStatus: "SUCCESSFUL" });
    expect(last.run[0]).toEqual({ node: "p", action: "do", attempt: 1, wave: 1 });
    for (const [who, code] of [
      ["ann", "STATE_INVALID"],
      ["eve", "FORBIDDEN"],
      ["", "INVALID_ARGUMENT"],
    ] as const) {
      const { message, details } = await refused(run.approve("ask", { who }), code);
      expect(run.preview({ verb: "approve", node: "ask", who }).refused).toEqual({ code, message, details });
    }
    await close(s);
  });

  test("R34, R37, R38: a rejection fails the node, and rolls back a plan that says so", async () => {
    const s = await stage();
    const run = await s.start({ ...approval, onFailure: "rollback", locks: ["db-1"] });
    await settleTurns();
    const preview = run.preview({ verb: "reject", node: "ask", who: "ann", why: "not today" });
    expect(preview).toMatchObject({ status: "ROLLING_BACK", finalStatus: "ROLLED_BACK", fail: ["ask"], finish: [] });
    expect(ids(preview.compensate)).toEqual(["a"]);
    expect(preview.locksReleased).toEqual(["db-1"]);
    await close(s);
  });

  test("R2, R38: a word that a rollback's teardown waits for ends the rollback: what it left is told", async () => {
    const s = await stage({ b: "fail" });
    const run = await s.start(
      plan([node("a"), undoable("b", ["a"]), node("t", [], { action: "belay.approval", always: { for: ["b"] } })]),
    );
    await s.rest(run);
    await run.rollback();
    await settleTurns();
    const preview = run.preview({ verb: "approve", node: "t", who: "ann" });
    expect(preview).toMatchObject({ status: "ROLLED_BACK", finalStatus: "ROLLED_BACK", compensate: [], finish: [] });
    expect(preview.leave).toEqual([{ node: "a", reason: "no-compensation", outcome: "succeeded" }]);
    await close(s);
  });

  test("R37, R38: a signal brings an output, which is known then", async () => {
    const s = await stage();
    const run = await s.start(
      plan([node("sign", [], { action: "belay.signal" }), node("b", ["sign"], { when: "nodes.sign.output == 'go'" })]),
    );
    await settleTurns();
    expect(ids(run.preview({ verb: "signal", node: "sign", output: "go" }).run)).toEqual(["b"]);
    expect(run.preview({ verb: "signal", node: "sign", output: "no" }).skip).toEqual([
      { node: "b", reason: "condition" },
    ]);
    expect(run.preview({ verb: "pause" }).undecided.map((one) => one.node)).toEqual(["b"]);
    await close(s);
  });
});

describe("R38: abandon", () => {
  test("R37, R38: everything stays as it is, and the locks are free", async () => {
    const s = await stage({ c: "fail" });
    const run = await s.start(
      plan([undoable("a"), node("r", ["a"], { effect: "none" }), undoable("c", ["r"]), undoable("d", ["c"])], {
        locks: ["db-2", "db-1"],
      }),
    );
    await s.rest(run);
    const preview = run.preview({ verb: "abandon" });
    expect(preview).toMatchObject({ status: "ABANDONED", finalStatus: "ABANDONED", locksReleased: ["db-1", "db-2"] });
    expect(preview.leave).toEqual([
      { node: "a", reason: "abandoned", outcome: "succeeded" },
      { node: "c", reason: "abandoned", outcome: "failed" },
    ]);
    await run.rollback();
    await s.rest(run);
    expect(run.preview({ verb: "abandon" })).toMatchObject({ refused: { code: "STATE_INVALID" }, leave: [] });
  });
});

describe("R38: what is asked", () => {
  const asIs = (request: unknown): VerbRequest => request as VerbRequest;

  test.each([undefined, null, "rollback", {}, { verb: "start" }, { verb: "toString" }, { verb: 1 }])(
    "R38: %j is no request: a mistake of the caller, thrown",
    async (request) => {
      const s = await stage();
      const run = await s.start(plan([node("a")]));
      expect(() => run.preview(asIs(request))).toThrow(
        "preview takes a verb and its arguments: { verb }, one of retry,",
      );
      await s.rest(run);
    },
  );

  test("R37, R38: wrong arguments are refused as the verb refuses them", async () => {
    const s = await stage({ a: "fail" });
    const run = await s.start(plan([node("a")]));
    await s.rest(run);
    const wrong: [VerbRequest, (options: object) => Promise<unknown>][] = [
      [{ verb: "retry", node: "b" }, (options) => run.retry(options)],
      [asIs({ verb: "retry", nodes: "a" }), (options) => run.retry(options)],
      [asIs({ verb: "rollback", to: 5 }), (options) => run.rollback(options)],
      [{ verb: "rollback", to: "b" }, (options) => run.rollback(options)],
      [asIs({ verb: "pause", node: "a" }), (options) => run.pause(options)],
      [asIs({ verb: "cancel", why: 1 }), (options) => run.cancel(options)],
    ];
    for (const [request, verb] of wrong) {
      const { verb: _name, ...options } = request;
      const { code, message, details } = (await verb(options).catch(
        (error: unknown) => error,
      )) as Preview["refused"] & {};
      expect(run.preview(request).refused).toEqual({ code, message, details });
    }
    const big = 1n as unknown as string;
    const { message } = await refused(run.skip("a", { output: big }), "INVALID_ARGUMENT");
    expect(run.preview({ verb: "skip", node: "a", output: big }).refused?.message).toBe(message);
    await refused(run.skip(asIs(undefined) as unknown as string), "NOT_FOUND");
    expect(run.preview(asIs({ verb: "skip" })).refused?.code).toBe("NOT_FOUND");
  });

  test("R38: after the engine has closed every verb is refused, and the preview says so", async () => {
    const s = await stage({ a: "fail" });
    const run = await s.start(plan([node("a")]));
    await s.rest(run);
    await s.engine.close();
    const { code, message, details } = await refused(run.retry(), "CLOSED");
    expect(run.preview({ verb: "retry" }).refused).toEqual({ code, message, details });
  });

  test("R37, R38: a request id is not used up by a preview", async () => {
    const s = await stage({ a: "fail,ok" });
    const run = await s.start(plan([node("a")]));
    await s.rest(run);
    const request = { verb: "retry", requestId: "r-1", who: "ann", why: "again" } as const;
    expect(run.preview(request).refused).toBe(null);
    const { verb: _verb, ...options } = request;
    await run.retry(options);
    expect((await s.rest(run)).status).toBe("SUCCESSFUL");
    expect(run.preview(request).refused?.code).toBe("STATE_INVALID");
  });

  test("R38, R42: a run that was just taken up is previewed as it stands, what a crash left undecided is decided", async () => {
    const first = await life();
    await first.start(plan([node("a", [], { when: "true" }), node("b", [], { when: "false" }), node("c", ["a"])]), {
      runId: "r",
    });
    await settleTurns();
    const { engine, rig } = await stage({}, { engine: { journal: first.journal.afterCrash(1) } });
    const run = engine.run("r");
    expect(run?.preview({ verb: "pause" })).toMatchObject({
      finalStatus: "PAUSED",
      afterResume: ["a"],
      skip: [{ node: "b", reason: "condition" }],
    });
    expect(rig.started()).toEqual([]);
    await run?.pause();
    expect(ids(run?.preview({ verb: "resume" }).run ?? [])).toEqual(["a", "c"]);
    await first.engine.close();
    await engine.close();
  });

  test("R38: a listener may ask in the middle of things, and nothing of the run moves", async () => {
    const journal = new MemoryJournal();
    const s = await stage({}, { engine: { journal } });
    const run = await s.start(plan([undoable("a"), undoable("b", ["a"]), undoable("c", ["b"])]), { runId: "run" });
    const twin = await s.start(plan([undoable("a"), undoable("b", ["a"]), undoable("c", ["b"])]), { runId: "twin" });
    const seen: string[] = [];
    const look = (): void => {
      seen.push(run.preview({ verb: "pause" }).finish.join());
      for (const request of VERBS) run.preview(request);
    };
    run.on("node:started", look).on("node:succeeded", look).on("run:succeeded", look);
    await s.rest(run);
    await s.rest(twin);
    const records = (id: string): string => JSON.stringify(journal.read(id)?.records);
    expect(records("run")).toBe(records("twin"));
    expect(seen).toEqual(["a", "b", "b", "c", "c", "", ""]);
  });
});

const VERBS: readonly VerbRequest[] = [
  { verb: "cancel" },
  { verb: "cancel", node: "a" },
  { verb: "rollback" },
  { verb: "retry" },
  { verb: "abandon" },
];
