/**
 * What is checked before a journal file is used. Owns: how far each user looks.
 *
 * An engine, which will write, looks at all of the structure: `integrity_check`, since a damaged free list would let the
 * next write go over records, and a damaged index would hide a run, a lock or a client token. Somebody who reads looks at
 * the small tables, and at the log when asked for lines. What rows say is told by their CRCs: of the small tables at once,
 * of a run's records when that is read.
 */
import type { Connection } from "./connection.ts";
import { corrupt } from "./failure.ts";
import { lockRow, requestColumns, runRow } from "./rows.ts";
import { checkSchema, MIGRATIONS } from "./schema.ts";

/** Fails with JOURNAL_CORRUPT unless the structure of a file of that version is what was written: before it is changed. */
export function checkStructure(connection: Connection, version: number): void {
  checkSchema(connection, MIGRATIONS.slice(0, version));
  report(connection, "integrity_check(1)");
}

/** Fails with JOURNAL_CORRUPT unless the whole structure and every row of the small tables are what was written. */
export function checkAll(connection: Connection): void {
  checkSchema(connection);
  report(connection, "integrity_check(1)");
  checkRows(connection);
}

/** The same for what tells which runs, locks and requests there are: as much as an answer of "not there" needs. */
export function checkSmallTables(connection: Connection): void {
  checkSchema(connection);
  for (const table of ["run", "lock", "request"]) report(connection, `integrity_check(${table})`);
  checkRows(connection);
}

/** The same for the log, which may be large: before its lines are told. */
export function checkLog(connection: Connection): void {
  report(connection, "integrity_check(log)");
}

function report(connection: Connection, pragma: string): void {
  const found = connection.pragma(pragma);
  if (found !== "ok") throw corrupt(connection.file, `its structure is damaged (${String(found)})`);
}

function checkRows(connection: Connection): void {
  const { file } = connection;
  const held = new Map<number, number>();
  for (const row of connection.all("select * from lock")) {
    const { heldBy } = lockRow(file, row);
    if (heldBy !== null) held.set(heldBy, (held.get(heldBy) ?? 0) + 1);
  }
  const runs = new Set<number>();
  for (const row of connection.iterate("select * from run")) {
    const { run, runId, locks } = runRow(file, row);
    runs.add(run);
    const found = held.get(run) ?? 0;
    held.delete(run);
    if (found !== locks) throw corrupt(file, `run ${runId} holds ${found} locks, and should hold ${locks}`, { runId });
  }
  for (const run of held.keys()) throw corrupt(file, `run number ${run} holds locks and is missing`, { run });
  for (const row of connection.iterate("select * from request")) {
    const { run, requestId } = requestColumns(file, row);
    if (!runs.has(run)) throw corrupt(file, `the run of request ${requestId} is missing`, { requestId });
  }
}
