/**
 * A server that speaks MySQL's protocol on the loopback interface: the second door to `mysql2`, whose server half no other file uses.
 * Owns: the handshake, logins, rows and errors on the wire, connections that are cut and answers that never come. Does not own what is
 * answered. Knows text statements only, one at a time on each connection.
 */
import { createHash } from "node:crypto";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import mysql from "mysql2";

/** Rows, or nothing for a statement that answers none. */
export interface StatementAnswer {
  /** Names of the columns, in order. */
  readonly columns: readonly string[];
  /** Values by column; they travel as text. */
  readonly rows: readonly (readonly (string | number | null)[])[];
}

/** Thrown by whoever answers: the client gets the number and the text. */
export class ServerRefusal extends Error {
  override readonly name = "ServerRefusal";
  /** The server's number, such as 1064. */
  readonly errno: number;

  constructor(errno: number, message: string, cause?: unknown) {
    super(message, cause === undefined ? {} : { cause });
    this.errno = errno;
  }
}

/** What goes wrong with a statement: the connection is cut before or after its effect, or no answer ever comes, without effect. */
export type WireFault = "cut-before" | "cut-after" | "hang";

export interface ProtocolServerOptions {
  /** The version that clients are told. */
  readonly version: string;
  /** Password of each user that may log in. */
  readonly users: Readonly<Record<string, string>>;
  /** Carries out one statement. Throws `ServerRefusal`; anything else becomes error 4000. */
  readonly answer: (statement: string) => Promise<StatementAnswer | undefined>;
  /** Which fault befalls a statement. Default: none. */
  readonly fault?: (statement: string) => WireFault | undefined;
}

export interface ProtocolServer {
  readonly host: string;
  /** TCP port; the same after every start. */
  readonly port: number;
  /** Refuses connections and cuts those there are, as a process that died does. Idempotent. */
  stop(): Promise<void>;
  /** Listens again, on the same port. */
  start(): Promise<void>;
}

const HOST = "127.0.0.1";
const ACCESS_DENIED = 1045;
const INTERNAL_ERROR = 4000;
const VARCHAR = 253;
const UTF8 = 45;
/** LONG_PASSWORD, LONG_FLAG, CONNECT_WITH_DB, PROTOCOL_41, TRANSACTIONS, SECURE_CONNECTION, PLUGIN_AUTH. */
const CAPABILITIES = 0x1 | 0x4 | 0x8 | 0x200 | 0x2000 | 0x8000 | 0x80000;

/** What `mysql2` hands to a server, of which its types say nothing. */
interface ServerConnection {
  readonly stream: Socket;
  serverHandshake(how: object): void;
  writeOk(): void;
  writeError(error: { readonly code: number; readonly message: string }): void;
  writeColumns(columns: readonly object[]): void;
  writeTextRow(row: readonly (string | null)[]): void;
  writeEof(): void;
  on(event: string, listener: (text: string) => void): void;
  /** Packets are numbered anew in every exchange; the server half does not do that by itself, and would warn of each. */
  _resetSequenceId(): void;
}

/** Starts a server on a free port of the loopback interface. */
export async function startProtocolServer(options: ProtocolServerOptions): Promise<ProtocolServer> {
  const sockets = new Set<Socket>();
  // Only for its way of making a connection out of a socket: it listens nowhere itself.
  const factory = mysql.createServer((connection) => serve(connection as unknown as ServerConnection, options));
  const accept = (socket: Socket): void => {
    sockets.add(socket);
    // An answer is several packets: none of them waits for the client's word that it has the one before.
    socket.setNoDelay(true);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => undefined);
    (factory as unknown as { _handleConnection(socket: Socket): void })._handleConnection(socket);
  };
  let server: Server | undefined;
  const listen = async (port: number): Promise<number> => {
    const listening = createServer(accept);
    server = listening;
    await new Promise<void>((resolve, reject) => {
      listening.once("error", reject);
      listening.listen(port, HOST, resolve);
    });
    return (listening.address() as AddressInfo).port;
  };
  const port = await listen(0);
  return {
    host: HOST,
    port,
    async stop() {
      const stopped = server;
      server = undefined;
      for (const socket of sockets) socket.destroy();
      if (stopped !== undefined) await new Promise((resolve) => stopped.close(resolve));
    },
    async start() {
      if (server === undefined) await listen(port);
    },
  };
}

function serve(connection: ServerConnection, options: ProtocolServerOptions): void {
  connection.on("error", () => undefined);
  connection.serverHandshake({
    protocolVersion: 10,
    serverVersion: options.version,
    connectionId: 1,
    statusFlags: 2,
    characterSet: UTF8,
    capabilityFlags: CAPABILITIES,
    authCallback: (login: Login, answer: (error: null, refused?: { code: number; message: string }) => void) => {
      if (isAdmitted(login, options.users)) answer(null);
      else answer(null, { code: ACCESS_DENIED, message: `Access denied for user '${login.user}'` });
      connection._resetSequenceId();
    },
  });
  const carryOut = (statement: string): void => {
    answerTo(connection, statement, options).then(
      () => connection._resetSequenceId(),
      () => connection.stream.destroy(),
    );
  };
  connection.on("query", carryOut);
  // `mysql2` takes every SET for the preparation of a statement.
  connection.on("stmt_prepare", carryOut);
}

async function answerTo(
  connection: ServerConnection,
  statement: string,
  { answer, fault }: ProtocolServerOptions,
): Promise<void> {
  const wrong = fault?.(statement);
  if (wrong === "hang") return;
  if (wrong === "cut-before") {
    connection.stream.destroy();
    return;
  }
  let result: StatementAnswer | undefined;
  let refusal: unknown;
  try {
    result = await answer(statement);
  } catch (error) {
    refusal = error;
  }
  if (wrong === "cut-after") connection.stream.destroy();
  else if (refusal !== undefined) connection.writeError(errorOf(refusal));
  else if (result === undefined) connection.writeOk();
  else writeRows(connection, result);
}

function errorOf(refusal: unknown): { readonly code: number; readonly message: string } {
  if (refusal instanceof ServerRefusal) return { code: refusal.errno, message: refusal.message };
  return { code: INTERNAL_ERROR, message: `Internal error: ${String(refusal)}` };
}

function writeRows(connection: ServerConnection, { columns, rows }: StatementAnswer): void {
  connection.writeColumns(
    columns.map((name) => ({
      catalog: "def",
      schema: "oceanbase",
      table: "",
      orgTable: "",
      name,
      orgName: name,
      characterSet: UTF8,
      columnLength: 1024,
      columnType: VARCHAR,
      flags: 0,
      decimals: 0,
    })),
  );
  for (const row of rows) connection.writeTextRow(row.map((value) => (value === null ? null : String(value))));
  connection.writeEof();
}

interface Login {
  readonly user: string;
  readonly authPluginData1: Buffer;
  readonly authPluginData2: Buffer;
  readonly authToken: Buffer | string;
}

/** mysql_native_password: SHA1(password) xor SHA1(scramble + SHA1(SHA1(password))). */
function isAdmitted(login: Login, users: ProtocolServerOptions["users"]): boolean {
  const password = Object.hasOwn(users, login.user) ? users[login.user] : undefined;
  if (password === undefined) return false;
  const token = Buffer.from(login.authToken);
  if (password === "") return token.length === 0;
  const scramble = Buffer.concat([login.authPluginData1, login.authPluginData2]).subarray(0, 20);
  const once = sha1(Buffer.from(password));
  const mask = sha1(Buffer.concat([scramble, sha1(once)]));
  return token.equals(once.map((byte, at) => byte ^ (mask[at] ?? 0)));
}

function sha1(bytes: Uint8Array): Buffer {
  return createHash("sha1").update(bytes).digest();
}
