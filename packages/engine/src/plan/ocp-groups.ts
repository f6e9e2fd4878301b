/**
 * Finds the groups in an OCP task. OCP's answers carry no group id: siblings that came from one split share their name
 * and number their parallelIdx 0..n-1. Owns: that recognition (R20, R21). Linear in subtasks and edges.
 *
 * PARALLEL: the siblings also share all their neighbours. SERIAL: each sibling's only downstream is the next one.
 * One sibling alone (parallelIdx 0) stays a plain node that keeps its 0: the seed has two of them.
 * What fits neither shape is refused: importing it as unrelated nodes would lose the group in silence.
 */
import type { Diagnostic } from "./diagnostic.ts";
import type { SourceSubtask } from "./ocp-document.ts";

/** A future node of the plan: one subtask, or the n members of a group in the order of parallelIdx. */
export interface OcpNode {
  /** Id of the subtask, or of member 0. */
  readonly id: string;
  readonly members: readonly SourceSubtask[];
  /** undefined for a plain node. */
  readonly method: "PARALLEL" | "SERIAL" | undefined;
  /** Ids of nodes (not of members). */
  readonly upstreams: readonly string[];
}

/** The subtasks as nodes, in the order in which each node's first subtask is listed. Adds to `diagnostics`. */
export function foldGroups(subtasks: readonly SourceSubtask[], diagnostics: Diagnostic[]): OcpNode[] {
  const groups = new Map<string, readonly SourceSubtask[]>();
  const methods = new Map<string, "PARALLEL" | "SERIAL">();
  const take = (members: readonly SourceSubtask[], method: "PARALLEL" | "SERIAL"): void => {
    for (const member of members) {
      groups.set(member.id, members);
      methods.set(member.id, method);
    }
  };
  const split = subtasks.filter((subtask) => subtask.parallelIdx >= 0);
  for (const members of parallelGroups(split)) take(members, "PARALLEL");
  for (const members of serialGroups(split, groups)) take(members, "SERIAL");

  const nodes: OcpNode[] = [];
  const done = new Set<string>();
  const nodeId = (id: string): string => groups.get(id)?.[0]?.id ?? id;
  for (const subtask of subtasks) {
    const members = groups.get(subtask.id) ?? [subtask];
    const first = members[0] as SourceSubtask;
    if (done.has(first.id)) continue;
    done.add(first.id);
    if (subtask.parallelIdx < -1 || (members.length === 1 && subtask.parallelIdx > 0)) {
      diagnostics.push(stray(subtask));
    }
    const upstreams = [...new Set(first.upstreams.map(nodeId))];
    nodes.push({ id: first.id, members, method: methods.get(subtask.id), upstreams });
  }
  return nodes;
}

/** Sets of siblings with one name, the same traits and the same neighbours, numbered 0..n-1, n > 1. */
function parallelGroups(split: readonly SourceSubtask[]): SourceSubtask[][] {
  const buckets = new Map<string, SourceSubtask[]>();
  for (const subtask of split) {
    const key = JSON.stringify([traits(subtask), [...subtask.upstreams].sort(), [...subtask.downstreams].sort()]);
    const bucket = buckets.get(key);
    if (bucket === undefined) buckets.set(key, [subtask]);
    else bucket.push(subtask);
  }
  const groups: SourceSubtask[][] = [];
  for (const bucket of buckets.values()) {
    const members = bucket.sort((a, b) => a.parallelIdx - b.parallelIdx);
    if (members.length > 1 && members.every((member, index) => member.parallelIdx === index)) groups.push(members);
  }
  return groups;
}

/** Chains of siblings 0 -> 1 -> ... -> n-1 with one name and the same traits, n > 1. */
function serialGroups(split: readonly SourceSubtask[], taken: ReadonlyMap<string, unknown>): SourceSubtask[][] {
  const byId = new Map(split.filter((subtask) => !taken.has(subtask.id)).map((subtask) => [subtask.id, subtask]));
  const groups: SourceSubtask[][] = [];
  for (const head of byId.values()) {
    if (head.parallelIdx !== 0) continue;
    const members = [head];
    let last = head;
    for (;;) {
      const [only, ...others] = last.downstreams;
      const next = only === undefined || others.length > 0 ? undefined : byId.get(only);
      if (next === undefined || next.parallelIdx !== members.length || next.upstreams.length !== 1) break;
      if (traits(next) !== traits(head)) break;
      members.push(next);
      last = next;
    }
    if (members.length > 1) groups.push(members);
  }
  return groups;
}

/** What the members of one group have in common: they come from one class of OCP. */
function traits(subtask: SourceSubtask): string {
  return JSON.stringify([subtask.name, subtask.nodeType, subtask.timeout, subtask.prohibitRollback]);
}

function stray(subtask: SourceSubtask): Diagnostic {
  const message =
    subtask.parallelIdx < -1
      ? `parallelIdx is -1 (not split) or a place in a list, not ${subtask.parallelIdx}.`
      : `"${subtask.name}" has parallelIdx ${subtask.parallelIdx}, but no siblings of that name number 0..n-1 with the same neighbours, or in a chain.`;
  return { code: "INVALID_VALUE", severity: "error", path: `${subtask.path}.parallelIdx`, message };
}
