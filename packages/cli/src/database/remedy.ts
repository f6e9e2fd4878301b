/** What is said of a run that could not be taken up, and what to type about it. Pure. */
import type { BelayError } from "@belay/engine";
import type { RunSummary } from "@belay/engine/journal";
import { commandLine } from "../shell.ts";

/** The run that is meant. */
export interface RemedyFor {
  /** Its shortened id. */
  readonly run: string;
  /** The journal's file, as it was given. */
  readonly db: string;
  /** The verb that was typed, with its node and where to; undefined = the run was to be recovered. */
  readonly verb: readonly [word: string, ...more: string[]] | undefined;
}

/** Why it was not taken up, in words of the command line. */
export function refusalText({ code, message, details }: BelayError): string {
  if (code !== "SECRET_MISSING") return message;
  const names = (details["missing"] ?? []) as readonly string[];
  return `its secrets were sealed with a key that is not here: ${names.join(", ")}`;
}

/** One line: what to do, and the command where there is one. */
export function remedyFor({ code, details }: BelayError, { run, db, verb }: RemedyFor): string {
  const again = (...words: readonly string[]): string => {
    if (verb === undefined) return commandLine(["belay", "recover", "--db", db, ...words, run]);
    const [word, ...more] = verb;
    return commandLine(["belay", word, run, ...more, ...words, "--db", db]);
  };
  const giveUp = `give it up: ${commandLine(["belay", "abandon", run, "--db", db])}`;
  switch (code) {
    case "UNKNOWN_ACTION":
      return `give the module that has its actions: ${again("--actions", "MODULE")}`;
    case "PLAN_INVALID":
      return `give what its plan names: ${again("--pool", "NAME=N", "--plan", "FILE")}`;
    case "PLAN_CHANGED":
      return `give the version of the plan that it was started with, or none: ${again()}`;
    case "INVALID_ARGUMENT":
      // Of secrets it says itself what is wrong with them.
      return details["missing"] === undefined ? `take it up by itself: ${again()}` : `then: ${again()}`;
    case "SECRET_MISSING":
      return (
        `give the key that sealed its secrets in BELAY_SECRET_KEY, or their values in a file (a mapping by these names; - is the ` +
        `standard input): ${again("--secrets", "FILE")}; or ${giveUp}`
      );
    case "ENVIRONMENT":
      return giveUp;
    case "STATE_INVALID":
      return `wait until that process has ended, then: ${again()}`;
    case "JOURNAL_CORRUPT":
      return "restore a backup of the file; what can be read of other runs can be exported: belay export";
    case "FENCED":
      return `another engine has it; look: ${commandLine(["belay", "show", run, "--db", db])}`;
    default:
      return `then: ${again()}`;
  }
}

/** Whether the run's process ended in the midst of it: nobody executes it, and it does not rest. */
export function isCutOff({ status, owner, ended }: RunSummary): boolean {
  return !ended && owner === null && (status === "RUNNING" || status === "ROLLING_BACK");
}

/** What is said of a verb that a run refuses because it was cut off. */
export function cutOffRemedy(word: string, { status }: RunSummary, { run, db }: Omit<RemedyFor, "verb">): string {
  const cut = `run ${run} was cut off while it was ${status}, and nobody executes it`;
  if (word === "abandon")
    return `${cut}; it is stopped there first: ${commandLine(["belay", "abandon", run, "--db", db])}`;
  return `${cut}; let it go on first, to where it allows ${word}: ${commandLine(["belay", "recover", "--db", db, run])}`;
}
