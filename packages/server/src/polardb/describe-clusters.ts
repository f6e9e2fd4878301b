/** DescribeDBClusters and DescribeDBClusterAttribute: clusters and their nodes, in the two shapes that these two have. */
import type { Json } from "@belay/engine";
import { type PolarNode, writerOf } from "@belay/failover-plans/polardb";
import { refused } from "./api-fault.ts";
import type { ClusterView, ClusterViews } from "./cluster-views.ts";
import { list, optional, type Params, pageOf, required, timeText } from "./parameters.ts";

type Fields = Readonly<Record<string, Json>>;

const ENGINE = "POLARDB";
const PAGE_SIZES = { least: 1, most: 100, otherwise: 30 };

/** The nodes are a flat list here. InvalidDBClusterId.NotFound. */
export async function describeAttribute(params: Params, views: ClusterViews): Promise<Fields> {
  const facts = views.factsOf(required(params, "DBClusterId"));
  if (facts === undefined) throw refused("ClusterGone");
  const view = await views.see(facts);
  const { cluster } = view;
  return {
    ...clusterFields(view),
    Category: facts.category ?? "Normal",
    CreationTime: timeText(facts.createdAt),
    ZoneIds: zonesOf(view).join(","),
    StandbyHAMode: "OFF",
    ImperceptibleSwitch: "OFF",
    DBNodes: (cluster?.nodes ?? []).map((node) => ({
      ...nodeFields(node, view),
      DBNodeStatus: node.status,
      FailoverPriority: node.failoverPriority,
      CreationTime: timeText(facts.createdAt),
    })),
  };
}

/** Clusters and nodes are wrapped lists here; a node has no FailoverPriority. */
export async function describeClusters(params: Params, views: ClusterViews): Promise<Fields> {
  const ids = list(params, "DBClusterIds");
  const region = optional(params, "RegionId");
  const named = views.all.filter(
    (facts) => (ids?.includes(facts.clusterId) ?? true) && (region === undefined || facts.regionId === region),
  );
  const seen = await Promise.all(named.map((facts) => views.see(facts)));
  const page = pageOf(params, seen.filter(filterOf(params)), PAGE_SIZES);
  return {
    PageNumber: page.number,
    PageRecordCount: page.items.length,
    TotalRecordCount: page.total,
    Items: { DBCluster: page.items.map(listed) },
  };
}

function filterOf(params: Params): (view: ClusterView) => boolean {
  const wanted = {
    DBClusterStatus: optional(params, "DBClusterStatus"),
    DBType: optional(params, "DBType"),
    DBVersion: optional(params, "DBVersion"),
  };
  const description = optional(params, "DBClusterDescription");
  const nodes = list(params, "DBNodeIds");
  return (view) => {
    const shown = clusterFields(view);
    const fits = Object.entries(wanted).every(([field, value]) => value === undefined || shown[field] === value);
    const hasNode = nodes === undefined || (view.cluster?.nodes ?? []).some(({ nodeId }) => nodes.includes(nodeId));
    return fits && hasNode && (description === undefined || view.facts.description.includes(description));
  };
}

function listed(view: ClusterView): Fields {
  const { facts, cluster } = view;
  const nodes = cluster?.nodes ?? [];
  return {
    ...clusterFields(view),
    CreateTime: timeText(facts.createdAt),
    ZoneId: zonesOf(view)[0] ?? "",
    DBNodeNumber: nodes.length,
    DBNodeClass: facts.nodeClass,
    DBNodes: { DBNode: nodes.map((node) => ({ ...nodeFields(node, view), RegionId: facts.regionId, Serverless: "" })) },
  };
}

/** What both show of a cluster. */
function clusterFields({ facts, cluster, status }: ClusterView): Fields {
  const hotReplica = cluster?.nodes.some(({ hotReplicaMode }) => hotReplicaMode === "ON") ?? false;
  return {
    DBClusterId: facts.clusterId,
    DBClusterDescription: facts.description,
    DBClusterStatus: status,
    DBType: cluster?.engine ?? "",
    DBVersion: facts.version,
    Engine: ENGINE,
    RegionId: facts.regionId,
    LockMode: cluster?.lockMode ?? "",
    HotStandbyCluster: hotReplica ? "ON" : "OFF",
  };
}

/** What both show of a node. */
function nodeFields(node: PolarNode, { facts }: ClusterView): Fields {
  return {
    DBNodeId: node.nodeId,
    DBNodeRole: node.role,
    DBNodeClass: facts.nodeClass,
    HotReplicaMode: node.hotReplicaMode,
    ImciSwitch: node.imciSwitch,
    ZoneId: node.zoneId,
  };
}

/** Each once, the writer's first. */
function zonesOf({ cluster }: ClusterView): readonly string[] {
  if (cluster === undefined) return [];
  const first = writerOf(cluster);
  return [...new Set([...(first === undefined ? [] : [first.zoneId]), ...cluster.nodes.map(({ zoneId }) => zoneId)])];
}
