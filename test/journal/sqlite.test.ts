/**
 * The journal in a SQLite file keeps what every journal promises. A crash is a copy of the files as they lie while the
 * engine has them open, made by another process: a handle of this one would give up SQLite's locks when it is closed.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { JournalListener } from "@belay/engine/journal";
import { openSqliteReader, type SqliteReader } from "@belay/engine/sqlite";
import { type JournalHarness, journalConformance } from "@belay/engine/testing";
import { describe, test } from "vitest";
import { SqliteJournal } from "../../packages/engine/src/journal/sqlite/journal.ts";

interface Medium {
  readonly folder: string;
  /** Crashes so far: each goes on with a copy. */
  generation: number;
  readonly readers: SqliteReader[];
  readonly journals: Opened[];
}

/** Knows who has opened it, so that it can be closed when a case has failed. */
class Opened extends SqliteJournal {
  engine = "";
  override open(engine: string, listener: JournalListener): void {
    super.open(engine, listener);
    this.engine = engine;
  }
}

const harness: JournalHarness<Medium> = {
  engines: "one",
  fresh: () => ({ folder: mkdtempSync(join(tmpdir(), "belay-journal-")), generation: 0, readers: [], journals: [] }),
  connect: (medium) => {
    const journal = new Opened(fileOf(medium), { pollMs: 1 });
    medium.journals.push(journal);
    return journal;
  },
  crash: (medium) => {
    const before = fileOf(medium);
    medium.generation++;
    execFileSync("sh", ["-c", `for end in "" -wal -owner; do cp "$0$end" "$1$end"; done`, before, fileOf(medium)]);
  },
  outsider: (medium) => {
    const reader = openSqliteReader(fileOf(medium));
    medium.readers.push(reader);
    return reader;
  },
  dispose: ({ folder, readers, journals }) => {
    for (const reader of readers) reader.close();
    for (const journal of journals) journal.close(journal.engine);
    rmSync(folder, { recursive: true });
  },
};

function fileOf({ folder, generation }: Medium): string {
  return join(folder, `journal-${generation}.db`);
}

describe("the journal in a SQLite file", () => {
  for (const { name, run } of journalConformance(harness)) test(name, run);
});
