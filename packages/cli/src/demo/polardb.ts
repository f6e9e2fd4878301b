/**
 * What the PolarDB demo adds to the one on PostgreSQL servers: node ids, failover priorities, and what is remembered of the cluster, in
 * its directory, so that another process can go on.
 */
import { join } from "node:path";
import type { ActionRegistry, Json } from "@belay/engine";
import type { PostgresCluster } from "@belay/failover-plans/embedded-postgres";
import { openPolarRecords, polardbActions, polarOnPostgres } from "@belay/failover-plans/polardb";

/** By place of the server: all readers have different ones, and the last server of three is preferred. */
const PRIORITIES = [15, 5, 9, 8, 7, 6, 4, 3, 2] as const;

const nodeIdOf = (server: string): string => server.replace("pg", "pi-");

/** What is played, before anything else is said. */
export function polardbWords(nodes: number): string {
  const readers = PRIORITIES.slice(1, nodes).map((priority, index) => `pi-${index + 2} ${priority}`);
  return `polardb-failover on real PostgreSQL servers: pi-1 is pg1, and so on; failover priorities: ${readers.join(", ")}`;
}

/** The plan's actions on a cluster of PostgreSQL servers, shown as one of engine MySQL: there no target need be named. */
export async function polardbActionsOn(cluster: PostgresCluster): Promise<ActionRegistry> {
  const { control, route } = polarOnPostgres({
    clusterId: clusterIdOf(cluster),
    engine: "MySQL",
    members: cluster.nodes.map(({ name }, index) => ({
      nodeId: nodeIdOf(name),
      server: name,
      failoverPriority: PRIORITIES[index] ?? 1,
    })),
    writer: nodeIdOf(cluster.primary),
    servers: cluster,
    records: await openPolarRecords(join(cluster.dataDir, "polardb")),
  });
  return polardbActions({ control, route, recoveries: cluster.recoveries });
}

/** The run's parameters. */
export function polardbParams(cluster: PostgresCluster): Readonly<Record<string, Json>> {
  return { cluster: clusterIdOf(cluster) };
}

/** Its directory has a name of its own: demos whose runs are kept in one file do not exclude each other. */
function clusterIdOf({ dataDir }: PostgresCluster): string {
  return `pc-${dataDir.split(/[\\/]/).at(-1)}`;
}
