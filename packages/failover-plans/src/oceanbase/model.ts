/**
 * OceanBase clusters in memory: a faithful `OceanBaseControl` for tests, drills and demonstrations.
 * Owns: the failover's statements, what each is refused for, hooks that make calls fail, who took writes when. Does not own: the
 * clusters' states (`model-cluster.ts`), the switchover (`model-switchover.ts`), the platform's metadata (`model-metadata.ts`).
 *
 * No time passes in it: a flashback takes a number of issues of the statement, a cleanup and a switching a number of looks.
 */
import {
  type ClusterView,
  type FailoverMode,
  type KnownCluster,
  type OceanBaseControl,
  type ProtectionLevel,
  promisesLossless,
} from "./control.ts";
import {
  type Cluster,
  type ClusterSpec,
  type ClusterState,
  type Clusters,
  createClusters,
  findCluster,
  go,
  reachCluster,
  refresh,
  restoreClusters,
  saveClusters,
  siblingsOf,
  writersOf,
} from "./model-cluster.ts";
import {
  asynchronous,
  createMetadata,
  type MetadataModel,
  type MetadataState,
  restoreMetadata,
} from "./model-metadata.ts";
import { switchoverToPrimary, switchoverToStandby } from "./model-switchover.ts";
import { OceanBaseError, type SwitchoverReason } from "./refusal.ts";

export type { ClusterSpec };

/** One call of the port, as hooks see it. */
export interface ModelCall {
  readonly method: keyof OceanBaseControl;
  readonly arguments: readonly unknown[];
}

export interface OceanBaseModelOptions {
  /** Issues of the failover statement that end in FLASHBACK_UNFINISHED before one succeeds. Default 0. */
  readonly flashbackRounds?: number;
  /** Looks at the new primary that still see FAILOVER CLEANUP. Default 0. */
  readonly cleanupLooks?: number;
  /** Looks at the old primary that still see SWITCHOVER SWITCHING. Default 0. */
  readonly switchingLooks?: number;
  /** Called before a call has any effect; throwing there refuses it. */
  readonly before?: (call: ModelCall) => void | Promise<void>;
  /** Called after a call took effect; throwing there loses its answer. */
  readonly after?: (call: ModelCall) => void | Promise<void>;
}

export interface OceanBaseModel extends OceanBaseControl {
  /** Statements that changed something, in order, as OceanBase would read them. */
  readonly statements: readonly string[];
  /** The names of the clusters that took writes, after every call and every change of a server, without repetitions. */
  readonly writers: readonly (readonly string[])[];
  /** The ids of all clusters. */
  readonly clusterIds: readonly number[];
  /** Whether the cluster has to be rebuilt before it may follow the new primary: its data went another way. */
  needsRebuild(clusterId: number): boolean;
  /** Who holds the cluster's lock. */
  lockOwner(clusterId: number): string | undefined;
  /** Starts or stops one server. */
  setServer(address: string, alive: boolean): void;
  /** Stops every server of the cluster. */
  stopCluster(clusterId: number): void;
  /** What the mode amounts to: a primary that lost its standby degrades, for instance. */
  setProtectionLevel(clusterId: number, level: ProtectionLevel): void;
  /** Puts something in the way of a change of role (`"CAN NOT ACCESS CLUSTERS: a,b"`), or, undefined, takes it away. */
  block(clusterId: number, info: SwitchoverReason | `${SwitchoverReason}: ${string}` | undefined): void;
  /** All of it as JSON, for `restoreOceanBaseModel`: clusters outlive the process that looks at them. */
  save(): OceanBaseModelState;
}

/** A model at rest, as JSON. */
export interface OceanBaseModelState {
  readonly clusters: readonly ClusterState[];
  readonly metadata: MetadataState;
  readonly statements: readonly string[];
  readonly writers: readonly (readonly string[])[];
}

/** Its parts. */
export interface Model {
  readonly clusters: Clusters;
  readonly options: OceanBaseModelOptions;
  readonly metadata: MetadataModel;
  readonly statements: string[];
  readonly writers: string[][];
}

/** A model of one primary and the standbys that follow it. Throws RangeError when there is not exactly one primary. */
export function createOceanBaseModel(
  specs: readonly ClusterSpec[],
  options: OceanBaseModelOptions = {},
): OceanBaseModel {
  const clusters = createClusters(specs);
  const metadata = createMetadata(
    [...clusters.values()].map(({ clusterId, role, follows }) => ({ clusterId, role, primaryClusterId: follows })),
  );
  return modelOf({ clusters, options, metadata, statements: [], writers: [] });
}

/** Goes on from what `save` answered. */
export function restoreOceanBaseModel(state: OceanBaseModelState, options: OceanBaseModelOptions = {}): OceanBaseModel {
  const clusters = restoreClusters(state.clusters);
  const metadata = restoreMetadata(state.metadata);
  const writers = state.writers.map((names) => [...names]);
  return modelOf({ clusters, options, metadata, statements: [...state.statements], writers });
}

function modelOf(model: Model): OceanBaseModel {
  const { clusters, options, metadata, statements, writers } = model;
  const find = (clusterId: number): Cluster => findCluster(clusters, clusterId);
  noteWriters(model);
  return {
    ...hooked(controlOf(model), options, () => noteWriters(model)),
    statements,
    writers,
    clusterIds: [...clusters.keys()],
    save: () => ({
      clusters: saveClusters(clusters),
      metadata: metadata.save(),
      statements: [...statements],
      writers: writers.map((names) => [...names]),
    }),
    needsRebuild: (clusterId) => find(clusterId).needsRebuild,
    lockOwner: (clusterId) => metadata.lockOwner(clusterId),
    setServer(address, alive) {
      for (const { servers } of clusters.values()) if (servers.has(address)) servers.set(address, alive);
      noteWriters(model);
    },
    stopCluster(clusterId) {
      const { servers } = find(clusterId);
      for (const address of servers.keys()) servers.set(address, false);
      noteWriters(model);
    },
    setProtectionLevel(clusterId, level) {
      find(clusterId).protectionLevel = level;
    },
    block(clusterId, info) {
      find(clusterId).blocked = info;
    },
  };
}

/** Remembers who takes writes now, unless it is who did before. */
function noteWriters({ clusters, writers }: Model): void {
  const now = writersOf(clusters).map(({ name }) => name);
  if (writers.at(-1)?.join() !== now.join() || writers.length === 0) writers.push(now);
}

function controlOf(model: Model): OceanBaseControl {
  const { clusters, metadata } = model;
  const known = (clusterId: number): KnownCluster => {
    const { name, role, status } = findCluster(clusters, clusterId);
    return { clusterId, name, role, status };
  };
  return {
    readCluster: async (clusterId) => readCluster(clusters, clusterId),
    readServers: async (clusterId) =>
      [...findCluster(clusters, clusterId).servers].map(([address, alive]) => ({ address, alive })),
    readAllClusters: async (clusterId) =>
      [clusterId, ...reachCluster(clusters, clusterId).followers].map((id) => known(id)),
    readStandbys: async (clusterId) => [...reachCluster(clusters, clusterId).followers].map((id) => known(id)),
    failover: async (clusterId, mode, force) => failover(model, clusterId, { mode, force }),
    removeCluster: async (primaryClusterId, clusterId) => removeCluster(model, primaryClusterId, clusterId),
    switchoverToStandby: async (clusterId) => switchoverToStandby(model, clusterId),
    switchoverToPrimary: async (clusterId) => switchoverToPrimary(model, clusterId),
    ...asynchronous(metadata),
  };
}

/** The control with the hooks around every method. */
function hooked(
  control: OceanBaseControl,
  { before, after }: OceanBaseModelOptions,
  happened: () => void,
): OceanBaseControl {
  const wrap = ([method, call]: [string, (...args: never[]) => Promise<unknown>]) => [
    method,
    async (...args: never[]) => {
      const seen: ModelCall = { method: method as keyof OceanBaseControl, arguments: args };
      await before?.(seen);
      const answer = await call(...args).finally(happened);
      await after?.(seen);
      return answer;
    },
  ];
  return Object.fromEntries(Object.entries(control).map(wrap)) as OceanBaseControl;
}

function readCluster(clusters: Clusters, clusterId: number): ClusterView {
  const cluster = reachCluster(clusters, clusterId);
  refresh(clusters, cluster);
  const view: ClusterView = {
    clusterId: cluster.clusterId,
    name: cluster.name,
    role: cluster.role,
    status: cluster.status,
    switchoverStatus: cluster.switchoverStatus,
    switchoverInfo: cluster.switchoverInfo,
    protectionMode: cluster.protectionMode,
    protectionLevel: cluster.protectionLevel,
    currentScn: cluster.scn,
  };
  const underWay =
    cluster.switchoverStatus === "FAILOVER CLEANUP" || cluster.switchoverStatus === "SWITCHOVER SWITCHING";
  if (underWay && cluster.left > 0) cluster.left -= 1;
  return view;
}

interface FailoverStatement {
  readonly mode: FailoverMode;
  readonly force: boolean;
}

/** Issues the failover statement once. */
function failover({ clusters, options, statements }: Model, clusterId: number, how: FailoverStatement): void {
  const cluster = reachCluster(clusters, clusterId);
  if (cluster.role === "PRIMARY") {
    throw new OceanBaseError("NOT_STANDBY", `Cluster ${cluster.name} is PRIMARY already.`);
  }
  refresh(clusters, cluster);
  if (cluster.switchoverStatus !== "FAILOVER FLASHBACK") {
    admitFailover(clusters, cluster, how);
    go(cluster, "FAILOVER FLASHBACK");
    cluster.left = options.flashbackRounds ?? 0;
  }
  const force = how.force ? " FORCE" : "";
  statements.push(
    how.mode === "lossless"
      ? `ALTER SYSTEM FAILOVER TO '${cluster.name}' CLUSTER_ID = ${clusterId}${force}`
      : `ALTER SYSTEM ACTIVATE PHYSICAL STANDBY CLUSTER${force}`,
  );
  if (cluster.left > 0) {
    cluster.left -= 1;
    throw new OceanBaseError("FLASHBACK_UNFINISHED", `Cluster ${cluster.name} is in FAILOVER FLASHBACK.`);
  }
  promote(clusters, cluster, how.mode);
  cluster.left = options.cleanupLooks ?? 0;
}

/** What the statement is refused for, before it has any effect. */
function admitFailover(clusters: Clusters, cluster: Cluster, { mode, force }: FailoverStatement): void {
  const { name, switchoverStatus, switchoverInfo, protectionLevel } = cluster;
  if (switchoverStatus !== "TO PRIMARY") {
    throw new OceanBaseError(
      "NOT_ALLOWED",
      `Switchover status of cluster ${name}: ${switchoverStatus}, reason: ${switchoverInfo}.`,
    );
  }
  if (force) return;
  if (mode === "lossless" && !promisesLossless(protectionLevel)) {
    throw new OceanBaseError("NOT_LOSSLESS", `Protection level ${protectionLevel} promises no lossless failover.`);
  }
  const disabled = siblingsOf(clusters, cluster).find((other) => other.status === "DISABLED");
  if (disabled !== undefined) {
    throw new OceanBaseError("OTHER_STANDBY_DISABLED", `Another standby is DISABLED: ${disabled.name}.`);
  }
}

/** The new primary; everything that followed, or was, the old one is DISABLED. */
function promote(clusters: Clusters, cluster: Cluster, mode: FailoverMode): void {
  go(cluster, "FAILOVER CLEANUP");
  const old = cluster.follows === null ? [] : [findCluster(clusters, cluster.follows)];
  for (const other of [...old, ...siblingsOf(clusters, cluster)]) {
    other.status = "DISABLED";
    // After a lossy failover nothing may follow that may hold what was flashed back.
    other.needsRebuild = mode === "lossy";
    cluster.followers.add(other.clusterId);
  }
  cluster.role = "PRIMARY";
  cluster.follows = null;
  cluster.protectionMode = "MAXIMUM PERFORMANCE";
  cluster.protectionLevel = "MAXIMUM PERFORMANCE";
}

function removeCluster({ clusters, statements }: Model, primaryClusterId: number, clusterId: number): void {
  const primary = reachCluster(clusters, primaryClusterId);
  if (primary.role !== "PRIMARY") {
    throw new OceanBaseError("NOT_PRIMARY", `Cluster ${primary.name} is a standby: only the primary removes clusters.`);
  }
  if (!primary.followers.has(clusterId)) {
    throw new OceanBaseError("CLUSTER_UNKNOWN", `Cluster ${primary.name} does not know cluster ${clusterId}.`);
  }
  primary.followers.delete(clusterId);
  statements.push(`ALTER SYSTEM REMOVE CLUSTER ${findCluster(clusters, clusterId).name} CLUSTER_ID = ${clusterId}`);
}
