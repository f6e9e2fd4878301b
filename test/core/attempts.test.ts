/** R25-R28 as the core alone decides them: what is armed, what is taken back, and when. */
import { describe, expect, test } from "vitest";
import { CoreRun, node, plan, undoable } from "./core-run.ts";

describe("R26: deadlines", () => {
  test("R26: every deadline is armed at dispatch for its own time and taken back when the attempt ends", () => {
    const run = new CoreRun(plan([node("a", [], { timeout: 3, heartbeatTimeout: 2, totalTimeout: 60 })]));
    expect(run.start()).toEqual(["RUN_STATUS run RUNNING at the start", "READY a #1"]);
    run.now = 1000;
    expect(run.grant()).toEqual([
      "RUN a #1",
      "ARM a attempt #1 +3000",
      "ARM a heartbeat #1 +2000",
      "ARM a total #0 +60000",
    ]);
    expect(run.ok("a")).toEqual([
      "DISARM a attempt",
      "DISARM a heartbeat",
      "DISARM a total",
      "SUCCEEDED a #1",
      "RUN_STATUS run SUCCESSFUL",
    ]);
  });
});
