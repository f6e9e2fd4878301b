/**
 * Copies the tables of a running server to an empty one, over SQL: one consistent picture of all of them, without a lock that
 * writers would notice, and the GTID position it belongs to. Enough for a drill's data; what it cannot carry (views, triggers,
 * routines, events, tables without transactions) is refused, never left out in silence. A production cluster has mariadb-backup.
 */
import { BelayError } from "@belay/engine";
import type { MariadbNode } from "../mariadb/ports.ts";
import { quoteName, type Session, withSession } from "../mysql-client/client.ts";

/** Where the copy stands. */
export interface CopiedTables {
  readonly rows: number;
  /** `gtid_slave_pos` for a server that goes on from here. */
  readonly position: string;
  /** The source's `gtid_binlog_state` a moment before: who had written what. A later one would be ahead of the tables. */
  readonly binlogState: string;
}

/** Rows in one statement. */
const BATCH = 500;
const LIMITS = { connectTimeoutMs: 5000, queryTimeoutMs: 120_000 } as const;
const OWN_SCHEMAS = "('mysql', 'information_schema', 'performance_schema', 'sys')";

interface Table {
  readonly schema: string;
  readonly name: string;
}

/** Copies everything that is not the server's own; nothing of it gets into the target's binlog. */
export async function copyTables(
  source: MariadbNode,
  target: MariadbNode,
  signal?: AbortSignal,
): Promise<CopiedTables> {
  const limits = { ...LIMITS, ...(signal && { signal }) };
  return await withSession(source, limits, (from) =>
    withSession(target, limits, async (to) => {
      await refuseUncopied(from, source.name);
      const [state] = await from.query<{ state: string }>("select @@global.gtid_binlog_state as state");
      await from.query("set session transaction isolation level repeatable read");
      await from.query("start transaction with consistent snapshot");
      const position = await snapshotPosition(from);
      const tables = await from.query<Table>(
        `select TABLE_SCHEMA as \`schema\`, TABLE_NAME as name from information_schema.TABLES
          where TABLE_TYPE = 'BASE TABLE' and TABLE_SCHEMA not in ${OWN_SCHEMAS} order by 1, 2`,
      );
      for (const statement of ["sql_log_bin = 0", "foreign_key_checks = 0", "unique_checks = 0"])
        await to.query(`set session ${statement}`);
      let rows = 0;
      for (const table of tables) rows += await copyTable(from, to, table);
      return { rows, position, binlogState: state?.state ?? "" };
    }),
  );
}

/** The snapshot's place in the binlog, which MariaDB keeps for the session, as a GTID position. */
async function snapshotPosition(from: Session): Promise<string> {
  const status = await from.query<{ Variable_name: string; Value: string }>("show status like 'binlog_snapshot_%'");
  const of = (name: string): string =>
    status.find(({ Variable_name }) => Variable_name.toLowerCase() === `binlog_snapshot_${name}`)?.Value ?? "";
  const [row] = await from.query<{ position: string | null }>("select binlog_gtid_pos(?, ?) as position", [
    of("file"),
    Number(of("position")),
  ]);
  if (row?.position === null || row?.position === undefined) throw new Error("the source does not say where it stands");
  return row.position;
}

async function copyTable(from: Session, to: Session, { schema, name }: Table): Promise<number> {
  const full = `${quoteName(schema)}.${quoteName(name)}`;
  const [created] = await from.query<Record<string, string>>(`show create table ${full}`);
  await to.query(`create database if not exists ${quoteName(schema)}`);
  await to.query(`use ${quoteName(schema)}`);
  await to.query(created?.["Create Table"] ?? "");
  const columns = await from.query<{ name: string }>(
    "select COLUMN_NAME as name from information_schema.COLUMNS where TABLE_SCHEMA = ? and TABLE_NAME = ? and GENERATION_EXPRESSION is null order by ORDINAL_POSITION",
    [schema, name],
  );
  const list = columns.map((column) => quoteName(column.name)).join(", ");
  // As hexadecimal text: a row arrives as the bytes it is, whatever its types and character sets.
  const packed = columns.map((column) => `hex(cast(${quoteName(column.name)} as binary)) as ${quoteName(column.name)}`);
  const rows = await from.query<Record<string, string | null>>(`select ${packed.join(", ")} from ${full}`);
  for (let at = 0; at < rows.length; at += BATCH) {
    const values = rows.slice(at, at + BATCH).map((row) => {
      const cells = columns.map((column) => {
        const hex = row[column.name];
        return hex === null || hex === undefined ? "null" : hex === "" ? "''" : `x'${hex}'`;
      });
      return `(${cells.join(", ")})`;
    });
    await to.query(`insert into ${full} (${list}) values ${values.join(", ")}`);
  }
  return rows.length;
}

async function refuseUncopied(from: Session, name: string): Promise<void> {
  const [found] = await from.query<{ n: number }>(
    `select (select count(*) from information_schema.TABLES where TABLE_SCHEMA not in ${OWN_SCHEMAS}
               and (TABLE_TYPE <> 'BASE TABLE' or ENGINE <> 'InnoDB'))
          + (select count(*) from information_schema.TRIGGERS where TRIGGER_SCHEMA not in ${OWN_SCHEMAS})
          + (select count(*) from information_schema.ROUTINES where ROUTINE_SCHEMA not in ${OWN_SCHEMAS})
          + (select count(*) from information_schema.EVENTS where EVENT_SCHEMA not in ${OWN_SCHEMAS}) as n`,
  );
  if (Number(found?.n ?? 0) === 0) return;
  throw new BelayError(
    "STATE_INVALID",
    `${name} has views, triggers, routines, events or tables of other engines than InnoDB: a local cluster copies plain tables only`,
  );
}
