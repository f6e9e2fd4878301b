/**
 * Events of a run, as embedders see them. Owns: their names, their payloads and what each says. Does not own: delivery
 * (`emitter.ts`), which command becomes which event (`notices.ts`).
 */
import type { Json } from "../plan/document.ts";
import type { NodeFailure, Outcome, SkipReason } from "./api.ts";

/**
 * Carried by every event. They come in the order of what happened, logs aside each once that is in the journal (R39).
 */
export interface RunEvent {
  readonly runId: string;
  /** Epoch milliseconds, by the engine's clock. */
  readonly at: number;
}

/** Carried by every event about a node. */
export interface NodeEvent extends RunEvent {
  /** `NodeSnapshot.id`; a member's is `group[parallelIdx]`. A group has events of its own. */
  readonly nodeId: string;
  /** The attempt it is about; 0 when there is none. In events about a compensation, the compensation's attempt. */
  readonly attempt: number;
}

/** Carried by events about something that failed. */
export interface NodeFailedEvent extends NodeEvent {
  readonly error: NodeFailure;
  /** `failed`, or `unknown` when it may have taken effect (R27). */
  readonly outcome: Outcome;
}

/** Every event, by name, with its payload. */
export interface RunEventMap {
  /** The first event of a run. */
  "run:started": RunEvent;
  /** An operator paused the run; what runs finishes. */
  "run:paused": RunEvent;
  /** An operator resumed a paused run. */
  "run:resumed": RunEvent;
  /** The run rests in FAILED: nothing runs and no reaction can start (R14). */
  "run:failed": RunEvent;
  /** Ended for good: every node is SUCCESSFUL, SKIPPED or a tolerated failure (R15). */
  "run:succeeded": RunEvent;
  /** Everything let go after an operator's cancel; the run rests. */
  "run:canceled": RunEvent;
  /** Ended for good by an operator, nothing undone. */
  "run:abandoned": RunEvent;
  /** A rollback begins, asked for or by `onFailure: rollback`. */
  "run:rolling-back": RunEvent;
  /** Ended for good: everything that had started is undone or had nothing to undo (R30). */
  "run:rolled-back": RunEvent;
  /** Everything in the rollback's scope is undone, the rest stands; the run rests (R34, R35). */
  "run:partially-rolled-back": RunEvent;
  /** A compensation failed for good; the run rests (R32). */
  "run:rollback-failed": RunEvent;
  /** The run goes forward again after a rest: retry, or skip. */
  "run:retrying": RunEvent;
  /** The engine itself failed (`RunSnapshot.fault`); the run stopped where it was, no event follows but logs. */
  "run:fault": RunEvent & { readonly code: string; readonly message: string };
  /** All it waits for is done, backoff included: it starts once it gets a slot. `attempt` is the coming one. */
  "node:ready": NodeEvent;
  /** Ready no more: a failure or a cancel of the run holds the node back, PENDING (R14). */
  "node:held": NodeEvent;
  /** Back to PENDING: an operator's verb lets it run again, once its upstreams are done (R34, R37). */
  "node:reset": NodeEvent;
  /** An attempt was dispatched. */
  "node:started": NodeEvent;
  /** A person approved (`belay.approval`); it has succeeded once as many as it asks for have. */
  "node:approved": NodeEvent & { readonly who: string; readonly approvedBy: readonly string[] };
  /** The action returned; a group succeeds with its members (R21). `output` is that of the snapshot. */
  "node:succeeded": NodeEvent & { readonly output: Json | undefined };
  /** The node FAILED: no further attempt follows by itself. `tolerated`: that does not fail the run. */
  "node:failed": NodeFailedEvent & { readonly tolerated: boolean };
  /** An attempt failed and another follows after `delayMs`, and after the compensation with `compensate-first`. */
  "node:retrying": NodeFailedEvent & { readonly delayMs: number };
  /** The node will not run, and counts as done. */
  "node:skipped": NodeEvent & { readonly reason: SkipReason };
  /**
   * An abort was asked; the node waits for the action to let go. `reason` is the code: TIMEOUT, HEARTBEAT_TIMEOUT,
   * TOTAL_TIMEOUT, RUN_TIMEOUT, CANCELED or KILLED.
   */
  "node:canceling": NodeEvent & { readonly reason: string };
  /** The node FAILED because an operator canceled it or the run; comes instead of `node:failed`. */
  "node:canceled": NodeFailedEvent;
  /**
   * An action answered after its attempt was aborted or had ended: the answer, of that `outcome`, does not count (R25).
   */
  "node:late": NodeEvent & { readonly outcome: Outcome };
  /** A group got its members, `members` of them (R23). */
  "node:expanded": NodeEvent & { readonly members: number };
  /** An attempt of the compensation was dispatched. */
  "node:compensating": NodeEvent;
  /** The compensation succeeded: the node is undone. */
  "node:compensated": NodeEvent;
  /** An attempt of the compensation failed and another follows after `delayMs`. */
  "node:compensation-retrying": NodeFailedEvent & { readonly delayMs: number };
  /** The compensation's last attempt failed (R32). */
  "node:compensation-failed": NodeFailedEvent;
  /** A line of `ctx.log`; `compensation` is there when the node's compensation said it, and `attempt` counts its own. */
  "node:log": NodeEvent & {
    readonly message: string;
    readonly details: Json | undefined;
    readonly compensation?: true;
  };
}

/** Name of an event. */
export type RunEventName = keyof RunEventMap;

/** One event with its name, as `run.events()` yields it. */
export type AnyRunEvent = { [K in RunEventName]: { readonly type: K } & RunEventMap[K] }[RunEventName];

/** The type makes a forgotten name a compile error. */
const NAMES: Readonly<Record<RunEventName, true>> = {
  "run:started": true,
  "run:paused": true,
  "run:resumed": true,
  "run:failed": true,
  "run:succeeded": true,
  "run:canceled": true,
  "run:abandoned": true,
  "run:rolling-back": true,
  "run:rolled-back": true,
  "run:partially-rolled-back": true,
  "run:rollback-failed": true,
  "run:retrying": true,
  "run:fault": true,
  "node:ready": true,
  "node:held": true,
  "node:reset": true,
  "node:started": true,
  "node:approved": true,
  "node:succeeded": true,
  "node:failed": true,
  "node:retrying": true,
  "node:skipped": true,
  "node:canceling": true,
  "node:canceled": true,
  "node:late": true,
  "node:expanded": true,
  "node:compensating": true,
  "node:compensated": true,
  "node:compensation-retrying": true,
  "node:compensation-failed": true,
  "node:log": true,
};

/** Every event's name, to listen to all of them. */
export const RUN_EVENT_NAMES: readonly RunEventName[] = Object.keys(NAMES) as RunEventName[];
