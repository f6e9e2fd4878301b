/** What to type about a run that could not be taken up. Pure. */
import type { BelayError } from "@belay/engine";
import { commandLine } from "../shell.ts";

/** The run that is meant. */
export interface RemedyFor {
  /** Its shortened id. */
  readonly run: string;
  /** The journal's file, as it was given. */
  readonly db: string;
  readonly rests: boolean;
}

/** One line: what to do, and the command where there is one. `rests`: the run waits for an operator. */
export function remedyFor({ code }: BelayError, { run, db, rests }: RemedyFor): string {
  const recover = (...words: readonly string[]): string => commandLine(["belay", "recover", "--db", db, ...words, run]);
  switch (code) {
    case "UNKNOWN_ACTION":
      return `give the module that has its actions: ${recover("--actions", "MODULE")}`;
    case "PLAN_INVALID":
      return `give what its plan names: ${recover("--pool", "NAME=N", "--plan", "FILE")}`;
    case "PLAN_CHANGED":
      return `give the version of the plan that it was started with, or none: ${recover()}`;
    case "INVALID_ARGUMENT":
      return `take it up by itself: ${recover()}`;
    case "SECRET_MISSING":
      return `give the key that sealed its secrets in BELAY_SECRET_KEY, then: ${recover()}`;
    case "ENVIRONMENT":
      if (rests) return `give it up: ${commandLine(["belay", "abandon", run, "--db", db])}`;
      return `give it up: ${commandLine(["belay", "cancel", run, "--db", db])}, then the same with abandon`;
    case "STATE_INVALID":
      return `wait until that process has ended, then: ${recover()}`;
    case "JOURNAL_CORRUPT":
      return "restore a backup of the file; what can be read of other runs can be exported: belay export";
    case "FENCED":
      return `another engine has it; look: ${commandLine(["belay", "show", run, "--db", db])}`;
    default:
      return `then: ${recover()}`;
  }
}
