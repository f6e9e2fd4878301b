/** R2 `always`: when teardowns have their turn, which of them run, and what their failures mean. */
import type { NodeDocument } from "@belay/engine";
import { describe, expect, test } from "vitest";
import { CoreRun, LIST, node, plan, undoable } from "./core-run.ts";

const cleanUp = (id: string, setups: readonly string[], rest: Partial<NodeDocument> = {}): NodeDocument =>
  node(id, [], { always: { for: setups }, ...rest });

describe("R2: which teardowns run", () => {
  test("R2: teardowns begin with the last end, in the order of the plan, and the run ends with theirs", () => {
    const run = new CoreRun(
      plan([cleanUp("t", ["a"]), cleanUp("u", ["b"]), node("a"), node("b", ["a"]), node("c", ["a"])]),
    );
    expect(run.start()).toEqual(["RUN_STATUS run RUNNING at the start", "READY a #1"]);
    run.grant();
    run.ok("a");
    run.grant();
    expect(run.ok("b")).toEqual(["SUCCEEDED b #1"]);
    expect(run.ok("c")).toEqual(["SUCCEEDED c #1", "READY t #1", "READY u #1"]);
    expect(run.grant()).toEqual(["RUN t #1", "RUN u #1"]);
    expect(run.ok("u")).toEqual(["SUCCEEDED u #1"]);
    expect(run.ok("t")).toEqual(["SUCCEEDED t #1", "RUN_STATUS run SUCCESSFUL"]);
  });

  test("R2: one setup that started is enough; without any the teardown is SKIPPED", () => {
    const run = new CoreRun(
      plan([node("a", [], { when: "false" }), node("b"), cleanUp("t", ["a", "b"]), cleanUp("u", ["a"])]),
    );
    run.start();
    run.resolve("a", "skip");
    run.grant();
    expect(run.ok("b")).toEqual(["SUCCEEDED b #1", "READY t #1", "SKIPPED u UPSTREAM"]);
  });

  test("R2: a group of which no member started has set nothing up", () => {
    const group = node("g", [], { split: { over: "params.list" }, when: "item == 'x'" });
    const nodes = [group, cleanUp("t", ["g"]), cleanUp("u", ["g"], { upstreams: ["t"], trigger: "all_finished" })];
    const run = new CoreRun(plan(nodes, LIST), { list: ["x", "y"] });
    run.start();
    run.resolve("g[0]", "skip");
    expect(run.resolve("g[1]", "skip")).toEqual([
      "SKIPPED g[1] CONDITION",
      "SKIPPED g CONDITION",
      "SKIPPED t UPSTREAM",
      "SKIPPED u UPSTREAM",
      "RUN_STATUS run SUCCESSFUL",
    ]);
  });

  test.each([0, 1])("R2: a group of which member %i alone started has set something up", (started) => {
    const group = node("g", [], { split: { over: "params.list" }, when: "item == 'x'" });
    const run = new CoreRun(plan([group, cleanUp("t", ["g"])], LIST), { list: ["x", "y"] });
    run.start();
    run.resolve(`g[${1 - started}]`, "skip");
    run.resolve(`g[${started}]`);
    run.grant();
    expect(run.ok(`g[${started}]`)).toEqual([`SUCCEEDED g[${started}] #1`, "SUCCEEDED g #0", "READY t #1"]);
  });

  test("R2, R43: what a list of an earlier round set up is torn down, although the new list is empty", () => {
    const run = new CoreRun(
      plan([
        node("a", [], { prohibitRollback: true }),
        undoable("g", ["a"], { split: { over: "nodes.a.output" } }),
        node("b", ["g"]),
        cleanUp("t", ["g"]),
      ]),
    );
    run.start();
    run.grant();
    run.ok("a");
    run.resolve("g", "run", 2);
    run.grant();
    run.ok("g[0]", "g[1]");
    run.grant();
    run.fail("b");
    run.verb({ kind: "rollback", scope: "barrier" });
    run.grant();
    expect(run.ok("g[0]", "g[1]").at(-1)).toBe("RUN_STATUS run PARTIALLY_ROLLED_BACK");
    run.verb({ kind: "retry" });
    expect(run.resolve("g", "run", 0)).toEqual(["EXPANDED g 0 from 6", "SKIPPED g EMPTY", "READY b #2"]);
    run.grant();
    expect(run.ok("b")).toEqual(["SUCCEEDED b #2", "READY t #1"]);
  });

  test("R34: after a partial rollback teardowns that had their turn have it again, those that had none once", () => {
    const run = new CoreRun(
      plan([
        node("a"),
        undoable("b", ["a"]),
        cleanUp("t", ["b"]),
        cleanUp("u", ["b"]),
        cleanUp("n", ["b"], { upstreams: ["t"] }),
      ]),
    );
    run.start();
    run.grant();
    run.ok("a");
    run.grant();
    run.ok("b");
    run.grant();
    run.fail("t");
    run.ok("u");
    run.verb({ kind: "rollback", scope: "node", node: "a" });
    run.grant();
    expect(run.ok("b")).toEqual(["COMPENSATED b #1", "RUN_STATUS run PARTIALLY_ROLLED_BACK"]);
    expect(run.verb({ kind: "retry" })).toEqual([
      "RUN_STATUS run RUNNING again",
      "RESET b",
      "RESET t",
      "RESET u",
      "READY b #2",
    ]);
    run.grant();
    expect(run.ok("b")).toEqual(["SUCCEEDED b #2", "READY t #2", "READY u #2"]);
    run.grant();
    run.ok("u");
    expect(run.ok("t")).toEqual(["SUCCEEDED t #2", "READY n #1"]);
    run.grant();
    expect(run.ok("n")).toEqual(["SUCCEEDED n #1", "RUN_STATUS run SUCCESSFUL"]);
  });

  test("R2: a group that never had members has set nothing up, whatever its neighbours did", () => {
    const nodes = [
      node("e", [], { split: { over: "params.list" }, when: "item == 'x'" }),
      node("f", [], { split: { over: "params.list" } }),
      node("a"),
      node("n", ["a"], { split: { over: "nodes.a.output" }, trigger: "any_failed" }),
      cleanUp("t", ["e"]),
      cleanUp("u", ["n"]),
    ];
    const run = new CoreRun(plan(nodes, LIST), { list: ["x", "y"] });
    run.start();
    run.resolve("e[0]", "skip");
    run.resolve("e[1]", "skip");
    run.grant();
    run.ok("f[0]", "f[1]");
    expect(run.ok("a")).toEqual([
      "SUCCEEDED a #1",
      "SKIPPED n UPSTREAM",
      "SKIPPED t UPSTREAM",
      "SKIPPED u UPSTREAM",
      "RUN_STATUS run SUCCESSFUL",
    ]);
  });

  test("R30: a teardown that had nothing to tear down is not skipped twice", () => {
    const nodes = [undoable("a"), node("b", [], { when: "false" }), cleanUp("t", ["b"]), cleanUp("u", ["a"])];
    const run = new CoreRun(plan(nodes));
    run.start();
    run.resolve("b", "skip");
    run.grant();
    expect(run.ok("a")).toEqual(["SUCCEEDED a #1", "SKIPPED t UPSTREAM", "READY u #1"]);
    run.grant();
    run.fail("u");
    run.verb({ kind: "rollback", scope: "all" });
    run.grant();
    expect(run.ok("a")).toEqual(["COMPENSATED a #1", "RESET u", "READY u #2"]);
  });

  test.each(["canceled", "out of time"])("R37: a run that is %s skips no teardown either", (how) => {
    const nodes = [node("a", [], { onFailure: "continue" }), node("b", [], { when: "false" }), cleanUp("t", ["b"])];
    const run = new CoreRun(plan(nodes, { timeout: 60 }));
    run.start();
    run.resolve("b", "skip");
    run.grant();
    if (how === "canceled") run.verb({ kind: "cancel" });
    else run.due("run");
    run.due("grace", "a");
    expect(run.statuses).toEqual({ a: "FAILED", b: "SKIPPED", t: "PENDING" });
  });
});

describe("R14: teardowns that fail", () => {
  test.each(["no-new", "kill", "continue"] as const)("R14: under %s they hold and stop no other", (failureMode) => {
    const retry = { maxAttempts: 2, initialInterval: 1 };
    const nodes = [node("a"), cleanUp("t", ["a"]), cleanUp("u", ["a"], { retry }), cleanUp("v", ["a"])];
    const run = new CoreRun(plan(nodes, { failureMode }));
    run.start();
    run.grant();
    run.ok("a");
    expect(run.grant(2)).toEqual(["RUN t #1", "RUN u #1"]);
    expect(run.fail("t")).toEqual(["FAILED t NONE #1 FAILED"]);
    expect(run.fail("u")).toEqual(["RETRYING u NONE #1 FAILED +1000", "ARM u backoff #1 +1000"]);
    expect(run.due("backoff", "u")).toEqual(["READY u #2"]);
    expect(run.grant()).toEqual(["RUN u #2", "RUN v #1"]);
    run.ok("u");
    expect(run.ok("v")).toEqual(["SUCCEEDED v #1", "RUN_STATUS run FAILED"]);
  });

  test("R34: a failed teardown starts no rollback by itself, and can be skipped", () => {
    const run = new CoreRun(plan([undoable("a"), cleanUp("t", ["a"])], { onFailure: "rollback" }));
    run.start();
    run.grant();
    run.ok("a");
    run.grant();
    expect(run.fail("t")).toEqual(["FAILED t NONE #1 FAILED", "RUN_STATUS run FAILED"]);
    expect(run.verb({ kind: "skip", node: "t" })).toEqual([
      "RUN_STATUS run RUNNING again",
      "SKIPPED t OPERATOR",
      "RUN_STATUS run SUCCESSFUL",
    ]);
  });

  test("R12, R30: after a rollback what failed runs again, and what waited for it is decided by its new end", () => {
    const run = new CoreRun(
      plan([
        undoable("a"),
        cleanUp("t", ["a"]),
        cleanUp("u", ["a"], { upstreams: ["t"], trigger: "any_failed" }),
        cleanUp("v", ["a"], { upstreams: ["u", "t"], trigger: "all_succeeded" }),
        cleanUp("w", ["a"], { upstreams: ["t"], trigger: "any_succeeded" }),
      ]),
    );
    run.start();
    run.grant();
    run.ok("a");
    run.grant();
    expect(run.fail("t")).toEqual(["FAILED t NONE #1 FAILED", "READY u #1"]);
    run.grant();
    expect(run.ok("u")).toEqual(["SUCCEEDED u #1", "RUN_STATUS run FAILED"]);
    run.verb({ kind: "rollback", scope: "all" });
    run.grant();
    expect(run.ok("a")).toEqual(["COMPENSATED a #1", "RESET t", "READY t #2"]);
    run.grant();
    expect(run.ok("t")).toEqual(["SUCCEEDED t #2", "READY v #1", "READY w #1"]);
    run.grant();
    run.ok("w");
    expect(run.ok("v")).toEqual(["SUCCEEDED v #1", "RUN_STATUS run ROLLED_BACK"]);
  });

  test("R14: the second failure of a teardown that runs again counts like its first", () => {
    const nodes = [
      undoable("a"),
      cleanUp("t", ["a"]),
      cleanUp("u", ["a"], { upstreams: ["t"], trigger: "any_failed" }),
      cleanUp("v", ["a"], { upstreams: ["u"], trigger: "any_failed" }),
    ];
    const run = new CoreRun(plan(nodes));
    run.start();
    run.grant();
    run.ok("a");
    run.grant();
    run.fail("t");
    run.grant();
    expect(run.fail("u")).toEqual(["FAILED u NONE #1 FAILED", "READY v #1"]);
    run.grant();
    run.ok("v");
    run.verb({ kind: "rollback", scope: "all" });
    run.grant();
    expect(run.ok("a")).toEqual(["COMPENSATED a #1", "RESET t", "RESET u", "READY t #2"]);
    run.grant();
    expect(run.fail("t")).toEqual(["FAILED t NONE #2 FAILED", "READY u #2"]);
    run.grant();
    expect(run.ok("u")).toEqual(["SUCCEEDED u #2", "RUN_STATUS run ROLLBACK_FAILED"]);
  });

  test("R14: a tolerated failure of a teardown ends neither the run nor its rollback badly", () => {
    const run = new CoreRun(
      plan([
        undoable("a"),
        cleanUp("t", ["a"], { onFailure: "continue" }),
        cleanUp("u", ["a"], { upstreams: ["t"], trigger: "all_failed" }),
        cleanUp("v", ["a"]),
      ]),
    );
    run.start();
    run.grant();
    run.ok("a");
    run.grant();
    expect(run.fail("t")).toEqual(["FAILED t NONE #1 FAILED", "READY u #1"]);
    run.grant();
    run.ok("u");
    expect(run.fail("v")).toEqual(["FAILED v NONE #1 FAILED", "RUN_STATUS run FAILED"]);
    expect(run.verb({ kind: "rollback", scope: "all" })).toEqual(["RUN_STATUS run ROLLING_BACK"]);
    run.grant();
    expect(run.ok("a")).toEqual(["COMPENSATED a #1", "RESET t", "RESET v", "READY t #2", "READY v #2"]);
    run.grant();
    run.fail("t");
    expect(run.ok("v")).toEqual(["SUCCEEDED v #2", "RUN_STATUS run ROLLED_BACK"]);
    expect(run.statuses).toEqual({ a: "COMPENSATED", t: "FAILED", u: "SUCCESSFUL", v: "SUCCESSFUL" });
  });

  test("R32: skip-rollback passes a failed teardown, and the others have their turn", () => {
    const nodes = [undoable("a"), cleanUp("t", ["a"]), cleanUp("u", ["a"], { upstreams: ["t"] })];
    const run = new CoreRun(plan(nodes, { onFailure: "rollback" }));
    run.start();
    run.grant();
    run.fail("a");
    run.grant();
    expect(run.ok("a")).toEqual(["COMPENSATED a #1", "READY t #1"]);
    run.grant();
    expect(run.fail("t")).toEqual(["FAILED t NONE #1 FAILED", "RUN_STATUS run ROLLBACK_FAILED"]);
    expect(run.verb({ kind: "skip-rollback", node: "t" })).toEqual([
      "SKIPPED t OPERATOR",
      "RUN_STATUS run ROLLING_BACK",
      "READY u #1",
    ]);
    expect(run.operations).toEqual({ run: "ROLLBACK", a: "ROLLBACK", t: "ROLLBACK_SKIP", u: "EXECUTE" });
    run.grant();
    expect(run.ok("u")).toEqual(["SUCCEEDED u #1", "RUN_STATUS run ROLLED_BACK"]);
  });
});
