/** What the state says of a node beside its status: the operation last asked of it, outcome, causes, tolerance. */
import { describe, expect, test } from "vitest";
import { CoreRun, LIST, node, plan, undoable } from "./core-run.ts";

describe("R37: operations", () => {
  test("R37: a run and its nodes begin as EXECUTE; a retry by the plan or by an operator reads RETRY", () => {
    const run = new CoreRun(plan([node("a", [], { retry: { maxAttempts: 2, initialInterval: 0 } }), node("b")]));
    run.start();
    expect(run.operations).toEqual({ run: "EXECUTE", a: "EXECUTE", b: "EXECUTE" });
    run.grant();
    run.fail("a");
    expect(run.operations).toEqual({ run: "EXECUTE", a: "RETRY", b: "EXECUTE" });
    run.grant();
    run.fail("a");
    run.fail("b");
    expect(run.operations).toEqual({ run: "EXECUTE", a: "RETRY", b: "EXECUTE" });
    run.verb({ kind: "retry" });
    expect(run.operations).toEqual({ run: "RETRY", a: "RETRY", b: "RETRY" });
  });

  test("R37: what was canceled reads CANCEL, what was killed or timed out does not", () => {
    const run = new CoreRun(
      plan(
        [
          node("a"),
          node("b", [], { timeout: 1 }),
          node("c", [], { retry: { maxAttempts: 2 } }),
          node("d", [], { totalTimeout: 5, retry: { maxAttempts: 2 } }),
          node("e"),
        ],
        { failureMode: "continue" },
      ),
    );
    run.start();
    run.grant();
    run.fail("c");
    run.fail("d");
    run.verb({ kind: "cancel", node: "a" });
    run.verb({ kind: "cancel", node: "c" });
    run.due("total", "d");
    run.due("attempt", "b");
    expect(run.operations).toEqual({
      run: "EXECUTE",
      a: "CANCEL",
      b: "EXECUTE",
      c: "CANCEL",
      d: "RETRY",
      e: "EXECUTE",
    });
    expect([run.facts("a"), run.facts("b"), run.facts("c"), run.facts("d")]).toEqual([
      "NONE CANCEL NONE",
      "NONE TIMEOUT NONE",
      "FAILED CANCEL NONE",
      "FAILED TOTAL NONE",
    ]);
  });

  test("R37: a run that is canceled reads CANCEL, with the nodes that it stops", () => {
    const run = new CoreRun(plan([node("a"), node("b", ["a"]), node("c")]));
    run.start();
    run.grant(1);
    run.verb({ kind: "cancel" });
    expect(run.operations).toEqual({ run: "CANCEL", a: "CANCEL", b: "EXECUTE", c: "EXECUTE" });
    run.fail("a");
    expect(run.operations).toEqual({ run: "CANCEL", a: "CANCEL", b: "EXECUTE", c: "EXECUTE" });
  });

  test("R37: a canceled group reads CANCEL, with its members that were stopped", () => {
    const run = new CoreRun(plan([node("g", [], { split: { over: "params.list", maxConcurrency: 2 } })], LIST), {
      list: ["x", "y", "z"],
    });
    run.start();
    run.grant(1);
    run.verb({ kind: "cancel", node: "g" });
    expect(run.operations).toEqual({
      run: "EXECUTE",
      g: "CANCEL",
      "g[0]": "CANCEL",
      "g[1]": "CANCEL",
      "g[2]": "EXECUTE",
    });
    run.fail("g[0]");
    expect([run.facts("g"), run.facts("g[0]"), run.facts("g[1]"), run.facts("g[2]")]).toEqual([
      "FAILED CANCEL NONE",
      "UNKNOWN CANCEL NONE",
      "NONE CANCEL NONE",
      "NONE NONE NONE",
    ]);
  });

  test("R37: canceling a group whose members wait ends it at once", () => {
    const run = new CoreRun(plan([node("g", [], { split: { over: "params.list" } })], LIST), { list: ["x"] });
    run.start();
    expect(run.verb({ kind: "cancel", node: "g" })).toEqual([
      "FAILED g[0] CANCEL #0 NONE",
      "FAILED g CANCEL #0 FAILED",
      "RUN_STATUS run FAILED",
    ]);
  });

  test("R37: what was skipped reads SKIP, a group with all its members", () => {
    const run = new CoreRun(
      plan([node("g", [], { split: { over: "params.list" } }), node("b", ["g"]), node("c")], LIST),
      { list: ["x", "y"] },
    );
    run.start();
    run.verb({ kind: "skip", node: "c" });
    run.grant();
    run.ok("g[0]");
    run.fail("g[1]");
    run.verb({ kind: "skip", node: "g" });
    expect(run.operations).toEqual({
      run: "RETRY",
      g: "SKIP",
      b: "EXECUTE",
      c: "SKIP",
      "g[0]": "SKIP",
      "g[1]": "SKIP",
    });
    expect([run.facts("g"), run.facts("g[1]"), run.facts("c")]).toEqual([
      "FAILED NONE OPERATOR",
      "FAILED NONE OPERATOR",
      "NONE NONE OPERATOR",
    ]);
  });

  test("R36: what was undone, or had nothing to undo, reads ROLLBACK; what never started does not; skip-rollback reads so", () => {
    const run = new CoreRun(
      plan([undoable("a"), node("m", ["a"]), undoable("b", ["m"]), node("f", ["b"]), node("n", ["f"])]),
    );
    run.start();
    run.grant();
    run.ok("a");
    run.grant();
    run.ok("m");
    run.grant();
    run.ok("b");
    run.grant();
    run.fail("f");
    run.verb({ kind: "rollback", scope: "all" });
    run.grant();
    expect(run.operations).toEqual({
      run: "ROLLBACK",
      a: "EXECUTE",
      m: "EXECUTE",
      b: "ROLLBACK",
      f: "ROLLBACK",
      n: "EXECUTE",
    });
    run.fail("b");
    run.verb({ kind: "skip-rollback", node: "b" });
    expect(run.operations).toEqual({
      run: "ROLLBACK",
      a: "ROLLBACK",
      m: "ROLLBACK",
      b: "ROLLBACK_SKIP",
      f: "ROLLBACK",
      n: "EXECUTE",
    });
  });

  test("R36: after a partial rollback what goes forward again reads RETRY", () => {
    const run = new CoreRun(plan([node("p", [], { prohibitRollback: true }), undoable("a", ["p"]), node("f", ["a"])]));
    run.start();
    run.grant();
    run.ok("p");
    run.grant();
    run.ok("a");
    run.grant();
    run.fail("f");
    run.verb({ kind: "rollback", scope: "barrier" });
    run.grant();
    run.ok("a");
    expect(run.operations).toEqual({ run: "ROLLBACK", p: "EXECUTE", a: "ROLLBACK", f: "ROLLBACK" });
    run.verb({ kind: "retry" });
    expect(run.operations).toEqual({ run: "RETRY", p: "EXECUTE", a: "RETRY", f: "RETRY" });
    expect([run.facts("a"), run.facts("f")]).toEqual(["NONE NONE NONE", "NONE NONE NONE"]);
  });
});

describe("R27: outcomes and causes", () => {
  test("R27: a new attempt forgets how the last one ended and why", () => {
    const run = new CoreRun(plan([node("a", [], { timeout: 1, retry: { maxAttempts: 2, initialInterval: 0 } })]));
    run.start();
    run.grant();
    run.due("attempt", "a");
    run.due("grace", "a");
    expect(run.facts("a")).toBe("UNKNOWN TIMEOUT NONE");
    run.grant();
    expect(run.facts("a")).toBe("NONE NONE NONE");
    run.ok("a");
    expect(run.facts("a")).toBe("SUCCEEDED NONE NONE");
  });

  test("R27: what an operator's retry had to undo keeps its outcome until it starts anew", () => {
    const run = new CoreRun(
      plan([
        undoable("a", [], { compensation: { action: "undo", when: "succeeded" } }),
        node("b", ["a"]),
        node("s", ["b"], { trigger: "any_failed", when: "true" }),
      ]),
    );
    run.start();
    run.grant();
    run.fail("a");
    expect(run.facts("a")).toBe("FAILED NONE NONE");
    run.verb({ kind: "retry", node: "a" });
    expect(run.facts("a")).toBe("FAILED NONE NONE");
  });

  test("R27: a group that failed has failed, one that was skipped says why", () => {
    const run = new CoreRun(
      plan(
        [
          node("g", [], { split: { over: "params.list" } }),
          node("h", [], { split: { over: "params.list", as: "item" }, when: 'item == "z"' }),
        ],
        { ...LIST, failureMode: "continue" },
      ),
      { list: ["x"] },
    );
    run.start();
    run.resolve("h[0]", "skip");
    run.grant();
    run.fail("g[0]");
    expect([run.facts("g"), run.facts("h")]).toEqual(["FAILED NONE NONE", "NONE NONE CONDITION"]);
    expect(run.statuses).toEqual({ g: "FAILED", h: "SKIPPED", "g[0]": "FAILED", "h[0]": "SKIPPED" });
  });

  test("R12: what is decided again forgets why it was skipped", () => {
    const run = new CoreRun(
      plan([
        node("p", [], { prohibitRollback: true }),
        undoable("a", ["p"]),
        node("s", ["a"], { trigger: "any_failed" }),
        node("f", ["a"]),
      ]),
    );
    run.start();
    run.grant();
    run.ok("p");
    run.grant();
    run.ok("a");
    run.grant();
    run.fail("f");
    expect(run.facts("s")).toBe("NONE NONE UPSTREAM");
    run.verb({ kind: "rollback", scope: "barrier" });
    run.grant();
    run.ok("a");
    run.verb({ kind: "retry" });
    expect(run.facts("s")).toBe("NONE NONE NONE");
    expect(run.facts("a")).toBe("NONE NONE NONE");
  });
});

describe("R14, R21: tolerated failures", () => {
  test("R14: a failure is tolerated where the plan says so, and nothing else is", () => {
    const run = new CoreRun(
      plan([node("a", [], { onFailure: "continue" }), node("b"), node("c", [], { onFailure: "continue" })], {
        failureMode: "continue",
      }),
    );
    run.start();
    run.grant();
    run.fail("a");
    run.fail("b");
    expect([run.tolerated("a"), run.tolerated("b"), run.tolerated("c")]).toEqual([true, false, false]);
  });

  test("R21: members are tolerated until their group fails, and for ever in a tolerated group", () => {
    const run = new CoreRun(
      plan(
        [
          node("g", [], { split: { over: "params.list", tolerated: 1 } }),
          node("h", [], { onFailure: "continue", split: { over: "params.list" } }),
        ],
        { ...LIST, failureMode: "continue" },
      ),
      { list: ["x", "y"] },
    );
    run.start();
    run.grant();
    run.fail("g[0]");
    run.fail("h[0]");
    expect([
      run.tolerated("g[0]"),
      run.tolerated("g[1]"),
      run.tolerated("h[0]"),
      run.tolerated("g"),
      run.tolerated("h"),
    ]).toEqual([true, false, true, false, false]);
    run.fail("g[1]");
    run.ok("h[1]");
    expect([
      run.tolerated("g[0]"),
      run.tolerated("g[1]"),
      run.tolerated("h[0]"),
      run.tolerated("g"),
      run.tolerated("h"),
    ]).toEqual([false, false, true, false, true]);
  });

  test("R21: a candidate that is undone, or being undone, has failed all the same; a member that a rollback undid has not", () => {
    const run = new CoreRun(
      plan(
        [
          undoable("g", [], { split: { over: "params.list", method: "FIRST_SUCCESS" } }),
          undoable("s", [], { split: { over: "params.list", method: "SERIAL" } }),
          node("f", ["g", "s"]),
        ],
        LIST,
      ),
      { list: ["x", "y"] },
    );
    run.start();
    run.grant();
    run.fail("g[0]");
    expect(run.tolerated("g[0]")).toBe(true);
    run.grant();
    expect(run.tolerated("g[0]")).toBe(true);
    run.ok("g[0]");
    expect(run.tolerated("g[0]")).toBe(true);
    run.ok("s[0]");
    run.grant();
    run.ok("g[1]", "s[1]");
    run.grant();
    run.fail("f");
    run.verb({ kind: "rollback", scope: "all" });
    run.grant();
    expect([run.tolerated("g[0]"), run.tolerated("g[1]"), run.tolerated("s[1]")]).toEqual([true, false, false]);
    run.ok("g[1]", "s[1]");
    expect([run.tolerated("g[0]"), run.tolerated("g[1]"), run.tolerated("s[1]")]).toEqual([true, false, false]);
  });
});
