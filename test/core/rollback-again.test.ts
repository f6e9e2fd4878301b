/** R30-R43: rollbacks after rollbacks, and what goes forward after them. */
import { describe, expect, test } from "vitest";
import { CoreRun, LIST, node, plan, undoable } from "./core-run.ts";

describe("R30-R35: rollback again", () => {
  test("R32: a group whose rollback failed half way is counted anew; what is above is undone after it", () => {
    const run = new CoreRun(plan([undoable("a"), undoable("g", ["a"], { split: { over: "params.list" } })], LIST), {
      list: ["x", "y"],
    });
    run.start();
    run.grant();
    run.ok("a");
    run.grant();
    run.ok("g[0]");
    run.fail("g[1]");
    run.verb({ kind: "rollback", scope: "all" });
    run.grant();
    run.fail("g[0]");
    expect(run.ok("g[1]")).toEqual(["COMPENSATED g[1] #1", "RUN_STATUS run ROLLBACK_FAILED"]);
    expect(run.verb({ kind: "rollback", scope: "all" })).toEqual(["RUN_STATUS run ROLLING_BACK"]);
    expect(run.grant()).toEqual(["COMPENSATE g[0] #2"]);
    expect(run.ok("g[0]")).toEqual(["COMPENSATED g[0] #2"]);
    expect(run.grant()).toEqual(["COMPENSATE a #1"]);
    expect(run.ok("a")).toEqual(["COMPENSATED a #1", "RUN_STATUS run ROLLED_BACK"]);
  });

  test("R34: a started node in scope with nothing to undo runs again after the rollback", () => {
    const run = new CoreRun(plan([node("p", [], { prohibitRollback: true }), node("m", ["p"]), node("f", ["m"])]));
    run.start();
    run.grant();
    run.ok("p");
    run.grant();
    run.ok("m");
    run.grant();
    run.fail("f");
    expect(run.verb({ kind: "rollback", scope: "barrier" })).toEqual([
      "RUN_STATUS run ROLLING_BACK",
      "RUN_STATUS run PARTIALLY_ROLLED_BACK",
    ]);
    expect(run.operations).toEqual({ run: "ROLLBACK", p: "EXECUTE", m: "ROLLBACK", f: "ROLLBACK" });
    expect(run.verb({ kind: "retry" })).toEqual(["RUN_STATUS run RUNNING again", "RESET m", "RESET f", "READY m #2"]);
  });

  test("R43: a member of a group that expands anew has a fresh round: it may be skipped, and all its attempts are ahead", () => {
    const run = new CoreRun(
      plan([
        node("p", [], { prohibitRollback: true }),
        undoable("a", ["p"]),
        undoable("h", ["a"], {
          retry: { maxAttempts: 2, initialInterval: 0 },
          split: { over: "nodes.a.output.items" },
        }),
      ]),
    );
    run.start();
    run.grant();
    run.ok("p");
    run.grant();
    run.ok("a");
    run.resolve("h", "run", 1);
    run.grant();
    run.fail("h[0]", false);
    run.verb({ kind: "rollback", scope: "barrier" });
    run.grant();
    run.ok("h[0]");
    run.grant();
    run.ok("a");
    run.verb({ kind: "retry" });
    run.grant();
    run.ok("a");
    expect(run.resolve("h", "run", 1)).toEqual(["EXPANDED h 1 from 4", "READY h[0] #2"]);
    expect(run.refusal({ kind: "skip", node: "h[0]" })).toBe(undefined);
    expect(run.grant()).toEqual(["RUN h[0] #2"]);
    expect(run.fail("h[0]")).toEqual(["RETRYING h[0] NONE #2 FAILED +0", "READY h[0] #3"]);
  });

  test("R30: the cost of a rollback grows with edges, not with paths", () => {
    const run = new CoreRun(
      plan(
        Array.from({ length: 40 }, (_, layer) => [
          undoable(`a${layer}`, layer === 0 ? [] : [`a${layer - 1}`, `b${layer - 1}`]),
          undoable(`b${layer}`, layer === 0 ? [] : [`a${layer - 1}`, `b${layer - 1}`]),
        ]).flat(),
      ),
    );
    run.start();
    run.grant();
    run.ok("a0");
    run.fail("b0");
    expect(run.refusal({ kind: "rollback", scope: "node", node: "a0" })).toBe(undefined);
    expect(run.verb({ kind: "rollback", scope: "node", node: "a0" })).toEqual([
      "RUN_STATUS run ROLLING_BACK",
      "RUN_STATUS run PARTIALLY_ROLLED_BACK",
    ]);
  });

  test("R37: a canceled run is given up", () => {
    const run = new CoreRun(
      plan([undoable("a", [], { retry: { maxAttempts: 2, mode: "compensate-first" } }), node("b")]),
    );
    run.start();
    run.grant();
    run.verb({ kind: "cancel" });
    run.fail("a");
    run.fail("b");
    expect(run.verb({ kind: "abandon" })).toEqual(["RUN_STATUS run ABANDONED"]);
  });

  test("R37: a rollback that failed is given up", () => {
    const run = new CoreRun(plan([undoable("a")]));
    run.start();
    run.grant();
    run.fail("a");
    run.verb({ kind: "rollback", scope: "all" });
    run.grant();
    expect(run.fail("a")).toEqual(["UNDO_FAILED a #1", "RUN_STATUS run ROLLBACK_FAILED"]);
    expect(run.verb({ kind: "abandon" })).toEqual(["RUN_STATUS run ABANDONED"]);
  });

  test("R37: a node whose compensation failed between two attempts is skipped", () => {
    const run = new CoreRun(plan([undoable("a", [], { retry: { maxAttempts: 2, mode: "compensate-first" } })]));
    run.start();
    run.grant();
    run.fail("a");
    run.grant();
    run.fail("a");
    expect(run.verb({ kind: "skip", node: "a" })).toEqual([
      "RUN_STATUS run RUNNING again",
      "SKIPPED a OPERATOR",
      "RUN_STATUS run SUCCESSFUL",
    ]);
  });
});
