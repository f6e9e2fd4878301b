/**
 * Who may become the writer, in which order, and why each of the others may not. Pure: a cluster in, candidates and rejections out, both
 * as data. Equal priorities are drawn from a seed, so that each is equally likely and a run that is taken up again draws the same.
 */
import { createHash } from "node:crypto";
import { type PolarCluster, type PolarNode, type TargetZoneType, writerOf } from "./cluster.ts";
import type { PolarRefusal } from "./refusal.ts";

/** What is asked for. */
export interface ElectionQuestion {
  /** The one node to switch to. Default: every eligible reader. */
  readonly targetNodeId?: string | undefined;
  /** Where the new writer has to be, seen from the present one. Default: anywhere. */
  readonly targetZoneType?: TargetZoneType | undefined;
  /** Draws the order of equal priorities. Default: by node id. */
  readonly seed?: string | undefined;
}

/** A node that may not take over. */
export interface Rejection {
  readonly nodeId: string;
  readonly code: PolarRefusal;
  /** One sentence for people. */
  readonly reason: string;
}

/** The outcome: who is tried, in order, and who is not. */
export interface Election {
  readonly candidates: readonly PolarNode[];
  /** Nodes that were considered and are not tried. Those that an explicit target excludes are not listed. */
  readonly rejected: readonly Rejection[];
}

/** Elects. An empty list of candidates comes with at least one rejection, unless the cluster has no node that was asked for. */
export function elect(cluster: PolarCluster, question: ElectionQuestion = {}): Election {
  const { targetNodeId, seed } = question;
  const considered =
    targetNodeId === undefined ? cluster.nodes : cluster.nodes.filter(({ nodeId }) => nodeId === targetNodeId);
  if (targetNodeId !== undefined && considered.length === 0) {
    const reason = `${cluster.clusterId} has no node ${targetNodeId}`;
    return { candidates: [], rejected: [{ nodeId: targetNodeId, code: "NODE_UNKNOWN", reason }] };
  }
  const candidates: PolarNode[] = [];
  const rejected: Rejection[] = [];
  for (const node of considered) {
    const why = objection(cluster, node, question.targetZoneType);
    if (why === undefined) candidates.push(node);
    else rejected.push({ nodeId: node.nodeId, ...why });
  }
  return { candidates: candidates.toSorted(order(seed)), rejected };
}

type Objection = Pick<Rejection, "code" | "reason">;

function objection(cluster: PolarCluster, node: PolarNode, zone: TargetZoneType | undefined): Objection | undefined {
  const { nodeId, role, imciSwitch, status, problem } = node;
  if (role === "Writer") return { code: "NODE_TYPE", reason: `${nodeId} is the writer` };
  if (imciSwitch === "ON") return { code: "NODE_TYPE", reason: `${nodeId} is a column store node: it takes no writes` };
  if (status !== "Running") return { code: "NODE_NOT_RUNNING", reason: `${nodeId} is ${status}, not Running` };
  const wrongZone = zone === undefined ? undefined : zoneObjection(cluster, node, zone);
  if (wrongZone !== undefined) return { code: "NODE_ZONE", reason: wrongZone };
  if (problem !== null) return { code: "UNHEALTHY_REPLICATION", reason: `${nodeId} ${problem}` };
  return undefined;
}

function zoneObjection(cluster: PolarCluster, { nodeId, zoneId }: PolarNode, zone: TargetZoneType): string | undefined {
  const primary = writerOf(cluster)?.zoneId;
  if (primary === undefined)
    return `the primary zone is not known, so that ${nodeId} cannot be said to be inside or outside`;
  if ((zoneId === primary) === (zone === "Primary")) return undefined;
  return `${nodeId} is in zone ${zoneId}, the primary zone is ${primary}, and ${zone} was asked for`;
}

function order(seed: string | undefined): (a: PolarNode, b: PolarNode) => number {
  const ticket = (nodeId: string): string =>
    seed === undefined
      ? nodeId
      : createHash("sha256")
          .update(JSON.stringify([seed, nodeId]))
          .digest("hex");
  return (a, b) => {
    if (a.failoverPriority !== b.failoverPriority) return b.failoverPriority - a.failoverPriority;
    const [left, right] = [ticket(a.nodeId), ticket(b.nodeId)];
    return left < right ? -1 : Number(left > right);
  };
}
