/** PostgreSQL servers as a workload's report asks them. Owns the two questions; never changes anything on a server. */
import { query, quoteName } from "../postgres/client.ts";
import type { PostgresNode } from "../postgres/ports.ts";
import type { Content, RowSource } from "../workload/workload-report.ts";

/** Reading all ids of a long run takes a while; a node that does not answer is known sooner. */
const LIMITS = { connectTimeoutMs: 1000, queryTimeoutMs: 15_000 } as const;

/** The server as a source of the table's rows. */
export function rowSource(node: PostgresNode, table: string): RowSource {
  return { name: node.name, content: () => readContent(node, table), ids: (firstId) => readIds(node, table, firstId) };
}

async function readContent(node: PostgresNode, table: string): Promise<Content> {
  const [row] = await query<{ writable: boolean; rows: number; digest: string }>(
    node,
    // A node that accepts writes is told without writing: a write would be one more row, and might wait for a standby.
    `SELECT NOT pg_is_in_recovery() AND current_setting('transaction_read_only') = 'off' AS writable,
            count(*)::int AS rows, coalesce(sum(hashint8(id)::numeric), 0)::text AS digest
     FROM ${quoteName(table)}`,
    [],
    LIMITS,
  );
  if (row === undefined) throw new Error("no row");
  return { acceptsWrites: row.writable, rows: row.rows, digest: row.digest };
}

async function readIds(node: PostgresNode, table: string, firstId: number): Promise<ReadonlySet<number>> {
  const text = `SELECT id::int AS id FROM ${quoteName(table)} WHERE id >= $1`;
  const rows = await query<{ id: number }>(node, text, [firstId], LIMITS);
  return new Set(rows.map(({ id }) => id));
}
