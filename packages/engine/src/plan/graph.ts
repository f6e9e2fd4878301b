/**
 * The plan as a graph for people and programs: the only door to graphology and graphology-dag. Owns: the public model
 * and its analysis. Does not own: running, which uses the arrays of `compile.ts`.
 */
import { DirectedGraph } from "graphology";
import { topologicalGenerations } from "graphology-dag";
import type { NodeDocument, Plan } from "./document.ts";
import { isGroup } from "./groups.ts";

/** Attributes of a node of `planGraph`. */
export interface PlanGraphNode {
  /** Shown to people; the id when the plan gives none. */
  readonly name: string;
  /** Registered name of the action. */
  readonly action: string;
  /** Seconds of one attempt, `defaults` applied; 0 = none. */
  readonly timeout: number;
  /** A point of no return once it has started (R33). */
  readonly prohibitRollback: boolean;
  /** The node has a compensation. */
  readonly compensated: boolean;
  /** The node stands for a group of members (R20). */
  readonly group: boolean;
}

/** What `analyzePlan` finds. Ids are those of declared nodes; a group is one node. */
export interface PlanAnalysis {
  /** Ids by longest distance from a root: what could run at the same time (R10). */
  readonly generations: string[][];
  /**
   * The chain with the largest sum of timeouts, in seconds of one attempt each; ties: the longer one, then the plan's
   * order.
   */
  readonly criticalPath: { readonly nodes: string[]; readonly timeoutSeconds: number };
  /** Nodes without upstreams, in the order of the plan. */
  readonly roots: string[];
  /** Nodes without downstreams, in the order of the plan. */
  readonly leaves: string[];
  /** Nodes that prohibit rollback once started (R33). */
  readonly pointsOfNoReturn: string[];
  /**
   * Nodes that a rollback to the barrier can undo whatever has started: neither one of those nor an ancestor of one
   * (R34).
   */
  readonly rollbackSafeNodes: string[];
}

/** One vertex per declared node, one edge from each upstream to its node. */
export function planGraph(plan: Plan): DirectedGraph<PlanGraphNode> {
  const { nodes, defaults } = plan.document;
  const graph = new DirectedGraph<PlanGraphNode>();
  for (const node of nodes) graph.addNode(node.id, attributesOf(node, defaults?.timeout ?? 0));
  for (const node of nodes) for (const upstream of node.upstreams ?? []) graph.addDirectedEdge(upstream, node.id);
  return graph;
}

function attributesOf(node: NodeDocument, defaultTimeout: number): PlanGraphNode {
  return {
    name: node.name ?? node.id,
    action: node.action,
    timeout: node.timeout ?? defaultTimeout,
    prohibitRollback: node.prohibitRollback === true,
    compensated: node.compensation !== undefined,
    group: isGroup(node),
  };
}

/** What can be said of a plan before it runs. Cost: linear in nodes and edges. */
export function analyzePlan(plan: Plan): PlanAnalysis {
  const graph = planGraph(plan);
  const generations = topologicalGenerations(graph);
  const pointsOfNoReturn = graph.filterNodes((_, { prohibitRollback }) => prohibitRollback);
  const held = withAncestors(graph, pointsOfNoReturn);
  return {
    generations,
    criticalPath: criticalPath(graph, generations.flat()),
    roots: graph.filterNodes((id) => graph.inDegree(id) === 0),
    leaves: graph.filterNodes((id) => graph.outDegree(id) === 0),
    pointsOfNoReturn,
    rollbackSafeNodes: graph.filterNodes((id) => !held.has(id)),
  };
}

interface Chain {
  readonly seconds: number;
  readonly length: number;
  readonly previous: string | undefined;
}

function criticalPath(graph: DirectedGraph<PlanGraphNode>, order: readonly string[]): PlanAnalysis["criticalPath"] {
  const chains = new Map<string, Chain>();
  let last: string | undefined;
  for (const id of order) {
    let longest: Chain = { seconds: 0, length: 0, previous: undefined };
    graph.forEachInNeighbor(id, (upstream) => {
      const { seconds, length } = chains.get(upstream) as Chain;
      if (isLonger({ seconds, length }, longest)) longest = { seconds, length, previous: upstream };
    });
    const chain = {
      ...longest,
      seconds: longest.seconds + graph.getNodeAttribute(id, "timeout"),
      length: longest.length + 1,
    };
    chains.set(id, chain);
    if (last === undefined || isLonger(chain, chains.get(last) as Chain)) last = id;
  }
  const nodes: string[] = [];
  for (let id = last; id !== undefined; id = chains.get(id)?.previous) nodes.push(id);
  return { nodes: nodes.reverse(), timeoutSeconds: last === undefined ? 0 : (chains.get(last) as Chain).seconds };
}

function isLonger(a: Pick<Chain, "seconds" | "length">, b: Pick<Chain, "seconds" | "length">): boolean {
  return a.seconds > b.seconds || (a.seconds === b.seconds && a.length > b.length);
}

function withAncestors(graph: DirectedGraph<PlanGraphNode>, ids: readonly string[]): ReadonlySet<string> {
  const reached = new Set(ids);
  // A Set grows while it is walked: every new ancestor is visited once.
  for (const id of reached) graph.forEachInNeighbor(id, (upstream) => reached.add(upstream));
  return reached;
}
