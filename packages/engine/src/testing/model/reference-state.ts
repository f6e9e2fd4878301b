/**
 * The reference model's picture of a run: what it remembers of every node, in words and maps. Owns: that picture, what the
 * plan says of order (R11, R13), the questions one node answers by itself. Decides nothing.
 */
import type { NodeStatus } from "../../core/node-state.ts";
import type { RunStatus } from "../../core/run-state.ts";
import type { NodeDocument, PlanDocument, Trigger } from "../../plan/document.ts";

/** Why an attempt was stopped from outside (R26). */
export type Stop = "timeout" | "heartbeat" | "total" | "cancel" | "run-timeout" | "kill";

/** What a node is undone for: a rollback (R30), its next attempt (R25), the next candidate, or a group that starts over (R21). */
export type Purpose = "rollback" | "retry" | "next-candidate" | "restart";

/** Why a node is SKIPPED. */
export type Skip = "condition" | "upstream" | "empty" | "superseded" | "operator";

/** Where a rollback goes: everything, what is safe (R34), or down to a node that stands (R35). */
export type RollbackTo = "all" | "barrier" | { readonly node: string };

/** One declared node, one group as a whole, or one member. */
export class Entry {
  /** `g` or, for a member, `g[2]`. */
  readonly id: string;
  /** The declared node. */
  readonly node: NodeDocument;
  /** Place in the group; -1 for what the plan declares (R20). */
  readonly index: number;
  /** Of a group that has expanded (R23). */
  members: Entry[] | undefined;
  /** A group that fails whatever its open members come to (R21). */
  failing = false;
  status: NodeStatus = "PENDING";
  skip: Skip | undefined;
  /** Attempts so far, and those before the present round: an operator's retry begins a new one (R25). */
  attempt: number;
  before: number;
  /** How the last attempt ended (R27), and what stopped it. */
  outcome: "succeeded" | "failed" | "unknown" | undefined;
  stop: Stop | undefined;
  /** What a READY node waits for; undefined while it is to be undone first. */
  waits: "slot" | "backoff" | undefined;
  /** Who has approved the present attempt (R37). */
  approvedBy: string[] = [];
  /** An attempt was dispatched and its effects stand (R30). */
  started = false;
  /** A rollback has passed it (R30). */
  undone = false;
  /** An operator asked for it again: failures of others do not hold it (R37). */
  asked = false;
  /** Its condition and its list are being evaluated, or were. */
  asking = false;
  decided = false;
  /** Where its compensation is, and what that is for. */
  undo: "slot" | "running" | "aborting" | "backoff" | undefined;
  purpose: Purpose | undefined;
  undoAttempt: number;
  undoBefore = 0;
  /** Milliseconds: since when it is where it is, until when it backs off, and since when `totalTimeout` counts. */
  since = 0;
  totalSince: number | undefined;

  constructor(node: NodeDocument, index = -1, floor: Floor = { attempt: 0, undo: 0 }) {
    this.id = index < 0 ? node.id : `${node.id}[${index}]`;
    this.node = node;
    this.index = index;
    this.attempt = floor.attempt;
    this.before = floor.attempt;
    this.undoAttempt = floor.undo;
  }
}

/** Highest numbers of attempts that members of a group had before it expanded again (R43). */
export interface Floor {
  readonly attempt: number;
  readonly undo: number;
}

/** One run. */
export class World {
  readonly document: PlanDocument;
  readonly graceMs: number;
  /** Declared nodes by id, in the order of the plan. */
  readonly declared: ReadonlyMap<string, Entry>;
  /** All nodes below each, and its label (R13), by declared id. */
  readonly below: ReadonlyMap<string, ReadonlySet<string>>;
  readonly seriesId: ReadonlyMap<string, number>;
  readonly floors: Map<string, Floor> = new Map();
  now = 0;
  status: RunStatus = "RUNNING";
  /** An operator canceled the run, or its timeout passed. */
  stopped: "cancel" | "run-timeout" | undefined;
  /** Teardowns have their turn (R2). */
  tearingDown = false;
  /** When the run's own timeout began to count; undefined = it does not. */
  runSince: number | undefined;
  /** Failures that have had their effect on others (R14). */
  known: Set<string> = new Set();
  rollback: { readonly to: RollbackTo; readonly scope: ReadonlySet<string> } | undefined;
  /** Compensations that are not tried again in the present rollback (R32). */
  givenUp: Set<string> = new Set();

  /** `lists`: lengths of those known at the start (R23). */
  constructor(document: PlanDocument, lists: ReadonlyMap<string, number>, graceMs: number) {
    this.document = document;
    this.graceMs = graceMs;
    this.declared = new Map(document.nodes.map((node) => [node.id, new Entry(node)]));
    const order = topologicalOrder(document);
    const below = new Map(order.map(({ id }) => [id, new Set<string>()]));
    for (const { id, upstreams = [] } of order) {
      for (const [other, set] of below) if (upstreams.some((up) => up === other || set.has(up))) set.add(id);
    }
    this.below = below;
    this.seriesId = labels(order, document, lists);
    for (const entry of this.declared.values()) {
      const count = lists.get(entry.id);
      if (isGroup(entry) && count !== undefined) expand(this, entry, count);
    }
  }
}

/** Upstreams before downstreams; among the free ones the first in the plan comes first. Throws on a cycle. */
function topologicalOrder({ nodes }: PlanDocument): NodeDocument[] {
  const order: NodeDocument[] = [];
  while (order.length < nodes.length) {
    const isDone = (id: string): boolean => order.some((done) => done.id === id);
    const free = nodes.find(({ id, upstreams = [] }) => !isDone(id) && upstreams.every(isDone));
    if (free === undefined) throw new Error("the plan has a cycle or an unknown upstream");
    order.push(free);
  }
  return order;
}

/** R13, R24: given labels first, in the order of the plan; then the others in topological order; one for each member. */
function labels(
  order: NodeDocument[],
  { nodes }: PlanDocument,
  lists: ReadonlyMap<string, number>,
): Map<string, number> {
  const used = new Set(nodes.flatMap(({ seriesId }) => seriesId ?? []));
  const label = new Map<string, number>();
  const rest = ({ id }: NodeDocument, first: number): number[] => {
    return Array.from({ length: Math.max(1, lists.get(id) ?? 1) - 1 }, (_, place) => first + 1 + place);
  };
  const isFree = (one: number): boolean => !used.has(one);
  const take = (node: NodeDocument, first: number): void => {
    label.set(node.id, first);
    for (const one of [first, ...rest(node, first)]) used.add(one);
  };
  for (const node of nodes) {
    if (node.seriesId === undefined) continue;
    take(node, rest(node, node.seriesId).every(isFree) ? node.seriesId : Math.max(...used) + 1);
  }
  let from = 0;
  for (const node of order) {
    if (node.seriesId !== undefined) continue;
    while (![from, ...rest(node, from)].every(isFree)) from++;
    take(node, from);
  }
  return label;
}

/** R20: one member for each item; attempts go on counting when a group expands anew (R43). */
export function expand(world: World, group: Entry, count: number): void {
  const floor = world.floors.get(group.id);
  group.members = Array.from({ length: count }, (_, index) => new Entry(group.node, index, floor));
}

/** What the plan declares, in its order. */
export function declared(world: World): Entry[] {
  return [...world.declared.values()];
}

/** What runs attempts: plain nodes and members, in the order of the plan. */
export function workers(world: World): Entry[] {
  return declared(world).flatMap((entry) => entry.members ?? (isGroup(entry) ? [] : [entry]));
}

/** Everything that has a status: what the plan declares, and members. */
export function everything(world: World): Entry[] {
  return declared(world).flatMap((entry) => [entry, ...(entry.members ?? [])]);
}

export function isGroup({ index, node }: Entry): boolean {
  return index < 0 && node.split !== undefined;
}

/** The group of a member; what the plan declares is its own home. */
export function homeOf(world: World, entry: Entry): Entry {
  return world.declared.get(entry.node.id) as Entry;
}

/** R2: a node that cleans up after others. */
export function isTeardown({ node }: Entry): boolean {
  return node.always !== undefined;
}

/** Its attempt, or its compensation, has not let go. */
export function isInFlight({ status, undo }: Entry): boolean {
  return status === "RUNNING" || status === "CANCELING" || undo === "running" || undo === "aborting";
}

/** FAILED, or its compensation failed; that may be being mended. */
export function isFailure({ status }: Entry): boolean {
  return status === "FAILED" || status === "COMPENSATION_FAILED";
}

/** R14: it has failed, and nobody is mending it at the moment. */
export function hasFailed(entry: Entry): boolean {
  return isFailure(entry) && entry.undo !== "slot";
}

/** Ended on its way forward (R10). */
export function hasEnded(entry: Entry): boolean {
  return entry.status === "SUCCESSFUL" || entry.status === "SKIPPED" || hasFailed(entry);
}

/** R30, R31: something it did stands, and its compensation covers it. */
export function hasUndo({ node, started, outcome }: Entry): boolean {
  if (!started || node.compensation === undefined) return false;
  return node.compensation.when !== "succeeded" || outcome === "succeeded";
}

/** R33: a prohibiting node stands for ever once it has started, whatever came of it. */
export function isBarrier({ node, attempt }: Entry): boolean {
  return node.prohibitRollback === true && attempt > 0;
}

/** Triggers that accept failures start even where a failure holds everything else (R14). */
export function isReaction(trigger: Trigger | undefined): boolean {
  return trigger === "all_finished" || trigger === "any_failed" || trigger === "all_failed";
}

/** R37: stopped by an operator or by the run's timeout; a rollback that came after is not (R32). */
export function isStopped({ stopped, status }: World): boolean {
  return stopped !== undefined && status !== "ROLLING_BACK";
}

/** R14, R37: whether a first attempt may start. */
export function mayStart(world: World, entry: Entry): boolean {
  if (isStopped(world)) return false;
  if (isTeardown(entry)) return world.tearingDown;
  if (entry.asked || homeOf(world, entry).asked || isReaction(entry.node.trigger)) return true;
  return world.document.failureMode === "continue" || world.known.size === 0;
}
