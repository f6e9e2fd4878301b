/** R26, R37: teardowns of runs that are stopped, paused, or taken up again. */
import type { NodeDocument } from "@belay/engine";
import { describe, expect, test } from "vitest";
import { CoreRun, node, plan, undoable } from "./core-run.ts";

const cleanUp = (id: string, setups: readonly string[], rest: Partial<NodeDocument> = {}): NodeDocument =>
  node(id, [], { always: { for: setups }, ...rest });

describe("R26, R37: teardowns of a run that is stopped", () => {
  const retry = { maxAttempts: 2, initialInterval: 1 };
  const nodes = [undoable("a"), cleanUp("t", ["a"], { retry }), cleanUp("u", ["a"], { retry }), cleanUp("v", ["a"])];

  test("R26: the run's time ends them; in the rollback that follows they have all their attempts", () => {
    const run = new CoreRun(plan(nodes, { timeout: 60 }));
    run.start();
    run.grant();
    run.ok("a");
    run.grant(2);
    run.fail("u");
    expect(run.due("run")).toEqual([
      "HELD v",
      "CANCELING t RUN_TIMEOUT",
      "ABORT t RUN_TIMEOUT",
      "ARM t grace #1 +5000",
      "DISARM u backoff",
      "FAILED u RUN_TIMEOUT #1 FAILED",
    ]);
    expect(run.due("grace", "t")).toEqual([
      "DISARM t grace",
      "FAILED t RUN_TIMEOUT #1 UNKNOWN",
      "DISARM run run",
      "RUN_STATUS run FAILED",
    ]);
    run.verb({ kind: "rollback", scope: "all" });
    run.grant();
    expect(run.ok("a").slice(-3)).toEqual(["READY t #2", "READY u #2", "READY v #1"]);
    run.grant();
    expect(run.fail("t")).toEqual(["RETRYING t NONE #2 FAILED +1000", "ARM t backoff #2 +1000"]);
    run.ok("u", "v");
    run.due("backoff", "t");
    run.grant();
    expect(run.ok("t")).toEqual(["SUCCEEDED t #3", "RUN_STATUS run ROLLED_BACK"]);
  });

  test("R37: a cancel ends them and holds the others; a retry lets all of them run", () => {
    const run = new CoreRun(plan(nodes));
    run.start();
    run.grant();
    run.ok("a");
    run.grant(2);
    run.fail("u");
    run.verb({ kind: "cancel" });
    expect(run.ok("t")).toEqual([
      "LATE t #1 SUCCEEDED",
      "DISARM t grace",
      "FAILED t CANCEL #1 UNKNOWN",
      "RUN_STATUS run CANCELED",
    ]);
    expect(run.statuses).toEqual({ a: "SUCCESSFUL", t: "FAILED", u: "FAILED", v: "PENDING" });
    expect(run.verb({ kind: "retry" }).slice(-3)).toEqual(["READY t #2", "READY u #2", "READY v #1"]);
    run.grant();
    expect(run.ok("t", "u", "v").at(-1)).toBe("RUN_STATUS run SUCCESSFUL");
  });

  test("R37: a run that is canceled, or out of time, before its end tears nothing down", () => {
    const canceled = new CoreRun(plan([node("a"), node("b", ["a"]), cleanUp("t", ["a"])]));
    canceled.start();
    canceled.grant();
    canceled.verb({ kind: "cancel" });
    expect(canceled.due("grace", "a").at(-1)).toBe("RUN_STATUS run CANCELED");
    const late = new CoreRun(plan([node("a", [], { onFailure: "continue" }), cleanUp("t", ["a"])], { timeout: 1 }));
    late.start();
    late.grant();
    late.due("run");
    expect(late.due("grace", "a").at(-1)).toBe("RUN_STATUS run FAILED");
    expect(late.status("t")).toBe("PENDING");
    const tolerated = new CoreRun(plan([node("a", [], { onFailure: "continue" }), cleanUp("t", ["a"])]));
    tolerated.start();
    tolerated.grant();
    tolerated.verb({ kind: "cancel" });
    expect(tolerated.due("grace", "a").at(-1)).toBe("RUN_STATUS run CANCELED");
    expect(tolerated.status("t")).toBe("PENDING");
  });

  test("R34, R35: after a partial rollback the condition of one that was held is asked again", () => {
    const run = new CoreRun(
      plan([undoable("a"), undoable("b", ["a"]), cleanUp("t", ["b"], { when: "nodes.b.status == 'SUCCESSFUL'" })]),
    );
    run.start();
    run.grant();
    run.ok("a");
    run.grant();
    expect(run.ok("b")).toEqual(["SUCCEEDED b #1", "RESOLVE t"]);
    expect(run.resolve("t")).toEqual(["READY t #1"]);
    expect(run.verb({ kind: "cancel" })).toEqual(["HELD t", "RUN_STATUS run CANCELED"]);
    run.verb({ kind: "rollback", scope: "node", node: "a" });
    run.grant();
    expect(run.ok("b")).toEqual(["COMPENSATED b #1", "RUN_STATUS run PARTIALLY_ROLLED_BACK"]);
    expect(run.verb({ kind: "retry" })).toEqual(["RUN_STATUS run RUNNING again", "RESET b", "RESET t", "READY b #2"]);
    run.grant();
    expect(run.ok("b")).toEqual(["SUCCEEDED b #2", "RESOLVE t"]);
    expect(run.resolve("t", "skip")).toEqual(["SKIPPED t CONDITION", "RUN_STATUS run SUCCESSFUL"]);
  });

  test("R37: while the run is paused no teardown is granted a slot, and a retry in the middle is one of its own", () => {
    const run = new CoreRun(plan([node("a"), cleanUp("t", ["a"]), cleanUp("u", ["a"])]));
    run.start();
    run.grant();
    run.verb({ kind: "pause" });
    expect(run.ok("a")).toEqual(["SUCCEEDED a #1", "READY t #1", "READY u #1"]);
    expect(run.demand()).toBe(0);
    run.verb({ kind: "resume" });
    run.grant();
    run.fail("t");
    expect(run.verb({ kind: "retry", node: "t" })).toEqual(["RESET t started", "READY t #2"]);
    run.ok("u");
    run.grant();
    expect(run.ok("t")).toEqual(["SUCCEEDED t #2", "RUN_STATUS run SUCCESSFUL"]);
  });

  /** All but `a`, which was canceled and is tolerated, have had their turn; `t` and `v` have failed. */
  function tornDown(): CoreRun {
    const nodes = [
      node("a", [], { onFailure: "continue" }),
      node("b", [], { when: "false" }),
      cleanUp("t", ["a"]),
      cleanUp("u", ["b"]),
      cleanUp("v", ["a"]),
      cleanUp("w", ["a"]),
    ];
    const run = new CoreRun(plan(nodes));
    run.start();
    run.resolve("b", "skip");
    run.grant();
    run.verb({ kind: "cancel", node: "a" });
    expect(run.due("grace", "a").slice(-4)).toEqual(["READY t #1", "SKIPPED u UPSTREAM", "READY v #1", "READY w #1"]);
    run.grant();
    run.ok("w");
    run.fail("t");
    run.fail("v");
    expect(run.run).toBe("FAILED");
    return run;
  }

  test("R2, R37: a retry that lets another node run again ends the teardowns' turn until that has ended", () => {
    const run = tornDown();
    run.verb({ kind: "skip", node: "v" });
    expect(run.verb({ kind: "retry" })).toEqual([
      "RUN_STATUS run RUNNING again",
      "RESET a started",
      "RESET t started",
      "RESET u",
      "READY a #2",
    ]);
    run.grant();
    expect(run.ok("a")).toEqual(["SUCCEEDED a #2", "READY t #2", "SKIPPED u UPSTREAM"]);
    expect(run.facts("v")).toBe("FAILED NONE OPERATOR");
    run.grant();
    expect(run.ok("t")).toEqual(["SUCCEEDED t #2", "RUN_STATUS run SUCCESSFUL"]);
  });

  test("R37: a retry of a teardown alone leaves the others as they are", () => {
    const run = tornDown();
    expect(run.verb({ kind: "retry", node: "t" })).toEqual([
      "RUN_STATUS run RUNNING again",
      "RESET t started",
      "READY t #2",
    ]);
    expect(run.status("u")).toBe("SKIPPED");
    run.grant();
    expect(run.ok("t")).toEqual(["SUCCEEDED t #2", "RUN_STATUS run FAILED"]);
  });
});
