/**
 * The actions of `plans/oceanbase-failover.yaml`, over an `OceanBaseControl`, and the registry with those of
 * `plans/oceanbase-switchover.yaml` (`switchover-actions.ts`).
 * Owns: what each step checks, does and answers. Does not own: order, timeouts, retries, points of no return (the plan).
 *
 * Every action looks before it acts, so that running it again, after a timeout or a crash, finds the work done: all of
 * them are `idempotent` (R42). Locks and saved rows belong to the run (`ctx.runId`).
 */
import type { ActionContext, ActionDefinition, ActionRegistry } from "@belay/engine";
import { pause as realPause, type Sleep } from "../step/wait.ts";
import {
  type ClusterView,
  type FailoverMode,
  type MetadataTable,
  type OceanBaseControl,
  promisesLossless,
} from "./control.ts";
import { explained, notAllowed } from "./outcome.ts";
import { LockedError, OceanBaseError } from "./refusal.ts";
import { switchoverActions } from "./switchover-actions.ts";

/** Input of every action here. */
export interface FailoverInput {
  /** The standby that becomes primary. */
  readonly clusterId: number;
  /** false: refuse a failover that may lose data. Default true, as in OCP, whose failover is lossy by design. */
  readonly allowDataLoss?: boolean;
  /** FORCE: skips the check of other DISABLED standbys, and that a lossless failover is one. Default false. */
  readonly force?: boolean;
  /** Of the undo of an unlock: the clusters that the run had locked. */
  readonly clusterIds?: readonly number[];
}

export interface OceanBaseActionOptions {
  /** Milliseconds between two looks at a state that is awaited. Default 1000. */
  readonly pollIntervalMs?: number;
  /** Waits between two looks; default: real time. */
  readonly sleep?: Sleep;
  /**
   * Whether that run is known, and has ended for good. The platform's lock of such a run is taken over: one that was abandoned releases
   * nothing, and would keep every later change of role from its clusters. Give it only where one journal has all runs that use the
   * platform: the numbers of another journal's tasks are the same. Default: of no run.
   */
  readonly hasEnded?: (runId: string) => Promise<boolean>;
}

type Context = ActionContext<FailoverInput>;
type Step = (ctx: Context) => Promise<unknown>;

/** All actions, under the names the plan uses. */
export function oceanBaseActions(control: OceanBaseControl, options: OceanBaseActionOptions = {}): ActionRegistry {
  const pause = (signal: AbortSignal): Promise<void> =>
    (options.sleep ?? realPause)(options.pollIntervalMs ?? 1000, signal);
  const hasEnded = options.hasEnded ?? (async () => false);
  const steps: Readonly<Record<string, readonly [description: string, step: Step]>> = {
    "oceanbase.lock-clusters": ["locks the standby and its primary", (ctx) => lockClusters(control, ctx, hasEnded)],
    "oceanbase.unlock-clusters": ["releases the run's locks", (ctx) => unlockClusters(control, ctx)],
    "oceanbase.relock-clusters": ["takes released locks again", (ctx) => relockClusters(control, ctx)],
    "oceanbase.check-failover": ["checks that a failover is possible", (ctx) => checkFailover(control, ctx)],
    "oceanbase.failover": ["makes the standby primary", (ctx) => failover(control, ctx, pause)],
    "oceanbase.update-cluster": ["records the new role", (ctx) => updateCluster(control, ctx)],
    "oceanbase.restore-cluster": ["puts the recorded role back", (ctx) => restore(control, "cluster", ctx)],
    "oceanbase.await-primary": ["waits for role PRIMARY, cleanup done", (ctx) => awaitPrimary(control, ctx, pause)],
    "oceanbase.update-multi-cluster": ["records who follows whom", (ctx) => updateMultiCluster(control, ctx)],
    "oceanbase.restore-multi-cluster": ["puts the old order back", (ctx) => restore(control, "multi-cluster", ctx)],
    "oceanbase.sync-clusters": ["reads all clusters from the new primary", (ctx) => syncClusters(control, ctx)],
    "oceanbase.remove-standbys": ["removes the disabled clusters", (ctx) => removeStandbys(control, ctx)],
  };
  const registry: Record<string, ActionDefinition<FailoverInput>> = {};
  for (const [name, [description, step]] of Object.entries(steps)) {
    registry[name] = { description, idempotent: true, run: (ctx) => explained(() => step(ctx)) };
  }
  return { ...registry, ...switchoverActions(control, pause) };
}

type HasEnded = NonNullable<OceanBaseActionOptions["hasEnded"]>;

async function lockClusters(control: OceanBaseControl, ctx: Context, hasEnded: HasEnded): Promise<unknown> {
  const { clusterId } = ctx.input;
  const row = await control.readRow("multi-cluster", clusterId);
  if (row === undefined) throw new OceanBaseError("CLUSTER_UNKNOWN", `Cluster ${clusterId} is not known.`);
  const clusterIds = row.primaryClusterId === null ? [clusterId] : [clusterId, row.primaryClusterId];
  for (;;) {
    try {
      return { clusterIds, token: await control.lock(clusterIds, ctx.runId) };
    } catch (error) {
      if (!(error instanceof LockedError) || !(await hasEnded(error.holder))) throw error;
      // Each holder is released once: what has ended takes no lock again.
      ctx.log(`${error.message} That run has ended: its locks are taken over.`);
      await control.unlock(error.holder);
    }
  }
}

async function unlockClusters(control: OceanBaseControl, ctx: Context): Promise<unknown> {
  return { clusterIds: [...(await control.unlock(ctx.runId))] };
}

/** The compensation of an unlock. That one's output says which locks it found, and after a crash that may be none. */
async function relockClusters(control: OceanBaseControl, ctx: Context): Promise<unknown> {
  const { clusterId, clusterIds: locked = [] } = ctx.input;
  const released = (ctx.output as { clusterIds?: readonly number[] } | undefined)?.clusterIds ?? [];
  const clusterIds = [...new Set([clusterId, ...locked, ...released])];
  return { clusterIds, token: await control.lock(clusterIds, ctx.runId) };
}

async function checkFailover(control: OceanBaseControl, ctx: Context): Promise<unknown> {
  const { clusterId } = ctx.input;
  const cluster = await control.readCluster(clusterId);
  if (cluster.role !== "PHYSICAL STANDBY") {
    throw new OceanBaseError("NOT_STANDBY", `Cluster ${cluster.name} is ${cluster.role}: only a standby fails over.`);
  }
  const row = await control.readRow("multi-cluster", clusterId);
  const servers = row?.primaryClusterId == null ? [] : await control.readServers(row.primaryClusterId);
  const alive = servers.filter((server) => server.alive).map((server) => server.address);
  if (alive.length > 0) {
    throw new OceanBaseError(
      "ALIVE_OBSERVER",
      `An alive OBServer exists in the primary: ${alive.join(", ")}. If the primary works, use the plan oceanbase-switchover; else stop them.`,
    );
  }
  if (cluster.switchoverStatus !== "TO PRIMARY" && cluster.switchoverStatus !== "FAILOVER FLASHBACK") {
    throw notAllowed(cluster);
  }
  return { mode: chooseMode(cluster, ctx.input), level: cluster.protectionLevel, currentScn: cluster.currentScn };
}

async function failover(
  control: OceanBaseControl,
  ctx: Context,
  pause: (signal: AbortSignal) => Promise<void>,
): Promise<unknown> {
  const { clusterId, force = false } = ctx.input;
  const before = await control.readCluster(clusterId);
  // An earlier attempt got there, and its answer was lost.
  if (before.role === "PRIMARY") return { clusterId, mode: null };
  const mode = chooseMode(before, ctx.input);
  for (;;) {
    ctx.signal.throwIfAborted();
    try {
      await control.failover(clusterId, mode, force);
      return { clusterId, mode };
    } catch (error) {
      if (!(error instanceof OceanBaseError) || error.code !== "FLASHBACK_UNFINISHED") throw error;
      ctx.log("The flashback is not finished: the statement is issued again.");
      ctx.heartbeat();
    }
    await pause(ctx.signal);
  }
}

async function updateCluster(control: OceanBaseControl, ctx: Context): Promise<unknown> {
  const row = { clusterId: ctx.input.clusterId, role: "PRIMARY", primaryClusterId: null } as const;
  await control.writeRow("cluster", row, ctx.runId);
  return row;
}

async function awaitPrimary(
  control: OceanBaseControl,
  ctx: Context,
  pause: (signal: AbortSignal) => Promise<void>,
): Promise<unknown> {
  for (;;) {
    ctx.signal.throwIfAborted();
    const { role, status, switchoverStatus } = await control.readCluster(ctx.input.clusterId);
    const moving = switchoverStatus === "FAILOVER FLASHBACK" || switchoverStatus === "FAILOVER CLEANUP";
    if (role === "PRIMARY" && status === "VALID" && !moving) return { role, status };
    ctx.heartbeat();
    await pause(ctx.signal);
  }
}

/** The old primary's row first: a second try, after half of it, still finds there whom the new primary followed. */
async function updateMultiCluster(control: OceanBaseControl, ctx: Context): Promise<unknown> {
  const { clusterId } = ctx.input;
  const before = await control.readRow("multi-cluster", clusterId);
  const demoted = before?.primaryClusterId ?? null;
  if (demoted !== null) {
    await control.writeRow(
      "multi-cluster",
      { clusterId: demoted, role: "PHYSICAL STANDBY", primaryClusterId: clusterId },
      ctx.runId,
    );
  }
  await control.writeRow("multi-cluster", { clusterId, role: "PRIMARY", primaryClusterId: null }, ctx.runId);
  return { primary: clusterId, demoted };
}

async function restore(control: OceanBaseControl, table: MetadataTable, ctx: Context): Promise<unknown> {
  await control.restoreRows(table, ctx.runId);
  return null;
}

async function syncClusters(control: OceanBaseControl, ctx: Context): Promise<unknown> {
  return { clusters: (await control.readAllClusters(ctx.input.clusterId)).map((cluster) => ({ ...cluster })) };
}

async function removeStandbys(control: OceanBaseControl, ctx: Context): Promise<unknown> {
  const { clusterId } = ctx.input;
  const disabled = (await control.readStandbys(clusterId)).filter((standby) => standby.status === "DISABLED");
  for (const standby of disabled) {
    ctx.signal.throwIfAborted();
    await control.removeCluster(clusterId, standby.clusterId);
  }
  return { removed: disabled.map((standby) => standby.clusterId) };
}

/** Lossless where the protection level promises it; else lossy, if the caller allows that. */
function chooseMode(cluster: ClusterView, { allowDataLoss = true }: FailoverInput): FailoverMode {
  if (promisesLossless(cluster.protectionLevel)) return "lossless";
  if (allowDataLoss) return "lossy";
  throw new OceanBaseError(
    "DATA_LOSS_NOT_ALLOWED",
    `Protection level ${cluster.protectionLevel} promises no lossless failover, and data loss is not allowed.`,
  );
}
