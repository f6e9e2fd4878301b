import { NonRetryable } from "@belay/engine";
import { describe, expect, test } from "vitest";
import { node, nodeOf, plan, stage, told, undoable } from "./stage.ts";

describe("R25: attempts", () => {
  test("R25: maxAttempts = 3 means exactly three attempts, then FAILED, numbered from 1", async () => {
    const s = await stage({ a: "fail" });
    const run = await s.start(plan([node("a", [], { retry: { maxAttempts: 3 } })]));
    await s.clock.elapse(600_000);
    const snapshot = await s.finish(run);
    expect(s.rig.contexts.map((ctx) => ctx.attempt)).toEqual([1, 2, 3]);
    expect(nodeOf(snapshot, "a")).toMatchObject({ status: "FAILED", runTime: 3 });
  });

  test("R25: without retry there is one attempt, and runTime reads 1 before and after it", async () => {
    const s = await stage({ a: "fail" });
    const run = await s.start(plan([node("a"), node("b", ["a"])]));
    const snapshot = await s.finish(run);
    expect(nodeOf(snapshot, "a").runTime).toBe(1);
    expect(nodeOf(snapshot, "b").runTime).toBe(1);
    expect(s.rig.started()).toEqual(["a"]);
  });

  test("R25: backoff is initialInterval x coefficient^n, bounded by maxInterval, and no attempt starts early", async () => {
    const s = await stage({ a: "fail" });
    const retry = { maxAttempts: 5, initialInterval: 2, backoffCoefficient: 3, maxInterval: 20 };
    const run = await s.start(plan([node("a", [], { retry })]));
    const expected = [2_000, 6_000, 18_000, 20_000];
    for (const [index, delay] of expected.entries()) {
      await s.clock.elapse(delay - 1);
      expect(s.rig.started()).toHaveLength(index + 1);
      await s.clock.elapse(1);
      expect(s.rig.started()).toHaveLength(index + 2);
    }
    await s.finish(run);
    expect(told(s, "node:retrying").map((event) => event["delayMs"])).toEqual(expected);
  });

  test("R50: full jitter is drawn from the run's seed: the same seed gives the same delays, within bounds", async () => {
    const delays = async (seed: number): Promise<unknown[]> => {
      const s = await stage({ a: "fail", b: "fail" });
      const retry = { maxAttempts: 4, initialInterval: 10, jitter: "full" } as const;
      const run = await s.start(
        plan([node("a", [], { retry }), node("b", [], { retry })], { failureMode: "continue" }),
        { seed },
      );
      await s.clock.elapse(1_000_000);
      await s.finish(run);
      return told(s, "node:retrying").map((event) => [event["nodeId"], event["attempt"], event["delayMs"]]);
    };
    const first = await delays(42);
    expect(await delays(42)).toEqual(first);
    expect(await delays(43)).not.toEqual(first);
    for (const [, attempt, delay] of first as [string, number, number][]) {
      expect(delay).toBeGreaterThanOrEqual(0);
      expect(delay).toBeLessThanOrEqual(10_000 * 2 ** (attempt - 1));
    }
    expect(new Set((first as [string, number, number][]).map(([, , delay]) => delay)).size).toBe(first.length);
  });

  test("R25: NonRetryable and codes in nonRetryable end the attempts at once", async () => {
    const s = await stage(
      { a: "fatal" },
      {
        extra: {
          coded: () => {
            throw Object.assign(new Error("gone"), { code: "E_GONE" });
          },
        },
      },
    );
    const retry = { maxAttempts: 5, nonRetryable: ["E_GONE"] };
    const run = await s.start(
      plan([node("a", [], { retry }), node("b", [], { retry, action: "coded" })], { failureMode: "continue" }),
    );
    const snapshot = await s.rest(run);
    expect(nodeOf(snapshot, "a")).toMatchObject({ runTime: 1, error: { code: "E_FATAL", retryable: false } });
    expect(nodeOf(snapshot, "b")).toMatchObject({ runTime: 1, error: { code: "E_GONE", retryable: false } });
  });

  test("R25, R31: nonRetryable of a node is not its compensation's, which has codes of its own", async () => {
    const gone = (): never => {
      throw Object.assign(new Error("gone"), { code: "E_GONE" });
    };
    const s = await stage({ z: "fatal" }, { extra: { gone } });
    const twice = { maxAttempts: 2, initialInterval: 0 };
    const coded = { ...twice, nonRetryable: ["E_GONE"] };
    const run = await s.start(
      plan([
        node("a", [], { retry: coded, compensation: { action: "gone", retry: twice } }),
        node("b", [], { retry: twice, compensation: { action: "gone", retry: coded } }),
        node("z", ["a", "b"]),
      ]),
    );
    await s.rest(run);
    await run.rollback();
    const snapshot = await s.rest(run);
    expect(snapshot.status).toBe("ROLLBACK_FAILED");
    expect(snapshot.nodes.map(({ compensation }) => compensation?.runTime ?? 0)).toEqual([2, 1, 0]);
  });

  test("R25: compensate-first undoes the node before each further attempt", async () => {
    const s = await stage({ a: "fail,fail,ok" });
    const run = await s.start(plan([undoable("a", [], { retry: { maxAttempts: 3, mode: "compensate-first" } })]));
    await s.clock.elapse(60_000);
    expect((await s.finish(run)).status).toBe("SUCCESSFUL");
    const calls = s.rig.trace.flatMap((entry) => (entry.kind === "start" || entry.kind === "undo" ? [entry.kind] : []));
    expect(calls).toEqual(["start", "undo", "start", "undo", "start"]);
  });

  test("R43: every attempt has an idempotency key of its own, compensations too", async () => {
    const s = await stage({ a: "fail", b: { undo: "fail,ok" } });
    const run = await s.start(
      plan([
        undoable("b", [], { compensation: { action: "undo", retry: { maxAttempts: 2 } } }),
        undoable("a", ["b"], { retry: { maxAttempts: 2 } }),
      ]),
    );
    await s.clock.elapse(60_000);
    await s.finish(run);
    await run.rollback();
    await s.clock.elapse(60_000);
    expect((await s.finish(run)).status).toBe("ROLLED_BACK");
    const keys = s.rig.contexts.map((ctx) => ctx.idempotencyKey);
    expect(keys).toHaveLength(6);
    expect(new Set(keys).size).toBe(6);
  });
});

describe("R27: how an attempt ends", () => {
  test.each([
    { thrown: "text", message: "text" },
    { thrown: undefined, message: "undefined" },
    { thrown: null, message: "null" },
    { thrown: { code: "E_X", message: "an object" }, message: "an object" },
  ])("R27: whatever is thrown becomes a NodeFailure: $thrown", async ({ thrown, message }) => {
    const s = await stage({}, { extra: { odd: () => Promise.reject(thrown) } });
    const run = await s.start(plan([node("a", [], { action: "odd" })]));
    const { error } = nodeOf(await s.rest(run), "a");
    expect(error?.message).toContain(message);
    expect(typeof error?.code).toBe("string");
    expect(() => JSON.stringify(error)).not.toThrow();
  });

  test("R27: the thrown error's code and details are kept", async () => {
    const s = await stage(
      {},
      {
        extra: {
          odd: () => {
            throw new NonRetryable("no", { code: "E_NO", details: { lag: 3 } });
          },
        },
      },
    );
    const run = await s.start(plan([node("a", [], { action: "odd" })]));
    expect(nodeOf(await s.rest(run), "a").error).toEqual({
      code: "E_NO",
      message: "no",
      retryable: false,
      details: { lag: 3 },
    });
  });

  test("R27: an action that throws before it returns a promise fails like any other", async () => {
    const s = await stage(
      {},
      {
        extra: {
          sync: () => {
            throw new Error("at once");
          },
        },
      },
    );
    const run = await s.start(plan([node("a", [], { action: "sync" })]));
    expect(nodeOf(await s.rest(run), "a").error).toMatchObject({ code: "ERROR", message: "at once" });
  });

  test.each([
    { what: "a function", output: () => 1 },
    { what: "a BigInt", output: 1n },
    { what: "a cycle", output: cycle() },
  ])("R27: an output that is no JSON value fails the node with OUTPUT_INVALID: $what", async ({ output }) => {
    const s = await stage({}, { extra: { odd: () => output } });
    const run = await s.start(plan([node("a", [], { action: "odd", retry: { maxAttempts: 3 } })]));
    expect(nodeOf(await s.rest(run), "a")).toMatchObject({
      status: "FAILED",
      runTime: 1,
      error: { code: "OUTPUT_INVALID", retryable: false },
    });
  });

  test("R27: input and output schemas are checked, and a mismatch is not retried", async () => {
    let calls = 0;
    const s = await stage(
      {},
      {
        extra: {
          strictIn: { input: onlyNumbers, run: () => ++calls },
          strictOut: { output: onlyNumbers, run: () => "text" as never },
        },
      },
    );
    const retry = { maxAttempts: 3 };
    const document = plan(
      [
        node("a", [], { action: "strictIn", with: "text", retry }),
        node("b", [], { action: "strictOut", retry }),
        node("c", [], { action: "strictIn", with: 4 }),
      ],
      { failureMode: "continue" },
    );
    const snapshot = await s.rest(await s.start(document));
    expect(nodeOf(snapshot, "a")).toMatchObject({
      status: "FAILED",
      runTime: 1,
      error: { code: "INPUT_INVALID", retryable: false },
    });
    expect(nodeOf(snapshot, "b")).toMatchObject({
      status: "FAILED",
      runTime: 1,
      error: { code: "OUTPUT_INVALID", retryable: false },
    });
    expect(nodeOf(snapshot, "c")).toMatchObject({ status: "SUCCESSFUL", output: 1 });
  });
});

describe("R28: a retry starts from the same input", () => {
  test("R28: what a failed attempt did to its input, params and output of others is not visible to the next", async () => {
    const seen: unknown[] = [];
    let attempts = 0;
    const spoil = (ctx: { input: { list: number[] }; params: { hosts: string[] } }): number => {
      seen.push(structuredClone([ctx.input, ctx.params]));
      try {
        ctx.input.list.push(99);
        ctx.params.hosts.push("bad");
      } catch {
        // Frozen is as good as fresh.
      }
      attempts += 1;
      if (attempts === 1) throw new Error("again");
      return attempts;
    };
    const s = await stage({}, { extra: { spoil: spoil as never } });
    const document = plan([node("a", [], { action: "spoil", with: { list: [1] }, retry: { maxAttempts: 2 } })], {
      params: { type: "object", properties: { hosts: { type: "array" } } },
    });
    const run = await s.start(document, { params: { hosts: ["x"] } });
    await s.clock.elapse(60_000);
    expect((await s.rest(run)).status).toBe("SUCCESSFUL");
    expect(seen).toEqual([
      [{ list: [1] }, { hosts: ["x"] }],
      [{ list: [1] }, { hosts: ["x"] }],
    ]);
  });

  test("R28: an action that keeps its returned object cannot change the output afterwards", async () => {
    const kept = { value: 1 };
    const s = await stage({}, { extra: { keep: () => kept } });
    const run = await s.start(
      plan([node("a", [], { action: "keep" }), node("b", ["a"], { with: { $cel: "nodes.a.output.value" } })]),
    );
    run.on("node:succeeded", () => {
      kept.value = 2;
    });
    const snapshot = await s.rest(run);
    expect(nodeOf(snapshot, "a").output).toEqual({ value: 1 });
    expect(s.rig.contexts[0]?.input).toBe(1);
  });

  test("a log line of an action is told with its node and attempt", async () => {
    const s = await stage({}, { extra: { chatty: (ctx) => ctx.log("half way", { percent: 50 }) } });
    const run = await s.start(plan([node("a", [], { action: "chatty" })]));
    await s.rest(run);
    expect(told(s, "node:log")).toMatchObject([
      { nodeId: "a", attempt: 1, message: "half way", details: { percent: 50 } },
    ]);
  });
});

function cycle(): object {
  const self: { self?: object } = {};
  self.self = self;
  return self;
}

const onlyNumbers = {
  "~standard": {
    version: 1,
    vendor: "test",
    validate: (value: unknown) => (typeof value === "number" ? { value } : { issues: [{ message: "not a number" }] }),
  },
} as const;
