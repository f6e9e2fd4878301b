/** R38, rule by rule: what a preview says of rollbacks, and of what a verb lets run. */
import type { NodeDocument, Preview, Run } from "@belay/engine";
import { settleTurns } from "@belay/engine/testing";
import { describe, expect, test } from "vitest";
import { diamond, node, plan, refused, type Stage, stage, undoable } from "./stage.ts";

/** `1 a, 2 b`: node by node in the order of dispatch, each with its wave. */
function waves(list: Preview["run"]): string {
  return list.map((step) => `${step.wave} ${step.node}`).join(", ");
}

function leaves(preview: Preview): Record<string, string> {
  return Object.fromEntries(preview.leave.map((left) => [left.node, left.reason]));
}

/** Lets time pass until nothing more happens. */
async function settle(s: Stage, run: Run): Promise<string> {
  await s.clock.elapse(1_000_000);
  return run.snapshot().status;
}

const EMPTY = {
  run: [],
  compensate: [],
  abort: [],
  finish: [],
  fail: [],
  skip: [],
  leave: [],
  pointsOfNoReturn: [],
  crosses: [],
  awaits: [],
  afterResume: [],
  undecided: [],
  locksReleased: [],
};

describe("R38: rollback", () => {
  test("R30, R38: everything that has started, in reverse, branches at once, with how each attempt ended", async () => {
    const s = await stage({ c: "hang", d: "fail" });
    const run = await s.start(
      plan([...diamond.slice(0, 2), undoable("c", ["a"], { timeout: 1 }), undoable("d", ["a"])], { locks: ["db-1"] }),
    );
    expect(await settle(s, run)).toBe("FAILED");
    expect(run.preview({ verb: "rollback" })).toEqual({
      ...EMPTY,
      refused: null,
      status: "ROLLING_BACK",
      finalStatus: "ROLLED_BACK",
      compensate: [
        { node: "d", action: "undo", attempt: 1, wave: 1, outcome: "failed" },
        { node: "c", action: "undo", attempt: 1, wave: 1, outcome: "unknown" },
        { node: "b", action: "undo", attempt: 1, wave: 1, outcome: "succeeded" },
        { node: "a", action: "undo", attempt: 1, wave: 2, outcome: "succeeded" },
      ],
      locksReleased: ["db-1"],
    });
    await run.rollback();
    expect(await settle(s, run)).toBe("ROLLED_BACK");
    expect(s.rig.undone()).toEqual(["d", "c", "b", "a"]);
  });

  test("R30, R38: what cannot be undone stays, and why; reading and waiting leave nothing", async () => {
    const s = await stage({ z: "fail", f: "fail" });
    const run = await s.start(
      plan([
        node("a"),
        undoable("b", ["a"]),
        node("r", ["b"], { effect: "none" }),
        node("w", ["r"], { action: "belay.wait", with: { seconds: 1 } }),
        node("n", ["w"], { action: "belay.noop" }),
        node("f", ["n"], { compensation: { action: "undo", when: "succeeded" }, onFailure: "continue" }),
        node("z", ["f"]),
        undoable("never", ["z"]),
      ]),
    );
    await settle(s, run);
    const preview = run.preview({ verb: "rollback" });
    expect(waves(preview.compensate)).toBe("1 b");
    expect(preview.leave).toEqual([
      { node: "a", reason: "no-compensation", outcome: "succeeded" },
      { node: "f", reason: "covers-successes-only", outcome: "failed" },
      { node: "z", reason: "no-compensation", outcome: "failed" },
    ]);
  });

  test("R33, R34, R38: past a point of no return it is refused; to the barrier, what is above it stays", async () => {
    const s = await stage({ d: "fail" });
    const run = await s.start(
      plan([
        undoable("a"),
        undoable("p", ["a"], { prohibitRollback: true }),
        undoable("b", ["a"]),
        undoable("c", ["p"]),
        undoable("d", ["b", "c"]),
        undoable("q", ["d"], { prohibitRollback: true }),
      ]),
    );
    await settle(s, run);
    const { code, message, details } = await refused(run.rollback(), "ROLLBACK_PROHIBITED");
    const plain = run.preview({ verb: "rollback" });
    expect(plain).toEqual({ ...EMPTY, refused: { code, message, details }, status: "FAILED", finalStatus: null });
    expect(details).toEqual({ nodes: ["p"] });
    const preview = run.preview({ verb: "rollback", to: "barrier" });
    expect(preview).toMatchObject({ refused: null, finalStatus: "PARTIALLY_ROLLED_BACK", pointsOfNoReturn: ["p"] });
    expect(waves(preview.compensate)).toBe("1 d, 2 c, 2 b");
    expect(leaves(preview)).toEqual({ a: "above-point-of-no-return", p: "point-of-no-return" });
    expect(preview.locksReleased).toEqual([]);
    // Forward is the other way: what would be crossed next is said before it is.
    expect(run.preview({ verb: "retry" })).toMatchObject({ pointsOfNoReturn: ["p"], crosses: ["q"] });
  });

  test("R35, R38: to a node: its descendants, and everything else is outside", async () => {
    const s = await stage({ d: "fail" });
    const run = await s.start(plan([...diamond, undoable("x")]));
    await settle(s, run);
    const preview = run.preview({ verb: "rollback", to: "b" });
    expect(waves(preview.compensate)).toBe("1 d");
    expect(leaves(preview)).toEqual({
      a: "outside-of-scope",
      b: "outside-of-scope",
      c: "outside-of-scope",
      x: "outside-of-scope",
    });
    expect(preview.finalStatus).toBe("PARTIALLY_ROLLED_BACK");
  });

  const group = (id: string, upstreams: string[], method: "PARALLEL" | "SERIAL" | "FIRST_SUCCESS"): NodeDocument =>
    undoable(id, upstreams, { split: { over: "['x', 'y']", method } });

  test("R21, R38: groups of every method, member by member", async () => {
    const s = await stage({ "f[0]": "fail", z: "fail" });
    const run = await s.start(
      plan([
        group("p", [], "PARALLEL"),
        group("q", ["p"], "SERIAL"),
        group("f", ["q"], "FIRST_SUCCESS"),
        undoable("z", ["f"]),
      ]),
    );
    await settle(s, run);
    const preview = run.preview({ verb: "rollback" });
    // f[0] was undone when f[1] was tried: once is enough.
    expect(waves(preview.compensate)).toBe("1 z, 2 f[1], 3 q[1], 4 q[0], 5 p[1], 5 p[0]");
    await run.rollback();
    await settle(s, run);
    expect(s.rig.undone().slice(1)).toEqual(preview.compensate.map((step) => step.node));
  });

  test("R32, R38: after a failed compensation: rollback again tries it again, skip-rollback passes it", async () => {
    const s = await stage({ d: "fail" });
    s.rig.rescript("b", { undo: "fail" });
    s.rig.rescript("y", { undo: "fail" });
    const run = await s.start(plan([...diamond, undoable("x"), undoable("y", ["x"])]));
    await settle(s, run);
    await run.rollback();
    expect(await settle(s, run)).toBe("ROLLBACK_FAILED");
    const again = run.preview({ verb: "rollback" });
    expect(waves(again.compensate)).toBe("1 y, 1 b, 2 x, 2 a");
    expect(again.compensate.map((step) => step.attempt)).toEqual([2, 2, 1, 1]);
    expect(again).toMatchObject({ finalStatus: "ROLLED_BACK", leave: [] });
    const passed = run.preview({ verb: "skipRollback", node: "b" });
    expect(waves(passed.compensate)).toBe("1 a");
    expect(passed.finalStatus).toBe("ROLLBACK_FAILED");
    expect(leaves(passed)).toEqual({ b: "passed", x: "above-failed-compensation", y: "compensation-failed" });
    expect(run.preview({ verb: "skipRollback", node: "a" }).refused).toMatchObject({
      code: "STATE_INVALID",
      details: { node: "a", allowedIn: ["COMPENSATION_FAILED"] },
    });
    expect(run.preview({ verb: "rollback", to: "a" }).refused?.code).toBe("STATE_INVALID");
  });

  test("R2, R38: teardowns run once all is undone, and only if something was set up", async () => {
    const s = await stage({ b: "fail" });
    const run = await s.start(
      plan([
        undoable("a"),
        undoable("b", ["a"]),
        undoable("c", ["b"]),
        node("t", [], { always: { for: ["b"] } }),
        node("u", [], { always: { for: ["c"] } }),
      ]),
    );
    await settle(s, run);
    const back = run.preview({ verb: "rollback" });
    expect(waves([...back.compensate, ...back.run])).toBe("1 b, 2 a, 3 t");
    expect(back).toMatchObject({ skip: [{ node: "u", reason: "upstream" }], finalStatus: "ROLLED_BACK", leave: [] });
    const forward = run.preview({ verb: "retry" });
    expect(waves(forward.run)).toBe("1 b, 2 c, 3 t, 3 u");
    expect(forward).toMatchObject({ compensate: [], skip: [], finalStatus: "SUCCESSFUL" });
    await run.rollback({ to: "a" });
    await settle(s, run);
    expect(waves(run.preview({ verb: "retry" }).run)).toBe("1 b, 2 c, 3 t, 3 u");
    expect(waves(run.preview({ verb: "rollback" }).compensate)).toBe("1 a");
  });
});

describe("R38: forward again", () => {
  test("R37, R38: a retry runs what failed, then what has waited for it", async () => {
    const s = await stage({ b: "fail", x: "fail" });
    const run = await s.start(
      plan([...diamond, node("x"), node("y", ["x"]), node("z", ["b"], { trigger: "any_failed" })], {
        failureMode: "continue",
      }),
    );
    await settle(s, run);
    const one = run.preview({ verb: "retry", node: "b" });
    expect(one.run).toEqual([
      { node: "b", action: "do", attempt: 2, wave: 1 },
      { node: "d", action: "do", attempt: 1, wave: 2 },
    ]);
    expect(one).toMatchObject({ status: "RUNNING", finalStatus: "FAILED" });
    const all = run.preview({ verb: "retry" });
    expect(waves(all.run)).toBe("1 b, 1 x, 2 d, 2 y");
    expect(all.finalStatus).toBe("SUCCESSFUL");
  });

  test("R25, R38: with compensate-first the remains are undone before the retry", async () => {
    const s = await stage({ a: "fail" });
    const run = await s.start(plan([undoable("a", [], { retry: { mode: "compensate-first", maxAttempts: 1 } })]));
    await settle(s, run);
    const preview = run.preview({ verb: "retry", node: "a" });
    expect(preview.compensate).toEqual([{ node: "a", action: "undo", attempt: 1, wave: 1, outcome: "failed" }]);
    expect(preview.run).toEqual([{ node: "a", action: "do", attempt: 2, wave: 2 }]);
  });

  test("R21, R38: a canceled candidate is undone, then the next one is tried; the rest is superseded", async () => {
    const s = await stage({}, { held: true });
    const run = await s.start(
      plan([undoable("g", [], { split: { over: "['x', 'y', 'z']", method: "FIRST_SUCCESS" } }), node("b", ["g"])]),
    );
    await settleTurns();
    const preview = run.preview({ verb: "cancel", node: "g[0]" });
    expect(waves([...preview.compensate, ...preview.run])).toBe("2 g[0], 3 g[1], 4 b");
    expect(preview).toMatchObject({
      abort: ["g[0]"],
      fail: ["g[0]"],
      finish: [],
      skip: [{ node: "g[2]", reason: "superseded" }],
      finalStatus: "SUCCESSFUL",
    });
    expect(preview.compensate[0]?.outcome).toBe("unknown");
    const whole = run.preview({ verb: "cancel", node: "g" });
    expect(whole).toMatchObject({ abort: ["g[0]"], fail: ["g[0]"], finalStatus: "FAILED", run: [], skip: [] });
    s.rig.pending[0]?.finish();
    await s.rest(run).catch(() => undefined);
  });

  test("R34, R38: after a partial rollback a retry runs what was undone and what is below it", async () => {
    const s = await stage({ d: "fail" });
    const run = await s.start(plan([...diamond, undoable("x")]));
    await settle(s, run);
    await run.rollback({ to: "a" });
    await settle(s, run);
    const preview = run.preview({ verb: "retry" });
    expect(waves(preview.run)).toBe("1 b, 1 c, 2 d");
    expect(preview.run.map((step) => step.attempt)).toEqual([2, 2, 2]);
    expect(preview.finalStatus).toBe("SUCCESSFUL");
  });

  test("R14, R37, R38: a tolerated failure is not retried; a node that is skipped lets go what waits for it", async () => {
    const s = await stage({ a: "fail", b: "fail" });
    const run = await s.start(plan([node("a", [], { onFailure: "continue" }), node("b"), node("c", ["a", "b"])]));
    await settle(s, run);
    const retry = run.preview({ verb: "retry", node: "a" });
    const { code, message, details } = await refused(run.retry({ node: "a" }), "STATE_INVALID");
    expect(retry.refused).toEqual({ code, message, details });
    const skip = run.preview({ verb: "skip", node: "b" });
    expect(skip).toMatchObject({ skip: [{ node: "b", reason: "operator" }], finalStatus: "SUCCESSFUL" });
    expect(waves(skip.run)).toBe("1 c");
  });

  test("R22, R38: a failed group is skipped member by member; a group that fails by itself is named", async () => {
    const s = await stage({ g: "fail" });
    const list = { split: { over: "['x', 'y']", method: "SERIAL" } } as const;
    const run = await s.start(
      plan([node("a"), node("g", [], list), node("h", ["g", "a"], { ...list, when: "nodes.a.output.no.such" })]),
    );
    await settle(s, run);
    const preview = run.preview({ verb: "skip", node: "g" });
    expect(preview.skip).toEqual([
      { node: "g[0]", reason: "operator" },
      { node: "g[1]", reason: "operator" },
    ]);
    expect(preview).toMatchObject({ fail: ["h"], finalStatus: "FAILED", undecided: [] });
  });
});

describe("R38: where the answer ends", () => {
  const reader = (rest: Partial<NodeDocument>) =>
    plan([node("a"), node("b", ["a"], rest), node("c", ["b"]), node("d", ["a"])]);

  test("R20, R38: a condition that reads an output nobody has produced is undecided, and what follows from it", async () => {
    const s = await stage({ a: "fail" });
    const run = await s.start(reader({ when: "nodes.a.output.go" }));
    await settle(s, run);
    const preview = run.preview({ verb: "retry" });
    expect(waves(preview.run)).toBe("1 a, 2 d");
    expect(preview.undecided).toEqual([
      { node: "b", reads: ["a"], reason: 'its condition reads the output of "a", not known before that has run' },
    ]);
    expect(preview.finalStatus).toBe(null);
  });

  test("R23, R38: so is a list, and the members of a group", async () => {
    const s = await stage({ a: "fail" });
    const run = await s.start(
      plan([
        node("a"),
        node("g", ["a"], { split: { over: "nodes.a.output" } }),
        node("h", ["a"], { split: { over: "['x', 'y']" }, when: "item == nodes.a.output" }),
      ]),
    );
    await settle(s, run);
    const { undecided } = run.preview({ verb: "retry" });
    expect(undecided.map(({ node: id }) => id)).toEqual(["g", "h[0]", "h[1]"]);
    expect(undecided[0]?.reason).toContain("its list reads");
  });

  test("R20, R38: what is known decides: a status, an output of before, one that the operator gives", async () => {
    const s = await stage({ z: "fail", a: { run: "ok", output: { go: false } } });
    const run = await s.start(
      plan([
        node("a"),
        node("z"),
        node("b", ["a", "z"], { when: "nodes.a.output.go" }),
        node("c", ["z"], { when: "nodes.z.status == 'SUCCESSFUL'" }),
        node("d", ["z"], { when: "has(nodes.z.output) && nodes.z.output.go" }),
        node("g", ["a", "z"], { split: { over: "[nodes.a.output]" } }),
      ]),
    );
    await settle(s, run);
    const retry = run.preview({ verb: "retry" });
    expect(waves(retry.run)).toBe("1 z, 2 c, 2 g[0]");
    expect(retry.skip).toEqual([{ node: "b", reason: "condition" }]);
    expect(retry.undecided.map(({ node: id }) => id)).toEqual(["d"]);
    const skip = run.preview({ verb: "skip", node: "z", output: { go: true } });
    expect(waves(skip.run)).toBe("1 d, 1 g[0]");
    expect(skip).toMatchObject({ undecided: [], finalStatus: "SUCCESSFUL" });
  });

  test("R20, R23, R38: a list that is known expands, and the condition on its items is each member's own", async () => {
    const s = await stage({ z: "fail", a: { run: "ok", output: ["x", "y"] } });
    const when = "item == 'x' || nodes.z.output == 1";
    const run = await s.start(
      plan([node("a"), node("z"), node("g", ["a", "z"], { split: { over: "nodes.a.output" }, when })]),
    );
    await settle(s, run);
    const { undecided } = run.preview({ verb: "retry" });
    expect(undecided.map(({ node: id, reads }) => `${id}: ${reads}`)).toEqual(["g[0]: z", "g[1]: z"]);
  });

  test("R21, R38: the output of a group is known when that of all its members is", async () => {
    const s = await stage({ "g[1]": "fail" });
    const list = (method: "PARALLEL" | "FIRST_SUCCESS") => ({ split: { over: "['x', 'y']", method } }) as const;
    const run = await s.start(
      plan([
        node("g", [], list("PARALLEL")),
        node("b", ["g"], { when: "size(nodes.g.output) == 2" }),
        node("f", [], list("FIRST_SUCCESS")),
        node("c", ["f", "g"], { when: "has(nodes.f.output)" }),
      ]),
    );
    await settle(s, run);
    expect(run.preview({ verb: "retry" }).undecided.map(({ node: id }) => id)).toEqual(["b"]);
    const skip = run.preview({ verb: "skip", node: "g[1]", output: 1 });
    expect(waves(skip.run)).toBe("1 b, 1 c");
    expect(skip.undecided).toEqual([]);
  });
});
