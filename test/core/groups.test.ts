/** R20-R24 as the core alone decides them: expansion, which members are let go, and how a group ends. */
import { describe, expect, test } from "vitest";
import { CoreRun, LIST, node, plan } from "./core-run.ts";

describe("R21: PARALLEL", () => {
  test("R20, R23: a group over the parameters has its members at the start, one over an output once it is resolved", () => {
    const run = new CoreRun(
      plan(
        [
          node("a"),
          node("g", [], { split: { over: "params.list" } }),
          node("h", ["a"], { split: { over: "nodes.a.output.items" } }),
        ],
        LIST,
      ),
      { list: ["x", "y"] },
    );
    expect(run.start()).toEqual([
      "RUN_STATUS run RUNNING at the start",
      "EXPANDED g 2 from 3",
      "READY a #1",
      "READY g[0] #1",
      "READY g[1] #1",
    ]);
    expect(run.grant()).toEqual(["RUN a #1", "RUN g[0] #1", "RUN g[1] #1"]);
    expect(run.ok("a")).toEqual(["SUCCEEDED a #1", "RESOLVE h"]);
    expect(run.resolve("h", "run", 3)).toEqual([
      "EXPANDED h 3 from 5",
      "READY h[0] #1",
      "READY h[1] #1",
      "READY h[2] #1",
    ]);
    expect(run.statuses).toEqual({
      a: "SUCCESSFUL",
      g: "RUNNING",
      h: "RUNNING",
      "g[0]": "RUNNING",
      "g[1]": "RUNNING",
      "h[0]": "READY",
      "h[1]": "READY",
      "h[2]": "READY",
    });
    expect(run.resolve("h", "run", 3)).toEqual([]);
    expect(run.grant()).toEqual(["RUN h[0] #1", "RUN h[1] #1", "RUN h[2] #1"]);
    expect(run.ok("h[2]", "h[0]", "h[1]", "g[1]")).toEqual([
      "SUCCEEDED h[2] #1",
      "SUCCEEDED h[0] #1",
      "SUCCEEDED h[1] #1",
      "SUCCEEDED h #0",
      "SUCCEEDED g[1] #1",
    ]);
    expect(run.ok("g[0]")).toEqual(["SUCCEEDED g[0] #1", "SUCCEEDED g #0", "RUN_STATUS run SUCCESSFUL"]);
  });

  test("R20: an empty list skips the group, and what is below starts", () => {
    const run = new CoreRun(
      plan([node("a"), node("h", ["a"], { split: { over: "nodes.a.output.items" } }), node("b", ["h"])]),
    );
    run.start();
    run.grant();
    run.ok("a");
    expect(run.resolve("h", "run", 0)).toEqual(["EXPANDED h 0 from 3", "SKIPPED h EMPTY", "READY b #1"]);
  });

  test("R21: maxConcurrency bounds the members that are let go; each end lets the next one go", () => {
    const run = new CoreRun(plan([node("g", [], { split: { over: "params.list", maxConcurrency: 2 } })], LIST), {
      list: ["x", "y", "z", "w"],
    });
    expect(run.start()).toEqual([
      "RUN_STATUS run RUNNING at the start",
      "EXPANDED g 4 from 1",
      "READY g[0] #1",
      "READY g[1] #1",
    ]);
    expect(run.grant()).toEqual(["RUN g[0] #1", "RUN g[1] #1"]);
    expect(run.ok("g[1]")).toEqual(["SUCCEEDED g[1] #1", "READY g[2] #1"]);
    expect(run.grant()).toEqual(["RUN g[2] #1"]);
    expect(run.ok("g[2]")).toEqual(["SUCCEEDED g[2] #1", "READY g[3] #1"]);
    expect(run.ok("g[0]")).toEqual(["SUCCEEDED g[0] #1"]);
    expect(run.grant()).toEqual(["RUN g[3] #1"]);
    expect(run.ok("g[3]")).toEqual(["SUCCEEDED g[3] #1", "SUCCEEDED g #0", "RUN_STATUS run SUCCESSFUL"]);
  });

  test("R21: tolerated members may fail; one more fails the group, once nothing of it runs", () => {
    const run = new CoreRun(plan([node("g", [], { split: { over: "params.list", tolerated: 1 } })], LIST), {
      list: ["x", "y", "z"],
    });
    run.start();
    run.grant();
    expect(run.fail("g[0]")).toEqual(["FAILED g[0] NONE #1 FAILED"]);
    expect(run.refusal({ kind: "retry", node: "g[0]" })).toEqual({ kind: "tolerated" });
    expect(run.fail("g[1]")).toEqual(["FAILED g[1] NONE #1 FAILED"]);
    expect(run.refusal({ kind: "retry", node: "g[0]" })).toBe(undefined);
    expect(run.ok("g[2]")).toEqual(["SUCCEEDED g[2] #1", "FAILED g NONE #0 FAILED", "RUN_STATUS run FAILED"]);
  });

  test("R21: a tolerated share counts the members; the larger of number and share holds", () => {
    const run = new CoreRun(
      plan([node("g", [], { split: { over: "params.list", tolerated: "50%" } }), node("b", ["g"])], LIST),
      { list: ["x", "y", "z", "w"] },
    );
    run.start();
    run.grant();
    expect(run.fail("g[0]")).toEqual(["FAILED g[0] NONE #1 FAILED"]);
    expect(run.fail("g[1]")).toEqual(["FAILED g[1] NONE #1 FAILED"]);
    expect(run.ok("g[2]")).toEqual(["SUCCEEDED g[2] #1"]);
    expect(run.ok("g[3]")).toEqual(["SUCCEEDED g[3] #1", "SUCCEEDED g #0", "READY b #1"]);
  });

  test("R21: every member may fail when all are tolerated: the group has succeeded without a success", () => {
    const run = new CoreRun(
      plan(
        [
          node("g", [], { split: { over: "params.list", tolerated: "100%" } }),
          node("b", ["g"], { trigger: "any_succeeded" }),
          node("c", ["g"], { trigger: "any_failed" }),
          node("d", ["g"], { trigger: "all_failed" }),
        ],
        LIST,
      ),
      { list: ["x", "y"] },
    );
    run.start();
    run.grant();
    expect(run.fail("g[0]")).toEqual(["FAILED g[0] NONE #1 FAILED", "READY c #1"]);
    expect(run.fail("g[1]")).toEqual([
      "FAILED g[1] NONE #1 FAILED",
      "SUCCEEDED g #0",
      "SKIPPED b UPSTREAM",
      "SKIPPED d UPSTREAM",
    ]);
    expect(run.statuses).toEqual({
      g: "SUCCESSFUL",
      b: "SKIPPED",
      c: "READY",
      d: "SKIPPED",
      "g[0]": "FAILED",
      "g[1]": "FAILED",
    });
  });

  test("R14: a failed member under no-new leaves the members that were not let go; a retry of the group goes on with them", () => {
    const run = new CoreRun(plan([node("g", [], { split: { over: "params.list", maxConcurrency: 2 } })], LIST), {
      list: ["x", "y", "z"],
    });
    run.start();
    run.grant();
    expect(run.fail("g[0]")).toEqual(["FAILED g[0] NONE #1 FAILED"]);
    expect(run.ok("g[1]")).toEqual(["SUCCEEDED g[1] #1", "FAILED g NONE #0 FAILED", "RUN_STATUS run FAILED"]);
    expect(run.statuses).toEqual({ g: "FAILED", "g[0]": "FAILED", "g[1]": "SUCCESSFUL", "g[2]": "PENDING" });
    expect(run.verb({ kind: "retry", node: "g" })).toEqual([
      "RUN_STATUS run RUNNING again",
      "RESET g",
      "RESET g[0] started",
      "READY g[0] #2",
      "READY g[2] #1",
    ]);
    expect(run.grant()).toEqual(["RUN g[0] #2", "RUN g[2] #1"]);
    expect(run.ok("g[0]")).toEqual(["SUCCEEDED g[0] #2"]);
    expect(run.grant()).toEqual([]);
    expect(run.ok("g[2]")).toEqual(["SUCCEEDED g[2] #1", "SUCCEEDED g #0", "RUN_STATUS run SUCCESSFUL"]);
  });

  test("R14: a member that was let go and has no slot yet is held by a failure, and its group ends without it", () => {
    const run = new CoreRun(plan([node("a"), node("g", [], { split: { over: "params.list" } })], LIST), {
      list: ["x", "y"],
    });
    run.start();
    expect(run.grant(2)).toEqual(["RUN a #1", "RUN g[0] #1"]);
    expect(run.fail("a")).toEqual(["FAILED a NONE #1 FAILED", "HELD g[1]"]);
    expect(run.ok("g[0]")).toEqual(["SUCCEEDED g[0] #1", "RUN_STATUS run FAILED"]);
    expect(run.verb({ kind: "retry", node: "a" })).toEqual([
      "RUN_STATUS run RUNNING again",
      "RESET a started",
      "READY a #2",
      "READY g[1] #1",
    ]);
    run.grant();
    expect(run.ok("a", "g[1]")).toEqual([
      "SUCCEEDED a #2",
      "SUCCEEDED g[1] #1",
      "SUCCEEDED g #0",
      "RUN_STATUS run SUCCESSFUL",
    ]);
  });

  test("R20: a condition that reads the item is asked for each member that is let go", () => {
    const run = new CoreRun(
      plan([node("g", [], { split: { over: "params.list", as: "item" }, when: 'item == "x"' })], LIST),
      { list: ["x", "y"] },
    );
    expect(run.start()).toEqual([
      "RUN_STATUS run RUNNING at the start",
      "EXPANDED g 2 from 1",
      "RESOLVE g[0]",
      "RESOLVE g[1]",
    ]);
    expect(run.resolve("g[0]", "run")).toEqual(["READY g[0] #1"]);
    expect(run.resolve("g[1]", "skip")).toEqual(["SKIPPED g[1] CONDITION"]);
    expect(run.grant()).toEqual(["RUN g[0] #1"]);
    expect(run.ok("g[0]")).toEqual(["SUCCEEDED g[0] #1", "SUCCEEDED g #0", "RUN_STATUS run SUCCESSFUL"]);
  });

  test("R20: a group all of whose members are skipped is SKIPPED(condition)", () => {
    const run = new CoreRun(
      plan(
        [node("g", [], { split: { over: "params.list", as: "item" }, when: 'item == "x"' }), node("b", ["g"])],
        LIST,
      ),
      { list: ["x", "y"] },
    );
    run.start();
    expect(run.resolve("g[0]", "skip")).toEqual(["SKIPPED g[0] CONDITION"]);
    expect(run.resolve("g[1]", "skip")).toEqual(["SKIPPED g[1] CONDITION", "SKIPPED g CONDITION", "READY b #1"]);
  });

  test("R20: a member whose condition cannot be evaluated fails like any other", () => {
    const run = new CoreRun(
      plan([node("g", [], { split: { over: "params.list", as: "item" }, when: 'item == "x"' })], LIST),
      { list: ["x", "y"] },
    );
    run.start();
    expect(run.resolve("g[0]", "fail")).toEqual(["FAILED g[0] NONE #0 NONE"]);
    expect(run.resolve("g[1]", "run")).toEqual(["FAILED g NONE #0 FAILED", "RUN_STATUS run FAILED"]);
    expect(run.statuses).toEqual({ g: "FAILED", "g[0]": "FAILED", "g[1]": "PENDING" });
    expect(run.run).toBe("FAILED");
  });

  test("R14: a failure while a member's condition is evaluated holds the member, and its group with it", () => {
    const run = new CoreRun(
      plan([node("a"), node("g", [], { split: { over: "params.list", as: "item" }, when: 'item == "x"' })], LIST),
      { list: ["x"] },
    );
    run.start();
    run.grant();
    expect(run.fail("a")).toEqual(["FAILED a NONE #1 FAILED"]);
    expect(run.resolve("g[0]", "run")).toEqual(["RUN_STATUS run FAILED"]);
    expect(run.statuses).toEqual({ a: "FAILED", g: "RUNNING", "g[0]": "PENDING" });
    expect(run.verb({ kind: "retry", node: "a" })).toEqual([
      "RUN_STATUS run RUNNING again",
      "RESET a started",
      "READY a #2",
      "READY g[0] #1",
    ]);
    expect(run.grant()).toEqual(["RUN a #2", "RUN g[0] #1"]);
    expect(run.ok("a", "g[0]")).toEqual([
      "SUCCEEDED a #2",
      "SUCCEEDED g[0] #1",
      "SUCCEEDED g #0",
      "RUN_STATUS run SUCCESSFUL",
    ]);
  });

  test("R20: a condition of the whole group is asked once, before it starts", () => {
    const run = new CoreRun(
      plan([node("g", [], { split: { over: "params.list" }, when: "params.list.size() > 1" }), node("b", ["g"])], LIST),
      { list: ["x", "y"] },
    );
    expect(run.start()).toEqual(["RUN_STATUS run RUNNING at the start", "EXPANDED g 2 from 2", "RESOLVE g"]);
    expect(run.resolve("g", "skip")).toEqual([
      "SKIPPED g[0] CONDITION",
      "SKIPPED g[1] CONDITION",
      "SKIPPED g CONDITION",
      "READY b #1",
    ]);
  });

  test("R20: a group whose condition cannot be evaluated fails as a whole", () => {
    const run = new CoreRun(
      plan(
        [
          node("g", [], { split: { over: "params.list" }, when: "params.list.size() > 1" }),
          node("b", ["g"], { trigger: "all_failed" }),
        ],
        LIST,
      ),
      { list: ["x", "y"] },
    );
    run.start();
    expect(run.resolve("g", "fail")).toEqual(["FAILED g NONE #0 NONE", "READY b #1"]);
    expect(run.statuses).toEqual({ g: "FAILED", b: "READY", "g[0]": "PENDING", "g[1]": "PENDING" });
    expect(run.verb({ kind: "retry", node: "g" })).toEqual(["RESET g", "RESOLVE g"]);
  });

  test("R14: a tolerated group whose condition cannot be evaluated takes its members with it", () => {
    const run = new CoreRun(
      plan(
        [
          node("g", [], { split: { over: "params.list" }, when: "params.list.size() > 1", onFailure: "continue" }),
          node("b", ["g"]),
        ],
        LIST,
      ),
      { list: ["x", "y"] },
    );
    run.start();
    expect(run.resolve("g", "fail")).toEqual([
      "SKIPPED g[0] UPSTREAM",
      "SKIPPED g[1] UPSTREAM",
      "FAILED g NONE #0 NONE",
      "READY b #1",
    ]);
  });

  test("R37: canceling a group aborts its members, lets no other go, and fails it", () => {
    const run = new CoreRun(plan([node("g", [], { split: { over: "params.list", maxConcurrency: 2 } })], LIST), {
      list: ["x", "y", "z"],
    });
    run.start();
    run.grant(1);
    expect(run.verb({ kind: "cancel", node: "g" })).toEqual([
      "CANCELING g[0] CANCEL",
      "ABORT g[0] CANCEL",
      "ARM g[0] grace #1 +5000",
      "FAILED g[1] CANCEL #0 NONE",
    ]);
    expect(run.fail("g[0]")).toEqual([
      "DISARM g[0] grace",
      "FAILED g[0] CANCEL #1 UNKNOWN",
      "FAILED g CANCEL #0 FAILED",
      "RUN_STATUS run FAILED",
    ]);
    expect(run.statuses).toEqual({ g: "FAILED", "g[0]": "FAILED", "g[1]": "FAILED", "g[2]": "PENDING" });
    expect(run.verb({ kind: "retry", node: "g" })).toEqual([
      "RUN_STATUS run RUNNING again",
      "RESET g",
      "RESET g[0] started",
      "RESET g[1]",
      "READY g[0] #2",
      "READY g[1] #1",
    ]);
    expect(run.grant()).toEqual(["RUN g[0] #2", "RUN g[1] #1"]);
    expect(run.ok("g[0]", "g[1]")).toEqual(["SUCCEEDED g[0] #2", "READY g[2] #1", "SUCCEEDED g[1] #1"]);
    expect(run.grant()).toEqual(["RUN g[2] #1"]);
    expect(run.ok("g[2]")).toEqual(["SUCCEEDED g[2] #1", "SUCCEEDED g #0", "RUN_STATUS run SUCCESSFUL"]);
  });

  test("R37: canceling a group with tolerated failures fails it all the same when members are left", () => {
    const run = new CoreRun(
      plan([node("g", [], { split: { over: "params.list", maxConcurrency: 1, tolerated: 2 } })], LIST),
      { list: ["x", "y", "z"] },
    );
    run.start();
    run.grant();
    expect(run.verb({ kind: "cancel", node: "g" })).toEqual([
      "CANCELING g[0] CANCEL",
      "ABORT g[0] CANCEL",
      "ARM g[0] grace #1 +5000",
    ]);
    expect(run.ok("g[0]")).toEqual([
      "LATE g[0] #1 SUCCEEDED",
      "DISARM g[0] grace",
      "FAILED g[0] CANCEL #1 UNKNOWN",
      "FAILED g CANCEL #0 FAILED",
      "RUN_STATUS run FAILED",
    ]);
  });

  test("R37: canceling a group whose members have all been let go leaves its end to them", () => {
    const run = new CoreRun(plan([node("g", [], { split: { over: "params.list", tolerated: 1 } })], LIST), {
      list: ["x", "y"],
    });
    run.start();
    run.grant();
    run.ok("g[0]");
    expect(run.verb({ kind: "cancel", node: "g" })).toEqual([
      "CANCELING g[1] CANCEL",
      "ABORT g[1] CANCEL",
      "ARM g[1] grace #1 +5000",
    ]);
    expect(run.fail("g[1]")).toEqual([
      "DISARM g[1] grace",
      "FAILED g[1] CANCEL #1 UNKNOWN",
      "SUCCEEDED g #0",
      "RUN_STATUS run SUCCESSFUL",
    ]);
  });
});
