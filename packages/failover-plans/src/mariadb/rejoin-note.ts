/**
 * What a rejoin found before it wiped a server, kept on the writer: the server that held it is overwritten, and the process that found
 * it may die before it can say so. Owns the table `belay.rejoin`, one row per run and node.
 *
 * It is not replicated: under semi-sync the server that is to be wiped may be the only one that could acknowledge it.
 */
import { type CallOptions, query, withSession } from "../mysql-client/client.ts";
import type { MariadbNode } from "./ports.ts";

/** Keeps what was found, in place of what was found before. */
export async function noteFound(writer: MariadbNode, key: string, found: object, options: CallOptions): Promise<void> {
  await withSession(writer, options, async (session) => {
    await session.query("set session sql_log_bin = 0");
    await session.query("create database if not exists belay");
    await session.query(
      `create table if not exists belay.rejoin (
         id varchar(255) character set ascii collate ascii_bin primary key,
         found longtext not null,
         at timestamp(3) not null default current_timestamp(3)
       ) engine = InnoDB`,
    );
    await session.query("replace into belay.rejoin (id, found) values (?, ?)", [key, JSON.stringify(found)]);
  });
}

/** What was kept under that key; undefined when nothing was. */
export async function readFound<T extends object>(
  writer: MariadbNode,
  key: string,
  options: CallOptions,
): Promise<T | undefined> {
  const [table] = await query<{ n: number }>(
    writer,
    "select count(*) as n from information_schema.TABLES where TABLE_SCHEMA = 'belay' and TABLE_NAME = 'rejoin'",
    [],
    options,
  );
  if (Number(table?.n ?? 0) === 0) return undefined;
  const [row] = await query<{ found: string }>(writer, "select found from belay.rejoin where id = ?", [key], options);
  return row === undefined ? undefined : (JSON.parse(row.found) as T);
}
