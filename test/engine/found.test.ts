/** Counterexamples that properties found, kept as examples, each under the rule it broke. */
import { settleTurns } from "@belay/engine/testing";
import { describe, expect, test } from "vitest";
import { node, nodeOf, plan, refused, stage, statuses, told, undoable } from "./stage.ts";

const params = {
  type: "object",
  properties: { hosts: { type: "array", items: { type: "string" } } },
  required: ["hosts"],
} as const;
const hosts = { params: { hosts: ["x", "y"] } };

describe("groups and going forward again", () => {
  test("R34: a group that was held half way goes on after a rollback to the barrier", async () => {
    const s = await stage({ b: "fail,ok" }, { held: true });
    const run = await s.start(
      plan(
        [
          node("p", [], { prohibitRollback: true }),
          node("g", [], { split: { over: "params.hosts", method: "SERIAL" } }),
          node("b"),
        ],
        { params },
      ),
      hosts,
    );
    await settleTurns();
    s.rig.pending.find((call) => call.node === "b")?.finish();
    await settleTurns();
    for (const call of [...s.rig.pending]) call.finish();
    expect(statuses(await s.finish(run))).toMatchObject({ "g[0]": "SUCCESSFUL", "g[1]": "PENDING", b: "FAILED" });
    await run.rollback({ to: "barrier" });
    await s.finish(run);
    await run.retry();
    await settleTurns();
    while (s.rig.pending.length > 0) {
      s.rig.pending[0]?.finish();
      await settleTurns();
    }
    expect((await s.finish(run)).status).toBe("SUCCESSFUL");
  });

  test("R25, R43: a group that expands again never repeats an attempt's number or its idempotency key", async () => {
    const s = await stage({ a: { output: ["x"] }, g: "fail,ok" });
    const run = await s.start(
      plan([
        undoable("a"),
        node("p", [], { prohibitRollback: true }),
        node("g", ["a", "p"], { split: { over: "nodes.a.output", method: "SERIAL" } }),
      ]),
    );
    await s.finish(run);
    await run.rollback({ to: "barrier" });
    await s.finish(run);
    await run.retry();
    expect((await s.finish(run)).status).toBe("SUCCESSFUL");
    const members = s.rig.contexts.filter((ctx) => ctx.nodeId === "g");
    expect(members.map((ctx) => ctx.attempt)).toEqual([1, 2]);
    expect(new Set(members.map((ctx) => ctx.idempotencyKey)).size).toBe(2);
  });

  test("R14: under no-new a retried group starts no new member after its retried member failed again", async () => {
    const s = await stage({ "g[0]": "fail" });
    const run = await s.start(
      plan([node("g", [], { split: { over: "params.hosts", maxConcurrency: 1 } })], { params }),
      hosts,
    );
    await s.finish(run);
    await run.retry();
    await s.finish(run);
    expect(s.rig.started()).toEqual(["g[0]", "g[0]"]);
  });

  test("R14: under kill no further candidate of a retried group starts once another node has failed", async () => {
    const s = await stage({ "g[0]": "fail,obey", "g[1]": "fail,ok", b: "obey,fail" }, { held: true });
    const group = node("g", [], { split: { over: "params.hosts", method: "FIRST_SUCCESS" } });
    const run = await s.start(plan([group, node("b")], { params, failureMode: "kill" }), hosts);
    for (const candidate of ["g[0]", "g[1]"]) {
      await settleTurns();
      s.rig.pending.find((call) => call.node === candidate)?.finish();
    }
    expect((await s.finish(run)).status).toBe("FAILED");
    await run.retry();
    await settleTurns();
    s.rig.pending.find((call) => call.node === "b")?.finish();
    expect((await s.finish(run)).status).toBe("FAILED");
    expect(s.rig.started()).toEqual(["g[0]", "b", "g[1]", "g[0]", "b"]);
  });

  test("R30: a member that started in an earlier round and is superseded now keeps its start time", async () => {
    const s = await stage({ "g[0]": "fail,ok", "g[1]": "fail" });
    const run = await s.start(
      plan([node("g", [], { split: { over: "params.hosts", method: "FIRST_SUCCESS" } })], { params }),
      hosts,
    );
    await s.finish(run);
    await run.retry();
    const member = nodeOf(await s.rest(run), "g[1]");
    expect(member).toMatchObject({ status: "SKIPPED", skipReason: "superseded" });
    expect(member.started).toBe(member.startTime !== null);
  });
});

describe("retry of all failed nodes", () => {
  test("R12: a failed reaction does not start while the upstream that is retried with it runs", async () => {
    const s = await stage({ a: "fail,ok", react: "fail" });
    const run = await s.start(plan([node("a"), node("react", ["a"], { trigger: "any_failed" })]));
    await s.finish(run);
    await run.retry();
    await s.finish(run);
    expect(s.rig.started()).toEqual(["a", "react", "a"]);
  });

  test("R14: a tolerated failure is not retried: the plan has gone on", async () => {
    const s = await stage({ a: "fail", b: "fail,ok" });
    const run = await s.start(plan([node("a", [], { onFailure: "continue" }), node("b", ["a"])]));
    await s.finish(run);
    await run.retry();
    expect((await s.finish(run)).status).toBe("SUCCESSFUL");
    expect(s.rig.started()).toEqual(["a", "b", "b"]);
  });

  test("R37: listeners are told that the run goes forward before what becomes ready by it", async () => {
    const s = await stage({ a: "fail,ok" });
    const run = await s.start(plan([node("a")]));
    await s.finish(run);
    await run.retry();
    await s.finish(run);
    const events = s.rig.trace.flatMap((entry) => (entry.kind === "event" ? [entry.event.type] : []));
    expect(events.slice(events.indexOf("run:retrying"))).toEqual([
      "run:retrying",
      "node:reset",
      "node:ready",
      "node:started",
      "node:succeeded",
      "run:succeeded",
    ]);
  });
});

describe("what listeners and snapshots say", () => {
  test("R27: a group whose candidates all failed has failed, not ended unknown", async () => {
    const s = await stage({ g: "fail" });
    const run = await s.start(
      plan([node("g", [], { split: { over: "params.hosts", method: "FIRST_SUCCESS" } })], { params }),
      hosts,
    );
    await s.finish(run);
    expect(told(s, "node:failed").find((event) => event["nodeId"] === "g")).toMatchObject({ outcome: "failed" });
  });

  test("R26: an action that obeys its signal is not told as late: its attempt had not ended", async () => {
    const s = await stage({ a: "obey" });
    const run = await s.start(plan([node("a", [], { timeout: 1 })]));
    await s.clock.elapse(1_000);
    await s.finish(run);
    expect(told(s, "node:late")).toEqual([]);
  });

  test("R51: verbs in the tick in which start resolves are decided like any other", async () => {
    const s = await stage();
    const run = await s.start(plan([node("a")]));
    await refused(run.resume(), "STATE_INVALID");
    expect(run.snapshot().fault).toBeNull();
    expect((await s.finish(run)).status).toBe("SUCCESSFUL");
  });

  test("R37: cancel and pause in the tick in which start resolves start nothing", async () => {
    const s = await stage();
    const canceled = await s.start(plan([node("a")]));
    await canceled.cancel();
    expect((await s.rest(canceled)).status).toBe("CANCELED");
    const paused = await s.start(plan([node("b")]));
    await paused.pause();
    await settleTurns();
    expect(s.rig.started()).toEqual([]);
  });
});
