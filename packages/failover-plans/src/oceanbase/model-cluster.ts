/**
 * Clusters of the model: their state, and how SWITCHOVER_STATUS follows what a cluster can see.
 * Owns: creation, lookup, the one place where the status changes (checked against the table).
 */
import type { ClusterRole, ClusterStatus, ProtectionLevel, ProtectionMode, SwitchoverStatus } from "./control.ts";
import { OceanBaseError, type SwitchoverReason } from "./refusal.ts";
import { switchoverMayGo } from "./switchover-state.ts";

/** A cluster as the model begins. */
export interface ClusterSpec {
  readonly clusterId: number;
  readonly name: string;
  readonly role: ClusterRole;
  /** `host:port` of each server; all are alive at first. Default: three made of the cluster's name. */
  readonly servers?: readonly string[];
  /** Default "MAXIMUM PERFORMANCE"; the level is the same until `setProtectionLevel`. */
  readonly protectionMode?: ProtectionMode;
  /** How far its data goes. Default 1000. */
  readonly scn?: number;
}

/** A cluster's changing state. */
export interface Cluster {
  readonly clusterId: number;
  readonly name: string;
  role: ClusterRole;
  status: ClusterStatus;
  switchoverStatus: SwitchoverStatus;
  switchoverInfo: string;
  protectionMode: ProtectionMode;
  protectionLevel: ProtectionLevel;
  /** Whether each server is alive, by address. */
  readonly servers: Map<string, boolean>;
  readonly scn: number;
  /** SWITCHOVER_INFO of what a test put in the way. */
  blocked: string | undefined;
  /** Issues of the statement (flashback), or looks (cleanup, switching), left in the present step of a change of role. */
  left: number;
  needsRebuild: boolean;
  /** Clusters that this primary knows besides itself. */
  readonly followers: Set<number>;
  /** Whom a standby follows. */
  follows: number | null;
}

export type Clusters = ReadonlyMap<number, Cluster>;

/** A cluster as JSON. */
export interface ClusterState extends Omit<Cluster, "servers" | "followers" | "blocked"> {
  readonly servers: readonly (readonly [string, boolean])[];
  readonly followers: readonly number[];
  readonly blocked: string | null;
}

/** All that changes of the clusters. */
export function saveClusters(clusters: Clusters): readonly ClusterState[] {
  return [...clusters.values()].map((cluster) => ({
    ...cluster,
    servers: [...cluster.servers],
    followers: [...cluster.followers],
    blocked: cluster.blocked ?? null,
  }));
}

/** Goes on from what `saveClusters` answered. */
export function restoreClusters(states: readonly ClusterState[]): Clusters {
  return new Map(
    states.map((state) => {
      const servers = new Map(state.servers);
      const followers = new Set(state.followers);
      return [state.clusterId, { ...state, servers, followers, blocked: state.blocked ?? undefined }];
    }),
  );
}

/** One primary and the standbys that follow it. Throws RangeError when there is not exactly one primary. */
export function createClusters(specs: readonly ClusterSpec[]): Clusters {
  const [primary, ...more] = specs.filter((spec) => spec.role === "PRIMARY");
  if (primary === undefined || more.length > 0) throw new RangeError("A model has exactly one primary.");
  return new Map(specs.map((spec) => [spec.clusterId, createCluster(spec, primary, specs)]));
}

function createCluster(spec: ClusterSpec, primary: ClusterSpec, all: readonly ClusterSpec[]): Cluster {
  const mode = spec.protectionMode ?? "MAXIMUM PERFORMANCE";
  const servers = spec.servers ?? [1, 2, 3].map((zone) => `${spec.name}-z${zone}:2881`);
  const isPrimary = spec === primary;
  return {
    clusterId: spec.clusterId,
    name: spec.name,
    role: spec.role,
    status: "VALID",
    switchoverStatus: "NOT ALLOWED",
    switchoverInfo: "",
    protectionMode: mode,
    protectionLevel: mode,
    servers: new Map(servers.map((address) => [address, true])),
    scn: spec.scn ?? 1000,
    blocked: undefined,
    left: 0,
    needsRebuild: false,
    followers: new Set(isPrimary ? all.filter((other) => other !== spec).map((other) => other.clusterId) : []),
    follows: isPrimary ? null : primary.clusterId,
  };
}

/** Rejects with CLUSTER_UNKNOWN. */
export function findCluster(clusters: Clusters, clusterId: number): Cluster {
  const cluster = clusters.get(clusterId);
  if (cluster === undefined) throw new OceanBaseError("CLUSTER_UNKNOWN", `Cluster ${clusterId} is not known.`);
  return cluster;
}

/** A cluster that answers: one of its servers is alive. Rejects with CLUSTER_UNKNOWN or CLUSTER_UNREACHABLE. */
export function reachCluster(clusters: Clusters, clusterId: number): Cluster {
  const cluster = findCluster(clusters, clusterId);
  if (!isAlive(cluster)) {
    throw new OceanBaseError("CLUSTER_UNREACHABLE", `No server of cluster ${cluster.name} answers.`);
  }
  return cluster;
}

/** Whether any of its servers is alive. */
export function isAlive(cluster: Cluster): boolean {
  return [...cluster.servers.values()].includes(true);
}

/** Whom the cluster follows; a primary, and one that was it until a switchover began, follow themselves. */
export function leaderOf(clusters: Clusters, cluster: Cluster): Cluster {
  return cluster.follows === null ? cluster : findCluster(clusters, cluster.follows);
}

/** Who takes writes: primaries that are alive and in service. */
export function writersOf(clusters: Clusters): Cluster[] {
  return [...clusters.values()].filter(
    (cluster) =>
      cluster.role === "PRIMARY" &&
      cluster.status === "VALID" &&
      cluster.switchoverStatus !== "SWITCHOVER SWITCHING" &&
      isAlive(cluster),
  );
}

/** The other standbys of the same primary. */
export function siblingsOf(clusters: Clusters, cluster: Cluster): Cluster[] {
  return [...clusters.values()].filter((other) => other !== cluster && other.follows === cluster.follows);
}

/** Changes SWITCHOVER_STATUS; a transition that the table does not list is a bug of the model. */
export function go(cluster: Cluster, next: SwitchoverStatus): void {
  if (!switchoverMayGo(cluster.switchoverStatus, next)) {
    throw new Error(`SWITCHOVER_STATUS cannot go from ${cluster.switchoverStatus} to ${next}.`);
  }
  cluster.switchoverStatus = next;
}

/** Lets the status follow what the cluster can see. A failover under way is not disturbed. */
export function refresh(clusters: Clusters, cluster: Cluster): void {
  if (cluster.switchoverStatus === "FAILOVER FLASHBACK") return;
  if (cluster.switchoverStatus === "FAILOVER CLEANUP" && cluster.left > 0) return;
  if (cluster.switchoverStatus === "SWITCHOVER SWITCHING") {
    if (cluster.left > 0) return;
    cluster.role = "PHYSICAL STANDBY";
  }
  const reason = cluster.blocked ?? obstacle(clusters, cluster);
  const free: SwitchoverStatus = cluster.role === "PRIMARY" ? "TO STANDBY" : "TO PRIMARY";
  const next = reason === undefined ? free : "NOT ALLOWED";
  if (next !== cluster.switchoverStatus) go(cluster, next);
  const synced = cluster.role === "PRIMARY" ? `SYNCED STANDBY CLUSTERS: ${syncedStandbys(clusters, cluster)}` : "";
  cluster.switchoverInfo = reason ?? synced;
}

/** Why the cluster may not change its role now. */
function obstacle(clusters: Clusters, cluster: Cluster): SwitchoverReason | undefined {
  if (cluster.role === "PRIMARY") {
    return syncedStandbys(clusters, cluster) === "" ? "NONE SYNCED STANDBY CLUSTER" : undefined;
  }
  const leader = leaderOf(clusters, cluster);
  // In a switchover there is no primary: each of its clusters may become one.
  if (leader.role === "PRIMARY" && isAlive(leader)) return "CHECK PRIMARY CLUSTER SERVER STATUS";
  const alive = [...cluster.servers.values()].filter((up) => up).length;
  return alive * 2 <= cluster.servers.size ? "CHECK ENOUG REPLICA" : undefined;
}

function syncedStandbys(clusters: Clusters, primary: Cluster): string {
  const valid = [...primary.followers]
    .map((id) => findCluster(clusters, id))
    .filter((other) => other.status === "VALID");
  return valid.map((other) => other.name).join(",");
}
