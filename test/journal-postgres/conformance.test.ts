/**
 * The journal in PostgreSQL keeps what every journal promises, against a real server: with one object per engine, as
 * processes of their own would have it, and with one object for all.
 */
import { openPostgresJournal, openPostgresReader, type PostgresJournal } from "@belay/engine/postgres";
import { type JournalHarness, journalConformance, ManualClock } from "@belay/engine/testing";
import { afterAll, beforeAll, describe, test } from "vitest";
import { JournalServer } from "./journal-server.ts";

let server: JournalServer;

beforeAll(async () => {
  server = await JournalServer.start({ fsync: false });
  // Whatever a database is set to, the journal keeps its promises.
  for (const setting of ["default_transaction_isolation = 'serializable'", "search_path = nowhere", "jit = on"])
    await server.query(`alter database postgres set ${setting}`);
});

afterAll(async () => {
  await server.stop();
});

interface Medium {
  readonly schema: string;
  journal: PostgresJournal | undefined;
}

function newJournal(schema: string): PostgresJournal {
  // Nothing is renewed or polled by itself: a crashed journal stays as dead as its process would be.
  return openPostgresJournal({ address: server.address, schema, leaseMs: 60_000, clock: new ManualClock() });
}

function harness(connect: (medium: Medium) => PostgresJournal): JournalHarness<Medium> {
  return {
    engines: "many",
    sharesSlots: true,
    fresh: () => ({ schema: server.newSchema(), journal: undefined }),
    connect,
    crash: async (medium) => {
      await server.endLeases(medium.schema);
      await server.cutConnections();
      medium.journal = undefined;
    },
    outsider: ({ schema }) => openPostgresReader({ address: server.address, schema }),
    // The schema goes with the server.
    dispose: () => server.cutConnections(),
  };
}

describe("the journal in PostgreSQL, one object per engine", () => {
  const each = harness(({ schema }) => newJournal(schema));
  for (const { name, run } of journalConformance(each)) test(name, run);
});

describe("the journal in PostgreSQL, one object for all engines", () => {
  const shared = harness((medium) => {
    medium.journal ??= newJournal(medium.schema);
    return medium.journal;
  });
  for (const { name, run } of journalConformance(shared)) test(name, run);
});
