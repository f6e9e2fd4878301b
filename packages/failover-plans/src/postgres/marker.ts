/**
 * Marker rows: the proof that a server replays what the writer writes now. Owns the table `belay.marker`, one row per run and node.
 *
 * A marker is committed with `synchronous_commit = local`: right after a promotion no standby is attached yet, and a writer that
 * inherited synchronous_standby_names would wait for ever otherwise.
 */
import { type CallOptions, query, type Session, withSession } from "./client.ts";
import type { PostgresNode } from "./ports.ts";

/** A marker that was written. */
export interface Marker {
  readonly key: string;
  /** Grows with every write of this key. */
  readonly seq: number;
}

/** Writes the marker of that key on the writer. Rejects when the writer is read-only. */
export async function writeMarker(writer: PostgresNode, key: string, options: CallOptions): Promise<Marker> {
  return await withSession(writer, options, async (session) => {
    await session.query("set synchronous_commit = local");
    await createTable(session);
    const rows = await session.query<{ seq: number }>(
      `insert into belay.marker (key) values ($1)
       on conflict (key) do update set seq = belay.marker.seq + 1, at = clock_timestamp()
       returning seq`,
      [key],
    );
    return { key, seq: rows[0]?.seq ?? 0 };
  });
}

/** Whether a server shows that marker, or a later one of its key. */
export async function showsMarker(node: PostgresNode, marker: Marker, options: CallOptions): Promise<boolean> {
  const [table] = await query<{ exists: boolean }>(
    node,
    "select to_regclass('belay.marker') is not null as exists",
    [],
    options,
  );
  if (table?.exists !== true) return false;
  const rows = await query(
    node,
    "select from belay.marker where key = $1 and seq >= $2",
    [marker.key, marker.seq],
    options,
  );
  return rows.length > 0;
}

async function createTable(session: Session): Promise<void> {
  const [found] = await session.query<{ exists: boolean }>("select to_regclass('belay.marker') is not null as exists");
  if (found?.exists === true) return;
  await session.query("create schema if not exists belay");
  await session.query(
    `create table if not exists belay.marker (
       key text primary key,
       seq integer not null default 1,
       at timestamptz not null default clock_timestamp()
     )`,
  );
}
