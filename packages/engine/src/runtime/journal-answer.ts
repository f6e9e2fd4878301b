/** What a write to the journal answers, and what its refusal means for the run (R39, R44). Owns: telling the two faults apart. */
import { BelayError, type ErrorCode } from "../errors.ts";

/** Another owner is told apart from a medium that refuses (R44). */
export function journalFault(error: unknown): ErrorCode {
  return error instanceof BelayError && error.code === "FENCED" ? "FENCED" : "JOURNAL_FAILED";
}

/** Whether the answer is still to come. */
export function isThenable(value: unknown): value is Promise<void> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}
