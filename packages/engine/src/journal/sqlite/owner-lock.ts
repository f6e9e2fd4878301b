/**
 * One engine per journal file (R44): the lock of the operating system that dies with the process. Owns: the file
 * `<journal>-owner`, a small SQLite file that says who uses the journal, and in which the owner keeps a write transaction
 * open for as long as it lives. Others can read who that is, and cannot open one: also within one process, since SQLite
 * keeps account of its own locks there. After kill -9 the lock is gone, and only the name is left.
 *
 * Nothing may open these files but through SQLite: closing any other handle would give up the process's locks on them.
 */
import { existsSync } from "node:fs";
import { hostname } from "node:os";
import { BelayError } from "../../errors.ts";
import { Connection, SQLITE, sqliteCode } from "./connection.ts";
import { failure } from "./failure.ts";
import { seemsOwned } from "./still-file.ts";

/** Who uses a journal file. */
export interface Owner {
  /** The engine's name. */
  readonly engine: string;
  /** Name of its machine. */
  readonly host: string;
  /** Its process there. */
  readonly pid: number;
  /** Since when, epoch milliseconds. */
  readonly since: number;
}

/** Long enough for whoever looks whether the lock is free (`isOwned`) to let go again. */
const PROBE_MS = 250;

const TABLE = `create table if not exists owner (
  one integer primary key check (one = 1), engine text not null, host text not null, pid integer not null,
  since real not null, made integer not null)`;

/** The right to write to a journal file, held. */
export class OwnerLock {
  readonly #connection: Connection;
  readonly #file: string;

  private constructor(connection: Connection, file: string) {
    this.#connection = connection;
    this.#file = file;
  }

  /** Whether an engine ever used the file, as far as can be seen beside it. */
  static isKnown(file: string): boolean {
    return existsSync(ownerFile(file));
  }

  /** Takes the lock. Fails with JOURNAL_IN_USE, naming who has it; with JOURNAL_FAILED when the medium refuses. */
  static acquire(file: string, engine: string, now: number): OwnerLock {
    const me: Owner = { engine, host: hostname(), pid: process.pid, since: now };
    let connection: Connection | undefined;
    try {
      connection = new Connection(ownerFile(file), { busyMs: PROBE_MS });
      connection.write(() => sign(connection as Connection, me));
      const lock = new OwnerLock(connection, file);
      lock.#hold();
      return lock;
    } catch (error) {
      const found = sqliteCode(error) === SQLITE.BUSY && connection !== undefined ? readOwner(connection) : undefined;
      connection?.close();
      throw found === undefined
        ? failure(ownerFile(file), "the owner's lock could not be taken", error)
        : inUse(file, found);
    }
  }

  /** Whether a journal was ever made in the file that this guards: an empty one has lost it, then. */
  get made(): boolean {
    return this.#connection.get("select made from owner")?.["made"] === 1;
  }

  /** Keeps that a journal was made. Fails with JOURNAL_IN_USE when another engine slips in meanwhile. */
  keepMade(): void {
    if (this.made) return;
    this.#connection.run("update owner set made = 1");
    this.#connection.exec("commit");
    this.#hold();
  }

  /** Gives the lock up. */
  release(): void {
    this.#connection.close();
  }

  #hold(): void {
    try {
      this.#connection.exec("begin immediate");
    } catch (error) {
      if (sqliteCode(error) !== SQLITE.BUSY) throw error;
      const found = readOwner(this.#connection);
      this.release();
      throw inUse(this.#file, found);
    }
  }
}

/** Whether an engine uses the journal file now, wherever it runs on this machine. */
export function isOwned(file: string): boolean {
  if (!existsSync(ownerFile(file))) return false;
  let connection: Connection | undefined;
  try {
    connection = new Connection(ownerFile(file), { busyMs: 0 });
    connection.write(() => {});
    return false;
  } catch (error) {
    if (sqliteCode(error) === SQLITE.BUSY) return true;
    // Who may not write there cannot try the lock.
    if (sqliteCode(error) === SQLITE.READONLY && connection !== undefined)
      return seemsOwned(file, readOwner(connection));
    throw failure(ownerFile(file), "whether an engine uses the journal could not be found out", error);
  } finally {
    connection?.close();
  }
}

function ownerFile(file: string): string {
  return `${file}-owner`;
}

function sign(connection: Connection, { engine, host, pid, since }: Owner): void {
  connection.exec(TABLE);
  const made = connection.get("select made from owner")?.["made"] === 1 ? 1 : 0;
  connection.run("insert or replace into owner values (1, ?, ?, ?, ?, ?)", engine, host, pid, since, made);
}

function readOwner(connection: Connection): Owner | undefined {
  try {
    const row = connection.get("select * from owner");
    if (row === undefined) return undefined;
    const { engine, host, pid, since } = row;
    return { engine: String(engine), host: String(host), pid: Number(pid), since: Number(since) };
  } catch {
    return undefined;
  }
}

function inUse(file: string, owner: Owner | undefined): BelayError {
  const name =
    owner === undefined
      ? "another engine"
      : `engine ${owner.engine} (process ${owner.pid} on ${owner.host}, since ${new Date(owner.since).toISOString()})`;
  const remedy =
    "end it, or use openSqliteReader to look and to ask from outside; one file serves one engine at a time";
  return new BelayError("JOURNAL_IN_USE", `journal ${file} is used by ${name}: ${remedy}`, {
    file,
    owner: owner ?? null,
  });
}
