/** What mutation testing found unwatched in R12-R37: each of these once changed without a test noticing. */
import { describe, expect, test } from "vitest";
import { CoreRun, LIST, node, plan, undoable } from "./core-run.ts";

describe("R14, R32, R37: rare orders", () => {
  test("R32: what is left alone by skip-rollback still holds what is above it", () => {
    const run = new CoreRun(
      plan([undoable("a"), undoable("b", ["a"]), undoable("x"), undoable("c", ["x"]), node("f", ["b", "c"])]),
    );
    run.start();
    run.grant();
    run.ok("a", "x");
    run.grant();
    run.ok("b", "c");
    run.grant();
    run.fail("f");
    run.verb({ kind: "rollback", scope: "all" });
    run.grant();
    run.fail("b");
    run.fail("c");
    expect(run.verb({ kind: "skip-rollback", node: "b" })).toEqual(["RUN_STATUS run ROLLING_BACK"]);
    expect(run.grant()).toEqual(["COMPENSATE a #1"]);
    expect(run.ok("a")).toEqual(["COMPENSATED a #1", "RUN_STATUS run ROLLBACK_FAILED"]);
    expect(run.status("x")).toBe("SUCCESSFUL");
  });

  test("R14: a retried group that fails again beside another failure lets no further member go", () => {
    const run = new CoreRun(
      plan([node("g", [], { split: { over: "params.list", maxConcurrency: 1 } }), node("b")], LIST),
      { list: ["x", "y", "z"] },
    );
    run.start();
    run.grant();
    run.fail("b");
    run.fail("g[0]");
    run.verb({ kind: "retry", node: "g" });
    run.grant();
    expect(run.fail("g[0]")).toEqual([
      "FAILED g[0] NONE #2 FAILED",
      "FAILED g NONE #0 FAILED",
      "RUN_STATUS run FAILED",
    ]);
    expect(run.statuses).toEqual({ g: "FAILED", b: "FAILED", "g[0]": "FAILED", "g[1]": "PENDING", "g[2]": "PENDING" });
  });

  test("R14: a reaction that waits for a slot is not held by the first failure", () => {
    const run = new CoreRun(
      plan([node("a"), node("s"), node("r", ["s"], { trigger: "all_finished" }), node("o", ["s"])]),
    );
    run.start();
    run.grant();
    run.ok("s");
    expect(run.fail("a")).toEqual(["FAILED a NONE #1 FAILED", "HELD o"]);
  });

  test("R26: a deadline of the attempt that ended does not wake the next one early", () => {
    const run = new CoreRun(
      plan([node("a", [], { timeout: 1, heartbeatTimeout: 1, retry: { maxAttempts: 2, initialInterval: 60 } })]),
    );
    run.start();
    run.grant();
    run.fail("a");
    expect(run.due("attempt", "a")).toEqual([]);
    expect(run.due("heartbeat", "a")).toEqual([]);
    expect(run.due("grace", "a")).toEqual([]);
    expect(run.demand()).toBe(0);
  });

  test("R26: totalTimeout that comes late changes no cause", () => {
    const run = new CoreRun(
      plan([
        undoable("a", [], { totalTimeout: 5, retry: { maxAttempts: 2, initialInterval: 0, mode: "compensate-first" } }),
      ]),
    );
    run.start();
    run.grant();
    run.fail("a");
    run.grant();
    run.fail("a");
    expect(run.due("total", "a")).toEqual([]);
    expect(run.facts("a")).toBe("FAILED NONE NONE");
    expect(run.verb({ kind: "retry", node: "a" })).toEqual(["RUN_STATUS run RUNNING again", "RESET a started"]);
    expect(run.operations).toEqual({ run: "RETRY", a: "RETRY" });
    run.grant();
    run.ok("a");
    run.grant();
    run.ok("a");
  });

  test("R26: totalTimeout that comes during a rollback changes no cause", () => {
    const run = new CoreRun(plan([undoable("a", [], { totalTimeout: 5 })]));
    run.start();
    run.grant();
    run.fail("a");
    run.verb({ kind: "rollback", scope: "all" });
    run.grant();
    expect(run.due("total", "a")).toEqual([]);
    expect(run.facts("a")).toBe("FAILED NONE NONE");
  });

  test("R37: a retry after a cause shows no cause while the failed compensation is tried again", () => {
    const run = new CoreRun(
      plan([
        undoable("a", [], { timeout: 1, retry: { maxAttempts: 2, initialInterval: 0, mode: "compensate-first" } }),
      ]),
    );
    run.start();
    run.grant();
    run.due("attempt", "a");
    run.due("grace", "a");
    run.grant();
    run.fail("a");
    expect(run.facts("a")).toBe("UNKNOWN TIMEOUT NONE");
    run.verb({ kind: "retry", node: "a" });
    expect(run.facts("a")).toBe("UNKNOWN NONE NONE");
  });

  test("R12: what was spared before a partial rollback counts no more after it", () => {
    const run = new CoreRun(
      plan([
        node("p", [], { prohibitRollback: true }),
        undoable("a", ["p"]),
        node("w", ["a"], { trigger: "all_failed" }),
        node("f", ["a"]),
      ]),
    );
    run.start();
    run.grant();
    run.ok("p");
    run.grant();
    expect(run.ok("a")).toEqual(["SUCCEEDED a #1", "SKIPPED w UPSTREAM", "READY f #1"]);
    run.grant();
    run.fail("f");
    run.verb({ kind: "rollback", scope: "barrier" });
    run.grant();
    run.ok("a");
    run.verb({ kind: "retry" });
    run.grant();
    expect(run.fail("a")).toEqual(["FAILED a NONE #2 FAILED", "READY w #1"]);
  });

  test("R12: a success that a partial rollback has undone starts nothing after it", () => {
    const run = new CoreRun(
      plan([
        node("p", [], { prohibitRollback: true }),
        undoable("a", ["p"]),
        node("w", ["a"], { trigger: "any_succeeded" }),
      ]),
    );
    run.start();
    run.grant();
    run.ok("p");
    run.grant();
    run.ok("a");
    run.grant();
    run.fail("w");
    run.verb({ kind: "rollback", scope: "barrier" });
    run.grant();
    run.ok("a");
    expect(run.verb({ kind: "retry" }).filter((line) => line.startsWith("READY"))).toEqual(["READY a #2"]);
    run.grant();
    expect(run.ok("a")).toEqual(["SUCCEEDED a #2", "READY w #2"]);
  });

  test("R32: a rollback is not at rest while a compensation waits, for a slot or for its backoff", () => {
    const run = new CoreRun(
      plan([node("a", [], { compensation: { action: "undo", retry: { maxAttempts: 2, initialInterval: 4 } } })]),
    );
    run.start();
    run.grant();
    run.fail("a");
    expect(run.atRest).toBe(true);
    run.verb({ kind: "rollback", scope: "all" });
    expect(run.atRest).toBe(false);
    run.grant();
    expect(run.fail("a")).toContain("UNDO_RETRYING a #1 +4000");
    expect(run.atRest).toBe(false);
    run.due("compensation-backoff", "a");
    run.grant();
    run.ok("a");
    expect(run.atRest).toBe(true);
  });
});

describe("R20, R21: groups whose members are skipped", () => {
  test("R20: a FIRST_SUCCESS group all of whose candidates are skipped is SKIPPED", () => {
    const run = new CoreRun(
      plan(
        [
          node("g", [], { split: { over: "params.list", as: "item", method: "FIRST_SUCCESS" }, when: 'item == "z"' }),
          node("b", ["g"]),
        ],
        LIST,
      ),
      { list: ["x", "y"] },
    );
    run.start();
    run.resolve("g[0]", "skip");
    expect(run.resolve("g[1]", "skip")).toEqual(["SKIPPED g[1] CONDITION", "SKIPPED g CONDITION", "READY b #1"]);
  });

  test("R21: skipping the last candidate after the others failed fails the group, and holds the rest", () => {
    const run = new CoreRun(
      plan(
        [node("g", [], { split: { over: "params.list", method: "FIRST_SUCCESS" } }), node("b", [], { priority: -1 })],
        LIST,
      ),
      { list: ["x", "y"] },
    );
    run.start();
    run.grant(1);
    run.fail("g[0]");
    expect(run.verb({ kind: "skip", node: "g[1]" })).toEqual([
      "SKIPPED g[1] OPERATOR",
      "HELD b",
      "FAILED g NONE #0 FAILED",
      "RUN_STATUS run FAILED",
    ]);
  });

  test("R37: skipping the only member of a failed group ends the group as skipped", () => {
    const run = new CoreRun(plan([node("g", [], { split: { over: "params.list" } }), node("b", ["g"])], LIST), {
      list: ["x"],
    });
    run.start();
    run.grant();
    run.fail("g[0]");
    expect(run.verb({ kind: "skip", node: "g[0]" })).toEqual([
      "RUN_STATUS run RUNNING again",
      "RESET g",
      "SKIPPED g[0] OPERATOR",
      "SKIPPED g CONDITION",
      "READY b #1",
    ]);
  });

  test("R20: a member whose condition is being evaluated is not asked about again", () => {
    const run = new CoreRun(
      plan([node("g", [], { split: { over: "params.list", as: "item" }, when: 'item == "x"' }), node("b")], {
        ...LIST,
        failureMode: "continue",
      }),
      { list: ["x", "y"] },
    );
    run.start();
    run.grant();
    run.fail("b");
    expect(run.verb({ kind: "retry", node: "b" })).toEqual(["RESET b started", "READY b #2"]);
  });
});
