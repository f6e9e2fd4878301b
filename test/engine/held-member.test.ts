/** Members that are held back by a failure elsewhere: their group, if nothing else of it is left, ends (R14, R21). */
import { settleTurns } from "@belay/engine/testing";
import { describe, expect, test } from "vitest";
import { node, plan, stage, statuses } from "./stage.ts";

const LIST = { params: { type: "object", properties: { list: { type: "array" } }, required: ["list"] } } as const;

describe("a group whose last open member is held", () => {
  test("R14: it has failed by then and is tolerated: it ends, and what reacts to its end starts", async () => {
    const s = await stage({ "g[0]": "fail", other: "fail" }, { held: true, engine: { concurrency: 2 } });
    const document = plan(
      [
        node("g", [], { split: { over: "params.list" }, onFailure: "continue", priority: 1 }),
        node("other", [], { priority: 2 }),
        node("after", ["g"], { trigger: "all_finished" }),
      ],
      LIST,
    );
    const run = await s.start(document, { params: { list: [1, 2] } });
    await settleTurns();
    await run.pause();
    for (const id of ["g[0]", "other"]) {
      s.rig.pending.find((call) => call.node === id)?.finish();
      await settleTurns();
    }
    await run.resume();
    await settleTurns();
    s.rig.pending.find((call) => call.node === "after")?.finish();
    const snapshot = await s.finish(run);
    expect(statuses(snapshot)).toEqual({ "g[0]": "FAILED", "g[1]": "SKIPPED", other: "FAILED", after: "SUCCESSFUL" });
  });
});
