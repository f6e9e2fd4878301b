/**
 * Appends on a wire that loses things (J1, J2): what was answered is durable, what was not is decided by looking, and what
 * cannot be decided fails. And group commit: what goes together, and that nobody pays for another's fault.
 */
import type { Lease } from "@belay/engine/journal";
import { ManualClock } from "@belay/engine/testing";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { JournalServer } from "./journal-server.ts";
import {
  claimRun,
  createRun,
  ENDED,
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

let server: JournalServer;
let stage: Stage;
let wire: Wire;

beforeAll(async () => {
  server = await JournalServer.start();
});

afterAll(async () => {
  await server.stop();
});

beforeEach(async () => {
  stage = new Stage(server);
  wire = await Wire.to(server.node);
});

afterEach(async () => {
  wire.cut();
  await stage.leave();
  await wire.close();
});

/** An engine behind the wire, whose leases end only by hand. */
function sitBehindTheWire(engine = "engine-a", leaseMs = 60_000): Promise<Seat> {
  return stage.sit(engine, { via: wire.port, leaseMs, clock: new ManualClock() });
}

async function written(): Promise<readonly unknown[]> {
  return (await stage.rows("records", "order by run, seq")).map(({ seq, epoch }) => `${seq} by ${epoch}`);
}

describe("J1, J2: an append whose answer is lost", () => {
  test("J1: it was written: the journal looks, and answers that it is durable", async () => {
    const seat = await sitBehindTheWire();
    const lease = await createRun(seat, "run-1");
    await seat.journal.append(lease, recordsFrom(0), GOING);
    wire.holdAnswers();
    const append = seat.journal.append(lease, recordsFrom(1, 3), GOING);
    await eventually("the records are written", async () => (await written()).length === 4);
    wire.cut();
    await append;
    await seat.journal.append(lease, recordsFrom(4), GOING);
    expect(await written()).toEqual(["0 by 1", "1 by 1", "2 by 1", "3 by 1", "4 by 1"]);
  });

  test("J1: it was not: the journal sends it again, and it is there once", async () => {
    const seat = await sitBehindTheWire();
    const lease = await createRun(seat, "run-1");
    await seat.journal.append(lease, recordsFrom(0), GOING);
    wire.holdRequests();
    const before = wire.sent;
    const append = seat.journal.append(lease, recordsFrom(1, 3), GOING);
    await eventually("the request is under way", () => wire.sent > before);
    wire.cut();
    await append;
    expect(await written()).toEqual(["0 by 1", "1 by 1", "2 by 1", "3 by 1"]);
  });

  test("J2: nobody can tell: it fails for good, and who claims the run anew finds what became of it", async () => {
    // A short lease is tried anew for a short time; on the server it lives on.
    const seat = await sitBehindTheWire("engine-a", 600);
    await stage.meddle("update S.owners set until = clock_timestamp() + interval '1 hour'");
    const lease = await createRun(seat, "run-1");
    await seat.journal.append(lease, recordsFrom(0), GOING);
    wire.holdAnswers();
    const append = seat.journal.append(lease, recordsFrom(1), GOING);
    await eventually("the record is written", async () => (await written()).length === 2);
    wire.cut({ refuse: true });
    const { code, message } = await failureOf(append);
    expect([code, message]).toEqual(["JOURNAL_FAILED", expect.stringContaining(`127.0.0.1:${wire.port}`)]);
    wire.cut();
    expect((await failureOf(seat.journal.append(lease, recordsFrom(2), GOING))).code).toBe("JOURNAL_FAILED");
    const again = await claimRun(seat, "run-1");
    expect((await seat.journal.read("run-1"))?.records.length).toBe(2);
    await seat.journal.append(again, recordsFrom(2), GOING);
    expect(await written()).toEqual(["0 by 1", "1 by 1", "2 by 2"]);
  });

  test("J2: a run whose append failed is given up at the next renewal, and told to be free", async () => {
    const seat = await stage.sit("engine-a", { leaseMs: 1_500 });
    const lease = await createRun(seat, "run-1");
    await stage.meddle("insert into S.records (run, seq, epoch, sum, record) select run, 0, 1, 0, '{}' from S.runs");
    expect((await failureOf(seat.journal.append(lease, recordsFrom(0), GOING))).code).toBe("JOURNAL_FAILED");
    await stage.meddle("delete from S.records");
    await eventually("it is told", () => seat.orphaned.has("run-1"));
    expect((await seat.journal.list())[0]?.owner).toBeNull();
    await seat.journal.append(await claimRun(seat, "run-1"), recordsFrom(0), GOING);
    expect(await written()).toEqual(["0 by 2"]);
  });

  test("R44: it was written, and another engine has the run meanwhile: FENCED", async () => {
    const a = await sitBehindTheWire("engine-a", 10_000);
    const b = await stage.sit("engine-b");
    const lease = await createRun(a, "run-1");
    await a.journal.append(lease, recordsFrom(0), GOING);
    wire.holdAnswers();
    const append = a.journal.append(lease, recordsFrom(1), GOING);
    await eventually("the record is written", async () => (await written()).length === 2);
    await server.endLeases(stage.schema, ["engine-a"]);
    const next = await claimRun(b, "run-1");
    wire.cut();
    expect((await failureOf(append)).code).toBe("FENCED");
    await b.journal.append(next, recordsFrom(2), GOING);
    expect(await written()).toEqual(["0 by 1", "1 by 1", "2 by 2"]);
  });

  test("J1: the server dies and comes back: what was answered is there, and the engine goes on", async () => {
    const seat = await stage.sit("engine-a", { leaseMs: 60_000, clock: new ManualClock() });
    const lease = await createRun(seat, "run-1", ["db-1"]);
    for (let seq = 0; seq < 5; seq++) await seat.journal.append(lease, recordsFrom(seq), GOING);
    await server.killAndStart();
    await seat.journal.append(lease, recordsFrom(5), GOING);
    expect((await seat.journal.read("run-1"))?.records).toEqual(recordsFrom(0, 6));
    expect((await seat.journal.list())[0]).toMatchObject({ owner: "engine-a", locks: ["db-1"], records: 6 });
  });
});

describe("J2, R39: what else is asked when a connection breaks", () => {
  test("R43: a create whose answer is lost is made once, with its token and its locks", async () => {
    const seat = await sitBehindTheWire();
    wire.holdAnswers("commit");
    const header = { ...headerOf("run-1"), clientToken: "token" };
    const create = seat.journal.create(seat.engine, header, ["db-1"]);
    await eventually("it is made", async () => (await stage.rows("runs")).length === 1);
    wire.cut();
    const created = await create;
    expect(created).toMatchObject({ kind: "created", lease: { epoch: 1, tokens: { "db-1": 1 } } });
    if (created.kind === "created") await seat.journal.append(created.lease, recordsFrom(0), GOING);
    expect(await written()).toEqual(["0 by 1"]);
  });

  test("R43: a create that was cut off before its end is made, once", async () => {
    const seat = await sitBehindTheWire();
    wire.holdAnswers("insert into");
    const create = seat.journal.create(seat.engine, { ...headerOf("run-1"), clientToken: "token" }, ["db-1"]);
    await eventually("it is in the middle of it", async () => (await idleInTransaction()) > 0);
    wire.cut();
    expect(await create).toMatchObject({ kind: "created", lease: { epoch: 1, tokens: { "db-1": 1 } } });
    expect((await stage.rows("runs")).length).toBe(1);
  });

  test("J3, J4: a claim whose answer is lost is granted again, with a greater epoch and greater tokens", async () => {
    const seat = await sitBehindTheWire();
    const lease = await createRun(seat, "run-1", ["db-1"]);
    wire.holdAnswers("commit");
    const claim = claimRun(seat, "run-1");
    await eventually("it is granted", async () => Number((await stage.rows("runs"))[0]?.["epoch"]) === 2);
    wire.cut();
    expect(await claim).toMatchObject({ epoch: 3, tokens: { "db-1": 3 } });
    expect((await failureOf(seat.journal.append(lease, recordsFrom(0), GOING))).code).toBe("FENCED");
    await seat.journal.append(await claim, recordsFrom(0), GOING);
    expect(await written()).toEqual(["0 by 3"]);
  });

  test("R37: a question whose answer is lost is asked once", async () => {
    const seat = await sitBehindTheWire();
    await createRun(seat, "run-1");
    wire.holdAnswers();
    const ask = seat.journal.ask({ requestId: "r", runId: "run-1", verb: "pause", args: [], at: 1 });
    await eventually("the request is there", async () => (await stage.rows("requests")).length === 1);
    wire.cut();
    await ask;
    expect((await stage.rows("requests")).length).toBe(1);
  });
});

describe("group commit", () => {
  test("J1: the batches of one turn are one transaction, with the end of a run and its locks", async () => {
    const seat = await stage.sit("engine-a", { pollMs: NEVER_MS });
    const leases: Lease[] = [];
    for (let index = 0; index < 50; index++) leases.push(await createRun(seat, `run-${index}`, [`db-${index}`]));
    await Promise.all(
      leases.map((lease, index) => seat.journal.append(lease, recordsFrom(0, 2), index < 25 ? ENDED : GOING)),
    );
    const [{ count, locks } = {}] = await server.query(
      `select count(distinct r.xmin::text)::int as count,
        (select count(*)::int from "${stage.schema}".locks l where l.held_by is null and l.xmin = min(r.xmin::text)::xid) as locks
        from "${stage.schema}".records r`,
    );
    expect({ count, locks }).toEqual({ count: 1, locks: 25 });
  });

  test("J2: two batches of a run in one turn are both written, in order", async () => {
    const seat = await stage.sit("engine-a");
    const lease = await createRun(seat, "run-1");
    const both = [
      seat.journal.append(lease, recordsFrom(0, 2), GOING),
      seat.journal.append(lease, recordsFrom(2, 2), { ...GOING, at: 7 }),
    ];
    await Promise.all(both);
    expect((await seat.journal.read("run-1"))?.records).toEqual(recordsFrom(0, 4));
    expect((await seat.journal.list())[0]).toMatchObject({ records: 4, at: 7 });
  });

  test("J2: a batch that does not follow is refused, and is its run's last", async () => {
    const seat = await stage.sit("engine-a");
    const lease = await createRun(seat, "run-1");
    const torn = [...recordsFrom(0), ...recordsFrom(2)];
    expect((await failureOf(seat.journal.append(lease, torn, GOING))).code).toBe("JOURNAL_FAILED");
    expect((await failureOf(seat.journal.append(lease, recordsFrom(0), GOING))).code).toBe("JOURNAL_FAILED");
    expect(await written()).toEqual([]);
  });

  test("R44: a fenced run among many fails alone", async () => {
    const [a, b] = [await stage.sit("engine-a"), await stage.sit("engine-b")];
    const leases: Lease[] = [];
    for (let index = 0; index < 20; index++) leases.push(await createRun(a, `run-${index}`));
    // Behind the engine's back, so that it believes to own it still.
    await stage.meddle("update S.runs set owner = null where run_id = 'run-7'");
    await claimRun(b, "run-7");
    const results = await Promise.allSettled(leases.map((lease) => a.journal.append(lease, recordsFrom(0), GOING)));
    const failed = results.flatMap((result, index) =>
      result.status === "rejected" ? [[index, (result.reason as { code: string }).code]] : [],
    );
    expect(failed).toEqual([[7, "FENCED"]]);
    expect((await written()).length).toBe(19);
  });

  test("R44: a run that is nobody's takes no records of its last owner", async () => {
    const seat = await stage.sit("engine-a");
    const lease = await createRun(seat, "run-1");
    await stage.meddle("update S.runs set owner = null");
    expect((await failureOf(seat.journal.append(lease, recordsFrom(0), GOING))).code).toBe("FENCED");
    expect(await written()).toEqual([]);
  });

  test("J2: a batch that the server refuses fails alone, and is its run's last", async () => {
    const seat = await stage.sit("engine-a");
    const leases: Lease[] = [];
    for (let index = 0; index < 5; index++) leases.push(await createRun(seat, `run-${index}`));
    await stage.meddle(
      "insert into S.records (run, seq, epoch, sum, record) select run, 0, 1, 0, '{}' from S.runs where run_id = 'run-2'",
    );
    const results = await Promise.allSettled(leases.map((lease) => seat.journal.append(lease, recordsFrom(0), GOING)));
    expect(results.map(({ status }) => status === "fulfilled")).toEqual([true, true, false, true, true]);
    expect((await failureOf(seat.journal.append(leases[2]!, recordsFrom(0), GOING))).code).toBe("JOURNAL_FAILED");
  });

  test("J2: a server that has lost acknowledged records takes no more of them, and the error says so", async () => {
    const seat = await stage.sit("engine-a");
    const lease = await createRun(seat, "run-1");
    await seat.journal.append(lease, recordsFrom(0, 3), GOING);
    await stage.meddle("delete from S.records where seq = 2");
    await stage.meddle("update S.runs set records = 2");
    const { code, message } = await failureOf(seat.journal.append(lease, recordsFrom(3), GOING));
    expect([code, message]).toEqual(["JOURNAL_FAILED", expect.stringContaining("has 2 records where 3 were")]);
    expect((await written()).length).toBe(2);
  });
});

async function idleInTransaction(): Promise<number> {
  const rows = await server.query(
    "select from pg_stat_activity where application_name = 'belay' and state like 'idle in%'",
  );
  return rows.length;
}
