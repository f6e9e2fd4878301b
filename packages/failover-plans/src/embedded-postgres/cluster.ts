/**
 * A real PostgreSQL cluster on this machine, for drills, demos and tests: one primary and its streaming standbys, on
 * 127.0.0.1, with data in one directory.
 *
 * Owns the order in which a cluster comes to be and goes. Invariants: a failed creation leaves nothing behind; no server
 * outlives its owner for longer than that has asked for (reaper.ts); `stop` removes what `createPostgresCluster` made, and
 * nothing else.
 * Not for production: every node shares this machine's fate.
 */
import { randomBytes } from "node:crypto";
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { BelayError } from "@belay/engine";
import { findPorts } from "../local-servers/free-ports.ts";
import { guardServers, type Reaper } from "../local-servers/reaper.ts";
import { query } from "../postgres/client.ts";
import type { NodeControl, PostgresNode } from "../postgres/ports.ts";
import { openRecoveryLog } from "../recovery/recovery-file.ts";
import type { RecoveryLog } from "../recovery/recovery-log.ts";
import type { Route } from "../route/route.ts";
import { openRoute } from "../route/route-file.ts";
import { type Binaries, findBinaries } from "./binaries.ts";
import { makeSite, nodesOn, passwordFileOf, type Site, writeNote, writePassword } from "./cluster-site.ts";
import { askStatus, type ClusterStatus } from "./cluster-status.ts";
import { initialize } from "./data-directory.ts";
import { LocalControl, type LocalNode } from "./node-control.ts";
import { Server } from "./server.ts";

/**
 * How far a commit must have gone before the client hears of it (`synchronous_commit`): "async" = nowhere (off), "local" = this
 * node's disk, "on" = also the disk of any one standby, "remote_apply" = also applied there.
 */
export type Durability = "async" | "local" | "on" | "remote_apply";

/** What `createPostgresCluster` takes. */
export interface ClusterOptions {
  /** Servers, 1..9. Default 3. */
  readonly nodes?: number;
  /** First of consecutive TCP ports. Default: free ports, chosen by the system. */
  readonly basePort?: number;
  /** Directory for all data; must be empty or absent and is kept by `stop`. Default: a temporary one, removed by `stop`. */
  readonly dataDir?: string;
  /** Default "on". */
  readonly durability?: Durability;
  /**
   * Whether the servers wait for the disk. false: a server that is killed loses nothing by it, a machine that loses its power may; for
   * tests that kill servers. Default true.
   */
  readonly fsync?: boolean;
  /** Receives one line per step. Default: nothing is written. */
  readonly log?: (line: string) => void;
  /** Ends the creation early: what was made is removed, and the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** A running cluster. It does not outlive the process that created it, however that ends, unless `outlive` says so. */
export interface PostgresCluster {
  /** All nodes; connection data included. */
  readonly nodes: readonly PostgresNode[];
  /** Name of the first primary. Where writes go now is the route's business. */
  readonly primary: string;
  readonly control: NodeControl;
  readonly route: Route;
  /** Which recoveries took place. */
  readonly recoveries: RecoveryLog;
  /** Absolute path. */
  readonly dataDir: string;
  /** Asks every node; bounded to a few seconds. */
  status(): Promise<ClusterStatus>;
  /**
   * From now on the servers outlive this process, when it ends without `stop`: another one has `patienceMs` milliseconds
   * to take them over (`takeOverPostgresCluster`), then they end by themselves. 0 = they end at once, as at first.
   */
  outlive(patienceMs: number): Promise<void>;
  /** Ends every server and removes what was temporary. Idempotent. */
  stop(): Promise<void>;
}

/** More would be a test of this machine, not of a failover. */
const MOST_NODES = 9;
const HIGHEST_PORT = 65_535;
const DURABILITIES: ReadonlySet<string> = new Set<Durability>(["async", "local", "on", "remote_apply"]);
/** Standbys of a new cluster connect within milliseconds; the limit is for a machine in trouble. */
const STREAMING_TIMEOUT_MS = 30_000;
const POLL_MS = 20;

/**
 * Creates one primary and its standbys, all streaming, and publishes the primary as epoch 1. Takes a few seconds. Throws
 * INVALID_ARGUMENT for options that cannot be had (a directory with files in it), ENVIRONMENT when this machine cannot do it (a used
 * port, no PostgreSQL that runs); every message says what to do.
 */
export async function createPostgresCluster(options: ClusterOptions = {}): Promise<PostgresCluster> {
  const { nodes: count = 3, durability = "on", fsync = true, signal } = options;
  checkOptions(count, durability, options.basePort);
  const log = options.log ?? ((): void => undefined);
  const binaries = await findBinaries();
  signal?.throwIfAborted();
  const ports = await findPorts(count, options.basePort);
  signal?.throwIfAborted();
  const site = await makeSite(options.dataDir, binaries.user);
  const reaper = await guardServers({ directory: site.dataDir, remove: site.temporary });
  // Known to this process and to the nodes only; other users of the machine reach the port as well.
  const password = randomBytes(18).toString("base64url");
  const open = { site, nodes: nodesOn(ports, password), binaries, reaper };
  const { locals, control, end } = handlesOf(open);
  // What is being started then fails at once.
  const endServers = (): void => void control.close(true).catch(() => undefined);
  signal?.addEventListener("abort", endServers, { once: true });
  try {
    signal?.throwIfAborted();
    await writePassword(site.dataDir, password, binaries.user);
    await writeNote(site, open.nodes);
    const cluster = await clusterOf(open, control, end);
    await bringUp({ nodes: locals, control, binaries, durability, fsync, log, signal });
    signal?.throwIfAborted();
    await cluster.route.publish(cluster.primary, 1);
    log(`${cluster.primary} takes writes (epoch 1)`);
    return cluster;
  } catch (error) {
    await end();
    // The directory was empty or absent before: all that is in it is ours.
    for (const entry of await readdir(site.dataDir).catch(() => [])) {
      await rm(join(site.dataDir, entry), { recursive: true, force: true });
    }
    if (site.created !== null) await rm(site.created, { recursive: true, force: true });
    signal?.throwIfAborted();
    throw error;
  } finally {
    signal?.removeEventListener("abort", endServers);
  }
}

/** The options may come from a command line: their types prove nothing. */
function checkOptions(count: number, durability: string, basePort: number | undefined): void {
  const refuse = (what: string): never => {
    throw new BelayError("INVALID_ARGUMENT", what);
  };
  if (!Number.isInteger(count) || count < 1 || count > MOST_NODES) {
    refuse(`nodes is a whole number from 1 to ${MOST_NODES}, not ${count}`);
  }
  if (!DURABILITIES.has(durability))
    refuse(`durability is one of ${[...DURABILITIES].join(", ")}, not "${durability}"`);
  if (basePort === undefined) return;
  const last = HIGHEST_PORT - count + 1;
  if (!Number.isInteger(basePort) || basePort < 1 || basePort > last) {
    refuse(`basePort is a whole number from 1 to ${last}, not ${basePort}`);
  }
}

/** A cluster whose directory and guard are there; the servers may run or not. */
interface OpenCluster {
  readonly site: Site;
  readonly nodes: readonly PostgresNode[];
  readonly binaries: Binaries;
  readonly reaper: Reaper;
}

interface Handles {
  readonly locals: readonly LocalNode[];
  readonly control: LocalControl;
  readonly end: () => Promise<void>;
}

/** The servers of these nodes, as this process reaches them. */
function handlesOf({ site, nodes, binaries, reaper }: OpenCluster): Handles {
  const { dataDir } = site;
  const locals = nodes.map((node) => {
    const directory = join(dataDir, node.name);
    const server = new Server({ node, directory, logFile: join(dataDir, `${node.name}.log`), binaries });
    return { node, directory, server };
  });
  const control = new LocalControl({ nodes: locals, user: binaries.user, passwordFile: passwordFileOf(dataDir) });
  return { locals, control, end: endOnce(control, reaper, site) };
}

/** The cluster in that directory, whose servers another process has brought up. */
export async function openCluster(open: OpenCluster): Promise<PostgresCluster> {
  const { control, end } = handlesOf(open);
  return await clusterOf(open, control, end);
}

async function clusterOf(
  { site, nodes, reaper }: OpenCluster,
  control: NodeControl,
  stop: () => Promise<void>,
): Promise<PostgresCluster> {
  const { dataDir } = site;
  return {
    nodes,
    primary: nodes[0]?.name ?? "",
    control,
    route: await openRoute(join(dataDir, "route")),
    recoveries: await openRecoveryLog(join(dataDir, "recoveries")),
    dataDir,
    status: () => askStatus(nodes),
    outlive: (patienceMs) => reaper.outlive(patienceMs),
    stop,
  };
}

interface BringUp {
  readonly nodes: readonly LocalNode[];
  readonly control: NodeControl;
  readonly binaries: Binaries;
  readonly durability: Durability;
  readonly fsync: boolean;
  readonly log: (line: string) => void;
  readonly signal: AbortSignal | undefined;
}

async function bringUp({ nodes, control, binaries, durability, fsync, log, signal }: BringUp): Promise<void> {
  const [primary, ...standbys] = nodes;
  if (primary === undefined) return;
  const { node, directory } = primary;
  const settings = { ...durabilitySettings(nodes, durability), fsync: fsync ? "on" : "off" };
  await initialize(binaries, { directory, password: node.password ?? "", settings }, signal);
  await control.start(node.name);
  log(`${node.name} runs on port ${node.port}`);
  await Promise.all(
    standbys.map(async (standby) => {
      const { bytes } = await control.reclone(standby.node.name, node);
      await control.start(standby.node.name);
      log(`${standby.node.name} runs on port ${standby.node.port}, copied from ${node.name} (${bytes} bytes)`);
    }),
  );
  await untilStreaming(node, standbys.length);
}

function durabilitySettings(nodes: readonly LocalNode[], durability: Durability): Record<string, string> {
  const commit = { synchronous_commit: durability === "async" ? "off" : durability };
  // Without a standby nobody could acknowledge: every commit would wait for ever.
  if (nodes.length < 2 || durability === "async" || durability === "local") return commit;
  const names = nodes.map(({ node }) => node.name).join(", ");
  // All names, the primary's too: every node carries this setting, so that any of them may be promoted.
  return { ...commit, synchronous_standby_names: `'ANY 1 (${names})'` };
}

async function untilStreaming(primary: PostgresNode, count: number): Promise<void> {
  const deadline = performance.now() + STREAMING_TIMEOUT_MS;
  const question = "SELECT count(*)::int AS streaming FROM pg_stat_replication WHERE state = 'streaming'";
  for (;;) {
    const [row] = await query<{ streaming: number }>(primary, question);
    if (row?.streaming === count) return;
    if (performance.now() > deadline) {
      const seen = `${row?.streaming ?? 0} of ${count} standbys stream`;
      throw new BelayError("ENVIRONMENT", `${seen} from ${primary.name} after ${STREAMING_TIMEOUT_MS} ms`);
    }
    await sleep(POLL_MS);
  }
}

/** Ends the cluster; a second call waits for the first. */
function endOnce(control: LocalControl, reaper: Reaper, site: Site): () => Promise<void> {
  let ending: Promise<void> | undefined;
  async function end(): Promise<void> {
    await control.close(site.temporary);
    if (site.temporary) await rm(site.dataDir, { recursive: true, force: true });
    reaper.release();
  }
  return () => {
    ending ??= end();
    return ending;
  };
}
