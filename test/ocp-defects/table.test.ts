/**
 * docs/ocp-defects.md against the tests beside this file: each defect has one row and one test, of the same name and
 * rules, and nothing else is claimed.
 */
import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

const DEFECTS = 19;
const page = readFileSync(new URL("../../docs/ocp-defects.md", import.meta.url), "utf8");

/** Rows of the table: defect, sentence, rules, test. */
const rows = page
  .split("\n")
  .filter((line) => /^\| D\d+ /.test(line))
  .map((line) =>
    line
      .slice(1, -1)
      .split("|")
      .map((cell) => cell.trim()),
  );

/** Names of the tests beside this file, as written. */
const named = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith(".test.ts") && file !== "table.test.ts")
  .flatMap((file) => {
    const text = readFileSync(new URL(file, import.meta.url), "utf8");
    const names = [...text.matchAll(/^test\(\s*(["`])(.*?)\1,/gm)].map(([, , name = ""]) => name);
    return names.map((name) => ({ file, name }));
  });

test("each of the 19 defects has one row, in order, with its sentence, its rules and its test", () => {
  expect(rows.map(([defect]) => defect)).toEqual(Array.from({ length: DEFECTS }, (_, index) => `D${index + 1}`));
  for (const cells of rows) {
    expect(cells).toHaveLength(4);
    expect(cells[1]).toMatch(/^[A-Z].*\.$/);
    expect(cells[2]).toMatch(/^R\d+(, R\d+)*$/);
  }
});

test("the table and the tests name the same", () => {
  const listed = rows.map(([defect, , rules, name]) => `${defect} (${rules}): ${name?.replaceAll("`", "")}`);
  expect(named.map(({ name }) => name).sort()).toEqual(listed.sort());
});

test("in each file the tests stand in the order of the table", () => {
  const numberOf = (name: string): number => Number(/^D(\d+)/.exec(name)?.[1]);
  for (const file of new Set(named.map((one) => one.file))) {
    const numbers = named.filter((one) => one.file === file).map(({ name }) => numberOf(name));
    expect(numbers, file).toEqual(numbers.toSorted((a, b) => a - b));
  }
});
