/**
 * Snapshots: a run as plain data, for people, views and programs. Owns: how its nodes stand, times as ISO text. Reads
 * everything, changes nothing. What is said of a node that does not change is `shown-nodes.ts`'s.
 * Cost: linear in nodes, and in edges when a group got its members since the last one.
 */
import {
  expandedGroup,
  type GroupState,
  isToleratedFailure,
  NODE_STATUSES,
  OperationCode,
  undoAttemptOf,
} from "../core/index.ts";
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
import { shownItem, shownOutput, shownPeople } from "./shown.ts";
import { type ShownNode, shownNodes } from "./shown-nodes.ts";
import { SKIP_REASONS } from "./words.ts";

const OPERATIONS: readonly Operation[] = Object.entries(OperationCode)
  .sort(([, a], [, b]) => a - b)
  .map(([word]) => word as Operation);

/** The run as it stands. */
export function snapshotOf(facts: RunFacts): RunSnapshot {
  const { header, state } = facts;
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
    startedBy: header.startedBy?.who ?? null,
    fault: facts.fault,
    nodes: shownNodes(facts).map((shown) => nodeSnapshot(facts, shown)),
    groups: state.groups.flatMap((group) => (group === undefined ? [] : [groupSnapshot(facts, group)])),
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

/** Making the text costs more than the rest of a node, and nodes share times, in one snapshot and from one to the next. */
const TEXTS = new Map<number, string>();
/** Then they are forgotten, all of them. */
const MOST_TEXTS = 1000;

function iso(at: number | undefined): string | null {
  if (at === undefined) return null;
  let text = TEXTS.get(at);
  if (text === undefined) {
    text = new Date(at).toISOString();
    if (TEXTS.size >= MOST_TEXTS) TEXTS.clear();
    TEXTS.set(at, text);
  }
  return text;
}

function nodeSnapshot(facts: RunFacts, shown: ShownNode): NodeSnapshot {
  const { state, values, program } = facts;
  const { home, member, upstreams, downstreams } = shown;
  const group = member < 0 ? undefined : expandedGroup(state, home);
  const node = group === undefined ? home : group.base + member;
  const status = NODE_STATUSES[state.node[node] as number] as NodeStatus;
  return {
    id: shown.id,
    group: shown.group,
    name: shown.name,
    description: shown.description,
    nodeType: shown.nodeType,
    action: shown.action,
    status,
    operation: OPERATIONS[state.operationOf[node] as number] as Operation,
    skipReason: status === "SKIPPED" ? (SKIP_REASONS[state.skipReason[node] as number] ?? null) : null,
    tolerated: isToleratedFailure(state, node),
    parallelIdx: shown.parallelIdx,
    seriesId: member < 0 ? (program.series[home] as number) : (values.memberSeries.get(home) as number) + member,
    runTime: Math.max(1, state.attempt[node] as number),
    started: values.startedAt.get(node) !== undefined,
    waiting: waitSnapshot(facts, node),
    upstreams,
    downstreams,
    prohibitRollback: shown.prohibitRollback,
    timeout: shown.timeout,
    startTime: iso(values.startedAt.get(node)),
    finishTime: status === "RUNNING" || status === "CANCELING" ? null : iso(values.finishedAt.get(node)),
    item: shownItem(facts, node),
    output: shownOutput(facts, node),
    error: values.failure(node) ?? null,
    compensation: compensationSnapshot(facts, node, shown.undoneBy),
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

function compensationSnapshot(facts: RunFacts, node: number, action: string | undefined): CompensationSnapshot | null {
  if (action === undefined) return null;
  const { state, values } = facts;
  return {
    action,
    runTime: undoAttemptOf(state, node),
    startTime: iso(values.undoStartedAt.get(node)),
    finishTime: iso(values.undoFinishedAt.get(node)),
    error: values.undoFailure(node) ?? null,
  };
}
