/** The SQL adapters on servers of MySQL's protocol over a model, and the model alone in the same form. */
import {
  joinControl,
  type OceanBaseControl,
  type OceanBaseModel,
  type TenantModel,
} from "@belay/failover-plans/oceanbase";
import {
  type ClusterServers,
  SERVER_PASSWORD,
  type ServerOptions,
  serveClusters,
  serveTenants,
  type TenantServers,
} from "@belay/failover-plans/oceanbase-server";
import { clusterSql, type SqlAccess, tenantSql } from "@belay/failover-plans/oceanbase-sql";
import type { ClusterRig } from "./cluster-cases.ts";
import { PASSWORDS, type TenantRig } from "./tenant-cases.ts";

const ACCESS: SqlAccess = { password: SERVER_PASSWORD };
const SECRETS: Readonly<Record<string, string>> = { ...PASSWORDS, other: "wr0ng" };

/** What a rig over SQL has besides. */
export interface SqlClusterRig extends ClusterRig {
  readonly servers: ClusterServers;
  /** The statements over SQL, the metadata of the model. */
  readonly platform: OceanBaseControl;
}

/** The adapter on servers of the model. */
export async function clustersOverSql(
  model: OceanBaseModel,
  options: ServerOptions & SqlAccess = {},
): Promise<SqlClusterRig> {
  const servers = await serveClusters(model, options);
  const control = clusterSql(servers.sites, { ...ACCESS, ...options });
  return {
    control,
    model,
    servers,
    platform: joinControl(control, control, model),
    setServer: (address, alive) => (alive ? servers.startServer(address) : servers.stopServer(address)),
    close: servers.close,
  };
}

/** The model itself. */
export async function clustersInMemory(model: OceanBaseModel): Promise<ClusterRig> {
  return {
    control: model,
    model,
    setServer: async (address, alive) => model.setServer(address, alive),
    close: async () => undefined,
  };
}

/** The adapter on servers of the model. */
export async function tenantsOverSql(
  model: TenantModel,
  options: ServerOptions & SqlAccess = {},
): Promise<TenantRig & { readonly servers: TenantServers }> {
  const servers = await serveTenants(model, PASSWORDS, options);
  const secret = (reference: string): string => SECRETS[reference] ?? "";
  return {
    control: tenantSql(servers.sites, { ...ACCESS, ...options, secret }),
    model,
    servers,
    async setAlive(name, alive) {
      for (const { address } of await model.readServers(name)) {
        await (alive ? servers.startServer(address) : servers.stopServer(address));
      }
    },
    close: servers.close,
  };
}

/** The model itself. */
export async function tenantsInMemory(model: TenantModel): Promise<TenantRig> {
  return {
    control: model,
    model,
    setAlive: async (name, alive) => model.setAlive(name, alive),
    close: async () => undefined,
  };
}
