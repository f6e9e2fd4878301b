/**
 * Group commit: writes of one turn of the event loop share one transaction and one fsync (J1). Owns: the queue, what
 * happens to all of them when the transaction fails, and the connection after that. Does not own: what is written.
 *
 * A write that is refused (LOCKED, FENCED, NOT_FOUND, ...) fails alone: it has changed nothing. Any other error undoes the
 * whole transaction, all its writes fail with it, and the connection is not used again: after a failed commit its cache
 * is no witness of what is on disk.
 */
import { BelayError } from "../../errors.ts";
import { type Connection, commitNow } from "./connection.ts";
import { failure } from "./failure.ts";

/** What the queue needs of the journal. */
export interface CommitHost {
  /** The connection, made anew when the last one was dropped. Throws when there is none to be had. */
  connection(): Connection;
  /** The connection is not to be trusted any more. */
  drop(): void;
}

interface Job {
  readonly work: (connection: Connection) => unknown;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** What became of one write within the transaction. */
type Outcome = { readonly value: unknown } | { readonly error: BelayError };

export class GroupCommit {
  readonly #host: CommitHost;
  readonly #commit: (connection: Connection) => void;
  #waiting: Job[] = [];

  /** `commit` is the one place where writes become durable; tests let it fail. */
  constructor(host: CommitHost, commit: (connection: Connection) => void = commitNow) {
    this.#host = host;
    this.#commit = commit;
  }

  /** Does the work in the next transaction; resolves once that is durable. */
  add<T>(work: (connection: Connection) => T): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ work, resolve: resolve as (value: unknown) => void, reject });
      if (this.#waiting.length === 1) setImmediate(() => this.flush());
    });
  }

  /** Commits what waits, now. Never throws: each write is told. */
  flush(): void {
    const jobs = this.#waiting;
    if (jobs.length === 0) return;
    this.#waiting = [];
    const outcomes: Outcome[] = [];
    let connection: Connection | undefined;
    try {
      connection = this.#host.connection();
      const used = connection;
      used.write(() => {
        for (const { work } of jobs) outcomes.push(attempt(work, used));
      }, this.#commit);
    } catch (error) {
      const told = connection === undefined ? error : failure(connection.file, "the write failed", error);
      if (connection !== undefined) this.#host.drop();
      for (const { reject } of jobs) reject(told);
      return;
    }
    for (const [index, { resolve, reject }] of jobs.entries()) {
      const outcome = outcomes[index] as Outcome;
      if ("error" in outcome) reject(outcome.error);
      else resolve(outcome.value);
    }
  }
}

/** Refusals are the write's own; everything else is thrown on. */
function attempt(work: (connection: Connection) => unknown, connection: Connection): Outcome {
  try {
    return { value: work(connection) };
  } catch (error) {
    if (error instanceof BelayError && error.code !== "JOURNAL_CORRUPT") return { error };
    throw error;
  }
}
