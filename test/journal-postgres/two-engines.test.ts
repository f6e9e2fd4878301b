/**
 * T11 with whole engines: two processes, one database. The one that executes a run is paused; the other takes the run over
 * by itself and ends it; when the first wakes up it stops, and writes nothing (R40, R42, R44).
 */
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { JournalServer } from "./journal-server.ts";
import { Stage } from "./journal-stage.ts";
import { OwnerProcess } from "./owner-process.ts";
import { CHAIN } from "./two-engines-plan.ts";

const LEASE_MS = 1_000;

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

test.each(["SIGSTOP", "SIGKILL"] as const)(
  "R40, R42, R44: a run goes on under the other engine when its own gets %s, and no finished step runs again",
  { timeout: 120_000 },
  async (signal) => {
    const stage = new Stage(server);
    const options = { address: server.address, schema: stage.schema, leaseMs: LEASE_MS };
    const begin = (name: string, what: string): OwnerProcess => {
      const started = new OwnerProcess(name, what, options, "engine-process.ts");
      processes.push(started);
      return started;
    };
    const second = begin("second", "wait");
    await second.says("opens", ({ event }) => event === "open");
    const first = begin("first", "start");
    await first.says("gets on", ({ event, nodeId }) => event === "succeeded" && nodeId === "n2");
    const stoppedAt = performance.now();
    first.signal(signal);
    const taken = await second.says("takes over", ({ event }) => event === "taken", stoppedAt);
    expect(taken.atMs - stoppedAt).toBeLessThan(2 * LEASE_MS);
    if (signal === "SIGSTOP") {
      const wokenAt = performance.now();
      first.signal("SIGCONT");
      const fault = await first.says("stops", ({ event }) => event === "fault", wokenAt);
      expect(fault.code).toBe("FENCED");
    }
    const { status } = await second.says("ends the run", ({ event }) => event === "rests");
    expect(status).toBe("SUCCESSFUL");
    const finished = new Set(first.told.filter(({ event }) => event === "succeeded").map(({ nodeId }) => nodeId));
    const again = second.told.filter(({ event, nodeId }) => event === "called" && finished.has(nodeId));
    expect(again).toEqual([]);
    const called = new Set(
      [...first.told, ...second.told].flatMap(({ event, nodeId }) => (event === "called" ? [nodeId] : [])),
    );
    expect(called.size).toBe(CHAIN.nodes.length);
    // The fencing token grew with the owner (R40).
    const tokens = (of: OwnerProcess): Set<number | undefined> =>
      new Set(of.told.flatMap(({ event, token }) => (event === "called" ? [token] : [])));
    expect([...tokens(first)]).toEqual([1]);
    expect([...tokens(second)]).toEqual([2]);
    // Every record after the take-over is the new owner's.
    const epochs = (await stage.rows("records", "order by run, seq")).map(({ epoch }) => Number(epoch));
    expect(epochs).toEqual(epochs.toSorted((a, b) => a - b));
    expect(new Set(epochs)).toEqual(new Set([1, 2]));
    expect(await second.close()).toBe("0");
  },
);
