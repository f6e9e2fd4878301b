/**
 * Group commit: all batches of one turn of the event loop, of however many runs, go in one statement, one at a time, over a
 * connection of their own. Owns: the queue, the order per run, and the decision what became of a batch whose answer was
 * lost. Does not own: the fence itself (`append` in `sql.ts`).
 *
 * A lost answer: the same statement is sent again. It writes only where the first has not, since both name the number
 * of records before them; where the first has, its rows are there with this epoch and these sums. What cannot be told
 * in a short time fails, which is final (J2).
 * R44: an answer that comes when the engine's own clock says that its lease is over counts for nothing: FENCED.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { BelayError } from "../../errors.ts";
import type { JournalRecord, RunProgress } from "../port.ts";
import type { Connection, Row } from "./client.ts";
import type { Database } from "./database.ts";
import { endsSession, verdictOf } from "./failure.ts";
import { type RecordRow, recordRow } from "./record-row.ts";
import { fenced, type OwnedRun, type Tenure } from "./tenure.ts";

/** Batches of one run that go together. */
interface Batch {
  readonly run: OwnedRun;
  /** Records before it. */
  readonly before: number;
  readonly rows: RecordRow[];
  progress: RunProgress;
  readonly settle: ((error?: BelayError) => void)[];
  settled: boolean;
}

/** Characters of records in one statement: more than that waits for the next. */
const LARGEST_GROUP = 8 * 1024 * 1024;
const FIRST_PAUSE_MS = 10;
const SHORTEST_CALL_MS = 1_000;

export class Appender {
  readonly #database: Database;
  /** Told that the server has ended a tenure. */
  readonly #onEnded: (tenure: Tenure) => void;
  #connection: Connection | undefined;
  #queue: Batch[] = [];
  #flying: readonly Batch[] = [];
  /** A turn is being collected, or a statement is under way. */
  #busy = false;

  constructor(database: Database, onEnded: (tenure: Tenure) => void) {
    this.#database = database;
    this.#onEnded = onEnded;
  }

  /** Adds records to a run. Fails with FENCED or JOURNAL_FAILED, which is the run's last word (J2). */
  append(run: OwnedRun, records: readonly JournalRecord[], progress: RunProgress): Promise<void> {
    if (run.failed !== undefined) return Promise.reject(run.failed);
    const stray = records.find(({ seq }, index) => seq !== run.next + index);
    if (stray !== undefined) {
      const text = `run ${run.runId}: record ${stray.seq} does not follow what is there`;
      run.failed = new BelayError("JOURNAL_FAILED", `PostgreSQL journal: ${text}`, { runId: run.runId });
      return Promise.reject(run.failed);
    }
    const rows = records.map((record) => recordRow(run.runId, record));
    const done = new Promise<void>((resolve, reject) => {
      const settle = (error?: BelayError): void => (error === undefined ? resolve() : reject(error));
      this.#enqueue({ run, before: run.next, rows, progress, settle: [settle], settled: false });
    });
    run.next += rows.length;
    if (!this.#busy) this.#collect();
    return done;
  }

  /** Nothing more of these runs is written: what waits for an answer gets FENCED now. */
  drop(runs: readonly OwnedRun[]): void {
    const dropped = new Set(runs);
    for (const batch of [...this.#queue, ...this.#flying]) {
      if (dropped.has(batch.run)) settle(batch, batch.run.failed);
    }
    // A statement that nobody waits for any more must not keep others waiting: the server may be frozen.
    if (this.#flying.length > 0 && this.#flying.every(({ settled }) => settled)) this.#connection?.cut();
  }

  /** Resolves when nothing of that run waits for an answer. */
  async settled(run: OwnedRun): Promise<void> {
    const waiting = [...this.#flying, ...this.#queue].filter((batch) => batch.run === run && !batch.settled);
    await Promise.all(waiting.map(({ settle }) => new Promise<void>((resolve) => settle.push(() => resolve()))));
  }

  async end(): Promise<void> {
    await this.#connection?.end();
    this.#connection = undefined;
  }

  /** Two batches of a run in one turn become one: the statement changes each run once. */
  #enqueue(batch: Batch): void {
    const waiting = this.#queue.findLast(({ run }) => run === batch.run);
    if (waiting === undefined || waiting.settled) {
      this.#queue.push(batch);
      return;
    }
    for (const row of batch.rows) waiting.rows.push(row);
    waiting.progress = { ...batch.progress, ended: batch.progress.ended || waiting.progress.ended };
    waiting.settle.push(...batch.settle);
  }

  /** After this turn: whoever was just answered may have more to write. */
  #collect(): void {
    this.#busy = true;
    setImmediate(() => {
      void this.#fly().finally(() => {
        if (this.#queue.length > 0) return this.#collect();
        this.#busy = false;
      });
    });
  }

  async #fly(): Promise<void> {
    let size = 0;
    let count = 0;
    while (count < this.#queue.length && (count === 0 || size < LARGEST_GROUP)) {
      for (const { text } of (this.#queue[count] as Batch).rows) size += text.length;
      count++;
    }
    this.#flying = this.#queue.splice(0, count);
    await this.#deliver(this.#flying).catch((error: unknown) => {
      for (const batch of this.#flying) settle(batch, this.#database.failed("writing to the journal", error));
    });
    this.#flying = [];
  }

  async #deliver(group: readonly Batch[]): Promise<void> {
    const giveUpAt = performance.now() + this.#database.patienceMs;
    let again = false;
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs *= 2) {
      // After a failed batch nothing of its run follows (J2).
      for (const batch of group) if (batch.run.failed !== undefined) settle(batch, batch.run.failed);
      const open = group.filter(({ settled }) => !settled);
      if (open.length === 0) return;
      try {
        return await this.#attempt(open, again);
      } catch (error) {
        const verdict = error instanceof BelayError ? "final" : verdictOf(error);
        if (endsSession(error)) this.#connection?.cut();
        if (verdict === "final" && open.length > 1) {
          // One of them is at fault: the others must not fail with it.
          for (const batch of open) await this.#deliver([batch]);
          return;
        }
        if (verdict === "final" || performance.now() + pauseMs > giveUpAt) {
          const failure = this.#database.failed("writing to the journal", error);
          for (const batch of open) settle(batch, failure);
          return;
        }
        again ||= verdict === "unknown";
      }
      await sleep(pauseMs);
    }
  }

  async #attempt(group: readonly Batch[], again: boolean): Promise<void> {
    if (this.#connection === undefined || this.#connection.lost) this.#connection = await this.#database.connect();
    const rows = await this.#ask(this.#connection, this.#database.sql.append, appendValues(group));
    const written = new Set(rows.map(({ run }) => run));
    const missing = group.filter(({ run, settled }) => !settled && !written.has(run.run));
    if (missing.length > 0) await this.#explain(this.#connection, missing, again);
    for (const batch of group) if (written.has(batch.run.run)) this.#arrived(batch);
  }

  /** Durable: unless the engine has had to stop meanwhile. */
  #arrived(batch: Batch): void {
    const { tenure } = batch.run;
    if (tenure.over || tenure.expired) settle(batch, fenced(batch.run.runId, "its lease ended before the answer came"));
    else settle(batch);
    batch.run.ended ||= batch.progress.ended;
  }

  /** Batches that wrote nothing: settles each. */
  async #explain(connection: Connection, missing: readonly Batch[], again: boolean): Promise<void> {
    const { sql } = this.#database;
    const found = await this.#ask(connection, sql.standing, [missing.map(({ run }) => run.run)]);
    const byRun = new Map(found.map((row) => [row["run"], row]));
    for (const batch of missing) {
      const { run, before, rows } = batch;
      const standing = byRun.get(run.run);
      const error = refusalOf(batch, standing);
      if (error === undefined && again && Number(standing?.["records"]) >= before + rows.length) {
        const sums = await this.#ask(connection, sql.sumsOf, [run.run, run.epoch, before, before + rows.length]);
        const same = sums.length === rows.length && sums.every(({ sum }, index) => sum === rows[index]?.sum);
        if (same) {
          this.#arrived(batch);
          continue;
        }
      }
      settle(batch, error ?? this.#miscount(batch, standing));
      if (error?.code === "FENCED" && standing?.["lives"] === false && standing["owner"] === run.tenure.owner)
        this.#onEnded(run.tenure);
    }
  }

  #miscount({ run, before }: Batch, standing: Row | undefined): BelayError {
    const { server } = this.#database;
    const text = `run ${run.runId} has ${standing?.["records"]} records where ${before} were acknowledged: the server has lost some (a failover without synchronous replication?), or something else writes to its tables`;
    return new BelayError("JOURNAL_FAILED", `${server}: ${text}`, { server, runId: run.runId });
  }

  #ask(connection: Connection, statement: Parameters<Connection["query"]>[0], values: unknown[]) {
    return connection.query(statement, values, Math.max(SHORTEST_CALL_MS, this.#database.settings.leaseMs));
  }
}

/** Why the row of a run took no batch, as far as it is about who may write; undefined when that was not it. */
function refusalOf({ run }: Batch, standing: Row | undefined): BelayError | undefined {
  if (standing === undefined) {
    return new BelayError("JOURNAL_FAILED", `PostgreSQL journal: run ${run.runId} is not there (any more)`);
  }
  const { owner, epoch, lives } = standing;
  if (owner !== run.tenure.owner || Number(epoch) !== run.epoch) return fenced(run.runId, "it was claimed or released");
  return lives === true ? undefined : fenced(run.runId, "the engine's lease has ended");
}

/** The first word counts: to a run that failed once nothing more is written (J2). */
function settle(batch: Batch, error?: BelayError): void {
  if (batch.settled) return;
  batch.settled = true;
  if (error !== undefined) batch.run.failed ??= error;
  for (const tell of batch.settle) tell(error);
}

function appendValues(group: readonly Batch[]): unknown[] {
  const rows = group.flatMap(({ run, rows }) => rows.map((row) => ({ ...row, run: run.run })));
  return [
    list(group.map(({ run }) => run.run)),
    list(group.map(({ run }) => run.tenure.owner)),
    list(group.map(({ run }) => run.epoch)),
    list(group.map(({ before }) => before)),
    list(group.map(({ rows: { length } }) => length)),
    list(group.map(({ progress }) => progress.status)),
    list(group.map(({ progress }) => progress.ended)),
    list(group.map(({ progress }) => progress.at)),
    list(rows.map(({ run }) => run)),
    list(rows.map(({ seq }) => seq)),
    list(rows.map(({ sum }) => sum)),
    // JSON has no raw line break: no quoting of megabytes.
    rows.map(({ text }) => text).join("\n"),
  ];
}

/** An array of numbers, booleans or plain words as the server reads it. */
function list(values: readonly (string | number | boolean)[]): string {
  return `{${values.join(",")}}`;
}
