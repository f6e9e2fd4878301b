/**
 * T11: schedules of two engines that want the same runs, drawn from a seed, against a real server. Each engine writes,
 * releases and claims in its own order; runs are taken from them behind their backs, as the end of a lease would. Whatever
 * happens: no stale epoch writes (R44), nothing that was answered is missing (J1), tokens only grow (R40).
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { JournalRecord, Lease } from "@belay/engine/journal";
import { ManualClock } from "@belay/engine/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { JournalServer } from "./journal-server.ts";
import { createRun, GOING, type Seat, Stage } from "./journal-stage.ts";

const SEED = Number(process.env["SEED"] ?? 1);
const BATCHES = 50;
const RUNS_PER_BATCH = 40;
const STEPS = 4;

let server: JournalServer;

beforeAll(async () => {
  server = await JournalServer.start({ fsync: false });
});

afterAll(async () => {
  await server.stop();
});

/** A grant, and how many records there were when it was heard of. */
interface Grant {
  readonly epoch: number;
  readonly token: number;
  readonly records: number;
}

/** What was seen of one run. */
interface Story {
  readonly runId: string;
  readonly grants: Grant[];
  /** Records that were answered, by `seq`. */
  readonly answered: Map<number, { readonly epoch: number; readonly by: string }>;
  fenced: number;
}

/** A record as the server keeps it. */
interface Kept {
  readonly run_id: string;
  readonly seq: number;
  readonly epoch: string;
  readonly record: string;
  /** As the run's row counts them. */
  readonly count: string;
}

class Draw {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  /** From 0 to below `limit`. */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  }
}

test(`R44, R40: in ${BATCHES * RUNS_PER_BATCH} schedules of two owners (seed ${SEED}) no stale epoch writes and tokens only grow`, async () => {
  const stage = new Stage(server);
  const options = { leaseMs: 600_000, clock: new ManualClock() };
  const seats = [await stage.sit("engine-a", options), await stage.sit("engine-b", options)] as const;
  const draw = new Draw(SEED);
  let fenced = 0;
  let takenOver = 0;
  for (let batch = 0; batch < BATCHES; batch++) {
    const stories: Story[] = [];
    for (let index = 0; index < RUNS_PER_BATCH; index++) {
      stories.push({ runId: `run-${batch}-${index}`, grants: [], answered: new Map(), fenced: 0 });
    }
    const schedules = stories.map((story) => play(stage, seats, story, new Draw(draw.below(2 ** 31))));
    // Now and then an engine loses everything at once.
    if (draw.below(3) === 0) schedules.push(endALease(stage, seats[draw.below(2)] as Seat, draw.below(50)));
    await Promise.all(schedules);
    await judge(stage, stories, `seed ${SEED}, batch ${batch}`);
    for (const story of stories) {
      fenced += story.fenced;
      takenOver += story.grants.length - 1;
    }
  }
  // The schedules are what they are meant to be: without stale owners that try to write nothing would be proven.
  expect(fenced).toBeGreaterThan(BATCHES * RUNS_PER_BATCH * 0.25);
  expect(takenOver).toBeGreaterThan(BATCHES * RUNS_PER_BATCH);
  await stage.leave();
}, 240_000);

async function endALease(stage: Stage, seat: Seat, afterMs: number): Promise<void> {
  await sleep(afterMs);
  await stage.server.endLeases(stage.schema, [seat.engine]);
}

async function play(stage: Stage, seats: readonly [Seat, Seat], story: Story, draw: Draw): Promise<void> {
  const creator = draw.below(2);
  const lease = await createRun(seats[creator] as Seat, story.runId, [story.runId]);
  story.grants.push({ epoch: lease.epoch, token: lease.tokens[story.runId] as number, records: 0 });
  await Promise.all([
    act(stage, seats[creator] as Seat, { story, draw: new Draw(draw.below(2 ** 31)), first: lease }),
    act(stage, seats[1 - creator] as Seat, { story, draw: new Draw(draw.below(2 ** 31)), first: undefined }),
    takeAway(stage, story.runId, new Draw(draw.below(2 ** 31))),
  ]);
}

/** The owner loses the run, as by the end of its lease, and does not know. */
async function takeAway(stage: Stage, runId: string, draw: Draw): Promise<void> {
  for (let times = 1 + draw.below(2); times > 0; times--) {
    await sleep(draw.below(30));
    await stage.meddle("update S.runs set owner = null where run_id = $1", [runId]);
  }
}

/** An engine's part in one run. */
interface Part {
  readonly story: Story;
  readonly draw: Draw;
  /** The lease that it begins with. */
  readonly first: Lease | undefined;
}

/** One engine: one thing after the other, as far as one run goes. */
async function act(stage: Stage, seat: Seat, { story, draw, first }: Part): Promise<void> {
  let lease = first;
  let next = 0;
  for (let step = 0; step < STEPS; step++) {
    // Who has nothing to write waits longer: most of its claims are to find the run free.
    await sleep(draw.below(lease === undefined ? 40 : 5));
    if (lease === undefined || draw.below(8) === 0) {
      const claimed = await claim(stage, seat, story);
      if (claimed !== undefined) ({ lease, next } = claimed);
    } else if (draw.below(10) === 0) {
      await seat.journal.release(lease);
      if (draw.below(2) === 0) lease = undefined;
    } else {
      const records = recordsOf(seat.engine, next, 1 + draw.below(3));
      const written = await append(seat, story, lease, records);
      // One that does not hear of it tries on, and on.
      if (!written && draw.below(2) === 0) lease = undefined;
      else next += records.length;
    }
  }
}

async function claim(stage: Stage, seat: Seat, story: Story): Promise<{ lease: Lease; next: number } | undefined> {
  const result = await seat.journal.claim(seat.engine, story.runId);
  if (result.kind !== "claimed") return undefined;
  const { lease } = result;
  const [row] = await stage.rows("runs", "where run_id = $1", [story.runId]);
  const next = Number(row?.["records"]);
  story.grants.push({ epoch: lease.epoch, token: lease.tokens[story.runId] as number, records: next });
  return { lease, next };
}

function recordsOf(by: string, seq: number, count: number): JournalRecord[] {
  return Array.from({ length: count }, (_, index) => ({
    seq: seq + index,
    input: { kind: "succeeded", at: 1, node: 0, attempt: 1 },
    payload: { by },
  }));
}

async function append(seat: Seat, story: Story, lease: Lease, records: readonly JournalRecord[]): Promise<boolean> {
  try {
    await seat.journal.append(lease, records, GOING);
  } catch (error) {
    const { code } = error as { code: string };
    if (code === "FENCED") story.fenced++;
    return false;
  }
  for (const { seq } of records) {
    if (story.answered.has(seq)) throw new Error(`J3: record ${seq} of ${story.runId} was answered twice`);
    story.answered.set(seq, { epoch: lease.epoch, by: seat.engine });
  }
  return true;
}

async function judge(stage: Stage, stories: readonly Story[], where: string): Promise<void> {
  const rows = await stage.server.query<Kept>(
    `select r.run_id, x.seq, x.epoch, x.record, r.records as count
      from "${stage.schema}".runs r join "${stage.schema}".records x using (run)
      where r.run_id = any($1) order by r.run, x.seq`,
    [stories.map(({ runId }) => runId)],
  );
  for (const story of stories) {
    const kept = rows.filter(({ run_id }) => run_id === story.runId);
    const wrong = faultsOf(story, kept);
    if (wrong.length > 0) throw new Error(`${where}, ${story.runId}:\n${wrong.join("\n")}`);
  }
}

function faultsOf({ grants, answered }: Story, kept: readonly Kept[]): readonly string[] {
  const wrong: string[] = [];
  const check = (holds: boolean, what: string): void => {
    if (!holds) wrong.push(what);
  };
  const epochs = kept.map(({ epoch }) => Number(epoch));
  for (const [index, { seq, count }] of kept.entries()) {
    check(seq === index, `J1: record ${index} is missing`);
    check(Number(count) === kept.length, `J1: ${count} records are counted, ${kept.length} are there`);
    check(index === 0 || (epochs[index] as number) >= (epochs[index - 1] as number), `R44: stale write of ${index}`);
  }
  for (const { epoch, records } of grants) {
    // What was written after a grant was heard of is the new owner's, or a later one's.
    for (const [index, later] of epochs.slice(records).entries()) {
      check(later >= epoch, `R44: record ${records + index} is of epoch ${later}, written after a grant of ${epoch}`);
    }
  }
  for (const [seq, { epoch, by }] of answered) {
    check(epochs[seq] === epoch, `J1: answered record ${seq} of epoch ${epoch} is not there`);
    check(kept[seq]?.record.includes(`{"by":"${by}"}`) === true, `J1: answered record ${seq} is another one`);
  }
  const granted = grants.toSorted((a, b) => a.epoch - b.epoch);
  for (const [index, grant] of granted.slice(1).entries()) {
    const before = granted[index] as Grant;
    check(grant.epoch > before.epoch, `J3: epoch ${grant.epoch} was granted twice`);
    check(grant.token > before.token, `R40: token ${grant.token} of epoch ${grant.epoch} after ${before.token}`);
  }
  return wrong;
}
