/** Several clusters as one: each question and each step goes to the cluster it names. */
import type { ActionRegistry } from "@belay/engine";
import { NonRetryable } from "@belay/engine";
import type { PolarControl } from "@belay/failover-plans/polardb";
import { actionsByKey } from "../actions-by-key.ts";
import type { PolarSite, SiteCluster } from "../site.ts";
import type { DemoPolar } from "./polardb.ts";

/** What all of them are together. */
export interface JoinedPolar {
  readonly actions: ActionRegistry;
  readonly clusters: readonly SiteCluster[];
  readonly site: PolarSite;
}

/** See the head of this file. */
export function joinPolar(clusters: readonly DemoPolar[]): JoinedPolar {
  const registries = new Map(clusters.map(({ facts, actions }) => [facts.clusterId, actions]));
  const controls = new Map(clusters.map(({ facts, control }) => [facts.clusterId, control]));
  return {
    actions: actionsByKey(({ cluster }) => String(cluster), registries, "CLUSTER_UNKNOWN"),
    clusters: clusters.map(({ inventory }) => inventory),
    site: { clusters: clusters.map(({ facts }) => facts), control: joinControls(controls) },
  };
}

function joinControls(controls: ReadonlyMap<string, PolarControl>): PolarControl {
  // async: a cluster that nobody knows is a rejection, like every refusal of a control.
  const of = (clusterId: string): PolarControl => {
    const control = controls.get(clusterId);
    if (control !== undefined) return control;
    throw new NonRetryable(`there is no cluster ${clusterId}`, { code: "CLUSTER_UNKNOWN" });
  };
  return {
    describe: async (clusterId, call) => await of(clusterId).describe(clusterId, call),
    markStatus: async (clusterId, status, call) => await of(clusterId).markStatus(clusterId, status, call),
    checkCandidate: async (order, call) => await of(order.clusterId).checkCandidate(order, call),
    switchTo: async (order, call) => await of(order.clusterId).switchTo(order, call),
    isSwitched: async (order, call) => await of(order.clusterId).isSwitched(order, call),
    restore: async (order, call) => await of(order.clusterId).restore(order, call),
    awaitWriter: async (order, call) => await of(order.clusterId).awaitWriter(order, call),
    bringReader: async (order, nodeId, call) => await of(order.clusterId).bringReader(order, nodeId, call),
    noteSwitch: async (entry, call) => await of(entry.clusterId).noteSwitch(entry, call),
    haLog: async (clusterId, call) => await of(clusterId).haLog(clusterId, call),
  };
}
