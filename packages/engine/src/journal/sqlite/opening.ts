/**
 * From a path to a connection that may be trusted: the file is found, made or brought up to date, checked, and what a
 * crash or a failed write left is put on disk. Owns: that order, and the pragmas.
 */
import { existsSync, lstatSync, realpathSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { BelayError } from "../../errors.ts";
import { checkAll, checkSmallTables, checkStructure } from "./checking.ts";
import { Connection } from "./connection.ts";
import { corrupt, failure, refused } from "./failure.ts";
import type { OwnerLock } from "./owner-lock.ts";
import { MIGRATIONS, migrate, readVersion } from "./schema.ts";
import { isStill } from "./still-file.ts";

/** How long an answered write lasts: through a loss of power, or only through the death of the process. */
export type Durability = "full" | "normal";

/** What an owner's connection is made with. */
export interface OwnerOptions {
  readonly durability: Durability;
  readonly busyMs: number;
  /** First look at the connection, for tests that need a small page or a full disk. */
  readonly opened?: (connection: Connection) => void;
}

/** The WAL file is cut back to this size once it was larger. */
const WAL_BYTES = 64 * 1024 * 1024;

/** The path without links, so that two names of one file are one journal. */
export function realPath(path: string): string {
  const file = resolve(path);
  if (existsSync(file)) return realpathSync(file);
  if (lstatSync(file, { throwIfNoEntry: false }) !== undefined) throw refused(file, "it is a link to nothing");
  const folder = dirname(file);
  if (existsSync(folder)) return join(realpathSync(folder), basename(file));
  throw refused(file, `there is no directory ${folder}: make it first`);
}

/** Tells one file from another that has its name; undefined when there is none. */
export function placeOf(file: string): string | undefined {
  const found = statSync(file, { throwIfNoEntry: false });
  return found === undefined ? undefined : `${found.dev}:${found.ino}`;
}

/** The first connection of an owner: everything is checked, and nobody owns a run. */
export function openFile(file: string, lock: OwnerLock, options: OwnerOptions): Connection {
  const lost = `the file is empty or gone, and held a journal; to begin a new one remove ${file}-owner, too`;
  if (lock.made && !existsSync(file)) throw corrupt(file, lost);
  const connection = connect(file, options, (opened) => {
    // SQLite takes what is shorter than a page's header for a new file.
    if (lock.made && readVersion(opened).empty) throw corrupt(file, lost);
    migrate(opened, Date.now(), MIGRATIONS, { before: checkStructure, after: checkAll });
    checkAll(opened);
  });
  lock.keepMade();
  return connection;
}

/**
 * A further connection, after a write that failed. What the failed one may have left in the WAL file is written again,
 * to the journal itself: after a failed fsync the system's cache says what was written, and the disk may not know it.
 */
export function reopenFile(file: string, options: OwnerOptions): Connection {
  return connect(file, options, (opened) => {
    if (readVersion(opened).empty) throw corrupt(file, "the file was emptied while it was in use");
  });
}

function connect(file: string, options: OwnerOptions, check: (connection: Connection) => void): Connection {
  return opening(file, options.busyMs, (connection) => {
    options.opened?.(connection);
    readVersion(connection);
    const mode = connection.pragma("journal_mode = wal");
    if (mode !== "wal")
      throw refused(file, `its file system allows no write-ahead log (${String(mode)}): use a local disk`);
    connection.exec(`pragma synchronous = full; pragma journal_size_limit = ${WAL_BYTES}`);
    check(connection);
    settle(connection);
    connection.exec(`pragma synchronous = ${options.durability}`);
  });
}

/** Moves all of the WAL file into the journal, and that to disk. */
function settle(connection: Connection): void {
  const row = connection.get("pragma wal_checkpoint(truncate)");
  if (row?.["log"] !== row?.["checkpointed"]) {
    throw refused(
      connection.file,
      "its write-ahead log could not be settled: somebody reads an old state of it for long",
    );
  }
}

/** A connection that only reads, while an engine may write. Fails with JOURNAL_FAILED when there is no journal. */
export function openToRead(file: string, busyMs: number): Connection {
  if (!existsSync(file)) throw refused(file, "there is no such file");
  return opening(file, busyMs, (connection) => needsLast(connection), isStill(file) ? "still" : "reads");
}

/** Fails with JOURNAL_CORRUPT for a file that is there and is not Belay's, before anything is made beside it. */
export function refuseForeign(file: string, busyMs: number): void {
  if (!existsSync(file)) return;
  try {
    opening(file, busyMs, (connection) => void readVersion(connection), isStill(file) ? "still" : "reads").close();
  } catch (error) {
    // What else is in the way is told by who opens it.
    if (error instanceof BelayError && error.code === "JOURNAL_CORRUPT") throw error;
  }
}

/** A connection that writes one request of somebody who owns nothing. */
export function openToAsk(file: string, busyMs: number): Connection {
  if (!existsSync(file)) throw refused(file, "there is no such file");
  return opening(file, busyMs, (connection) => {
    needsLast(connection);
    checkSmallTables(connection);
    connection.exec("pragma synchronous = full");
  });
}

/** Only an engine may bring a file up to date. */
function needsLast(connection: Connection): void {
  const { version, empty } = readVersion(connection);
  if (empty) throw refused(connection.file, "the file is empty: it holds no journal", { version, empty });
  if (version === MIGRATIONS.length) return;
  throw refused(connection.file, `it has format ${version}: open it once with an engine of this version`, { version });
}

function opening(
  file: string,
  busyMs: number,
  prepare: (connection: Connection) => void,
  use: "writes" | "reads" | "still" = "writes",
): Connection {
  let connection: Connection | undefined;
  try {
    connection = new Connection(file, { busyMs, readOnly: use !== "writes", immutable: use === "still" });
    prepare(connection);
    return connection;
  } catch (error) {
    connection?.close();
    throw failure(file, "it could not be opened", error, use === "writes" ? "owner" : "reader");
  }
}
