/**
 * Marker rows: the proof that a server applies what the writer writes now. Owns the table `belay.marker`, one row per run and node.
 *
 * Under semi-sync a marker waits for a replica like any other commit: whoever writes one sees to it that a replica listens, or that
 * nobody is waited for.
 */
import { type CallOptions, query, type Session } from "../mysql-client/client.ts";
import type { MariadbNode } from "./ports.ts";

/** A marker that was written. */
export interface Marker {
  readonly key: string;
  /** Grows with every write of this key. */
  readonly seq: number;
}

/** Writes the marker of that key through a session of the writer. */
export async function writeMarker(session: Session, key: string): Promise<Marker> {
  await session.query("create database if not exists belay");
  await session.query(
    `create table if not exists belay.marker (
       id varchar(255) character set ascii collate ascii_bin primary key,
       seq int not null default 1,
       at timestamp(3) not null default current_timestamp(3)
     ) engine = InnoDB`,
  );
  await session.query(
    "insert into belay.marker (id) values (?) on duplicate key update seq = seq + 1, at = current_timestamp(3)",
    [key],
  );
  const [row] = await session.query<{ seq: number }>("select seq from belay.marker where id = ?", [key]);
  return { key, seq: row?.seq ?? 0 };
}

/** ER_NO_SUCH_TABLE, ER_BAD_DB_ERROR: it has not arrived yet. */
const ABSENT: ReadonlySet<unknown> = new Set([1146, 1049]);

/** Whether a server shows that marker, or a later one of its key. */
export async function showsMarker(node: MariadbNode, { key, seq }: Marker, options: CallOptions): Promise<boolean> {
  try {
    const rows = await query(node, "select seq from belay.marker where id = ? and seq >= ?", [key, seq], options);
    return rows.length > 0;
  } catch (error) {
    if (ABSENT.has((error as { errno?: unknown }).errno)) return false;
    throw error;
  }
}
