/**
 * Slots of pools over a real server (R41, J6): what a lost answer, a lost lease and a silent death leave of them, and two
 * whole engines that share a pool.
 */
import { createEngine, definePlan } from "@belay/engine";
import { openPostgresJournal } from "@belay/engine/postgres";
import { ManualClock } from "@belay/engine/testing";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { JournalServer } from "./journal-server.ts";
import { createRun, eventually, NEVER_MS, type Seat, Stage } from "./journal-stage.ts";
import { Wire } from "./wire.ts";

const POOL = { name: "db", concurrency: 3, rate: null };

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

async function slots(): Promise<number> {
  return (await stage.rows("slots")).length;
}

function sitBehindTheWire(): Promise<Seat> {
  return stage.sit("engine-a", { via: wire.port, leaseMs: 60_000, clock: new ManualClock() });
}

describe("R41: slots over a wire that loses things", () => {
  test("R41: a take whose answer was lost takes no more when it is asked again, and answers the slots it has", async () => {
    const { journal, engine } = await sitBehindTheWire();
    await journal.takeSlots(engine, POOL, 1);
    wire.holdAnswers("commit");
    const take = journal.takeSlots(engine, POOL, 1);
    await eventually("the slot is taken", async () => (await slots()) === 2);
    wire.cut();
    expect((await take).slots).toHaveLength(1);
    expect(await slots()).toBe(2);
  });

  test("R41: what is given back while the server is away is given back later", async () => {
    const seat = await sitBehindTheWire();
    const { slots: taken } = await seat.journal.takeSlots(seat.engine, POOL, 3);
    wire.cut();
    wire.holdRequests();
    seat.journal.freeSlots(taken);
    wire.cut();
    await eventually("all are free", async () => (await slots()) === 0);
  });
});

describe("R41: slots and leases", () => {
  test("R41, R44: an engine whose lease is over holds no slot, and the others are told by and by", async () => {
    const clock = new ManualClock();
    const dead = await stage.sit("dead", { leaseMs: 60_000, clock: new ManualClock() });
    const alive = await stage.sit("alive", { leaseMs: 60_000, pollMs: 1_000, clock });
    await dead.journal.takeSlots("dead", POOL, 3);
    expect((await alive.journal.takeSlots("alive", POOL, 1)).slots).toEqual([]);
    await stage.meddle("update S.owners set until = clock_timestamp() - interval '1 second' where engine = 'dead'");
    const { slotsFree } = alive;
    await clock.elapse(1_000);
    await eventually("it is told at a poll", () => alive.slotsFree > slotsFree);
    expect((await alive.journal.takeSlots("alive", POOL, 5)).slots).toHaveLength(3);
  });

  test("R41, R44: an engine that asks under a lease that is over gets slots under the next one", async () => {
    const seat = await stage.sit("engine-a", { leaseMs: 60_000, pollMs: NEVER_MS, clock: new ManualClock() });
    await createRun(seat, "run-1");
    const { slots: before } = await seat.journal.takeSlots("engine-a", POOL, 2);
    await stage.meddle("update S.owners set until = clock_timestamp() - interval '1 second'");
    expect((await seat.journal.takeSlots("engine-a", POOL, 3)).slots).toHaveLength(3);
    await eventually("its runs are lost", () => seat.lost.length === 1);
    // Those of the lease before are nobody's.
    seat.journal.freeSlots(before);
    await eventually("three are left", async () => (await slots()) === 3);
  });
});

test("R41: two engines with a pool of three run three attempts at once, all of them, and leave no slot", async () => {
  let running = 0;
  let most = 0;
  let calls = 0;
  const waiting: (() => void)[] = [];
  const work = {
    /** Each waits for two others, but for the last two. */
    run: async (): Promise<void> => {
      most = Math.max(most, ++running);
      calls++;
      const together = new Promise<void>((resolve) => waiting.push(resolve));
      if (waiting.length === 3 || calls === 80) for (const go of waiting.splice(0)) go();
      await together;
      // Time for a fourth, if there were a slot.
      for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
      running--;
    },
  };
  const nodes = Array.from({ length: 40 }, (_, v) => ({ id: `n${v}`, action: "work", pool: "db" }));
  const plan = definePlan({ belay: 1, name: "wide", nodes });
  const engines = await Promise.all(
    [0, 1].map(() => {
      const journal = openPostgresJournal({ address: server.address, schema: stage.schema });
      return createEngine({ actions: { work }, journal, pools: { db: { concurrency: 3 } } });
    }),
  );
  try {
    const runs = await Promise.all(engines.map((engine) => engine.start(plan)));
    const ends = await Promise.all(runs.map((run) => run.settled()));
    expect(ends.map(({ status }) => status)).toEqual(["SUCCESSFUL", "SUCCESSFUL"]);
    expect({ calls, most }).toEqual({ calls: 80, most: 3 });
  } finally {
    await Promise.all(engines.map((engine) => engine.close()));
  }
  expect(await slots()).toBe(0);
});
