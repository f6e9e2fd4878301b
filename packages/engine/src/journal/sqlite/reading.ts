/**
 * What can be read from a journal file, by its owner and by anyone else: runs, lists, requests, lines. Owns: the queries.
 * Nothing here writes. JOURNAL_CORRUPT for anything that is not what was written (J5, R45).
 * Cost: a run is read in one look-up for each of its batches; a list in one pass over the runs.
 */
import { BelayError } from "../../errors.ts";
import type { JournalRecord, LogLine, OperatorRequest, RequestAnswer, RunHeader, RunSummary } from "../port.ts";
import { readRecords } from "./batches.ts";
import type { Connection } from "./connection.ts";
import { corrupt } from "./failure.ts";
import {
  answerOf,
  headerOf,
  lineOf,
  lockRow,
  type RequestColumns,
  type RunRow,
  requestColumns,
  requestOf,
  runRow,
} from "./rows.ts";

/** The row of a run; undefined when there is none of that id. */
export function findRun(connection: Connection, runId: string): RunRow | undefined {
  const row = connection.get("select * from run where run_id = ?", runId);
  return row === undefined ? undefined : runRow(connection.file, row);
}

/** The row of a run by its number; JOURNAL_CORRUPT when another row names a run that is not there. */
export function runByNumber(connection: Connection, run: number): RunRow {
  const row = connection.get("select * from run where run = ?", run);
  if (row !== undefined) return runRow(connection.file, row);
  throw corrupt(connection.file, `run number ${run} is missing`, { run });
}

/** Header and records of a run, all of them or none. */
export function readRun(
  connection: Connection,
  runId: string,
): { readonly header: RunHeader; readonly records: readonly JournalRecord[] } | undefined {
  const found = findRun(connection, runId);
  if (found === undefined) return undefined;
  const header = headerOf(connection.file, runId, connection.get("select * from header where run = ?", found.run));
  return { header, records: readRecords(connection, found) };
}

/** All runs, oldest first. `alive` says whether what stands as owner is one. */
export function listRuns(connection: Connection, alive: boolean): RunSummary[] {
  const held = new Map<number, string[]>();
  for (const row of connection.all("select * from lock where held_by is not null order by resource")) {
    const { resource, heldBy } = lockRow(connection.file, row);
    held.set(heldBy as number, [...(held.get(heldBy as number) ?? []), resource]);
  }
  return connection.all("select * from run order by run").map((row) => {
    const run = runRow(connection.file, row);
    return summaryOf(run, held.get(run.run) ?? [], alive);
  });
}

function summaryOf(run: RunRow, locks: readonly string[], alive: boolean): RunSummary {
  const { parentRun, parentNode, parentAttempt } = run;
  const parent =
    parentRun === null || parentNode === null || parentAttempt === null
      ? null
      : { runId: parentRun, nodeId: parentNode, attempt: parentAttempt };
  return {
    runId: run.runId,
    planName: run.planName,
    planHash: run.planHash,
    clientToken: run.clientToken,
    parent,
    startedAt: run.startedAt,
    status: run.status,
    ended: run.ended,
    at: run.at,
    records: run.records,
    locks,
    owner: alive ? run.owner : null,
  };
}

/** A request by its id; undefined when nobody asked it. */
export function findRequest(connection: Connection, requestId: string): RequestColumns | undefined {
  const row = connection.get("select * from request where request_id = ?", requestId);
  return row === undefined ? undefined : requestColumns(connection.file, row);
}

/** What became of a request. Fails with NOT_FOUND for one that was never asked. */
export function readAnswer(connection: Connection, requestId: string): RequestAnswer | undefined {
  const found = findRequest(connection, requestId);
  if (found === undefined) throw new BelayError("NOT_FOUND", `no request ${requestId}`);
  return answerOf(found);
}

const OPEN_REQUESTS = `select request.* from request join run using (run)
  where request.answer is null and run.owner = ? order by request.number`;

/** Requests without an answer for runs of that engine, in the order of asking. */
export function openRequests(connection: Connection, engine: string): OperatorRequest[] {
  return connection.all(OPEN_REQUESTS, engine).map((row) => {
    const columns = requestColumns(connection.file, row);
    return requestOf(columns, runByNumber(connection, columns.run).runId);
  });
}

/** What was asked of a run from outside of the process that executes it. */
export interface AskedRequest {
  readonly request: OperatorRequest;
  /** What became of it; undefined while nothing has. */
  readonly answer: RequestAnswer | undefined;
}

/** All requests of a run, in the order of asking. */
export function readRequests(connection: Connection, runId: string): AskedRequest[] {
  const found = findRun(connection, runId);
  if (found === undefined) return [];
  const rows = connection.all("select * from request where run = ? order by number", found.run);
  return rows.map((row) => {
    const columns = requestColumns(connection.file, row);
    return { request: requestOf(columns, runId), answer: answerOf(columns) };
  });
}

/** The lines of a run, oldest first. */
export function readLines(connection: Connection, runId: string): LogLine[] {
  const found = findRun(connection, runId);
  if (found === undefined) return [];
  const rows = connection.all("select * from log where run = ? order by line", found.run);
  return rows.map((row) => lineOf(connection.file, runId, row));
}
