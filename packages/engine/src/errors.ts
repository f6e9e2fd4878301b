/**
 * Errors of the engine. Owns: the one error class, its closed union of codes, the marker an action throws to end its
 * attempts. Does not own: expected outcomes, which are data (`Diagnostic[]` for plans, `NodeFailure` for attempts).
 */

/** Every code a `BelayError` can carry. Misuse and environment only: an action that fails is a `NodeFailure`. */
export type ErrorCode =
  /** The plan has errors; `details.diagnostics` lists all of them (R1). */
  | "PLAN_INVALID"
  /** The run's parameters do not fit the plan's `params`, its lists or its `locks`; `details.diagnostics` (R3). */
  | "PARAMS_INVALID"
  /** The plan names an action nobody registered; `details.diagnostics` (R3). */
  | "UNKNOWN_ACTION"
  /** An engine option or a call's argument is wrong. */
  | "INVALID_ARGUMENT"
  /** No run, or no node of the run, has that id. */
  | "NOT_FOUND"
  /** The verb makes no sense in the present state; `details.allowedIn` says which states allow it (R37). */
  | "STATE_INVALID"
  /** A started node prohibits rollback; `details.nodes` names them (R33). */
  | "ROLLBACK_PROHIBITED"
  /** That person may not do this; `details.approvers` may (R37). */
  | "FORBIDDEN"
  /** Another run holds one of the plan's locks; `details.resource`, `details.heldBy` (R40). */
  | "LOCKED"
  /** The client token was used for another request (R43). */
  | "IDEMPOTENT_PARAMETER_MISMATCH"
  /** The journal refused or lost a write; the run stops and nothing more of it starts (R39). */
  | "JOURNAL_FAILED"
  /** The journal serves another engine, and can serve but one; `details.owner` names it (R44). */
  | "JOURNAL_IN_USE"
  /** What the journal holds is not what was written; `details` say where. Nothing is made of it (R45). */
  | "JOURNAL_CORRUPT"
  /** Another engine owns the run by now: this one writes nothing more to it (R44). */
  | "FENCED"
  /** The run's secrets were sealed with another key; `details.missing` names them, the message both remedies (R46). */
  | "SECRET_MISSING"
  /** A run follows the plan it was started with, and this is another; `details` list the nodes that differ (R5). */
  | "PLAN_CHANGED"
  /** The machine lacks something: a binary, a port, a user; the message says which and the remedy. */
  | "ENVIRONMENT"
  /** The engine is closed, or the run has stopped on a fault (`RunSnapshot.fault`). */
  | "CLOSED"
  /** A bug of the engine: an invariant did not hold. The message starts with the rule. */
  | "INTERNAL";

/** Thrown for misuse and environment failures. `code` is stable, `message` is for people, `details` for programs. */
export class BelayError extends Error {
  override readonly name = "BelayError";
  /** What went wrong, for programs. */
  readonly code: ErrorCode;
  /** Facts behind the message, by the names that `ErrorCode` lists for each code; empty when there are none. */
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, details: Record<string, unknown> = {}, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.details = details;
  }
}

/**
 * Thrown by an action to end its attempts: whatever `retry` says, the node fails now. In a compensation it ends the
 * attempts of the compensation.
 */
export class NonRetryable extends Error {
  override readonly name = "NonRetryable";
  /** Becomes `NodeFailure.code`; default "NON_RETRYABLE". */
  readonly code: string;
  /** Becomes `NodeFailure.details` when it is JSON; anything else is left out. */
  readonly details: unknown;

  constructor(message: string, options: { code?: string; details?: unknown; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = options.code ?? "NON_RETRYABLE";
    this.details = options.details;
  }
}

/** Fails with INTERNAL when an invariant of ours does not hold. `rule` starts with the rule's number: "R10: ...". */
export function assert(condition: unknown, rule: string): asserts condition {
  if (!condition) throw new BelayError("INTERNAL", rule);
}
