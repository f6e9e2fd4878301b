import { settleTurns } from "@belay/engine/testing";
import { describe, expect, test } from "vitest";
import { node, nodeOf, plan, refused, stage, statuses, undoable } from "./stage.ts";

const params = {
  type: "object",
  properties: { hosts: { type: "array", items: { type: "string" } } },
  required: ["hosts"],
} as const;
const split = (method: "PARALLEL" | "SERIAL" | "FIRST_SUCCESS", rest = {}) => ({
  over: "params.hosts",
  method,
  ...rest,
});

describe("R20: members", () => {
  test("R20: one member per item, bound at expansion, numbered from 0; others carry -1", async () => {
    const s = await stage();
    const run = await s.start(
      plan([node("a"), node("g", ["a"], { split: split("PARALLEL"), with: { host: { $cel: "item" } } })], { params }),
      {
        params: { hosts: ["x", "y"] },
      },
    );
    const snapshot = await s.finish(run);
    expect(snapshot.nodes.map(({ id, group, parallelIdx, item }) => ({ id, group, parallelIdx, item }))).toEqual([
      { id: "a", group: null, parallelIdx: -1, item: undefined },
      { id: "g[0]", group: "g", parallelIdx: 0, item: "x" },
      { id: "g[1]", group: "g", parallelIdx: 1, item: "y" },
    ]);
    expect(s.rig.contexts.slice(1).map(({ nodeId, item, input }) => ({ nodeId, item, input }))).toEqual([
      { nodeId: "g", item: "x", input: { host: "x" } },
      { nodeId: "g", item: "y", input: { host: "y" } },
    ]);
  });

  test("R20: a list of one still gives parallelIdx 0", async () => {
    const s = await stage();
    const run = await s.start(plan([node("g", [], { split: split("PARALLEL") })], { params }), {
      params: { hosts: ["x"] },
    });
    expect(nodeOf(await s.finish(run), "g[0]").parallelIdx).toBe(0);
  });

  test("R20: an empty list from params is a diagnostic before anything runs", async () => {
    const s = await stage();
    await refused(
      s.start(plan([node("a"), node("g", ["a"], { split: split("PARALLEL") })], { params }), { params: { hosts: [] } }),
      "PARAMS_INVALID",
    );
    expect(s.rig.started()).toEqual([]);
  });

  test("R20: an empty list from an output skips the node, and what is below starts", async () => {
    const s = await stage({ a: { output: [] } });
    const run = await s.start(
      plan([node("a"), node("g", ["a"], { split: { over: "nodes.a.output" } }), node("c", ["g"])]),
    );
    const snapshot = await s.finish(run);
    expect(nodeOf(snapshot, "g")).toMatchObject({ status: "SKIPPED", skipReason: "empty" });
    expect(nodeOf(snapshot, "c").status).toBe("SUCCESSFUL");
  });

  test("R20: a change of the list after the start moves nothing", async () => {
    const s = await stage();
    const hosts = ["x", "y"];
    const run = await s.start(plan([node("a"), node("g", ["a"], { split: split("SERIAL") })], { params }), {
      params: { hosts },
    });
    hosts.push("z");
    hosts[0] = "changed";
    expect((await s.finish(run)).nodes.map((entry) => entry.item)).toEqual([undefined, "x", "y"]);
  });
});

describe("R21: PARALLEL", () => {
  test("R21: a neighbour joins all members; group to group is a full barrier", async () => {
    const s = await stage({}, { held: true });
    const document = plan(
      [node("g", [], { split: split("PARALLEL") }), node("h", ["g"], { split: split("PARALLEL") }), node("z", ["h"])],
      { params },
    );
    const run = await s.start(document, { params: { hosts: ["x", "y"] } });
    await settleTurns();
    expect(s.rig.started()).toEqual(["g[0]", "g[1]"]);
    s.rig.pending[0]?.finish();
    await settleTurns();
    expect(s.rig.started()).toEqual(["g[0]", "g[1]"]);
    s.rig.pending[0]?.finish();
    await settleTurns();
    expect(s.rig.started()).toEqual(["g[0]", "g[1]", "h[0]", "h[1]"]);
    while (s.rig.pending.length > 0) {
      s.rig.pending[0]?.finish();
      await settleTurns();
    }
    expect((await s.finish(run)).status).toBe("SUCCESSFUL");
    expect(s.rig.started().at(-1)).toBe("z");
  });

  test("R21: maxConcurrency bounds the members that run at once, the next starts as one ends", async () => {
    const s = await stage({}, { held: true });
    const run = await s.start(plan([node("g", [], { split: split("PARALLEL", { maxConcurrency: 2 }) })], { params }), {
      params: { hosts: ["a", "b", "c", "d"] },
    });
    await settleTurns();
    expect(s.rig.pending.map((call) => call.node)).toEqual(["g[0]", "g[1]"]);
    s.rig.pending[1]?.finish();
    await settleTurns();
    expect(s.rig.pending.map((call) => call.node)).toEqual(["g[0]", "g[2]"]);
    while (s.rig.pending.length > 0) {
      s.rig.pending[0]?.finish();
      await settleTurns();
      expect(s.rig.pending.length).toBeLessThanOrEqual(2);
    }
    expect((await s.finish(run)).status).toBe("SUCCESSFUL");
  });

  test("R21: outputs of members are read as a list in their order, null where there is none", async () => {
    const s = await stage({ "g[0]": { output: 1 }, "g[1]": { run: "fail" }, "g[2]": { output: 3 } });
    const document = plan(
      [
        node("g", [], { split: split("PARALLEL", { tolerated: 1 }) }),
        node("c", ["g"], { with: { list: { $cel: "nodes.g.output" } } }),
      ],
      { params },
    );
    const run = await s.start(document, { params: { hosts: ["a", "b", "c"] } });
    const snapshot = await s.finish(run);
    expect(snapshot.status).toBe("SUCCESSFUL");
    expect(nodeOf(snapshot, "g[1]")).toMatchObject({ status: "FAILED", tolerated: true });
    expect(s.rig.contexts.at(-1)?.input).toEqual({ list: [1, null, 3] });
  });

  test.each([
    { tolerated: 1, failing: 1, status: "SUCCESSFUL" },
    { tolerated: 1, failing: 2, status: "FAILED" },
    { tolerated: "50%", failing: 2, status: "SUCCESSFUL" },
    { tolerated: "50%", failing: 3, status: "FAILED" },
    { tolerated: "100%", failing: 4, status: "SUCCESSFUL" },
  ])("R14: $failing of 4 members fail with tolerated $tolerated: $status", async ({ tolerated, failing, status }) => {
    const scripts = Object.fromEntries(Array.from({ length: failing }, (_, index) => [`g[${index}]`, "fail"]));
    const s = await stage(scripts);
    const document = plan([node("g", [], { split: split("PARALLEL", { tolerated }) }), node("c", ["g"])], { params });
    const run = await s.start(document, { params: { hosts: ["a", "b", "c", "d"] } });
    expect((await s.finish(run)).status).toBe(status);
    expect(s.rig.started().includes("c")).toBe(status === "SUCCESSFUL");
  });

  test("R14: a failed member under no-new leaves the members that wait unstarted", async () => {
    const s = await stage({ "g[0]": "fail" });
    const run = await s.start(plan([node("g", [], { split: split("PARALLEL", { maxConcurrency: 1 }) })], { params }), {
      params: { hosts: ["a", "b", "c"] },
    });
    const snapshot = await s.finish(run);
    expect(s.rig.started()).toEqual(["g[0]"]);
    expect(snapshot.status).toBe("FAILED");
  });
});

describe("R21: SERIAL", () => {
  test("R21: members run one after the other and carry parallelIdx 0..k-1", async () => {
    const s = await stage({}, { held: true });
    const run = await s.start(plan([node("g", [], { split: split("SERIAL") })], { params }), {
      params: { hosts: ["a", "b", "c"] },
    });
    for (const expected of ["g[0]", "g[1]", "g[2]"]) {
      await settleTurns();
      expect(s.rig.pending.map((call) => call.node)).toEqual([expected]);
      s.rig.pending[0]?.finish();
    }
    const snapshot = await s.finish(run);
    expect(snapshot.nodes.map((entry) => entry.parallelIdx)).toEqual([0, 1, 2]);
  });

  test("R21: a failed member stops the chain; its retry goes on", async () => {
    const s = await stage({ "g[1]": "fail,ok" });
    const run = await s.start(plan([node("g", [], { split: split("SERIAL") }), node("z", ["g"])], { params }), {
      params: { hosts: ["a", "b", "c"] },
    });
    expect((await s.finish(run)).status).toBe("FAILED");
    expect(s.rig.started()).toEqual(["g[0]", "g[1]"]);
    await run.retry({ node: "g[1]" });
    expect((await s.finish(run)).status).toBe("SUCCESSFUL");
    expect(s.rig.started()).toEqual(["g[0]", "g[1]", "g[1]", "g[2]", "z"]);
  });
});

describe("R21: FIRST_SUCCESS", () => {
  const group = (rest = {}) =>
    plan(
      [
        undoable("g", [], { split: split("FIRST_SUCCESS"), ...rest }),
        node("z", ["g"], { with: { winner: { $cel: "nodes.g.output" } } }),
      ],
      { params },
    );

  test("R21: a failed candidate is compensated before the next starts; the rest are SKIPPED(superseded)", async () => {
    const s = await stage({ "g[0]": "fail", "g[1]": { output: "won" } });
    const run = await s.start(group(), { params: { hosts: ["a", "b", "c"] } });
    const snapshot = await s.finish(run);
    const calls = s.rig.trace.flatMap((entry) =>
      entry.kind === "start" || entry.kind === "undo" ? [`${entry.kind} ${entry.node}`] : [],
    );
    expect(calls).toEqual(["start g[0]", "undo g[0]", "start g[1]", "start z"]);
    expect(nodeOf(snapshot, "g[2]")).toMatchObject({ status: "SKIPPED", skipReason: "superseded" });
    expect(snapshot.status).toBe("SUCCESSFUL");
    expect(s.rig.contexts.at(-1)?.input).toEqual({ winner: "won" });
  });

  test("R21: all candidates failed: the node failed, with every candidate's reason", async () => {
    const s = await stage({ "g[0]": "fail", "g[1]": "fatal" });
    const run = await s.start(group(), { params: { hosts: ["a", "b"] } });
    const snapshot = await s.finish(run);
    expect(snapshot.status).toBe("FAILED");
    expect(s.rig.started()).toEqual(["g[0]", "g[1]"]);
    const failures = s.rig.trace.flatMap((entry) =>
      entry.kind === "event" && entry.event.type === "node:failed" ? [entry.event] : [],
    );
    const whole = failures.find((event) => event.nodeId === "g");
    expect(whole?.error.code).toBe("ALL_CANDIDATES_FAILED");
    const text = JSON.stringify(whole?.error);
    expect(text).toContain("g[0] failed");
    expect(text).toContain("g[1] failed for good");
  });

  test("R21: a failed candidate without compensation is followed by the next at once", async () => {
    const s = await stage({ "g[0]": "fail" });
    const run = await s.start(plan([node("g", [], { split: split("FIRST_SUCCESS") })], { params }), {
      params: { hosts: ["a", "b"] },
    });
    expect((await s.finish(run)).status).toBe("SUCCESSFUL");
    expect(s.rig.started()).toEqual(["g[0]", "g[1]"]);
  });

  test("R21: a candidate whose compensation fails stops the group: no other candidate starts", async () => {
    const s = await stage({ "g[0]": { run: "fail", undo: "fail" } });
    const run = await s.start(group(), { params: { hosts: ["a", "b"] } });
    const snapshot = await s.rest(run);
    expect(s.rig.started()).toEqual(["g[0]"]);
    expect(snapshot.status).toBe("FAILED");
  });

  test("R30: a rollback compensates the winner, and a loser not again", async () => {
    const s = await stage({ "g[0]": "fail", z: "fail" });
    const run = await s.start(group(), { params: { hosts: ["a", "b"] } });
    expect((await s.finish(run)).status).toBe("FAILED");
    await run.rollback();
    expect((await s.finish(run)).status).toBe("ROLLED_BACK");
    expect(s.rig.undone()).toEqual(["g[0]", "g[1]"]);
  });
});

describe("R23, R24: groups over an ancestor's output", () => {
  test("R23: until the node is ready the snapshot shows the declared node, PENDING, parallelIdx -1", async () => {
    const s = await stage({ a: { output: [1, 2] } }, { held: true });
    const run = await s.start(
      plan([node("a"), node("g", ["a"], { split: { over: "nodes.a.output" } }), node("z", ["g"])]),
    );
    await settleTurns();
    expect(nodeOf(run.snapshot(), "g")).toMatchObject({ status: "PENDING", parallelIdx: -1, group: null });
    s.rig.pending[0]?.finish();
    await settleTurns();
    expect(Object.keys(statuses(run.snapshot())).sort()).toEqual(["a", "g[0]", "g[1]", "z"]);
    while (s.rig.pending.length > 0) {
      s.rig.pending[0]?.finish();
      await settleTurns();
    }
    expect((await s.finish(run)).status).toBe("SUCCESSFUL");
  });

  test("R24: members get consecutive seriesIds: in place at start, after the highest in use at run time", async () => {
    const s = await stage({ b: { output: ["x", "y"] } });
    const document = plan(
      [
        node("a"),
        node("g", ["a"], { split: split("PARALLEL") }),
        node("b", ["g"]),
        node("h", ["b"], { split: { over: "nodes.b.output" } }),
        node("z", ["h"]),
      ],
      { params },
    );
    const run = await s.start(document, { params: { hosts: ["p", "q", "r"] } });
    const snapshot = await s.finish(run);
    const series = Object.fromEntries(snapshot.nodes.map((entry) => [entry.id, entry.seriesId]));
    expect([series["g[0]"], series["g[1]"], series["g[2]"]]).toEqual([1, 2, 3]);
    const highest = Math.max(...["a", "b", "z", "g[2]"].map((id) => series[id] as number));
    expect(series["h[0]"]).toBeGreaterThan(highest);
    expect(series["h[1]"]).toBe((series["h[0]"] as number) + 1);
    expect(new Set(Object.values(series)).size).toBe(snapshot.nodes.length);
  });

  test("R23: a list that is no list fails the node with EXPRESSION_FAILED", async () => {
    const s = await stage({ a: { output: { no: "list" } } });
    const run = await s.start(plan([node("a"), node("g", ["a"], { split: { over: "nodes.a.output" } })]));
    const snapshot = await s.rest(run);
    expect(snapshot.status).toBe("FAILED");
    expect(nodeOf(snapshot, "g").error?.code).toBe("EXPRESSION_FAILED");
  });

  test("R20: a condition that reads the item is decided for each member", async () => {
    const s = await stage();
    const run = await s.start(
      plan([node("g", [], { split: split("PARALLEL"), when: 'item != "y"' }), node("z", ["g"])], { params }),
      { params: { hosts: ["x", "y"] } },
    );
    const snapshot = await s.finish(run);
    expect(statuses(snapshot)).toEqual({ "g[0]": "SUCCESSFUL", "g[1]": "SKIPPED", z: "SUCCESSFUL" });
  });

  test("R24: one member is skipped by an operator like a node of its own", async () => {
    const s = await stage({ "g[0]": "fail" });
    const run = await s.start(plan([node("g", [], { split: split("PARALLEL") }), node("z", ["g"])], { params }), {
      params: { hosts: ["x", "y"] },
    });
    expect((await s.finish(run)).status).toBe("FAILED");
    await run.skip("g[0]");
    const snapshot = await s.finish(run);
    expect(nodeOf(snapshot, "g[0]")).toMatchObject({ status: "SKIPPED", skipReason: "operator", operation: "SKIP" });
    expect(snapshot.status).toBe("SUCCESSFUL");
  });

  test("R30: members of a SERIAL group are compensated last first, of a PARALLEL group together", async () => {
    const s = await stage({ z: "fail" }, {});
    const document = plan(
      [
        undoable("g", [], { split: split("SERIAL") }),
        undoable("h", ["g"], { split: split("PARALLEL") }),
        node("z", ["h"]),
      ],
      { params },
    );
    const run = await s.start(document, { params: { hosts: ["x", "y"] } });
    await s.finish(run);
    await run.rollback();
    expect((await s.finish(run)).status).toBe("ROLLED_BACK");
    expect(s.rig.undone()).toEqual(["h[1]", "h[0]", "g[1]", "g[0]"]);
  });
});
