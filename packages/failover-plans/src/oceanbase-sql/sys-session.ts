/**
 * Asking a cluster through any of its servers, in its sys tenant. Owns: which server is asked, how long, and what a lost connection
 * means: before a statement was sent nothing has happened, afterwards nobody knows. Does not own statements or what they are refused for.
 */
import { BelayError } from "@belay/engine";
import {
  type CallOptions,
  connect,
  type MysqlServer,
  quoteLiteral,
  type Row,
  type Session,
  serverErrno,
} from "../mysql-client/client.ts";
import { messageOf } from "../step/wait.ts";

/** Where a server listens for SQL. */
export interface SqlAddress {
  readonly host: string;
  /** TCP port. */
  readonly port: number;
  /** How it is called in answers and messages. Default `host:port`. */
  readonly address?: string;
}

/** How the sys tenants are asked. */
export interface SqlAccess {
  /** User of the sys tenant; through OBProxy with the cluster's name. Default `root@sys`. */
  readonly user?: string;
  /** Password of that user. Default: none. */
  readonly password?: string;
  /** Milliseconds until a connection attempt is given up, for each server. Default 1000. */
  readonly connectTimeoutMs?: number;
  /** Milliseconds until a question is given up. Default 5000. */
  readonly readTimeoutMs?: number;
  /**
   * Milliseconds until a statement that changes something is given up by the client; the server may still carry it out. Default
   * 110,000, somewhat more than the OB_QUERY_TIMEOUT of 100 s that such statements get.
   */
  readonly changeTimeoutMs?: number;
}

const READ_TIMEOUT_MS = 5000;
const CHANGE_TIMEOUT_MS = 110_000;
/** Microseconds that the server gives a change of role, as the manual says. */
const OB_QUERY_TIMEOUT = 100_000_000;

/** A statement was sent and its answer never came: it may or may not have taken effect. */
export class OutcomeUnknown extends Error {
  override readonly name = "OutcomeUnknown";
  /** Stable code for `retry.nonRetryable` and for people. */
  readonly code = "OUTCOME_UNKNOWN";
}

/** A server said no, by number. The text may be shown: what was secret in the statement is not in it. */
export class ServerSaidNo extends Error {
  override readonly name = "ServerSaidNo";
  /** The server's number. */
  readonly errno: number;

  constructor(errno: number, message: string) {
    super(message);
    this.errno = errno;
  }
}

/** How a server is called. */
export function addressOf({ host, port, address }: SqlAddress): string {
  return address ?? `${host}:${port}`;
}

/** A name that stands in a statement as it is. INVALID_ARGUMENT for what is none. */
export function plainName(what: string, name: string): string {
  if (/^[A-Za-z_][A-Za-z0-9_.-]{0,127}$/.test(name)) return name;
  throw new BelayError("INVALID_ARGUMENT", `"${name}" is no name of a ${what}: letters, digits and _ . - may be in it`);
}

/** One question to whichever server answers first; a lost connection asks the next one. Rejects with `unreachable()`. */
export async function ask<R extends object = Row>(
  servers: readonly SqlAddress[],
  access: SqlAccess,
  question: string,
  unreachable: () => Error,
): Promise<readonly R[]> {
  const options = { ...callOptions(access), queryTimeoutMs: access.readTimeoutMs ?? READ_TIMEOUT_MS };
  let last: unknown;
  for (const server of servers) {
    let session: Session | undefined;
    try {
      session = await connect(mysqlServer(server, access), options);
      return await session.query<R>(question);
    } catch (error) {
      const errno = serverErrno(error);
      if (errno !== undefined) throw new ServerSaidNo(errno, messageOf(error));
      last = error;
    } finally {
      await session?.end();
    }
  }
  throw withCause(unreachable(), last);
}

/** A statement that changes something. */
export interface Change {
  readonly statement: string;
  /** What of it must never be shown: it is replaced in every message. */
  readonly secret?: string;
}

/**
 * Gives a statement once, on the first server that greets. Rejects with `unreachable()` when none does, with `ServerSaidNo` when it was
 * refused, with `OutcomeUnknown` when the answer never came.
 */
export async function give(
  servers: readonly SqlAddress[],
  access: SqlAccess,
  { statement, secret }: Change,
  unreachable: () => Error,
): Promise<void> {
  const options = { ...callOptions(access), queryTimeoutMs: access.changeTimeoutMs ?? CHANGE_TIMEOUT_MS };
  const shown = (text: string): string => (secret === undefined ? text : without(secret, text));
  let last: unknown;
  for (const server of servers) {
    let session: Session | undefined;
    let sent = false;
    try {
      session = await connect(mysqlServer(server, access), options);
      await session.query(`SET OB_QUERY_TIMEOUT = ${OB_QUERY_TIMEOUT}`);
      sent = true;
      await session.query(statement);
      return;
    } catch (error) {
      // The client's error carries the statement, and with it the secret: only its text goes on.
      const errno = serverErrno(error);
      if (errno !== undefined) throw new ServerSaidNo(errno, shown(messageOf(error)));
      last = new Error(shown(messageOf(error)));
      if (sent)
        throw new OutcomeUnknown(shown(`${addressOf(server)}: no answer to ${statement}; it may have taken effect`), {
          cause: last,
        });
    } finally {
      await session?.end();
    }
  }
  throw withCause(unreachable(), last);
}

/** The text without the secret, as it is and as it stands in a literal. */
function without(secret: string, text: string): string {
  return text.replaceAll(quoteLiteral(secret).slice(1, -1), "******").replaceAll(secret, "******");
}

function callOptions({ connectTimeoutMs }: SqlAccess): CallOptions {
  return connectTimeoutMs === undefined ? {} : { connectTimeoutMs };
}

function mysqlServer(server: SqlAddress, { user = "root@sys", password }: SqlAccess): MysqlServer {
  const { host, port } = server;
  return { name: addressOf(server), host, port, user, ...(password === undefined ? {} : { password }) };
}

function withCause(error: Error, cause: unknown): Error {
  if (cause !== undefined) error.cause = cause;
  return error;
}
