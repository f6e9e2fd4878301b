/**
 * The journal's only door to `pg`: one connection, made ready for what the journal does. Owns: that every call ends in
 * bounded time even when the server is frozen, that statements of one connection go one by one, and that a failure
 * of the connection is told apart from an answer of the server. Does not own: what is asked, who retries.
 *
 * Nothing that leaves this file holds the password: what `pg` throws is taken apart, never passed on.
 */
import pg from "pg";
import type { Settings } from "./options.ts";

/** One row, by column name; 8-byte integers come as text. */
export type Row = Readonly<Record<string, unknown>>;

/** A statement; one with a name is prepared once per connection. */
export interface Statement {
  readonly name?: string;
  readonly text: string;
}

/** The connection failed before, during or after a statement: whether that was carried out is not known. */
export class ConnectionFailed extends Error {
  override readonly name = "ConnectionFailed";
  /** Code of the system ("ECONNREFUSED"), when there is one. */
  readonly code: string | undefined;

  constructor(message: string, code?: string) {
    super(message);
    this.code = code;
  }
}

/** The server answered with an error. */
export class ServerError extends Error {
  override readonly name = "ServerError";
  /** SQLSTATE. */
  readonly code: string;

  constructor(message: string, code: string) {
    super(message);
    this.code = code;
  }
}

const LONGEST_CONNECT_MS = 5_000;
const SHORTEST_CONNECT_MS = 1_000;
const GOODBYE_TIMEOUT_MS = 500;

/** What every connection is set to, whatever the role or the database say. */
const READY: Statement = {
  text: `select
  set_config('search_path', 'pg_catalog', false),
  set_config('jit', 'off', false),
  -- Times come back to the last bit.
  set_config('extra_float_digits', '1', false),
  -- Plans are kept: one that was made while a table was small must do when it is large.
  set_config('enable_seqscan', 'off', false),
  -- A statement that waited for another one's row looks at what is there then, instead of failing.
  set_config('default_transaction_isolation', 'read committed', false),
  -- A process that was paused inside a transaction must not keep others from its rows.
  set_config('idle_in_transaction_session_timeout', $1, false),
  -- J1: what was answered is on disk; a stricter setting stays.
  set_config('synchronous_commit', case current_setting('synchronous_commit')
    when 'off' then 'on' else current_setting('synchronous_commit') end, false)`,
};

/** What `pg` has and its published types leave out: whether an open socket keeps the process alive. */
type Client = pg.Client & { ref(): void; unref(): void };

export class Connection {
  readonly #client: Client;
  #lost = false;
  #tail: Promise<unknown> = Promise.resolve();
  #ended: Promise<void> | undefined;

  private constructor(client: Client) {
    this.#client = client;
    client.on("error", () => {
      this.#lost = true;
    });
    client.on("end", () => {
      this.#lost = true;
    });
  }

  /** Connects and makes ready. Fails with `ConnectionFailed` or `ServerError`. The caller ends it. */
  static async open(settings: Settings): Promise<Connection> {
    const client = clientFor(settings);
    const connection = new Connection(client);
    try {
      await client.connect();
      client.unref();
      const idleMs = Math.max(250, Math.floor(settings.leaseMs / 2));
      await connection.query(READY, [`${idleMs}`], connectMs(settings));
      return connection;
    } catch (error) {
      connection.cut();
      throw translated(error, true);
    }
  }

  /** The connection is gone: every further statement fails. */
  get lost(): boolean {
    return this.#lost;
  }

  /** Calls `heard` for each notification. */
  onNotification(heard: (payload: string) => void): void {
    this.#client.on("notification", ({ payload }) => heard(payload ?? ""));
  }

  /**
   * Runs one statement after those before it. Fails with `ServerError` when the server refused it, with
   * `ConnectionFailed` when there was no answer in `timeoutMs`: the connection is cut then.
   */
  query(statement: Statement, values: readonly unknown[], timeoutMs: number): Promise<readonly Row[]> {
    const work = this.#tail.then(() => this.#run(statement, values, timeoutMs));
    this.#tail = work.catch(() => undefined);
    return work;
  }

  async #run(statement: Statement, values: readonly unknown[], timeoutMs: number): Promise<readonly Row[]> {
    if (this.#lost) throw new ConnectionFailed("the connection was lost");
    const timer = setTimeout(() => this.cut(), timeoutMs);
    // Whoever waits for an answer keeps the process alive; an idle connection does not.
    this.#client.ref();
    try {
      const result = await this.#client.query({ ...statement, values: [...values] });
      return result.rows as Row[];
    } catch (error) {
      throw translated(error, this.#lost);
    } finally {
      clearTimeout(timer);
      if (!this.#lost) this.#client.unref();
    }
  }

  /** Drops the connection at once, with what is under way. */
  cut(): void {
    this.#lost = true;
    this.#client.connection.stream.destroy();
  }

  /** Says goodbye in bounded time; never rejects. */
  end(): Promise<void> {
    this.#ended ??= this.#end();
    return this.#ended;
  }

  async #end(): Promise<void> {
    if (this.#lost) return this.cut();
    this.#client.ref();
    const timer = setTimeout(() => this.cut(), GOODBYE_TIMEOUT_MS);
    await this.#client.end().catch(() => undefined);
    clearTimeout(timer);
    this.cut();
  }
}

/** The server as messages name it, without a secret. Fails like `Connection.open` on an address that cannot be read. */
export function serverName(settings: Settings): string {
  const { user, host, port, database } = clientFor(settings);
  const place = host.startsWith("/") ? host : `${host.includes(":") ? `[${host}]` : host}:${port}`;
  return `PostgreSQL (${user === undefined ? "" : `${user} at `}${place}/${database ?? ""})`;
}

/** A name as it stands in SQL. */
export function quoteName(name: string): string {
  return pg.escapeIdentifier(name);
}

/** Several tries fit into a lease of usual length. */
function connectMs({ leaseMs }: Settings): number {
  return Math.min(LONGEST_CONNECT_MS, Math.max(SHORTEST_CONNECT_MS, leaseMs / 4));
}

function clientFor(settings: Settings): Client {
  const { ssl, ...rest } = settings.address;
  try {
    return new pg.Client({
      ...rest,
      ...(ssl === undefined ? {} : { ssl: typeof ssl === "boolean" ? ssl : { ...ssl } }),
      application_name: "belay",
      keepAlive: true,
      connectionTimeoutMillis: connectMs(settings),
    }) as Client;
  } catch {
    // The parser's own error quotes the text with the password in it.
    throw new ConnectionFailed(
      "the connection string cannot be read: write postgres://user:password@host:port/database, with % escapes",
      "ADDRESS",
    );
  }
}

function translated(error: unknown, lost: boolean): Error {
  if (error instanceof ConnectionFailed || error instanceof ServerError) return error;
  if (error instanceof pg.DatabaseError && error.code !== undefined) return new ServerError(error.message, error.code);
  const { message, code } = error as Error & { code?: unknown };
  if (lost) return new ConnectionFailed(message || String(code), typeof code === "string" ? code : undefined);
  return error as Error;
}
