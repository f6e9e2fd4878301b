/**
 * Rows that exist only on a diverged server: what a wipe would destroy. Lists the keys of one table that the writer lacks, in
 * batches, so that neither side holds a table in memory. Costs one pass over the table on the old server.
 */
import { type CallOptions, quoteLiteral, quoteName, type Session, withSession } from "./client.ts";
import type { PostgresNode } from "./ports.ts";

/** Which rows to look for. */
export interface SalvageTable {
  /** Table, possibly schema-qualified. */
  readonly table: string;
  /** Its key column, present on both sides. */
  readonly key: string;
}

/** What was found. */
export interface SalvageReport extends SalvageTable {
  /** Rows that only the old server has. */
  readonly count: number;
  /** Their keys as text, in order, the first `MAX_LISTED` of them. */
  readonly keys: readonly string[];
}

/** "1 row of t", "3 rows of t". */
export function rowsOf(count: number, table: string): string {
  return `${count} ${count === 1 ? "row" : "rows"} of ${table}`;
}

/** Keys listed at most; all are counted. */
const MAX_LISTED = 1000;
const BATCH = 5000;

/** Finds the rows of `old` that `writer` lacks. Both servers only read. */
export async function findSalvageable(
  old: PostgresNode,
  writer: PostgresNode,
  salvage: SalvageTable,
  options: CallOptions,
): Promise<SalvageReport> {
  const keys: string[] = [];
  let count = 0;
  await withSession(old, options, (oldSession) =>
    withSession(writer, options, async (writerSession) => {
      const missing = await missingKeysOf(writerSession, salvage);
      await oldSession.query("begin");
      await oldSession.query(
        `declare salvage no scroll cursor for
         select ${quoteName(salvage.key)}::text as key from ${quoteName(salvage.table)} order by ${quoteName(salvage.key)}`,
      );
      for (;;) {
        const batch = await oldSession.query<{ key: string }>(`fetch ${BATCH} from salvage`);
        if (batch.length === 0) break;
        const lost = await missing(batch.map(({ key }) => key));
        count += lost.length;
        keys.push(...lost.slice(0, MAX_LISTED - keys.length));
      }
    }),
  );
  return { ...salvage, count, keys };
}

/** A function that answers which keys the writer lacks, comparing in the key's own type so that its index is used. */
async function missingKeysOf(
  writer: Session,
  { table, key }: SalvageTable,
): Promise<(keys: readonly string[]) => Promise<readonly string[]>> {
  const [column] = await writer.query<{ type: string }>(
    `select format_type(atttypid, atttypmod) as type from pg_attribute
      where attrelid = ${quoteLiteral(quoteName(table))}::regclass and attname = $1 and not attisdropped`,
    [key],
  );
  if (column === undefined) throw new Error(`table ${table} has no column ${key}`);
  const sql = `
    select k::text as key from unnest($1::text[]::${column.type}[]) with ordinality as given (k, place)
     where not exists (select from ${quoteName(table)} t where t.${quoteName(key)} = k)
     order by place`;
  return async (keys) => (await writer.query<{ key: string }>(sql, [keys])).map((row) => row.key);
}
