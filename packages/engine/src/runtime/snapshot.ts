/**
 * Snapshots: a run as plain data, for people, views and programs. Owns: which nodes are shown (a group as its members
 * once it has them, R23), their neighbours across groups (R22), times as ISO text. Reads everything, changes nothing.
 * Cost: linear in nodes and edges; members of one group share their neighbour lists.
 */
import { expandedGroup, type GroupState, isToleratedFailure, NODE_STATUSES, OperationCode } from "../core/index.ts";
import { MethodCode, NodeFlag } from "../plan/compiled.ts";
import type { NodeDocument } from "../plan/document.ts";
import type {
  CompensationSnapshot,
  GroupSnapshot,
  NodeSnapshot,
  NodeStatus,
  Operation,
  RunSnapshot,
  WaitSnapshot,
} from "./api.ts";
import type { RunFacts } from "./facts.ts";
import { nodeId } from "./node-id.ts";
import { shownItem, shownOutput, shownPeople } from "./shown.ts";
import { SKIP_REASONS } from "./words.ts";

const OPERATIONS: readonly Operation[] = Object.entries(OperationCode)
  .sort(([, a], [, b]) => a - b)
  .map(([word]) => word as Operation);

/** The run as it stands. */
export function snapshotOf(facts: RunFacts): RunSnapshot {
  const { header, state, program } = facts;
  const neighbours = neighboursOf(facts);
  const nodes: NodeSnapshot[] = [];
  for (let v = 0; v < program.compiled.size; v++) {
    const group = expandedGroup(state, v);
    const count = group === undefined ? 1 : group.count;
    // An empty group has no members: it is shown as declared.
    if (group === undefined || count === 0) nodes.push(nodeSnapshot(facts, v, v, neighbours(v, -1)));
    else for (let i = 0; i < count; i++) nodes.push(nodeSnapshot(facts, group.base + i, v, neighbours(v, i)));
  }
  return {
    id: header.runId,
    planName: header.document.name,
    planHash: header.planHash,
    title: header.document.title ?? header.document.name,
    status: state.status,
    operation: OPERATIONS[state.operation] as Operation,
    prohibitRollback: state.plan.prohibitRollback || state.barriers > 0,
    startTime: iso(header.at) as string,
    finishTime: iso(facts.restedAt ?? undefined),
    clientToken: header.clientToken,
    fault: facts.fault,
    nodes,
    groups: facts.state.groups.flatMap((group) => (group === undefined ? [] : [groupSnapshot(facts, group)])),
  };
}

function groupSnapshot(facts: RunFacts, { node, count }: GroupState): GroupSnapshot {
  const { state, program } = facts;
  return {
    id: program.ids[node] as string,
    status: NODE_STATUSES[state.node[node] as number] as NodeStatus,
    members: count,
    output: shownOutput(facts, node),
    error: facts.values.failure(node) ?? null,
  };
}

/** Many nodes share a time: the text is made once for each run of equal ones. */
let lastTime = 0;
let lastText = new Date(0).toISOString();

function iso(at: number | undefined): string | null {
  if (at === undefined) return null;
  if (at !== lastTime) {
    lastTime = at;
    lastText = new Date(at).toISOString();
  }
  return lastText;
}

interface Neighbours {
  readonly upstreams: readonly string[];
  readonly downstreams: readonly string[];
}

/** Ids of the neighbours of a node, or of member `i` of a group; whole lists are made once per declared node. */
function neighboursOf(facts: RunFacts): (v: number, i: number) => Neighbours {
  const { state } = facts;
  const { upOffset, upTarget, downOffset, downTarget, size } = facts.program.compiled;
  const entries = lazily(size, (v) => endsOf(facts, v, true));
  const exits = lazily(size, (v) => endsOf(facts, v, false));
  const upstreams = lazily(size, (v) => flat(upTarget.subarray(upOffset[v], upOffset[v + 1]), exits));
  const downstreams = lazily(size, (v) => flat(downTarget.subarray(downOffset[v], downOffset[v + 1]), entries));
  return (v, i) => {
    const group = i < 0 ? undefined : expandedGroup(state, v);
    if (group === undefined || group.split.method === MethodCode.PARALLEL)
      return { upstreams: upstreams(v), downstreams: downstreams(v) };
    return {
      upstreams: i === 0 ? upstreams(v) : [nodeId(facts, group.base + i - 1)],
      downstreams: i === group.count - 1 ? downstreams(v) : [nodeId(facts, group.base + i + 1)],
    };
  };
}

/** The ids a neighbour sees: all members of a PARALLEL group, the first or last of a chained one. */
function endsOf(facts: RunFacts, v: number, entry: boolean): readonly string[] {
  const group = expandedGroup(facts.state, v);
  if (group === undefined || group.count === 0) return [facts.program.ids[v] as string];
  if (group.split.method !== MethodCode.PARALLEL) return [nodeId(facts, group.base + (entry ? 0 : group.count - 1))];
  return Array.from({ length: group.count }, (_, i) => nodeId(facts, group.base + i));
}

function flat(targets: Int32Array, ids: (v: number) => readonly string[]): readonly string[] {
  if (targets.length === 1) return ids(targets[0] as number);
  const all: string[] = [];
  for (const target of targets) for (const id of ids(target)) all.push(id);
  return all;
}

function lazily<T>(size: number, make: (v: number) => T): (v: number) => T {
  const made: (T | undefined)[] = new Array(size);
  return (v) => {
    made[v] ??= make(v);
    return made[v] as T;
  };
}

function nodeSnapshot(facts: RunFacts, node: number, home: number, neighbours: Neighbours): NodeSnapshot {
  const { state, values, program } = facts;
  const document = program.document.nodes[home] as NodeDocument;
  const status = NODE_STATUSES[state.node[node] as number] as NodeStatus;
  const isMember = node !== home;
  const attempt = state.attempt[node] as number;
  const id = nodeId(facts, node);
  return {
    id,
    group: isMember ? document.id : null,
    name: document.name ?? document.id,
    description: document.description ?? null,
    nodeType: document.nodeType ?? "TASK",
    action: document.action,
    status,
    operation: OPERATIONS[state.operationOf[node] as number] as Operation,
    skipReason: status === "SKIPPED" ? (SKIP_REASONS[state.skipReason[node] as number] ?? null) : null,
    tolerated: isToleratedFailure(state, node),
    parallelIdx: isMember ? node - (expandedGroup(state, home) as GroupState).base : (document.parallelIdx ?? -1),
    seriesId: isMember ? memberSeries(facts, node, home) : (program.series[home] as number),
    runTime: Math.max(1, attempt),
    started: values.startedAt[node] !== undefined,
    waiting: waitSnapshot(facts, node),
    ...neighbours,
    prohibitRollback: ((program.compiled.flags[home] as number) & NodeFlag.PROHIBIT_ROLLBACK) !== 0,
    timeout: (program.compiled.timeoutMs[home] as number) / 1000,
    startTime: iso(values.startedAt[node]),
    finishTime: status === "RUNNING" || status === "CANCELING" ? null : iso(values.finishedAt[node]),
    item: shownItem(facts, node),
    output: shownOutput(facts, node),
    error: values.failure(node) ?? null,
    compensation: compensationSnapshot(facts, node, document),
  };
}

function waitSnapshot(facts: RunFacts, node: number): WaitSnapshot | null {
  const { values } = facts;
  const wait = values.waits.get(node);
  if (wait === undefined) return null;
  const { approvers, required } = wait;
  return {
    for: wait.for,
    until: iso(wait.until ?? undefined),
    approvedBy: shownPeople(facts, values.approvals(node)),
    approvers: approvers === null ? null : shownPeople(facts, approvers),
    required,
  };
}

function memberSeries(facts: RunFacts, member: number, home: number): number {
  const { base } = expandedGroup(facts.state, home) as GroupState;
  return (facts.values.memberSeries.get(home) as number) + member - base;
}

function compensationSnapshot(facts: RunFacts, node: number, document: NodeDocument): CompensationSnapshot | null {
  if (document.compensation === undefined) return null;
  const { state, values } = facts;
  return {
    action: document.compensation.action,
    runTime: state.undoAttempt[node] as number,
    startTime: iso(values.undoStartedAt[node]),
    finishTime: iso(values.undoFinishedAt[node]),
    error: values.undoFailure(node) ?? null,
  };
}
