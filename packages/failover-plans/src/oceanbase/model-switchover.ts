/**
 * The switchover in the model: the primary becomes a standby, then a standby becomes the primary, and back. Owns: both statements and
 * what they are refused for. Between them there is no primary; the second is refused while there is one.
 */
import type { Model } from "./model.ts";
import { type Cluster, findCluster, go, isAlive, leaderOf, reachCluster, refresh } from "./model-cluster.ts";
import { OceanBaseError } from "./refusal.ts";

/** `ALTER SYSTEM COMMIT TO SWITCHOVER TO PHYSICAL STANDBY`. */
export function switchoverToStandby({ clusters, options, statements }: Model, clusterId: number): void {
  const cluster = reachCluster(clusters, clusterId);
  refresh(clusters, cluster);
  if (cluster.role !== "PRIMARY") {
    throw new OceanBaseError("NOT_PRIMARY", `Cluster ${cluster.name} is a standby already.`);
  }
  if (cluster.switchoverStatus !== "TO STANDBY") refuse(cluster, cluster.switchoverInfo);
  statements.push("ALTER SYSTEM COMMIT TO SWITCHOVER TO PHYSICAL STANDBY");
  go(cluster, "SWITCHOVER SWITCHING");
  cluster.left = options.switchingLooks ?? 0;
  refresh(clusters, cluster);
}

/** `ALTER SYSTEM COMMIT TO SWITCHOVER TO PRIMARY`. */
export function switchoverToPrimary({ clusters, statements }: Model, clusterId: number): void {
  const cluster = reachCluster(clusters, clusterId);
  refresh(clusters, cluster);
  if (cluster.switchoverStatus === "SWITCHOVER SWITCHING") refuse(cluster, "it is on its way to standby");
  if (cluster.role === "PRIMARY") {
    throw new OceanBaseError("NOT_STANDBY", `Cluster ${cluster.name} is PRIMARY already.`);
  }
  const leader = leaderOf(clusters, cluster);
  // A standby whose primary is dead reads TO PRIMARY too: for a failover.
  if (leader.role === "PRIMARY") refuse(cluster, isAlive(leader) ? cluster.switchoverInfo : "NO CLUSTER IN SWITCHING");
  if (cluster.switchoverStatus !== "TO PRIMARY") refuse(cluster, cluster.switchoverInfo);
  // The last log of the old primary has to be here.
  if (!isAlive(leader)) refuse(cluster, `CAN NOT ACCESS CLUSTERS: ${leader.name}`);
  statements.push("ALTER SYSTEM COMMIT TO SWITCHOVER TO PRIMARY");
  const others = [leader, ...[...leader.followers].map((id) => findCluster(clusters, id))];
  leader.followers.clear();
  for (const other of others) {
    if (other === cluster) continue;
    other.follows = cluster.clusterId;
    cluster.followers.add(other.clusterId);
  }
  cluster.role = "PRIMARY";
  cluster.follows = null;
  refresh(clusters, cluster);
}

function refuse({ name, switchoverStatus }: Cluster, info: string): never {
  throw new OceanBaseError(
    "NOT_ALLOWED",
    `Switchover status of cluster ${name}: ${switchoverStatus}, reason: ${info}.`,
  );
}
