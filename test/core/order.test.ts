/** R10-R14 as the core alone decides them: what becomes ready, in which order it is dispatched, what a failure holds. */
import type { NodeDocument, PlanDocument } from "@belay/engine";
import { describe, expect, test } from "vitest";
import { CoreRun, LIST, node, plan, undoable } from "./core-run.ts";

describe("R11: dispatch", () => {
  test("R11: a grant starts the best nodes first: priority, then seriesId, then parallelIdx", () => {
    const run = new CoreRun(
      plan(
        [
          node("a", [], { seriesId: 5 }),
          node("b", [], { seriesId: 3 }),
          node("c", [], { priority: 1, seriesId: 9 }),
          node("g", [], { seriesId: 4, split: { over: "params.list" } }),
        ],
        LIST,
      ),
      { list: ["x", "y"] },
    );
    run.start();
    expect(run.demand()).toBe(5);
    expect(run.grant(2)).toEqual(["RUN c #1", "RUN b #1"]);
    expect(run.demand()).toBe(3);
    expect(run.grant(2)).toEqual(["RUN a #1", "RUN g[0] #1"]);
    expect(run.grant(0)).toEqual([]);
    expect(run.grant(9)).toEqual(["RUN g[1] #1"]);
    expect(run.demand()).toBe(0);
  });

  test("R11: many nodes leave in the order of their rank, however they were queued", () => {
    const run = new CoreRun(
      plan(Array.from({ length: 40 }, (_, index) => node(`n${(index * 17) % 40}`, [], { priority: (index * 7) % 40 }))),
    );
    run.start();
    expect(run.grant(25)).toEqual([
      "RUN n9 #1",
      "RUN n18 #1",
      "RUN n27 #1",
      "RUN n36 #1",
      "RUN n5 #1",
      "RUN n14 #1",
      "RUN n23 #1",
      "RUN n32 #1",
      "RUN n1 #1",
      "RUN n10 #1",
      "RUN n19 #1",
      "RUN n28 #1",
      "RUN n37 #1",
      "RUN n6 #1",
      "RUN n15 #1",
      "RUN n24 #1",
      "RUN n33 #1",
      "RUN n2 #1",
      "RUN n11 #1",
      "RUN n20 #1",
      "RUN n29 #1",
      "RUN n38 #1",
      "RUN n7 #1",
      "RUN n16 #1",
      "RUN n25 #1",
    ]);
    expect(run.grant(25)).toEqual([
      "RUN n34 #1",
      "RUN n3 #1",
      "RUN n12 #1",
      "RUN n21 #1",
      "RUN n30 #1",
      "RUN n39 #1",
      "RUN n8 #1",
      "RUN n17 #1",
      "RUN n26 #1",
      "RUN n35 #1",
      "RUN n4 #1",
      "RUN n13 #1",
      "RUN n22 #1",
      "RUN n31 #1",
      "RUN n0 #1",
    ]);
  });

  test("R41: a grant of one pool starts nothing of another, and a pool that is not there has nothing", () => {
    const run = new CoreRun(plan([node("a", [], { pool: "left" }), node("b", [], { pool: "right" })]));
    run.start();
    expect([run.demand(0), run.demand(1), run.demand(2)]).toEqual([0, 1, 1]);
    expect(run.grant(5, 1)).toEqual(["RUN a #1"]);
    expect([run.demand(0), run.demand(1), run.demand(2)]).toEqual([0, 0, 1]);
    expect(run.grant(5, 7)).toEqual([]);
    expect(run.grant(5, 2)).toEqual(["RUN b #1"]);
  });

  test("R41: slots are held while an attempt or a compensation is in flight", () => {
    const run = new CoreRun(plan([undoable("a"), node("b", ["a"])]));
    run.start();
    run.grant();
    expect([...run.state.active]).toEqual([1]);
    run.ok("a");
    expect([...run.state.active]).toEqual([0]);
    run.grant();
    run.fail("b");
    expect([...run.state.active]).toEqual([0]);
    run.verb({ kind: "rollback", scope: "all" });
    run.grant();
    expect([...run.state.active]).toEqual([1]);
    run.ok("a");
    expect([...run.state.active]).toEqual([0]);
  });

  test("R30: compensations leave before forward nodes, the later one first", () => {
    const run = new CoreRun(plan([undoable("a"), undoable("b"), node("c", ["a", "b"])]));
    run.start();
    run.grant();
    run.ok("a", "b");
    run.grant();
    run.fail("c");
    run.verb({ kind: "rollback", scope: "all" });
    expect(run.grant(1)).toEqual(["COMPENSATE b #1"]);
    expect(run.grant(1)).toEqual(["COMPENSATE a #1"]);
  });

  test("R30: members are undone in the reverse of their order, before nodes of a lower rank", () => {
    const run = new CoreRun(
      plan([undoable("a"), undoable("g", [], { split: { over: "params.list" } }), node("c", ["a", "g"])], LIST),
      { list: ["x", "y"] },
    );
    run.start();
    run.grant();
    run.ok("a", "g[0]", "g[1]");
    run.grant();
    run.fail("c");
    run.verb({ kind: "rollback", scope: "all" });
    expect(run.grant(1)).toEqual(["COMPENSATE g[1] #1"]);
    expect(run.grant(1)).toEqual(["COMPENSATE g[0] #1"]);
    expect(run.grant(1)).toEqual(["COMPENSATE a #1"]);
  });

  test("R30: an undoing between two attempts goes before a node that waits for its first", () => {
    const run = new CoreRun(
      plan([undoable("a", [], { retry: { maxAttempts: 2, mode: "compensate-first" } }), node("b")]),
    );
    run.start();
    run.grant(1);
    run.fail("a");
    expect(run.grant(1)).toEqual(["COMPENSATE a #1"]);
  });
});

describe("R12: triggers", () => {
  /** Two nodes that run, `s` and the one given, and below both a node of each trigger. */
  function eachTriggerBelow(f: NodeDocument, rest: Partial<PlanDocument> = {}): CoreRun {
    const both = ["s", "f"];
    const below = [
      node("all", both),
      node("none", both, { trigger: "none_failed" }),
      node("fin", both, { trigger: "all_finished" }),
      node("some", both, { trigger: "any_succeeded" }),
      node("bad", both, { trigger: "any_failed" }),
      node("worst", both, { trigger: "all_failed" }),
    ];
    const run = new CoreRun(plan([node("s"), f, ...below], rest));
    run.start();
    run.grant();
    return run;
  }

  test("R12: each trigger, over one success and one failure", () => {
    const run = eachTriggerBelow(node("f"), { failureMode: "continue" });
    expect(run.ok("s")).toEqual(["SUCCEEDED s #1", "READY some #1", "SKIPPED worst UPSTREAM"]);
    expect(run.fail("f")).toEqual(["FAILED f NONE #1 FAILED", "READY fin #1", "READY bad #1"]);
    expect(run.statuses).toEqual({
      s: "SUCCESSFUL",
      f: "FAILED",
      all: "PENDING",
      none: "PENDING",
      fin: "READY",
      some: "READY",
      bad: "READY",
      worst: "SKIPPED",
    });
  });

  test("R12: each trigger, over two failures", () => {
    const run = eachTriggerBelow(node("f"), { failureMode: "continue" });
    expect(run.fail("s")).toEqual(["FAILED s NONE #1 FAILED", "READY bad #1"]);
    expect(run.fail("f")).toEqual(["FAILED f NONE #1 FAILED", "READY fin #1", "READY worst #1"]);
    expect(run.statuses).toEqual({
      s: "FAILED",
      f: "FAILED",
      all: "PENDING",
      none: "PENDING",
      fin: "READY",
      some: "PENDING",
      bad: "READY",
      worst: "READY",
    });
  });

  test("R12: each trigger, over two successes", () => {
    const run = eachTriggerBelow(node("f"), { failureMode: "continue" });
    expect(run.ok("s")).toEqual(["SUCCEEDED s #1", "READY some #1", "SKIPPED worst UPSTREAM"]);
    expect(run.ok("f")).toEqual([
      "SUCCEEDED f #1",
      "READY all #1",
      "READY none #1",
      "READY fin #1",
      "SKIPPED bad UPSTREAM",
    ]);
  });

  test("R12: each trigger, over one success and one tolerated failure", () => {
    const run = eachTriggerBelow(node("f", [], { onFailure: "continue" }));
    expect(run.fail("f")).toEqual(["FAILED f NONE #1 FAILED", "READY bad #1"]);
    expect(run.ok("s")).toEqual([
      "SUCCEEDED s #1",
      "READY all #1",
      "SKIPPED none UPSTREAM",
      "READY fin #1",
      "READY some #1",
      "SKIPPED worst UPSTREAM",
    ]);
  });

  test("R12: each trigger, over one tolerated failure alone", () => {
    const run = new CoreRun(
      plan([
        node("f", [], { onFailure: "continue" }),
        node("all", ["f"]),
        node("none", ["f"], { trigger: "none_failed" }),
        node("fin", ["f"], { trigger: "all_finished" }),
        node("some", ["f"], { trigger: "any_succeeded" }),
        node("bad", ["f"], { trigger: "any_failed" }),
        node("worst", ["f"], { trigger: "all_failed" }),
      ]),
    );
    run.start();
    run.grant();
    expect(run.fail("f")).toEqual([
      "FAILED f NONE #1 FAILED",
      "READY all #1",
      "SKIPPED none UPSTREAM",
      "READY fin #1",
      "SKIPPED some UPSTREAM",
      "READY bad #1",
      "READY worst #1",
    ]);
  });

  test("R12: each trigger, over a skipped node", () => {
    const run = new CoreRun(
      plan([
        node("s", [], { when: "false" }),
        node("all", ["s"]),
        node("none", ["s"], { trigger: "none_failed" }),
        node("fin", ["s"], { trigger: "all_finished" }),
        node("some", ["s"], { trigger: "any_succeeded" }),
        node("bad", ["s"], { trigger: "any_failed" }),
        node("worst", ["s"], { trigger: "all_failed" }),
      ]),
    );
    expect(run.start()).toEqual(["RUN_STATUS run RUNNING at the start", "RESOLVE s"]);
    expect(run.resolve("s", "skip")).toEqual([
      "SKIPPED s CONDITION",
      "READY all #1",
      "READY none #1",
      "READY fin #1",
      "SKIPPED some UPSTREAM",
      "SKIPPED bad UPSTREAM",
      "SKIPPED worst UPSTREAM",
    ]);
  });

  test("R12: each trigger, over a group of which one member failed and one succeeded", () => {
    const run = new CoreRun(
      plan(
        [
          node("g", [], { split: { over: "params.list" } }),
          node("all", ["g"]),
          node("fin", ["g"], { trigger: "all_finished" }),
          node("some", ["g"], { trigger: "any_succeeded" }),
          node("bad", ["g"], { trigger: "any_failed" }),
          node("worst", ["g"], { trigger: "all_failed" }),
        ],
        { ...LIST, failureMode: "continue" },
      ),
      { list: ["x", "y"] },
    );
    run.start();
    run.grant();
    expect(run.fail("g[1]")).toEqual(["FAILED g[1] NONE #1 FAILED", "READY bad #1"]);
    expect(run.ok("g[0]")).toEqual([
      "SUCCEEDED g[0] #1",
      "FAILED g NONE #0 FAILED",
      "READY fin #1",
      "READY some #1",
      "SKIPPED worst UPSTREAM",
    ]);
  });

  test("R12: all_failed over a group all of whose members failed", () => {
    const run = new CoreRun(
      plan(
        [
          node("g", [], { split: { over: "params.list" } }),
          node("bad", ["g"], { trigger: "any_failed" }),
          node("worst", ["g"], { trigger: "all_failed" }),
        ],
        { ...LIST, failureMode: "continue" },
      ),
      { list: ["x", "y"] },
    );
    run.start();
    run.grant();
    expect(run.fail("g[1]")).toEqual(["FAILED g[1] NONE #1 FAILED", "READY bad #1"]);
    expect(run.fail("g[0]")).toEqual(["FAILED g[0] NONE #1 FAILED", "FAILED g NONE #0 FAILED", "READY worst #1"]);
  });

  test("R12: a node whose condition cannot be evaluated fails, one that is not asked about changes nothing", () => {
    const run = new CoreRun(
      plan([node("a", [], { when: "true" }), node("b", ["a"]), node("c", ["a"], { trigger: "any_failed" })]),
    );
    run.start();
    expect(run.resolve("b", "run")).toEqual([]);
    expect(run.resolve("a", "fail")).toEqual(["FAILED a NONE #0 NONE", "READY c #1"]);
    expect(run.resolve("a", "run")).toEqual([]);
    expect(run.statuses).toEqual({ a: "FAILED", b: "PENDING", c: "READY" });
  });

  test("R10: a condition is asked only once the trigger holds, and once", () => {
    const run = new CoreRun(plan([node("a"), node("b", ["a"], { when: "true" })]));
    expect(run.start()).toEqual(["RUN_STATUS run RUNNING at the start", "READY a #1"]);
    run.grant();
    expect(run.ok("a")).toEqual(["SUCCEEDED a #1", "RESOLVE b"]);
    expect(run.resolve("b", "run")).toEqual(["READY b #1"]);
    expect(run.grant()).toEqual(["RUN b #1"]);
    expect(run.ok("b")).toEqual(["SUCCEEDED b #1", "RUN_STATUS run SUCCESSFUL"]);
  });
});
