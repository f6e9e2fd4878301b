/**
 * `TenantControl` on real tenants of OceanBase 4.x, asked and told from the sys tenant of their cluster. Owns: the texts, what an error
 * number means, that the password of a log restore source is read at the last moment and shown nowhere.
 */
import { BelayError } from "@belay/engine";
import { quoteLiteral } from "../mysql-client/client.ts";
import { OceanBaseError, TENANT_ERRORS } from "../oceanbase/refusal.ts";
import type {
  LogStream,
  NewRestoreSource,
  TenantChange,
  TenantControl,
  TenantRole,
  TenantSwitchoverStatus,
  TenantView,
} from "../oceanbase/tenant-control.ts";
import { watchServers } from "./server-watch.ts";
import { ask, give, plainName, ServerSaidNo, type SqlAccess, type SqlAddress } from "./sys-session.ts";

/** A tenant and where it is asked. */
export interface TenantSite {
  /** As plans know it. */
  readonly name: string;
  /** Its name inside OceanBase. */
  readonly tenant: string;
  /** The servers that carry it. */
  readonly servers: readonly SqlAddress[];
  /** `host:port` under which others fetch its log (`SERVICE=` of LOG_RESTORE_SOURCE). Default: those of `servers`. */
  readonly restoreAddresses?: readonly string[];
}

export interface TenantSqlOptions extends SqlAccess {
  /** The password behind a reference. Asked each time, kept nowhere. */
  readonly secret: (reference: string) => Promise<string> | string;
}

type Row = Readonly<Record<string, string | number | null>>;

/** Statements and a watch over these tenants. Throws INVALID_ARGUMENT for a name that cannot stand in a statement. */
export function tenantSql(sites: readonly TenantSite[], options: TenantSqlOptions): TenantControl {
  const byName = new Map(sites.map((site) => [site.name, site]));
  for (const { tenant } of sites) plainName("tenant", tenant);
  const siteOf = (name: string): TenantSite => {
    const site = byName.get(name);
    if (site !== undefined) return site;
    throw new OceanBaseError("TENANT_UNKNOWN", `Tenant ${name} is not known: its servers are not configured.`);
  };
  const tenants = new Sys(options, siteOf);
  return {
    readTenant: async (name) => (await tenants.look(name)).view,
    readLogStreams: async (name) => await readLogStreams(tenants, name),
    readServers: async (name) => await watchServers(siteOf(name).servers, options.connectTimeoutMs),
    rehearse: async (name, change) => await tenants.change(name, change, " VERIFY"),
    change: async (name, change) => await tenants.change(name, change, ""),
    async readRestoreSource(name) {
      const { tenantId } = await tenants.look(name);
      const question = `SELECT TYPE, VALUE FROM oceanbase.CDB_OB_LOG_RESTORE_SOURCE WHERE TENANT_ID = ${tenantId}`;
      const [row] = await tenants.rows(name, question);
      if (row === undefined) return null;
      const value = String(row["VALUE"]);
      return { from: whoseLog(value, sites), value };
    },
    setRestoreSource: async (name, source) => await setRestoreSource(tenants, name, source),
  };
}

/** Questions and statements to the sys tenant of a tenant's cluster. */
class Sys {
  readonly options: TenantSqlOptions;
  readonly siteOf: (name: string) => TenantSite;

  constructor(options: TenantSqlOptions, siteOf: (name: string) => TenantSite) {
    this.options = options;
    this.siteOf = siteOf;
  }

  async rows(name: string, question: string): Promise<readonly Row[]> {
    return await ask<Row>(this.siteOf(name).servers, this.options, question, unreachable(name));
  }

  /** The tenant's row, and its number. */
  async look(name: string): Promise<{ readonly tenantId: number; readonly view: TenantView }> {
    const { tenant } = this.siteOf(name);
    const columns = "TENANT_ID, TENANT_ROLE, SWITCHOVER_STATUS, SYNC_SCN";
    // Beside a user tenant there is a META tenant of its own.
    const where = `TENANT_NAME = ${quoteLiteral(tenant)} AND TENANT_TYPE = 'USER'`;
    const [row] = await this.rows(name, `SELECT ${columns} FROM oceanbase.DBA_OB_TENANTS WHERE ${where}`);
    if (row === undefined) {
      throw new OceanBaseError("TENANT_UNKNOWN", `The cluster of ${name} has no user tenant "${tenant}".`);
    }
    const view: TenantView = {
      name,
      role: String(row["TENANT_ROLE"]) as TenantRole,
      switchoverStatus: String(row["SWITCHOVER_STATUS"]) as TenantSwitchoverStatus,
      syncScn: BigInt(row["SYNC_SCN"] ?? 0),
    };
    return { tenantId: Number(row["TENANT_ID"]), view };
  }

  async give(name: string, statement: string, secret?: string): Promise<void> {
    const change = secret === undefined ? { statement } : { statement, secret };
    await give(this.siteOf(name).servers, this.options, change, unreachable(name));
  }

  async change(name: string, change: TenantChange, suffix: "" | " VERIFY"): Promise<void> {
    try {
      await this.give(name, `ALTER SYSTEM ${change} TENANT = ${this.siteOf(name).tenant}${suffix}`);
    } catch (error) {
      throw error instanceof ServerSaidNo ? await explain(this, name, change, error) : error;
    }
  }
}

function unreachable(name: string): () => Error {
  return () => new OceanBaseError("TENANT_UNREACHABLE", `No server of tenant ${name} answers.`);
}

/** 4179 is said of everything that is not allowed: the tenant itself says which it was. */
async function explain(tenants: Sys, name: string, change: TenantChange, said: ServerSaidNo): Promise<Error> {
  const known = Object.hasOwn(TENANT_ERRORS, said.errno)
    ? TENANT_ERRORS[said.errno as keyof typeof TENANT_ERRORS]
    : undefined;
  const text = `The server refused ${change} of tenant ${name}: ${said.errno} ${said.message}`;
  if (known === undefined) {
    const parse = said.errno === 1064 || said.errno === 1235;
    return parse ? new OceanBaseError("NOT_SUPPORTED", `${text}.`) : said;
  }
  if (said.errno !== 4179) return new OceanBaseError(known.code, `${text} (${known.remedy}).`);
  const { role, switchoverStatus } = (await tenants.look(name)).view;
  const needed = change === "SWITCHOVER TO STANDBY" ? "PRIMARY" : "STANDBY";
  if (role !== needed) {
    return new OceanBaseError(needed === "PRIMARY" ? "NOT_PRIMARY" : "NOT_STANDBY", `${text}. It is ${role}.`);
  }
  if (switchoverStatus !== "NORMAL") {
    return new OceanBaseError("NOT_NORMAL", `${text}. Its switchover status is ${switchoverStatus}.`);
  }
  const offline = (await readLogStreams(tenants, name)).filter(({ offlineReplicas }) => offlineReplicas > 0);
  if (offline.length > 0) {
    return new OceanBaseError(
      "REPLICA_OFFLINE",
      `${text}. Log streams ${offline.map(({ lsId }) => lsId).join(", ")} have offline replicas.`,
    );
  }
  return new OceanBaseError(known.code, `${text} (${known.remedy}).`);
}

async function readLogStreams(tenants: Sys, name: string): Promise<readonly LogStream[]> {
  const { tenantId } = await tenants.look(name);
  const streams = await tenants.rows(
    name,
    `SELECT LS_ID, STATUS FROM oceanbase.CDB_OB_LS WHERE TENANT_ID = ${tenantId}`,
  );
  const places = await tenants.rows(
    name,
    `SELECT LS_ID, SVR_IP, SVR_PORT FROM oceanbase.CDB_OB_LS_LOCATIONS WHERE TENANT_ID = ${tenantId}`,
  );
  const servers = await tenants.rows(name, "SELECT SVR_IP, SVR_PORT, STATUS FROM oceanbase.DBA_OB_SERVERS");
  const at = (row: Row): string => `${row["SVR_IP"]}:${row["SVR_PORT"]}`;
  const active = new Set(servers.filter((row) => row["STATUS"] === "ACTIVE").map(at));
  return streams.map((row) => {
    const replicas = places.filter((place) => Number(place["LS_ID"]) === Number(row["LS_ID"]));
    return {
      lsId: Number(row["LS_ID"]),
      status: String(row["STATUS"]),
      offlineReplicas: replicas.filter((place) => !active.has(at(place))).length,
    };
  });
}

async function setRestoreSource(tenants: Sys, name: string, source: NewRestoreSource | null): Promise<void> {
  const { tenant } = tenants.siteOf(name);
  if (source === null) {
    await tenants.give(name, `ALTER SYSTEM SET LOG_RESTORE_SOURCE = '' TENANT = ${tenant}`);
    return;
  }
  const from = tenants.siteOf(source.from);
  const password = await tenants.options.secret(source.passwordRef);
  if (/\s/.test(password) || password === "") {
    throw new BelayError("INVALID_ARGUMENT", `the password "${source.passwordRef}" is empty, or has blanks in it`);
  }
  const user = `${plainName("user", source.user)}@${from.tenant}`;
  const value = `SERVICE=${restoreAddresses(from).join(";")} USER=${user} PASSWORD=${password}`;
  const statement = `ALTER SYSTEM SET LOG_RESTORE_SOURCE = ${quoteLiteral(value)} TENANT = ${tenant}`;
  try {
    await tenants.give(name, statement, password);
  } catch (error) {
    if (!(error instanceof ServerSaidNo)) throw error;
    const code = error.errno === 4043 || error.errno === 1045 ? "OLD_PRIMARY_LOGIN" : "NOT_SUPPORTED";
    throw new OceanBaseError(code, `LOG_RESTORE_SOURCE of tenant ${name}: ${error.errno} ${error.message}.`);
  }
}

function restoreAddresses({ restoreAddresses: given, servers }: TenantSite): readonly string[] {
  return given ?? servers.map(({ host, port }) => `${host}:${port}`);
}

/** Whose addresses are in `IP_LIST=a:1;b:1,USER=...`. */
function whoseLog(value: string, sites: readonly TenantSite[]): string | null {
  const addresses = new Set(/IP_LIST=([^,]*)/.exec(value)?.[1]?.split(";"));
  return sites.find((site) => restoreAddresses(site).some((address) => addresses.has(address)))?.name ?? null;
}
