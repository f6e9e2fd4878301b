/**
 * The reference model's picture of a run: what it remembers of every node, in words and maps. Owns: that picture and the
 * questions one node answers by itself. Decides nothing. Shares no code with the core on purpose (only types, and the
 * plan as the checkers see it): it is the other opinion of rules R10 to R37, written to be read, not to be fast.
 */
import type { NodeStatus } from "../core/node-state.ts";
import type { RunStatus } from "../core/run-state.ts";
import type { NodeDocument, PlanDocument, RetryDocument, Trigger } from "../plan/document.ts";
import { type ReferencePlan, referencePlan } from "./reference-plan.ts";

/** Why an attempt was stopped from outside (R26). */
export type Stop = "timeout" | "heartbeat" | "total" | "cancel" | "run-timeout" | "kill";

/** What a node is undone for: a rollback, its next attempt, the next candidate, or a fresh round (R21, R25, R30, R37). */
export type Purpose = "rollback" | "retry" | "next-candidate" | "fresh-round";

/** Why a node is SKIPPED. */
export type Skip = "condition" | "upstream" | "empty" | "superseded" | "operator";

/** One declared node, one group as a whole, or one member. */
export interface Entry {
  /** `g` or, for a member, `g[2]`. */
  readonly id: string;
  /** The declared node. */
  readonly node: NodeDocument;
  /** Place in the group; -1 for what the plan declares (R20). */
  readonly index: number;
  /** Of a group that has expanded, or whose list was known at the start (R23). */
  members: Entry[] | undefined;
  /** A group that fails whatever its open members come to (R21). */
  failing: boolean;
  status: NodeStatus;
  skip: Skip | undefined;
  /** Attempts so far, and those before the present round: an operator's retry begins a new one (R25). */
  attempt: number;
  before: number;
  /** How the last attempt ended (R27). */
  outcome: "succeeded" | "failed" | "unknown" | undefined;
  stop: Stop | undefined;
  /** What a READY node waits for; undefined while it is being undone between two attempts. */
  waits: "slot" | "backoff" | undefined;
  /** An attempt was dispatched and its effects stand (R30). */
  started: boolean;
  /** A prohibiting node that has started (R33). */
  barrier: boolean;
  /** A rollback has passed it (R30). */
  undone: boolean;
  /** An operator asked for it again: failures of others do not hold it (R37). */
  asked: boolean;
  /** Its condition and its list are being evaluated, or were. */
  asking: boolean;
  decided: boolean;
  /** Where its compensation is, and what that is for. */
  undo: "slot" | "running" | "aborting" | "backoff" | undefined;
  purpose: Purpose | undefined;
  undoAttempt: number;
  undoBefore: number;
  /** Times, in milliseconds, from which deadlines count. */
  since: number;
  undoSince: number;
  totalSince: number | undefined;
}

/** One run. */
export interface World {
  readonly plan: ReferencePlan;
  readonly document: PlanDocument;
  readonly graceMs: number;
  /** Declared nodes by id, in the order of the plan. */
  readonly declared: ReadonlyMap<string, Entry>;
  /** Highest numbers of attempts that members of a group had before it expanded again (R43). */
  readonly floors: Map<string, { readonly attempt: number; readonly undo: number }>;
  now: number;
  status: RunStatus;
  canceling: boolean;
  timedOut: boolean;
  /** Teardowns have their turn (R2). */
  tearingDown: boolean;
  /** When the run's own timeout began to count; undefined = it does not. */
  runSince: number | undefined;
  /** Failures that have had their effect on others (R14). */
  known: Set<string>;
  rollback: { readonly to: RollbackTo; readonly scope: ReadonlySet<string> } | undefined;
  /** Compensations that are not tried again in the present rollback (R32). */
  givenUp: Set<string>;
}

/** Where a rollback goes: everything, what is safe (R34), or down to a node that stands (R35). */
export type RollbackTo = "all" | "barrier" | { readonly node: string };

export function newWorld(document: PlanDocument, lists: ReadonlyMap<string, number>, graceMs: number): World {
  const declared = new Map(document.nodes.map((node) => [node.id, newEntry(node, -1)]));
  const world: World = {
    plan: referencePlan(document),
    document,
    graceMs,
    declared,
    floors: new Map(),
    now: 0,
    status: "RUNNING",
    canceling: false,
    timedOut: false,
    tearingDown: false,
    runSince: undefined,
    known: new Set(),
    rollback: undefined,
    givenUp: new Set(),
  };
  for (const entry of declared.values()) {
    const count = lists.get(entry.id);
    if (entry.node.split !== undefined && count !== undefined) expand(world, entry, count);
  }
  return world;
}

/** R20: one member for each item; attempts go on counting when a group expands anew. */
export function expand(world: World, group: Entry, count: number): void {
  const { attempt, undo } = world.floors.get(group.id) ?? { attempt: 0, undo: 0 };
  group.members = Array.from({ length: count }, (_, index) => {
    return { ...newEntry(group.node, index), attempt, before: attempt, undoAttempt: undo };
  });
}

function newEntry(node: NodeDocument, index: number): Entry {
  return {
    id: index < 0 ? node.id : `${node.id}[${index}]`,
    node,
    index,
    members: undefined,
    failing: false,
    status: "PENDING",
    skip: undefined,
    attempt: 0,
    before: 0,
    outcome: undefined,
    stop: undefined,
    waits: undefined,
    started: false,
    barrier: false,
    undone: false,
    asked: false,
    asking: false,
    decided: false,
    undo: undefined,
    purpose: undefined,
    undoAttempt: 0,
    undoBefore: 0,
    since: 0,
    undoSince: 0,
    totalSince: undefined,
  };
}

/** What runs attempts: plain nodes and members, in the order of the plan. */
export function workers(world: World): Entry[] {
  return [...world.declared.values()].flatMap((entry) => entry.members ?? (isGroup(entry) ? [] : [entry]));
}

/** Everything that has a status: what the plan declares, and members. */
export function everything(world: World): Entry[] {
  return [...world.declared.values()].flatMap((entry) => [entry, ...(entry.members ?? [])]);
}

/** A node that cleans up after others, whatever happened (`always`). */
export function isTeardown({ node }: Entry): boolean {
  return node.always !== undefined;
}

/** The pool whose slots a node takes (R41); one that only waits takes none of any. */
export function poolOf({ node }: Entry): string {
  return /^belay\.(wait|approval|signal)$/.test(node.action) ? "belay.waiting" : (node.pool ?? "");
}

/** R37: stopped by an operator or by the run's timeout; a rollback that came after is not (R32). */
export function isStopped({ canceling, timedOut, status }: World): boolean {
  return (canceling || timedOut) && status !== "ROLLING_BACK";
}

export function isGroup(entry: Entry): boolean {
  return entry.index < 0 && entry.node.split !== undefined;
}

/** The group of a member; what the plan declares is its own home. */
export function homeOf(world: World, entry: Entry): Entry {
  return world.declared.get(entry.node.id) as Entry;
}

/** R14: it has failed, and nobody is mending it at the moment. */
export function hasFailed(entry: Entry): boolean {
  return (entry.status === "FAILED" || entry.status === "COMPENSATION_FAILED") && entry.undo !== "slot";
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

/** R14, R21: a failure that the plan accepts, as far as is known now. */
export function isTolerated(world: World, entry: Entry): boolean {
  const failed = entry.status === "FAILED" || entry.status === "COMPENSATION_FAILED";
  const tolerates = entry.node.onFailure === "continue";
  if (entry.index < 0) return failed && tolerates;
  const replaced = entry.purpose === "next-candidate" && /^COMPENSAT(ING|ED)$/.test(entry.status);
  return (failed || replaced) && (tolerates || !homeOf(world, entry).failing);
}

/** Milliseconds before the attempt after `used` ones of this round (R25); jitter is not modelled. */
export function delayMs(retry: RetryDocument | undefined, used: number): number {
  const first = retry?.initialInterval ?? 1;
  const grown = first * (retry?.backoffCoefficient ?? 2) ** Math.max(0, used - 1);
  return Math.round(1000 * Math.min(grown, retry?.maxInterval ?? 100 * first));
}

export function retryOf({ document }: World, { node }: Entry): RetryDocument | undefined {
  return node.retry ?? document.defaults?.retry;
}

/** Triggers that accept failures start even where a failure holds everything else (R14). */
export function isReaction(trigger: Trigger | undefined): boolean {
  return trigger === "all_finished" || trigger === "any_failed" || trigger === "all_failed";
}

/** R14, R37: whether a first attempt may start. */
export function mayStart(world: World, entry: Entry): boolean {
  if (isStopped(world)) return false;
  if (isTeardown(entry)) return world.tearingDown;
  if (entry.asked || homeOf(world, entry).asked || isReaction(entry.node.trigger)) return true;
  return world.document.failureMode === "continue" || world.known.size === 0;
}
