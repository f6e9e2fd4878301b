import { heldAction, settleTurns } from "@belay/engine/testing";
import { describe, expect, test } from "vitest";
import { node, nodeOf, plan, stage, statuses } from "./stage.ts";

describe("R10: edges", () => {
  test("R10: a node never starts before every upstream succeeded", async () => {
    const s = await stage({}, { held: true });
    const run = await s.start(plan([node("a"), node("b"), node("c", ["a", "b"])]));
    await settleTurns();
    expect(s.rig.started()).toEqual(["a", "b"]);
    s.rig.pending[1]?.finish();
    await settleTurns();
    expect(s.rig.started()).toEqual(["a", "b"]);
    s.rig.pending[0]?.finish();
    await settleTurns();
    expect(s.rig.started()).toEqual(["a", "b", "c"]);
    s.rig.pending[0]?.finish();
    expect((await s.finish(run)).status).toBe("SUCCESSFUL");
  });

  test("R10: a skipped upstream satisfies the default trigger", async () => {
    const s = await stage();
    const run = await s.start(plan([node("a", [], { when: "false" }), node("b", ["a"])]));
    const snapshot = await s.finish(run);
    expect(statuses(snapshot)).toEqual({ a: "SKIPPED", b: "SUCCESSFUL" });
    expect(nodeOf(snapshot, "a")).toMatchObject({ skipReason: "condition", started: false, startTime: null });
    expect(snapshot.status).toBe("SUCCESSFUL");
  });

  test("R10: an output reaches the input of the nodes below it", async () => {
    const s = await stage({ a: { output: { port: 5432 } } });
    const run = await s.start(plan([node("a"), node("b", ["a"], { with: { port: { $cel: "nodes.a.output.port" } } })]));
    await s.finish(run);
    expect(s.rig.contexts.at(-1)?.input).toEqual({ port: 5432 });
  });

  test("R10: a condition that cannot be evaluated fails the node, not the process", async () => {
    const s = await stage({ a: { output: {} } });
    const run = await s.start(plan([node("a"), node("b", ["a"], { when: "nodes.a.output.ready == true" })]));
    const snapshot = await s.rest(run);
    expect(nodeOf(snapshot, "b")).toMatchObject({
      status: "FAILED",
      started: false,
      error: { code: "EXPRESSION_FAILED" },
    });
    expect(snapshot.status).toBe("FAILED");
  });
});

describe("R11: dispatch order", () => {
  const serial = { engine: { concurrency: 1 }, serial: true } as const;

  test("R11: priority first, then the place in the plan", async () => {
    const s = await stage({}, serial);
    const run = await s.start(
      plan([node("a"), node("b", [], { priority: 1 }), node("c", [], { priority: 2 }), node("d", [], { priority: 1 })]),
    );
    await s.finish(run);
    expect(s.rig.started()).toEqual(["c", "b", "d", "a"]);
  });

  test("R11: among equal priorities the lower seriesId starts first, whatever the place", async () => {
    const s = await stage({}, serial);
    const run = await s.start(
      plan([node("a", [], { seriesId: 7 }), node("b", [], { seriesId: 2 }), node("c", [], { seriesId: 5 })]),
    );
    await s.finish(run);
    expect(s.rig.started()).toEqual(["b", "c", "a"]);
  });

  test("R11: a node that became ready later still goes before a worse one that waits", async () => {
    const s = await stage({}, serial);
    const run = await s.start(plan([node("a", [], { priority: 1 }), node("b"), node("c", ["a"], { priority: 5 })]));
    await s.finish(run);
    expect(s.rig.started()).toEqual(["a", "c", "b"]);
  });

  test("R11: members start by their group's seriesId, then by parallelIdx, also when expanded at run time", async () => {
    const s = await stage({ a: { output: ["x", "y"] } }, serial);
    const run = await s.start(
      plan([node("a", [], { priority: 1 }), node("g", ["a"], { split: { over: "nodes.a.output" } }), node("z")]),
    );
    await s.finish(run);
    expect(s.rig.started()).toEqual(["a", "g[0]", "g[1]", "z"]);
  });

  test("R11: nodes ready together start in that order without a limit, too", async () => {
    const s = await stage({}, { held: true });
    await s.start(plan([node("a"), node("b", [], { priority: 3 }), node("c", [], { priority: 1 })]));
    await settleTurns();
    expect(s.rig.started()).toEqual(["b", "c", "a"]);
  });
});

describe("R12: triggers", () => {
  const cases = [
    { trigger: "all_finished", a: "fail", b: "ok", starts: true },
    { trigger: "all_finished", a: "fail", b: "fail", starts: true },
    { trigger: "any_succeeded", a: "fail", b: "ok", starts: true },
    { trigger: "any_succeeded", a: "fail", b: "fail", starts: false },
    { trigger: "any_failed", a: "fail", b: "ok", starts: true },
    { trigger: "any_failed", a: "ok", b: "ok", starts: false },
    { trigger: "all_failed", a: "fail", b: "fail", starts: true },
    { trigger: "all_failed", a: "fail", b: "ok", starts: false },
    { trigger: "none_failed", a: "ok", b: "ok", starts: true },
    { trigger: "none_failed", a: "fail", b: "ok", starts: false },
  ] as const;

  test.each(cases)(
    "R12: $trigger with upstreams $a and $b starts the node: $starts",
    async ({ trigger, a, b, starts }) => {
      const s = await stage({ a, b });
      const run = await s.start(
        plan([node("a"), node("b"), node("c", ["a", "b"], { trigger })], { failureMode: "continue" }),
      );
      await s.finish(run);
      expect(s.rig.started().includes("c")).toBe(starts);
    },
  );

  test("R12: any_succeeded starts while another upstream still runs, and only once", async () => {
    const s = await stage({}, { held: true });
    const run = await s.start(plan([node("a"), node("b"), node("c", ["a", "b"], { trigger: "any_succeeded" })]));
    await settleTurns();
    s.rig.pending[1]?.finish();
    await settleTurns();
    expect(s.rig.started()).toEqual(["a", "b", "c"]);
    for (const call of [...s.rig.pending]) call.finish();
    expect((await s.finish(run)).status).toBe("SUCCESSFUL");
    expect(s.rig.started()).toEqual(["a", "b", "c"]);
  });

  test("R12: a node whose trigger can no longer hold is SKIPPED(upstream) and the run can succeed", async () => {
    const s = await stage();
    const run = await s.start(
      plan([node("a"), node("repair", ["a"], { trigger: "any_failed" }), node("c", ["repair"])]),
    );
    const snapshot = await s.finish(run);
    expect(nodeOf(snapshot, "repair")).toMatchObject({ status: "SKIPPED", skipReason: "upstream" });
    expect(nodeOf(snapshot, "c").status).toBe("SUCCESSFUL");
    expect(snapshot.status).toBe("SUCCESSFUL");
  });

  test("R12: none_failed refuses a tolerated failure, all_succeeded accepts it", async () => {
    const s = await stage({ a: "fail" });
    const run = await s.start(
      plan([
        node("a", [], { onFailure: "continue" }),
        node("lax", ["a"]),
        node("strict", ["a"], { trigger: "none_failed" }),
      ]),
    );
    const snapshot = await s.finish(run);
    expect(statuses(snapshot)).toEqual({ a: "FAILED", lax: "SUCCESSFUL", strict: "SKIPPED" });
    expect(snapshot.status).toBe("SUCCESSFUL");
  });
});

describe("R13: seriesId", () => {
  test("R13: missing ones are assigned in topological order, ties by place in the plan", async () => {
    const s = await stage();
    const run = await s.start(plan([node("z", ["a"]), node("b"), node("a")]));
    const snapshot = await s.finish(run);
    expect(Object.fromEntries(snapshot.nodes.map((entry) => [entry.id, entry.seriesId]))).toEqual({ b: 0, a: 1, z: 2 });
  });

  test("R13: imported numbers are kept and never constrain: they may fall along the edges", async () => {
    const s = await stage();
    const run = await s.start(
      plan([node("a", [], { seriesId: 8 }), node("b", ["a"], { seriesId: 5 }), node("c", ["b"], { seriesId: 0 })]),
    );
    const snapshot = await s.finish(run);
    expect(s.rig.started()).toEqual(["a", "b", "c"]);
    expect(snapshot.nodes.map((entry) => entry.seriesId)).toEqual([8, 5, 0]);
  });
});

describe("events", () => {
  test("R39: a listener attached in the tick in which start resolves misses nothing", async () => {
    const s = await stage();
    const run = await s.start(plan([node("a")]));
    await s.finish(run);
    const told = s.rig.trace.flatMap((entry) => (entry.kind === "event" ? [entry.event.type] : []));
    expect(told).toEqual(["run:started", "node:ready", "node:started", "node:succeeded", "run:succeeded"]);
  });

  test("R10: listeners are told of a success before the start it allows", async () => {
    const s = await stage();
    const run = await s.start(plan([node("a"), node("b", ["a"])]));
    await s.finish(run);
    const told = s.rig.trace.flatMap((entry) =>
      entry.kind === "event" && "nodeId" in entry.event ? [`${entry.event.type} ${entry.event.nodeId}`] : [],
    );
    expect(told).toEqual([
      "node:ready a",
      "node:started a",
      "node:succeeded a",
      "node:ready b",
      "node:started b",
      "node:succeeded b",
    ]);
  });

  test("R37: events() yields every event in order and ends with the run", async () => {
    const held = heldAction();
    const s = await stage({}, { extra: { held: held.action } });
    const run = await s.start(plan([node("a", [], { action: "held" })]));
    const seen: string[] = [];
    const reading = (async () => {
      for await (const event of run.events()) seen.push(event.type);
    })();
    (await held.next()).succeed("done");
    await reading;
    expect(seen).toEqual(["run:started", "node:ready", "node:started", "node:succeeded", "run:succeeded"]);
  });

  test("a listener that throws harms neither the run nor other listeners", async () => {
    const s = await stage();
    const run = await s.start(plan([node("a"), node("b", ["a"])]));
    run.on("node:succeeded", () => {
      throw new Error("a bad listener");
    });
    expect((await s.rest(run)).status).toBe("SUCCESSFUL");
  });
});
