/**
 * Rows of `run` as a connection last wrote them, for runs that have an owner and go on: an append needs no look at its run's
 * row, which nobody but the file's one owner changes (J3). Owns: what is remembered, and for how long.
 *
 * Right as long as a connection whose transaction has failed is not used again (`group-commit.ts`): what it remembers may
 * not be in the file, and is gone with it.
 */
import type { Connection } from "./connection.ts";
import { fixedRunCrc, type RunRow } from "./rows.ts";

/** A row, and the part of its CRC that never changes. */
export interface WrittenRun {
  readonly row: RunRow;
  /** `fixedRunCrc` of the row. */
  readonly fixedCrc: number;
}

const WRITTEN = new WeakMap<Connection, Map<string, WrittenRun>>();

/** The row as this connection wrote it; undefined when the file has to be asked. */
export function lastWritten(connection: Connection, runId: string): WrittenRun | undefined {
  return WRITTEN.get(connection)?.get(runId);
}

/** The row was written; one of a run that nobody writes to any more is forgotten. */
export function rememberRun(connection: Connection, row: RunRow, fixedCrc: number = fixedRunCrc(row)): void {
  if (row.owner === null || row.ended) {
    forgetRun(connection, row.runId);
    return;
  }
  let runs = WRITTEN.get(connection);
  if (runs === undefined) {
    runs = new Map();
    WRITTEN.set(connection, runs);
  }
  runs.set(row.runId, { row, fixedCrc });
}

/** The run has ended, is nobody's, or is gone. */
export function forgetRun(connection: Connection, runId: string): void {
  WRITTEN.get(connection)?.delete(runId);
}
