import { settleTurns } from "@belay/engine/testing";
import { describe, expect, test } from "vitest";
import { diamond, node, nodeOf, plan, refused, stage, statuses, undoable } from "./stage.ts";

describe("R33: points of no return", () => {
  const chain = (failing: string) => ({ [failing]: "fail" });
  const document = plan([
    undoable("a"),
    undoable("p", ["a"], { prohibitRollback: true }),
    undoable("c", ["p"]),
    undoable("d", ["c"]),
  ]);

  test.each(["p", "c", "d"])(
    "R33: once it has started, a plain rollback is refused and nothing is touched (%s failed)",
    async (failing) => {
      const s = await stage(chain(failing));
      const run = await s.start(document);
      const before = await s.finish(run);
      expect(before.prohibitRollback).toBe(true);
      const error = await refused(run.rollback(), "ROLLBACK_PROHIBITED");
      expect(error.details["nodes"]).toEqual(["p"]);
      await settleTurns();
      expect(run.snapshot()).toEqual(before);
      expect(s.rig.undone()).toEqual([]);
    },
  );

  test("R33: one that has not started vetoes nothing", async () => {
    const s = await stage(chain("a"));
    const run = await s.start(document);
    expect((await s.finish(run)).prohibitRollback).toBe(false);
    await run.rollback();
    expect((await s.finish(run)).status).toBe("ROLLED_BACK");
    expect(s.rig.undone()).toEqual(["a"]);
  });

  test("R33: run.prohibitRollback turns true as soon as the node has started, not when it ends", async () => {
    const s = await stage({}, { held: true });
    const run = await s.start(plan([node("p", [], { prohibitRollback: true })]));
    await settleTurns();
    expect(run.snapshot().prohibitRollback).toBe(true);
    s.rig.pending[0]?.finish();
    await s.finish(run);
  });

  test("R33: a plan that prohibits rollback vetoes always, to the barrier too", async () => {
    const s = await stage(chain("a"));
    const run = await s.start({ ...document, prohibitRollback: true });
    expect((await s.finish(run)).prohibitRollback).toBe(true);
    await refused(run.rollback(), "ROLLBACK_PROHIBITED");
    await refused(run.rollback({ to: "barrier" }), "ROLLBACK_PROHIBITED");
    expect(s.rig.undone()).toEqual([]);
  });

  test("R33: a started member of a prohibiting group is a point of no return", async () => {
    const s = await stage({ g: "fail" });
    const run = await s.start(
      plan(
        [
          undoable("a"),
          node("g", ["a"], { prohibitRollback: true, split: { over: "params.hosts", method: "SERIAL" } }),
        ],
        {
          params: { type: "object", properties: { hosts: { type: "array" } }, required: ["hosts"] },
        },
      ),
      { params: { hosts: ["x", "y"] } },
    );
    await s.finish(run);
    const error = await refused(run.rollback(), "ROLLBACK_PROHIBITED");
    expect(error.details["nodes"]).toEqual(["g[0]"]);
  });
});

describe("R34: rollback to the barrier", () => {
  const document = plan([
    undoable("a"),
    undoable("side", ["a"]),
    undoable("p", ["a"], { prohibitRollback: true }),
    undoable("c", ["p"]),
    undoable("d", ["c", "side"]),
  ]);

  test("R34: undoes what is neither a started prohibiting node nor an ancestor of one", async () => {
    const s = await stage({ d: "fail" });
    const run = await s.start(document);
    await s.finish(run);
    await run.rollback({ to: "barrier" });
    const snapshot = await s.finish(run);
    expect(snapshot.status).toBe("PARTIALLY_ROLLED_BACK");
    expect(s.rig.undone()).toEqual(["d", "c", "side"]);
    expect(statuses(snapshot)).toMatchObject({ a: "SUCCESSFUL", p: "SUCCESSFUL" });
  });

  test("R34: and the run can go forward again: what was undone runs again, the rest stands", async () => {
    const s = await stage({ d: "fail,ok" });
    const run = await s.start(document);
    await s.finish(run);
    await run.rollback({ to: "barrier" });
    await s.finish(run);
    await run.retry();
    const snapshot = await s.finish(run);
    expect(snapshot.status).toBe("SUCCESSFUL");
    expect(s.rig.started()).toEqual(["a", "side", "p", "c", "d", "side", "c", "d"]);
    expect(nodeOf(snapshot, "c").runTime).toBe(2);
  });

  test("R34: forward again, failed again, rolled back again: each generation is undone once", async () => {
    const s = await stage({ d: "fail" });
    const run = await s.start(document);
    for (let generation = 0; generation < 3; generation++) {
      await s.finish(run);
      await run.rollback({ to: "barrier" });
      expect((await s.finish(run)).status).toBe("PARTIALLY_ROLLED_BACK");
      expect(s.rig.undone()).toHaveLength(3 * (generation + 1));
      await run.retry();
    }
    await s.finish(run);
  });

  test("R34: when no prohibiting node has started it is a plain rollback and ends ROLLED_BACK", async () => {
    const s = await stage({ a: "fail" });
    const run = await s.start(document);
    await s.finish(run);
    await run.rollback({ to: "barrier" });
    expect((await s.finish(run)).status).toBe("ROLLED_BACK");
  });

  test("R34: onFailure: rollback undoes to the barrier by itself", async () => {
    const s = await stage({ d: "fail" });
    const run = await s.start({ ...document, onFailure: "rollback" });
    const snapshot = await s.finish(run);
    expect(snapshot.status).toBe("PARTIALLY_ROLLED_BACK");
    expect(s.rig.undone()).toEqual(["d", "c", "side"]);
  });

  test("R34: onFailure: rollback without a barrier ends ROLLED_BACK", async () => {
    const s = await stage({ d: "fail" });
    const run = await s.start(plan(diamond, { onFailure: "rollback" }));
    expect((await s.finish(run)).status).toBe("ROLLED_BACK");
  });

  test("R34: nothing runs forward while an automatic rollback undoes: it begins once nothing runs", async () => {
    const s = await stage({ b: "fatal" }, { held: true });
    const run = await s.start(plan([undoable("a"), undoable("b")], { onFailure: "rollback" }));
    await settleTurns();
    s.rig.pending[1]?.finish();
    await settleTurns();
    expect(s.rig.undone()).toEqual([]);
    s.rig.pending[0]?.finish();
    await settleTurns();
    expect(s.rig.pending.map((call) => `${call.compensation} ${call.node}`)).toEqual(["true b", "true a"]);
    for (const call of [...s.rig.pending]) call.finish();
    expect((await s.finish(run)).status).toBe("ROLLED_BACK");
  });
});

describe("R35: rollback to a node", () => {
  test("R35: undoes every started descendant; the node and the rest stand", async () => {
    const s = await stage({ d: "fail" });
    const run = await s.start(plan([...diamond, undoable("other")], { failureMode: "continue" }));
    await s.finish(run);
    await run.rollback({ to: "b" });
    const snapshot = await s.rest(run);
    expect(snapshot.status).toBe("PARTIALLY_ROLLED_BACK");
    expect(s.rig.undone()).toEqual(["d"]);
    expect(statuses(snapshot)).toEqual({
      a: "SUCCESSFUL",
      b: "SUCCESSFUL",
      c: "SUCCESSFUL",
      d: "COMPENSATED",
      other: "SUCCESSFUL",
    });
  });

  test("R35: a started prohibiting descendant refuses it; one outside the set does not", async () => {
    const s = await stage({ e: "fail" });
    const run = await s.start(
      plan([
        undoable("p", [], { prohibitRollback: true }),
        undoable("b", ["p"]),
        undoable("q", ["b"], { prohibitRollback: true }),
        undoable("d", ["q"]),
        undoable("e", ["d"]),
      ]),
    );
    await s.finish(run);
    expect((await refused(run.rollback({ to: "b" }), "ROLLBACK_PROHIBITED")).details["nodes"]).toEqual(["q"]);
    await run.rollback({ to: "q" });
    expect((await s.rest(run)).status).toBe("PARTIALLY_ROLLED_BACK");
    expect(s.rig.undone()).toEqual(["e", "d"]);
  });

  test("R35: forward again from there ends the run", async () => {
    const s = await stage({ d: "fail,ok" });
    const run = await s.start(plan(diamond));
    await s.finish(run);
    await run.rollback({ to: "a" });
    await s.rest(run);
    expect(s.rig.undone()).toEqual(["d", "c", "b"]);
    await run.retry();
    expect((await s.finish(run)).status).toBe("SUCCESSFUL");
    expect(s.rig.started()).toEqual(["a", "b", "c", "d", "b", "c", "d"]);
  });

  test("R35: an unknown node is NOT_FOUND", async () => {
    const s = await stage({ d: "fail" });
    const run = await s.start(plan(diamond));
    await s.finish(run);
    await refused(run.rollback({ to: "nowhere" }), "NOT_FOUND");
  });
});
