/**
 * The connection over which the journal's engines are kept alive and hear of each other: renewals and notifications.
 * Nothing else is asked over it, so that nothing slow stands in a renewal's way. Owns: making it anew when it was lost,
 * listening each time. What was said while it was lost is not heard: the polls find it (`watch.ts`).
 */
import type { Connection, Row, Statement } from "./client.ts";
import { quoteName } from "./client.ts";
import type { Database } from "./database.ts";

export class Pulse {
  readonly #database: Database;
  readonly #heard: (message: string) => void;
  readonly #timeoutMs: number;
  #connection: Connection | undefined;
  #opening: Promise<Connection> | undefined;

  constructor(database: Database, heard: (message: string) => void) {
    this.#database = database;
    this.#heard = heard;
    // Two tries fit into a lease.
    this.#timeoutMs = Math.max(400, database.settings.leaseMs / 3);
  }

  /** Asks once; fails with what came of it, JOURNAL_FAILED or the raw failure. */
  async ask(statement: Statement, values: readonly unknown[] = []): Promise<readonly Row[]> {
    const connection = await this.#open();
    return await connection.query(statement, values, this.#timeoutMs);
  }

  /** Listens from now on. */
  async listen(): Promise<void> {
    await this.#open();
  }

  async end(): Promise<void> {
    const opened = await this.#opening?.catch(() => undefined);
    await (opened ?? this.#connection)?.end();
    this.#connection = undefined;
  }

  #open(): Promise<Connection> {
    if (this.#connection?.lost === false) return Promise.resolve(this.#connection);
    this.#opening ??= this.#connect().finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  async #connect(): Promise<Connection> {
    const connection = await this.#database.connect();
    connection.onNotification(this.#heard);
    const text = `listen ${quoteName(this.#database.names.channel)}`;
    await connection.query({ text }, [], this.#timeoutMs);
    this.#connection = connection;
    return connection;
  }
}
