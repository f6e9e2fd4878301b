/**
 * A contender's own look at its PostgreSQL database, past its engine. Owns: the refusal of a server that does not keep what it
 * has answered, and the session that reads the results back.
 */
import pg from "pg";
import type { PostgresPlace } from "./contender.ts";

/** A session at a contender's database. */
export interface Database {
  readonly address: PostgresPlace;
  /** `postgres://...`, for those who want it so. */
  readonly url: string;
  /** What the server says of its durability. */
  readonly settings: string;
  query<R extends object>(text: string, values?: readonly unknown[]): Promise<readonly R[]>;
  end(): Promise<void>;
}

/** Settings without which a commit may be lost. */
const NEEDED = ["fsync", "synchronous_commit", "full_page_writes"] as const;

export async function openDatabase(address: PostgresPlace | null): Promise<Database> {
  if (address === null) throw new Error("this contender needs the PostgreSQL server of the benchmark");
  const { host, port, user, password, database } = address;
  const client = new pg.Client({ host, port, user, password, database });
  await client.connect();
  const query = async <R extends object>(text: string, values: readonly unknown[] = []): Promise<readonly R[]> =>
    (await client.query(text, [...values])).rows as R[];
  const shown: string[] = [];
  for (const name of NEEDED) {
    const [row] = await query<Record<string, string>>(`show ${name}`);
    const value = row?.[name] ?? "unknown";
    if (value === "off") throw new Error(`the server has ${name} off: what it answers may be lost`);
    shown.push(`${name} ${value}`);
  }
  return {
    address,
    url: `postgres://${user}:${encodeURIComponent(password)}@${host}:${port}/${database}`,
    settings: shown.join(", "),
    query,
    end: () => client.end(),
  };
}
