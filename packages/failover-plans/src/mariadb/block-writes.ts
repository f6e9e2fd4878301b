/**
 * `mariadb.block-writes` and its undoing `mariadb.allow-writes`: the old writer refuses writes, those who were connected are
 * disconnected, and where it stands then is final.
 *
 * FLUSH TABLES WITH READ LOCK waits for commits under way, and under semi-sync these wait for their replicas: both have a limit on the
 * server itself, so that a step that was given up leaves no statement behind that would lock everybody out later.
 */
import { type ActionContext, type ActionDefinition, defineAction } from "@belay/engine";
import { type Session, withSession } from "../mysql-client/client.ts";
import { inputSchema, text } from "../step/input-schema.ts";
import { refuse, until } from "../step/wait.ts";
import { type Access, statusOf } from "./access.ts";
import { refuseIfPromoted } from "./fence.ts";

interface Input {
  readonly writer: string;
  readonly candidate: string;
}
const schema = inputSchema<Input>({ writer: text, candidate: text });

/** A writer that refuses writes. */
export interface BlockedWriter {
  /** Everything that it ever committed; nothing follows. */
  readonly position: string;
  /** Clients that were disconnected. */
  readonly disconnected: number;
}

/** Seconds that the server waits for commits under way. */
const LOCK_SECONDS = 10;
/** Longer than the server's own limit. */
const LOCK_QUERY_TIMEOUT_MS = 15_000;
/** Milliseconds for disconnected clients to be gone. */
const GONE_TIMEOUT_MS = 10_000;
/** ER_NO_SUCH_THREAD: it went by itself. */
const NO_SUCH_THREAD = 1094;

/** The action. */
export function blockWrites(access: Access): ActionDefinition<Input, BlockedWriter> {
  return defineAction<Input, BlockedWriter>({
    description: "Makes the old writer refuse writes, now and after a restart, and disconnects its clients.",
    input: schema,
    idempotent: true,
    run: async (ctx) => {
      const { writer } = ctx.input;
      await access.control.setStartRole(writer, "fenced");
      const limits = { ...access.call(ctx), queryTimeoutMs: LOCK_QUERY_TIMEOUT_MS };
      return await withSession(access.node(writer), limits, async (session) => {
        await session.query(`set session lock_wait_timeout = ${LOCK_SECONDS}`);
        await session.query(access.dialect.blockCommits);
        for (const statement of access.dialect.refuseWrites) await session.query(statement);
        await session.query("unlock tables");
        const disconnected = await disconnectClients(access, session, ctx);
        const { executed: position } = await statusOf(session, access.dialect);
        return { position, disconnected };
      });
    },
  });
}

/** Undoes `mariadb.block-writes`. Code: PROMOTED_ALREADY. */
export function allowWrites(access: Access): ActionDefinition<Input, void> {
  return defineAction<Input, void>({
    description: "Makes the old writer take writes again; only if nothing was promoted.",
    input: schema,
    idempotent: true,
    run: async (ctx) => {
      const { writer, candidate } = ctx.input;
      await refuseIfPromoted(access, [candidate], ctx);
      await access.run(writer, access.dialect.takeWrites, ctx);
      await access.control.setStartRole(writer, "writer");
      const { readOnly } = await access.status(writer, ctx);
      if (readOnly) refuse("STILL_READ_ONLY", `${writer} refuses writes although it was told to take them`);
    },
  });
}

/** Everybody but replicas, the server's own threads and this connection. A client with a transaction open must not go on with it later. */
async function disconnectClients(access: Access, session: Session, ctx: ActionContext<Input>): Promise<number> {
  const clients = (): Promise<readonly { id: number }[]> =>
    session.query<{ id: number }>(
      `select ID as id from information_schema.PROCESSLIST
        where ID <> connection_id() and COMMAND not in ('Binlog Dump', 'Binlog Dump GTID', 'Daemon', 'Killed')
          and USER not in ('system user', 'event_scheduler')`,
    );
  const found = await clients();
  for (const { id } of found) {
    try {
      await session.query(`kill connection ${Number(id)}`);
    } catch (error) {
      if ((error as { errno?: unknown }).errno !== NO_SUCH_THREAD) throw error;
    }
  }
  const before = new Set(found.map(({ id }) => id));
  await until("the clients to be disconnected", access.wait(ctx, GONE_TIMEOUT_MS), async () => {
    return !(await clients()).some(({ id }) => before.has(id));
  });
  return found.length;
}
