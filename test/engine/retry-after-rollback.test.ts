/** Retrying one node after a partial rollback: what was asked for by name goes, whatever else has failed (R34, R37). */
import { describe, expect, test } from "vitest";
import { node, plan, stage } from "./stage.ts";

describe("retry of one node after a partial rollback", () => {
  test("R37: a failed node that had nothing to undo, and that is asked for by name, is not held by another failure", async () => {
    const s = await stage({ gate: "fail", work: "fail,ok" });
    const document = plan([
      node("first"),
      node("work", ["first"], { compensation: { action: "undo", when: "succeeded" } }),
      node("gate", ["first"], { prohibitRollback: true }),
    ]);
    const run = await s.start(document);
    expect((await s.finish(run)).status).toBe("FAILED");
    await run.rollback({ to: "barrier" });
    expect((await s.finish(run)).status).toBe("PARTIALLY_ROLLED_BACK");
    await run.retry({ node: "work" });
    const snapshot = await s.finish(run);
    expect(snapshot.status).toBe("FAILED");
    expect(snapshot.nodes.map(({ id, status }) => `${id} ${status}`)).toEqual([
      "first SUCCESSFUL",
      "work SUCCESSFUL",
      "gate FAILED",
    ]);
  });
});
