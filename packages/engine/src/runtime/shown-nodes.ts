/**
 * The nodes that snapshots of a run show, and what is said of them that does not change while every group keeps its members:
 * ids, the plan's own words, neighbours across groups (R22). Owns: which nodes are shown (a group as its members once it has
 * them, R23), in which order, and that all of it is made once per such time. Does not own: how the nodes stand.
 * Cost: linear in nodes and edges when a group got or lost its members since; members of one group share their lists of
 * neighbours. Otherwise one look at each group.
 */
import { expandedGroup, type GroupState } from "../core/index.ts";
import type { CompiledProgram } from "../plan/compile.ts";
import { MethodCode, NodeFlag } from "../plan/compiled.ts";
import type { NodeDocument } from "../plan/document.ts";
import type { NodeSnapshot } from "./api.ts";
import type { RunFacts } from "./facts.ts";
import { memberId } from "./node-id.ts";

/** One node that is shown. Lists are frozen: snapshots share them. */
export interface ShownNode
  extends Pick<
    NodeSnapshot,
    | "id"
    | "group"
    | "name"
    | "description"
    | "nodeType"
    | "action"
    | "parallelIdx"
    | "upstreams"
    | "downstreams"
    | "prohibitRollback"
    | "timeout"
  > {
  /** Number of the declared node it is, or is a member of. */
  readonly home: number;
  /** Place in its group; -1 for a declared node. */
  readonly member: number;
  /** The action of its compensation; undefined = it has none. */
  readonly undoneBy: string | undefined;
}

interface Shown {
  /** Members by split; -1 of a group that has not expanded. */
  readonly counts: readonly number[];
  readonly nodes: readonly ShownNode[];
}

/** Kept for as long as the program: the next snapshot of the run mostly shows the same. */
const LATEST = new WeakMap<CompiledProgram, Shown>();

/** The nodes of the run as it stands, in the order of the plan. */
export function shownNodes(facts: RunFacts): readonly ShownNode[] {
  const { program, state } = facts;
  const known = LATEST.get(program);
  if (known !== undefined && state.groups.every((group, split) => known.counts[split] === countOf(group)))
    return known.nodes;
  const nodes = makeNodes(facts);
  LATEST.set(program, { counts: state.groups.map(countOf), nodes });
  return nodes;
}

function countOf(group: GroupState | undefined): number {
  return group === undefined ? -1 : group.count;
}

function makeNodes(facts: RunFacts): readonly ShownNode[] {
  const neighbours = neighboursOf(facts);
  const nodes: ShownNode[] = [];
  for (let v = 0; v < facts.program.compiled.size; v++) {
    const group = expandedGroup(facts.state, v);
    // An empty group has no members: it is shown as declared.
    if (group === undefined || group.count === 0) nodes.push(shownNode(facts, v, -1, neighbours(v, -1)));
    else for (let i = 0; i < group.count; i++) nodes.push(shownNode(facts, v, i, neighbours(v, i)));
  }
  return nodes;
}

function shownNode(facts: RunFacts, home: number, member: number, { upstreams, downstreams }: Neighbours): ShownNode {
  const { kind, kinds } = facts.program.compiled;
  const row = kind[home] as number;
  const document = facts.program.document.nodes[home] as NodeDocument;
  const isMember = member >= 0;
  return {
    home,
    member,
    id: isMember ? memberId(document.id, member) : document.id,
    group: isMember ? document.id : null,
    name: document.name ?? document.id,
    description: document.description ?? null,
    nodeType: document.nodeType ?? "TASK",
    action: document.action,
    parallelIdx: isMember ? member : (document.parallelIdx ?? -1),
    upstreams,
    downstreams,
    prohibitRollback: ((kinds.flags[row] as number) & NodeFlag.PROHIBIT_ROLLBACK) !== 0,
    timeout: (kinds.timeoutMs[row] as number) / 1000,
    undoneBy: document.compensation?.action,
  };
}

interface Neighbours {
  readonly upstreams: readonly string[];
  readonly downstreams: readonly string[];
}

/** Ids of the neighbours of a node, or of a member of a group; whole lists are made once per declared node. */
function neighboursOf(facts: RunFacts): (v: number, member: number) => Neighbours {
  const { ids, compiled } = facts.program;
  const { upOffset, upTarget, downOffset, downTarget, size } = compiled;
  const entries = lazily(size, (v) => endsOf(facts, v, true));
  const exits = lazily(size, (v) => endsOf(facts, v, false));
  const upstreams = lazily(size, (v) => flat(upTarget.subarray(upOffset[v], upOffset[v + 1]), exits));
  const downstreams = lazily(size, (v) => flat(downTarget.subarray(downOffset[v], downOffset[v + 1]), entries));
  return (v, member) => {
    const group = member < 0 ? undefined : expandedGroup(facts.state, v);
    if (group === undefined || group.split.method === MethodCode.PARALLEL)
      return { upstreams: upstreams(v), downstreams: downstreams(v) };
    const sibling = (of: number): readonly string[] => Object.freeze([memberId(ids[v] as string, of)]);
    return {
      upstreams: member === 0 ? upstreams(v) : sibling(member - 1),
      downstreams: member === group.count - 1 ? downstreams(v) : sibling(member + 1),
    };
  };
}

/** The ids a neighbour sees: all members of a PARALLEL group, the first or last of a chained one. */
function endsOf({ program, state }: RunFacts, v: number, entry: boolean): readonly string[] {
  const id = program.ids[v] as string;
  const group = expandedGroup(state, v);
  if (group === undefined || group.count === 0) return Object.freeze([id]);
  if (group.split.method !== MethodCode.PARALLEL) return Object.freeze([memberId(id, entry ? 0 : group.count - 1)]);
  return Object.freeze(Array.from({ length: group.count }, (_, i) => memberId(id, i)));
}

function flat(targets: Int32Array, ids: (v: number) => readonly string[]): readonly string[] {
  if (targets.length === 1) return ids(targets[0] as number);
  const all: string[] = [];
  for (const target of targets) for (const id of ids(target)) all.push(id);
  return Object.freeze(all);
}

function lazily<T>(size: number, make: (v: number) => T): (v: number) => T {
  const made: (T | undefined)[] = new Array(size);
  return (v) => {
    made[v] ??= make(v);
    return made[v] as T;
  };
}
