/** Snapshots made by hand: what the views are given, without an engine. */
import type { NodeSnapshot, Plan, RunSnapshot } from "@belay/engine";

/** A plan's run in the moment it was started: roots READY, the rest PENDING. Groups are not expanded. */
export function freshSnapshot(plan: Plan, overrides: Partial<RunSnapshot> = {}): RunSnapshot {
  const { document } = plan;
  const nodes = document.nodes.map((node, place): NodeSnapshot => {
    const upstreams = node.upstreams ?? [];
    return {
      id: node.id,
      group: null,
      name: node.name ?? node.id,
      description: node.description ?? null,
      nodeType: node.nodeType ?? "TASK",
      action: node.action,
      status: upstreams.length === 0 ? "READY" : "PENDING",
      operation: "EXECUTE",
      skipReason: null,
      tolerated: false,
      parallelIdx: node.parallelIdx ?? -1,
      seriesId: node.seriesId ?? place,
      runTime: 1,
      started: false,
      waiting: null,
      upstreams,
      downstreams: document.nodes.filter((other) => other.upstreams?.includes(node.id)).map((other) => other.id),
      prohibitRollback: node.prohibitRollback ?? false,
      timeout: node.timeout ?? 0,
      startTime: null,
      finishTime: null,
      item: undefined,
      output: undefined,
      error: null,
      compensation:
        node.compensation === undefined
          ? null
          : { action: node.compensation.action, runTime: 1, startTime: null, finishTime: null, error: null },
    };
  });
  return {
    id: "6a1c",
    planName: document.name,
    planHash: plan.hash,
    title: document.title ?? document.name,
    status: "RUNNING",
    operation: "EXECUTE",
    prohibitRollback: document.prohibitRollback ?? false,
    startTime: "2022-09-05T05:39:18.441Z",
    finishTime: null,
    clientToken: null,
    startedBy: null,
    fault: null,
    nodes,
    groups: [],
    ...overrides,
  };
}

/** The snapshot with some nodes changed, by id. */
export function withNodes(run: RunSnapshot, changes: Readonly<Record<string, Partial<NodeSnapshot>>>): RunSnapshot {
  return { ...run, nodes: run.nodes.map((node) => ({ ...node, ...changes[node.id] })) };
}
