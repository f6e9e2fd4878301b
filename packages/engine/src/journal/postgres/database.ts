/**
 * The server as the journal asks it: a few connections, made when they are needed; what a lost connection cut off is asked
 * again for a short time; what fails for good becomes JOURNAL_FAILED. Owns: the connections of everything but appends
 * (`appender.ts`) and the pulse (`pulse.ts`), which have one of their own so that nothing stands in their way.
 *
 * Whatever is asked through `ask` may be asked twice: its statements are such that the second time changes nothing.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { BelayError } from "../../errors.ts";
import { Connection, type Row, type Statement, serverName } from "./client.ts";
import { endsSession, journalFailed, verdictOf } from "./failure.ts";
import type { Settings } from "./options.ts";
import { ensureSchema, requireSchema, type SchemaNames, schemaNames } from "./schema.ts";
import { type Sql, statementsFor } from "./sql.ts";

/** Asks within one connection or transaction. */
export type Query = (statement: Statement, values?: readonly unknown[]) => Promise<readonly Row[]>;

/** What is tried, and whether an earlier try of it may have been carried out. */
export type Work<T> = (query: Query, again: boolean) => Promise<T>;

const MOST_CONNECTIONS = 4;
const FIRST_PAUSE_MS = 20;
const LONGEST_PATIENCE_MS = 5_000;
const SHORTEST_CALL_MS = 5_000;

export class Database {
  readonly settings: Settings;
  readonly names: SchemaNames;
  readonly sql: Sql;
  /** How long a failing connection is tried anew before the caller is told, milliseconds. */
  readonly patienceMs: number;
  readonly #callTimeoutMs: number;
  readonly #owns: boolean;
  readonly #idle: Connection[] = [];
  readonly #inUse = new Set<Connection>();
  readonly #waiting: (() => void)[] = [];
  #free = MOST_CONNECTIONS;
  #server: string | undefined;
  #ready: Promise<void> | undefined;

  /** `owns`: for an engine, whose tables are made when they are not there. */
  constructor(settings: Settings, { owns }: { readonly owns: boolean }) {
    this.settings = settings;
    this.#owns = owns;
    this.names = schemaNames(settings.schema);
    this.sql = statementsFor(this.names.quoted);
    this.patienceMs = Math.min(settings.leaseMs / 2, LONGEST_PATIENCE_MS);
    this.#callTimeoutMs = Math.max(settings.leaseMs, SHORTEST_CALL_MS);
  }

  /** The server as errors name it, without its password. Fails with ConnectionFailed when the address cannot be read. */
  get server(): string {
    this.#server ??= serverName(this.settings);
    return this.#server;
  }

  /** The tables are there. Fails at once, and is tried anew at the next call. */
  ready(): Promise<void> {
    this.#ready ??= this.#prepare().catch((error: unknown) => {
      this.#ready = undefined;
      throw this.failed("opening the journal", error);
    });
    return this.#ready;
  }

  /** Asks on one connection. Fails with JOURNAL_FAILED; what the work itself throws as BelayError is passed on. */
  ask<T>(doing: string, work: Work<T>): Promise<T> {
    return this.#persist(doing, (query, again) => work(query, again));
  }

  /** The same in one transaction, which is undone when the work fails or calls `undo`. */
  transact<T>(
    doing: string,
    work: (query: Query, again: boolean, undo: () => void) => Promise<T>,
    begin = "begin",
  ): Promise<T> {
    return this.#persist(doing, async (query, again, connection) => {
      let undone = false;
      await query({ text: begin });
      try {
        const answer = await work(query, again, () => {
          undone = true;
        });
        await query({ text: undone ? "rollback" : "commit" });
        return answer;
      } catch (error) {
        if (!connection.lost) await query({ text: "rollback" }).catch(() => connection.cut());
        throw error;
      }
    });
  }

  /** One try, without a retry: for what must not happen twice, or is tried again by its caller. */
  async once<T>(work: (query: Query, connection: Connection) => Promise<T>): Promise<T> {
    await this.#turn();
    let connection: Connection | undefined;
    try {
      connection = this.#idle.pop();
      while (connection?.lost === true) connection = this.#idle.pop();
      connection ??= await Connection.open(this.settings);
      this.#inUse.add(connection);
      const using = connection;
      return await work((statement, values = []) => using.query(statement, values, this.#callTimeoutMs), using);
    } catch (error) {
      if (connection !== undefined && !(error instanceof BelayError) && endsSession(error)) connection.cut();
      throw error;
    } finally {
      if (connection !== undefined) this.#giveBack(connection);
      this.#next();
    }
  }

  /** A connection of the caller's own, who ends it. */
  async connect(): Promise<Connection> {
    await this.ready();
    return await Connection.open(this.settings);
  }

  failed(doing: string, error: unknown): BelayError {
    let server = "PostgreSQL";
    try {
      server = this.server;
    } catch {
      // The address itself is the fault; the error says so.
    }
    return journalFailed(server, doing, error);
  }

  /** Ends all connections. What is asked later makes new ones. */
  async end(): Promise<void> {
    this.#ready = undefined;
    for (const connection of this.#inUse) connection.cut();
    await Promise.all(this.#idle.splice(0).map((connection) => connection.end()));
  }

  async #prepare(): Promise<void> {
    const { server } = this;
    const prepare = this.#owns ? ensureSchema : requireSchema;
    await this.once(async (_query, connection) => await prepare(connection, this.names, server));
  }

  async #persist<T>(
    doing: string,
    work: (query: Query, again: boolean, connection: Connection) => Promise<T>,
  ): Promise<T> {
    await this.ready();
    const giveUpAt = performance.now() + this.patienceMs;
    let again = false;
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs *= 2) {
      try {
        return await this.once((query, connection) => work(query, again, connection));
      } catch (error) {
        const verdict = error instanceof BelayError ? "final" : verdictOf(error);
        if (verdict === "final" || performance.now() + pauseMs > giveUpAt) throw this.failed(doing, error);
        again ||= verdict === "unknown";
      }
      await sleep(pauseMs);
    }
  }

  async #turn(): Promise<void> {
    if (this.#free === 0) await new Promise<void>((go) => this.#waiting.push(go));
    else this.#free--;
  }

  #next(): void {
    const go = this.#waiting.shift();
    if (go === undefined) this.#free++;
    else go();
  }

  #giveBack(connection: Connection): void {
    this.#inUse.delete(connection);
    if (!connection.lost) this.#idle.push(connection);
  }
}
