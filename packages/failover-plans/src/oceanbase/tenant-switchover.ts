/**
 * The steps of a tenant switchover that look or prepare: the check, the waits, the log restore source of the old primary. Owns: what is
 * refused before anything is stopped. Does not own the two statements (`tenant-switch.ts`).
 */
import { type ActionDefinition, defineAction } from "@belay/engine";
import { amount, inputSchema, oneOf, optional, text } from "../step/input-schema.ts";
import { explained, giveAndAsk, lookUntil } from "./outcome.ts";
import { OceanBaseError } from "./refusal.ts";
import { awaitRole, pauseOf, refuseOffline, rests, type TenantAccess, twoPrimaries } from "./tenant-access.ts";
import { secondsBetween, type TenantView } from "./tenant-control.ts";
import { atRest, type PairInput, pairSchema, type TenantAtRest } from "./tenant-switch.ts";

interface CheckInput extends PairInput {
  /** Most seconds that the standby may be behind. Default 10. */
  readonly maxLagSeconds?: number | undefined;
}

/** What the check found. */
export interface CheckedPair {
  /** The old primary is a standby already, or on its way: this run goes on from there. */
  readonly halfDone: boolean;
  /** Seconds between the ends of both logs. */
  readonly lagSeconds: number;
  /** Whom the old primary followed before; null for nobody. */
  readonly sourceBefore: string | null;
}

const checkSchema = inputSchema<CheckInput>({ primary: text, standby: text, maxLagSeconds: optional(amount) });
const MAX_LAG_SECONDS = 10;

/**
 * Reads only. Codes: TENANT_UNREACHABLE, TWO_PRIMARIES, NOT_STANDBY, NOT_PRIMARY, NOT_NORMAL, NOT_FOLLOWING, REPLICA_OFFLINE,
 * LOGS_BEHIND, and what the server says of the rehearsed statement.
 */
export function checkTenantSwitchover(access: TenantAccess): ActionDefinition<CheckInput, CheckedPair> {
  return defineAction<CheckInput, CheckedPair>({
    description: "checks that both tenants can swap roles",
    input: checkSchema,
    idempotent: true,
    run: (ctx) => explained(() => check(access, ctx.input)),
  });
}

async function check(access: TenantAccess, input: CheckInput): Promise<CheckedPair> {
  const { primary, standby, maxLagSeconds = MAX_LAG_SECONDS } = input;
  const { control } = access;
  const [old, next] = [await readPrimary(access, primary), await control.readTenant(standby)];
  if (next.role === "PRIMARY") {
    if (old.role === "PRIMARY") throw twoPrimaries(next);
    throw new OceanBaseError("NOT_STANDBY", `Tenant ${standby} is PRIMARY already: there is nothing to switch.`);
  }
  if (next.role !== "STANDBY") throw new OceanBaseError("NOT_STANDBY", `Tenant ${standby} is ${next.role}.`);
  if (old.role === "RESTORE") throw new OceanBaseError("NOT_PRIMARY", `Tenant ${primary} is being restored.`);
  const halfDone = old.role === "STANDBY" || old.switchoverStatus.endsWith("SWITCHING TO STANDBY");
  const onItsWay = next.switchoverStatus.endsWith("SWITCHING TO PRIMARY");
  if (next.switchoverStatus !== "NORMAL" && !(halfDone && onItsWay)) throw notNormal(next);
  if (old.switchoverStatus !== "NORMAL" && !halfDone) throw notNormal(old);
  const source = await control.readRestoreSource(standby);
  if (source?.from !== primary) {
    const whom = source === null ? "nobody" : (source.from ?? source.value);
    throw new OceanBaseError("NOT_FOLLOWING", `Tenant ${standby} follows ${whom}, not ${primary}.`);
  }
  // Both: the way back needs the same of the old primary.
  await refuseOffline(access, standby);
  await refuseOffline(access, primary);
  const lagSeconds = Math.max(0, secondsBetween(next.syncScn, old.syncScn));
  if (lagSeconds > maxLagSeconds) {
    throw new OceanBaseError(
      "LOGS_BEHIND",
      `Tenant ${standby} is ${lagSeconds} s behind ${primary}; at most ${maxLagSeconds} s are allowed.`,
    );
  }
  if (!halfDone) await control.rehearse(primary, "SWITCHOVER TO STANDBY");
  return { halfDone, lagSeconds, sourceBefore: (await control.readRestoreSource(primary))?.from ?? null };
}

async function readPrimary({ control }: TenantAccess, primary: string): Promise<TenantView> {
  try {
    return await control.readTenant(primary);
  } catch (error) {
    if (!(error instanceof OceanBaseError) || error.code !== "TENANT_UNREACHABLE") throw error;
    throw new OceanBaseError(
      "TENANT_UNREACHABLE",
      `${error.message} A switchover needs both tenants; if the primary is dead, use the plan oceanbase-tenant-failover.`,
      error,
    );
  }
}

function notNormal({ name, switchoverStatus }: TenantView): OceanBaseError {
  return new OceanBaseError("NOT_NORMAL", `Switchover status of tenant ${name}: ${switchoverStatus}.`);
}

interface RoleInput {
  readonly tenant: string;
  readonly role: "PRIMARY" | "STANDBY";
}

/** Waits until a tenant rests in a role. Reads only. */
export function awaitTenantRole(access: TenantAccess): ActionDefinition<RoleInput, TenantAtRest> {
  return defineAction<RoleInput, TenantAtRest>({
    description: "waits until the tenant has the role, and is on its way nowhere",
    input: inputSchema<RoleInput>({ tenant: text, role: oneOf("PRIMARY", "STANDBY") }),
    idempotent: true,
    run: (ctx) => explained(async () => atRest(await awaitRole(access, ctx, ctx.input.tenant, ctx.input.role))),
  });
}

/** Waits until the standby has the last log of the old primary, which writes no more. Reads only. */
export function awaitTenantLog(access: TenantAccess): ActionDefinition<PairInput, { readonly syncScn: string }> {
  return defineAction<PairInput, { readonly syncScn: string }>({
    description: "waits until the standby has all that the old primary wrote",
    input: pairSchema,
    idempotent: true,
    run: (ctx) =>
      explained(async () => {
        const { syncScn: end } = await awaitRole(access, ctx, ctx.input.primary, "STANDBY");
        return await lookUntil(ctx, pauseOf(access), async () => {
          const { syncScn } = await access.control.readTenant(ctx.input.standby);
          return syncScn >= end ? { syncScn: String(syncScn) } : undefined;
        });
      }),
  });
}

interface SourceInput extends PairInput {
  /** User of the new primary who may read its log. */
  readonly user: string;
  /** Name of that user's password; never the password. */
  readonly passwordRef: string;
  /** Whom the old primary followed before. */
  readonly sourceBefore?: string | undefined;
}
const sourceSchema = inputSchema<SourceInput>({
  primary: text,
  standby: text,
  user: text,
  passwordRef: text,
  sourceBefore: optional(text),
});

/** The old primary receives the log of the new one. Codes: OLD_PRIMARY_LOGIN. */
export function setTenantSource(access: TenantAccess): ActionDefinition<SourceInput, { readonly source: string }> {
  return defineAction<SourceInput, { readonly source: string }>({
    description: "lets the old primary follow the new one",
    input: sourceSchema,
    idempotent: true,
    run: (ctx) =>
      explained(async () => {
        const { primary, standby, user, passwordRef } = ctx.input;
        await giveAndAsk(
          () => access.control.setRestoreSource(primary, { from: standby, user, passwordRef }),
          async () => (await access.control.readRestoreSource(primary))?.from === standby,
        );
        return { source: standby };
      }),
  });
}

/** Undoes `setTenantSource`: the old primary follows nobody, as a primary does, unless it named the same one before. */
export function resetTenantSource(access: TenantAccess): ActionDefinition<SourceInput, void> {
  return defineAction<SourceInput, void>({
    description: "takes the log restore source away from the old primary",
    input: sourceSchema,
    idempotent: true,
    run: (ctx) =>
      explained(async () => {
        const { primary, standby, sourceBefore } = ctx.input;
        if (sourceBefore === standby) return;
        if (sourceBefore !== undefined)
          ctx.log(`${primary} followed ${sourceBefore} before; its password is not known.`);
        if ((await access.control.readRestoreSource(primary)) === null) return;
        await access.control.setRestoreSource(primary, null);
      }),
  });
}

/** Waits until the old primary receives what the new one writes. Reads only. */
export function awaitTenantFollowing(access: TenantAccess): ActionDefinition<PairInput, { readonly syncScn: string }> {
  return defineAction<PairInput, { readonly syncScn: string }>({
    description: "waits until the old primary has received what the new one wrote since the switch",
    input: pairSchema,
    idempotent: true,
    run: (ctx) =>
      explained(async () => {
        const { primary, standby } = ctx.input;
        const { syncScn: written } = await awaitRole(access, ctx, standby, "PRIMARY");
        return await lookUntil(ctx, pauseOf(access), async () => {
          const view = await access.control.readTenant(primary);
          return rests(view, "STANDBY") && view.syncScn >= written ? { syncScn: String(view.syncScn) } : undefined;
        });
      }),
  });
}
