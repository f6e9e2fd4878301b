/**
 * The actions of `plans/oceanbase-switchover.yaml`: two healthy clusters swap roles. Owns: what each step checks, gives and answers, and
 * that never two of them are primary: a cluster is only made primary once the other one is known to be a standby.
 *
 * Each action looks before it acts, so that it may run again, and so that a switchover that somebody left half done is taken up where it
 * is. Before a promotion a note says so: while it stands, a cluster that does not answer may be primary.
 */
import { type ActionContext, type ActionDefinition, type ActionRegistry, defineAction } from "@belay/engine";
import { amount, inputSchema, optional } from "../step/input-schema.ts";
import type { ClusterView, OceanBaseControl } from "./control.ts";
import { promotionKey } from "./notes.ts";
import { explained, giveAndAsk, lookUntil, notAllowed, type Pause } from "./outcome.ts";
import { OceanBaseError } from "./refusal.ts";

interface CheckInput {
  /** The standby that becomes primary. */
  readonly clusterId: number;
  /** Most seconds that the standby may be behind. Default 10. */
  readonly maxLagSeconds?: number | undefined;
}

interface PairInput {
  /** The standby that becomes primary. */
  readonly clusterId: number;
  /** The primary that becomes a standby. */
  readonly primaryClusterId: number;
}

/** What the check found. */
export interface CheckedSwitchover {
  /** The primary that becomes a standby. */
  readonly primaryClusterId: number;
  /** The old primary is a standby already, or on its way: this run goes on from there. */
  readonly halfDone: boolean;
  /** Seconds that the standby is behind. */
  readonly lagSeconds: number;
}

type Context = ActionContext<PairInput>;

const checkSchema = inputSchema<CheckInput>({ clusterId: amount, maxLagSeconds: optional(amount) });
const pairSchema = inputSchema<PairInput>({ clusterId: amount, primaryClusterId: amount });
const MAX_LAG_SECONDS = 10;
/** SCNs of these versions are microseconds. */
const SCN_PER_SECOND = 1_000_000;

/** The actions, under the names that the plan uses. */
export function switchoverActions(control: OceanBaseControl, pause: Pause): ActionRegistry {
  const step = (description: string, run: (ctx: Context) => Promise<unknown>): ActionDefinition<PairInput> => ({
    description,
    input: pairSchema,
    idempotent: true,
    run: (ctx) => explained(() => run(ctx)),
  });
  const verified = (
    definition: ActionDefinition<PairInput>,
    done: (ctx: Context) => Promise<unknown>,
  ): ActionDefinition<PairInput> => ({
    ...definition,
    verify: async (ctx) => {
      // Nobody but the cluster knows; one that is slow to answer is no reason to leave the run to an operator.
      const output = await lookUntil(ctx, pause, async () => (await done(ctx)) ?? null);
      return output === null ? { done: false } : { done: true, output };
    },
  });
  return {
    "oceanbase.check-switchover": defineAction<CheckInput, CheckedSwitchover>({
      description: "checks that both clusters can swap roles",
      input: checkSchema,
      idempotent: true,
      run: (ctx) => explained(() => check(control, ctx.input)),
    }),
    "oceanbase.demote-cluster": verified(
      step("makes the primary a standby", (ctx) => demote(control, ctx, pause)),
      (ctx) => demoted(control, ctx),
    ),
    "oceanbase.repromote-cluster": step("makes the old primary the primary again", (ctx) =>
      repromote(control, ctx, pause),
    ),
    "oceanbase.await-switchover": step("waits until the standby may become primary", (ctx) =>
      awaitSwitchover(control, ctx, pause),
    ),
    "oceanbase.promote-cluster": verified(
      step("makes the standby the primary", (ctx) => promote(control, ctx, pause)),
      (ctx) => promoted(control, ctx),
    ),
    "oceanbase.redemote-cluster": step("makes the new primary a standby again", (ctx) => redemote(control, ctx, pause)),
    "oceanbase.switch-roles": step("records who is primary, and who follows it", (ctx) => switchRoles(control, ctx)),
    "oceanbase.restore-roles": step("puts the recorded roles back", (ctx) => restoreRoles(control, ctx)),
  };
}

async function check(control: OceanBaseControl, input: CheckInput): Promise<CheckedSwitchover> {
  const { clusterId, maxLagSeconds = MAX_LAG_SECONDS } = input;
  const primaryClusterId = (await control.readRow("multi-cluster", clusterId))?.primaryClusterId;
  if (primaryClusterId === undefined) throw new OceanBaseError("CLUSTER_UNKNOWN", `Cluster ${clusterId} is not known.`);
  if (primaryClusterId === null) {
    throw new OceanBaseError("NOT_STANDBY", `Cluster ${clusterId} is recorded as a primary: it follows nobody.`);
  }
  const standby = await control.readCluster(clusterId);
  const primary = await readPrimary(control, primaryClusterId);
  if (standby.role === "PRIMARY") {
    const both = primary.role === "PRIMARY";
    throw new OceanBaseError(
      both ? "TWO_PRIMARIES" : "NOT_STANDBY",
      both
        ? `Clusters ${primary.name} and ${standby.name} are both PRIMARY: keep clients away from one and ask for help.`
        : `Cluster ${standby.name} is PRIMARY already, and ${primary.name} a standby: there is nothing to switch.`,
    );
  }
  const halfDone = primary.role !== "PRIMARY" || primary.switchoverStatus === "SWITCHOVER SWITCHING";
  const lagSeconds = Math.max(0, primary.currentScn - standby.currentScn) / SCN_PER_SECOND;
  if (!halfDone) {
    if (primary.switchoverStatus !== "TO STANDBY") throw notAllowed(primary);
    const seen = (await control.readStandbys(primaryClusterId)).find((other) => other.clusterId === clusterId);
    if (seen?.status !== "VALID") {
      throw new OceanBaseError("NOT_FOLLOWING", `Cluster ${standby.name} is not synchronised with ${primary.name}.`);
    }
    if (lagSeconds > maxLagSeconds) {
      throw new OceanBaseError(
        "LOGS_BEHIND",
        `Cluster ${standby.name} is ${lagSeconds} s behind; at most ${maxLagSeconds} s are allowed.`,
      );
    }
  }
  return { primaryClusterId, halfDone, lagSeconds };
}

async function readPrimary(control: OceanBaseControl, primaryClusterId: number): Promise<ClusterView> {
  try {
    return await control.readCluster(primaryClusterId);
  } catch (error) {
    if (!(error instanceof OceanBaseError) || error.code !== "CLUSTER_UNREACHABLE") throw error;
    throw new OceanBaseError(
      "CLUSTER_UNREACHABLE",
      `${error.message} A switchover needs both clusters; if the primary is dead, use the plan oceanbase-failover.`,
      error,
    );
  }
}

async function demote(control: OceanBaseControl, ctx: Context, pause: Pause): Promise<unknown> {
  const { clusterId, primaryClusterId } = ctx.input;
  const before = await control.readCluster(primaryClusterId);
  if (before.role === "PRIMARY" && before.switchoverStatus !== "SWITCHOVER SWITCHING") {
    const other = await control.readCluster(clusterId);
    if (other.role === "PRIMARY") throw twoPrimaries(other);
    await giveAndAsk(
      () => control.switchoverToStandby(primaryClusterId),
      async () => isLeaving(await control.readCluster(primaryClusterId)),
    );
  }
  return await lookUntil(ctx, pause, () => demoted(control, ctx));
}

async function demoted(control: OceanBaseControl, { input }: Context): Promise<{ standby: string } | undefined> {
  const { role, name, switchoverStatus } = await control.readCluster(input.primaryClusterId);
  const done = role === "PHYSICAL STANDBY" && switchoverStatus !== "SWITCHOVER SWITCHING";
  return done ? { standby: name } : undefined;
}

/** A standby, or about to be one. */
function isLeaving({ role, switchoverStatus }: ClusterView): boolean {
  return role === "PHYSICAL STANDBY" || switchoverStatus === "SWITCHOVER SWITCHING";
}

/** The undo of `demote`. Also gives a primary back to clusters whose switchover somebody else had left half done. */
async function repromote(control: OceanBaseControl, ctx: Context, pause: Pause): Promise<unknown> {
  const { clusterId, primaryClusterId } = ctx.input;
  await refuseOtherPrimary(control, ctx.runId, clusterId);
  return await lookUntil(ctx, pause, async () => {
    const { role, name, switchoverStatus } = await control.readCluster(primaryClusterId);
    if (switchoverStatus === "SWITCHOVER SWITCHING") return undefined;
    if (role === "PRIMARY") return { primary: name };
    await giveAndAsk(
      () => control.switchoverToPrimary(primaryClusterId),
      async () => true,
    );
    return undefined;
  });
}

/** Throws unless the other cluster is known to be no primary. */
async function refuseOtherPrimary(control: OceanBaseControl, runId: string, clusterId: number): Promise<void> {
  let other: ClusterView;
  try {
    other = await control.readCluster(clusterId);
  } catch (error) {
    // This run has never begun to promote it, and nobody else may while the run holds the lock.
    if ((await control.readNote(promotionKey(runId))) === undefined) return;
    throw new OceanBaseError(
      "CLUSTER_UNREACHABLE",
      `Cluster ${clusterId} does not answer, and this run had begun to promote it: making the old primary primary again could make two.`,
      error,
    );
  }
  if (other.role === "PRIMARY") throw twoPrimaries(other);
}

function twoPrimaries({ name }: ClusterView): OceanBaseError {
  return new OceanBaseError("TWO_PRIMARIES", `Cluster ${name} is PRIMARY: another primary beside it is refused.`);
}

async function awaitSwitchover(control: OceanBaseControl, ctx: Context, pause: Pause): Promise<unknown> {
  const { clusterId } = ctx.input;
  let said = "";
  return await lookUntil(ctx, pause, async () => {
    if ((await demoted(control, ctx)) === undefined) return undefined;
    const { role, switchoverStatus, switchoverInfo } = await control.readCluster(clusterId);
    if (role === "PRIMARY" || switchoverStatus === "TO PRIMARY") return { role, switchoverStatus };
    if (switchoverInfo !== said) ctx.log(`Not yet: ${switchoverStatus}, ${switchoverInfo}`);
    said = switchoverInfo;
    return undefined;
  });
}

async function promote(control: OceanBaseControl, ctx: Context, pause: Pause): Promise<unknown> {
  const { clusterId, primaryClusterId } = ctx.input;
  if ((await control.readCluster(clusterId)).role !== "PRIMARY") {
    const old = await control.readCluster(primaryClusterId);
    if (old.role === "PRIMARY") throw twoPrimaries(old);
    await control.writeNote(promotionKey(ctx.runId), clusterId);
    await giveAndAsk(
      () => control.switchoverToPrimary(clusterId),
      async () => (await promoted(control, ctx)) !== undefined,
    );
  }
  return await lookUntil(ctx, pause, () => promoted(control, ctx));
}

async function promoted(control: OceanBaseControl, { input }: Context): Promise<{ primary: string } | undefined> {
  const { role, status, name } = await control.readCluster(input.clusterId);
  return role === "PRIMARY" && status === "VALID" ? { primary: name } : undefined;
}

/** The undo of `promote`: nothing is lost, the other cluster has received all that was written since. */
async function redemote(control: OceanBaseControl, ctx: Context, pause: Pause): Promise<unknown> {
  const { clusterId } = ctx.input;
  const standby = await lookUntil(ctx, pause, async () => {
    const now = await control.readCluster(clusterId);
    if (now.switchoverStatus === "SWITCHOVER SWITCHING") return undefined;
    if (now.role === "PHYSICAL STANDBY") return now.name;
    await giveAndAsk(
      () => control.switchoverToStandby(clusterId),
      async () => true,
    );
    return undefined;
  });
  await control.writeNote(promotionKey(ctx.runId), null);
  return { standby };
}

async function switchRoles(control: OceanBaseControl, ctx: Context): Promise<unknown> {
  const { clusterId, primaryClusterId } = ctx.input;
  const followers = (await control.readStandbys(clusterId)).map((other) => other.clusterId);
  const standbys = [...new Set([primaryClusterId, ...followers])];
  // Standbys that only change whom they follow are locked for it too.
  await control.lock([clusterId, ...standbys], ctx.runId);
  for (const table of ["cluster", "multi-cluster"] as const) {
    for (const standby of standbys) {
      const row = { clusterId: standby, role: "PHYSICAL STANDBY", primaryClusterId: clusterId } as const;
      await control.writeRow(table, row, ctx.runId);
    }
    await control.writeRow(table, { clusterId, role: "PRIMARY", primaryClusterId: null }, ctx.runId);
  }
  return { primary: clusterId, standbys };
}

async function restoreRoles(control: OceanBaseControl, { runId }: Context): Promise<unknown> {
  await control.restoreRows("cluster", runId);
  await control.restoreRows("multi-cluster", runId);
  return null;
}
