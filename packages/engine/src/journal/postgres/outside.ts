/**
 * A journal seen from outside: read, list, logs, and requests to the engines (R37). Owns: no run, ever, and no table.
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
import { Database } from "./database.ts";
import { Lines } from "./lines.ts";
import { type PostgresJournalOptions, resolveOptions } from "./options.ts";
import { Reader } from "./reader.ts";
import { Requests } from "./requests.ts";

/** The half of a journal that needs no owner. Made by `openPostgresReader`. */
export class PostgresReader implements Pick<Journal, "read" | "list" | "logs" | "ask" | "answerTo"> {
  readonly #database: Database;
  readonly #reader: Reader;
  readonly #requests: Requests;
  readonly #lines: Lines;

  /** Use `openPostgresReader`. */
  constructor(options: PostgresJournalOptions) {
    this.#database = new Database(resolveOptions(options), { owns: false });
    this.#reader = new Reader(this.#database);
    this.#requests = new Requests(this.#database);
    this.#lines = new Lines(this.#database);
  }

  read(runId: string): Promise<{ readonly header: RunHeader; readonly records: readonly JournalRecord[] } | undefined> {
    return this.#reader.read(runId);
  }

  list(): Promise<readonly RunSummary[]> {
    return this.#reader.list();
  }

  logs(runId: string): Promise<readonly LogLine[]> {
    return this.#lines.of(runId);
  }

  ask(request: OperatorRequest): Promise<void> {
    return this.#requests.ask(request);
  }

  answerTo(requestId: string): Promise<RequestAnswer | undefined> {
    return this.#requests.answerTo(requestId);
  }

  /** Ends its connections. */
  close(): Promise<void> {
    return this.#database.end();
  }
}
