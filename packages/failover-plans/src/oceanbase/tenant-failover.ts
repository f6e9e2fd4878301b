/**
 * The steps of a tenant failover: the primary is dead, the standby with the most log is activated. Owns: what is refused, since
 * OceanBase itself looks at no primary, and what is noted of whom was left behind.
 */
import { type ActionDefinition, defineAction } from "@belay/engine";
import { refuseIfOvertaken } from "../route/route-steps.ts";
import { amount, inputSchema, optional, text, texts } from "../step/input-schema.ts";
import { messageOf } from "../step/wait.ts";
import { rebuildKey } from "./notes.ts";
import { explained, lookUntil } from "./outcome.ts";
import { OceanBaseError } from "./refusal.ts";
import { awaitRole, pauseOf, refuseOffline, rests, type TenantAccess, twoPrimaries } from "./tenant-access.ts";
import { secondsBetween, type TenantView } from "./tenant-control.ts";
import { atRest, giveChange, type TenantAtRest } from "./tenant-switch.ts";

interface DownInput {
  readonly primary: string;
}

/** Looks before the primary counts as dead. */
const LOOKS = 3;

/** Reads only. Code: ALIVE_OBSERVER. */
export function confirmTenantDown(access: TenantAccess): ActionDefinition<DownInput, { readonly servers: number }> {
  return defineAction<DownInput, { readonly servers: number }>({
    description: "confirms that no server of the old primary is alive",
    input: inputSchema<DownInput>({ primary: text }),
    idempotent: true,
    run: (ctx) =>
      explained(async () => {
        for (let look = 0; ; look++) {
          const servers = await refuseAlive(access, ctx.input.primary);
          if (look + 1 >= LOOKS) return { servers };
          await pauseOf(access)(ctx.signal);
        }
      }),
  });
}

/** How many servers the old primary has; throws when any is alive. */
async function refuseAlive({ control }: TenantAccess, primary: string): Promise<number> {
  const servers = await control.readServers(primary);
  const alive = servers.filter((server) => server.alive).map(({ address }) => address);
  if (alive.length === 0) return servers.length;
  const role = await control.readTenant(primary).then(
    (view) => `and it answers as ${view.role}: use the plan oceanbase-tenant-switchover`,
    (error: unknown) =>
      `though it does not answer (${messageOf(error)}): stop them, or it may be primary again at any moment`,
  );
  throw new OceanBaseError("ALIVE_OBSERVER", `Servers of ${primary} are alive: ${alive.join(", ")}, ${role}.`);
}

interface RankInput {
  readonly standbys: readonly string[];
  /** Chosen by people; default: the one with the most log. */
  readonly candidate?: string | undefined;
  /** Most seconds of log that the chosen one may lack. Default 10. */
  readonly maxLagSeconds?: number | undefined;
  /** The last SYNC_SCN that monitoring saw on the old primary, decimal. */
  readonly lastKnownScn?: string | undefined;
}
const rankSchema = inputSchema<RankInput>({
  standbys: texts,
  candidate: optional(text),
  maxLagSeconds: optional(amount),
  lastKnownScn: optional(text),
});

/** The choice, with all that it was made from. */
export interface RankedTenants {
  readonly candidate: string;
  /** The others, the one with the most log first. */
  readonly others: readonly string[];
  /** Seconds of known log that the candidate lacks. */
  readonly lagSeconds: number;
  /** All of them, the one with the most log first. */
  readonly ranking: readonly TenantAtRest[];
}

const MAX_LAG_SECONDS = 10;

/** Reads only. Codes: TWO_PRIMARIES, TENANT_UNREACHABLE, NO_CANDIDATE, NOT_NORMAL, REPLICA_OFFLINE, LOGS_BEHIND. */
export function rankTenants(access: TenantAccess): ActionDefinition<RankInput, RankedTenants> {
  return defineAction<RankInput, RankedTenants>({
    description: "chooses the standby with the most log, or refuses",
    input: rankSchema,
    idempotent: true,
    run: (ctx) => explained(() => rank(access, ctx.input)),
  });
}

async function rank(access: TenantAccess, input: RankInput): Promise<RankedTenants> {
  const { control } = access;
  const views: TenantView[] = [];
  for (const name of input.standbys) {
    const view = await control.readTenant(name).catch((error: unknown) => {
      const why = "what it holds is not known; leave it out of the list to give that up";
      throw new OceanBaseError("TENANT_UNREACHABLE", `Standby ${name} does not answer, ${why}.`, error);
    });
    if (view.role === "PRIMARY") throw twoPrimaries(view);
    views.push(view);
  }
  // A failover that somebody left half done is finished, not begun anew elsewhere.
  const begun = views.find(({ switchoverStatus }) => switchoverStatus !== "NORMAL");
  const ranking = views.toSorted((a, b) => (a.syncScn === b.syncScn ? 0 : a.syncScn > b.syncScn ? -1 : 1));
  const wanted = input.candidate ?? begun?.name ?? ranking[0]?.name;
  const chosen = ranking.find(({ name }) => name === wanted);
  if (chosen === undefined || chosen.role !== "STANDBY") {
    throw new OceanBaseError("NO_CANDIDATE", `${wanted ?? "Nobody"} is no standby among ${input.standbys.join(", ")}.`);
  }
  if (begun !== undefined && begun !== chosen) {
    throw new OceanBaseError(
      "NOT_NORMAL",
      `Tenant ${begun.name} is ${begun.switchoverStatus}: choose it, and finish that.`,
    );
  }
  const lagSeconds = refuseLag(chosen, ranking, input);
  await refuseOffline(access, chosen.name);
  if (begun === undefined) await control.rehearse(chosen.name, "ACTIVATE STANDBY");
  const others = ranking.filter((view) => view !== chosen).map(({ name }) => name);
  return { candidate: chosen.name, others, lagSeconds, ranking: ranking.map(atRest) };
}

/** Seconds of log that the chosen one lacks, of what is known to exist; throws beyond the limit. */
function refuseLag(chosen: TenantView, ranking: readonly TenantView[], input: RankInput): number {
  const { maxLagSeconds = MAX_LAG_SECONDS, lastKnownScn } = input;
  const ends = ranking.map(({ syncScn }) => syncScn);
  if (lastKnownScn !== undefined) {
    if (!/^\d{1,20}$/.test(lastKnownScn)) throw new OceanBaseError("NO_CANDIDATE", `"${lastKnownScn}" is no SCN.`);
    ends.push(BigInt(lastKnownScn));
  }
  const lagSeconds = Math.max(0, ...ends.map((end) => secondsBetween(chosen.syncScn, end)));
  if (lagSeconds <= maxLagSeconds) return lagSeconds;
  throw new OceanBaseError(
    "LOGS_BEHIND",
    `Tenant ${chosen.name} lacks ${lagSeconds} s of log that is known to exist; at most ${maxLagSeconds} s may be lost.`,
  );
}

interface ActivateInput {
  readonly candidate: string;
  /** The old primary. */
  readonly primary: string;
  /** Epoch under which this run has emptied the route. */
  readonly epoch: number;
}

/** The point of no return. Codes: ALIVE_OBSERVER, and what OceanBase refuses. */
export function activateTenant(access: TenantAccess): ActionDefinition<ActivateInput, TenantAtRest> {
  return defineAction<ActivateInput, TenantAtRest>({
    description: "activates the candidate; POINT OF NO RETURN",
    input: inputSchema<ActivateInput>({ candidate: text, primary: text, epoch: amount }),
    run: (ctx) =>
      explained(async () => {
        const { candidate, primary } = ctx.input;
        const before = await access.control.readTenant(candidate);
        if (rests(before, "PRIMARY")) return atRest(before);
        // At the last moment once more: OceanBase does not look.
        if (before.switchoverStatus === "NORMAL") await refuseAlive(access, primary);
        await refuseIfOvertaken(access, ctx.input.epoch);
        await giveChange(access, candidate, "ACTIVATE STANDBY");
        return atRest(await awaitRole(access, ctx, candidate, "PRIMARY"));
      }),
    // R42: only the tenant knows. On its way counts as not done: `run` gives the statement again, which goes on.
    verify: async (ctx) => {
      const view = await lookUntil(ctx, pauseOf(access), () => access.control.readTenant(ctx.input.candidate));
      return rests(view, "PRIMARY") ? { done: true, output: atRest(view) } : { done: false };
    },
  });
}

interface MarkInput extends Omit<ActivateInput, "epoch"> {
  /** The standbys that were not chosen. */
  readonly others: readonly string[];
}

/** Who has to be dealt with after a failover. */
export interface LeftBehind {
  /** Must be built anew before they may follow. */
  readonly rebuild: readonly string[];
  /** Have to be connected to the new primary, after FLASHBACK STANDBY LOG where the version has it; else built anew. */
  readonly reconnect: readonly string[];
}

/** Notes that the old primary must be rebuilt: it can never follow the new one. */
export function markRebuild(access: TenantAccess): ActionDefinition<MarkInput, LeftBehind> {
  return defineAction<MarkInput, LeftBehind>({
    description: "notes that the old primary must be rebuilt before it may follow",
    input: inputSchema<MarkInput>({ candidate: text, primary: text, others: texts }),
    idempotent: true,
    run: (ctx) =>
      explained(async () => {
        const { candidate, primary, others } = ctx.input;
        await access.notes.writeNote(rebuildKey(primary), { run: ctx.runId, primary: candidate });
        return { rebuild: [primary], reconnect: others };
      }),
  });
}
