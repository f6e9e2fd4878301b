/**
 * The port to tenants of OceanBase 4.x, which change roles one by one. Owns: what the tenant actions need, and no more. Tenants go by
 * the name under which the adapter knows them ("shop-north"); the name inside OceanBase may be the same on both sides.
 *
 * Adapters: `tenant-model.ts` (in memory), `../oceanbase-sql/tenant-control.ts` (the statements that each method names, from the sys
 * tenant). Every method may reject with an `OceanBaseError`; any other rejection is taken as a lost connection, after which the
 * statement may or may not have taken effect.
 */
import type { ServerState } from "./control.ts";

/** `DBA_OB_TENANTS.TENANT_ROLE`. */
export type TenantRole = "PRIMARY" | "STANDBY" | "RESTORE";

/** `DBA_OB_TENANTS.SWITCHOVER_STATUS`; everything but NORMAL is on the way from one role to the other. */
export type TenantSwitchoverStatus =
  | "NORMAL"
  | "PREPARE SWITCHING TO PRIMARY"
  | "SWITCHING TO PRIMARY"
  | "PREPARE FLASHBACK"
  | "FLASHBACK"
  | "PREPARE SWITCHING TO STANDBY"
  | "SWITCHING TO STANDBY";

/** One row of `DBA_OB_TENANTS`. SCNs are nanoseconds since 1970, beyond what a number holds. */
export interface TenantView {
  /** As the adapter knows it. */
  readonly name: string;
  readonly role: TenantRole;
  readonly switchoverStatus: TenantSwitchoverStatus;
  /** How far its log goes: what a primary has written, what a standby has received of it. */
  readonly syncScn: bigint;
}

/** One log stream (`CDB_OB_LS`), with its replicas on servers that are not active (`CDB_OB_LS_LOCATIONS`, `DBA_OB_SERVERS`). */
export interface LogStream {
  /** `LS_ID`. */
  readonly lsId: number;
  /** `STATUS`; NORMAL when it serves. */
  readonly status: string;
  /** Replicas that are not online. */
  readonly offlineReplicas: number;
}

/**
 * `ALTER SYSTEM SWITCHOVER TO STANDBY`, `SWITCHOVER TO PRIMARY`, `ACTIVATE STANDBY`. The last one looks at no primary: two are possible.
 */
export type TenantChange = "SWITCHOVER TO STANDBY" | "SWITCHOVER TO PRIMARY" | "ACTIVATE STANDBY";

/** Whose log a tenant receives. */
export interface RestoreSource {
  /** Name of the tenant that is followed, as the adapter knows it; null when it knows none at that place. */
  readonly from: string | null;
  /** `CDB_OB_LOG_RESTORE_SOURCE.VALUE`, the password masked. */
  readonly value: string;
}

/** Whose log a tenant is to receive. */
export interface NewRestoreSource {
  /** Name of the tenant to follow. */
  readonly from: string;
  /** User of that tenant who may read its log. */
  readonly user: string;
  /** Under which name the adapter's secrets have the user's password. The password itself is never in a plan, nor in a run. */
  readonly passwordRef: string;
}

/** The tenants. */
export interface TenantControl {
  /** Rejects with TENANT_UNREACHABLE when no server answers, TENANT_UNKNOWN when nobody knows that name. */
  readTenant(name: string): Promise<TenantView>;
  /** All log streams of the tenant. */
  readLogStreams(name: string): Promise<readonly LogStream[]>;
  /** The servers that carry the tenant, as seen from outside, also when none of them answers. */
  readServers(name: string): Promise<readonly ServerState[]>;
  /** The statement with VERIFY: rejects with what the statement would be refused with, and changes nothing. */
  rehearse(name: string, change: TenantChange): Promise<void>;
  /**
   * One issue of the statement. Accepted, the tenant may be on its way for a while; it is done when the role is the new one and the
   * status NORMAL. Issued again on its way it goes on. Rejects with NOT_STANDBY, NOT_PRIMARY, LOGS_BEHIND, OLD_PRIMARY_*, and others.
   */
  change(name: string, change: TenantChange): Promise<void>;
  /** `CDB_OB_LOG_RESTORE_SOURCE`; null when the tenant follows nobody. */
  readRestoreSource(name: string): Promise<RestoreSource | null>;
  /** `ALTER SYSTEM SET LOG_RESTORE_SOURCE = 'SERVICE=... USER=... PASSWORD=...'`; null: follows nobody. */
  setRestoreSource(name: string, source: NewRestoreSource | null): Promise<void>;
}

/** The role that a change ends in. */
export function roleAfter(change: TenantChange): TenantRole {
  return change === "SWITCHOVER TO STANDBY" ? "STANDBY" : "PRIMARY";
}

/** Seconds from one SCN to a later one; negative when it is earlier. */
export function secondsBetween(earlier: bigint, later: bigint): number {
  return Number(later - earlier) / 1e9;
}
