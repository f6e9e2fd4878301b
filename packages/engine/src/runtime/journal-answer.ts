/** What a write to the journal answers, and what its refusal means for the run (R39, R44). Owns: telling the faults apart. */
import { BelayError, type ErrorCode } from "../errors.ts";

/** Codes that a write fails with for a reason of its own; everything else is a medium that refuses. */
const TOLD: ReadonlySet<ErrorCode> = new Set<ErrorCode>(["FENCED", "JOURNAL_CORRUPT"]);

/** Another owner (R44), and records that are not what was written (R45), are told apart from a medium that refuses. */
export function journalFault(error: unknown): ErrorCode {
  return error instanceof BelayError && TOLD.has(error.code) ? error.code : "JOURNAL_FAILED";
}

/** Faults after which the run may be taken up again once the journal is well. */
export const JOURNAL_FAULTS: ReadonlySet<string> = new Set<ErrorCode>(["JOURNAL_FAILED", "JOURNAL_CORRUPT"]);

/** Whether the answer is still to come. */
export function isThenable(value: unknown): value is Promise<void> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}
