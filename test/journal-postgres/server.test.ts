/**
 * The journal and its server: its tables come to be once, what does not fit is refused with a remedy, no error holds a
 * password, and rows that are not what was written are named (J5).
 */
import { inspect } from "node:util";
import { openPostgresJournal, openPostgresReader, type PostgresJournal } from "@belay/engine/postgres";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { JournalServer } from "./journal-server.ts";
import {
  createRun,
  eventually,
  failureOf,
  GOING,
  headerOf,
  NEVER_MS,
  recordsFrom,
  type Seat,
  Stage,
} from "./journal-stage.ts";
import { Wire } from "./wire.ts";

/** In no name, no message and no statement. */
const PASSWORD = "p4ss/wörd'@:%secret";

const SILENT = { lost: () => undefined, orphaned: () => undefined, asked: () => undefined };

let server: JournalServer;
let stage: Stage;

beforeAll(async () => {
  server = await JournalServer.start();
});

afterAll(async () => {
  await server.stop();
});

beforeEach(() => {
  stage = new Stage(server);
});

afterEach(async () => {
  await stage.leave();
});

/** A role with these settings, and a journal under it. */
async function journalAs(
  role: string,
  settings: readonly string[],
  grants: readonly string[],
): Promise<PostgresJournal> {
  await server.query(`create role ${role} login password 'role'`);
  for (const setting of settings) await server.query(`alter role ${role} set ${setting}`);
  for (const grant of grants) await server.query(grant);
  const address = { ...server.address, user: role, password: "role" };
  return openPostgresJournal({ address, schema: stage.schema });
}

/** Of the tables that this version makes. */
const VERSION = 2;

describe("the journal's tables", () => {
  test("are made once, however many journals come at once", async () => {
    const seats = await Promise.all(["a", "b", "c", "d"].map((engine) => stage.sit(engine)));
    for (const [index, seat] of seats.entries()) await createRun(seat, `run-${index}`);
    expect((await seats[0]!.journal.list()).map(({ owner }) => owner)).toEqual(["a", "b", "c", "d"]);
    expect(await stage.rows("version")).toEqual([{ version: VERSION }]);
  });

  test("of an earlier version are brought up to date, and their runs are there", async () => {
    const before = await stage.sit("a");
    await createRun(before, "run-1", ["lock"]);
    await before.journal.close("a");
    await stage.meddle("drop table S.slots, S.pools");
    await stage.meddle("update S.version set version = 1");
    const seat = await stage.sit("b");
    expect(await stage.rows("version")).toEqual([{ version: VERSION }]);
    expect((await seat.journal.list()).map(({ runId, locks }) => [runId, locks])).toEqual([["run-1", ["lock"]]]);
    const pool = { name: "db", concurrency: 1, rate: null };
    expect((await seat.journal.takeSlots("b", pool, 1)).slots).toHaveLength(1);
  });

  test("stand in a schema of any name", async () => {
    const schema = `Das "Schema"; drop table x; -- $1 é`;
    const seat = await stage.sit("a", { schema });
    await createRun(seat, "run-1", ["lock"]);
    expect((await seat.journal.list()).length).toBe(1);
    await seat.journal.close(seat.engine);
    await server.query(`drop schema "${schema.replaceAll('"', '""')}" cascade`);
  });

  test("of a later version are refused, and left alone", async () => {
    const seat = await stage.sit("a");
    await seat.journal.close("a");
    await stage.meddle("update S.version set version = 7");
    const { code, message } = await failureOf(stage.sit("b"));
    expect([code, message]).toEqual(["JOURNAL_FAILED", expect.stringContaining("is of version 7")]);
    expect(await stage.rows("version")).toEqual([{ version: 7 }]);
  });

  test("may be made by a role that was given the schema and nothing else, whatever its settings are", async () => {
    await server.query(`create schema "${stage.schema}"`);
    const settings = [
      "default_transaction_isolation = 'serializable'",
      "synchronous_commit = off",
      "search_path = nowhere",
      "datestyle = 'German'",
      "extra_float_digits = 0",
    ];
    const journal = await journalAs("tenant", settings, [`grant all on schema "${stage.schema}" to tenant`]);
    await journal.open("a", SILENT);
    const seat = { journal, engine: "a" } as Seat;
    const lease = await createRun(seat, "run-1", ["lock"]);
    await Promise.all(
      [0, 1, 2].map((seq) => journal.append(lease, recordsFrom(seq), { ...GOING, at: 1.7e12 + 0.125 })),
    );
    expect((await journal.read("run-1"))?.records.length).toBe(3);
    expect((await journal.list())[0]?.at).toBe(1.7e12 + 0.125);
    await journal.close("a");
  });
});

describe("what a server may not be", () => {
  const refusals: readonly (readonly [string, () => Promise<PostgresJournal>, string])[] = [
    ["a role that may make nothing", () => journalAs("guest", [], []), "grant the user CREATE on the database"],
    [
      "a session that is read only, as on a standby",
      () =>
        journalAs("reader", ["default_transaction_read_only = on"], ["grant create on database postgres to reader"]),
      "connect to the primary",
    ],
    [
      "a database that is not there",
      async () => openPostgresJournal({ address: { ...server.address, database: "gone" } }),
      "create the database",
    ],
    [
      "a database of another encoding",
      async () => {
        await server.query("create database latin encoding 'LATIN1' locale 'C' template template0");
        return openPostgresJournal({ address: { ...server.address, database: "latin" } });
      },
      "create one with encoding UTF8",
    ],
    [
      "a port where nobody listens",
      async () => {
        const wire = await Wire.to(server.node);
        await wire.close();
        return openPostgresJournal({ address: stage.address(wire.port) });
      },
      "start the server, or correct host and port",
    ],
  ];
  for (const [what, make, remedy] of refusals) {
    test(`${what}: JOURNAL_FAILED names the server and the remedy`, async () => {
      const journal = await make();
      const { code, message } = await failureOf(Promise.resolve(journal.open("a", SILENT)));
      expect([code, message]).toEqual(["JOURNAL_FAILED", expect.stringContaining(remedy)]);
      expect(message).toMatch(/^PostgreSQL \(\w+ at 127\.0\.0\.1:\d+\/\w+\): /);
      expect((await failureOf(journal.list() as Promise<unknown>)).code).toBe("JOURNAL_FAILED");
      await journal.close("a");
    });
  }

  test("a server that cannot answer now is waited for a short time", async () => {
    const seat = await stage.sit("a", { leaseMs: 4_000 });
    await createRun(seat, "run-1");
    await server.cutConnections();
    expect((await seat.journal.list()).length).toBe(1);
  });

  test("options that make no sense: INVALID_ARGUMENT", () => {
    const wrong: readonly object[] = [
      {},
      { connectionString: "postgres://h", address: {} },
      { connectionString: 7 },
      { connectionString: "h" },
      { connectionString: "postgres://user:12/secret@host/db" },
      { connectionString: "postgres://user:12?secret@host/db" },
      { connectionString: "postgres://user:12#secret@host/db" },
      { address: {}, lease: 5 },
      { address: {}, leaseMs: 20 },
      { address: {}, leaseMs: Number.NaN },
      { address: {}, pollMs: 0 },
      { address: {}, schema: "" },
      { address: {}, schema: "pg_journal" },
      { address: {}, schema: "x".repeat(64) },
      { address: {}, schema: "a\0b" },
    ];
    for (const options of wrong) {
      expect(() => openPostgresJournal(options as never), inspect(options)).toThrow(
        /^PostgreSQL journal: (?!.*secret)/,
      );
    }
  });
});

describe("who only looks", () => {
  test("makes no tables: JOURNAL_FAILED says that there is no journal", async () => {
    const reader = openPostgresReader({ address: server.address, schema: stage.schema });
    const { code, message } = await failureOf(reader.list());
    expect([code, message]).toEqual(["JOURNAL_FAILED", expect.stringContaining("there is no journal")]);
    await reader.close();
    expect(await server.query("select from pg_namespace where nspname = $1", [stage.schema])).toEqual([]);
  });

  test("R37: reads and asks beside the engines, and keeps no connection after its close", async () => {
    const seat = await stage.sit("a", { pollMs: NEVER_MS });
    await seat.journal.append(await createRun(seat, "run-1"), recordsFrom(0, 3), GOING);
    const reader = openPostgresReader({ address: server.address, schema: stage.schema });
    expect((await reader.read("run-1"))?.records).toEqual(recordsFrom(0, 3));
    expect((await reader.list())[0]?.owner).toBe("a");
    await reader.ask({ requestId: "r", runId: "run-1", verb: "pause", args: [], at: 1 });
    await eventually("the owner is told", () => seat.asked > 0);
    await reader.close();
    await stage.leave();
    await eventually("no connection is left", async () => (await server.connections()) === 0);
  });
});

describe("the password", () => {
  test("is in no error, whatever fails, and in nothing that a journal shows of itself", async () => {
    const { host, port, user, database } = server.address;
    const encoded = encodeURIComponent(PASSWORD);
    const wire = await Wire.to(server.node);
    await server.query("create role secretive login superuser password 'other'");
    const journals = [
      openPostgresJournal({ connectionString: `postgres://secretive:${encoded}@${host}:${port}/${database}` }),
      openPostgresJournal({ connectionString: `postgres://secretive:${encoded}@${host}:1/${database}` }),
      openPostgresJournal({ connectionString: `postgres://secretive:${encoded}@${host}:x:y/${database}` }),
      openPostgresJournal({ connectionString: `postgres://secretive:${encoded}%@${host}:${port}/${database}` }),
      openPostgresJournal({ address: { host, port, user, database, password: PASSWORD } as never }),
      openPostgresJournal({ address: { host, port, user, database, password: () => PASSWORD } as never }),
      openPostgresJournal({
        address: { host: "127.0.0.1", port: wire.port, user, database, password: PASSWORD } as never,
      }),
    ];
    wire.holdAnswers();
    const secrets = [PASSWORD, encoded, "secret", "p4ss"];
    for (const [index, journal] of journals.entries()) {
      const { code, error } = await failureOf(Promise.resolve(journal.open("a", SILENT)));
      expect(code).toBe("JOURNAL_FAILED");
      const shown = [error, journal].map((one) => inspect(one, { depth: 20, showHidden: true })).join("\n");
      const text = `${shown}\n${JSON.stringify(error)}\n${(error as Error).stack}`.replaceAll("secretive", "");
      for (const secret of secrets) expect(text.includes(secret), `journal ${index}: ${text}`).toBe(false);
    }
    await wire.close();
  });
});

describe("J5 (R45): a row that is not what was written is named, and nothing is made of it", () => {
  const damages: readonly (readonly [string, string, number | undefined])[] = [
    ["a record of other text", `update S.records set record = replace(record, '"a"', '"b"') where seq = 2`, 2],
    ["a record that is gone from the middle", "delete from S.records where seq = 1", 1],
    ["a last record that is gone", "delete from S.records where seq = 4", 4],
    ["all records gone", "delete from S.records", 0],
    [
      "two records in each other's places",
      "update S.records r set (record, sum) = (select o.record, o.sum from S.records o where o.run = r.run and o.seq = 4 - r.seq) where r.run = 1 and r.seq in (1, 3)",
      1,
    ],
    [
      "a record of another run",
      "update S.records r set (record, sum) = (select o.record, o.sum from S.records o where o.run = 2 and o.seq = r.seq) where r.run = 1 and r.seq = 3",
      3,
    ],
    [
      "a record more than were written",
      "insert into S.records (run, seq, epoch, sum, record) select run, 5, 1, sum, record from S.records where run = 1 and seq = 4",
      5,
    ],
    ["a header of other text", `update S.headers set header = replace(header, '"seed":7', '"seed":8')`, undefined],
    ["a header that is gone", "delete from S.headers where run = 1", undefined],
  ];
  for (const [what, damage, seq] of damages) {
    test(`J5 (R45): ${what}`, async () => {
      const seat = await stage.sit("a");
      for (const runId of ["run-1", "run-2"]) {
        const lease = await createRun(seat, runId);
        await seat.journal.append(lease, recordsFrom(0, 5), GOING);
      }
      await stage.meddle(damage);
      const { code, message, error } = await failureOf(seat.journal.read("run-1"));
      expect([code, message]).toEqual(["JOURNAL_CORRUPT", expect.stringContaining("run-1")]);
      expect((error as { details: unknown }).details).toMatchObject(seq === undefined ? { runId: "run-1" } : { seq });
    });
  }

  test("J5 (R45): ids that the server would keep otherwise than they are are refused", async () => {
    const seat = await stage.sit("a");
    for (const runId of ["a\0b", "\ud800"]) {
      expect((await failureOf(seat.journal.create("a", headerOf(runId), []))).code).toBe("INVALID_ARGUMENT");
      expect(await seat.journal.read(runId)).toBeUndefined();
      expect((await failureOf(seat.journal.answerTo(runId))).code).toBe("NOT_FOUND");
    }
  });
});
