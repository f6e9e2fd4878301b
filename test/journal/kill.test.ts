/**
 * J1 (R39, R42, T7): kill -9 of a process that appends, again and again on one file. Whatever was answered is there, in
 * order and whole; what was not answered is there as a prefix, or not.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openSqliteReader } from "@belay/engine/sqlite";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Child, reapChildren } from "./child-process.ts";
import { expectedRecord, RUNS } from "./journal-child.ts";

const SEED = 7;
/** As many kills as fit into the budget, milliseconds: between these two numbers. */
const KILLS = { least: 20, most: 200 };
const BUDGET_MS = 15_000;
const folder = mkdtempSync(join(tmpdir(), "belay-kill-"));
const file = join(folder, "journal.db");
const cache = join(folder, "compiled");

beforeAll(async () => {
  const first = new Child(["hold", join(folder, "other.db")], { cache });
  first.endInput();
  expect(await first.ended(), first.errors).toBe(0);
});

afterAll(async () => {
  await reapChildren();
  rmSync(folder, { recursive: true });
});

test(`J1 (R39, R42): kill -9 again and again loses nothing that was answered and tears nothing (seed ${SEED})`, async ({
  annotate,
}) => {
  const counts = new Map(RUNS.map((runId) => [runId, 0]));
  const begun = performance.now();
  let draw = SEED;
  let kills = 0;
  for (; kills < KILLS.least || (kills < KILLS.most && performance.now() - begun < BUDGET_MS); kills++) {
    draw = Math.imul(draw, 1_664_525) + 1_013_904_223;
    const child = new Child(["append", file, String(draw >>> 8)], { cache });
    await child.said(1 + ((draw >>> 16) % 12));
    const answered = new Map(counts);
    for (const line of await child.kill()) {
      const [runId = "", count = ""] = line.split(" ");
      answered.set(runId, Number(count));
    }
    for (const [runId, count] of wholeRuns(answered)) counts.set(runId, count);
  }
  await annotate(`${kills} kills, records of each run: ${[...counts.values()].join(", ")}`);
  expect(Math.min(...counts.values())).toBeGreaterThan(kills / 4);
}, 300_000);

/** How many records each run has; fails unless each has at least what was answered, and each record is its own. */
function wholeRuns(answered: ReadonlyMap<string, number>): Map<string, number> {
  const reader = openSqliteReader(file);
  try {
    const found = new Map<string, number>();
    for (const [runId, count] of answered) {
      const records = reader.read(runId)?.records ?? [];
      expect(records.length, `records of ${runId}`).toBeGreaterThanOrEqual(count);
      // What stood before was compared before; its CRCs are checked again by the read.
      for (const record of records.slice(-200)) expect(record).toEqual(expectedRecord(runId, record.seq));
      found.set(runId, records.length);
    }
    expect(reader.list().every(({ owner }) => owner === null)).toBe(true);
    return found;
  } finally {
    reader.close();
  }
}
