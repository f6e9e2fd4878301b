/**
 * What the process answers to the shell. Owns: the table from a run's status to an exit code. The codes are part of the
 * command's contract: scripts decide by them.
 */
import type { RunStatus } from "@belay/engine";

export const ExitCode = {
  OK: 0,
  /** The run failed, or rests without having ended: FAILED, PAUSED, CANCELED, ABANDONED; also faults of our own. */
  FAILED: 1,
  /** Bad usage, or a plan, parameters or actions that were refused: nothing ran. */
  REFUSED: 2,
  /** ROLLED_BACK or PARTIALLY_ROLLED_BACK: it failed, and what could be undone is undone. */
  ROLLED_BACK: 3,
  ROLLBACK_FAILED: 4,
  /** Ctrl-C, SIGTERM or SIGHUP, whatever the run's status then was. */
  INTERRUPTED: 130,
} as const;

/** Values of `ExitCode`. */
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

const BY_STATUS: Readonly<Record<RunStatus, ExitCode>> = {
  SUCCESSFUL: ExitCode.OK,
  FAILED: ExitCode.FAILED,
  PAUSED: ExitCode.FAILED,
  CANCELED: ExitCode.FAILED,
  ABANDONED: ExitCode.FAILED,
  ROLLED_BACK: ExitCode.ROLLED_BACK,
  PARTIALLY_ROLLED_BACK: ExitCode.ROLLED_BACK,
  ROLLBACK_FAILED: ExitCode.ROLLBACK_FAILED,
  // A moving run has no answer yet; one that stopped there (an engine fault) has failed.
  RUNNING: ExitCode.FAILED,
  ROLLING_BACK: ExitCode.FAILED,
};

/** The exit code of a run that came to rest. */
export function exitCodeOf(status: RunStatus): ExitCode {
  return BY_STATUS[status];
}

/** The worse, the earlier. */
const BY_WEIGHT: readonly ExitCode[] = [
  ExitCode.INTERRUPTED,
  ExitCode.ROLLBACK_FAILED,
  ExitCode.FAILED,
  ExitCode.REFUSED,
  ExitCode.ROLLED_BACK,
  ExitCode.OK,
];

/** One exit code for several runs: the worst of theirs; OK for none. */
export function worstOf(codes: readonly ExitCode[]): ExitCode {
  return BY_WEIGHT.find((code) => codes.includes(code)) ?? ExitCode.OK;
}
