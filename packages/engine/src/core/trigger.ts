/**
 * Triggers (R12): pure, monotone functions of the upstreams' states. The multiset is kept as counters per node, so the
 * order of arrival cannot matter; every counter only grows until an operator retries a node, which recounts them all.
 */
import { TriggerCode as TriggerCodeTable } from "../plan/compiled.ts";

// Constants of this module: what is imported is looked up and checked anew at every use.
const TriggerCode = TriggerCodeTable;

/** What a node knows of its upstreams. A group counts as one upstream; its members decide `succeeded` and `failed`. */
export interface UpstreamCounts {
  /** Number of upstreams. */
  readonly total: number;
  /** Upstreams that are not finished. */
  readonly waiting: number;
  /** Upstreams with at least one success. */
  readonly succeeded: number;
  /** Upstreams with at least one failure, tolerated ones included. */
  readonly failed: number;
  /** Finished upstreams in which not everything failed. */
  readonly spared: number;
  /** Finished upstreams whose failure fails the run. */
  readonly blocking: number;
}

/** `holds`: may start. `never`: can no longer hold. `blocked`: cannot hold unless an operator retries (R14). */
export type TriggerVerdict = "wait" | "holds" | "never" | "blocked";

/** Triggers that accept failures start even while a failure holds everything else (R14). */
export function acceptsFailure(trigger: number): boolean {
  return (
    trigger === TriggerCode.ALL_FINISHED || trigger === TriggerCode.ANY_FAILED || trigger === TriggerCode.ALL_FAILED
  );
}

/** `all_succeeded`, by itself: what most nodes wait for. */
export function decideAllSucceeded(waiting: number, blocking: number): TriggerVerdict {
  if (blocking > 0) return "blocked";
  return waiting === 0 ? "holds" : "wait";
}

/** Decides a trigger. `wait` until the counts suffice, then for ever the same answer. */
export function decideTrigger(trigger: number, counts: UpstreamCounts): TriggerVerdict {
  const { total, waiting, succeeded, failed, spared, blocking } = counts;
  switch (trigger) {
    case TriggerCode.ALL_SUCCEEDED:
      return decideAllSucceeded(waiting, blocking);
    case TriggerCode.ALL_FINISHED:
      return waiting === 0 ? "holds" : "wait";
    case TriggerCode.ANY_SUCCEEDED:
      if (succeeded > 0) return "holds";
      if (waiting > 0) return "wait";
      return blocking > 0 ? "blocked" : "never";
    case TriggerCode.ANY_FAILED:
      if (failed > 0) return "holds";
      return waiting === 0 ? "never" : "wait";
    case TriggerCode.ALL_FAILED:
      if (spared > 0 || total === 0) return "never";
      return waiting === 0 ? "holds" : "wait";
    default:
      if (blocking > 0) return "blocked";
      if (waiting > 0) return "wait";
      return failed > 0 ? "never" : "holds";
  }
}
