/** R50: the table of commands by itself: no row is lost or changed when it grows, and it does not keep more memory than it should. */
import { Commands } from "@belay/engine/core";
import { expect, test } from "vitest";

/** Each column of a row has a number of its own. */
function fill(commands: Commands, rows: number): void {
  for (let row = 0; row < rows; row++) commands.push(row % 21, row + 1, row + 2, row + 3, row + 0.5);
}

function rowsOf({ length, op, node, value, extra, at }: Commands): (number | undefined)[][] {
  return Array.from({ length }, (_, row) => [op[row], node[row], value[row], extra[row], at[row]]);
}

/** Rows for which each column has memory. */
function roomOf({ op, node, value, extra, at }: Commands): number[] {
  return [op, node, value, extra, at].map(({ length }) => length);
}

const all = (room: number): number[] => [room, room, room, room, room];

test("R50: every column of every row is kept when the table grows, which doubles its room", () => {
  for (const [rows, room] of [
    [64, 64],
    [65, 128],
    [300, 512],
  ] as const) {
    const commands = new Commands();
    fill(commands, rows);
    expect(rowsOf(commands)).toEqual(
      Array.from({ length: rows }, (_, row) => [row % 21, row + 1, row + 2, row + 3, row + 0.5]),
    );
    expect(roomOf(commands)).toEqual(all(room));
  }
});

test("R50: a table that is cleared is empty; it keeps room for 65536 rows, and gives more than that back", () => {
  const most = 2 ** 16;
  for (const [rows, room] of [
    [65, 128],
    [most, most],
    [most + 1, 64],
  ] as const) {
    const commands = new Commands();
    fill(commands, rows);
    commands.clear();
    expect(commands.length).toBe(0);
    expect(roomOf(commands)).toEqual(all(room));
    commands.push(1, 2, 3, 4, 5);
    expect(rowsOf(commands)).toEqual([[1, 2, 3, 4, 5]]);
  }
});
