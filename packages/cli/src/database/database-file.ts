/**
 * `--db FILE`: the journal in a file, for the engine of this process or to look at from outside. The door to
 * `@belay/engine/sqlite`, which is loaded only when there is a file. Owns: what is said when the file is not there, or another
 * process runs its runs.
 */
import { existsSync, statSync } from "node:fs";
import { BelayError } from "@belay/engine";
import type { Journal } from "@belay/engine/journal";
import type { SqliteReader } from "@belay/engine/sqlite";
import { UsageError } from "../usage-error.ts";

/** What needs no owner. */
export type DatabaseReader = Pick<Journal, "read" | "list" | "logs" | "ask" | "answerTo"> &
  Pick<SqliteReader, "requests" | "close">;

/** What was asked of a run through the file. */
export type AskedRequest = ReturnType<SqliteReader["requests"]>[number];

/** The journal of a file that may not be there yet; it is opened, or made, by the engine it is given to. */
export async function ownDatabase(file: string): Promise<Journal> {
  const { openSqliteJournal } = await import("@belay/engine/sqlite");
  return openSqliteJournal(file);
}

/** The journal of a file that is there, without owning it. Throws UsageError when there is none. */
export async function readDatabase(file: string): Promise<DatabaseReader> {
  needsFile(file);
  const { openSqliteReader } = await import("@belay/engine/sqlite");
  try {
    return openSqliteReader(file);
  } catch (error) {
    const isEmpty = error instanceof BelayError && error.details["empty"] === true;
    throw isEmpty ? new UsageError(`--db ${file}: the file is empty: it holds no journal`) : error;
  }
}

/** Throws UsageError for what is no file: a mistyped name must not make an empty journal. */
export function needsFile(file: string): void {
  if (!existsSync(file)) throw new UsageError(`--db ${file}: there is no such file`);
  const found = statSync(file);
  if (found.isDirectory()) throw new UsageError(`--db ${file}: it is a directory`);
  if (!found.isFile()) throw new UsageError(`--db ${file}: it is no file`);
}

/** Whether the error says that another engine runs the runs of the file. */
export function isInUse(error: unknown): error is BelayError {
  return error instanceof BelayError && error.code === "JOURNAL_IN_USE";
}

/** Throws UsageError, with what can be done instead, for an error that says so; any other error as it is. */
export function throwInUse(error: unknown, file: string, instead: string): never {
  if (!isInUse(error)) throw error;
  throw new UsageError(`--db ${file}: ${userOf(error)} executes its runs: ${instead}`);
}

/** Who uses the file, as half a sentence, from the error that says so. */
export function userOf({ details }: BelayError): string {
  const owner = details["owner"] as { readonly pid?: number; readonly host?: string } | null | undefined;
  if (owner?.pid === undefined) return "another engine";
  return owner.host === undefined ? `process ${owner.pid}` : `process ${owner.pid} on ${owner.host}`;
}
