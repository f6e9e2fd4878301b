/**
 * The journal in a SQLite file, for one engine at a time. Owns: the life of the file (lock, connection, timer) and the
 * form of the port. Does not own: what is written (`writing.ts`), read (`reading.ts`), or when it is committed
 * (`group-commit.ts`).
 *
 * All calls do their work on the engine's thread: an append blocks it for one fsync, which all appends of a turn share.
 * The listener hears `asked` only: nobody else can have a run of a file that has one owner.
 */
import { BelayError } from "../../errors.ts";
import type {
  ClaimResult,
  CreateResult,
  Journal,
  JournalListener,
  JournalRecord,
  Lease,
  LogLine,
  OperatorRequest,
  RequestAnswer,
  RunHeader,
  RunProgress,
  RunSummary,
} from "../port.ts";
import type { Connection } from "./connection.ts";
import { corrupt, failure, refused } from "./failure.ts";
import { GroupCommit } from "./group-commit.ts";
import { LogBuffer } from "./log-buffer.ts";
import {
  type Durability,
  type OwnerOptions,
  openFile,
  placeOf,
  realPath,
  refuseForeign,
  reopenFile,
} from "./opening.ts";
import { OwnerLock } from "./owner-lock.ts";
import { listRuns, openRequests, readAnswer, readLines, readRun } from "./reading.ts";
import {
  appendRecords,
  claimRun,
  createRun,
  keepAnswer,
  keepRequest,
  newRecords,
  releaseAll,
  releaseRun,
  removeRun,
} from "./writing.ts";

/** How a journal file is used; see docs/journal.md. */
export interface SqliteJournalOptions {
  /**
   * "full" (default): what was answered survives a loss of power; one fsync per turn with writes. "normal": it survives the
   * death of the process, and a loss of power may take the last moments; no fsync but at checkpoints.
   */
  readonly durability?: Durability;
  /** Milliseconds between looks for requests of other processes, from 1. Default 200. */
  readonly pollMs?: number;
  /** Milliseconds to wait for another process that writes a request, before JOURNAL_FAILED. Default 5,000. */
  readonly busyMs?: number;
}

/** Where tests take hold of the medium; nothing else gives these. */
export interface Seams {
  /** Ends a transaction of appends. */
  readonly commit?: (connection: Connection) => void;
  /** First look at each new connection. */
  readonly opened?: (connection: Connection) => void;
}

/** An engine at the file. */
interface Sitting {
  readonly engine: string;
  readonly listener: JournalListener;
  readonly lock: OwnerLock;
  readonly timer: NodeJS.Timeout;
  /** Which file it is, whatever its name is by now. */
  readonly place: string | undefined;
  connection: Connection | undefined;
  /** Changes when another process has written. */
  version: unknown;
}

/** Made by `openSqliteJournal`. */
export class SqliteJournal implements Journal {
  /** The file, as it was given. */
  readonly path: string;
  readonly #options: OwnerOptions;
  readonly #pollMs: number;
  readonly #writes: GroupCommit;
  readonly #lines: LogBuffer;
  #file: string;
  #sitting: Sitting | undefined;

  /** Use `openSqliteJournal`. */
  constructor(path: string, options: SqliteJournalOptions = {}, seams: Seams = {}) {
    const { durability = "full", pollMs = 200, busyMs = 5_000 } = options;
    this.path = path;
    this.#file = path;
    this.#pollMs = pollMs;
    this.#options = seams.opened === undefined ? { durability, busyMs } : { durability, busyMs, opened: seams.opened };
    const host = { connection: () => this.#connection(), drop: () => this.#drop() };
    this.#writes = new GroupCommit(host, seams.commit);
    this.#lines = new LogBuffer((work) => this.#writeLines(work));
  }

  open(engine: string, listener: JournalListener): void {
    const { engine: other } = this.#sitting ?? {};
    if (other !== undefined) {
      const text = `journal ${this.path} is used by engine ${other} of this process: make a journal per engine`;
      throw new BelayError("JOURNAL_IN_USE", text, { file: this.path, owner: { engine: other, pid: process.pid } });
    }
    this.#file = realPath(this.path);
    if (!OwnerLock.isKnown(this.#file)) refuseForeign(this.#file, this.#options.busyMs);
    const lock = OwnerLock.acquire(this.#file, engine, Date.now());
    let connection: Connection | undefined;
    try {
      connection = openFile(this.#file, lock, this.#options);
      const used = connection;
      used.write(() => releaseAll(used));
    } catch (error) {
      connection?.close();
      lock.release();
      throw failure(this.#file, "it could not be opened", error);
    }
    const timer = setInterval(() => this.#look(), this.#pollMs);
    timer.unref();
    const version = connection.pragma("data_version");
    this.#sitting = { engine, listener, lock, timer, place: placeOf(this.#file), connection, version };
  }

  create(engine: string, header: RunHeader, locks: readonly string[]): Promise<CreateResult> {
    return this.#write(() => {
      const text = JSON.stringify(header);
      return (connection) => createRun(connection, engine, { header, text, locks });
    });
  }

  claim(engine: string, runId: string): Promise<ClaimResult> {
    return this.#write(() => (connection) => claimRun(connection, engine, runId));
  }

  append(lease: Lease, records: readonly JournalRecord[], progress: RunProgress): Promise<void> {
    return this.#write(() => {
      const added = newRecords(records);
      return (connection) => appendRecords(connection, lease, added, progress);
    });
  }

  release(lease: Lease): Promise<void> {
    return this.#write(() => (connection) => releaseRun(connection, lease));
  }

  read(runId: string): { readonly header: RunHeader; readonly records: readonly JournalRecord[] } | undefined {
    return this.#read((connection) => readRun(connection, runId));
  }

  list(): readonly RunSummary[] {
    return this.#read((connection) => listRuns(connection, true));
  }

  async ask(request: OperatorRequest): Promise<void> {
    const owned = await this.#write(() => (connection) => keepRequest(connection, request));
    if (owned) this.#sitting?.listener.asked();
  }

  takeRequests(engine: string): readonly OperatorRequest[] {
    return this.#read((connection) => openRequests(connection, engine));
  }

  answer(requestId: string, answer: RequestAnswer): Promise<void> {
    return this.#write(() => (connection) => keepAnswer(connection, requestId, answer));
  }

  answerTo(requestId: string): RequestAnswer | undefined {
    return this.#read((connection) => readAnswer(connection, requestId));
  }

  log(lines: readonly LogLine[]): void {
    if (this.#sitting !== undefined) this.#lines.add(lines);
  }

  logs(runId: string): readonly LogLine[] {
    this.#lines.flush();
    return this.#read((connection) => readLines(connection, runId));
  }

  remove(runId: string): Promise<void> {
    return this.#write(() => (connection) => removeRun(connection, runId));
  }

  close(engine: string): void {
    const sitting = this.#sitting;
    if (sitting?.engine !== engine) return;
    clearInterval(sitting.timer);
    this.#lines.flush();
    this.#writes.flush();
    try {
      const connection = this.#connection();
      connection.write(() => releaseAll(connection));
    } catch (error) {
      throw failure(this.#file, "its runs could not be released; the next engine releases them", error);
    } finally {
      this.#drop();
      sitting.lock.release();
      this.#sitting = undefined;
    }
  }

  /** Puts a write in the queue. What cannot be said as JSON fails alone, before it is queued. */
  #write<T>(prepare: () => (connection: Connection) => T): Promise<T> {
    try {
      if (this.#sitting === undefined) throw this.#notOpen();
      return this.#writes.add(prepare());
    } catch (error) {
      if (error instanceof BelayError) return Promise.reject(error);
      const text = `journal ${this.path}: it cannot be written as JSON: ${String(error)}`;
      return Promise.reject(new BelayError("JOURNAL_FAILED", text, { file: this.path }, error));
    }
  }

  #read<T>(work: (connection: Connection) => T): T {
    const connection = this.#connection();
    try {
      return connection.snapshot(() => work(connection));
    } catch (error) {
      throw failure(this.#file, "it could not be read", error);
    }
  }

  /** Lines need no fsync: the next append's covers them. */
  #writeLines(work: (connection: Connection) => void): void {
    const connection = this.#connection();
    connection.exec("pragma synchronous = normal");
    try {
      connection.write(() => work(connection));
    } catch (error) {
      this.#drop();
      throw error;
    }
    connection.exec(`pragma synchronous = ${this.#options.durability}`);
  }

  #connection(): Connection {
    const sitting = this.#sitting;
    if (sitting === undefined) throw this.#notOpen();
    if (placeOf(this.#file) !== sitting.place) {
      throw corrupt(this.#file, "the file was moved, removed or replaced while it was in use; put it back");
    }
    if (sitting.connection === undefined) {
      sitting.connection = reopenFile(this.#file, this.#options);
      sitting.version = sitting.connection.pragma("data_version");
    }
    return sitting.connection;
  }

  #drop(): void {
    const { connection } = this.#sitting ?? {};
    if (this.#sitting !== undefined) this.#sitting.connection = undefined;
    try {
      connection?.close();
    } catch {
      // It is given up for having failed: what it says at its end is the same again.
    }
  }

  /** Another process can only have written a request. */
  #look(): void {
    const sitting = this.#sitting;
    if (sitting?.connection === undefined) return;
    let version: unknown;
    try {
      version = sitting.connection.pragma("data_version");
    } catch {
      // The next write finds out, and tells.
      return;
    }
    if (version === sitting.version) return;
    sitting.version = version;
    sitting.listener.asked();
  }

  #notOpen(): BelayError {
    return refused(this.path, "no engine has opened it; createEngine({ journal }) does");
  }
}
