/** What is said at the end: how it ended, why, and only what an operator can really do. */

import { INJECTED_FAILURE } from "@belay/failover-plans";
import pc from "picocolors";
import { describe, expect, test } from "vitest";
import { outcomeLines } from "../../packages/cli/src/render/outcome.ts";
import { at, node, ran, snapshot } from "./sample-run.ts";

const COMMANDS = { again: "belay run p.yaml", rollback: "belay run p.yaml --on-failure rollback" };
const FAILURE = { code: "TIMEOUT", message: "no answer", retryable: true };
const UNDO = { action: "sample.undo", runTime: 1, startTime: null, finishTime: null, error: null };

function said(...given: Parameters<typeof snapshot>): string[] {
  return outcomeLines(snapshot(...given), COMMANDS, pc.createColors(false));
}

const END = { finishTime: at(4200) };

describe("the end of a run is explained", () => {
  test("success is one line", () => {
    expect(said([ran("a", 0, 4200)], { status: "SUCCESSFUL", ...END })).toEqual(["SUCCESSFUL after 4.2s"]);
  });

  test("R34: a failure names its cause, and what a rollback would undo", () => {
    const nodes = [
      ran("lock", 0, 1, { compensation: UNDO }),
      ran("open", 1, 2, { compensation: UNDO, upstreams: ["lock"] }),
      ran("move", 2, 3, { status: "FAILED", error: FAILURE, runTime: 3, upstreams: ["open"] }),
      node("close", { upstreams: ["move"], compensation: UNDO }),
    ];
    expect(said(nodes, { status: "FAILED", ...END })).toEqual([
      "FAILED after 4.2s",
      "  ✗ move failed: TIMEOUT: no answer (attempt 3)",
      "",
      "What you can do now:",
      "  remove the cause, then run it again from the start:",
      "    belay run p.yaml",
      "  run it so that a failure is undone (this time: lock, open):",
      "    belay run p.yaml --on-failure rollback",
      "  this run ended with this process; a program that keeps the engine could go on with:",
      '    run.retry({ node: "move" })',
      '    run.skip("move")',
      "    run.rollback()",
      "    run.abandon()",
    ]);
  });

  test("R33: past a point of no return neither it nor what it stands on is offered for undoing", () => {
    const nodes = [
      ran("lock", 0, 1, { compensation: UNDO }),
      ran("promote", 1, 2, { prohibitRollback: true, compensation: UNDO, upstreams: ["lock"] }),
      ran("follow", 2, 3, { compensation: UNDO, upstreams: ["promote"] }),
      ran("tell", 2, 3, { status: "FAILED", error: FAILURE, upstreams: ["promote"] }),
    ];
    const lines = said(nodes, { status: "FAILED", ...END });
    expect(lines).toContain("  point of no return reached: promote; undoing stops there");
    expect(lines).toContain("  do not run it again from the start: it would repeat what stands (lock, promote)");
    expect(lines).toContain("  what is left: tell; do it by hand, or with a plan that holds only these steps");
    expect(lines.join("\n")).not.toContain("belay run");
    expect(lines).toContain('    run.rollback({ to: "barrier" })');
  });

  test("R33: a point of no return that failed may have taken effect, and that is said", () => {
    const promote = { status: "FAILED", prohibitRollback: true, error: FAILURE, upstreams: ["lock"] } as const;
    const lines = said([ran("lock", 0, 1, { compensation: UNDO }), ran("promote", 1, 2, promote)], {
      status: "PARTIALLY_ROLLED_BACK",
      ...END,
    });
    expect(lines).toContain("  whether this took effect is not known, look first: promote");
    expect(lines.join("\n")).not.toContain("belay run");
  });

  test("R33: of a failure that a demo was told to make, the effect is known", () => {
    const error = { code: INJECTED_FAILURE, message: "failure injected before the effect", retryable: false };
    const promote = { status: "FAILED", prohibitRollback: true, error } as const;
    const lines = said([ran("promote", 1, 2, promote)], { status: "FAILED", ...END });
    expect(lines.join("\n")).toContain("failure injected before the effect");
    expect(lines.join("\n")).not.toContain("not known");
  });

  test("R33: a point of no return that never started is not spoken of", () => {
    const nodes = [ran("a", 0, 1, { status: "FAILED", error: FAILURE }), node("b", { prohibitRollback: true })];
    expect(said(nodes, { status: "FAILED", ...END }).join("\n")).not.toContain("point of no return");
  });

  test("R32: a compensation that failed is named with what is left to undo by hand", () => {
    const stuck = { ...UNDO, startTime: at(3), error: { code: "BUSY", message: "in use", retryable: true } };
    const nodes = [
      ran("lock", 0, 1, { compensation: UNDO }),
      ran("open", 1, 2, { status: "COMPENSATION_FAILED", compensation: stuck, upstreams: ["lock"] }),
      ran("move", 2, 3, { status: "COMPENSATED", compensation: UNDO, upstreams: ["open"] }),
    ];
    const lines = said(nodes, { status: "ROLLBACK_FAILED", ...END });
    expect(lines).toContain("  ✗ open could not be undone: BUSY: in use");
    expect(lines).toContain("    lock (sample.undo), open (sample.undo)");
    expect(lines.indexOf("  then run it again from the start:")).toBeGreaterThan(
      lines.indexOf("    lock (sample.undo), open (sample.undo)"),
    );
    expect(lines).toContain('    run.skipRollback("open")');
  });

  test("R32, R33: past a point of no return a failed rollback is not followed by a run from the start either", () => {
    const stuck = { ...UNDO, startTime: at(3), error: { code: "BUSY", message: "in use", retryable: true } };
    const nodes = [
      ran("promote", 0, 1, { prohibitRollback: true }),
      ran("follow", 1, 2, { status: "COMPENSATION_FAILED", compensation: stuck, upstreams: ["promote"] }),
    ];
    const lines = said(nodes, { status: "ROLLBACK_FAILED", ...END }).join("\n");
    expect(lines).toContain("undo by hand");
    expect(lines).toContain("it would repeat what stands (promote)");
    expect(lines).not.toContain("belay run");
  });

  test("R30: what failed and was undone since is still given as the cause", () => {
    const undone = { status: "COMPENSATED", error: FAILURE, compensation: UNDO } as const;
    const lines = said([ran("a", 0, 1, undone)], { status: "ROLLED_BACK", ...END });
    expect(lines).toContain("  ✗ a failed: TIMEOUT: no answer");
  });

  test("a tolerated failure is not given as the cause", () => {
    const nodes = [
      ran("a", 0, 1, { status: "FAILED", error: FAILURE, tolerated: true }),
      ran("b", 0, 1, { status: "FAILED", error: FAILURE }),
    ];
    expect(said(nodes, { status: "FAILED", ...END }).filter((line) => line.includes("✗"))).toEqual([
      "  ✗ b failed: TIMEOUT: no answer",
    ]);
  });

  test("R37: what is offered to a program is what the status allows", () => {
    const canceled = said([ran("a", 0, 1)], { status: "CANCELED", ...END });
    expect(canceled).toContain("    run.retry()");
    const back = said([ran("a", 0, 1, { status: "COMPENSATED", compensation: UNDO })], {
      status: "ROLLED_BACK",
      ...END,
    });
    expect(back).toContain("  everything that had started is undone, or has nothing that undoes it");
    expect(back.filter((line) => line.includes("run."))).toEqual([]);
  });

  test("a hundred failures are counted, not listed", () => {
    const nodes = Array.from({ length: 100 }, (_, index) =>
      ran(`n${index}`, 0, 1, { status: "FAILED", error: FAILURE }),
    );
    const lines = said(nodes, { status: "FAILED", ...END });
    expect(lines.filter((line) => line.includes("✗"))).toHaveLength(20);
    expect(lines).toContain("  … and 80 more");
  });

  test("a fault of the engine is said first", () => {
    const fault = { code: "JOURNAL_FAILED", message: "disk full" };
    expect(said([], { status: "RUNNING", fault, ...END })[0]).toBe(
      "RUNNING after 4.2s, stopped by a fault: JOURNAL_FAILED: disk full",
    );
  });
});
