/**
 * A SQLite journal of an earlier version: it is brought up to date with all its runs, all or nothing, and what was damaged
 * is never taken for whole afterwards. `version-1.sql` has rows as version 1 wrote them.
 */
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { crc32 } from "node:zlib";
import type { JournalRecord } from "@belay/engine/journal";
import { openSqliteJournal, openSqliteReader } from "@belay/engine/sqlite";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { checkAll } from "../../packages/engine/src/journal/sqlite/checking.ts";
import { Connection, type Row } from "../../packages/engine/src/journal/sqlite/connection.ts";
import { crcAfter, fixedRunCrc, runColumns } from "../../packages/engine/src/journal/sqlite/rows.ts";
import { APPLICATION_ID, MIGRATIONS, migrate } from "../../packages/engine/src/journal/sqlite/schema.ts";
import { SILENT, sampleRecord } from "./sample-run.ts";

const ROWS = readFileSync(new URL("version-1.sql", import.meta.url), "utf8");
const AT = 1_709_208_000_250;
/** What `version-1.sql` has of run-1. */
const RECORDS: readonly JournalRecord[] = [
  { seq: 0, input: { kind: "start", at: AT } },
  { seq: 1, input: { kind: "succeeded", at: AT + 1_000, node: 0, attempt: 1 }, payload: { frozen: true } },
  {
    seq: 2,
    input: { kind: "failed", at: AT + 2_000, node: 1, attempt: 1, retryable: false },
    payload: { message: `no, it's "\ud800" \u0000 \u00fc` },
  },
  { seq: 3, input: { kind: "cancel", at: AT + 3_000, node: -1 }, payload: null },
];

let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "belay-migration-"));
  file = join(folder, "journal.db");
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

/** A file of version 1, with changes that somebody made to it. */
function makeFirst(...changes: readonly string[]): void {
  const database = new DatabaseSync(file);
  database.exec(`pragma journal_mode = wal; begin; ${MIGRATIONS[0]}; ${ROWS}`);
  for (const change of changes) database.exec(change);
  database.exec(`pragma application_id = ${APPLICATION_ID}; pragma user_version = 1; commit`);
  database.close();
}

/** All rows of all tables of a file. */
function contents(of: string = file): Record<string, Row[]> {
  const connection = new Connection(of, { busyMs: 0 });
  try {
    const tables = connection.all("select name from sqlite_schema where type = 'table' order by name");
    return Object.fromEntries(tables.map(({ name }) => [name, connection.all(`select * from ${name}`)]));
  } finally {
    connection.close();
  }
}

/** What an engine's journal says of the file, opened for that. */
function opened<T>(look: (journal: ReturnType<typeof openSqliteJournal>) => T): T {
  const journal = openSqliteJournal(file);
  journal.open("e", SILENT);
  try {
    return look(journal);
  } finally {
    journal.close("e");
  }
}

/** Gives run-2 that many records, as version 1 wrote them. */
function fillSecond(count: number): void {
  const database = new DatabaseSync(file);
  const insert = database.prepare("insert into record values (2, ?, ?, ?, ?)");
  database.exec("begin");
  for (let seq = 0; seq < count; seq++) {
    const { input, payload } = sampleRecord(seq);
    const kept = payload === undefined ? null : JSON.stringify(payload);
    const text = JSON.stringify(input);
    insert.run(seq, text, kept, crc32(`run-2\n${seq}\n${text}\n${kept ?? ""}`));
  }
  const row = { ...runColumns(database.prepare("select * from run where run = 2").get() as Row), records: count };
  const { status, ended, at, records, locks, epoch, owner } = row;
  const crc = crcAfter(fixedRunCrc(row), [status, ended, at, records, locks, epoch, owner]);
  database.prepare("update run set records = ?, crc = ? where run = 2").run(count, crc);
  database.exec("commit");
  database.close();
}

describe("a SQLite journal of version 1", () => {
  test("R45: an engine reads all its runs, locks, requests and lines, and goes on with them", async () => {
    makeFirst();
    const journal = openSqliteJournal(file);
    journal.open("e", SILENT);
    expect(["run-1", "run-2", "run-3"].map((runId) => journal.read(runId)?.records)).toEqual([
      RECORDS,
      [],
      [{ seq: 0, input: { kind: "start", at: AT } }],
    ]);
    expect(journal.list()).toMatchObject([
      { runId: "run-1", clientToken: "token-1", status: "FAILED", records: 4, locks: ["cluster-a"] },
      { runId: "run-2", status: "RUNNING", records: 0, locks: [] },
      { runId: "run-3", status: "SUCCESSFUL", ended: true, records: 1, locks: [] },
    ]);
    expect(journal.logs("run-1")).toMatchObject([{ message: "frozen" }]);
    const claimed = await journal.claim("e", "run-1");
    if (claimed.kind !== "claimed") throw new Error(claimed.kind);
    expect(claimed.lease).toMatchObject({ epoch: 2, tokens: { "cluster-a": 2 } });
    expect(journal.takeRequests("e")).toMatchObject([{ requestId: "r", runId: "run-1", verb: "retry" }]);
    const next = { seq: 4, input: { kind: "cancel", at: AT + 4_000, node: -1 } } as const;
    await journal.append(claimed.lease, [next], { status: "CANCELED", ended: true, at: AT + 4_000 });
    expect(journal.read("run-1")?.records).toEqual([...RECORDS, next]);
    await journal.remove("run-1");
    journal.close("e");
    expect(contents()["batch"]).toMatchObject([{ run: 3 }]);
  });

  test("R45: runs of more records than fit into one batch keep their order", () => {
    makeFirst();
    fillSecond(1_201);
    const records = opened((journal) => journal.read("run-2")?.records);
    expect(records).toEqual(Array.from({ length: 1_201 }, (_, seq) => sampleRecord(seq)));
    expect(contents()["batch"]?.filter(({ run }) => run === 2)).toHaveLength(3);
  });

  test("plain SQL tells the same of its records before and after", () => {
    const sql = "select seq, time, kind, node, node_id, attempt, input, payload from records where run_id = 'run-1'";
    const look = (): unknown => {
      const connection = new Connection(file, { busyMs: 0 });
      const told = connection.all(sql);
      connection.close();
      return told;
    };
    makeFirst();
    const before = look();
    opened(() => undefined);
    expect(before).toHaveLength(4);
    expect(look()).toEqual(before);
  });

  test("R45: cut off in its midst, it is of version 1 as if nothing had begun, and the next engine moves it", () => {
    makeFirst();
    fillSecond(1_201);
    const before = contents();
    const copy = join(folder, "copy.db");
    const connection = new Connection(file, { busyMs: 0 });
    // A cache of two pages: what is not committed yet is in the log already.
    connection.exec("pragma cache_size = 2");
    const stop = (): never => {
      for (const end of ["", "-wal"]) copyFileSync(`${file}${end}`, `${copy}${end}`);
      throw new Error("cut off");
    };
    expect(() => migrate(connection, 0, MIGRATIONS, { after: stop })).toThrow("cut off");
    connection.close();
    expect(readFileSync(`${copy}-wal`).length).toBeGreaterThan(20 * 4096);
    for (const left of [file, copy]) {
      expect(contents(left)).toEqual(before);
      const again = new Connection(left, { busyMs: 0 });
      expect(again.pragma("user_version")).toBe(1);
      migrate(again, 0, MIGRATIONS, { after: checkAll });
      again.close();
    }
    expect(opened((journal) => journal.read("run-2")?.records)).toHaveLength(1_201);
  });

  test("a reader says who brings it up to date, and changes nothing", () => {
    makeFirst();
    const before = contents();
    expect(() => openSqliteReader(file)).toThrow(/it has format 1: open it once with an engine of this version/);
    expect(contents()).toEqual(before);
  });

  test("R45: damaged records stay damaged, and the other runs can be read", () => {
    const changes = [
      "update record set payload = '{\"frozen\":false}' where run = 1 and seq = 1",
      "update record set input = 'no JSON' where run = 1 and seq = 3",
      "update record set payload = null where run = 1 and seq = 1",
      "delete from record where run = 1 and seq = 0",
      "delete from record where run = 1 and seq = 2",
      "delete from record where run = 1 and seq = 3",
      "delete from record where run = 1",
      "update record set crc = -1 where run = 1 and seq = 2",
      "insert into record values (1, 4, '{}', null, 0)",
    ];
    for (const change of changes) {
      makeFirst(change);
      opened((journal) => {
        expect(() => journal.read("run-1"), change).toThrow(
          expect.objectContaining({
            code: "JOURNAL_CORRUPT",
            details: expect.objectContaining({ runId: "run-1", seq: 3 }),
          }),
        );
        expect(journal.read("run-3")?.records, change).toHaveLength(1);
      });
      for (const end of ["", "-owner", "-wal", "-shm"]) rmSync(`${file}${end}`, { force: true });
    }
  });

  test("R45: a damaged row of a run, a lock or a request, or a changed table, stops it: the file stays as it was", () => {
    const changes: [string, RegExp][] = [
      ["update run set status = 'SUCCESSFUL' where run = 2", /the row of run run-2 is damaged/],
      ["update run set records = 3 where run = 1", /the row of run run-1 is damaged/],
      ["update lock set token = 7 where held_by = 1", /the lock "cluster-a" is damaged/],
      ["update request set verb = 'skip'", /request r is damaged/],
      ["alter table record add column mine text", /its definition of "record" is not what was written/],
      ["drop view records", /its definition of "records" is not what was written/],
    ];
    for (const [change, words] of changes) {
      makeFirst(change);
      const before = contents();
      expect(() => opened(() => undefined), change).toThrow(words);
      expect(contents(), change).toEqual(before);
      expect(existsSync(file)).toBe(true);
      for (const end of ["", "-owner", "-wal", "-shm"]) rmSync(`${file}${end}`, { force: true });
    }
  });
});
