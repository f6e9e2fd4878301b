/**
 * What a server stands in front of: the actions that plans name, the clusters they act on, and the views of them that the vendors' APIs
 * show. Owns: the contract between whoever knows real systems and the HTTP surfaces. Does not own: runs, people, HTTP.
 *
 * A module given to `belay serve --site` exports `site`, or has it as its default export: a `Site` or a function that makes one.
 */
import type { ActionRegistry, Json, Plan } from "@belay/engine";
import type { PolarControl } from "@belay/failover-plans/polardb";

/** Everything behind a server. */
export interface Site {
  /** The code behind the plans' actions, by name. A plan whose actions are not all here cannot be started. */
  readonly actions: ActionRegistry;
  /** Plans beside the shipped ones, by their `name`; one of the same name replaces the shipped one. Default: none. */
  readonly plans?: readonly Plan[];
  /** Clusters as the inventory lists them. Default: none. */
  readonly clusters?: readonly SiteCluster[];
  /** What OCP's API shows. Absent: that API knows no cluster. */
  readonly ocp?: OcpSite;
  /** What PolarDB's API shows. Absent: that API knows no cluster. */
  readonly polardb?: PolarSite;
  /** Told before the first run moves how to ask about runs. */
  attach?(runs: SiteRuns): void;
  /**
   * The server goes down, its engine is closed already. `keep`: it may come back on the same data directory, so that what runs by
   * itself runs on.
   */
  close?(keep: boolean): Promise<void>;
}

/** What a site may ask of the server's journal. */
export interface SiteRuns {
  /** Whether the journal has that run, and nothing of it will ever move again: done, undone or abandoned. */
  hasEnded(runId: string): Promise<boolean>;
}

/** How clients of one cluster get another writer: the plan, and its parameters for this cluster. */
export interface ClusterPlan {
  /** Name of the plan. */
  readonly plan: string;
  readonly params: Readonly<Record<string, Json>>;
  /** Name of the parameter that names the target; absent when the plan takes none. */
  readonly targetParam?: string;
}

/** A cluster as the inventory lists it. Never holds a credential. */
export interface SiteCluster {
  /** Unique among all clusters. */
  readonly id: string;
  /** "postgres", "polardb", "oceanbase", "mariadb", "mysql", or a word of your own. */
  readonly system: string;
  /** Shown to people. */
  readonly description?: string;
  /** Its nodes as they stand now; asked each time, bounded by `signal`. */
  nodes(signal: AbortSignal): Promise<readonly SiteNode[]>;
  /** Switchover: the writer is alive and steps down, nothing is lost. Absent: there is no plan for it. */
  readonly planned?: ClusterPlan;
  /** Failover: the writer is dead. Absent: there is no plan for it. */
  readonly forced?: ClusterPlan;
}

/** A node of a cluster. */
export interface SiteNode {
  readonly id: string;
  /** "writer", "reader", or null when it does not say. */
  readonly role: "writer" | "reader" | null;
  /** A word of its system, such as Running. */
  readonly status: string;
  /** host:port; null when it is of no use to others. */
  readonly endpoint: string | null;
}

/** An OceanBase cluster as OCP shows it. */
export interface OcpCluster {
  /** OCP's id, the one in paths. */
  readonly id: number;
  readonly name: string;
  /** OceanBase's own cluster id. */
  readonly obClusterId: number;
  readonly type: "PRIMARY" | "STANDBY";
}

/** The clusters that OCP's API knows. Failovers run plan `oceanbase-failover`, switchovers `oceanbase-switchover`. */
export interface OcpSite {
  /** All clusters, by id ascending. */
  clusters(): Promise<readonly OcpCluster[]>;
}

/** What PolarDB's API shows of a cluster and its control does not know. */
export interface PolarClusterFacts {
  readonly clusterId: string;
  /** DBClusterDescription. */
  readonly description: string;
  /** DBVersion, such as "8.0". */
  readonly version: string;
  readonly regionId: string;
  /** Creation, epoch milliseconds. */
  readonly createdAt: number;
  /** DBNodeClass of its nodes, such as "polar.mysql.x4.large". */
  readonly nodeClass: string;
  /** Category. Default "Normal". */
  readonly category?: string;
}

/** The clusters that PolarDB's API knows. Failovers run plan `polardb-failover`. */
export interface PolarSite {
  /** All clusters, in the order in which they are listed. */
  readonly clusters: readonly PolarClusterFacts[];
  /** Answers for every one of them, by its id. */
  readonly control: PolarControl;
}
