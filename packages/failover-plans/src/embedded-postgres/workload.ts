/**
 * Clients of a cluster during a failover: each inserts single rows and follows the route, and what was acknowledged, and when,
 * is remembered. The judgement over it is in workload/workload-report.ts.
 *
 * Every call has a client-side limit: a frozen server answers nothing, not even its own timeouts. An id is tried once: a
 * failed insert may have happened, and a second try would hide that. With a file, both hold over the death of this process.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { BelayError } from "@belay/engine";
import { type CallOptions, connect, query, quoteName, type Session, sqlState } from "../postgres/client.ts";
import type { PostgresNode } from "../postgres/ports.ts";
import type { Route } from "../route/route.ts";
import { judge, type Observations, type WorkloadReport } from "../workload/workload-report.ts";
import { rowSource } from "./row-source.ts";
import { readWorkload, WorkloadLog } from "./workload-log.ts";

/** What a client that fails over quickly would set. */
const LIMITS: CallOptions = { connectTimeoutMs: 500, queryTimeoutMs: 2000 };
/** How often the route is read, for all writers together. */
const ROUTE_POLL_MS = 10;
/** After an error, before the next try: a dead server refuses at once. */
const RETRY_PAUSE_MS = 5;
/** How often clients that hear nothing note that they are here. */
const HERE_MS = 100;
const TABLE_NAME = /^[a-z_][a-z0-9_]{0,62}$/;

/** What `startWorkload` takes. */
export interface WorkloadOptions {
  /** Where the writers learn which node to write to. */
  readonly route: Route;
  /** All nodes of the cluster. */
  readonly nodes: readonly PostgresNode[];
  /** Concurrent clients, one row in flight each. Default 8. */
  readonly writers?: number;
  /** Table to fill, created when absent; small letters, digits, underscores. One workload at a time. Default "belay_demo". */
  readonly table?: string;
  /** A new file that keeps what the clients see, for `resumeWorkload`. Default: it is forgotten with the process. */
  readonly file?: string;
}

/** What `resumeWorkload` takes. */
export interface ResumeOptions extends Pick<WorkloadOptions, "route" | "nodes" | "writers"> {
  /** The file of a workload whose process has ended. */
  readonly file: string;
}

/** A running workload. */
export interface Workload {
  /** Marks the moment of the fault, so that the report measures the gap it caused. Default: nothing marked. */
  mark(): void;
  /** Acknowledged rows so far. */
  acknowledged(): number;
  /** Ends the writers, within 3 seconds. Idempotent. */
  stop(): Promise<void>;
  /** Stops, then counts what is on the nodes. Bounded to about half a minute. */
  report(): Promise<WorkloadReport>;
}

/** Creates the table on the present writer and starts the writers. Throws STATE_INVALID while the route names no writer. */
export async function startWorkload(options: WorkloadOptions): Promise<Workload> {
  const { route, nodes } = options;
  const table = options.table ?? "belay_demo";
  if (!TABLE_NAME.test(table)) throw new BelayError("INVALID_ARGUMENT", `not a table name: "${table}"`);
  const first = findNode(nodes, (await route.current()).writer);
  if (first === undefined) throw new BelayError("STATE_INVALID", "the route names no writer to start with");
  const seen = await prepare(first, table);
  const log = options.file === undefined ? undefined : WorkloadLog.create(options.file, seen);
  return begin({ options, seen, log, stopping: false, writer: first, nextId: seen.firstId });
}

/** Goes on with a workload whose process has ended: the same table, new ids, and everything that was acknowledged before. */
export async function resumeWorkload(options: ResumeOptions): Promise<Workload> {
  const logged = await readWorkload(options.file);
  const { seen, nextId } = logged;
  const log = WorkloadLog.reopen(options.file, logged);
  const beganAt = nowMs();
  log.began(beganAt);
  seen.absences.push({ from: seen.stoppedAt, until: beganAt });
  return begin({ options, seen, log, stopping: false, writer: undefined, nextId });
}

/** Epoch milliseconds that never go back. */
function nowMs(): number {
  return performance.timeOrigin + performance.now();
}

function begin(run: Run): Workload {
  const { options, seen, log } = run;
  const loops = Array.from({ length: options.writers ?? 8 }, () => write(run));
  loops.push(followRoute(run));

  let stopped: Promise<void> | undefined;
  async function stop(): Promise<void> {
    run.stopping = true;
    // From here on silence is ours: a statement that still hangs says nothing about the cluster.
    seen.stoppedAt = nowMs();
    await Promise.all(loops);
    log?.close();
  }
  function stopOnce(): Promise<void> {
    stopped ??= stop();
    return stopped;
  }
  return {
    mark(): void {
      seen.markedAt = nowMs();
      log?.marked(seen.markedAt);
    },
    acknowledged: () => seen.acknowledged.size,
    stop: stopOnce,
    async report(): Promise<WorkloadReport> {
      await stopOnce();
      return await judge(
        options.nodes.map((node) => rowSource(node, seen.table)),
        seen,
      );
    },
  };
}

/** What the loops share. */
interface Run {
  readonly options: Pick<WorkloadOptions, "route" | "nodes" | "writers">;
  readonly seen: Observations;
  readonly log: WorkloadLog | undefined;
  stopping: boolean;
  /** Where the route points now. */
  writer: PostgresNode | undefined;
  nextId: number;
}

async function prepare(writer: PostgresNode, table: string): Promise<Observations> {
  const name = quoteName(table);
  const columns = "id bigint PRIMARY KEY, at timestamptz NOT NULL DEFAULT clock_timestamp()";
  await query(writer, `CREATE TABLE IF NOT EXISTS ${name} (${columns})`);
  const [row] = await query<{ next: number }>(writer, `SELECT coalesce(max(id), 0)::int + 1 AS next FROM ${name}`);
  return {
    table,
    firstId: row?.next ?? 1,
    acknowledged: new Set(),
    ackTimes: [],
    errors: new Map(),
    absences: [],
    startedAt: nowMs(),
    stoppedAt: 0,
    markedAt: null,
  };
}

async function followRoute(run: Run): Promise<void> {
  let hereAt = 0;
  while (!run.stopping) {
    const now = nowMs();
    if (now - hereAt >= HERE_MS) {
      hereAt = now;
      run.log?.here(now);
    }
    const entry = await run.options.route.current().catch(() => null);
    // A route that cannot be read says nothing: clients stay where they are.
    if (entry !== null) run.writer = findNode(run.options.nodes, entry.writer);
    await sleep(ROUTE_POLL_MS);
  }
}

async function write(run: Run): Promise<void> {
  const { seen, log } = run;
  const insert = `INSERT INTO ${quoteName(seen.table)} (id) VALUES ($1)`;
  let session: Session | undefined;
  let connectedTo: PostgresNode | undefined;
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
      log?.use(id);
      await session.query(insert, [id]);
      const at = nowMs();
      log?.acknowledged(id, at);
      seen.acknowledged.add(id);
      seen.ackTimes.push(at);
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

function findNode(nodes: readonly PostgresNode[], name: string | null): PostgresNode | undefined {
  return nodes.find((node) => node.name === name);
}

/** SQLSTATE, or the socket's code, or one of two words for what the client library reports without a code. */
function codeOf(error: unknown): string {
  const { code, message = "" } = error as NodeJS.ErrnoException;
  return sqlState(error) ?? code ?? (/timeout/i.test(message) ? "TIMEOUT" : "CONNECTION_LOST");
}
