/** The PostgreSQL servers behind a demo's cluster, asked directly: what they say is true whatever an API shows. */
import { chmod, mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { takeOverPostgresCluster } from "@belay/failover-plans/embedded-postgres";
import { readNote } from "../../../packages/failover-plans/src/embedded-postgres/cluster-site.ts";
import { query } from "../../../packages/failover-plans/src/postgres/client.ts";

/** A new directory that the user of the servers may enter. */
export async function openDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "belay-polardb-"));
  await chmod(directory, 0o711);
  return directory;
}

/** What one server says of itself. */
export interface ServerSaid {
  /** pg1, pg2, ... */
  readonly name: string;
  readonly writes: boolean;
  /** Grows by one with each promotion; 0 of a server that does not write. */
  readonly timeline: number;
}

/** The timeline of what is written now: the control file has it only from the next checkpoint on. */
const QUESTION = `select not pg_is_in_recovery() as writes, case when pg_is_in_recovery() then 0
  else ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int end as timeline`;

/** All servers of the cluster in that directory. */
export async function askServers(directory: string): Promise<readonly ServerSaid[]> {
  const { nodes } = await readNote(directory);
  return await Promise.all(
    nodes.map(async (node) => {
      const [said] = await query<{ writes: boolean; timeline: number }>(node, QUESTION);
      return { name: node.name, writes: said?.writes ?? false, timeline: said?.timeline ?? 0 };
    }),
  );
}

/** Ends the servers in that directory, which nobody owns any more. */
export async function endServers(directory: string): Promise<void> {
  const cluster = await takeOverPostgresCluster(directory, { patienceMs: 0 });
  await cluster.stop();
}
