/**
 * PolarDB clusters made of real PostgreSQL servers of this machine: one writer and two readers each, of different failover priority.
 * Owns: that servers on a data directory wait for the next process, and are found by it.
 */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { type ActionRegistry, BelayError } from "@belay/engine";
import {
  createPostgresCluster,
  type PostgresCluster,
  takeOverPostgresCluster,
} from "@belay/failover-plans/embedded-postgres";
import {
  openPolarRecords,
  type PolarControl,
  type PolarEngine,
  type PolarOnPostgresOptions,
  polardbActions,
  polarOnPostgres,
} from "@belay/failover-plans/polardb";
import { callOf } from "../polardb/free-call.ts";
import type { PolarClusterFacts, SiteCluster, SiteRuns } from "../site.ts";

/** A cluster as the demo declares it. */
export interface PolarSpec {
  readonly clusterId: string;
  readonly engine: PolarEngine;
  readonly version: string;
  readonly nodeClass: string;
}

/** A cluster that runs. */
export interface DemoPolar {
  readonly facts: PolarClusterFacts;
  readonly control: PolarControl;
  readonly actions: ActionRegistry;
  readonly inventory: SiteCluster;
  /** As of `Site`. */
  attach?(runs: SiteRuns): void;
  close(keep: boolean): Promise<void>;
}

/** How long servers wait for the next process. */
const PATIENCE_MS = 15 * 60_000;
/**
 * How long a run waits for a reader that does not stream: it may just have lost its writer. Short, since a failover's checks look twice,
 * and are to be done before its client is answered: a dead reader is to be refused, not to be found out later.
 */
const ACTING_PATIENCE_MS = 400;
/** By place of the server: the last one is the preferred reader. */
const PRIORITIES = [15, 5, 9] as const;
const REGION = "cn-hangzhou";

/** Brings the cluster up, or takes it over when it runs already in that directory. */
export async function demoPolar(
  spec: PolarSpec,
  directory: string | null,
  log: (line: string) => void,
): Promise<DemoPolar> {
  const { clusterId, engine, version, nodeClass } = spec;
  const cluster = await clusterIn(directory, (line) => log(`${clusterId}: ${line}`));
  if (directory !== null) await cluster.outlive(PATIENCE_MS);
  const nodeOf = (server: string): string => server.replace("pg", `pi-${clusterId.slice("pc-".length)}`);
  const options: PolarOnPostgresOptions = {
    clusterId,
    engine,
    members: cluster.nodes.map(({ name }, index) => ({
      nodeId: nodeOf(name),
      server: name,
      failoverPriority: PRIORITIES[index] ?? 1,
    })),
    writer: nodeOf(cluster.primary),
    servers: cluster,
    records: await openPolarRecords(join(cluster.dataDir, "polardb")),
  };
  const acting = polarOnPostgres({ ...options, streamPatienceMs: ACTING_PATIENCE_MS });
  // Who only looks waits for nobody.
  const { control } = polarOnPostgres({ ...options, streamPatienceMs: 0 });
  const known: { runs?: SiteRuns } = {};
  const hasEnded = async (runId: string): Promise<boolean> => (await known.runs?.hasEnded(runId)) ?? false;
  const description = `real PostgreSQL servers on this machine, shown as a cluster of engine ${engine}`;
  const plan = { plan: "polardb-failover", params: { cluster: clusterId }, targetParam: "targetNodeId" };
  return {
    facts: { clusterId, description, version, regionId: REGION, createdAt: Date.UTC(2025, 0, 1), nodeClass },
    control,
    actions: polardbActions({ ...acting, recoveries: cluster.recoveries, hasEnded }),
    attach: (runs) => {
      known.runs = runs;
    },
    inventory: {
      id: clusterId,
      system: "polardb",
      description,
      planned: plan,
      forced: plan,
      nodes: async (signal) => {
        const { nodes } = await control.describe(clusterId, callOf(signal));
        const ports = new Map(cluster.nodes.map(({ name, host, port }) => [nodeOf(name), `${host}:${port}`]));
        return nodes.map(({ nodeId, role, status }) => ({
          id: nodeId,
          role: role === "Writer" ? "writer" : "reader",
          status,
          endpoint: ports.get(nodeId) ?? null,
        }));
      },
    },
    close: async (keep) => {
      // What was promised with `outlive` holds once this process has ended.
      if (!keep || directory === null) await cluster.stop();
    },
  };
}

async function clusterIn(directory: string | null, log: (line: string) => void): Promise<PostgresCluster> {
  if (directory === null) return await createPostgresCluster({ log });
  try {
    const cluster = await takeOverPostgresCluster(directory, { patienceMs: PATIENCE_MS });
    log("its servers run already");
    return cluster;
  } catch (error) {
    if (!(error instanceof BelayError) || error.code !== "NOT_FOUND") throw error;
  }
  // Nobody came in time, and what is left has no servers: the demo begins anew.
  await rm(directory, { recursive: true, force: true });
  return await createPostgresCluster({ dataDir: directory, log });
}
