/**
 * From what SQLite says to what the engine is told: JOURNAL_CORRUPT for what is not what was written (R45), JOURNAL_FAILED
 * for a medium that refuses (R39), each with the file and the remedy. Owns: those words.
 */
import { BelayError } from "../../errors.ts";
import { extendedCode, SQLITE, sqliteCode } from "./connection.ts";

/** What to do about a refusal, by SQLite's primary code. */
const REMEDIES: Readonly<Record<number, string>> = {
  [SQLITE.BUSY]: "another process holds its write lock: end what writes to it, then recover",
  [SQLITE.NOMEM]: "the process is out of memory",
  [SQLITE.READONLY]: "make the file and its directory writable, then recover",
  [SQLITE.IOERR]: "the disk failed: check it and its limits, then recover",
  [SQLITE.FULL]: "the disk is full: free space, then recover",
  [SQLITE.CANTOPEN]: "its directory must exist and be writable, and the path must be a file's",
};

/** The same for who only looks. */
const READERS: Readonly<Record<number, string>> = {
  [SQLITE.BUSY]: "another process holds its lock: look again later",
  [SQLITE.READONLY]:
    "it has a write-ahead log, and to read that its directory must be writable: copy it with its -wal, and look there",
  [SQLITE.IOERR]: "the disk failed: check it",
  [SQLITE.CANTOPEN]: "it must be a file that you may read; with a write-ahead log beside it, copy both, and look there",
};

/** What is left of a journal that is not what was written. */
const SALVAGE =
  "nothing was changed; restore a backup, or save the runs that can be read: belay export, or openSqliteReader with exportRun";

/** Nothing of the file says that Belay wrote it. */
export function foreign(file: string, cause?: unknown): BelayError {
  const text =
    `journal ${file}: it is not a journal of Belay, or its first page is damaged; nothing was changed; ` +
    "name a journal's file, or restore a backup";
  return new BelayError("JOURNAL_CORRUPT", text, { file }, cause);
}

/** The file does not hold what was written; `where` says what was looked at. */
export function corrupt(
  file: string,
  where: string,
  details: Readonly<Record<string, unknown>> = {},
  cause?: unknown,
): BelayError {
  return new BelayError("JOURNAL_CORRUPT", `journal ${file}: ${where}; ${SALVAGE}`, { file, ...details }, cause);
}

/** The journal did not do what was asked; nothing of it stands. */
export function refused(file: string, why: string, details: Readonly<Record<string, unknown>> = {}): BelayError {
  return new BelayError("JOURNAL_FAILED", `journal ${file}: ${why}`, { file, ...details });
}

/**
 * The error to throw for one that came out of SQLite, or of a row that could not be understood. What is a `BelayError`
 * already stays as it is.
 */
export function failure(file: string, doing: string, error: unknown, by: "owner" | "reader" = "owner"): BelayError {
  if (error instanceof BelayError) return error;
  const code = sqliteCode(error);
  if (code === SQLITE.NOTADB) return foreign(file, error);
  const message = error instanceof Error ? error.message : String(error);
  const remedy = code === undefined ? undefined : ((by === "reader" ? READERS[code] : undefined) ?? REMEDIES[code]);
  if (remedy === undefined) return corrupt(file, `${doing}: ${message}`, {}, error);
  const text = `journal ${file}: ${doing}: ${message}; ${remedy}`;
  return new BelayError("JOURNAL_FAILED", text, { file, sqlite: extendedCode(error) }, error);
}
