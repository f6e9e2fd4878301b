/**
 * The journal's own server has a standby: who reads may use it, engines may not, and when it takes over the engines go on
 * with everything that was answered (J1).
 */
import { openPostgresJournal, openPostgresReader } from "@belay/engine/postgres";
import { ManualClock } from "@belay/engine/testing";
import { createPostgresCluster, type PostgresCluster } from "@belay/failover-plans/embedded-postgres";
import { afterAll, beforeAll, expect, test } from "vitest";
import { query } from "../../packages/failover-plans/src/postgres/client.ts";
import type { PostgresNode } from "../../packages/failover-plans/src/postgres/ports.ts";
import { claimRun, createRun, eventually, failureOf, GOING, recordsFrom, type Seat } from "./journal-stage.ts";
import { Wire } from "./wire.ts";

const SILENT = { lost: () => undefined, orphaned: () => undefined, asked: () => undefined };

let cluster: PostgresCluster;

beforeAll(async () => {
  // An answer means that the standby has it too.
  cluster = await createPostgresCluster({ nodes: 2, durability: "on" });
});

afterAll(async () => {
  await cluster.stop();
});

function addressOf({ user, database, password = "" }: PostgresNode, host: string, port: number) {
  return { host, port, user, database, password };
}

test("J1: a server that fails over to its standby keeps what was answered, and the engine goes on", async () => {
  const [primary, standby] = cluster.nodes as readonly [PostgresNode, PostgresNode];
  const wire = await Wire.to(primary);
  const journal = openPostgresJournal({
    address: addressOf(primary, "127.0.0.1", wire.port),
    leaseMs: 600_000,
    clock: new ManualClock(),
  });
  const seat = { journal, engine: "engine-a" } as Seat;
  await journal.open(seat.engine, SILENT);
  const lease = await createRun(seat, "run-1", ["db-1"]);
  for (let seq = 0; seq < 5; seq++) await journal.append(lease, recordsFrom(seq), GOING);

  const there = addressOf(standby, standby.host, standby.port);
  const refused = await failureOf(Promise.resolve(openPostgresJournal({ address: there }).open("engine-b", SILENT)));
  expect([refused.code, refused.message]).toEqual([
    "JOURNAL_FAILED",
    expect.stringContaining("connect to the primary"),
  ]);
  const reader = openPostgresReader({ address: there });
  await eventually("the standby shows it", async () => (await reader.read("run-1"))?.records.length === 5);
  const asked = await failureOf(reader.ask({ requestId: "r", runId: "run-1", verb: "pause", args: [], at: 1 }));
  expect([asked.code, asked.message]).toEqual(["JOURNAL_FAILED", expect.stringContaining("(25006)")]);
  await reader.close();

  await cluster.control.kill(primary.name);
  await query(standby, "select pg_promote()", [], { queryTimeoutMs: 30_000 });
  await query(standby, "alter system set synchronous_standby_names = ''");
  await query(standby, "select pg_reload_conf()");
  wire.leadTo(standby);
  await journal.append(lease, recordsFrom(5), GOING);
  expect((await journal.read("run-1"))?.records).toEqual(recordsFrom(0, 6));
  const again = await claimRun(seat, "run-1");
  expect([again.epoch, again.tokens["db-1"]]).toEqual([lease.epoch + 1, (lease.tokens["db-1"] as number) + 1]);
  await journal.close(seat.engine);
  await wire.close();
}, 60_000);
