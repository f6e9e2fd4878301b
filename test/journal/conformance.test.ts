/**
 * The conformance suite can fail: every broken journal is found by some case, and every case finds some broken journal.
 */
import { type JournalCase, journalConformance } from "@belay/engine/testing";
import { describe, expect, test } from "vitest";
import { type BrokenJournal, harnessOf } from "./broken-journal.ts";
import { BROKEN_ANSWERS, BROKEN_CRASHES, BROKEN_LOCKS } from "./broken-locks.ts";
import { BROKEN_OWNERS, BROKEN_RECORDS } from "./broken-records.ts";
import { BROKEN_SLOTS } from "./broken-slots.ts";

const BROKEN_JOURNALS = [
  ...BROKEN_RECORDS,
  ...BROKEN_OWNERS,
  ...BROKEN_LOCKS,
  ...BROKEN_ANSWERS,
  ...BROKEN_CRASHES,
  ...BROKEN_SLOTS,
];

/** Names of the cases that find it, and how many cases there were; found out once. */
const findings = new Map<BrokenJournal, Promise<{ readonly found: readonly string[]; readonly of: number }>>();

describe("the conformance suite of journals", () => {
  for (const broken of BROKEN_JOURNALS) {
    test(`a journal is found that ${broken.does}`, async () => {
      const { found, of } = await findersOf(broken);
      expect(found).not.toEqual([]);
      expect(found.length, "one broken promise is told apart from all of them").toBeLessThan(of / 2);
    });
  }

  test("every case finds a broken journal", async () => {
    const cases = (["one", "many"] as const).flatMap((engines) => journalConformance(harnessOf({ does: "", engines })));
    const finders = new Set((await Promise.all(BROKEN_JOURNALS.map(findersOf))).flatMap(({ found }) => found));
    expect([...new Set(cases.map(({ name }) => name))].filter((name) => !finders.has(name))).toEqual([]);
  });
});

function findersOf(broken: BrokenJournal): Promise<{ readonly found: readonly string[]; readonly of: number }> {
  const known = findings.get(broken) ?? tryAll(broken);
  findings.set(broken, known);
  return known;
}

async function tryAll(broken: BrokenJournal): Promise<{ readonly found: readonly string[]; readonly of: number }> {
  const cases = journalConformance(harnessOf(broken));
  const found: string[] = [];
  for (const one of cases) if (!(await passes(one))) found.push(one.name);
  return { found, of: cases.length };
}

/** Whether the case is kept; the journals here answer at once, so that one which still waits a turn later waits for ever. */
async function passes({ run }: JournalCase): Promise<boolean> {
  return await Promise.race([
    run().then(
      () => true,
      () => false,
    ),
    new Promise<boolean>((resolve) => setImmediate(() => resolve(false))),
  ]);
}
