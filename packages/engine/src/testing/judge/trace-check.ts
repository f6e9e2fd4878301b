/**
 * Judges a whole trace: pure checks of (plan document, trace, snapshot at rest) against the contract, each message citing
 * its rule. Owns: what a caller may leave out. The checks are `judge.ts`'s.
 */
import type { PlanDocument } from "../../plan/document.ts";
import type { RunSnapshot } from "../../runtime/api.ts";
import { Judge } from "./judge.ts";
import type { Violation } from "./plan-model.ts";
import type { RollbackScope } from "./run-story.ts";
import type { TraceEntry } from "./trace.ts";

export interface TraceToCheck {
  readonly document: PlanDocument;
  /** All of it, from the start of the run. */
  readonly trace: readonly TraceEntry[];
  /** Taken when the run rested after the last entry; absent: only the trace is judged. */
  readonly snapshot?: RunSnapshot;
  /** The engine ran one attempt at a time, so that R11 alone decides what starts. Default false. */
  readonly serial?: boolean;
  /** Scope of the last rollback; default: what the trace's verbs say, or "barrier" when the plan rolls back by itself (R34), else "all". */
  readonly scope?: RollbackScope;
  /** Nodes passed by `skipRollback`. */
  readonly skippedRollbacks?: readonly string[];
}

/** Everything that is wrong with the trace, in order; empty = every rule held. */
export function checkTrace(options: TraceToCheck): Violation[] {
  const { document, trace, snapshot, scope, skippedRollbacks = [] } = options;
  const judge = new Judge(document, (pool) => (options.serial === true && pool === "" ? 1 : Number.POSITIVE_INFINITY));
  if (!trace.some(({ kind }) => kind === "verb")) judge.story.withoutVerbs(scope, skippedRollbacks);
  for (const entry of trace) judge.entry(entry);
  judge.ends();
  if (snapshot !== undefined) judge.rests(snapshot, scope);
  return judge.violations;
}

/** Throws an error that lists every violation, the rules first, then the trace. */
export function assertTrace(options: TraceToCheck): void {
  const violations = checkTrace(options);
  if (violations.length === 0) return;
  const told = options.trace.map((entry) => JSON.stringify(entry.kind === "event" ? entry.event : entry));
  throw new Error([...violations.map((violation) => violation.message), "trace:", ...told].join("\n"));
}
