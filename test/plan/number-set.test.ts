import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { NumberSet } from "../../packages/engine/src/plan/number-set.ts";

describe("the set behind the order of a plan", () => {
  test("R13: it gives up the lowest number first, whatever was added and taken before", () => {
    const size = fc.constantFrom(1, 31, 32, 33, 1024, 1025, 40_000);
    const steps = fc.array(fc.option(fc.nat(), { nil: undefined }), { maxLength: 200 });
    fc.assert(
      fc.property(size, steps, (bound, drawn) => {
        const set = new NumberSet(bound);
        const model = new Set<number>();
        for (const step of drawn) {
          if (step !== undefined) {
            set.add(step % bound);
            model.add(step % bound);
            continue;
          }
          const lowest = model.size === 0 ? -1 : Math.min(...model);
          expect(set.takeLowest()).toBe(lowest);
          model.delete(lowest);
        }
      }),
    );
  });
});
