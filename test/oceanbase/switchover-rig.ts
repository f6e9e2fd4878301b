/**
 * Plans of OceanBase 3.x and 4.x, run on the models in memory and through SQL on servers over them. Owns: the installations that the
 * tests start from, an engine that waits for nobody. What the tests look at in the end is the model.
 */
import {
  type ActionRegistry,
  createEngine,
  definePlan,
  type Json,
  type Plan,
  type Run,
  type RunSnapshot,
} from "@belay/engine";
import { loadPlan } from "@belay/failover-plans";
import {
  createNotes,
  createOceanBaseModel,
  createTenantModel,
  type Notes,
  type OceanBaseControl,
  type OceanBaseModel,
  type OceanBaseModelOptions,
  oceanBaseActions,
  oceanBaseTenantActions,
  type TenantControl,
  type TenantModel,
  type TenantModelOptions,
} from "@belay/failover-plans/oceanbase";
import type { ServerOptions } from "@belay/failover-plans/oceanbase-server";
import type { SqlAccess } from "@belay/failover-plans/oceanbase-sql";
import { clustersInMemory, clustersOverSql, tenantsInMemory, tenantsOverSql } from "./sql-rigs.ts";
import { PASSWORDS } from "./tenant-cases.ts";

/** Through what the actions reach the model. */
export const WAYS = ["memory", "sql"] as const;
export type Way = (typeof WAYS)[number];

export type SqlOptions = ServerOptions & SqlAccess;

/** A route in memory. */
export interface MemoryRoute {
  current(): Promise<{ writer: string | null; epoch: number }>;
  publish(writer: string | null, epoch: number): Promise<boolean>;
}

/** Two clusters and a third beside them, and the actions on them. */
export interface ClusterStage {
  readonly model: OceanBaseModel;
  readonly control: OceanBaseControl;
  readonly actions: ActionRegistry;
  setServer(address: string, alive: boolean): Promise<void>;
  close(): Promise<void>;
}

const noSleep = async (_: number, signal: AbortSignal): Promise<void> => signal.throwIfAborted();

/** North is primary, south and west follow it. */
export async function clusterStage(
  way: Way,
  options: OceanBaseModelOptions = {},
  sql: SqlOptions = {},
): Promise<ClusterStage> {
  const model = createOceanBaseModel(
    [
      { clusterId: 1, name: "north", role: "PRIMARY" },
      { clusterId: 2, name: "south", role: "PHYSICAL STANDBY" },
      { clusterId: 3, name: "west", role: "PHYSICAL STANDBY" },
    ],
    options,
  );
  if (way === "memory") {
    const rig = await clustersInMemory(model);
    return { ...rig, control: model, actions: oceanBaseActions(model, { sleep: noSleep }) };
  }
  const rig = await clustersOverSql(model, sql);
  return { ...rig, control: rig.platform, actions: oceanBaseActions(rig.platform, { sleep: noSleep }) };
}

/** Tenants, and the actions on them. */
export interface TenantStage {
  readonly model: TenantModel;
  readonly control: TenantControl;
  readonly route: MemoryRoute;
  readonly notes: Notes;
  readonly actions: ActionRegistry;
  setAlive(name: string, alive: boolean): Promise<void>;
  close(): Promise<void>;
}

/** North is primary, south and west follow it; clients are sent to north. */
export async function tenantStage(
  way: Way,
  options: TenantModelOptions = {},
  sql: SqlOptions = {},
): Promise<TenantStage> {
  const specs = [{ name: "north" }, { name: "south", follows: "north" }, { name: "west", follows: "north" }];
  const model = createTenantModel(specs, { passwords: PASSWORDS, ...options });
  const rig = await (way === "memory" ? tenantsInMemory(model) : tenantsOverSql(model, sql));
  const route = memoryRoute("north");
  const notes = createNotes();
  const access = { control: rig.control, route, notes, sleep: noSleep };
  return { ...rig, route, notes, actions: oceanBaseTenantActions(access) };
}

function memoryRoute(first: string): MemoryRoute {
  let now: { writer: string | null; epoch: number } = { writer: first, epoch: 1 };
  return {
    current: async () => now,
    async publish(writer, epoch) {
      if (epoch <= now.epoch) return epoch === now.epoch && writer === now.writer;
      now = { writer, epoch };
      return true;
    },
  };
}

export type Params = Readonly<Record<string, Json>>;

/** Parameters with which each plan is run. */
export const PARAMS: Readonly<Record<string, Params>> = {
  "oceanbase-failover": { clusterId: 2 },
  "oceanbase-switchover": { clusterId: 2 },
  "oceanbase-tenant-switchover": {
    service: "shop",
    primary: "north",
    standby: "south",
    restoreUser: "rep",
    restorePasswordRef: "rep",
  },
  "oceanbase-tenant-failover": { service: "shop", primary: "north", standbys: ["west", "south"] },
};

/** A plan, with what it says of failures or another word. Nothing is tried twice by itself: that would take real time. */
export function planOf(name: string, onFailure?: "pause" | "rollback"): Plan {
  const { document } = loadPlan(name);
  const nodes = document.nodes.map(({ retry: _, compensation, ...node }) => {
    if (compensation === undefined) return node;
    const { retry: _retry, ...once } = compensation;
    return { ...node, compensation: once };
  });
  return definePlan({ ...document, nodes, ...(onFailure === undefined ? {} : { onFailure }) });
}

/** Runs the plan until it rests. The run can be operated on. */
export async function runToRest(
  actions: ActionRegistry,
  plan: Plan,
  params: Params = PARAMS[plan.document.name] ?? {},
): Promise<Run> {
  const engine = await createEngine({ actions });
  const run = await engine.start(plan, { params });
  await run.settled();
  return run;
}

/** The node that failed. */
export function failedNode(snapshot: RunSnapshot) {
  return snapshot.nodes.find(({ status }) => status === "FAILED");
}

/** How many took writes at once, at most. */
export function mostWriters({ writers }: { readonly writers: readonly (readonly string[])[] }): number {
  return Math.max(0, ...writers.map((names) => names.length));
}

/** What a switchover of clusters changes, and its undo gives back. */
export async function clusterState({ model }: ClusterStage) {
  const ids = [1, 2, 3];
  const views = await Promise.all(ids.map((id) => model.readCluster(id)));
  const rows = await Promise.all(ids.map((id) => model.readRow("multi-cluster", id)));
  return {
    roles: views.map(({ role }) => role),
    follows: rows.map((row) => row?.primaryClusterId),
    recorded: await Promise.all(ids.map(async (id) => (await model.readRow("cluster", id))?.role)),
    locks: ids.map((id) => model.lockOwner(id) !== undefined),
    writers: model.writers.at(-1),
  };
}

/** What a change of tenants changes, and its undo gives back. */
export async function tenantState({ model, route, notes }: TenantStage) {
  return {
    writers: model.writers.at(-1),
    source: (await model.readRestoreSource("south"))?.from,
    route: (await route.current()).writer,
    rebuild: (await notes.readNote("rebuild/north")) !== undefined,
  };
}
