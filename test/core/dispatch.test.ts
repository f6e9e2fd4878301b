/** R11, R41: places in a queue that were taken back, and how many ask for slots. */
import { expect, test } from "vitest";
import { CoreRun, LIST, node, plan, undoable } from "./core-run.ts";

test("R11, R25: a place that was taken back is no place for the attempt after a backoff", () => {
  const run = new CoreRun(
    plan([node("a", [], { priority: 1, retry: { maxAttempts: 2, initialInterval: 4 } }), node("b")], {
      failureMode: "continue",
    }),
  );
  run.start();
  run.verb({ kind: "cancel", node: "a" });
  run.verb({ kind: "retry", node: "a" });
  expect(run.grant(1)).toEqual(["RUN a #1"]);
  expect(run.fail("a")).toEqual(["RETRYING a NONE #1 FAILED +4000", "ARM a backoff #1 +4000"]);
  expect(run.grant(1)).toEqual(["RUN b #1"]);
  expect(run.due("backoff", "a")).toEqual(["READY a #2"]);
  expect(run.grant(1)).toEqual(["RUN a #2"]);
});

test("R11: a compensation that was taken back leaves no better place to the next attempt of its node", () => {
  const retry = { maxAttempts: 2, initialInterval: 0, mode: "compensate-first" } as const;
  const nodes = [node("go"), undoable("a", [], { retry, totalTimeout: 5, priority: -1 }), node("b", ["go"])];
  const run = new CoreRun(plan(nodes, { failureMode: "continue" }));
  run.start();
  run.grant();
  run.fail("a");
  expect(run.due("total", "a")).toEqual(["DISARM a total", "FAILED a TOTAL #1 FAILED"]);
  run.ok("go");
  run.verb({ kind: "retry", node: "a" });
  expect(run.grant(1)).toEqual(["COMPENSATE a #1"]);
  expect(run.ok("a")).toEqual(["COMPENSATED a #1", "READY a #2"]);
  expect(run.grant(1)).toEqual(["RUN b #1"]);
  expect(run.grant(1)).toEqual(["RUN a #2", "ARM a total #1 +5000"]);
});

test("R14, R25: under kill a group that is retried has all attempts of its members, a member alone has its own", () => {
  const group = node("g", [], { split: { over: "params.list" }, retry: { maxAttempts: 2, initialInterval: 0 } });
  const run = new CoreRun(plan([node("x"), group], { ...LIST, failureMode: "kill" }), { list: ["one", "two"] });
  run.start();
  run.grant();
  run.fail("x");
  for (const member of ["g[0]", "g[1]"]) run.due("grace", member);
  expect(run.run).toBe("FAILED");
  run.verb({ kind: "retry", node: "g" });
  run.grant();
  expect(run.fail("g[0]")).toEqual(["RETRYING g[0] NONE #2 FAILED +0", "READY g[0] #3"]);
  run.grant();
  run.fail("g[0]");
  run.ok("g[1]");
  run.verb({ kind: "retry", node: "g[0]" });
  run.grant();
  expect(run.fail("g[0]")).toEqual(["RETRYING g[0] NONE #4 FAILED +0", "READY g[0] #5"]);
});

test("R41: so many slots are asked for as nodes wait in the pool: none of a pool that the plan does not have", () => {
  const run = new CoreRun(plan([node("a"), node("b")]));
  expect([run.demand(0), run.demand(7)]).toEqual([0, 0]);
  run.start();
  expect([run.demand(0), run.demand(7)]).toEqual([2, 0]);
  run.grant();
  expect([run.demand(0), run.demand(7)]).toEqual([0, 0]);
});
