/**
 * What embedders see of previews (R38): a verb as data, and what it would do. Owns: the shapes and their meaning; how the
 * answer is found is in `preview-answer.ts`. All of it is plain data; nodes are named as in snapshots, a member `g[0]`.
 */
import type { RunStatus } from "../core/run-state.ts";
import type { ErrorCode } from "../errors.ts";
import type { Json } from "../plan/document.ts";
import type { Outcome, SkipReason, VerbOptions } from "./api.ts";

/** A verb of `Run` with its arguments, by the name of its method; `who`, `why` and `requestId` may stand beside them. */
export type VerbRequest = VerbOptions &
  (
    | { readonly verb: "retry" | "cancel"; readonly node?: string }
    | { readonly verb: "skip" | "signal"; readonly node: string; readonly output?: Json }
    | { readonly verb: "skipRollback"; readonly node: string }
    | { readonly verb: "rollback"; readonly to?: string }
    | { readonly verb: "approve" | "reject"; readonly node: string; readonly who: string }
    | { readonly verb: "pause" | "resume" | "abandon" }
  );

/** The error a verb would reject with, as data: what `BelayError` has. */
export interface PreviewRefusal {
  readonly code: ErrorCode;
  readonly message: string;
  /** As in `BelayError.details`: `allowedIn`, `nodes`, ... */
  readonly details: Readonly<Record<string, unknown>>;
}

/** A call that would be made. */
export interface PreviewStep {
  readonly node: string;
  /** Registered name of the action that would be called. */
  readonly action: string;
  /** Number of the attempt, as `runTime` counts: above 1, the node has run before. A compensation counts its own. */
  readonly attempt: number;
  /**
   * 1 = at once, n = when calls of n - 1 have ended, if every call took equally long and there were slots for all; the wait
   * before a further attempt counts like a call. Calls of one wave run at the same time. Waves count over `run` and
   * `compensate` together.
   */
  readonly wave: number;
}

/** A compensation that would be called. */
export interface PreviewUndo extends PreviewStep {
  /** How the last attempt of what is undone ended; unknown = nobody can say whether it has taken effect. */
  readonly outcome: Outcome;
}

/**
 * Why a started node would stay as it is: it is a point of no return itself (`prohibitRollback`) or above one (R34), not
 * below the node of `to` (R35); it has no compensation, or one that covers successes only (R31); its compensation has failed
 * and is not tried again, or that of a node below has (R32); an operator has passed it with skip-rollback, or would
 * abandon the run.
 */
export type LeaveReason =
  | "point-of-no-return"
  | "above-point-of-no-return"
  | "outside-of-scope"
  | "no-compensation"
  | "covers-successes-only"
  | "compensation-failed"
  | "above-failed-compensation"
  | "passed"
  | "abandoned";

/** A node that has taken effect, or may have, and would not be undone. */
export interface PreviewLeave {
  readonly node: string;
  /** Why. */
  readonly reason: LeaveReason;
  /** How its last attempt ended. */
  readonly outcome: Outcome;
}

/** A node about which nothing can be said: nor about what follows from it. */
export interface PreviewUndecided {
  readonly node: string;
  /** Ids whose outputs its condition, or its list, reads: they would have to run first. */
  readonly reads: readonly string[];
  /** A sentence for people. */
  readonly reason: string;
}

/**
 * What a verb would do if it were asked now, and what would follow from it if every attempt and every compensation
 * succeeded, attempts that are aborted let go at once, and no deadline passed. Lists are in the order of the plan unless
 * they say otherwise; empty when the verb would be refused.
 */
export interface Preview {
  /** What the verb would reject with; null = it would be carried out. */
  readonly refused: PreviewRefusal | null;
  /** Status of the run right after the verb. */
  readonly status: RunStatus;
  /** Where the run would come to rest; null = that depends on `undecided`. */
  readonly finalStatus: RunStatus | null;
  /** Attempts that would be started, in the order of dispatch; what would go on without the verb is among them. */
  readonly run: readonly PreviewStep[];
  /** Compensations that would be called, in the order of dispatch. */
  readonly compensate: readonly PreviewUndo[];
  /** Attempts in flight that would be aborted. What they were doing may or may not take effect (R26). */
  readonly abort: readonly string[];
  /** Attempts and compensations in flight that would go on to their end. */
  readonly finish: readonly string[];
  /**
   * Nodes that would end FAILED or COMPENSATION_FAILED, in order: rejected, canceled, or out of time already. A group is
   * named if it fails as a whole.
   */
  readonly fail: readonly string[];
  /** Nodes that would be SKIPPED, in order. */
  readonly skip: readonly { readonly node: string; readonly reason: SkipReason }[];
  /** Started nodes whose effects would stay, when the run would roll back or be abandoned; reading nodes have none. */
  readonly leave: readonly PreviewLeave[];
  /** Prohibiting nodes that have started by now (R33). */
  readonly pointsOfNoReturn: readonly string[];
  /** Prohibiting nodes that would start: a plain rollback would be refused from then on. */
  readonly crosses: readonly string[];
  /** Approvals and signals the run would wait for on its way; that they come is taken for granted. */
  readonly awaits: readonly string[];
  /** Nodes that would stay READY, or to be compensated, while the run is PAUSED: they go on with `resume`. */
  readonly afterResume: readonly string[];
  /** Where the answer ends: conditions and lists that read outputs which are not known yet. */
  readonly undecided: readonly PreviewUndecided[];
  /** Resources whose locks would be released once the run has come to `finalStatus` (R40). */
  readonly locksReleased: readonly string[];
}
