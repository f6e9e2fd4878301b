/** The last candidate of a FIRST_SUCCESS group: with its failure the group has failed, whatever happened before (R14, R21). */
import { settleTurns } from "@belay/engine/testing";
import { describe, expect, test } from "vitest";
import { node, plan, stage, statuses, undoable } from "./stage.ts";

const LIST = { params: { type: "object", properties: { list: { type: "array" } }, required: ["list"] } } as const;

describe("the last candidate fails and is being undone", () => {
  test("R21: nothing new starts meanwhile, also after an operator skipped something else", async () => {
    const s = await stage({ "g[0]": "fail" }, { held: true, engine: { concurrency: 1 } });
    const group = { split: { over: "params.list", method: "FIRST_SUCCESS" }, priority: 2 } as const;
    const document = plan([undoable("g", [], group), node("skipped"), node("other")], LIST);
    const run = await s.start(document, { params: { list: [1] } });
    const finish = async (): Promise<void> => {
      await settleTurns();
      s.rig.pending[0]?.finish();
      await settleTurns();
    };
    await settleTurns();
    await run.skip("skipped");
    await finish();
    expect(statuses(run.snapshot())).toEqual({ "g[0]": "COMPENSATING", skipped: "SKIPPED", other: "PENDING" });
    await finish();
    expect((await s.finish(run)).status).toBe("FAILED");
  });
});
