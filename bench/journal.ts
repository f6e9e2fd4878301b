/**
 * `npm run bench:journal`: the SQLite journal against a bare node:sqlite loop that makes the same inserts, as ratios inside
 * one run; absolute times of a shared machine and its disk mean nothing. Rounds are interleaved, the figure is the median.
 * What was appended is read again after each round, or the benchmark fails.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { JournalRecord, Lease, RunHeader } from "@belay/engine/journal";
import { type Durability, openSqliteJournal, type SqliteJournal } from "@belay/engine/sqlite";

const quick = process.argv.includes("--quick");
const ROUNDS = quick ? 3 : 7;
const COMMITS = quick ? 50 : 200;
const READ = quick ? 20_000 : 100_000;

function header(runId: string): RunHeader {
  return {
    runId,
    format: 1,
    document: { belay: 1, name: "bench", nodes: [{ id: "a", action: "x" }] },
    planHash: "0".repeat(64),
    params: {},
    items: {},
    seed: 1,
    graceMs: 5_000,
    clientToken: null,
    requestHash: "0".repeat(64),
    at: 1,
    parent: null,
  };
}

function record(seq: number): JournalRecord {
  const input = { kind: "succeeded", at: 1_700_000_000_000 + seq, node: seq, attempt: 1 } as const;
  return { seq, input, payload: { output: { writer: "b", lag: seq } } };
}

/** A file of its own for the work, gone afterwards. */
async function inFile<T>(work: (file: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "belay-bench-"));
  try {
    return await work(join(folder, "journal.db"));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function started(journal: SqliteJournal, runs: number): Promise<Lease[]> {
  journal.open("bench", { lost: () => {}, orphaned: () => {}, asked: () => {} });
  const ids = Array.from({ length: runs }, (_, index) => `run-${index}`);
  const made = await Promise.all(ids.map((runId) => journal.create("bench", header(runId), [])));
  return made.flatMap((result) => (result.kind === "created" ? [result.lease] : []));
}

/** Milliseconds of `COMMITS` turns in which each of `group` runs appends one record. */
function timeJournal(group: number, durability: Durability): Promise<number> {
  return inFile(async (file) => {
    const journal = openSqliteJournal(file, { durability });
    const leases = await started(journal, group);
    const begun = performance.now();
    for (let seq = 0; seq < COMMITS; seq++) {
      const progress = { status: "RUNNING", ended: false, at: seq } as const;
      await Promise.all(leases.map((lease) => journal.append(lease, [record(seq)], progress)));
    }
    const took = performance.now() - begun;
    for (const { runId } of leases) {
      if (journal.read(runId)?.records.length !== COMMITS) throw new Error(`${runId} has lost records`);
    }
    journal.close("bench");
    return took;
  });
}

/** The same records into the same table, `group` per transaction, and nothing else. */
function timeBare(group: number, durability: Durability): Promise<number> {
  return inFile(async (file) => {
    const { database, insert } = bareTable(file, durability);
    const begun = performance.now();
    for (let seq = 0; seq < COMMITS; seq++) {
      database.exec("begin immediate");
      for (let run = 0; run < group; run++) insert(run, [record(seq)]);
      database.exec("commit");
    }
    const took = performance.now() - begun;
    const count = database.prepare("select count(*) as n from batch").get()?.["n"];
    if (count !== group * COMMITS) throw new Error("the bare loop has lost records");
    database.close();
    return took;
  });
}

interface Bare {
  readonly database: DatabaseSync;
  insert(run: number, records: readonly JournalRecord[]): void;
}

function bareTable(file: string, durability: Durability): Bare {
  const database = new DatabaseSync(file);
  database.exec(`pragma journal_mode = wal; pragma synchronous = ${durability}`);
  database.exec(`create table batch (place integer primary key, run integer not null, previous integer, seq integer not null,
    count integer not null, records text not null)`);
  const statement = database.prepare("insert into batch (run, previous, seq, count, records) values (?, ?, ?, ?, ?)");
  const insert = (run: number, records: readonly JournalRecord[]): void => {
    const seq = (records[0] as JournalRecord).seq;
    statement.run(run, seq, seq, records.length, JSON.stringify(records));
  };
  return { database, insert };
}

/** As a chain of nodes appends them: the end of one with the start of the next. */
function inPairs(records: readonly JournalRecord[]): JournalRecord[][] {
  return Array.from({ length: records.length / 2 }, (_, index) => records.slice(2 * index, 2 * index + 2));
}

/** Milliseconds to read one run of `READ` records; and to select and parse the same, bare. */
function timeReads(): Promise<{ readonly journal: number; readonly bare: number }> {
  return inFile(async (file) => {
    const journal = openSqliteJournal(file);
    const [lease] = await started(journal, 1);
    const records = Array.from({ length: READ }, (_, seq) => record(seq));
    const progress = { status: "RUNNING", ended: false, at: 1 } as const;
    await Promise.all(inPairs(records).map((pair) => journal.append(lease as Lease, pair, progress)));
    let begun = performance.now();
    if (journal.read("run-0")?.records.length !== READ) throw new Error("the run has lost records");
    const read = performance.now() - begun;
    journal.close("bench");
    const { database, insert } = bareTable(`${file}-bare`, "full");
    database.exec("begin");
    for (const pair of inPairs(records)) insert(0, pair);
    database.exec("commit");
    begun = performance.now();
    const rows = database.prepare("select records from batch where run = 0 order by place").all();
    const parsed = rows.flatMap(({ records: text }) => JSON.parse(String(text)) as JournalRecord[]);
    const bare = performance.now() - begun;
    if (parsed.length !== READ) throw new Error("the bare table has lost records");
    database.close();
    return { journal: read, bare };
  });
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] as number;
}

function row(...cells: readonly string[]): void {
  console.log(cells.map((cell, index) => (index === 0 ? cell.padEnd(26) : cell.padStart(12))).join(" "));
}

console.log(
  `node ${process.version}, median of ${ROUNDS} interleaved rounds; ratio = journal / bare loop of the same run`,
);
row("appends, one a run and turn", "ratio", "appends/s", "bare/s");
for (const durability of ["full", "normal"] as const) {
  for (const group of [1, 16, 256]) {
    const times: { journal: number[]; bare: number[] } = { journal: [], bare: [] };
    for (let round = 0; round < ROUNDS; round++) {
      times.bare.push(await timeBare(group, durability));
      times.journal.push(await timeJournal(group, durability));
    }
    const [journal, bare] = [median(times.journal), median(times.bare)];
    const perSecond = (ms: number): string => ((group * COMMITS * 1_000) / ms).toFixed(0);
    row(`${durability}, group of ${group}`, `${(journal / bare).toFixed(2)}x`, perSecond(journal), perSecond(bare));
  }
}
const reads: { readonly journal: number; readonly bare: number }[] = [];
for (let round = 0; round < ROUNDS; round++) reads.push(await timeReads());
const [journal, bare] = [median(reads.map((one) => one.journal)), median(reads.map((one) => one.bare))];
row(`read of ${READ} records`, `${(journal / bare).toFixed(2)}x`, `${journal.toFixed(0)} ms`, `${bare.toFixed(0)} ms`);
