/**
 * The only door to `mysql2`, for every system that speaks MySQL's protocol: MariaDB, MySQL, OceanBase. Owns: connecting, asking, and
 * the two promises that every call needs during a failover: it ends in bounded time even when the server is frozen, and a dying idle
 * connection never becomes an uncaught error. Does not own what is asked, or what an answer means.
 *
 * Statement timeouts of the server are no substitute for the client's own: a stopped server enforces nothing.
 */
import mysql from "mysql2/promise";
import {
  bounded,
  type CallOptions,
  CONNECT_TIMEOUT_MS,
  GOODBYE_TIMEOUT_MS,
  QUERY_TIMEOUT_MS,
} from "../step/bounded-call.ts";

/** Where a server is, and as whom it is asked. */
export interface MysqlServer {
  /** Name used in messages. */
  readonly name: string;
  readonly host: string;
  /** TCP port. */
  readonly port: number;
  readonly user: string;
  /** Password, when the server asks for one. */
  readonly password?: string;
  /** Default: none. */
  readonly database?: string;
}

export type { CallOptions };

/** One row, by column name. Numbers that do not fit a double are strings, and so are dates. */
export type Row = Readonly<Record<string, unknown>>;

/** An open session. Statements run one after the other. */
export interface Session {
  /** Runs one statement, `?` take `values` (escaped by the client). Rows of a statement that answers none: empty. */
  query<R extends object = Row>(text: string, values?: readonly unknown[]): Promise<readonly R[]>;
  /** Closes the session; never rejects. Idempotent. */
  end(): Promise<void>;
  /** Whether the connection was lost since it was opened. */
  readonly lost: boolean;
}

/** Opens a session. Rejects when the server does not answer in time or refuses. The caller ends it. */
export async function connect(server: MysqlServer, options: CallOptions = {}): Promise<Session> {
  options.signal?.throwIfAborted();
  const connection = await greeted(server, options);
  let lost = false;
  connection.on("error", () => {
    lost = true;
  });
  const end = ender(connection);
  if (options.signal?.aborted) {
    connection.destroy();
    options.signal.throwIfAborted();
  }
  const timeoutMs = options.queryTimeoutMs ?? QUERY_TIMEOUT_MS;
  return {
    get lost() {
      return lost;
    },
    end,
    async query<R extends object = Row>(text: string, values: readonly unknown[] = []): Promise<readonly R[]> {
      const asked = connection.query({ sql: text, values: [...values], timeout: timeoutMs });
      try {
        const [rows] = await bounded(asked, options.signal, () => connection.destroy());
        return Array.isArray(rows) ? (rows as R[]) : [];
      } catch (error) {
        throw named(error, server, timeoutMs, connection);
      }
    },
  };
}

/** Connects, lets `work` use the session, closes it whatever happens. */
export async function withSession<T>(
  server: MysqlServer,
  options: CallOptions,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const session = await connect(server, options);
  try {
    return await work(session);
  } finally {
    await session.end();
  }
}

/** Connects, runs one statement, closes. */
export async function query<R extends object = Row>(
  server: MysqlServer,
  text: string,
  values: readonly unknown[] = [],
  options: CallOptions = {},
): Promise<readonly R[]> {
  return await withSession(server, options, (session) => session.query<R>(text, values));
}

/** A value as an SQL literal, for statements that take no parameters. */
export function quoteLiteral(value: string): string {
  return mysql.escape(value);
}

/** A possibly schema-qualified name: `shop.orders` becomes `` `shop`.`orders` ``. */
export function quoteName(name: string): string {
  return mysql.escapeId(name);
}

/** The number of an error that a server answered with, such as 1290; undefined for connection errors and timeouts. */
export function serverErrno(error: unknown): number | undefined {
  const { errno, sqlState } = (error ?? {}) as { errno?: unknown; sqlState?: unknown };
  // Errors of the socket have a negative number and no SQL state.
  return typeof errno === "number" && errno > 0 && typeof sqlState === "string" ? errno : undefined;
}

/** A server did not answer in the time of one call. */
export class ServerTimeout extends Error {
  override readonly name = "ServerTimeout";
  /** Stable code for `retry.nonRetryable` and for people. */
  readonly code = "SERVER_TIMEOUT";
  /** It did not greet; false = it did not answer a statement, which it may still carry out. */
  readonly connecting: boolean;

  constructor(server: MysqlServer, timeoutMs: number, connecting: boolean, cause: unknown) {
    const what = connecting ? `accept a connection at ${server.host}:${server.port}` : "answer a statement";
    super(`${server.name} did not ${what} within ${timeoutMs} ms`, { cause });
    this.connecting = connecting;
  }
}

async function greeted(server: MysqlServer, options: CallOptions): Promise<mysql.Connection> {
  const timeoutMs = options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS;
  const opened = mysql.createConnection({
    host: server.host,
    port: server.port,
    user: server.user,
    ...(server.password === undefined ? {} : { password: server.password }),
    ...(server.database === undefined ? {} : { database: server.database }),
    connectTimeout: timeoutMs,
    supportBigNumbers: true,
    dateStrings: true,
  });
  try {
    // mysql2 hands out no connection before it is greeted: one that comes after the call was given up is cut.
    return await bounded(opened, options.signal, () => {
      opened.then(
        (late) => late.destroy(),
        () => undefined,
      );
    });
  } catch (error) {
    throw (error as { code?: unknown }).code === "ETIMEDOUT"
      ? new ServerTimeout(server, timeoutMs, true, error)
      : error;
  }
}

/** A connection whose statement timed out is of no use any more: the late answer would be taken for that of the next one. */
function named(error: unknown, server: MysqlServer, timeoutMs: number, connection: mysql.Connection): unknown {
  if ((error as { code?: unknown }).code !== "PROTOCOL_SEQUENCE_TIMEOUT") return error;
  connection.destroy();
  return new ServerTimeout(server, timeoutMs, false, error);
}

/** Closes a connection once, in bounded time: a frozen server never answers the goodbye. */
function ender(connection: mysql.Connection): () => Promise<void> {
  let ended: Promise<void> | undefined;
  return () => {
    ended ??= endWithin(connection);
    return ended;
  };
}

async function endWithin(connection: mysql.Connection): Promise<void> {
  const cut = setTimeout(() => connection.destroy(), GOODBYE_TIMEOUT_MS);
  try {
    await connection.end();
  } catch {
    connection.destroy();
  } finally {
    clearTimeout(cut);
  }
}
