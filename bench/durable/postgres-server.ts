/**
 * The one PostgreSQL server of the benchmark, of the kind that drills and tests use, with a database for each contender. Owns:
 * its life. Its settings are PostgreSQL's own where durability is concerned: `postgres-session.ts` asks for them.
 */
import { createPostgresCluster, type PostgresCluster } from "@belay/failover-plans/embedded-postgres";
import pg from "pg";
import type { PostgresPlace } from "./contender.ts";

/** A running server. */
export interface PostgresServer {
  /** A new database. */
  database(name: string): Promise<PostgresPlace>;
  stop(): Promise<void>;
}

export async function startPostgres(): Promise<PostgresServer> {
  const cluster: PostgresCluster = await createPostgresCluster({ nodes: 1, durability: "local" });
  const [node] = cluster.nodes;
  if (node === undefined) throw new Error("a cluster without a node");
  const { host, port, user, database: first, password } = node;
  const place = (database: string): PostgresPlace => ({ host, port, user, password: password ?? "", database });
  return {
    async database(name) {
      const client = new pg.Client({ ...place(first) });
      await client.connect();
      try {
        await client.query(`create database ${pg.escapeIdentifier(name)}`);
      } finally {
        await client.end();
      }
      return place(name);
    },
    stop: () => cluster.stop(),
  };
}
