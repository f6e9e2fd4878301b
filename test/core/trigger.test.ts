/** R12: a trigger decided by itself. The whole of it is in docs/triggers.md, which test/model checks. */
import { expect, test } from "vitest";
import { decideAllSucceeded, decideTrigger } from "../../packages/engine/src/core/trigger.ts";
import { TriggerCode } from "../../packages/engine/src/plan/compiled.ts";

test("R12: all_succeeded says the same by the short way and by the way of all triggers", () => {
  const counts = { total: 3, succeeded: 0, failed: 0, spared: 0 };
  for (const waiting of [0, 1, 3])
    for (const blocking of [0, 1, 3])
      expect(decideTrigger(TriggerCode.ALL_SUCCEEDED, { ...counts, waiting, blocking })).toBe(
        decideAllSucceeded(waiting, blocking),
      );
});
