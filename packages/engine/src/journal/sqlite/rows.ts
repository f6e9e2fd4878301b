/**
 * Rows and what they mean: columns to the port's words and back, each row with a CRC-32 over its content and place (R45).
 * Owns: which columns a CRC covers. Every function that reads a row fails with JOURNAL_CORRUPT for one whose CRC is not its
 * own; nobody else looks at a column of a row that was not checked here.
 */
import { crc32 } from "node:zlib";
import type { RunStatus } from "../../core/run-state.ts";
import type { BelayError } from "../../errors.ts";
import type { Json } from "../../plan/document.ts";
import type { LogLine, OperatorRequest, RequestAnswer, RunHeader } from "../port.ts";
import type { Row } from "./connection.ts";
import { corrupt } from "./failure.ts";

/** Columns of `run` that change together; `run` itself is the place. */
export interface RunRow {
  /** Number of the run in this file, growing with its creation. */
  readonly run: number;
  readonly runId: string;
  readonly planName: string;
  readonly planHash: string;
  readonly clientToken: string | null;
  readonly requestHash: string;
  readonly parentRun: string | null;
  readonly parentNode: string | null;
  readonly parentAttempt: number | null;
  readonly startedAt: number;
  readonly status: RunStatus;
  readonly ended: boolean;
  readonly at: number;
  /** How many records it has. */
  readonly records: number;
  /** How many locks it holds. */
  readonly locks: number;
  readonly epoch: number;
  readonly owner: string | null;
  /** Place of its last batch of records; null when it has none. */
  readonly last: number | null;
}

/**
 * CRC-32 of columns, told apart by kind and length. Half a surrogate pair counts as the U+FFFD that SQLite keeps of it.
 */
function crcOf(...columns: readonly (string | number | boolean | null)[]): number {
  return crcAfter(0, columns);
}

/** Goes on from the CRC of the columns before: the same as that of all of them. */
export function crcAfter(before: number, columns: readonly (string | number | boolean | null)[]): number {
  let text = "";
  for (const column of columns) text += typeof column === "string" ? `"${column.length}:${column}` : `${column};`;
  return crc32(text, before);
}

/** CRC-32 of the columns that stay the same for as long as the run is there. */
export function fixedRunCrc(row: RunRow): number {
  return crcOf(
    row.run,
    row.runId,
    row.planName,
    row.planHash,
    row.clientToken,
    row.requestHash,
    row.parentRun,
    row.parentNode,
    row.parentAttempt,
    row.startedAt,
  );
}

/** CRC-32 of a row of `run`; `fixed` is its `fixedRunCrc`, where that is known. */
export function runCrc(row: RunRow, fixed: number = fixedRunCrc(row)): number {
  return crcAfter(fixed, [row.status, row.ended, row.at, row.records, row.locks, row.epoch, row.owner, row.last]);
}

/** A row of `run`, checked. */
export function runRow(file: string, row: Row): RunRow {
  const found = runColumns(row);
  if (row["crc"] === runCrc(found)) return found;
  throw runDamaged(file, found.runId);
}

/** The row of a run is not what was written. */
export function runDamaged(file: string, runId: string): BelayError {
  return corrupt(file, `the row of run ${String(runId)} is damaged`, { runId, table: "run" });
}

/** A row of `run`, before its CRC is looked at. */
export function runColumns(row: Row): RunRow {
  return {
    run: row["run"] as number,
    runId: row["run_id"] as string,
    planName: row["plan_name"] as string,
    planHash: row["plan_hash"] as string,
    clientToken: row["client_token"] as string | null,
    requestHash: row["request_hash"] as string,
    parentRun: row["parent_run"] as string | null,
    parentNode: row["parent_node"] as string | null,
    parentAttempt: row["parent_attempt"] as number | null,
    startedAt: row["started_at"] as number,
    status: row["status"] as RunStatus,
    ended: row["ended"] === 1,
    at: row["at"] as number,
    records: row["records"] as number,
    locks: row["locks"] as number,
    epoch: row["epoch"] as number,
    owner: row["owner"] as string | null,
    last: row["last"] as number | null,
  };
}

/** A run that is being created, without its number. */
export function newRun(header: RunHeader, engine: string, locks: number): Omit<RunRow, "run"> {
  return {
    runId: header.runId,
    planName: header.document.name,
    planHash: header.planHash,
    clientToken: header.clientToken,
    requestHash: header.requestHash,
    parentRun: header.parent?.runId ?? null,
    parentNode: header.parent?.nodeId ?? null,
    parentAttempt: header.parent?.attempt ?? null,
    startedAt: header.at,
    status: "RUNNING",
    ended: false,
    at: header.at,
    records: 0,
    locks,
    epoch: 1,
    owner: engine,
    last: null,
  };
}

/** CRC-32 of a run's header. */
export function headerCrc(runId: string, text: string): number {
  return crc32(`${runId}\n${text}`);
}

/** A header, checked. */
export function headerOf(file: string, runId: string, row: Row | undefined): RunHeader {
  const text = String(row?.["header"]);
  if (row !== undefined && row["crc"] === headerCrc(runId, text)) return JSON.parse(text) as RunHeader;
  throw corrupt(file, `the header of run ${runId} is ${row === undefined ? "missing" : "damaged"}`, { runId });
}

/** A lock, held or not. */
export interface LockRow {
  readonly resource: string;
  /** Number of the run that holds it; null when it is free. */
  readonly heldBy: number | null;
  /** The last token granted. */
  readonly token: number;
}

/** CRC-32 of a row of `lock`. */
export function lockCrc({ resource, heldBy, token }: LockRow): number {
  return crcOf(resource, heldBy, token);
}

/** A row of `lock`, checked. */
export function lockRow(file: string, row: Row): LockRow {
  const resource = row["resource"] as string;
  const found: LockRow = { resource, heldBy: row["held_by"] as number | null, token: row["token"] as number };
  if (row["crc"] === lockCrc(found)) return found;
  throw corrupt(file, `the lock "${resource}" is damaged`, { resource, table: "lock" });
}

/** A request as its columns. */
export interface RequestColumns {
  /** Number of the run it is for. */
  readonly run: number;
  readonly requestId: string;
  readonly verb: string;
  readonly args: string;
  readonly at: number;
  /** The answer as JSON; null while there is none. */
  readonly answer: string | null;
}

/** CRC-32 of a row of `request`. */
export function requestCrc({ run, requestId, verb, args, at, answer }: RequestColumns): number {
  return crcOf(run, requestId, verb, args, at, answer);
}

/** A row of `request`, checked. */
export function requestColumns(file: string, row: Row): RequestColumns {
  const requestId = row["request_id"] as string;
  const found: RequestColumns = {
    run: row["run"] as number,
    requestId,
    verb: row["verb"] as string,
    args: row["args"] as string,
    at: row["at"] as number,
    answer: row["answer"] as string | null,
  };
  if (row["crc"] === requestCrc(found)) return found;
  throw corrupt(file, `request ${requestId} is damaged`, { requestId, table: "request" });
}

/** The request in the port's words. */
export function requestOf({ requestId, verb, args, at }: RequestColumns, runId: string): OperatorRequest {
  return { requestId, runId, verb, args: JSON.parse(args) as Json[], at };
}

/** The answer in the port's words; undefined while there is none. */
export function answerOf({ answer }: RequestColumns): RequestAnswer | undefined {
  return answer === null ? undefined : (JSON.parse(answer) as RequestAnswer);
}

/** CRC-32 of a line. */
export function lineCrc(
  line: number,
  details: string | null,
  { runId, nodeId, attempt, compensation, at, message }: Omit<LogLine, "details">,
): number {
  return crcOf(runId, line, at, nodeId, attempt, compensation === true, message, details);
}

/** A row of `log`, checked. */
export function lineOf(file: string, runId: string, row: Row): LogLine {
  const details = row["details"] as string | null;
  const line: LogLine = {
    runId,
    nodeId: row["node"] as string,
    attempt: row["attempt"] as number,
    ...(row["compensation"] === 1 ? { compensation: true } : {}),
    at: row["at"] as number,
    message: row["message"] as string,
  };
  const number = row["line"] as number;
  if (row["crc"] !== lineCrc(number, details, line)) {
    throw corrupt(file, `line ${number} of the log of run ${runId} is damaged`, { runId, line: number, table: "log" });
  }
  return details === null ? line : { ...line, details: JSON.parse(details) as Json };
}
