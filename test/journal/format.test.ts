/**
 * The file of a SQLite journal: its versions (migrations), what says it is a journal, and that plain SQL reads it as
 * docs/journal.md shows.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Lease } from "@belay/engine/journal";
import { openSqliteJournal, openSqliteReader } from "@belay/engine/sqlite";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Connection } from "../../packages/engine/src/journal/sqlite/connection.ts";
import { checkSchema, MIGRATIONS, migrate } from "../../packages/engine/src/journal/sqlite/schema.ts";
import { ROOT } from "../house/tree.ts";
import { SILENT, sampleHeader } from "./sample-run.ts";

const DOCUMENT = readFileSync(join(ROOT, "docs/journal.md"), "utf8");
const SECTION = DOCUMENT.split(/^### With plain SQL$/m)[1]?.split(/^##/m)[0] ?? "";
const QUERIES = [...SECTION.matchAll(/```sql\n([\s\S]*?)```/g)].map(([, sql = ""]) => sql);
/** 2024-02-29T12:00:00.250Z. */
const AT = 1_709_208_000_250;

let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "belay-format-"));
  file = join(folder, "journal.db");
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

/** A journal with a run that failed, one that runs, a lock, a request and lines. */
async function fill(): Promise<void> {
  const journal = openSqliteJournal(file);
  journal.open("e", SILENT);
  const nodes = [
    { id: "freeze", action: "x" },
    { id: "switch", action: "x", upstreams: ["freeze"] },
  ];
  const start = async (runId: string, locks: readonly string[]): Promise<Lease> => {
    const header = { ...sampleHeader(runId), at: AT, document: { belay: 1, name: "failover", nodes } as const };
    const made = await journal.create("e", header, locks);
    if (made.kind !== "created") throw new Error(JSON.stringify(made));
    return made.lease;
  };
  const failed = await start("run-1", ["cluster-a"]);
  const records = [
    { seq: 0, input: { kind: "start", at: AT } },
    { seq: 1, input: { kind: "succeeded", at: AT + 1_000, node: 0, attempt: 1 }, payload: { frozen: true } },
    {
      seq: 2,
      input: { kind: "failed", at: AT + 2_000, node: 1, attempt: 1, retryable: false },
      payload: { message: "no" },
    },
    { seq: 3, input: { kind: "cancel", at: AT + 3_000, node: -1 } },
  ] as const;
  await journal.append(failed, records.slice(0, 2), { status: "RUNNING", ended: false, at: AT + 1_000 });
  await journal.append(failed, records.slice(2), { status: "FAILED", ended: false, at: AT + 3_000 });
  await start("run-2", []);
  await journal.ask({ requestId: "r", runId: "run-1", verb: "retry", args: [], at: AT });
  journal.log([{ runId: "run-1", nodeId: "freeze", attempt: 1, at: AT, message: "frozen" }]);
  journal.close("e");
}

function rows(sql: string): Record<string, unknown>[] {
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    return database
      .prepare(sql)
      .all()
      .map((row) => ({ ...row }));
  } finally {
    database.close();
  }
}

describe("the file of a SQLite journal", () => {
  test("plain SQL reads runs, records, locks, requests and lines, with times and node ids", async () => {
    await fill();
    expect(rows("select * from runs where run_id = 'run-1'")).toEqual([
      {
        run_id: "run-1",
        plan: "failover",
        status: "FAILED",
        ended: 0,
        started: "2024-02-29T12:00:00.250Z",
        last_record: "2024-02-29T12:00:03.250Z",
        records: 4,
        owner: null,
        client_token: null,
        parent_run: null,
        parent_node: null,
      },
    ]);
    expect(rows("select seq, time, kind, node, node_id, attempt, payload from records")).toEqual([
      {
        seq: 0,
        time: "2024-02-29T12:00:00.250Z",
        kind: "start",
        node: null,
        node_id: null,
        attempt: null,
        payload: null,
      },
      {
        seq: 1,
        time: "2024-02-29T12:00:01.250Z",
        kind: "succeeded",
        node: 0,
        node_id: "freeze",
        attempt: 1,
        payload: '{"frozen":true}',
      },
      {
        seq: 2,
        time: "2024-02-29T12:00:02.250Z",
        kind: "failed",
        node: 1,
        node_id: "switch",
        attempt: 1,
        payload: '{"message":"no"}',
      },
      {
        seq: 3,
        time: "2024-02-29T12:00:03.250Z",
        kind: "cancel",
        node: -1,
        node_id: null,
        attempt: null,
        payload: null,
      },
    ]);
    expect(rows("select * from locks")).toEqual([{ resource: "cluster-a", held_by: "run-1", token: 1 }]);
    expect(rows("select * from requests")).toMatchObject([
      { request_id: "r", run_id: "run-1", verb: "retry", answer: null },
    ]);
    expect(rows("select * from logs")).toMatchObject([{ run_id: "run-1", node_id: "freeze", message: "frozen" }]);
  });

  test("the queries that docs/journal.md shows find what it says they find", async () => {
    await fill();
    expect(QUERIES).toHaveLength(3);
    const [resting, story, open] = QUERIES.map(rows);
    expect(resting).toMatchObject([
      { run_id: "run-1", status: "FAILED" },
      { run_id: "run-2", status: "RUNNING" },
    ]);
    expect(story?.map((row) => row["node_id"])).toEqual([null, "freeze", "switch", null]);
    expect(open).toMatchObject([{ resource: "cluster-a", held_by: "run-1" }]);
  });

  test("a file of an older version is brought up to date, all or nothing", async () => {
    await fill();
    const connection = new Connection(file, { busyMs: 0 });
    const before = connection.all("select * from run");
    expect(() => migrate(connection, 0, [...MIGRATIONS, "create table extra (a) strict; nonsense"])).toThrow();
    expect(connection.pragma("user_version")).toBe(MIGRATIONS.length);
    expect(connection.get("select count(*) as n from sqlite_schema where name = 'extra'")).toEqual({ n: 0 });
    const more = [...MIGRATIONS, "alter table run add column extra text"];
    migrate(connection, 0, more);
    migrate(connection, 0, more);
    expect(connection.pragma("user_version")).toBe(more.length);
    expect(connection.all("select * from run")).toEqual(before.map((row) => ({ ...row, extra: null })));
    checkSchema(connection, more);
    connection.close();
  });

  test("a file that a newer version wrote is refused, which is told from a damaged version", async () => {
    await fill();
    const connection = new Connection(file, { busyMs: 0 });
    migrate(connection, 0, [...MIGRATIONS, "alter table run add column extra text"]);
    connection.close();
    for (const open of [() => openSqliteJournal(file).open("e", SILENT), () => openSqliteReader(file)]) {
      expect(open).toThrow(/a newer version of Belay wrote it \(format 3, this one knows 2\): update/);
    }
    const damaged = new DatabaseSync(file);
    damaged.exec("pragma user_version = 9");
    damaged.close();
    expect(() => openSqliteReader(file)).toThrow(/not a journal of Belay, or its first page is damaged/);
  });

  test("a file of something else is refused and stays as it is", () => {
    const other = new DatabaseSync(file);
    other.exec("create table t (a); insert into t values (1)");
    other.close();
    expect(() => openSqliteJournal(file).open("e", SILENT)).toThrow(
      expect.objectContaining({ code: "JOURNAL_CORRUPT" }),
    );
    expect(rows("select * from t")).toEqual([{ a: 1 }]);
    writeFileSync(file, "no database at all, but a text of some length that somebody wrote by hand".repeat(20));
    expect(() => openSqliteJournal(file).open("e", SILENT)).toThrow(
      expect.objectContaining({ code: "JOURNAL_CORRUPT" }),
    );
    expect(readFileSync(file, "utf8")).toContain("no database at all");
  });

  test("a table that somebody has changed is found, and one that was added is not minded", async () => {
    await fill();
    const database = new DatabaseSync(file);
    database.exec("create view mine as select run_id from run");
    const journal = openSqliteJournal(file);
    journal.open("e", SILENT);
    journal.close("e");
    database.exec("alter table lock add column mine text");
    database.close();
    expect(() => journal.open("e", SILENT)).toThrow(/its definition of "lock" is not what was written/);
  });

  test("R45: a run whose records are damaged is removed with all of them, and with no other run's", async () => {
    for (const change of [
      "previous = null where place = 2",
      "previous = 3 where place = 4",
      "run = 2 where place = 1",
    ]) {
      await fill();
      const journal = openSqliteJournal(file);
      journal.open("e", SILENT);
      const other = await journal.claim("e", "run-2");
      if (other.kind !== "claimed") throw new Error(other.kind);
      const record = { seq: 0, input: { kind: "start", at: AT } } as const;
      await journal.append(other.lease, [record], { status: "RUNNING", ended: false, at: AT });
      const failed = await journal.claim("e", "run-1");
      if (failed.kind !== "claimed") throw new Error(failed.kind);
      await journal.append(failed.lease, [{ ...record, seq: 4 }], { status: "FAILED", ended: false, at: AT });
      journal.close("e");
      const database = new DatabaseSync(file);
      database.exec(`update batch set ${change}`);
      database.close();
      journal.open("e", SILENT);
      await journal.remove("run-1");
      expect(journal.read("run-2")?.records, change).toEqual([record]);
      journal.close("e");
      expect(rows("select run from batch where run = 1"), change).toEqual([]);
      for (const end of ["", "-owner"]) rmSync(`${file}${end}`);
    }
  });

  test("R45: each damage is named: run and record, header, lock, request, line", async () => {
    await fill();
    const journal = openSqliteJournal(file);
    const told = (change: string, look: () => unknown): unknown => {
      const database = new DatabaseSync(file);
      database.exec(`begin; ${change}; commit`);
      try {
        journal.open("e", SILENT);
        look();
        return "nothing";
      } catch (error) {
        return (error as { details: unknown }).details;
      } finally {
        journal.close("e");
        database.close();
        rmSync(file);
      }
    };
    const read = (): unknown => journal.read("run-1");
    const cases: [string, () => unknown, Record<string, unknown>][] = [
      [
        `update batch set records = replace(records, 'true', 'false') where place = 1`,
        read,
        { runId: "run-1", seq: 1 },
      ],
      ["update batch set seq = 0, count = 4 where place = 2", read, { runId: "run-1", seq: 3, place: 2 }],
      ["update batch set previous = null where place = 2", read, { runId: "run-1", seq: 3, place: 2 }],
      ["update batch set previous = 2 where place = 2", read, { runId: "run-1", seq: 3, place: 2 }],
      ["update batch set run = 2 where place = 1", read, { runId: "run-1", seq: 1, place: 1 }],
      ["update batch set place = 3 where place = 2", read, { runId: "run-1", seq: 3, place: 2 }],
      ["delete from batch where place = 1", read, { runId: "run-1", seq: 1, place: 1 }],
      ["delete from batch where place = 2", read, { runId: "run-1", seq: 3, place: 2 }],
      ["update run set last = 1 where run = 1", read, { runId: "run-1", table: "run" }],
      ["update header set header = replace(header, 'freeze', 'thawed')", read, { runId: "run-1" }],
      ["delete from header", read, { runId: "run-1" }],
      ["update run set status = 'SUCCESSFUL' where run = 1", read, { runId: "run-1", table: "run" }],
      ["update run set epoch = 7 where run = 2", read, { runId: "run-2", table: "run" }],
      ["update lock set token = 0", read, { resource: "cluster-a", table: "lock" }],
      ["delete from lock", read, { runId: "run-1" }],
      ["delete from run where run = 1", read, { run: 1 }],
      ["update request set verb = 'skip'", read, { requestId: "r", table: "request" }],
      ["update log set message = 'thawed'", () => journal.logs("run-1"), { runId: "run-1", line: 0, table: "log" }],
    ];
    for (const [change, look, details] of cases) {
      rmSync(`${file}-owner`, { force: true });
      if (change !== cases[0]?.[0]) await fill();
      expect(told(change, look), change).toMatchObject({ ...details, file });
    }
  });
});
