/** R25, R37: what an operator's retry undoes first, and what may happen while that waits or is under way. */
import type { NodeDocument } from "@belay/engine";
import { describe, expect, test } from "vitest";
import { CoreRun, LIST, node, plan, undoable } from "./core-run.ts";

const FIRST = { maxAttempts: 2, initialInterval: 4, mode: "compensate-first" } as const;
const first = (id: string, upstreams: readonly string[] = [], rest: Partial<NodeDocument> = {}): NodeDocument =>
  undoable(id, upstreams, { retry: { ...FIRST, maxAttempts: 1 }, ...rest });

/** `a` has failed and is retried; its compensation waits for a slot. */
function retried(nodes: readonly NodeDocument[], rest: Parameters<typeof plan>[1] = {}): CoreRun {
  const run = new CoreRun(plan(nodes, rest));
  run.start();
  run.grant();
  run.fail("a");
  run.verb({ kind: "retry", node: "a" });
  return run;
}

describe("R25: with compensate-first an operator's retry undoes first", () => {
  test("R37: a node that waits for it cannot be skipped: it is between two attempts", () => {
    const run = retried([first("a"), node("b")]);
    expect(run.status("a")).toBe("READY");
    expect(run.refusal({ kind: "skip", node: "a" })).toEqual({
      kind: "node-state",
      allowedIn: ["FAILED", "COMPENSATION_FAILED"],
      is: "READY",
    });
  });

  test("R14: a failure elsewhere holds a node that waits for it, and it waits no more", () => {
    const run = new CoreRun(plan([first("a"), node("b"), node("x", ["b"])]));
    run.start();
    run.grant();
    run.fail("a");
    run.verb({ kind: "retry", node: "a" });
    expect(run.demand()).toBe(1);
    expect(run.fail("b")).toEqual(["FAILED b NONE #1 FAILED", "HELD a", "RUN_STATUS run FAILED"]);
    expect(run.demand()).toBe(0);
    expect(run.verb({ kind: "retry" })).toEqual(["RUN_STATUS run RUNNING again", "RESET b started", "READY b #2"]);
    expect(run.grant()).toEqual(["COMPENSATE a #1", "RUN b #2"]);
  });

  test("R14: a failure that comes while it is undone holds the attempt that follows", () => {
    const run = retried([first("a"), node("b")]);
    run.grant();
    run.fail("b");
    expect(run.ok("a")).toEqual(["COMPENSATED a #1", "HELD a", "RUN_STATUS run FAILED"]);
    run.verb({ kind: "retry" });
    expect(run.grant()).toEqual(["RUN a #2", "RUN b #2"]);
  });

  test("R37: canceled while it waits, nothing is undone; canceled while it is undone, no attempt follows", () => {
    const waiting = retried([first("a"), node("b")]);
    expect(waiting.verb({ kind: "cancel", node: "a" })).toEqual(["FAILED a CANCEL #1 FAILED"]);
    expect(waiting.demand()).toBe(0);
    const undoing = retried([first("a"), node("b")]);
    undoing.grant();
    undoing.verb({ kind: "cancel" });
    expect(undoing.ok("a")).toEqual(["COMPENSATED a #1", "FAILED a CANCEL #1 FAILED"]);
  });

  test("R24: a member that is undone first keeps its place in the group", () => {
    const group = first("g", [], { split: { over: "params.list", maxConcurrency: 1 } });
    const run = new CoreRun(plan([group], LIST), { list: ["x", "y"] });
    run.start();
    run.grant();
    run.fail("g[0]");
    run.verb({ kind: "retry", node: "g[0]" });
    expect(run.grant()).toEqual(["COMPENSATE g[0] #1"]);
    expect(run.ok("g[0]")).toEqual(["COMPENSATED g[0] #1", "READY g[0] #2"]);
    run.grant();
    expect(run.ok("g[0]")).toEqual(["SUCCEEDED g[0] #2", "READY g[1] #1"]);
  });
});

describe("R21: a group that starts over", () => {
  const group = undoable("g", [], { split: { over: "params.list", method: "FIRST_SUCCESS" } });

  /** The second candidate could not be undone. */
  function stuck(more: readonly NodeDocument[] = []): CoreRun {
    const run = new CoreRun(plan([group, ...more], LIST), { list: ["x", "y", "z"] });
    run.start();
    run.grant();
    for (const member of ["g[0]", "g[1]"]) {
      run.fail(member);
      run.grant();
      if (member === "g[0]") run.ok(member);
      else run.fail(member);
      run.grant();
    }
    return run;
  }

  test("R21: the candidate that could not be undone is undone first, then the first one is tried", () => {
    const run = stuck();
    expect(run.statuses).toEqual({
      g: "FAILED",
      "g[0]": "COMPENSATED",
      "g[1]": "COMPENSATION_FAILED",
      "g[2]": "PENDING",
    });
    expect(run.verb({ kind: "retry" })).toEqual(["RUN_STATUS run RUNNING again", "RESET g[0]", "RESET g"]);
    expect(run.operations["g[1]"]).toBe("RETRY");
    expect(run.grant()).toEqual(["COMPENSATE g[1] #2"]);
    expect(run.tolerated("g[1]")).toBe(true);
    expect(run.ok("g[1]")).toEqual(["COMPENSATED g[1] #2", "RESET g[1]", "READY g[0] #2"]);
    run.grant();
    expect(run.ok("g[0]")).toEqual([
      "SUCCEEDED g[0] #2",
      "SKIPPED g[1] SUPERSEDED",
      "SKIPPED g[2] SUPERSEDED",
      "SUCCEEDED g #0",
      "RUN_STATUS run SUCCESSFUL",
    ]);
  });

  test("R21: when it cannot be undone again, the group fails again, and starts over at the next retry", () => {
    const run = stuck();
    run.verb({ kind: "retry", node: "g" });
    run.grant();
    expect(run.fail("g[1]")).toEqual(["UNDO_FAILED g[1] #2", "FAILED g NONE #0 FAILED", "RUN_STATUS run FAILED"]);
    run.verb({ kind: "retry", node: "g" });
    run.grant();
    expect(run.ok("g[1]").at(-1)).toBe("READY g[0] #2");
  });

  test("R14, R21: a retry elsewhere while it is undone lets no candidate start beside it", () => {
    const run = stuck([node("b")]);
    run.fail("b");
    run.verb({ kind: "retry", node: "g" });
    run.grant();
    expect(run.verb({ kind: "retry", node: "b" })).toEqual(["RESET b started", "READY b #2"]);
    expect(run.ok("g[1]").at(-1)).toBe("READY g[0] #2");
  });
});

describe("R26, R37: what was asked of an attempt that is let go", () => {
  test("R37: a cancel during the grace of a timeout is told, the run's own time is not", () => {
    const nodes = [node("a", [], { timeout: 1, retry: { maxAttempts: 2, initialInterval: 0 } })];
    const canceled = new CoreRun(plan(nodes));
    canceled.start();
    canceled.grant();
    canceled.due("attempt", "a");
    expect(canceled.verb({ kind: "cancel", node: "a" })).toEqual([]);
    expect(canceled.operations).toEqual({ run: "EXECUTE", a: "CANCEL" });
    const late = new CoreRun(plan(nodes, { timeout: 60 }));
    late.start();
    late.grant();
    late.due("attempt", "a");
    late.due("run");
    expect(late.operations).toEqual({ run: "EXECUTE", a: "EXECUTE" });
    expect(late.facts("a")).toBe("NONE RUN_TIMEOUT NONE");
  });
});
