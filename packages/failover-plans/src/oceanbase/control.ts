/**
 * The ports to an OceanBase installation of the kind that changes roles as a whole cluster (2.2.76 <= version < 4.0): what its
 * clusters say in SQL, who watches their servers, and the metadata that a management platform keeps about them. Owns: what the
 * actions need, and no more. Adapters: `model.ts` (all of it, in memory), `../oceanbase-sql/` (SQL, a watch over TCP),
 * `file-metadata.ts` and `model-metadata.ts` (metadata). `joinControl` makes one control of parts.
 *
 * Every method may reject with an `OceanBaseError` (see `refusal.ts`); any other rejection is taken as a lost connection,
 * after which the statement may or may not have taken effect.
 */
import type { Notes } from "./notes.ts";

export type ClusterRole = "PRIMARY" | "PHYSICAL STANDBY";

/** DISABLED: no log is synchronised with the primary. */
export type ClusterStatus = "VALID" | "DISABLED";

/** `V$OB_CLUSTER.SWITCHOVER_STATUS`. */
export type SwitchoverStatus =
  /** Cannot change its role; SWITCHOVER_INFO says why. */
  | "NOT ALLOWED"
  /** A standby that may become primary. */
  | "TO PRIMARY"
  /** The primary, and a standby is synchronised: it may become a standby. */
  | "TO STANDBY"
  /** The primary on its way to standby; no writes. */
  | "SWITCHOVER SWITCHING"
  /** Rolling back to the consistent point; no writes. The failover statement must be issued again until it succeeds. */
  | "FAILOVER FLASHBACK"
  /** Last cleanup after a failover; writes, but no DDL. */
  | "FAILOVER CLEANUP";

export type ProtectionMode = "MAXIMUM PROTECTION" | "MAXIMUM AVAILABILITY" | "MAXIMUM PERFORMANCE";

/** What the mode amounts to at this moment. */
export type ProtectionLevel = ProtectionMode | "RESYNCHRONIZATION";

/** Whether the level promises that no acknowledged write is missing on the standby. */
export function promisesLossless(level: ProtectionLevel): boolean {
  return level === "MAXIMUM PROTECTION" || level === "MAXIMUM AVAILABILITY";
}

/** One row of `V$OB_CLUSTER`, asked of the cluster itself. */
export interface ClusterView {
  readonly clusterId: number;
  readonly name: string;
  readonly role: ClusterRole;
  readonly status: ClusterStatus;
  readonly switchoverStatus: SwitchoverStatus;
  /** Why the status is NOT ALLOWED, or which standbys are synchronised. */
  readonly switchoverInfo: string;
  readonly protectionMode: ProtectionMode;
  readonly protectionLevel: ProtectionLevel;
  /** How far its data goes. */
  readonly currentScn: number;
}

/** Another cluster, as the primary sees it (`V$OB_ALL_CLUSTERS`, `V$OB_STANDBY_STATUS`). */
export interface KnownCluster {
  readonly clusterId: number;
  readonly name: string;
  readonly role: ClusterRole;
  readonly status: ClusterStatus;
}

/** An OBServer as the platform's own monitoring sees it, which also works when its cluster does not answer. */
export interface ServerState {
  /** `host:port`. */
  readonly address: string;
  readonly alive: boolean;
}

/**
 * `lossless`: `ALTER SYSTEM FAILOVER TO 'name' CLUSTER_ID = n`; refused unless the data of all partitions agree.
 * `lossy`: `ALTER SYSTEM ACTIVATE PHYSICAL STANDBY CLUSTER`; flashes all partitions back to one consistent point.
 */
export type FailoverMode = "lossless" | "lossy";

/** `cluster`: one cluster's own row. `multi-cluster`: its place beside the others. */
export type MetadataTable = "cluster" | "multi-cluster";

/** What the platform's metadata says of a cluster. */
export interface MetadataRow {
  readonly clusterId: number;
  readonly role: ClusterRole;
  /** Whose standby it is; null for a primary. */
  readonly primaryClusterId: number | null;
}

/** What a cluster of 2.2.76 <= version < 4.0 is asked and told, in its sys tenant. */
export interface ClusterSql {
  /** `SELECT ... FROM V$OB_CLUSTER`. Rejects with CLUSTER_UNREACHABLE when no server of the cluster answers. */
  readCluster(clusterId: number): Promise<ClusterView>;
  /** `SELECT ... FROM V$OB_ALL_CLUSTERS`, the asked cluster included. */
  readAllClusters(clusterId: number): Promise<readonly KnownCluster[]>;
  /** `SELECT ... FROM V$OB_STANDBY_STATUS`; the clusters that follow this primary, or followed it. */
  readStandbys(clusterId: number): Promise<readonly KnownCluster[]>;
  /**
   * One issue of the failover statement. Resolves when the cluster is primary. Rejects with FLASHBACK_UNFINISHED when it
   * has to be issued again. `force` skips the check that it can be lossless, and that of other DISABLED standbys.
   */
  failover(clusterId: number, mode: FailoverMode, force: boolean): Promise<void>;
  /** `ALTER SYSTEM REMOVE CLUSTER name CLUSTER_ID = n`, in the sys tenant of the primary. */
  removeCluster(primaryClusterId: number, clusterId: number): Promise<void>;
  /**
   * `ALTER SYSTEM COMMIT TO SWITCHOVER TO PHYSICAL STANDBY`, on the primary. Accepted, it may read SWITCHOVER SWITCHING for a while;
   * it is done when the role is PHYSICAL STANDBY. Rejects with NOT_PRIMARY, NOT_ALLOWED.
   */
  switchoverToStandby(clusterId: number): Promise<void>;
  /**
   * `ALTER SYSTEM COMMIT TO SWITCHOVER TO PRIMARY`, on a standby whose primary has become a standby, or on that one, to go back.
   * Rejects with NOT_STANDBY, NOT_ALLOWED.
   */
  switchoverToPrimary(clusterId: number): Promise<void>;
}

/** Who watches servers, also those of a cluster that does not answer. */
export interface ServerWatch {
  /** The cluster's servers as they are seen now. Rejects with CLUSTER_UNKNOWN. */
  readServers(clusterId: number): Promise<readonly ServerState[]>;
}

/** What the platform keeps for itself: rows, the locks of its own operations, notes. */
export interface PlatformMetadata extends Notes {
  /** undefined when the platform does not know the cluster. */
  readRow(table: MetadataTable, clusterId: number): Promise<MetadataRow | undefined>;
  /**
   * Writes a row, and keeps the one it replaces under `owner` unless that owner has already kept one. Rejects with
   * LOCK_LOST unless `owner` holds the cluster's lock.
   */
  writeRow(table: MetadataTable, row: MetadataRow, owner: string): Promise<void>;
  /** Puts back every row of the table that `owner` replaced; nothing when it replaced none. */
  restoreRows(table: MetadataTable, owner: string): Promise<void>;
  /**
   * Takes the locks of the clusters, all or none, for `owner`; the token of the youngest, which only grows. Again by the
   * same owner: the same token. Rejects with LOCKED when another owner holds one; a `LockedError` says who.
   */
  lock(clusterIds: readonly number[], owner: string): Promise<number>;
  /** Releases all locks of `owner` and answers whose they were; nothing when it has none. */
  unlock(owner: string): Promise<readonly number[]>;
}

/** All that the actions need. */
export interface OceanBaseControl extends ClusterSql, ServerWatch, PlatformMetadata {}

/** One control of its parts. */
export function joinControl(sql: ClusterSql, watch: ServerWatch, metadata: PlatformMetadata): OceanBaseControl {
  return {
    readCluster: (clusterId) => sql.readCluster(clusterId),
    readAllClusters: (clusterId) => sql.readAllClusters(clusterId),
    readStandbys: (clusterId) => sql.readStandbys(clusterId),
    failover: (clusterId, mode, force) => sql.failover(clusterId, mode, force),
    removeCluster: (primaryClusterId, clusterId) => sql.removeCluster(primaryClusterId, clusterId),
    switchoverToStandby: (clusterId) => sql.switchoverToStandby(clusterId),
    switchoverToPrimary: (clusterId) => sql.switchoverToPrimary(clusterId),
    readServers: (clusterId) => watch.readServers(clusterId),
    readRow: (table, clusterId) => metadata.readRow(table, clusterId),
    writeRow: (table, row, owner) => metadata.writeRow(table, row, owner),
    restoreRows: (table, owner) => metadata.restoreRows(table, owner),
    lock: (clusterIds, owner) => metadata.lock(clusterIds, owner),
    unlock: (owner) => metadata.unlock(owner),
    readNote: (key) => metadata.readNote(key),
    writeNote: (key, value) => metadata.writeNote(key, value),
  };
}
