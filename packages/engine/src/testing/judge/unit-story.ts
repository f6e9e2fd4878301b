/**
 * What a listener knows of one node, one member, one group. Owns: the fields and the status after each event; plain
 * records of one shape, so that a story of thousands of entries allocates next to nothing.
 */
import type { ModelNode } from "./plan-model.ts";

/** What happens to the run as a whole. */
export type Phase = "forward" | "resting" | "rolling-back" | "terminal";

export type StoryStatus =
  | "pending"
  | "ready"
  | "running"
  | "backoff"
  | "succeeded"
  | "failed"
  | "skipped"
  | "compensating"
  | "compensated"
  | "compensation-failed";

/** One node, or one member of a group. */
export interface UnitStory {
  readonly home: DeclaredStory;
  /** -1 for a node without `split`. */
  readonly index: number;
  status: StoryStatus;
  /** An attempt was dispatched since the node was last undone: there may be something to undo. */
  dirty: boolean;
  /** An attempt was dispatched, ever: what makes a prohibiting node a point of no return (R33). */
  started: boolean;
  /** A prohibiting unit that has started (R33). */
  barred: boolean;
  /** It failed, and an operator lets it go again: its trigger was decided before (R12). */
  retried: boolean;
  /** Undone by a rollback, not between two candidates or attempts: it runs again when the run goes forward. */
  rolledBack: boolean;
  /** It is being undone between two attempts (retry.mode: compensate-first), not for good. */
  betweenAttempts: boolean;
  /** Skipped by an operator. */
  passed: boolean;
  /** Its failed compensation was passed by an operator: until it runs again it owes nothing (R32). */
  excused: boolean;
  /** How the last attempt ended: decides whether `compensation.when: succeeded` applies. */
  lastSucceeded: boolean;
  /** Attempts since the start, or since the run last went forward again. */
  attemptsInRound: number;
  /** Attempts whose call has not let go. Any but the latest was given up (R26). */
  readonly open: number[];
  /** Calls of the compensation that have not let go. */
  openUndos: number;
  /** The latest attempt that was called, and the latest of the compensation; 0 before the first. */
  lastAttempt: number;
  lastUndo: number;
  /** The latest attempt that was announced; the latest that answered with success, and of the compensation. */
  announced: number;
  okAttempt: number;
  okUndo: number;
  /** Sum of attempts announced less those called: 0 when each was both (R39). */
  balance: number;
  /** An abort was asked of the attempt that runs. */
  aborted: boolean;
  /** The attempt that runs was cut off, and nobody can tell what came of it (R42). */
  lost: boolean;
  /** Of the latest attempt that was announced, epoch milliseconds; and of the first in its round. */
  startedAt: number;
  roundStartedAt: number;
  /** Words that the present attempt has got: approvals, a signal, a rejection. */
  approvals: number;
  signaled: boolean;
  rejected: boolean;
}

/** A declared node: itself, or the group of its members. */
export interface DeclaredStory {
  readonly model: ModelNode;
  readonly own: UnitStory;
  /** The node as one unit: what it is without `split`, or before it is expanded. */
  readonly single: readonly UnitStory[];
  /** Members that ever were, by parallelIdx. */
  readonly made: UnitStory[];
  /** Members of the latest expansion. */
  count: number;
  expanded: boolean;
  /** The members once it is expanded, else itself. */
  units: readonly UnitStory[];
  /** A member has been ready since the group last waited as a whole. */
  begun: boolean;
  /** The group has failed, whatever its members still do, and no retry has mended it since. */
  lost: boolean;
  /** A retry of the group was told, and no failure of it since: what failed is about to be tried again. */
  again: boolean;
  /** The group was skipped as a whole. */
  passed: boolean;
  /** The group was canceled as a whole: it has failed, however few of its members did. */
  canceled: boolean;
  /** An operator lets it go again, whatever else has failed; a new failure ends that (R14, R37). */
  allowed: boolean;
  /** An operator's retry named it, and no failure has come since: it must go again, not only may. */
  named: boolean;
  /** A started prohibiting node is below (R33, R34). */
  barred: boolean;
}

export function declaredStory(model: ModelNode): DeclaredStory {
  const story = {
    model,
    made: [],
    count: 0,
    expanded: false,
    begun: false,
    lost: false,
    again: false,
    passed: false,
    canceled: false,
    allowed: false,
    named: false,
    barred: false,
  } as unknown as { -readonly [K in keyof DeclaredStory]: DeclaredStory[K] };
  story.own = unitStory(story, -1);
  story.single = [story.own];
  story.units = story.single;
  return story;
}

export function unitStory(home: DeclaredStory, index: number): UnitStory {
  return {
    home,
    index,
    status: "pending",
    dirty: false,
    started: false,
    barred: false,
    retried: false,
    rolledBack: false,
    betweenAttempts: false,
    passed: false,
    excused: false,
    lastSucceeded: false,
    attemptsInRound: 0,
    open: [],
    openUndos: 0,
    lastAttempt: 0,
    lastUndo: 0,
    announced: 0,
    okAttempt: 0,
    okUndo: 0,
    balance: 0,
    aborted: false,
    lost: false,
    startedAt: 0,
    roundStartedAt: 0,
    approvals: 0,
    signaled: false,
    rejected: false,
  };
}

/** The id in snapshots and events. */
export function unitId({ home, index }: UnitStory): string {
  return index < 0 ? home.model.id : `${home.model.id}[${index}]`;
}

/** What the event says of a node's status; others leave it. */
export const STATUS_AFTER: { readonly [type: string]: StoryStatus | undefined } = {
  "node:ready": "ready",
  "node:held": "pending",
  "node:reset": "pending",
  "node:started": "running",
  "node:succeeded": "succeeded",
  "node:failed": "failed",
  "node:canceled": "failed",
  "node:retrying": "backoff",
  "node:skipped": "skipped",
  "node:compensating": "compensating",
  "node:compensated": "compensated",
  "node:compensation-failed": "compensation-failed",
};

/** What the event says of the run; others leave it. */
export const PHASE_AFTER: { readonly [type: string]: Phase | undefined } = {
  "run:started": "forward",
  "run:resumed": "forward",
  "run:retrying": "forward",
  "run:failed": "resting",
  "run:canceled": "resting",
  "run:partially-rolled-back": "resting",
  "run:rollback-failed": "resting",
  "run:rolling-back": "rolling-back",
  "run:succeeded": "terminal",
  "run:rolled-back": "terminal",
  "run:abandoned": "terminal",
};
