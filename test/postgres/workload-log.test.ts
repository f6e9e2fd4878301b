/** What clients saw, over the death of their process. */
import { appendFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { readWorkload, WorkloadLog } from "../../packages/failover-plans/src/embedded-postgres/workload-log.ts";
import {
  isGapOpen,
  longestGap,
  type Observations,
} from "../../packages/failover-plans/src/workload/workload-report.ts";

let folder = "";
let file = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "belay-test-"));
  file = join(folder, "clients");
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const FIRST: Observations = {
  table: "t",
  firstId: 5,
  acknowledged: new Set(),
  ackTimes: [],
  errors: new Map(),
  absences: [],
  startedAt: 1000,
  stoppedAt: 0,
  markedAt: null,
};

describe("what was acknowledged", () => {
  test("is read back, with ids that were surely never used, and the time without clients", async () => {
    const log = WorkloadLog.create(file, FIRST);
    for (const id of [5, 7, 6]) {
      log.use(id);
      log.acknowledged(id, 1100 + id);
    }
    log.marked(1200);
    log.here(1300.4);
    log.close();
    const first = await readWorkload(file);
    const acknowledged = new Set([5, 7, 6]);
    const ackTimes = [1105, 1107, 1106];
    expect(first.seen).toEqual({ ...FIRST, acknowledged, ackTimes, markedAt: 1200, stoppedAt: 1300 });
    expect(first.nextId).toBe(1005);

    const next = WorkloadLog.reopen(file, first);
    next.began(5000);
    next.use(first.nextId);
    next.acknowledged(first.nextId, 5100);
    next.close();
    const second = await readWorkload(file);
    expect(second.seen.absences).toEqual([{ from: 1300, until: 5000 }]);
    expect([...second.seen.acknowledged]).toEqual([5, 7, 6, 1005]);
    expect(second.nextId).toBe(2005);
  });

  test.each(["a 9", "a 9 20", "r 10", "h"])(
    "a last line that was being written counts for nothing: %j",
    async (torn) => {
      const log = WorkloadLog.create(file, FIRST);
      log.use(5);
      log.close();
      const before = await readFile(file, "utf8");
      await appendFile(file, torn);
      const found = await readWorkload(file);
      expect(found).toMatchObject({ nextId: 1005, bytes: before.length });
      expect(found.seen.acknowledged.size).toBe(0);
      WorkloadLog.reopen(file, found).close();
      expect(await readFile(file, "utf8")).toBe(before);
    },
  );

  test.each(["", "nonsense\n", '{"table":"t","firstId":1,"startedAt":1}\nq 1 2\n'])(
    "a file that no workload wrote is refused: %j",
    async (text) => {
      await writeFile(file, text);
      await expect(readWorkload(file)).rejects.toMatchObject({ code: "STATE_INVALID" });
    },
  );

  test("a file that is not there is told apart", async () => {
    await expect(readWorkload(file)).rejects.toMatchObject({ code: "NOT_FOUND" });
  });
});

describe("the window without writes", () => {
  const times = { startedAt: 0, markedAt: null, ackTimes: [100, 200, 900, 950], stoppedAt: 1000 };

  test("does not count the time in which there were no clients", () => {
    expect(longestGap({ ...times, absences: [] })).toBe(700);
    expect(longestGap({ ...times, absences: [{ from: 300, until: 800 }] })).toBe(200);
    const absences = [
      { from: 150, until: 250 },
      { from: 300, until: 400 },
    ];
    expect(longestGap({ ...times, absences })).toBe(550);
  });

  test("is open only when clients were there to notice", () => {
    const open = { ...times, stoppedAt: 3000 };
    expect(isGapOpen({ ...open, absences: [] })).toBe(true);
    expect(isGapOpen({ ...open, absences: [{ from: 1000, until: 2500 }] })).toBe(false);
  });
});
