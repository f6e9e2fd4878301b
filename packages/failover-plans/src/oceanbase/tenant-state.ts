/**
 * Tenants of the model: their state, how a change of role comes to its end, what it is refused for. Owns: creation, lookup, that a
 * standby has the log of whom it follows, unless they stem from different failovers: then it never has.
 */
import { OceanBaseError, TENANT_ERRORS, type TenantErrno } from "./refusal.ts";
import { roleAfter, secondsBetween, type TenantChange, type TenantSwitchoverStatus } from "./tenant-control.ts";

/** A tenant as the model begins. */
export interface TenantSpec {
  /** As the port knows it. */
  readonly name: string;
  /** Its name inside OceanBase. Default "shop". */
  readonly tenant?: string;
  /** Whom it follows, by name; a tenant without one is PRIMARY. */
  readonly follows?: string;
  /** User of `follows` who reads its log, without the tenant. Default "rep". */
  readonly user?: string;
  /** `host:port` of each server; all are alive at first. Default: three made of the name. */
  readonly servers?: readonly string[];
  /** How far its log goes. Default: 2025-01-01, the same for all. */
  readonly syncScn?: bigint;
}

/** A tenant's changing state. */
export interface Tenant {
  readonly name: string;
  readonly tenant: string;
  readonly tenantId: number;
  role: "PRIMARY" | "STANDBY";
  switchoverStatus: TenantSwitchoverStatus;
  /** The change that is under way. */
  change: TenantChange | null;
  /** Looks left until it is done. */
  left: number;
  syncScn: bigint;
  /** Whether each server is alive, by address. */
  readonly servers: Map<string, boolean>;
  /** Whose log it receives, and as which user. */
  source: { readonly from: string; readonly user: string } | null;
  /** Failovers that its data have seen: who has seen others holds another log. */
  lineage: string;
  stalled: boolean;
  offlineReplicas: number;
  /** With which number it refuses whoever wants to take over from it. */
  obstruction: TenantErrno | undefined;
}

export type Tenants = ReadonlyMap<string, Tenant>;

/** A tenant as JSON. */
export interface TenantState extends Omit<Tenant, "servers" | "syncScn" | "obstruction"> {
  readonly servers: readonly (readonly [string, boolean])[];
  readonly syncScn: string;
  readonly obstruction: TenantErrno | null;
}

const FIRST_SCN = 1_735_689_600_000_000_000n;
/** Beyond this many seconds a switchover is refused. */
const MOST_GAP_SECONDS = 20;
/** Nanoseconds that a primary has written by the time somebody looks at it the first time. */
const FIRST_WRITES = 1_000_000_000n;

/** A tenant at its beginning. */
export function createTenant(spec: TenantSpec, tenantId: number): Tenant {
  const tenant = spec.tenant ?? "shop";
  const servers = spec.servers ?? [1, 2, 3].map((zone) => `${spec.name}-z${zone}:2881`);
  return {
    name: spec.name,
    tenant,
    tenantId,
    role: spec.follows === undefined ? "PRIMARY" : "STANDBY",
    switchoverStatus: "NORMAL",
    change: null,
    left: 0,
    syncScn: spec.syncScn ?? FIRST_SCN,
    servers: new Map(servers.map((address) => [address, true])),
    source: spec.follows === undefined ? null : { from: spec.follows, user: `${spec.user ?? "rep"}@${tenant}` },
    lineage: "",
    stalled: false,
    offlineReplicas: 0,
    obstruction: undefined,
  };
}

/** All that changes of a tenant. */
export function saveTenant(tenant: Tenant): TenantState {
  const { servers, syncScn, obstruction, ...plain } = tenant;
  return { ...plain, servers: [...servers], syncScn: String(syncScn), obstruction: obstruction ?? null };
}

/** Goes on from what `saveTenant` answered. */
export function restoreTenant({ servers, syncScn, obstruction, ...plain }: TenantState): Tenant {
  return { ...plain, servers: new Map(servers), syncScn: BigInt(syncScn), obstruction: obstruction ?? undefined };
}

/** Rejects with TENANT_UNKNOWN. */
export function findTenant(tenants: Tenants, name: string): Tenant {
  const tenant = tenants.get(name);
  if (tenant === undefined) throw new OceanBaseError("TENANT_UNKNOWN", `Tenant ${name} is not known.`);
  return tenant;
}

/** Whether any server that carries it is alive. */
export function isTenantAlive(tenant: Tenant): boolean {
  return [...tenant.servers.values()].includes(true);
}

/** A tenant that answers. Rejects with TENANT_UNKNOWN or TENANT_UNREACHABLE. */
export function reachTenant(tenants: Tenants, name: string): Tenant {
  const tenant = findTenant(tenants, name);
  if (!isTenantAlive(tenant)) throw new OceanBaseError("TENANT_UNREACHABLE", `No server of tenant ${name} answers.`);
  return tenant;
}

/** What a look sees; each look brings a change that is under way nearer to its end. */
export function look(tenants: Tenants, tenant: Tenant): Tenant {
  if (tenant.change === null) {
    follow(tenants, tenant);
  } else if (tenant.left > 0) {
    tenant.left -= 1;
  } else {
    tenant.role = roleAfter(tenant.change) === "PRIMARY" ? "PRIMARY" : "STANDBY";
    if (tenant.change === "ACTIVATE STANDBY") tenant.lineage += `/${tenant.name}`;
    if (tenant.role === "PRIMARY") tenant.syncScn += FIRST_WRITES;
    tenant.change = null;
    tenant.switchoverStatus = "NORMAL";
  }
  return tenant;
}

/** A standby receives the log of whom it follows. */
export function follow(tenants: Tenants, tenant: Tenant): void {
  const source = tenant.source === null ? undefined : tenants.get(tenant.source.from);
  if (tenant.role !== "STANDBY" || tenant.stalled || source === undefined) return;
  if (!isTenantAlive(source) || source.lineage !== tenant.lineage) return;
  if (source.syncScn > tenant.syncScn) tenant.syncScn = source.syncScn;
}

/** Throws what the change is refused with; no effect. */
export function refuseChange(tenants: Tenants, tenant: Tenant, change: TenantChange): void {
  const { name, role, switchoverStatus } = tenant;
  const needed = change === "SWITCHOVER TO STANDBY" ? "PRIMARY" : "STANDBY";
  if (role !== needed) {
    throw new OceanBaseError(
      needed === "PRIMARY" ? "NOT_PRIMARY" : "NOT_STANDBY",
      `Tenant ${name} is ${role}: ${change} needs a ${needed} tenant.`,
    );
  }
  if (switchoverStatus !== "NORMAL") {
    throw new OceanBaseError("NOT_NORMAL", `Switchover status of tenant ${name}: ${switchoverStatus}.`);
  }
  if (tenant.offlineReplicas > 0) {
    throw new OceanBaseError("REPLICA_OFFLINE", `Tenant ${name} has ${tenant.offlineReplicas} offline replicas.`);
  }
  if (change === "SWITCHOVER TO PRIMARY") refuseTakeOver(tenants, tenant);
}

/** A standby asks whom it follows; without a source there is nobody to ask, as in OceanBase. */
function refuseTakeOver(tenants: Tenants, tenant: Tenant): void {
  if (tenant.source === null) return;
  const source = tenants.get(tenant.source.from);
  if (source === undefined || !isTenantAlive(source)) {
    throw new OceanBaseError("OLD_PRIMARY_LOGIN", `The login to tenant ${tenant.source.from} failed.`);
  }
  if (source.obstruction !== undefined) {
    throw new OceanBaseError(TENANT_ERRORS[source.obstruction].code, `Tenant ${source.name} stands in the way.`);
  }
  if (source.role !== "STANDBY" || source.switchoverStatus !== "NORMAL") {
    const state = `${source.role}, ${source.switchoverStatus}`;
    throw new OceanBaseError("OLD_PRIMARY_NOT_STANDBY", `Tenant ${source.name} is ${state}.`);
  }
  follow(tenants, tenant);
  const gap = secondsBetween(tenant.syncScn, source.syncScn);
  if (gap >= MOST_GAP_SECONDS) {
    throw new OceanBaseError("LOGS_BEHIND", `Tenant ${tenant.name} is ${gap} s behind tenant ${source.name}.`);
  }
}
