/**
 * What a PolarDB cluster is to these plans: its nodes, their roles and preferences, its status. Words and values are those of the API
 * (version 2017-08-01), so that a server can show them as they are. Owns the data only.
 */

/** DBType of a cluster. `Oracle` stands for the Oracle-compatible edition. */
export type PolarEngine = "MySQL" | "PostgreSQL" | "Oracle";

/** DBClusterStatus, as far as a failover asks for it; others are passed through as they come. */
export type ClusterStatus = "Running" | "Switching" | (string & {});

/** DBNodeStatus, as far as a failover asks for it; others are passed through as they come. */
export type NodeStatus = "Running" | "Switching" | (string & {});

/** One node. */
export interface PolarNode {
  /** DBNodeId, such as pi-1a2b. */
  readonly nodeId: string;
  /** DBNodeRole. */
  readonly role: "Writer" | "Reader";
  /** DBNodeStatus. */
  readonly status: NodeStatus;
  /** FailoverPriority, 1..15; the higher one is preferred. */
  readonly failoverPriority: number;
  /** HotReplicaMode: a hot standby takes over in less time. It makes no difference to the election. */
  readonly hotReplicaMode: "ON" | "OFF";
  /** ImciSwitch: a column store node never takes writes. */
  readonly imciSwitch: "ON" | "OFF";
  /** ZoneId. */
  readonly zoneId: string;
  /** Why it could not take over now (it does not answer, its replication is broken); null: nothing is known against it. */
  readonly problem: string | null;
}

/** A cluster as it stands. */
export interface PolarCluster {
  /** DBClusterId, such as pc-1a2b. */
  readonly clusterId: string;
  readonly engine: PolarEngine;
  /** DBClusterStatus. */
  readonly status: ClusterStatus;
  /** Id of the run that shows that status, other than Running; null or absent: the system says it of itself. */
  readonly markedBy?: string | null;
  /** LockMode; anything but "Unlock" forbids a switch. */
  readonly lockMode: string;
  /** Its nodes, in the order in which the system lists them. At most one is the Writer. */
  readonly nodes: readonly PolarNode[];
  /** Grows with every promotion (the timeline on PostgreSQL); 0 where the system has no such number. */
  readonly generation: number;
}

/** `Primary`: switch within the writer's zone. `Standby`: switch to another one. */
export type TargetZoneType = "Primary" | "Standby";

/** The node that takes writes, or took them last; undefined when the system names none. */
export function writerOf({ nodes }: PolarCluster): PolarNode | undefined {
  return nodes.find(({ role }) => role === "Writer");
}
