/**
 * T11: two processes on one journal. An owner that is paused is replaced within two leases; when it wakes up it is told, and
 * writes nothing under its old epoch (R44).
 */
import type { PostgresJournalOptions } from "@belay/engine/postgres";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { JournalServer } from "./journal-server.ts";
import { Stage } from "./journal-stage.ts";
import { OwnerProcess } from "./owner-process.ts";

const LEASE_MS = 1_000;
const ROUNDS = 2;
const RUNS = ["run-0", "run-1", "run-2", "run-3", "run-4"];

let server: JournalServer;
const processes: OwnerProcess[] = [];

beforeAll(async () => {
  server = await JournalServer.start();
});

afterAll(async () => {
  await server.stop();
});

afterEach(async () => {
  await Promise.all(processes.splice(0).map((one) => one.reap()));
});

function start(name: string, what: "create" | "wait" | "idle", options: PostgresJournalOptions): OwnerProcess {
  const started = new OwnerProcess(name, what, options);
  processes.push(started);
  return started;
}

/** Resolves when the process writes to all runs. */
async function writesAll(owner: OwnerProcess, sinceMs: number): Promise<void> {
  for (const runId of RUNS) {
    await owner.says(`writes to ${runId}`, (told) => told.event === "wrote" && told.runId === runId, sinceMs);
  }
}

/** Milliseconds from `sinceMs` until the process has claimed all runs. */
async function takesAll(owner: OwnerProcess, sinceMs: number): Promise<number> {
  const claims = RUNS.map((id) =>
    owner.says(`claims ${id}`, ({ event, runId }) => event === "claimed" && runId === id, sinceMs),
  );
  return Math.max(...(await Promise.all(claims)).map(({ atMs }) => atMs)) - sinceMs;
}

test("R44: a paused owner is replaced within two leases, and its old epoch writes nothing when it wakes up", {
  timeout: 120_000,
}, async () => {
  const stage = new Stage(server);
  const options = { address: server.address, schema: stage.schema, leaseMs: LEASE_MS };
  const takeOversMs: number[] = [];
  let owner = start("engine-0", "create", options);
  await writesAll(owner, 0);
  let other = start("engine-1", "wait", options);
  await other.says("opens", ({ event }) => event === "open");
  for (let round = 0; round < ROUNDS; round++) {
    const pausedAt = performance.now();
    owner.signal("SIGSTOP");
    takeOversMs.push(await takesAll(other, pausedAt));
    await writesAll(other, pausedAt);
    const wokenAt = performance.now();
    owner.signal("SIGCONT");
    const lost = await owner.says("is told", ({ event }) => event === "lost", wokenAt);
    expect(lost.runIds?.toSorted()).toEqual(RUNS);
    expect(lost.atMs - wokenAt).toBeLessThan(LEASE_MS);
    for (const id of RUNS) {
      const stopped = await owner.says(`stops ${id}`, (told) => told.event === "stopped" && told.runId === id, wokenAt);
      expect(stopped.code).toBe("FENCED");
    }
    const killedAt = performance.now();
    other.signal("SIGKILL");
    takeOversMs.push(await takesAll(owner, killedAt));
    await writesAll(owner, killedAt);
    other = start(`engine-${round + 2}`, "wait", options);
    await other.says("opens", ({ event }) => event === "open");
  }
  const closedAt = performance.now();
  expect(await owner.close()).toBe("0");
  const handedOverMs = await takesAll(other, closedAt);
  owner = other;
  expect(await owner.close()).toBe("0");
  expect(Math.max(...takeOversMs), `take-overs: ${takeOversMs}`).toBeLessThan(2 * LEASE_MS);
  expect(handedOverMs).toBeLessThan(LEASE_MS);
  await expectOneWriterAtATime(stage, 2 + 2 * ROUNDS);
});

test("an open journal that nobody uses keeps no process alive", async () => {
  const stage = new Stage(server);
  const idle = start("engine-0", "idle", { address: server.address, schema: stage.schema });
  await idle.says("opens", ({ event }) => event === "open");
  expect(await idle.ended()).toBe("0");
});

/** Records without gaps, each under the epoch of its writer, epochs in order: what a stale owner adds would break it. */
async function expectOneWriterAtATime(stage: Stage, owners: number): Promise<void> {
  const rows = await stage.rows("records", "order by run, seq");
  let previous: { run: unknown; seq: number; epoch: number } | undefined;
  for (const { run, seq, epoch, record } of rows) {
    const { payload } = JSON.parse(String(record)) as { payload: { epoch: number } };
    expect(payload.epoch).toBe(Number(epoch));
    if (previous?.run === run) {
      expect(seq).toBe((previous?.seq as number) + 1);
      expect(Number(epoch)).toBeGreaterThanOrEqual(previous?.epoch as number);
    } else expect(seq).toBe(0);
    previous = { run, seq: seq as number, epoch: Number(epoch) };
  }
  const epochs = await stage.rows("runs");
  expect(epochs.map(({ epoch }) => Number(epoch))).toEqual(RUNS.map(() => owners));
}
