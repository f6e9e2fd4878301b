/**
 * The two statements of a tenant switchover, and what undoes them. Owns: that never two tenants are primary: one is only made primary
 * once the other one is known to be a standby. OceanBase checks that itself, but only through LOG_RESTORE_SOURCE, which a former
 * primary may not have.
 *
 * Each looks before it acts and may run again. Before a promotion a note says so: while it stands, a tenant that does not answer may be
 * primary.
 */
import { type ActionContext, type ActionDefinition, defineAction } from "@belay/engine";
import { inputSchema, text } from "../step/input-schema.ts";
import { promotionKey } from "./notes.ts";
import { explained, giveAndAsk, lookUntil } from "./outcome.ts";
import { OceanBaseError } from "./refusal.ts";
import { awaitRole, pauseOf, rests, type TenantAccess, twoPrimaries } from "./tenant-access.ts";
import { roleAfter, type TenantChange, type TenantView } from "./tenant-control.ts";

/** The pair that swaps roles. */
export interface PairInput {
  /** The primary that becomes a standby. */
  readonly primary: string;
  /** The standby that becomes primary. */
  readonly standby: string;
}

/** Of input that names a pair. */
export const pairSchema: NonNullable<ActionDefinition<PairInput>["input"]> = inputSchema<PairInput>({
  primary: text,
  standby: text,
});

/** A tenant at rest in a role. SCNs are decimal texts: a number does not hold them. */
export interface TenantAtRest {
  readonly tenant: string;
  readonly role: string;
  /** How far its log goes, nanoseconds since 1970. */
  readonly syncScn: string;
}

/** As JSON. */
export function atRest({ name, role, syncScn }: TenantView): TenantAtRest {
  return { tenant: name, role, syncScn: String(syncScn) };
}

type Context = ActionContext<PairInput>;

/** `SWITCHOVER TO STANDBY` on the primary. Codes: TWO_PRIMARIES and what OceanBase refuses. */
export function demoteTenant(access: TenantAccess): ActionDefinition<PairInput, TenantAtRest> {
  return changing(access, "makes the primary tenant a standby", "SWITCHOVER TO STANDBY", {
    who: ({ primary }) => primary,
    admit: async ({ input }) => {
      const other = await access.control.readTenant(input.standby);
      if (other.role === "PRIMARY") throw twoPrimaries(other);
    },
  });
}

/** Undoes `demoteTenant`: `SWITCHOVER TO PRIMARY` on the old primary. Codes: TWO_PRIMARIES, TENANT_UNREACHABLE. */
export function repromoteTenant(access: TenantAccess): ActionDefinition<PairInput, TenantAtRest> {
  return undoing("makes the old primary tenant primary again", async (ctx) => {
    await refuseOtherPrimary(access, ctx);
    return await bring(access, ctx, ctx.input.primary, "SWITCHOVER TO PRIMARY");
  });
}

/** `SWITCHOVER TO PRIMARY` on the standby. Codes: TWO_PRIMARIES, LOGS_BEHIND, OLD_PRIMARY_*. */
export function promoteTenant(access: TenantAccess): ActionDefinition<PairInput, TenantAtRest> {
  return changing(access, "makes the standby tenant primary", "SWITCHOVER TO PRIMARY", {
    who: ({ standby }) => standby,
    admit: async ({ input, runId }) => {
      const old = await access.control.readTenant(input.primary);
      if (old.role === "PRIMARY") throw twoPrimaries(old);
      await access.notes.writeNote(promotionKey(runId), input.standby);
    },
  });
}

/** Undoes `promoteTenant`: `SWITCHOVER TO STANDBY` on the new primary. Nothing is lost: the other one receives the rest of its log. */
export function redemoteTenant(access: TenantAccess): ActionDefinition<PairInput, TenantAtRest> {
  return undoing("makes the new primary tenant a standby again", async (ctx) => {
    const standby = await bring(access, ctx, ctx.input.standby, "SWITCHOVER TO STANDBY");
    await access.notes.writeNote(promotionKey(ctx.runId), null);
    return standby;
  });
}

interface Changing {
  /** Whose role changes. */
  readonly who: (input: PairInput) => string;
  /** Throws while the change must not begin. */
  readonly admit: (ctx: Context) => Promise<void>;
}

function changing(
  access: TenantAccess,
  description: string,
  change: TenantChange,
  { who, admit }: Changing,
): ActionDefinition<PairInput, TenantAtRest> {
  return defineAction<PairInput, TenantAtRest>({
    description,
    input: pairSchema,
    run: (ctx) =>
      explained(async () => {
        const name = who(ctx.input);
        const before = await access.control.readTenant(name);
        if (rests(before, roleAfter(change))) return atRest(before);
        if (before.switchoverStatus === "NORMAL") await admit(ctx);
        await giveChange(access, name, change);
        return atRest(await awaitRole(access, ctx, name, roleAfter(change)));
      }),
    // R42: only the tenant knows. On its way counts as not done: `run` gives the statement again, which goes on.
    verify: async (ctx) => {
      const view = await lookUntil(ctx, pauseOf(access), () => access.control.readTenant(who(ctx.input)));
      return rests(view, roleAfter(change)) ? { done: true, output: atRest(view) } : { done: false };
    },
  });
}

function undoing(
  description: string,
  run: (ctx: Context) => Promise<TenantAtRest>,
): ActionDefinition<PairInput, TenantAtRest> {
  return defineAction<PairInput, TenantAtRest>({
    description,
    input: pairSchema,
    idempotent: true,
    run: (ctx) => explained(() => run(ctx)),
  });
}

/** Gives the statement once; a lost answer is looked after. */
export async function giveChange({ control }: TenantAccess, name: string, change: TenantChange): Promise<void> {
  await giveAndAsk(
    () => control.change(name, change),
    async () => {
      const view = await control.readTenant(name);
      return view.role === roleAfter(change) || view.switchoverStatus !== "NORMAL";
    },
  );
}

/** Gives the statement until the tenant rests in the role; one that is on its way is waited for first. */
async function bring(access: TenantAccess, ctx: Context, name: string, change: TenantChange): Promise<TenantAtRest> {
  return await lookUntil(ctx, pauseOf(access), async () => {
    const view = await access.control.readTenant(name);
    if (rests(view, roleAfter(change))) return atRest(view);
    if (view.switchoverStatus === "NORMAL")
      await giveAndAsk(
        () => access.control.change(name, change),
        async () => true,
      );
    return undefined;
  });
}

/** Throws unless the other tenant is known to be no primary, and not about to be one. */
async function refuseOtherPrimary({ control, notes }: TenantAccess, { input, runId }: Context): Promise<void> {
  const { standby } = input;
  let other: TenantView;
  try {
    other = await control.readTenant(standby);
  } catch (error) {
    // This run has never begun to promote it, and nobody else may while the run holds the lock.
    if ((await notes.readNote(promotionKey(runId))) === undefined) return;
    throw new OceanBaseError(
      "TENANT_UNREACHABLE",
      `Tenant ${standby} does not answer, and this run had begun to promote it: making ${input.primary} primary again could make two.`,
      error,
    );
  }
  if (other.role === "PRIMARY") throw twoPrimaries(other);
  if (other.switchoverStatus !== "NORMAL") {
    throw new OceanBaseError("NOT_NORMAL", `Tenant ${standby} is ${other.switchoverStatus}: it may become primary.`);
  }
}
