/**
 * A journal file seen from outside, while an engine may use it: read, list, logs, and requests to the engine (R37). Owns:
 * no run, ever. Every call sees one state of the file; nothing is kept between calls but the connection.
 */
import type {
  Journal,
  JournalRecord,
  LogLine,
  OperatorRequest,
  RequestAnswer,
  RunHeader,
  RunSummary,
} from "../port.ts";
import { checkLog, checkSmallTables } from "./checking.ts";
import type { Connection } from "./connection.ts";
import { failure } from "./failure.ts";
import { openToAsk, openToRead, realPath } from "./opening.ts";
import { isOwned } from "./owner-lock.ts";
import {
  type AskedRequest,
  findRequest,
  findRun,
  listRuns,
  readAnswer,
  readLines,
  readRequests,
  readRun,
} from "./reading.ts";
import { isStill } from "./still-file.ts";
import { keepRequest } from "./writing.ts";

/** The half of a journal that needs no owner. Made by `openSqliteReader`. */
export class SqliteReader implements Pick<Journal, "read" | "list" | "logs" | "ask" | "answerTo"> {
  readonly #file: string;
  readonly #busyMs: number;
  #connection: Connection;
  /** Nobody seemed to write to the file, and nothing can be made beside it. */
  #isStill: boolean;
  readonly #checked = new Set<(connection: Connection) => void>();

  /** Use `openSqliteReader`. */
  constructor(path: string, busyMs: number) {
    this.#file = realPath(path);
    this.#busyMs = busyMs;
    this.#isStill = isStill(this.#file);
    this.#connection = openToRead(this.#file, busyMs);
  }

  read(runId: string): { readonly header: RunHeader; readonly records: readonly JournalRecord[] } | undefined {
    return this.#look((connection) => {
      this.#unlessThere(findRun(connection, runId));
      return readRun(connection, runId);
    });
  }

  list(): readonly RunSummary[] {
    const alive = isOwned(this.#file);
    return this.#look((connection) => {
      this.#unlessThere(undefined);
      return listRuns(connection, alive);
    });
  }

  logs(runId: string): readonly LogLine[] {
    return this.#look((connection) => {
      this.#unlessThere(findRun(connection, runId));
      this.#checkOnce(checkLog);
      return readLines(connection, runId);
    });
  }

  /** What was asked of a run through the file, refused and unanswered requests included, in the order of asking (R37). */
  requests(runId: string): readonly AskedRequest[] {
    return this.#look((connection) => {
      this.#checkOnce(checkSmallTables);
      return readRequests(connection, runId);
    });
  }

  ask(request: OperatorRequest): void {
    const connection = openToAsk(this.#file, this.#busyMs);
    try {
      connection.write(() => keepRequest(connection, request));
    } catch (error) {
      throw failure(this.#file, "the request could not be written", error);
    } finally {
      connection.close();
    }
  }

  answerTo(requestId: string): RequestAnswer | undefined {
    return this.#look((connection) => {
      this.#unlessThere(findRequest(connection, requestId));
      return readAnswer(connection, requestId);
    });
  }

  /** Gives the file back. */
  close(): void {
    this.#connection.close();
  }

  /** Before anything is said not to be there, the tables that would know it are checked. */
  #unlessThere(found: unknown): void {
    if (found === undefined) this.#checkOnce(checkSmallTables);
  }

  #checkOnce(check: (connection: Connection) => void): void {
    if (this.#checked.has(check)) return;
    check(this.#connection);
    this.#checked.add(check);
  }

  #look<T>(work: (connection: Connection) => T): T {
    try {
      const connection = this.#current();
      return connection.snapshot(() => work(connection));
    } catch (error) {
      throw failure(this.#file, "it could not be read", error, "reader");
    }
  }

  /** What is read as it stands is opened anew for each look: somebody else may have begun to write. */
  #current(): Connection {
    if (!this.#isStill) return this.#connection;
    this.#connection.close();
    this.#isStill = isStill(this.#file);
    this.#connection = openToRead(this.#file, this.#busyMs);
    return this.#connection;
  }
}
