/** A FIRST_SUCCESS group that starts over with a stuck candidate, and whose trigger has come to nothing meanwhile (R12, R21). */
import { describe, expect, test } from "vitest";
import { node, plan, type Stage, stage, statuses, undoable } from "./stage.ts";

/** `g` reacts to the failure of `x`; its only candidate fails, and cannot be undone. */
const REACTION = plan([
  node("x"),
  undoable("g", ["x"], { trigger: "any_failed", split: { over: "[1]", method: "FIRST_SUCCESS" } }),
]);

const undos = (s: Stage): number => s.rig.trace.filter(({ kind }) => kind === "undo").length;

describe("retry of all, over a reaction whose cause is gone", () => {
  test("R12, R21: the group is skipped, and the compensation that was queued for its candidate does not run", async () => {
    const s = await stage({ x: "fail", "g[0]": { run: "fail", undo: "fail" } });
    const run = await s.start(REACTION);
    expect(statuses(await s.finish(run))).toEqual({ x: "FAILED", "g[0]": "COMPENSATION_FAILED" });
    await run.skip("x");
    await s.finish(run);
    await run.retry();
    const snapshot = await s.finish(run);
    expect(statuses(snapshot)).toEqual({ x: "SKIPPED", "g[0]": "SKIPPED" });
    expect(snapshot.status).toBe("SUCCESSFUL");
    expect(undos(s)).toBe(1);
  });

  test("R12, R15, R21: the group is skipped while its candidate is being undone, and the run does not fail by that", async () => {
    const s = await stage({ x: "fail,ok", "g[0]": { run: "fail", undo: "fail" } }, { held: true });
    const run = await s.start(REACTION);
    const finish = async (id: string): Promise<void> => {
      await s.clock.elapse(0);
      s.rig.pending.find((call) => call.node === id)?.finish();
      await s.clock.elapse(0);
    };
    for (const id of ["x", "g[0]", "g[0]"]) await finish(id);
    expect(statuses(run.snapshot())).toEqual({ x: "FAILED", "g[0]": "COMPENSATION_FAILED" });
    await run.retry();
    await finish("x");
    expect(statuses(run.snapshot())).toEqual({ x: "SUCCESSFUL", "g[0]": "COMPENSATING" });
    await finish("g[0]");
    expect(statuses(run.snapshot())).toEqual({ x: "SUCCESSFUL", "g[0]": "SKIPPED" });
    expect(run.snapshot().status).toBe("SUCCESSFUL");
  });
});
