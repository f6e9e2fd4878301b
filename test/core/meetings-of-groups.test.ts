/** R12-R37 where a group meets something: a retry, a stop, its neighbours. */
import { describe, expect, test } from "vitest";
import { CoreRun, LIST, node, plan, undoable } from "./core-run.ts";

describe("R37: retry of all and groups half way", () => {
  test("R37: a tolerated failure in a group that was held half way is left alone, one that a cancel stopped runs again", () => {
    const run = new CoreRun(
      plan([node("g", [], { split: { over: "params.list", maxConcurrency: 1, tolerated: 2 } })], LIST),
      { list: ["x", "y", "z"] },
    );
    run.start();
    run.grant();
    run.fail("g[0]");
    run.grant();
    run.verb({ kind: "cancel" });
    expect(run.fail("g[1]")).toEqual(["DISARM g[1] grace", "FAILED g[1] CANCEL #1 UNKNOWN", "RUN_STATUS run CANCELED"]);
    expect(run.statuses).toEqual({ g: "RUNNING", "g[0]": "FAILED", "g[1]": "FAILED", "g[2]": "PENDING" });
    expect(run.verb({ kind: "retry" })).toEqual([
      "RUN_STATUS run RUNNING again",
      "RESET g[1] started",
      "READY g[1] #2",
    ]);
    expect(run.grant()).toEqual(["RUN g[1] #2"]);
    expect(run.ok("g[1]")).toEqual(["SUCCEEDED g[1] #2", "READY g[2] #1"]);
  });

  test("R37: a retried group asks its members' conditions and starts them although another failure holds the rest", () => {
    const run = new CoreRun(
      plan(
        [
          node("g", [], { split: { over: "params.list", as: "item", method: "SERIAL" }, when: 'item == "x"' }),
          node("b"),
        ],
        LIST,
      ),
      { list: ["x", "y"] },
    );
    run.start();
    run.resolve("g[0]", "run");
    run.grant();
    run.fail("b");
    run.fail("g[0]");
    expect(run.verb({ kind: "retry", node: "g" })).toEqual([
      "RUN_STATUS run RUNNING again",
      "RESET g",
      "RESET g[0] started",
      "READY g[0] #2",
    ]);
    expect(run.grant()).toEqual(["RUN g[0] #2"]);
    expect(run.ok("g[0]")).toEqual(["SUCCEEDED g[0] #2", "RESOLVE g[1]"]);
    expect(run.resolve("g[1]", "run")).toEqual(["READY g[1] #1"]);
  });

  test("R37: canceling a group that was held ends it at once", () => {
    const run = new CoreRun(
      plan([node("g", [], { split: { over: "params.list", maxConcurrency: 1 } }), node("b"), node("c")], LIST),
      { list: ["x", "y"] },
    );
    run.start();
    run.grant();
    run.fail("b");
    run.ok("g[0]");
    expect(run.verb({ kind: "cancel", node: "g" })).toEqual(["FAILED g CANCEL #0 FAILED"]);
    expect(run.run).toBe("RUNNING");
  });

  test("R14: a held member of the first node of a plan leaves its place in the group", () => {
    const run = new CoreRun(plan([node("g", [], { priority: -1, split: { over: "params.list" } }), node("a")], LIST), {
      list: ["x", "y"],
    });
    run.start();
    run.grant(2);
    expect(run.fail("a")).toEqual(["FAILED a NONE #1 FAILED", "HELD g[1]"]);
    expect(run.fail("g[0]")).toEqual([
      "FAILED g[0] NONE #1 FAILED",
      "FAILED g NONE #0 FAILED",
      "RUN_STATUS run FAILED",
    ]);
  });

  test("R37: verbs on one group leave the members of the next one alone", () => {
    const run = new CoreRun(
      plan([node("g", [], { split: { over: "params.list" } }), node("h", [], { split: { over: "params.list" } })], {
        ...LIST,
        failureMode: "continue",
      }),
      { list: ["x"] },
    );
    run.start();
    run.grant();
    expect(run.verb({ kind: "cancel", node: "g" })).toEqual([
      "CANCELING g[0] CANCEL",
      "ABORT g[0] CANCEL",
      "ARM g[0] grace #1 +5000",
    ]);
    run.fail("g[0]");
    run.fail("h[0]");
    expect(run.operations).toEqual({ run: "EXECUTE", g: "CANCEL", h: "EXECUTE", "g[0]": "CANCEL", "h[0]": "EXECUTE" });
    expect(run.verb({ kind: "retry", node: "g" })).toEqual([
      "RUN_STATUS run RUNNING again",
      "RESET g",
      "RESET g[0] started",
      "READY g[0] #2",
    ]);
    run.grant();
    run.fail("g[0]");
    expect(run.verb({ kind: "skip", node: "g" })).toEqual([
      "RUN_STATUS run RUNNING again",
      "SKIPPED g[0] OPERATOR",
      "SKIPPED g OPERATOR",
      "RUN_STATUS run FAILED",
    ]);
    expect(run.operations).toEqual({ run: "RETRY", g: "SKIP", h: "EXECUTE", "g[0]": "SKIP", "h[0]": "EXECUTE" });
  });

  test("R21: a failed group stays failed while another node is retried: stuck, canceled, or out of candidates", () => {
    const run = new CoreRun(
      plan(
        [
          undoable("s", [], { split: { over: "params.list", method: "FIRST_SUCCESS" } }),
          node("t", [], { split: { over: "params.list", maxConcurrency: 1, tolerated: 1 } }),
          node("u", [], { split: { over: "params.list", method: "FIRST_SUCCESS" } }),
          node("b"),
        ],
        { ...LIST, failureMode: "continue" },
      ),
      { list: ["x", "y"] },
    );
    run.start();
    run.grant();
    run.verb({ kind: "cancel", node: "t" });
    run.fail("t[0]");
    run.fail("s[0]");
    run.fail("u[0]");
    run.grant();
    run.fail("s[0]");
    run.fail("u[1]");
    run.fail("b");
    expect(run.statuses).toEqual({
      s: "FAILED",
      t: "FAILED",
      u: "FAILED",
      b: "FAILED",
      "s[0]": "COMPENSATION_FAILED",
      "s[1]": "PENDING",
      "t[0]": "FAILED",
      "t[1]": "PENDING",
      "u[0]": "FAILED",
      "u[1]": "FAILED",
    });
    expect([run.tolerated("s[0]"), run.tolerated("t[0]"), run.tolerated("u[0]")]).toEqual([false, false, false]);
    expect(run.verb({ kind: "retry", node: "b" })).toEqual([
      "RUN_STATUS run RUNNING again",
      "RESET b started",
      "READY b #2",
    ]);
    expect([run.tolerated("s[0]"), run.tolerated("t[0]"), run.tolerated("u[0]")]).toEqual([false, false, false]);
  });

  test("R12: what a group's members have told is told again after a retry: the first success, the first failure", () => {
    const run = new CoreRun(
      plan(
        [
          node("g", [], { split: { over: "params.list", maxConcurrency: 2, tolerated: 1 } }),
          node("b"),
          node("s", ["g"], { trigger: "any_succeeded" }),
          node("f", ["g"], { trigger: "any_failed" }),
        ],
        LIST,
      ),
      { list: ["x", "y", "z"] },
    );
    run.start();
    run.grant();
    run.fail("b");
    expect(run.ok("g[0]")).toEqual(["SUCCEEDED g[0] #1"]);
    expect(run.fail("g[1]")).toEqual(["FAILED g[1] NONE #1 FAILED", "READY f #1"]);
    run.verb({ kind: "cancel" });
    expect(run.statuses).toEqual({
      g: "RUNNING",
      b: "FAILED",
      s: "PENDING",
      f: "PENDING",
      "g[0]": "SUCCESSFUL",
      "g[1]": "FAILED",
      "g[2]": "PENDING",
    });
    expect(run.verb({ kind: "retry" })).toEqual([
      "RUN_STATUS run RUNNING again",
      "RESET b started",
      "READY g[2] #1",
      "READY b #2",
      "READY s #1",
      "READY f #1",
    ]);
  });

  test("R12: a group all of whose members failed has had no success to tell, whether it is tolerated or not", () => {
    const split = { over: "params.list" } as const;
    const run = new CoreRun(
      plan(
        [
          node("g", [], { split, onFailure: "continue" }),
          node("h", [], { split }),
          node("s", ["g"], { trigger: "any_succeeded" }),
          node("t", ["h"], { trigger: "any_succeeded" }),
          node("u", ["g"], { trigger: "all_failed" }),
        ],
        { ...LIST, failureMode: "continue" },
      ),
      { list: ["x", "y"] },
    );
    run.start();
    run.grant();
    run.fail("g[0]");
    expect(run.fail("g[1]").slice(1)).toEqual(["FAILED g NONE #0 FAILED", "SKIPPED s UPSTREAM", "READY u #1"]);
    run.fail("h[0]");
    run.fail("h[1]");
    expect([run.status("h"), run.status("t")]).toEqual(["FAILED", "PENDING"]);
  });

  test("R21: a group that starts over waits for a candidate that is still being undone", () => {
    const run = new CoreRun(
      plan([undoable("g", [], { split: { over: "params.list", method: "FIRST_SUCCESS" } })], LIST),
      { list: ["x", "y", "z"] },
    );
    run.start();
    run.grant();
    run.fail("g[0]");
    run.grant();
    run.ok("g[0]");
    run.grant();
    run.fail("g[1]");
    run.grant();
    run.fail("g[1]");
    expect(run.verb({ kind: "retry", node: "g" })).toEqual(["RUN_STATUS run RUNNING again", "RESET g", "RESET g[0]"]);
    expect(run.grant()).toEqual(["COMPENSATE g[1] #2"]);
    expect(run.ok("g[0]")).toEqual(["LATE g[0] #1 SUCCEEDED"]);
    expect(run.statuses).toEqual({ g: "RUNNING", "g[0]": "PENDING", "g[1]": "COMPENSATING", "g[2]": "PENDING" });
    expect(run.ok("g[1]")).toEqual(["COMPENSATED g[1] #2", "RESET g[1]", "READY g[0] #2"]);
    expect(run.statuses).toEqual({ g: "RUNNING", "g[0]": "READY", "g[1]": "PENDING", "g[2]": "PENDING" });
  });

  test("R32: each round of a candidate has all attempts of its compensation", () => {
    const run = new CoreRun(
      plan(
        [
          undoable("g", [], {
            compensation: { action: "undo", retry: { maxAttempts: 2, initialInterval: 0 } },
            split: { over: "params.list", method: "FIRST_SUCCESS" },
          }),
        ],
        LIST,
      ),
      { list: ["x"] },
    );
    run.start();
    run.grant();
    run.fail("g[0]");
    run.grant();
    run.fail("g[0]");
    run.grant();
    run.ok("g[0]");
    run.verb({ kind: "retry", node: "g" });
    run.grant();
    run.fail("g[0]");
    run.grant();
    expect(run.fail("g[0]")).toEqual(["UNDO_RETRYING g[0] #3 +0"]);
  });
});
