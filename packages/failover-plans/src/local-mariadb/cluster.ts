/**
 * A real MariaDB cluster on this machine, for drills, demos and tests: one writer and its replicas, on 127.0.0.1, with all data in
 * one directory, and an account for clients that read_only binds.
 *
 * Owns the order in which a cluster comes to be and goes. Invariants: a failed creation leaves nothing behind; no server outlives its
 * owner (local-servers/reaper.ts); nothing of it lies outside its directory. Not for production: every node shares this machine's
 * fate.
 */
import { randomBytes } from "node:crypto";
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { BelayError } from "@belay/engine";
import { findPorts } from "../local-servers/free-ports.ts";
import { guardServers, type Reaper } from "../local-servers/reaper.ts";
import { giveTo, temporaryBase, unwritable } from "../local-servers/server-user.ts";
import { mariadbDialect } from "../mariadb/mariadb-dialect.ts";
import type { MariadbNode, NodeControl } from "../mariadb/ports.ts";
import { type MysqlServer, query, withSession } from "../mysql-client/client.ts";
import { openRecoveryLog } from "../recovery/recovery-file.ts";
import type { RecoveryLog } from "../recovery/recovery-log.ts";
import type { Route } from "../route/route.ts";
import { openRoute } from "../route/route-file.ts";
import { type MariadbBinaries, needMariadb } from "./binaries.ts";
import { LocalControl, type LocalNode } from "./node-control.ts";
import { type Account, bootstrap, copyDirectory, writeStartRole } from "./node-directory.ts";
import { Server } from "./server.ts";

/** What `createMariadbCluster` takes. */
export interface MariadbClusterOptions {
  /** Servers, 1..9. Default 3. */
  readonly nodes?: number;
  /** Whether a commit waits until one replica has it (semi-sync, AFTER_SYNC). Default true. */
  readonly semisync?: boolean;
  /** Receives one line per step. Default: nothing is written. */
  readonly log?: (line: string) => void;
  /** Ends the creation early: what was made is removed, and the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** A running cluster. It does not outlive the process that created it, however that ends. */
export interface MariadbCluster {
  /** All nodes; connection data of the administrator included. */
  readonly nodes: readonly MariadbNode[];
  /** The same servers as clients reach them: an account without rights beyond its data, in database `app`. */
  readonly clients: readonly MysqlServer[];
  /** Name of the first writer. Where writes go now is the route's business. */
  readonly writer: string;
  readonly control: NodeControl;
  readonly route: Route;
  /** Which recoveries took place. */
  readonly recoveries: RecoveryLog;
  /** Absolute path. */
  readonly dataDir: string;
  /** What the servers say they are, such as "10.11.18-MariaDB". */
  readonly version: string;
  /** Ends every server and removes the data. Idempotent. */
  stop(): Promise<void>;
}

/** More would be a test of this machine, not of a failover. */
const MOST_NODES = 9;
const ATTACH_TIMEOUT_MS = 30_000;
const POLL_MS = 20;
const CLIENT_DATABASE = "app";

/**
 * Creates one writer and its replicas, all attached, and publishes the writer as epoch 1. Takes about two seconds. Throws
 * INVALID_ARGUMENT for options that cannot be had, ENVIRONMENT when this machine cannot do it (no MariaDB); every message says what
 * to do.
 */
export async function createMariadbCluster(options: MariadbClusterOptions = {}): Promise<MariadbCluster> {
  const { nodes: count = 3, semisync = true, signal, log = () => undefined } = options;
  if (!Number.isInteger(count) || count < 1 || count > MOST_NODES) {
    throw new BelayError("INVALID_ARGUMENT", `nodes is a whole number from 1 to ${MOST_NODES}, not ${count}`);
  }
  const binaries = await needMariadb();
  const ports = await findPorts(count);
  signal?.throwIfAborted();
  const dataDir = await makeDirectory(binaries);
  const reaper = await guardServers({ directory: dataDir, remove: true });
  const made = assemble({ dataDir, ports, binaries, semisync: semisync && count > 1 });
  const end = endOnce(made.control, reaper, dataDir);
  // What is being started then fails at once.
  const endServers = (): void => void made.control.close(true).catch(() => undefined);
  signal?.addEventListener("abort", endServers, { once: true });
  try {
    const route = await openRoute(join(dataDir, "route"));
    const recoveries = await openRecoveryLog(join(dataDir, "recoveries"));
    await bringUp({ ...made, binaries, log, signal });
    signal?.throwIfAborted();
    const writer = made.nodes[0]?.name ?? "";
    await route.publish(writer, 1);
    log(`${writer} takes writes (epoch 1)`);
    const { nodes, clients, control } = made;
    const { version } = binaries;
    return { nodes, clients, writer, control, route, recoveries, dataDir, version, stop: end };
  } catch (error) {
    await end();
    signal?.throwIfAborted();
    throw error;
  } finally {
    signal?.removeEventListener("abort", endServers);
  }
}

async function makeDirectory({ user }: MariadbBinaries): Promise<string> {
  const base = await temporaryBase(user);
  const made = await mkdtemp(join(base, "belay-mariadb-")).catch((error: unknown) =>
    Promise.reject(unwritable(base, error)),
  );
  await giveTo(user, made);
  return await realpath(made);
}

interface Plot {
  readonly dataDir: string;
  readonly ports: readonly number[];
  readonly binaries: MariadbBinaries;
  readonly semisync: boolean;
}

interface Assembled {
  readonly nodes: readonly MariadbNode[];
  readonly clients: readonly MysqlServer[];
  readonly locals: readonly LocalNode[];
  readonly accounts: readonly Account[];
  readonly template: string;
  readonly control: LocalControl;
}

function assemble({ dataDir, ports, binaries, semisync }: Plot): Assembled {
  // Known to this process and to the nodes only; other users of the machine reach the ports as well.
  const [admin, client] = [account("belay", "all on *.*"), account("app", `all on ${CLIENT_DATABASE}.*`)];
  const template = join(dataDir, "template");
  const locals = ports.map((port, index): LocalNode => {
    const name = `m${index + 1}`;
    // The earlier node is preferred among equally advanced ones.
    const priority = 100 - 10 * index;
    const node = { name, host: "127.0.0.1", port, priority, user: admin.user, password: admin.password };
    const directory = join(dataDir, name);
    return { node, directory, server: new Server({ node, serverId: index + 1, directory, binaries, semisync }) };
  });
  const nodes = locals.map(({ node }) => node);
  const clients = nodes.map(({ name, host, port }) => {
    return { name, host, port, user: client.user, password: client.password, database: CLIENT_DATABASE };
  });
  const control = new LocalControl({ nodes: locals, template, user: binaries.user });
  return { nodes, clients, locals, accounts: [admin, client], template, control };
}

function account(user: string, grants: string): Account {
  return { user, password: randomBytes(18).toString("base64url"), grants };
}

interface BringUp extends Assembled {
  readonly binaries: MariadbBinaries;
  readonly log: (line: string) => void;
  readonly signal: AbortSignal | undefined;
}

async function bringUp({ locals, accounts, template, control, binaries, log, signal }: BringUp): Promise<void> {
  const { user } = binaries;
  await bootstrap(binaries, template, accounts, signal);
  signal?.throwIfAborted();
  const [writer, ...replicas] = locals;
  if (writer === undefined) return;
  await Promise.all(
    locals.map(async (local) => {
      await copyDirectory(template, local.directory, user);
      await writeStartRole(local.directory, local === writer ? "writer" : "replica", user);
      await control.start(local.node.name);
      log(`${local.node.name} runs on port ${local.node.port}`);
    }),
  );
  for (const { node } of replicas) await attach(node, writer.node, control);
  await untilAttached(writer.node, replicas.length);
  await query(writer.node, `create database ${CLIENT_DATABASE}`);
}

async function attach(replica: MariadbNode, writer: MariadbNode, control: LocalControl): Promise<void> {
  const account = control.replicationUser(replica.name, writer);
  await withSession(replica, {}, async (session) => {
    for (const statement of mariadbDialect.follow(writer, account)) await session.query(statement);
  });
}

/** Nothing is written before every replica listens: with semi-sync it would wait for them. */
async function untilAttached(writer: MariadbNode, count: number): Promise<void> {
  const deadline = performance.now() + ATTACH_TIMEOUT_MS;
  for (;;) {
    const rows = await query<{ Host: string }>(writer, "show slave hosts");
    if (rows.length === count) return;
    if (performance.now() > deadline) {
      throw new BelayError("ENVIRONMENT", `${rows.length} of ${count} replicas follow ${writer.name} after a while`);
    }
    await sleep(POLL_MS);
  }
}

/** Ends the cluster; a second call waits for the first. */
function endOnce(control: LocalControl, reaper: Reaper, dataDir: string): () => Promise<void> {
  let ending: Promise<void> | undefined;
  async function end(): Promise<void> {
    await control.close(true);
    await rm(dataDir, { recursive: true, force: true });
    reaper.release();
  }
  return () => {
    ending ??= end();
    return ending;
  };
}
