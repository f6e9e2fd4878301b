/**
 * @belay/engine/sqlite: runs that survive their process, in one SQLite file, without a server. Built on `node:sqlite`.
 * Formats and guarantees: docs/journal.md.
 */
import { BelayError } from "../../errors.ts";
import { SqliteJournal, type SqliteJournalOptions } from "./journal.ts";
import { SqliteReader } from "./reader.ts";

export type { SqliteJournal, SqliteJournalOptions } from "./journal.ts";
export type { Durability } from "./opening.ts";
export type { Owner } from "./owner-lock.ts";
export type { SqliteReader } from "./reader.ts";

/** How a reader uses a journal file. */
export interface SqliteReaderOptions {
  /** Milliseconds to wait for the engine that writes, before JOURNAL_FAILED. Default 5,000. */
  readonly busyMs?: number;
}

/**
 * A journal in the file at `path`, for `createEngine({ actions, journal })`. The file is opened, and made when there is none,
 * when the engine opens the journal; until then nothing is touched. That fails with JOURNAL_IN_USE while another engine uses
 * the file, JOURNAL_CORRUPT for a file that is damaged or no journal, JOURNAL_FAILED when it cannot be opened or a newer
 * version wrote it. INVALID_ARGUMENT for options that make no sense.
 */
export function openSqliteJournal(path: string, options: SqliteJournalOptions = {}): SqliteJournal {
  checkPath(path);
  checkNames("openSqliteJournal", options, ["durability", "pollMs", "busyMs"]);
  const { durability, pollMs, busyMs } = options;
  if (durability !== undefined && durability !== "full" && durability !== "normal") {
    throw invalid(`openSqliteJournal: durability must be "full" or "normal"`);
  }
  checkMs("openSqliteJournal: pollMs", pollMs, 1);
  checkMs("openSqliteJournal: busyMs", busyMs, 0);
  return new SqliteJournal(path, options);
}

/**
 * The journal in the file at `path` as somebody sees it who runs nothing: `read`, `list`, `logs`, `requests`, `ask` and `answerTo`,
 * while an engine may use it, in this process or another. Close it after use. Fails with JOURNAL_FAILED when there is no such file,
 * JOURNAL_CORRUPT when it is no journal.
 */
export function openSqliteReader(path: string, options: SqliteReaderOptions = {}): SqliteReader {
  checkPath(path);
  checkNames("openSqliteReader", options, ["busyMs"]);
  checkMs("openSqliteReader: busyMs", options.busyMs, 0);
  return new SqliteReader(path, options.busyMs ?? 5_000);
}

function checkPath(path: unknown): void {
  if (typeof path !== "string" || path === "" || path.includes("\0"))
    throw invalid("the path of a journal is a file's");
  if (path === ":memory:" || path.startsWith("file:")) {
    throw invalid(`"${path}" is no path of a file; for a journal in memory use MemoryJournal`);
  }
}

function checkNames(what: string, options: object, known: readonly string[]): void {
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown !== undefined) throw invalid(`${what}: there is no option "${unknown}"; there are ${known.join(", ")}`);
}

function checkMs(what: string, value: unknown, from: number): void {
  if (value === undefined) return;
  const fits = typeof value === "number" && Number.isInteger(value) && value >= from && value < 2 ** 31;
  if (!fits) throw invalid(`${what} must be milliseconds, a whole number from ${from} on`);
}

function invalid(message: string): BelayError {
  return new BelayError("INVALID_ARGUMENT", message);
}
