/**
 * The only door to `pg`. Owns: connecting, asking, and the two promises that every call needs during a failover: it ends in bounded
 * time even when the server is frozen, and a dying idle connection never becomes an uncaught error.
 * Does not own: what is asked (status.ts) or what an answer means.
 *
 * Statement timeouts of the server are no substitute for the client's own: a stopped server enforces nothing.
 */
import pg from "pg";
import {
  bounded,
  type CallOptions,
  CONNECT_TIMEOUT_MS,
  GOODBYE_TIMEOUT_MS,
  QUERY_TIMEOUT_MS,
} from "../step/bounded-call.ts";
import type { PostgresNode } from "./ports.ts";

export type { CallOptions };

/** One row, by column name. */
export type Row = Readonly<Record<string, unknown>>;

/** An open session. Statements run one after the other. */
export interface Session {
  /** Runs one statement; `$1`... take `values`. Rejects with the server's error, its SQLSTATE in `code`. */
  query<R extends object = Row>(text: string, values?: readonly unknown[]): Promise<readonly R[]>;
  /** Closes the session; never rejects. Idempotent. */
  end(): Promise<void>;
  /** Whether the connection was lost since it was opened. */
  readonly lost: boolean;
}

/** An open session in replication mode. */
export interface ReplicationSession {
  /**
   * Runs a replication command that answers with copy data, such as BASE_BACKUP, and hands on each copy message without its
   * framing. While `onMessage` has not resolved, no more is read from the socket.
   */
  copyOut(command: string, onMessage: (message: Buffer) => void | Promise<void>): Promise<void>;
  /** Closes the session; never rejects. Idempotent. */
  end(): Promise<void>;
}

/** Opens a session. Rejects when the server does not answer in time or refuses. The caller ends it. */
export async function connect(node: PostgresNode, options: CallOptions = {}): Promise<Session> {
  const client = clientFor(node, options, {});
  let lost = false;
  client.on("error", () => {
    lost = true;
  });
  const end = ender(client);
  await bounded(greeted(client, node, options), options.signal, () => void end()).catch((error: unknown) =>
    rethrowAfter(end, error),
  );
  return {
    get lost() {
      return lost;
    },
    end,
    async query<R extends object = Row>(text: string, values: readonly unknown[] = []): Promise<readonly R[]> {
      const asked = client.query(text, [...values]).catch((error: unknown) => rethrowTimeout(error, node, options));
      const result = await bounded(asked, options.signal, () => void end());
      return result.rows as R[];
    },
  };
}

/** Connects, runs one statement, closes. */
export async function query<R extends object = Row>(
  node: PostgresNode,
  text: string,
  values: readonly unknown[] = [],
  options: CallOptions = {},
): Promise<readonly R[]> {
  const session = await connect(node, options);
  try {
    return await session.query<R>(text, values);
  } finally {
    await session.end();
  }
}

/** Connects, lets `work` use the session, closes it whatever happens. */
export async function withSession<T>(
  node: PostgresNode,
  options: CallOptions,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const session = await connect(node, options);
  try {
    return await work(session);
  } finally {
    await session.end();
  }
}

/** Opens a session in (physical) replication mode, for BASE_BACKUP. `queryTimeoutMs` bounds the whole copy; default: none. */
export async function openReplication(node: PostgresNode, options: CallOptions = {}): Promise<ReplicationSession> {
  const client = clientFor(node, { ...options, queryTimeoutMs: options.queryTimeoutMs ?? 0 }, { replication: "true" });
  client.on("error", () => undefined);
  const end = ender(client);
  await bounded(greeted(client, node, options), options.signal, () => void end()).catch((error: unknown) =>
    rethrowAfter(end, error),
  );
  return {
    end,
    copyOut: (command, onMessage) => bounded(copyOut(client, command, onMessage), options.signal, () => void end()),
  };
}

/** Quotes a string as an SQL literal, for statements that take no parameters (ALTER SYSTEM). */
export function quoteLiteral(text: string): string {
  return pg.escapeLiteral(text);
}

/** Quotes a possibly schema-qualified name: `public.orders` becomes `"public"."orders"`. */
export function quoteName(name: string): string {
  return name
    .split(".")
    .map((part) => pg.escapeIdentifier(part))
    .join(".");
}

/** The SQLSTATE of an error that a server answered with; undefined for connection errors and timeouts. */
export function sqlState(error: unknown): string | undefined {
  return error instanceof pg.DatabaseError ? error.code : undefined;
}

/** A server did not answer in the time of one call: which one, where, and how long that was. */
class ServerTimeout extends Error {
  override readonly name = "ServerTimeout";
  /** It did not greet; false = it did not answer a statement. */
  readonly connecting: boolean;

  constructor(node: PostgresNode, timeoutMs: number, connecting: boolean, cause: unknown) {
    const what = connecting ? `accept a connection at ${node.host}:${node.port}` : "answer a statement";
    super(`${node.name} did not ${what} within ${timeoutMs} ms`, { cause });
    this.connecting = connecting;
  }
}

/** Whether a connection attempt ended because the server did not greet in time; not a refusal, and not a slow statement. */
export function isConnectTimeout(error: unknown): boolean {
  return error instanceof ServerTimeout && error.connecting;
}

async function greeted(client: pg.Client, node: PostgresNode, options: CallOptions): Promise<void> {
  await client.connect().catch((error: unknown) => rethrowTimeout(error, node, options));
}

/** pg gives its timeouts no code, and says of none which server it was. */
function rethrowTimeout(error: unknown, node: PostgresNode, options: CallOptions): never {
  const message = error instanceof Error ? error.message : "";
  if (/^(?:timeout expired|Connection terminated due to connection timeout)/.test(message))
    throw new ServerTimeout(node, options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS, true, error);
  if (/^Query read timeout/.test(message))
    throw new ServerTimeout(node, options.queryTimeoutMs ?? QUERY_TIMEOUT_MS, false, error);
  throw error;
}

function clientFor(node: PostgresNode, options: CallOptions, extra: { replication?: string }): pg.Client {
  const config: pg.ClientConfig & { replication?: string } = {
    host: node.host,
    port: node.port,
    user: node.user,
    database: node.database,
    application_name: "belay",
    connectionTimeoutMillis: options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS,
    query_timeout: options.queryTimeoutMs ?? QUERY_TIMEOUT_MS,
    ...extra,
  };
  if (node.password !== undefined) config.password = node.password;
  return new pg.Client(config);
}

/** What pg hands to a query that receives copy data; its published types leave it out. */
interface CopyData {
  readonly chunk: Buffer;
}

function copyOut(
  client: pg.Client,
  command: string,
  onMessage: (message: Buffer) => void | Promise<void>,
): Promise<void> {
  const { stream } = client.connection;
  return new Promise<void>((resolve, reject) => {
    // Messages parsed from one read arrive in one go: they queue up here, in order, while the socket is paused.
    let tail: Promise<void> = Promise.resolve();
    let waiting = 0;
    const handleCopyData = (data: CopyData): void => {
      // The parser reuses the chunk's memory.
      const message = Buffer.from(data.chunk);
      waiting += 1;
      stream.pause();
      tail = tail.then(() => onMessage(message));
      tail.then(
        () => {
          waiting -= 1;
          if (waiting === 0) stream.resume();
        },
        (error: unknown) => {
          reject(error);
          stream.destroy();
        },
      );
    };
    const copy = Object.assign(new pg.Query(command), { handleCopyData });
    copy.once("end", () => tail.then(resolve, reject));
    copy.once("error", reject);
    client.query(copy);
  });
}

/** Closes a client once, in bounded time: a frozen server never answers the goodbye. */
function ender(client: pg.Client): () => Promise<void> {
  let ended: Promise<void> | undefined;
  return () => {
    ended ??= endWithin(client);
    return ended;
  };
}

async function endWithin(client: pg.Client): Promise<void> {
  const cut = setTimeout(() => client.connection.stream.destroy(), GOODBYE_TIMEOUT_MS);
  try {
    // With a statement under way this cuts the socket at once.
    await client.end();
  } catch {
    client.connection.stream.destroy();
  } finally {
    clearTimeout(cut);
  }
}

async function rethrowAfter(end: () => Promise<void>, error: unknown): Promise<never> {
  await end();
  throw error;
}
