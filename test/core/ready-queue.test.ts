/** R11: the queue alone: lowest key first, whatever the order of arrival, and none lost. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { forwardKey, ReadyQueue, undoKey } from "../../packages/engine/src/core/ready-queue.ts";

test("R11: nodes leave by key, whatever the order in which they came and left", () => {
  const steps = fc.array(fc.oneof({ arbitrary: fc.nat(1000), weight: 3 }, { arbitrary: fc.constant(-1), weight: 1 }), {
    maxLength: 200,
  });
  fc.assert(
    fc.property(steps, (given) => {
      const queue = new ReadyQueue();
      const waiting: number[] = [];
      const left: number[] = [];
      const expected: number[] = [];
      for (const [index, step] of given.entries()) {
        const key = step * 1000 + index;
        if (step >= 0) {
          queue.push(key, key);
          waiting.push(key);
        } else if (waiting.length > 0) {
          waiting.sort((a, b) => a - b);
          expected.push(waiting.shift() as number);
          left.push(queue.pop());
        }
        expect(queue.size).toBe(waiting.length);
      }
      waiting.sort((a, b) => a - b);
      while (queue.size > 0) left.push(queue.pop());
      expect(left).toEqual([...expected, ...waiting]);
    }),
    { seed: 11, numRuns: 300 },
  );
});

test("R11, R30: rank decides before place in a group; compensations come first and in reverse", () => {
  const last = 2 ** 24;
  const keys = [
    undoKey(1, 1),
    undoKey(1, 0),
    undoKey(0, last),
    undoKey(0, 0),
    forwardKey(0, 0),
    forwardKey(0, last),
    forwardKey(1, 0),
    forwardKey(1, 1),
  ];
  expect(keys).toEqual([...keys].sort((a, b) => a - b));
  expect(new Set(keys).size).toBe(keys.length);
});

test("R41: nothing leaves an empty queue", () => {
  expect(() => new ReadyQueue().pop()).toThrow("R41");
});

test("R38: a copy of a queue gives the same nodes, and neither takes any from the other", () => {
  const queue = new ReadyQueue();
  for (let i = 0; i < 40; i++) queue.push((i * 17) % 40, i);
  const first = queue.pop();
  const copy = queue.copy();
  expect([copy.size, copy.key]).toEqual([queue.size, queue.key]);
  queue.push(-1, 100);
  const drained = (from: ReadyQueue): number[] => Array.from({ length: from.size }, () => from.pop());
  const rest = drained(copy);
  expect(rest).toHaveLength(39);
  expect([first, ...rest].toSorted((a, b) => a - b)).toEqual(Array.from({ length: 40 }, (_, i) => i));
  expect(drained(queue)).toEqual([100, ...rest]);
});
