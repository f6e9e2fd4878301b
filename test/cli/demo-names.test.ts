/** Whoever reads a plan's page may try it: every plan that ships has a demo, under its own name. */
import { planNames } from "@belay/failover-plans";
import { expect, test } from "vitest";
import { DEMO_NAMES } from "../../packages/cli/src/demo/demo-options.ts";

test("there is a demo of every shipped plan, and of nothing else", () => {
  expect([...DEMO_NAMES].sort()).toEqual(planNames());
});
