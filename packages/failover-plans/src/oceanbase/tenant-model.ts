/**
 * Tenants of OceanBase 4.x in memory: a faithful `TenantControl` for tests, drills and demonstrations. Owns: the statements, what each
 * is refused for, hooks that make calls fail, who took writes when. Does not own the tenants' states (`tenant-state.ts`).
 *
 * No time passes in it: a change of role takes a number of looks, and a standby has its primary's log as soon as somebody looks at it,
 * unless it is stalled. ACTIVATE STANDBY looks at no primary, as in OceanBase: only who gives it can prevent two.
 */
import { OceanBaseError, type TenantErrno } from "./refusal.ts";
import type { NewRestoreSource, TenantChange, TenantControl } from "./tenant-control.ts";
import {
  createTenant,
  findTenant,
  follow,
  isTenantAlive,
  look,
  reachTenant,
  refuseChange,
  restoreTenant,
  saveTenant,
  type Tenant,
  type TenantSpec,
  type TenantState,
  type Tenants,
} from "./tenant-state.ts";

export type { TenantSpec };

/** One call of the port, as hooks see it. */
export interface TenantCall {
  readonly method: keyof TenantControl;
  readonly arguments: readonly unknown[];
}

export interface TenantModelOptions {
  /** Looks that still see a tenant on its way after a change was accepted. Default 0. */
  readonly switchingLooks?: number;
  /** The password that each reference stands for; a login with another one fails. Default: every login works. */
  readonly passwords?: Readonly<Record<string, string>>;
  /** Called before a call has any effect; throwing there refuses it. */
  readonly before?: (call: TenantCall) => void | Promise<void>;
  /** Called after a call took effect; throwing there loses its answer. */
  readonly after?: (call: TenantCall) => void | Promise<void>;
}

export interface TenantModel extends TenantControl {
  /** Statements that changed something, in order, as OceanBase would read them; passwords masked. */
  readonly statements: readonly string[];
  /** The names of the tenants that took writes, after every call and every change of a server, without repetitions. */
  readonly writers: readonly (readonly string[])[];
  /** The names of all tenants. */
  readonly names: readonly string[];
  /** The name that a tenant has inside OceanBase. */
  tenantName(name: string): string;
  /** Starts or stops every server that carries the tenant. */
  setAlive(name: string, alive: boolean): void;
  /** Starts or stops one server. */
  setServer(address: string, alive: boolean): void;
  /** Sets how far a tenant's log goes. */
  setScn(name: string, syncScn: bigint): void;
  /** A stalled standby receives no log. */
  stall(name: string, stalled: boolean): void;
  /** Makes replicas of a tenant's first log stream go offline. */
  setOffline(name: string, replicas: number): void;
  /** Makes a tenant refuse, by the server's number, whoever wants to take over from it; undefined takes it back. */
  obstruct(name: string, errno: TenantErrno | undefined): void;
  /** All of it as JSON, for `restoreTenantModel`. */
  save(): TenantModelState;
}

/** A model at rest, as JSON. */
export interface TenantModelState {
  readonly tenants: readonly TenantState[];
  readonly statements: readonly string[];
  readonly writers: readonly (readonly string[])[];
}

interface Model {
  readonly tenants: Tenants;
  readonly options: TenantModelOptions;
  readonly statements: string[];
  readonly writers: string[][];
}

/** A model of these tenants. A standby follows the tenant that its spec names. */
export function createTenantModel(specs: readonly TenantSpec[], options: TenantModelOptions = {}): TenantModel {
  const tenants = new Map(specs.map((spec, index) => [spec.name, createTenant(spec, 1004 + 2 * index)]));
  return modelOf({ tenants, options, statements: [], writers: [] });
}

/** Goes on from what `save` answered. */
export function restoreTenantModel(state: TenantModelState, options: TenantModelOptions = {}): TenantModel {
  const tenants = new Map(state.tenants.map((tenant) => [tenant.name, restoreTenant(tenant)]));
  return modelOf({
    tenants,
    options,
    statements: [...state.statements],
    writers: state.writers.map((names) => [...names]),
  });
}

function modelOf(model: Model): TenantModel {
  const { tenants, statements, writers } = model;
  const find = (name: string): Tenant => findTenant(tenants, name);
  noteWriters(model);
  return {
    ...hooked(model),
    statements,
    writers,
    names: [...tenants.keys()],
    tenantName: (name) => find(name).tenant,
    setAlive(name, alive) {
      const { servers } = find(name);
      for (const address of servers.keys()) servers.set(address, alive);
      noteWriters(model);
    },
    setServer(address, alive) {
      for (const { servers } of tenants.values()) if (servers.has(address)) servers.set(address, alive);
      noteWriters(model);
    },
    setScn(name, syncScn) {
      find(name).syncScn = syncScn;
    },
    stall(name, stalled) {
      find(name).stalled = stalled;
    },
    setOffline(name, replicas) {
      find(name).offlineReplicas = replicas;
    },
    obstruct(name, errno) {
      find(name).obstruction = errno;
    },
    save: () => ({
      tenants: [...tenants.values()].map(saveTenant),
      statements: [...statements],
      writers: writers.map((names) => [...names]),
    }),
  };
}

/** Remembers who takes writes now, unless it is who did before. */
function noteWriters({ tenants, writers }: Model): void {
  const now = [...tenants.values()]
    .filter((tenant) => tenant.role === "PRIMARY" && tenant.switchoverStatus === "NORMAL" && isTenantAlive(tenant))
    .map(({ name }) => name);
  if (writers.length === 0 || writers.at(-1)?.join() !== now.join()) writers.push(now);
}

function controlOf(model: Model): TenantControl {
  const { tenants } = model;
  return {
    async readTenant(name) {
      const tenant = reachTenant(tenants, name);
      const { role, switchoverStatus, syncScn } = look(tenants, tenant);
      return { name, role, switchoverStatus, syncScn };
    },
    readLogStreams: async (name) => {
      const { offlineReplicas } = reachTenant(tenants, name);
      return [
        { lsId: 1, status: "NORMAL", offlineReplicas },
        { lsId: 1001, status: "NORMAL", offlineReplicas: 0 },
      ];
    },
    readServers: async (name) => [...findTenant(tenants, name).servers].map(([address, alive]) => ({ address, alive })),
    rehearse: async (name, change) => refuseChange(tenants, reachTenant(tenants, name), change),
    change: async (name, change) => changeTenant(model, name, change),
    async readRestoreSource(name) {
      const { source } = reachTenant(tenants, name);
      if (source === null) return null;
      return { from: source.from, value: restoreValue(findTenant(tenants, source.from), source.user) };
    },
    setRestoreSource: async (name, source) => setRestoreSource(model, name, source),
  };
}

/** The control with the hooks around every method. */
function hooked(model: Model): TenantControl {
  const { before, after } = model.options;
  const wrap = ([method, call]: [string, (...args: never[]) => Promise<unknown>]) => [
    method,
    async (...args: never[]) => {
      const seen: TenantCall = { method: method as keyof TenantControl, arguments: args };
      await before?.(seen);
      const answer = await call(...args).finally(() => noteWriters(model));
      await after?.(seen);
      return answer;
    },
  ];
  return Object.fromEntries(Object.entries(controlOf(model)).map(wrap)) as TenantControl;
}

function changeTenant({ tenants, options, statements }: Model, name: string, change: TenantChange): void {
  const tenant = reachTenant(tenants, name);
  // Issued again on its way: it goes on.
  if (tenant.change === change) return;
  refuseChange(tenants, tenant, change);
  statements.push(`ALTER SYSTEM ${change} TENANT = ${tenant.tenant}`);
  if (change === "SWITCHOVER TO PRIMARY") follow(tenants, tenant);
  tenant.change = change;
  tenant.switchoverStatus = {
    "SWITCHOVER TO STANDBY": "SWITCHING TO STANDBY",
    "SWITCHOVER TO PRIMARY": "SWITCHING TO PRIMARY",
    "ACTIVATE STANDBY": "FLASHBACK",
  }[change] as Tenant["switchoverStatus"];
  tenant.left = options.switchingLooks ?? 0;
  if (tenant.left === 0) look(tenants, tenant);
}

function setRestoreSource(
  { tenants, options, statements }: Model,
  name: string,
  source: NewRestoreSource | null,
): void {
  const tenant = reachTenant(tenants, name);
  if (source === null) {
    statements.push(`ALTER SYSTEM SET LOG_RESTORE_SOURCE = '' TENANT = ${tenant.tenant}`);
    tenant.source = null;
    return;
  }
  const from = findTenant(tenants, source.from);
  const known = options.passwords;
  if (known !== undefined && known[source.passwordRef] === undefined) {
    throw new OceanBaseError("OLD_PRIMARY_LOGIN", `Tenant ${from.name} refuses user ${source.user}.`);
  }
  const user = `${source.user}@${from.tenant}`;
  const service = `SERVICE=${[...from.servers.keys()].join(";")} USER=${user} PASSWORD=******`;
  statements.push(`ALTER SYSTEM SET LOG_RESTORE_SOURCE = '${service}' TENANT = ${tenant.tenant}`);
  tenant.source = { from: from.name, user };
}

/** `VALUE` of `CDB_OB_LOG_RESTORE_SOURCE`. */
function restoreValue(from: Tenant, user: string): string {
  return `IP_LIST=${[...from.servers.keys()].join(";")},USER=${user},PASSWORD=******,TENANT_ID=${from.tenantId},CLUSTER_ID=1`;
}
