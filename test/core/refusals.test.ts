/** R37: which verb is refused when, and by what answer. */
import { describe, expect, test } from "vitest";
import { CoreRun, LIST, node, plan } from "./core-run.ts";

describe("R37: what is refused", () => {
  test("R37: each verb in a running run", () => {
    const run = new CoreRun(
      plan([node("a"), node("b", ["a"]), node("r", [], { retry: { maxAttempts: 3, initialInterval: 1 } })]),
    );
    run.start();
    expect(run.refusal({ kind: "retry" })).toEqual({
      kind: "run-state",
      allowedIn: ["FAILED", "CANCELED", "PARTIALLY_ROLLED_BACK"],
    });
    expect(run.refusal({ kind: "retry", node: "a" })).toEqual({
      kind: "node-state",
      allowedIn: ["FAILED", "COMPENSATION_FAILED"],
      is: "READY",
    });
    expect(run.refusal({ kind: "skip", node: "b" })).toEqual({
      kind: "node-state",
      allowedIn: ["FAILED", "READY", "COMPENSATION_FAILED"],
      is: "PENDING",
    });
    expect(run.refusal({ kind: "skip", node: "a" })).toBe(undefined);
    expect(run.refusal({ kind: "cancel", node: "a" })).toBe(undefined);
    expect(run.refusal({ kind: "cancel", node: "b" })).toEqual({
      kind: "node-state",
      allowedIn: ["RUNNING", "READY", "CANCELING"],
      is: "PENDING",
    });
    expect(run.refusal({ kind: "cancel" })).toBe(undefined);
    expect(run.refusal({ kind: "rollback", scope: "all" })).toEqual({
      kind: "run-state",
      allowedIn: ["FAILED", "CANCELED", "PARTIALLY_ROLLED_BACK", "ROLLBACK_FAILED"],
    });
    expect(run.refusal({ kind: "skip-rollback", node: "a" })).toEqual({
      kind: "run-state",
      allowedIn: ["ROLLBACK_FAILED"],
    });
    expect(run.refusal({ kind: "pause" })).toBe(undefined);
    expect(run.refusal({ kind: "resume" })).toEqual({ kind: "run-state", allowedIn: ["PAUSED"] });
    expect(run.refusal({ kind: "abandon" })).toEqual({
      kind: "run-state",
      allowedIn: ["PAUSED", "FAILED", "CANCELED", "PARTIALLY_ROLLED_BACK", "ROLLBACK_FAILED"],
    });
    run.grant();
    expect(run.refusal({ kind: "skip", node: "a" })).toEqual({
      kind: "node-state",
      allowedIn: ["FAILED", "READY", "COMPENSATION_FAILED"],
      is: "RUNNING",
    });
    expect(run.refusal({ kind: "cancel", node: "a" })).toBe(undefined);
    run.fail("r");
    expect(run.refusal({ kind: "skip", node: "r" })).toEqual({
      kind: "node-state",
      allowedIn: ["FAILED", "COMPENSATION_FAILED"],
      is: "READY",
    });
    run.due("backoff", "r");
    expect(run.refusal({ kind: "skip", node: "r" })).toEqual({
      kind: "node-state",
      allowedIn: ["FAILED", "COMPENSATION_FAILED"],
      is: "READY",
    });
  });

  test("R37: each verb in a paused run", () => {
    const run = new CoreRun(plan([node("a"), node("b", ["a"])]));
    run.start();
    run.grant();
    run.verb({ kind: "pause" });
    expect(run.refusal({ kind: "abandon" })).toEqual({ kind: "moving" });
    expect(run.refusal({ kind: "pause" })).toEqual({ kind: "run-state", allowedIn: ["RUNNING"] });
    expect(run.refusal({ kind: "resume" })).toBe(undefined);
    expect(run.refusal({ kind: "cancel" })).toBe(undefined);
    expect(run.refusal({ kind: "rollback", scope: "barrier" })).toEqual({
      kind: "run-state",
      allowedIn: ["FAILED", "CANCELED", "PARTIALLY_ROLLED_BACK", "ROLLBACK_FAILED"],
    });
    run.ok("a");
    expect(run.refusal({ kind: "abandon" })).toBe(undefined);
  });

  test("R37: a paused run is not given up while a condition is evaluated", () => {
    const run = new CoreRun(plan([node("a", [], { when: "true" })]));
    run.start();
    run.verb({ kind: "pause" });
    expect(run.refusal({ kind: "abandon" })).toEqual({ kind: "moving" });
    expect(run.resolve("a", "run")).toEqual(["READY a #1"]);
    expect(run.refusal({ kind: "abandon" })).toBe(undefined);
  });

  test("R37: each verb in a failed run", () => {
    const run = new CoreRun(plan([node("a"), node("t", [], { onFailure: "continue" })]));
    run.start();
    run.grant();
    run.fail("t");
    expect(run.refusal({ kind: "retry", node: "t" })).toEqual({ kind: "tolerated" });
    expect(run.refusal({ kind: "skip", node: "t" })).toEqual({ kind: "tolerated" });
    run.fail("a");
    expect(run.refusal({ kind: "retry" })).toBe(undefined);
    expect(run.refusal({ kind: "retry", node: "a" })).toBe(undefined);
    expect(run.refusal({ kind: "skip", node: "a" })).toBe(undefined);
    expect(run.refusal({ kind: "cancel" })).toEqual({ kind: "run-state", allowedIn: ["RUNNING", "PAUSED"] });
    expect(run.refusal({ kind: "rollback", scope: "all" })).toBe(undefined);
    expect(run.refusal({ kind: "rollback", scope: "node", node: "a" })).toBe(undefined);
    expect(run.refusal({ kind: "skip-rollback", node: "a" })).toEqual({
      kind: "run-state",
      allowedIn: ["ROLLBACK_FAILED"],
    });
    expect(run.refusal({ kind: "pause" })).toEqual({ kind: "run-state", allowedIn: ["RUNNING"] });
    expect(run.refusal({ kind: "resume" })).toEqual({ kind: "run-state", allowedIn: ["PAUSED"] });
    expect(run.refusal({ kind: "abandon" })).toBe(undefined);
  });

  test("R37: a group that still moves is not skipped, a tolerated one is passed only once it has failed as a whole", () => {
    const run = new CoreRun(
      plan(
        [
          node("g", [], {
            split: { over: "params.list", maxConcurrency: 2 },
            when: "params.list.size() > 1",
            onFailure: "continue",
          }),
          node("b"),
        ],
        LIST,
      ),
      { list: ["x", "y"] },
    );
    run.start();
    run.resolve("g", "run");
    run.grant();
    expect(run.fail("g[0]")).toEqual(["FAILED g[0] NONE #1 FAILED"]);
    expect(run.refusal({ kind: "skip", node: "g" })).toEqual({
      kind: "node-state",
      allowedIn: ["FAILED", "READY", "COMPENSATION_FAILED"],
      is: "RUNNING",
    });
    expect(run.refusal({ kind: "skip", node: "g[0]" })).toEqual({ kind: "tolerated" });
    expect(run.fail("g[1]")).toEqual(["FAILED g[1] NONE #1 FAILED", "FAILED g NONE #0 FAILED"]);
    expect(run.refusal({ kind: "skip", node: "g" })).toBe(undefined);
    expect(run.refusal({ kind: "retry", node: "g" })).toEqual({ kind: "tolerated" });
    expect(run.refusal({ kind: "retry", node: "g[0]" })).toEqual({ kind: "tolerated" });
  });

  test("R37: nothing is retried while a canceled run, paused or not, comes to rest", () => {
    for (const paused of [false, true]) {
      const run = new CoreRun(plan([node("a"), node("b")], { failureMode: "continue" }));
      run.start();
      run.grant();
      run.fail("b");
      if (paused) run.verb({ kind: "pause" });
      run.verb({ kind: "cancel" });
      expect(run.refusal({ kind: "retry", node: "b" })).toEqual({ kind: "moving" });
      expect(run.refusal({ kind: "skip", node: "b" })).toEqual({ kind: "moving" });
    }
  });
});
