/** R42 as the core alone decides it: an attempt of which nobody can tell what came of it. */
import { OUTCOME_SPAN, OutcomeCode } from "@belay/engine/core";
import { describe, expect, test } from "vitest";
import { CoreRun, node, plan, undoable } from "./core-run.ts";

describe("R42: a lost attempt", () => {
  test("R27, R42: ends unknown and FAILED, whatever retry allows; the run rests for an operator", () => {
    const run = new CoreRun(plan([undoable("a", [], { timeout: 3, retry: { maxAttempts: 5 } }), node("b", ["a"])]));
    run.start();
    run.grant();
    expect(run.lost("a")).toEqual(["DISARM a attempt", "FAILED a NONE #1 UNKNOWN", "RUN_STATUS run FAILED"]);
    expect(run.state.outcome[run.numberOf("a")]).toBe(OutcomeCode.UNKNOWN);
    expect(OUTCOME_SPAN).toBeGreaterThan(OutcomeCode.UNKNOWN);
    run.verb({ kind: "retry", node: "a" });
    expect(run.grant()).toContain("RUN a #2");
  });

  test("R25, R26, R42: one that was asked to let go ends as aborted ones do: the timeout's next attempt follows", () => {
    const run = new CoreRun(plan([node("a", [], { timeout: 3, retry: { maxAttempts: 2, initialInterval: 0 } })]));
    run.start();
    run.grant();
    run.now = 3000;
    run.due("attempt", "a");
    expect(run.lost("a")).toContain("READY a #2");
    expect(run.state.outcome[run.numberOf("a")]).toBe(OutcomeCode.UNKNOWN);
  });

  test("R25, R42: of an attempt that is over, it changes nothing", () => {
    const run = new CoreRun(plan([node("a"), node("b", ["a"])]));
    run.start();
    run.grant();
    run.ok("a");
    expect(run.lost("a")).toEqual(["LATE a #1 UNKNOWN"]);
    expect(run.status("a")).toBe("SUCCESSFUL");
  });

  test("R30, R31, R42: it counts as started: rollback undoes it", () => {
    const run = new CoreRun(plan([undoable("a")], { onFailure: "rollback" }));
    run.start();
    run.grant();
    run.lost("a");
    expect(run.grant()).toContain("COMPENSATE a #1");
  });
});
