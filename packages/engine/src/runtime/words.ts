/** Words for the core's codes, as people, events and failures see them. Owns: one table per kind of code. */
import { Cause, OutcomeCode, SkipCode } from "../core/index.ts";
import type { Outcome, SkipReason } from "./api.ts";

/** How an attempt ended (R27); none for one that has not ended. */
export const OUTCOMES: Readonly<Record<number, Outcome>> = {
  [OutcomeCode.SUCCEEDED]: "succeeded",
  [OutcomeCode.FAILED]: "failed",
  [OutcomeCode.UNKNOWN]: "unknown",
};

/** Why a node is SKIPPED; none for one that is not. */
export const SKIP_REASONS: Readonly<Record<number, SkipReason>> = {
  [SkipCode.CONDITION]: "condition",
  [SkipCode.UPSTREAM]: "upstream",
  [SkipCode.EMPTY]: "empty",
  [SkipCode.SUPERSEDED]: "superseded",
  [SkipCode.OPERATOR]: "operator",
};

/** Why an attempt was stopped: the code of its failure, of `node:canceling` and of its signal's reason. */
export const STOP_CODES: Readonly<Record<number, string>> = {
  [Cause.TIMEOUT]: "TIMEOUT",
  [Cause.HEARTBEAT]: "HEARTBEAT_TIMEOUT",
  [Cause.TOTAL]: "TOTAL_TIMEOUT",
  [Cause.CANCEL]: "CANCELED",
  [Cause.RUN_TIMEOUT]: "RUN_TIMEOUT",
  [Cause.KILL]: "KILLED",
};
