/**
 * One connection to one SQLite file: the door of `node:sqlite`. Owns: statements (prepared once each), transactions, and
 * which errors are SQLite's. Does not own: what they mean to a journal (`failure.ts`), or any table.
 */

import { DatabaseSync, type SQLInputValue, type SQLOutputValue, type StatementSync } from "node:sqlite";
import { pathToFileURL } from "node:url";

/** A row, by column. */
export type Row = Readonly<Record<string, SQLOutputValue>>;

/** How a connection is made. */
export interface ConnectionOptions {
  /** Writes are refused. Default false. */
  readonly readOnly?: boolean;
  /** Nobody writes to the file: it is read as it stands, with no lock and nothing made beside it. Default false. */
  readonly immutable?: boolean;
  /** Milliseconds to wait for a lock that another connection holds, before BUSY. */
  readonly busyMs: number;
}

/** A connection whose calls are synchronous. Errors are SQLite's own, see `sqliteCode`. */
export class Connection {
  /** The file, as it was opened. */
  readonly file: string;
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  #within = false;
  #closed = false;

  constructor(file: string, { readOnly = false, immutable = false, busyMs }: ConnectionOptions) {
    this.file = file;
    this.#database = new DatabaseSync(immutable ? asItStands(file) : file, { readOnly });
    this.#database.exec(`pragma busy_timeout = ${Math.trunc(busyMs)}`);
  }

  /** Statements whose rows nobody needs. */
  exec(sql: string): void {
    this.#database.exec(sql);
  }

  /** Runs a statement; answers how many rows it changed. */
  run(sql: string, ...values: SQLInputValue[]): number {
    return Number(this.#prepared(sql).run(...values).changes);
  }

  /** Adds one row to a table whose key is a number; answers that. */
  insert(sql: string, ...values: SQLInputValue[]): number {
    return Number(this.#prepared(sql).run(...values).lastInsertRowid);
  }

  /** The first row. */
  get(sql: string, ...values: SQLInputValue[]): Row | undefined {
    return this.#prepared(sql).get(...values);
  }

  /** All rows. */
  all(sql: string, ...values: SQLInputValue[]): Row[] {
    return this.#prepared(sql).all(...values);
  }

  /** All rows, one by one. */
  iterate(sql: string, ...values: SQLInputValue[]): IterableIterator<Row> {
    return this.#prepared(sql).iterate(...values);
  }

  /** The value of a pragma. */
  pragma(name: string): SQLOutputValue | undefined {
    const row = this.get(`pragma ${name}`);
    return row === undefined ? undefined : Object.values(row)[0];
  }

  /** All or nothing: `work` in one write transaction, ended by `commit`. The error that stops it is thrown as it is. */
  write<T>(work: () => T, commit: (connection: Connection) => void = commitNow): T {
    return this.#transaction("begin immediate", work, commit);
  }

  /** `work` on one state of the file, whatever others write meanwhile. */
  snapshot<T>(work: () => T): T {
    return this.#within ? work() : this.#transaction("begin", work, commitNow);
  }

  /** Gives the file back. Without effect when it is closed. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#statements.clear();
    this.#database.close();
  }

  #transaction<T>(begin: string, work: () => T, commit: (connection: Connection) => void): T {
    this.exec(begin);
    this.#within = true;
    try {
      const result = work();
      commit(this);
      return result;
    } catch (error) {
      this.#rollBack();
      throw error;
    } finally {
      this.#within = false;
    }
  }

  /** SQLite may have rolled back already: then there is nothing to end. */
  #rollBack(): void {
    try {
      this.exec("rollback");
    } catch {
      // The error that led here says more than this one.
    }
  }

  #prepared(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.#database.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }
}

function asItStands(file: string): URL {
  const url = pathToFileURL(file);
  url.searchParams.set("immutable", "1");
  return url;
}

/** Ends a write transaction: on disk, as far as `pragma synchronous` asks for it. */
export function commitNow(connection: Connection): void {
  connection.exec("commit");
}

/** SQLite's primary result codes that a journal tells apart. */
export const SQLITE = {
  BUSY: 5,
  NOMEM: 7,
  READONLY: 8,
  IOERR: 10,
  CORRUPT: 11,
  FULL: 13,
  CANTOPEN: 14,
  NOTADB: 26,
} as const;

/** The primary result code of an error of SQLite's; undefined for any other error. */
export function sqliteCode(error: unknown): number | undefined {
  const extended = extendedCode(error);
  return extended === undefined ? undefined : extended & 0xff;
}

/** The extended result code, which says which system call failed. */
export function extendedCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !("errcode" in error)) return undefined;
  return typeof error.errcode === "number" ? error.errcode : undefined;
}
