/** A failure that comes while a retried node is still being undone (compensate-first): it holds a new round (R14, R37). */
import { settleTurns } from "@belay/engine/testing";
import { describe, expect, test } from "vitest";
import { plan, stage, statuses, undoable } from "./stage.ts";

describe("a node that is undone before its new round begins", () => {
  test("R14: a failure that comes meanwhile holds it, as it holds every first attempt", async () => {
    const s = await stage({ work: { run: "fail,ok", undo: "fatal,ok" }, other: "fail,fail" }, { held: true });
    const document = plan([
      undoable("work", [], { retry: { maxAttempts: 2, mode: "compensate-first" } }),
      undoable("other"),
    ]);
    const run = await s.start(document);
    const finish = async (...names: string[]): Promise<void> => {
      for (const name of names) {
        await settleTurns();
        s.rig.pending.find((call) => `${call.compensation ? "undo " : ""}${call.node}` === name)?.finish();
      }
    };
    await finish("work", "other", "undo work");
    expect((await s.finish(run)).status).toBe("FAILED");
    await run.retry();
    await finish("other", "undo work");
    const snapshot = await s.finish(run);
    expect(snapshot.status).toBe("FAILED");
    expect(statuses(snapshot)).toEqual({ work: "PENDING", other: "FAILED" });
  });
});
