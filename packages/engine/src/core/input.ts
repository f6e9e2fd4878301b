/**
 * Inputs of the core: everything that can happen to a run, as data. The journal stores exactly these, so the state is
 * a replay of them (R42, R50). Payloads (outputs, errors, items) travel beside them: the core decides without them.
 *
 * `at` is epoch milliseconds, read once by the host when the input arose; the core has no clock.
 * `node` is a node number: 0..size-1 as declared, from `size` on the members of groups in the order of expansion.
 */
import type { DeadlineKind } from "./command.ts";

/** How an attempt ended, as codes: R27. */
export const OutcomeCode = { NONE: 0, SUCCEEDED: 1, FAILED: 2, UNKNOWN: 3 } as const;

/** `attempt * OUTCOME_SPAN + outcome` packs both into one column of a command. */
export const OUTCOME_SPAN = 4;

export type Input =
  /** The run begins. */
  | { readonly kind: "start"; readonly at: number }
  /** `count` slots of a pool are free for this run: start that many, best first (R11). */
  | { readonly kind: "grant"; readonly at: number; readonly pool: number; readonly count: number }
  /** Answer to `resolve`: the condition's value and, for a group, how many members. */
  | {
      readonly kind: "resolved";
      readonly at: number;
      readonly node: number;
      readonly verdict: "run" | "skip" | "fail";
      readonly members: number;
    }
  /** The action answered. For an attempt that was aborted or is over, that is a late answer: it only let go (R25, R26). */
  | { readonly kind: "succeeded"; readonly at: number; readonly node: number; readonly attempt: number }
  | {
      readonly kind: "failed";
      readonly at: number;
      readonly node: number;
      readonly attempt: number;
      readonly retryable: boolean;
    }
  /** The process that ran the attempt is gone and nobody can tell what came of it: outcome unknown, no retry (R42). */
  | { readonly kind: "lost"; readonly at: number; readonly node: number; readonly attempt: number }
  /** The compensation answered; `attempt` counts the attempts of the compensation. */
  | { readonly kind: "undone"; readonly at: number; readonly node: number; readonly attempt: number }
  | {
      readonly kind: "undo-failed";
      readonly at: number;
      readonly node: number;
      readonly attempt: number;
      readonly retryable: boolean;
    }
  /** A deadline passed. `token` names the one that was armed: a stale one changes nothing. */
  | {
      readonly kind: "due";
      readonly at: number;
      readonly deadline: DeadlineKind;
      readonly node: number;
      readonly token: number;
    }
  | { readonly kind: "retry"; readonly at: number; readonly node: number }
  | { readonly kind: "skip"; readonly at: number; readonly node: number }
  | { readonly kind: "cancel"; readonly at: number; readonly node: number }
  | {
      readonly kind: "rollback";
      readonly at: number;
      readonly scope: "all" | "barrier" | "node";
      readonly node: number;
    }
  | { readonly kind: "skip-rollback"; readonly at: number; readonly node: number }
  /** One person approved; `enough`: with those before, as many as the node asks for. */
  | { readonly kind: "approve"; readonly at: number; readonly node: number; readonly enough: boolean }
  | { readonly kind: "reject"; readonly at: number; readonly node: number }
  | { readonly kind: "signal"; readonly at: number; readonly node: number }
  | { readonly kind: "pause"; readonly at: number }
  | { readonly kind: "resume"; readonly at: number }
  | { readonly kind: "abandon"; readonly at: number };

/** An answer of an action or of its compensation, by the attempt it is of. */
export interface Answer {
  readonly node: number;
  readonly attempt: number;
  /** Of a failure: another attempt may follow. */
  readonly retryable?: boolean;
}

/** `node` of verbs that mean the whole run. */
export const WHOLE_RUN = -1;
