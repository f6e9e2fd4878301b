/**
 * The drawing of a plan as data: one vertex per declared node, one edge per declared edge. Mermaid and DOT are drawn
 * from it, and consoles may draw it themselves. Owns: which facts of a node are shown, and the one status shown for a
 * group. Does not own: how any format writes them. Invariants: a group is one vertex, so a join of groups is one edge
 * (R22); the order is that of the plan, so equal inputs give equal bytes; items and outputs are left out, they may hold
 * secrets (R2). Cost: O(nodes + edges) of the plan plus O(nodes) of the snapshot.
 */
import type { NodeStatus } from "../core/node-state.ts";
import type { NodeDocument, Plan, SplitMethod, Trigger } from "../plan/document.ts";
import type { NodeSnapshot, RunSnapshot, RunStatus } from "../runtime/api.ts";

/** One member of an expanded group. */
export interface GraphMember {
  /** `group[0]`, as in snapshots. */
  readonly id: string;
  /** Place in the group, from 0 (R20). */
  readonly parallelIdx: number;
  /** As in the snapshot. */
  readonly status: NodeStatus;
  /** It failed, and that does not fail the group or the run (R14, R21). */
  readonly tolerated: boolean;
}

/** What makes a node a group (R20-R24). */
export interface GraphGroup {
  /** How the members run; PARALLEL when the plan does not say (R21). */
  readonly method: SplitMethod;
  /** The CEL list the group is split over. */
  readonly over: string;
  /** Members at once; null = no limit of the group's own. */
  readonly maxConcurrency: number | null;
  /** In the order of `parallelIdx`; empty without a snapshot and until the group expands (R23). */
  readonly members: readonly GraphMember[];
}

/** One declared node; a group is one, with its members inside. */
export interface GraphNode {
  /** Id in the plan. */
  readonly id: string;
  /** The id when the plan gives no name, or a blank one. */
  readonly name: string;
  /** Registered name of the action. */
  readonly action: string;
  /** Seconds of one attempt, `defaults` applied; 0 = none. */
  readonly timeout: number;
  /** Attempts at most, `defaults` applied (R25). */
  readonly maxAttempts: number;
  /** A point of no return once started (R33). */
  readonly prohibitRollback: boolean;
  /** Name of the action that undoes the node; null = nothing does. */
  readonly compensation: string | null;
  /** Which upstream states let it start; `all_succeeded` when the plan does not say (R12). */
  readonly trigger: Trigger;
  /** The CEL condition; null = always. */
  readonly when: string | null;
  /** It cleans up when the run or its rollback ends. */
  readonly teardown: boolean;
  /** What makes it a group; null for a single node. */
  readonly group: GraphGroup | null;
  /** null without a snapshot. A group's is drawn from its members. */
  readonly status: NodeStatus | null;
  /** The failure does not fail the run (R14). */
  readonly tolerated: boolean;
}

/** An edge: `to` has `from` among its upstreams (R10). */
export interface GraphEdge {
  /** Id of the upstream. */
  readonly from: string;
  /** Id of the node that waits for it. */
  readonly to: string;
}

/** A plan as a graph, with a run's states when a snapshot was given. */
export interface GraphJson {
  readonly name: string;
  /** The plan's title; its name when it has none, or a blank one. */
  readonly title: string;
  /** `Plan.hash`: which plan exactly (R5). */
  readonly hash: string;
  /** The whole run can never be rolled back. */
  readonly prohibitRollback: boolean;
  /** null without a snapshot. */
  readonly status: RunStatus | null;
  /** In the order of the plan. */
  readonly nodes: readonly GraphNode[];
  /** By node in the order of the plan, its upstreams as listed there. */
  readonly edges: readonly GraphEdge[];
  /** From each setup node (`always.for`) to its teardown: no edge that orders, but what the clean-up belongs to. */
  readonly teardowns: readonly GraphEdge[];
}

/**
 * The plan's graph, with the states of a run of that plan when a snapshot is given. A snapshot of another plan does not
 * fail: nodes it does not know have no status.
 */
export function toGraphJson(plan: Plan, snapshot?: RunSnapshot): GraphJson {
  const { document } = plan;
  const states = statesById(snapshot);
  const edges: GraphEdge[] = [];
  for (const node of document.nodes) {
    for (const upstream of node.upstreams ?? []) edges.push({ from: upstream, to: node.id });
  }
  return {
    name: document.name,
    title: shown(document.title, document.name),
    hash: plan.hash,
    prohibitRollback: document.prohibitRollback ?? false,
    status: snapshot?.status ?? null,
    nodes: document.nodes.map((node) => toNode(node, document.defaults, states.get(node.id) ?? [])),
    edges,
    teardowns: document.nodes.flatMap(({ id, always }) =>
      (always?.for ?? []).map((setup) => ({ from: setup, to: id })),
    ),
  };
}

function toNode(
  node: NodeDocument,
  defaults: Plan["document"]["defaults"],
  states: readonly NodeSnapshot[],
): GraphNode {
  const members = node.split ? states.filter((state) => state.group === node.id) : [];
  const own = states.find((state) => state.group === null);
  return {
    id: node.id,
    name: shown(node.name, node.id),
    action: node.action,
    timeout: node.timeout ?? defaults?.timeout ?? 0,
    maxAttempts: node.retry?.maxAttempts ?? defaults?.retry?.maxAttempts ?? 1,
    prohibitRollback: node.prohibitRollback ?? false,
    compensation: node.compensation?.action ?? null,
    trigger: node.trigger ?? "all_succeeded",
    when: node.when ?? null,
    teardown: node.always !== undefined,
    group: node.split ? toGroup(node.split, members) : null,
    status: own?.status ?? groupStatus(members),
    tolerated: own?.tolerated ?? false,
  };
}

function toGroup(split: NonNullable<NodeDocument["split"]>, members: readonly NodeSnapshot[]): GraphGroup {
  return {
    method: split.method ?? "PARALLEL",
    over: split.over,
    maxConcurrency: split.maxConcurrency ?? null,
    members: members
      .map(({ id, parallelIdx, status, tolerated }) => ({ id, parallelIdx, status, tolerated }))
      .sort((a, b) => a.parallelIdx - b.parallelIdx),
  };
}

/** The first of these that a member has is the group's, when nothing is left to do. */
const WORST_FIRST = [
  "COMPENSATION_FAILED",
  "COMPENSATING",
  "CANCELING",
  "RUNNING",
  "READY",
] as const satisfies readonly NodeStatus[];

/** The one status a group is coloured by; null for a group without members. */
function groupStatus(members: readonly NodeSnapshot[]): NodeStatus | null {
  if (members.length === 0) return null;
  const has = new Set(members.map((member) => member.status));
  const loud = WORST_FIRST.find((status) => has.has(status));
  if (loud !== undefined) return loud;
  if (members.some((member) => member.status === "FAILED" && !member.tolerated)) return "FAILED";
  if (has.has("PENDING")) return has.size === 1 ? "PENDING" : "RUNNING";
  if (has.has("SUCCESSFUL")) return "SUCCESSFUL";
  if (has.has("COMPENSATED")) return "COMPENSATED";
  return has.has("FAILED") ? "FAILED" : "SKIPPED";
}

/** The snapshot's nodes under the id of the plan's node: its own state, or its members' once it is expanded. */
function statesById(snapshot: RunSnapshot | undefined): Map<string, NodeSnapshot[]> {
  const states = new Map<string, NodeSnapshot[]>();
  for (const node of snapshot?.nodes ?? []) {
    const key = node.group ?? node.id;
    const known = states.get(key);
    if (known) known.push(node);
    else states.set(key, [node]);
  }
  return states;
}

/** The name, or the fallback where nothing of the name could be seen. */
function shown(name: string | undefined, fallback: string): string {
  return name === undefined || /^[\s\p{C}]*$/u.test(name) ? fallback : name;
}
