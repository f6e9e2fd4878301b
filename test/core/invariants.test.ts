/** R50, R51: what cannot happen stops the run it happens in, by an error that names the rule. */
import { expect, test } from "vitest";
import { CoreRun, node, plan } from "./core-run.ts";

test("R51: a run never goes where the table does not say", () => {
  const run = new CoreRun(plan([node("a")]));
  run.start();
  expect(() => run.feed({ kind: "resume" })).toThrow("R51: the run may not go from RUNNING to RUNNING");
  expect(run.run).toBe("RUNNING");
});

test("R51: a node never goes where the table does not say", () => {
  const run = new CoreRun(plan([node("a"), node("b", ["a"])]));
  run.start();
  run.grant();
  run.ok("a");
  expect(() => run.feed({ kind: "skip", node: "a" })).toThrow("R51: node 0 may not go from SUCCESSFUL to SKIPPED");
  expect(run.status("a")).toBe("SUCCESSFUL");
});
