/** R11: the queue alone: the best one leaves, whatever the order of arrival, and none is lost. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { ReadyQueue } from "../../packages/engine/src/core/ready-queue.ts";

/** Who waits: a rank, a place in a group or -1, forward or undo. */
interface Waiter {
  readonly rank: number;
  readonly place: number;
  readonly undo: boolean;
}

const GROUP = 100;

function push(queue: ReadyQueue, { rank, place, undo }: Waiter): void {
  if (place < 0) queue.push(rank, undo);
  else queue.pushMember(rank, undo, { place, count: GROUP });
}

function pop(queue: ReadyQueue): Waiter {
  queue.pop();
  return { rank: queue.rank, place: queue.member, undo: queue.undo };
}

/** Compensations first and in the reverse order (R30), then by rank, then by place. */
function compare(a: Waiter, b: Waiter): number {
  if (a.undo !== b.undo) return a.undo ? -1 : 1;
  const order = a.rank - b.rank || a.place - b.place;
  return a.undo ? -order : order;
}

const RANKS = 60;
/** A rank is that of a group or of a node; every third is a group's. */
const waiter = fc
  .record({ rank: fc.nat(RANKS - 1), place: fc.nat(GROUP - 1), undo: fc.boolean() })
  .map(({ rank, place, undo }): Waiter => ({ rank, place: rank % 3 === 0 ? place : -1, undo }));

test("R11, R30: nodes leave in the order of the rule, whatever the order in which they came, left or were taken back", () => {
  const step = fc.record({ waiter, what: fc.constantFrom("push", "push", "push", "pop", "remove") });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const queue = new ReadyQueue(RANKS);
      const waiting: Waiter[] = [];
      const isSame = (a: Waiter) => (b: Waiter) => compare(a, b) === 0;
      for (const { waiter: given, what } of steps) {
        const known = waiting.findIndex(isSame(given));
        if (what === "push" && known < 0) {
          push(queue, given);
          waiting.push(given);
        } else if (what === "remove" && known >= 0) {
          queue.remove(given.rank, given.place, given.undo);
          waiting.splice(known, 1);
        } else if (what === "pop" && waiting.length > 0) {
          waiting.sort(compare);
          expect(pop(queue)).toEqual(waiting.shift());
        }
        expect(queue.size).toBe(waiting.length);
      }
      const left = Array.from({ length: queue.size }, () => pop(queue));
      expect(left).toEqual(waiting.sort(compare));
    }),
    { seed: 11, numRuns: 300 },
  );
});

test("R11, R23: a group of which nobody waits any more leaves no trace: with more members it is as new", () => {
  const queue = new ReadyQueue(RANKS);
  queue.pushMember(5, false, { place: 1, count: 2 });
  queue.remove(5, 1, false);
  queue.pushMember(5, false, { place: 1, count: 2 });
  expect(pop(queue)).toEqual({ rank: 5, place: 1, undo: false });
  for (const place of [90, 70]) queue.pushMember(5, false, { place, count: GROUP });
  expect([pop(queue), pop(queue)].map(({ place }) => place)).toEqual([70, 90]);
  queue.push(5, false);
  expect(pop(queue)).toEqual({ rank: 5, place: -1, undo: false });
});

test("R41: nothing leaves an empty queue, and nothing is taken from one", () => {
  expect(() => new ReadyQueue(4).pop()).toThrow("R41");
  expect(() => new ReadyQueue(4).remove(0, -1, false)).toThrow("R11");
});

test("R38: a copy of a queue gives the same nodes, and neither takes any from the other", () => {
  const queue = new ReadyQueue(RANKS);
  const all = Array.from({ length: 40 }, (_, i): Waiter => ({ rank: (i * 17) % 40, place: -1, undo: i % 2 === 0 }));
  for (const one of all) push(queue, { ...one, place: one.rank % 3 === 0 ? one.rank : -1 });
  const first = pop(queue);
  const copy = queue.copy();
  expect(copy).toEqual(queue);
  push(queue, { rank: 50, place: -1, undo: true });
  const drained = (from: ReadyQueue): Waiter[] => Array.from({ length: from.size }, () => pop(from));
  const rest = drained(copy);
  expect(rest).toHaveLength(39);
  expect([first, ...rest].map(({ rank }) => rank).toSorted((a, b) => a - b)).toEqual(
    Array.from({ length: 40 }, (_, i) => i),
  );
  expect(drained(queue)).toEqual([{ rank: 50, place: -1, undo: true }, ...rest]);
});
