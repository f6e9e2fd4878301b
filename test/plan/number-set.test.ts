/** The set behind the core's queues and the order of a plan: it gives what was put in, lowest or highest first. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { NumberSet } from "../../packages/engine/src/plan/number-set.ts";

/** Sizes around those at which a level more is needed. */
const SIZES = [1, 2, 31, 32, 33, 1023, 1024, 1025, 40_000];

describe("R11, R13: a set of numbers", () => {
  test("R11: gives its lowest and highest number, whatever came and went", () => {
    const story = fc.constantFrom(...SIZES).chain((size) =>
      fc.record({
        size: fc.constant(size),
        steps: fc.array(fc.record({ number: fc.nat(size - 1), comes: fc.boolean() }), { maxLength: 200 }),
      }),
    );
    fc.assert(
      fc.property(story, ({ size, steps }) => {
        const set = new NumberSet(size);
        const numbers = new Set<number>();
        for (const { number, comes } of steps) {
          if (comes) set.add(number);
          else set.delete(number);
          if (comes) numbers.add(number);
          else numbers.delete(number);
          expect(set.isEmpty).toBe(numbers.size === 0);
          if (numbers.size === 0) continue;
          expect([set.first(), set.last()]).toEqual([Math.min(...numbers), Math.max(...numbers)]);
        }
        const left = [...numbers].sort((x, y) => x - y);
        expect([...left.map(() => set.takeFirst()), set.takeFirst()]).toEqual([...left, -1]);
      }),
      { seed: 11, numRuns: 300 },
    );
  });

  test("R11: holds every number it has room for", () => {
    for (const size of SIZES) {
      const set = new NumberSet(size);
      for (let number = 0; number < size; number++) set.add(number);
      for (let number = 0; number < size; number++) {
        expect([set.first(), set.last()]).toEqual([number, size - 1]);
        set.delete(number);
      }
      expect(set.isEmpty).toBe(true);
    }
  });
});
