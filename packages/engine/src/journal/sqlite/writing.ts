/**
 * What is written to a journal file, each function inside a transaction of its caller's. Owns: the order of checks before
 * the first write of each, so that a refusal (LOCKED, FENCED, NOT_FOUND, ...) leaves a shared transaction as it was.
 * Does not own: the rows of runs as they were last written (`owned-runs.ts`).
 */
import { BelayError } from "../../errors.ts";
import type {
  ClaimResult,
  CreateResult,
  JournalRecord,
  Lease,
  LogLine,
  OperatorRequest,
  RequestAnswer,
  RunHeader,
  RunProgress,
} from "../port.ts";
import { insertBatch, removeRecords } from "./batches.ts";
import type { Connection } from "./connection.ts";
import { corrupt, refused } from "./failure.ts";
import { forgetRun, lastWritten, rememberRun } from "./owned-runs.ts";
import { findRequest, findRun, runByNumber } from "./reading.ts";
import {
  fixedRunCrc,
  headerCrc,
  type LockRow,
  lineCrc,
  lockCrc,
  lockRow,
  newRun,
  type RequestColumns,
  type RunRow,
  requestCrc,
  runCrc,
  runRow,
} from "./rows.ts";

/** A run that somebody starts. `text` is the header as JSON. */
export interface NewRun {
  readonly header: RunHeader;
  readonly text: string;
  readonly locks: readonly string[];
}

/** Registers a run with its client token and its locks, all or none (R40, R43). */
export function createRun(connection: Connection, engine: string, { header, text, locks }: NewRun): CreateResult {
  const { file } = connection;
  const { runId, clientToken } = header;
  if (clientToken !== null) {
    const row = connection.get("select * from run where client_token = ?", clientToken);
    const known = row === undefined ? undefined : runRow(file, row);
    if (known !== undefined) return { kind: "existing", runId: known.runId, requestHash: known.requestHash };
  }
  if (findRun(connection, runId) !== undefined) throw refused(file, `run ${runId} exists already`, { runId });
  for (const resource of locks) {
    const heldBy = findLock(connection, resource).heldBy;
    if (heldBy !== null) return { kind: "locked", resource, heldBy: runByNumber(connection, heldBy).runId };
  }
  const run = Number(connection.get("select coalesce(max(run), 0) + 1 as run from run")?.["run"]);
  insertRun(connection, { run, ...newRun(header, engine, locks.length) });
  connection.run("insert into header values (?, ?, ?)", run, text, headerCrc(runId, text));
  return { kind: "created", lease: { runId, epoch: 1, tokens: grant(connection, run, locks) } };
}

const INSERT_RUN = `insert into run (run, run_id, plan_name, plan_hash, client_token, request_hash, parent_run, parent_node,
  parent_attempt, started_at, status, ended, at, records, locks, epoch, owner, last, crc)
  values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;

function insertRun(connection: Connection, row: RunRow): void {
  connection.run(
    INSERT_RUN,
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
    row.status,
    row.ended ? 1 : 0,
    row.at,
    row.records,
    row.locks,
    row.epoch,
    row.owner,
    row.last,
    runCrc(row),
  );
  rememberRun(connection, row);
}

const UPDATE_RUN = `update run set status = ?, ended = ?, at = ?, records = ?, locks = ?, epoch = ?, owner = ?, last = ?,
  crc = ?  where run = ?`;

/** `fixedCrc` as in `runCrc`. */
function updateRun(connection: Connection, row: RunRow, fixedCrc: number = fixedRunCrc(row)): void {
  const { run, runId, status, ended, at, records, locks, epoch, owner, last } = row;
  const crc = runCrc(row, fixedCrc);
  const changed = connection.run(UPDATE_RUN, status, ended ? 1 : 0, at, records, locks, epoch, owner, last, crc, run);
  if (changed !== 1) throw corrupt(connection.file, `the row of run ${runId} is gone`, { runId, table: "run" });
  rememberRun(connection, row, fixedCrc);
}

/** A lock as it stands; one that nobody ever took is free and has had no token. */
function findLock(connection: Connection, resource: string): LockRow {
  const row = connection.get("select * from lock where resource = ?", resource);
  return row === undefined ? { resource, heldBy: null, token: 0 } : lockRow(connection.file, row);
}

function saveLock(connection: Connection, lock: LockRow): void {
  const { resource, heldBy, token } = lock;
  connection.run("insert or replace into lock values (?, ?, ?, ?)", resource, heldBy, token, lockCrc(lock));
}

function locksOf(connection: Connection, run: number): LockRow[] {
  const rows = connection.all("select * from lock where held_by = ? order by resource", run);
  return rows.map((row) => lockRow(connection.file, row));
}

/** Gives the locks to the run, each with a token greater than all before it (J4). */
function grant(connection: Connection, run: number, locks: readonly string[]): Readonly<Record<string, number>> {
  const tokens: Record<string, number> = Object.create(null);
  for (const resource of locks) {
    const token = findLock(connection, resource).token + 1;
    saveLock(connection, { resource, heldBy: run, token });
    tokens[resource] = token;
  }
  return tokens;
}

function freeLocks(connection: Connection, run: number): void {
  for (const lock of locksOf(connection, run)) saveLock(connection, { ...lock, heldBy: null });
}

/** Makes `engine`, the only one there is, the owner of a run. */
export function claimRun(connection: Connection, engine: string, runId: string): ClaimResult {
  const found = findRun(connection, runId);
  if (found === undefined) return { kind: "unknown" };
  const epoch = found.epoch + 1;
  const locks = locksOf(connection, found.run).map(({ resource }) => resource);
  updateRun(connection, { ...found, epoch, owner: engine });
  return { kind: "claimed", lease: { runId, epoch, tokens: grant(connection, found.run, locks) } };
}

/** Records on their way to the end of a run. */
export interface NewRecords {
  /** `seq` of the first. */
  readonly seq: number;
  readonly count: number;
  /** All of them as a JSON array. */
  readonly text: string;
}

/** What is written of records; undefined for none. Fails for a payload that is nested too deep for JSON.stringify. */
export function newRecords(records: readonly JournalRecord[]): NewRecords | undefined {
  const seq = records[0]?.seq;
  return seq === undefined ? undefined : { seq, count: records.length, text: JSON.stringify(records) };
}

/** Adds records to the end of a run; its end frees its locks (J1, J3, J4). */
export function appendRecords(
  connection: Connection,
  { runId, epoch }: Lease,
  added: NewRecords | undefined,
  { status, ended, at }: RunProgress,
): void {
  const known = lastWritten(connection, runId);
  const found = known?.row ?? findRun(connection, runId);
  if (found === undefined) throw refused(connection.file, `run ${runId} is not there (any more)`, { runId });
  if (found.epoch !== epoch || found.owner === null) {
    throw new BelayError("FENCED", `run ${runId} has another owner by now`, { runId });
  }
  const { run, records } = found;
  if (added !== undefined && added.seq !== records) {
    throw refused(connection.file, `record ${added.seq} of run ${runId} does not follow its ${records} records`, {
      runId,
    });
  }
  const last = added === undefined ? found.last : insertAfter(connection, found, added);
  if (ended) freeLocks(connection, run);
  const locks = ended ? 0 : found.locks;
  const row = { ...found, status, ended, at, records: records + (added?.count ?? 0), locks, last };
  updateRun(connection, row, known?.fixedCrc);
}

function insertAfter(connection: Connection, { run, runId, last }: RunRow, { seq, count, text }: NewRecords): number {
  return insertBatch(connection, { run, runId, previous: last, seq, count, records: text });
}

/** The owner gives the run up; without effect when the epoch is over. */
export function releaseRun(connection: Connection, { runId, epoch }: Lease): void {
  const found = findRun(connection, runId);
  if (found?.epoch === epoch) updateRun(connection, { ...found, owner: null });
}

/** Nobody owns anything: who did has closed, or died. */
export function releaseAll(connection: Connection): void {
  for (const row of connection.all("select * from run where owner is not null")) {
    updateRun(connection, { ...runRow(connection.file, row), owner: null });
  }
}

/** Keeps a request; a known one stays as it is. Answers whether somebody owns its run. NOT_FOUND for an unknown run. */
export function keepRequest(connection: Connection, request: OperatorRequest): boolean {
  const { requestId, runId, verb, at } = request;
  const found = findRun(connection, runId);
  if (found === undefined) throw new BelayError("NOT_FOUND", `no run ${runId}`);
  if (findRequest(connection, requestId) !== undefined) return false;
  const row: RequestColumns = { run: found.run, requestId, verb, args: JSON.stringify(request.args), at, answer: null };
  connection.run(
    "insert into request (request_id, run, verb, args, at, answer, crc) values (?, ?, ?, ?, ?, null, ?)",
    requestId,
    row.run,
    verb,
    row.args,
    at,
    requestCrc(row),
  );
  return found.owner !== null;
}

/** Keeps the first answer to a request. */
export function keepAnswer(connection: Connection, requestId: string, answer: RequestAnswer): void {
  const found = findRequest(connection, requestId);
  if (found === undefined || found.answer !== null) return;
  const text = JSON.stringify(answer);
  const crc = requestCrc({ ...found, answer: text });
  connection.run("update request set answer = ?, crc = ? where request_id = ?", text, crc, requestId);
}

/** Lines kept of a run, at least; twice as many before the oldest go. */
const LINES = 10_000;

/** A line and its details as JSON. */
export interface LineColumns {
  readonly line: LogLine;
  readonly details: string | null;
}

/** Adds lines of one run to its log; lines of an unknown run are dropped. */
export function keepLines(connection: Connection, runId: string, lines: readonly LineColumns[]): void {
  const found = findRun(connection, runId);
  if (found === undefined) return;
  const bounds = connection.get("select min(line) as low, max(line) as high from log where run = ?", found.run);
  const low = (bounds?.["low"] ?? 0) as number;
  let next = ((bounds?.["high"] ?? -1) as number) + 1;
  for (const { line, details } of lines) {
    const { at, nodeId, attempt, compensation, message } = line;
    const crc = lineCrc(next, details, line);
    connection.run(
      "insert into log values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
      found.run,
      next++,
      at,
      nodeId,
      attempt,
      compensation === true ? 1 : 0,
      message,
      details,
      crc,
    );
  }
  if (next - low > 2 * LINES) connection.run("delete from log where run = ? and line < ?", found.run, next - LINES);
}

/** Drops a run with all that belongs to it; its locks keep their tokens. */
export function removeRun(connection: Connection, runId: string): void {
  const found = findRun(connection, runId);
  if (found === undefined) return;
  freeLocks(connection, found.run);
  forgetRun(connection, runId);
  removeRecords(connection, found);
  for (const table of ["log", "request", "header", "run"]) {
    connection.run(`delete from ${table} where run = ?`, found.run);
  }
}
