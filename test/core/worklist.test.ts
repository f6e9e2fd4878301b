/** R10, R38: the list of nodes to be looked at, by itself: their order, its memory, its copies. */
import { expect, test } from "vitest";
import { Worklist } from "../../packages/engine/src/core/worklist.ts";

/** The list's nodes, in order. */
function nodesOf(list: Worklist): number[] {
  return Array.from({ length: list.length }, (_, place) => list.at(place));
}

function listOf(count: number): Worklist {
  const list = new Worklist();
  for (let node = 0; node < count; node++) list.push(3 * node);
  return list;
}

test("R10: nodes stay in the order in which they came, however many; their memory doubles when it is full", () => {
  for (const [count, room] of [
    [8, 8],
    [9, 16],
    [16, 16],
    [100, 128],
  ] as const) {
    const list = listOf(count);
    expect(nodesOf(list)).toEqual(Array.from({ length: count }, (_, node) => 3 * node));
    expect(list.room).toBe(room);
  }
});

test("R10: a list that is cleared is empty; it keeps room for 65536 nodes, and gives more than that back", () => {
  const most = 2 ** 16;
  for (const [count, room] of [
    [100, 128],
    [most, most],
    [most + 1, 8],
  ] as const) {
    const list = listOf(count);
    list.clear();
    expect([list.length, list.room]).toEqual([0, room]);
    list.push(7);
    expect(nodesOf(list)).toEqual([7]);
  }
});

test("R38: a copy has the same nodes, and changes on its own", () => {
  const list = listOf(20);
  const copy = list.copy();
  expect(nodesOf(copy)).toEqual(nodesOf(list));
  copy.push(1);
  list.clear();
  list.push(2);
  expect(nodesOf(copy)).toEqual([...nodesOf(listOf(20)), 1]);
  expect(nodesOf(list)).toEqual([2]);
});
