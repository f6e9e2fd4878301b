/**
 * What the tenant actions act through, and what they have in common: looking at a tenant, waiting for a role. Owns: the shape, the
 * remedies that name another plan.
 */
import type { ActionContext } from "@belay/engine";
import type { RecoveryLog } from "../recovery/recovery-log.ts";
import type { Route } from "../route/route.ts";
import { pause as realPause, type Sleep } from "../step/wait.ts";
import type { Notes } from "./notes.ts";
import { lookUntil, type Pause } from "./outcome.ts";
import { OceanBaseError } from "./refusal.ts";
import type { TenantControl, TenantRole, TenantView } from "./tenant-control.ts";

/** What the actions need of an installation. */
export interface TenantAccess {
  readonly control: TenantControl;
  /** Where clients learn which tenant takes writes; tenants go by the names that `control` knows. */
  readonly route: Route;
  /** What no tenant can say of itself. */
  readonly notes: Notes;
  /** Which recoveries took place. Default: one in memory, which blocks repeated failovers of this process only. */
  readonly recoveries?: RecoveryLog;
  /** Epoch milliseconds. Default: the system's clock. */
  readonly now?: () => number;
  /** Milliseconds between two looks at a state that is awaited. Default 1000. */
  readonly pollIntervalMs?: number;
  /** Waits between two looks; default: real time. */
  readonly sleep?: Sleep;
}

/** The pause between two looks. */
export function pauseOf({ sleep = realPause, pollIntervalMs = 1000 }: TenantAccess): Pause {
  return (signal) => sleep(pollIntervalMs, signal);
}

/** Whether the tenant has the role and is on its way nowhere. */
export function rests(view: TenantView, role: TenantRole): boolean {
  return view.role === role && view.switchoverStatus === "NORMAL";
}

/** Waits until the tenant rests in the role, for as long as the attempt has. */
export async function awaitRole(
  access: TenantAccess,
  ctx: Pick<ActionContext, "signal" | "log" | "heartbeat">,
  name: string,
  role: TenantRole,
): Promise<TenantView> {
  return await lookUntil(ctx, pauseOf(access), async () => {
    const view = await access.control.readTenant(name);
    return rests(view, role) ? view : undefined;
  });
}

/** Throws when a replica of the tenant is not online, or a log stream does not serve. */
export async function refuseOffline({ control }: TenantAccess, name: string): Promise<void> {
  const streams = await control.readLogStreams(name);
  const wrong = streams.filter(({ status, offlineReplicas }) => status !== "NORMAL" || offlineReplicas > 0);
  if (streams.length > 0 && wrong.length === 0) return;
  const which = wrong.map(({ lsId, status, offlineReplicas }) => `${lsId} (${status}, ${offlineReplicas} offline)`);
  throw new OceanBaseError(
    "REPLICA_OFFLINE",
    `Tenant ${name}: log streams ${which.join(", ") || "unknown"}. Start those servers, or wait until they are offline for good.`,
  );
}

/** What is said of a primary beside which another one is refused. */
export function twoPrimaries({ name }: { readonly name: string }): OceanBaseError {
  return new OceanBaseError("TWO_PRIMARIES", `Tenant ${name} is PRIMARY: another primary beside it is refused.`);
}
