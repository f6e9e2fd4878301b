/**
 * What a rejoin found before it wiped a server, kept on the writer: the server that held it is overwritten, and the process
 * that found it may die before it can say so. Owns the table `belay.rejoin`, one row per run and node.
 */
import { type CallOptions, query, withSession } from "./client.ts";
import type { PostgresNode } from "./ports.ts";

/** Keeps what was found, in place of what was found before. */
export async function noteFound(writer: PostgresNode, key: string, found: object, options: CallOptions): Promise<void> {
  await withSession(writer, options, async (session) => {
    // As with marker rows: no standby may be attached that could acknowledge it.
    await session.query("set synchronous_commit = local");
    await session.query("create schema if not exists belay");
    await session.query(
      `create table if not exists belay.rejoin (
         key text primary key,
         found jsonb not null,
         at timestamptz not null default clock_timestamp()
       )`,
    );
    await session.query(
      `insert into belay.rejoin (key, found) values ($1, $2)
       on conflict (key) do update set found = excluded.found, at = clock_timestamp()`,
      [key, JSON.stringify(found)],
    );
  });
}

/** What was kept under that key; undefined when nothing was. */
export async function readFound<T extends object>(
  writer: PostgresNode,
  key: string,
  options: CallOptions,
): Promise<T | undefined> {
  const [table] = await query<{ exists: boolean }>(
    writer,
    "select to_regclass('belay.rejoin') is not null as exists",
    [],
    options,
  );
  if (table?.exists !== true) return undefined;
  const rows = await query<{ found: T }>(writer, "select found from belay.rejoin where key = $1", [key], options);
  return rows[0]?.found;
}
