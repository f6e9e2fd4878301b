/** The list of runs that everybody shares: how old it may be, and what must be in it. */
import type { RunSummary } from "@belay/engine/journal";
import { expect, test } from "vitest";
import { RunList } from "../../../packages/server/src/host/run-list.ts";

/** A journal of so many runs, whose list takes so long by a clock that stands still otherwise. */
function journalOf(runs: number, costMs: number) {
  const clock = { now: 0 };
  const journal = {
    reads: 0,
    list: async (): Promise<readonly RunSummary[]> => {
      journal.reads += 1;
      clock.now += costMs;
      return Array.from({ length: runs }, (_, n) => ({ runId: String(n) }) as RunSummary);
    },
  };
  return { clock, journal, list: new RunList(journal, () => clock.now) };
}

test("a short list is read each time, one reading for all who wait for it", async () => {
  const { journal, list } = journalOf(199, 50);
  await list.all();
  await list.all();
  expect(journal.reads).toBe(2);
  await Promise.all([list.all(), list.all(), list.all()]);
  expect(journal.reads).toBe(3);
});

test("a long list is used again for four times as long as it took, a second at most", async () => {
  const { clock, journal, list } = journalOf(200, 100);
  await list.all();
  clock.now += 399;
  await list.all();
  expect(journal.reads).toBe(1);
  clock.now += 1;
  await list.all();
  expect(journal.reads).toBe(2);
  const slow = journalOf(5000, 2000);
  await slow.list.all();
  slow.clock.now += 1000;
  await slow.list.all();
  expect(slow.journal.reads).toBe(2);
});

test("what was changed is in the next list, also when it changed while a list was read", async () => {
  const { journal, list } = journalOf(200, 100);
  await list.all();
  list.changed();
  await list.all();
  expect(journal.reads).toBe(2);
  list.changed();
  const before = list.all();
  list.changed();
  const after = list.all();
  await Promise.all([before, after]);
  expect(journal.reads).toBe(4);
  await list.all();
  expect(journal.reads).toBe(4);
});

test("a list that failed is read anew", async () => {
  let works = false;
  const list = new RunList({
    list: () => {
      if (!works) throw new Error("the disk is gone");
      return [];
    },
  });
  await expect(list.all()).rejects.toThrow("the disk is gone");
  works = true;
  expect(await list.all()).toEqual([]);
});
