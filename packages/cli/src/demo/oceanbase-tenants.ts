/**
 * Tenants of OceanBase 4.x for the demos `oceanbase-tenant-switchover` and `oceanbase-tenant-failover`: their model, their servers, the
 * route that tells clients who takes writes, the actions.
 */
import type { Json } from "@belay/engine";
import {
  createTenantModel,
  oceanBaseTenantActions,
  restoreTenantModel,
  type TenantAccess,
  type TenantModelState,
} from "@belay/failover-plans/oceanbase";
import { SERVER_PASSWORD, serveTenants } from "@belay/failover-plans/oceanbase-server";
import { tenantSql } from "@belay/failover-plans/oceanbase-sql";
import { type Installation, POLL_MS, type Surrounding } from "./oceanbase-installation.ts";

/** The tenants and what is beside them, as JSON. */
export interface TenantWorldState {
  readonly tenants: TenantModelState;
  readonly route: { readonly writer: string | null; readonly epoch: number };
  readonly notes: readonly (readonly [string, Json])[];
}

const PASSWORDS = { "shop-replication": "only-for-this-demo" } as const;
const SECOND = 1_000_000_000n;

/** The tenants as they begin, or as they were kept. */
export async function makeTenants(
  name: "oceanbase-tenant-switchover" | "oceanbase-tenant-failover",
  state: TenantWorldState | undefined,
  { before, after }: Surrounding,
): Promise<Installation> {
  const dead = name === "oceanbase-tenant-failover";
  const options = { switchingLooks: 2, passwords: PASSWORDS, before, after };
  const specs = ["north", "south", "west"].slice(0, dead ? 3 : 2).map((site, index) => ({
    name: site,
    ...(index === 0 ? {} : { follows: "north" }),
  }));
  const model = state === undefined ? createTenantModel(specs, options) : restoreTenantModel(state.tenants, options);
  if (state === undefined && dead) {
    // South has received one second more than west when north dies.
    model.setAlive("north", false);
    const [south] = model.save().tenants.filter((tenant) => tenant.name === "south");
    model.setScn("south", BigInt(south?.syncScn ?? 0) + SECOND);
  }
  const beside = besideTenants(state, after);
  const servers = await serveTenants(model, PASSWORDS);
  const secret = (reference: string): string => (PASSWORDS as Readonly<Record<string, string>>)[reference] ?? "";
  const control = tenantSql(servers.sites, { password: SERVER_PASSWORD, secret });
  return {
    about: dead
      ? "tenants north, south and west; every server of the primary, north, is down"
      : "tenants north and south; both work, north is the primary",
    params: dead
      ? { service: "shop", primary: "north", standbys: ["south", "west"] }
      : {
          service: "shop",
          primary: "north",
          standby: "south",
          restoreUser: "rep",
          restorePasswordRef: "shop-replication",
        },
    actions: oceanBaseTenantActions({ control, ...beside, pollIntervalMs: POLL_MS }),
    statements: model.statements,
    save: () => ({ tenants: model.save(), ...beside.save() }),
    close: servers.close,
  };
}

/** A route and notes that are kept with the tenants. */
function besideTenants(
  state: TenantWorldState | undefined,
  changed: () => void,
): Pick<TenantAccess, "route" | "notes"> & { save(): Omit<TenantWorldState, "tenants"> } {
  let entry = state?.route ?? { writer: "north", epoch: 1 };
  const notes = new Map<string, Json>(state?.notes);
  return {
    route: {
      current: async () => entry,
      async publish(writer, epoch) {
        if (epoch <= entry.epoch) return epoch === entry.epoch && writer === entry.writer;
        entry = { writer, epoch };
        changed();
        return true;
      },
    },
    notes: {
      readNote: async (key) => notes.get(key),
      async writeNote(key, value) {
        if (value === null) notes.delete(key);
        else notes.set(key, value);
        changed();
      },
    },
    save: () => ({ route: entry, notes: [...notes] }),
  };
}
