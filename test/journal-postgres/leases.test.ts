/**
 * Who knows when that a lease is over (R44): the engine by its own clock, before the server can let another one in; the
 * other engines by the server's. And what they are told of each other.
 */
import { ManualClock } from "@belay/engine/testing";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { statementsFor } from "../../packages/engine/src/journal/postgres/sql.ts";
import { JournalServer } from "./journal-server.ts";
import {
  claimRun,
  createRun,
  ENDED,
  eventually,
  failureOf,
  GOING,
  NEVER_MS,
  recordsFrom,
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

describe("R44: an engine that cannot renew its lease", () => {
  test("R44: is told by its own clock, and writes nothing more, without asking", async () => {
    const clock = new ManualClock();
    const seat = await stage.sit("engine-a", { via: wire.port, leaseMs: 10_000, clock });
    const lease = await createRun(seat, "run-1");
    const ended = await createRun(seat, "run-2");
    await seat.journal.append(lease, recordsFrom(0), GOING);
    await seat.journal.append(ended, recordsFrom(0), ENDED);
    wire.holdRequests();
    await clock.elapse(8_900);
    expect(seat.lost).toEqual([]);
    await clock.elapse(100);
    expect(seat.lost).toEqual(["run-1"]);
    const { sent } = wire;
    expect((await failureOf(seat.journal.append(lease, recordsFrom(1), GOING))).code).toBe("FENCED");
    expect(wire.sent).toBe(sent);
  });

  test("R44: is told at once when it was paused, by the first append if that comes before any timer", async () => {
    let nowMs = 0;
    // Time passes, and no timer has had its turn yet.
    const clock = { now: () => nowMs, schedule: () => () => undefined };
    const seat = await stage.sit("engine-a", { via: wire.port, leaseMs: 10_000, clock });
    const lease = await createRun(seat, "run-1");
    await seat.journal.append(lease, recordsFrom(0), GOING);
    const { sent } = wire;
    nowMs = 60_000;
    const append = seat.journal.append(lease, recordsFrom(1), GOING);
    expect(seat.lost).toEqual([]);
    expect((await failureOf(append)).code).toBe("FENCED");
    expect(seat.lost).toEqual(["run-1"]);
    expect(wire.sent).toBe(sent);
  });

  test("R44: gets FENCED for what was on its way, even if it was written: the answer came too late", async () => {
    const clock = new ManualClock();
    const seat = await stage.sit("engine-a", { via: wire.port, leaseMs: 10_000, clock });
    const lease = await createRun(seat, "run-1");
    await seat.journal.append(lease, recordsFrom(0), GOING);
    wire.holdAnswers();
    const append = seat.journal.append(lease, recordsFrom(1), GOING);
    await eventually("it is written", async () => (await stage.rows("records")).length === 2);
    const failure = failureOf(append);
    await clock.elapse(9_000);
    expect((await failure).code).toBe("FENCED");
    wire.cut();
    const again = await claimRun(seat, "run-1");
    await seat.journal.append(again, recordsFrom(2), GOING);
    expect((await seat.journal.read("run-1"))?.records).toEqual(recordsFrom(0, 3));
  });

  test("R44: gets FENCED for what was on its way, also when no timer has had its turn before the answer", async () => {
    let nowMs = 0;
    const clock = { now: () => nowMs, schedule: () => () => undefined };
    const seat = await stage.sit("engine-a", { leaseMs: 10_000, clock });
    const lease = await createRun(seat, "run-1");
    await seat.journal.append(lease, recordsFrom(0), GOING);
    const append = seat.journal.append(lease, recordsFrom(1), GOING);
    nowMs = 9_000;
    expect((await failureOf(append)).code).toBe("FENCED");
    expect((await stage.rows("records")).length).toBe(2);
  });

  test("R44: counts its lease from when the renewal was sent, however late the answer is", async () => {
    const clock = new ManualClock();
    const seat = await stage.sit("engine-a", { via: wire.port, leaseMs: 9_000, clock });
    await createRun(seat, "run-1");
    const [{ until } = {}] = await stage.rows("owners");
    wire.delayAnswers();
    // The renewal is sent after 2.7 to 3 s; its answer comes after 8 s.
    await clock.elapse(3_000);
    await eventually("the renewal", async () => Number((await stage.rows("owners"))[0]?.["until"]) !== Number(until));
    await clock.elapse(5_000);
    wire.passAnswers();
    await eventually("the answer has come", () => wire.passed > 0);
    wire.holdRequests();
    await clock.elapse(2_700);
    expect(seat.lost).toEqual([]);
    // Nine tenths of the lease after the renewal, at the latest.
    await clock.elapse(500);
    expect(seat.lost).toEqual(["run-1"]);
  });

  test("R44: frees its runs for others as soon as it reaches the server again", async () => {
    const clock = new ManualClock();
    const a = await stage.sit("engine-a", { via: wire.port, leaseMs: 3_600_000, clock });
    const b = await stage.sit("engine-b", { pollMs: 20 });
    await createRun(a, "run-1");
    wire.holdRequests();
    await clock.elapse(3_300_000);
    expect([a.lost, b.orphaned.size]).toEqual([["run-1"], 0]);
    wire.cut();
    await createRun(a, "run-2");
    await eventually("b is told", () => b.orphaned.has("run-1"));
    expect([...b.orphaned]).toEqual(["run-1"]);
  });

  test("R44: stops while the server's lease still lives, counted from when the renewal was sent", async () => {
    const seat = await stage.sit("engine-a", { via: wire.port, leaseMs: 2_000 });
    await createRun(seat, "run-1");
    // Until after some renewals.
    const [{ until: first } = {}] = await stage.rows("owners");
    await eventually("a renewal", async () => Number((await stage.rows("owners"))[0]?.["until"]) !== Number(first));
    wire.holdRequests();
    await eventually("the word", () => seat.lost.length > 0);
    const [left] = await server.query<{ ms: number }>(
      `select extract(epoch from until - clock_timestamp())::float8 * 1000 as ms from "${stage.schema}".owners`,
    );
    expect(left?.ms).toBeGreaterThan(0);
    expect(seat.lost).toEqual(["run-1"]);
  });

  test("R44: is told when the server has ended its lease, and goes on with another one", async () => {
    const seat = await stage.sit("engine-a", { leaseMs: 900 });
    const lease = await createRun(seat, "run-1");
    await server.endLeases(stage.schema);
    await eventually("the word", () => seat.lost.length > 0);
    expect((await failureOf(seat.journal.append(lease, recordsFrom(0), GOING))).code).toBe("FENCED");
    await eventually("its own run is free", () => seat.orphaned.has("run-1"));
    await seat.journal.append(await claimRun(seat, "run-1"), recordsFrom(0), GOING);
    expect(seat.lost).toEqual(["run-1"]);
  });

  test("R44: takes another lease at once, without a call of the engine's", async () => {
    const clock = new ManualClock();
    const seat = await stage.sit("engine-a", { leaseMs: 9_000, clock });
    await createRun(seat, "run-1");
    await server.endLeases(stage.schema);
    await clock.elapse(3_000);
    await eventually("the word", () => seat.lost.length > 0);
    await eventually("a living lease", async () => {
      await clock.elapse(0);
      return (await stage.rows("owners", "where until > clock_timestamp()")).length === 1;
    });
    expect(clock.now()).toBe(new ManualClock().now() + 3_000);
  });

  test("R44: whose lease the server has ended writes nothing, and learns it from that", async () => {
    const seat = await stage.sit("engine-a", { clock: new ManualClock() });
    const leases = [await createRun(seat, "run-1"), await createRun(seat, "run-2")] as const;
    await seat.journal.append(leases[0], recordsFrom(0), GOING);
    await server.endLeases(stage.schema);
    expect((await failureOf(seat.journal.append(leases[0], recordsFrom(1), GOING))).code).toBe("FENCED");
    expect(seat.lost).toEqual(["run-1", "run-2"]);
    expect((await stage.rows("records")).length).toBe(1);
    await createRun(seat, "run-3");
  });
});

describe("R44: a living lease", () => {
  test("R44: is renewed as long as the engine lives, whatever it does", async () => {
    const [a, b] = [await stage.sit("engine-a", { leaseMs: 1_500 }), await stage.sit("engine-b", { leaseMs: 1_500 })];
    const lease = await createRun(a, "run-1");
    const until = performance.now() + 3_000;
    for (let seq = 0; performance.now() < until; seq++) {
      await a.journal.append(lease, recordsFrom(seq), GOING);
      expect(await b.journal.claim(b.engine, "run-1")).toEqual({ kind: "held", by: "engine-a" });
    }
    expect([a.lost, [...b.orphaned]]).toEqual([[], []]);
  });

  test("R44: a claim that comes while a renewal is under way waits for it", async () => {
    const a = await stage.sit("engine-a", { clock: new ManualClock() });
    const b = await stage.sit("engine-b");
    await createRun(a, "run-1");
    // The renewal as the server does it, held before its end; the lease as it was is over meanwhile.
    await stage.meddle("update S.owners set until = clock_timestamp() + interval '200 ms' where engine = 'engine-a'");
    const renewal = await server.hold(
      `update "${stage.schema}".owners set until = clock_timestamp() + interval '1 hour' where engine = 'engine-a'`,
    );
    await eventually("the old lease is over", async () => {
      const [row] = await stage.rows("owners", "where engine = 'engine-a' and until < clock_timestamp()");
      return row !== undefined;
    });
    const claim = b.journal.claim(b.engine, "run-1");
    await eventually("the claim waits", () => server.somebodyWaits());
    await renewal.commit();
    expect(await claim).toEqual({ kind: "held", by: "engine-a" });
  });

  test("R44: a renewal that had to wait for a claim until its lease was over is refused", async () => {
    const seat = await stage.sit("engine-a", { clock: new ManualClock() });
    await createRun(seat, "run-1");
    const [{ owner } = {}] = await stage.rows("owners");
    await stage.meddle("update S.owners set until = clock_timestamp() + interval '300 ms'");
    const claim = await server.hold(`select from "${stage.schema}".owners for share`);
    const { renew } = statementsFor(`"${stage.schema}"`);
    const renewal = server.aside(renew.text, [owner, 60_000]);
    await eventually("the renewal waits", () => server.somebodyWaits());
    await eventually("the lease is over", async () => {
      return (await stage.rows("owners", "where until < clock_timestamp()")).length > 0;
    });
    await claim.commit();
    expect(await renewal).toEqual([]);
  });
});

describe("R44: a process that is paused in the middle of a claim", () => {
  test("R44: keeps others from the run for half a lease at most", async () => {
    const a = await stage.sit("engine-a", { via: wire.port, leaseMs: 1_000, clock: new ManualClock() });
    const b = await stage.sit("engine-b");
    await b.journal.release(await createRun(b, "run-1"));
    wire.holdAnswers("for update");
    const paused = failureOf(a.journal.claim(a.engine, "run-1"));
    wire.refuse();
    await eventually("it holds the run", async () => {
      return (await server.query("select from pg_stat_activity where state = 'idle in transaction'")).length > 0;
    });
    const startedAt = performance.now();
    await claimRun(b, "run-1");
    // Long before the paused one's own call would be given up, after 5 s.
    expect(performance.now() - startedAt).toBeLessThan(4_000);
    // It must not come back: it would be told whose the run is, which is no failure.
    wire.cut({ refuse: true });
    expect((await paused).code).toBe("JOURNAL_FAILED");
  });
});

describe("R44: what engines hear of each other", () => {
  test("R44: a run that was released is told to the others at once, without a poll", async () => {
    const a = await stage.sit("engine-a", { pollMs: NEVER_MS });
    const b = await stage.sit("engine-b", { pollMs: NEVER_MS });
    const lease = await createRun(a, "run-1");
    await createRun(a, "run-2");
    await a.journal.release(lease);
    await eventually("b is told", () => b.orphaned.has("run-1"));
    expect([...b.orphaned]).toEqual(["run-1"]);
    await claimRun(b, "run-1");
  });

  test("R44: a run that was taken from an engine is told to it again when it is free", async () => {
    const a = await stage.sit("engine-a", { pollMs: 20 });
    const b = await stage.sit("engine-b", { pollMs: NEVER_MS });
    const lease = await createRun(a, "run-1");
    await stage.meddle("update S.runs set owner = null");
    const next = await claimRun(b, "run-1");
    expect((await failureOf(a.journal.append(lease, recordsFrom(0), GOING))).code).toBe("FENCED");
    a.orphaned.clear();
    await b.journal.release(next);
    await eventually("a is told", () => a.orphaned.has("run-1"));
  });

  test("R44: the runs of an engine that closes are told to the others at once, ended ones aside", async () => {
    const a = await stage.sit("engine-a", { pollMs: NEVER_MS });
    const b = await stage.sit("engine-b", { pollMs: NEVER_MS });
    await createRun(a, "run-1");
    await a.journal.append(await createRun(a, "run-2"), recordsFrom(0), ENDED);
    await a.journal.close(a.engine);
    await eventually("b is told", () => b.orphaned.size > 0);
    expect([...b.orphaned]).toEqual(["run-1"]);
  });

  test("R44: a run whose owner is not heard of is found by the poll", async () => {
    const a = await stage.sit("engine-a", { clock: new ManualClock() });
    const b = await stage.sit("engine-b", { pollMs: 50 });
    await createRun(a, "run-1");
    await server.endLeases(stage.schema, ["engine-a"]);
    await eventually("b is told", () => b.orphaned.has("run-1"));
  });

  test("R37: a request of which nobody said anything is found by the poll", async () => {
    const seat = await stage.sit("engine-a", { pollMs: 50 });
    await createRun(seat, "run-1");
    const request = { requestId: "r", runId: "run-1", verb: "pause", args: [], at: 1 };
    await stage.meddle("insert into S.requests (request_id, run, request) select 'r', run, $1 from S.runs", [
      JSON.stringify(request),
    ]);
    await eventually("it is told", () => seat.asked > 0);
    expect(await seat.journal.takeRequests(seat.engine)).toEqual([request]);
  });

  test("R37: requests that came before a claim are told after it", async () => {
    const a = await stage.sit("engine-a");
    await a.journal.release(await createRun(a, "run-1"));
    await a.journal.ask({ requestId: "r", runId: "run-1", verb: "pause", args: [], at: 1 });
    const b = await stage.sit("engine-b", { pollMs: NEVER_MS });
    await claimRun(b, "run-1");
    await eventually("b is told", () => b.asked > 0);
  });

  test("R37: notifications are heard again after the connection was lost", async () => {
    const seat = await stage.sit("engine-a", { via: wire.port, leaseMs: 900, pollMs: NEVER_MS });
    await createRun(seat, "run-1");
    const asker = await stage.sit("engine-b");
    wire.cut();
    let asked = 0;
    await eventually("it is told of one of many", async () => {
      asked++;
      await asker.journal.ask({ requestId: `${asked}`, runId: "run-1", verb: "pause", args: [], at: 1 });
      return seat.asked > 0;
    });
  });

  test("a journal without engines keeps no connection, and can be asked all the same", async () => {
    // Connections that an earlier test has cut may still be there: the server has not noticed.
    const before = await server.connections();
    const seat = await stage.sit("engine-a");
    await seat.journal.append(await createRun(seat, "run-1"), recordsFrom(0), GOING);
    await seat.journal.list();
    expect(await server.connections()).toBeGreaterThan(before);
    await seat.journal.close(seat.engine);
    await eventually("no connection is left", async () => (await server.connections()) <= before);
    expect((await seat.journal.list()).length).toBe(1);
  });
});
