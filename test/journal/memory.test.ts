/**
 * The journal in memory keeps what every journal promises, as far as the life of a process goes: J1 is tried on the copy
 * that the death of every process would leave.
 */
import { MemoryJournal } from "@belay/engine/journal";
import { type JournalHarness, journalConformance } from "@belay/engine/testing";
import { describe, test } from "vitest";

const harness: JournalHarness<{ journal: MemoryJournal }> = {
  engines: "many",
  fresh: () => ({ journal: new MemoryJournal() }),
  connect: (medium) => medium.journal,
  crash: (medium) => {
    medium.journal = medium.journal.afterCrash();
  },
  outsider: (medium) => medium.journal,
};

describe("the journal in memory", () => {
  for (const { name, run } of journalConformance(harness)) test(name, run);
});
