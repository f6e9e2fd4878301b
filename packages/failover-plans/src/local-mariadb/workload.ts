/**
 * Clients of a cluster during a failover: each inserts single rows and follows the route, and what was acknowledged, and when, is
 * remembered. The judgement over it is in workload/workload-report.ts.
 *
 * Every call has a client-side limit: a frozen server answers nothing. An id is tried once: a failed insert may have happened, and a
 * second try would hide that. The clients have no rights beyond their data, so that read_only binds them.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { BelayError } from "@belay/engine";
import {
  type CallOptions,
  connect,
  type MysqlServer,
  query,
  quoteName,
  type Session,
  serverErrno,
  withSession,
} from "../mysql-client/client.ts";
import type { Route } from "../route/route.ts";
import { judge, type Observations, type RowSource, type WorkloadReport } from "../workload/workload-report.ts";

/** What a client that fails over quickly would set. */
const LIMITS: CallOptions = { connectTimeoutMs: 500, queryTimeoutMs: 2000 };
/** Reading all ids takes a while. */
const READ_LIMITS: CallOptions = { connectTimeoutMs: 1000, queryTimeoutMs: 15_000 };
/** How often the route is read, for all writers together. */
const ROUTE_POLL_MS = 10;
/** After an error, before the next try: a dead server refuses at once. */
const RETRY_PAUSE_MS = 5;
const TABLE = "belay_demo";

/** What `startMariadbWorkload` takes. */
export interface MariadbWorkloadOptions {
  /** Where the writers learn which node to write to. */
  readonly route: Route;
  /** All servers, as clients reach them. */
  readonly clients: readonly MysqlServer[];
  /** Concurrent clients, one row in flight each. Default 8. */
  readonly writers?: number;
}

/** A running workload. */
export interface MariadbWorkload {
  /** Marks the moment of the fault, so that the report measures the gap it caused. Default: nothing marked. */
  mark(): void;
  /** Acknowledged rows so far. */
  acknowledged(): number;
  /** Ends the writers, within 3 seconds. Idempotent. */
  stop(): Promise<void>;
  /** Stops, then counts what is on the servers. Bounded to about half a minute. */
  report(): Promise<WorkloadReport>;
}

/** What the loops share. */
interface Run {
  readonly options: MariadbWorkloadOptions;
  readonly seen: Observations;
  stopping: boolean;
  /** Where the route points now. */
  writer: MysqlServer | undefined;
  nextId: number;
}

/** Creates the table `belay_demo` on the present writer and starts the clients. STATE_INVALID while the route names no writer. */
export async function startMariadbWorkload(options: MariadbWorkloadOptions): Promise<MariadbWorkload> {
  const writer = findServer(options.clients, (await options.route.current()).writer);
  if (writer === undefined) throw new BelayError("STATE_INVALID", "the route names no writer to start with");
  const seen = await prepare(writer);
  const run: Run = { options, seen, stopping: false, writer, nextId: seen.firstId };
  const loops = Array.from({ length: options.writers ?? 8 }, () => write(run));
  loops.push(followRoute(run));
  let stopped: Promise<void> | undefined;
  async function stop(): Promise<void> {
    run.stopping = true;
    // From here on silence is ours: a statement that still hangs says nothing about the cluster.
    seen.stoppedAt = nowMs();
    await Promise.all(loops);
  }
  function stopOnce(): Promise<void> {
    stopped ??= stop();
    return stopped;
  }
  return {
    mark(): void {
      seen.markedAt = nowMs();
    },
    acknowledged: () => seen.acknowledged.size,
    stop: stopOnce,
    async report(): Promise<WorkloadReport> {
      await stopOnce();
      return await judge(options.clients.map(rowSource), seen);
    },
  };
}

/** Epoch milliseconds that never go back. */
function nowMs(): number {
  return performance.timeOrigin + performance.now();
}

async function prepare(writer: MysqlServer): Promise<Observations> {
  const name = quoteName(TABLE);
  await query(writer, `create table if not exists ${name} (id bigint primary key) engine = InnoDB`);
  const [row] = await query<{ next: number }>(writer, `select coalesce(max(id), 0) + 1 as next from ${name}`);
  const seen = { table: TABLE, firstId: Number(row?.next ?? 1), acknowledged: new Set<number>(), ackTimes: [] };
  return { ...seen, errors: new Map(), absences: [], startedAt: nowMs(), stoppedAt: 0, markedAt: null };
}

async function followRoute(run: Run): Promise<void> {
  while (!run.stopping) {
    const entry = await run.options.route.current().catch(() => null);
    // A route that cannot be read says nothing: clients stay where they are.
    if (entry !== null) run.writer = findServer(run.options.clients, entry.writer);
    await sleep(ROUTE_POLL_MS);
  }
}

async function write(run: Run): Promise<void> {
  const { seen } = run;
  const insert = `insert into ${quoteName(TABLE)} (id) values (?)`;
  let session: Session | undefined;
  let connectedTo: MysqlServer | undefined;
  while (!run.stopping) {
    const target = run.writer;
    if (target === undefined) {
      await sleep(RETRY_PAUSE_MS);
      continue;
    }
    try {
      if (session === undefined || connectedTo !== target) {
        // Not waited for: closing politely takes as long as a frozen server likes.
        void session?.end();
        session = undefined;
        session = await connect(target, LIMITS);
        connectedTo = target;
      }
      const id = run.nextId++;
      await session.query(insert, [id]);
      seen.acknowledged.add(id);
      seen.ackTimes.push(nowMs());
    } catch (error) {
      const code = codeOf(error);
      seen.errors.set(code, (seen.errors.get(code) ?? 0) + 1);
      void session?.end();
      session = undefined;
      await sleep(RETRY_PAUSE_MS);
    }
  }
  void session?.end();
}

function findServer(servers: readonly MysqlServer[], name: string | null): MysqlServer | undefined {
  return servers.find((server) => server.name === name);
}

/** A server as the report asks it. */
function rowSource(server: MysqlServer): RowSource {
  const table = quoteName(TABLE);
  return {
    name: server.name,
    async content() {
      return await withSession(server, READ_LIMITS, async (session) => {
        // By itself: beside an aggregate MariaDB 10.11 answers 0, whatever it is.
        const [global] = await session.query<{ readOnly: number }>("select @@global.read_only as readOnly");
        const [row] = await session.query<{ n: number; digest: unknown }>(
          `select count(*) as n, coalesce(sum(crc32(id)), 0) as digest from ${table}`,
        );
        if (global === undefined || row === undefined) throw new Error("no row");
        return { acceptsWrites: Number(global.readOnly) === 0, rows: Number(row.n), digest: String(row.digest) };
      });
    },
    async ids(firstId) {
      const sql = `select id from ${table} where id >= ?`;
      const rows = await query<{ id: number }>(server, sql, [firstId], READ_LIMITS);
      return new Set(rows.map(({ id }) => Number(id)));
    },
  };
}

/** The server's number, or the socket's code, or one of two words for what the client library reports without a code. */
function codeOf(error: unknown): string {
  const { code, message = "" } = error as NodeJS.ErrnoException;
  const errno = serverErrno(error);
  if (errno !== undefined) return String(errno);
  return code ?? (/timeout|did not/i.test(message) ? "TIMEOUT" : "CONNECTION_LOST");
}
