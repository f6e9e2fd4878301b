/**
 * A server of PolarDB's API on a free port of the loopback interface, in front of two clusters in memory, named as
 * those of `belay serve --demo`. Owns:
 * how it is put together, how a test holds a switch, how runs are waited for.
 */
import { type Journal, MemoryJournal, type RunSnapshot, systemClock } from "@belay/engine";
import type { ManualClock } from "@belay/engine/testing";
import {
  type ModelNode,
  memoryRoute,
  type PolarControl,
  PolarModel,
  polardbActions,
} from "@belay/failover-plans/polardb";
import type { FastifyInstance } from "fastify";
import { memoryRecoveryLog } from "../../../packages/failover-plans/src/recovery/recovery-log.ts";
import { Keyring } from "../../../packages/server/src/access/keyring.ts";
import type { Principal } from "../../../packages/server/src/access/principal.ts";
import { joinPolar } from "../../../packages/server/src/demo/join-polar.ts";
import type { DemoPolar } from "../../../packages/server/src/demo/polardb.ts";
import { AuditLog } from "../../../packages/server/src/host/audit-log.ts";
import { readCatalog } from "../../../packages/server/src/host/catalog.ts";
import { Host } from "../../../packages/server/src/host/host.ts";
import { polarSurface } from "../../../packages/server/src/polardb/surface.ts";
import type { Site } from "../../../packages/server/src/site.ts";
import { createApp, type WebLimits } from "../../../packages/server/src/web/app.ts";
import { Guesses } from "../../../packages/server/src/web/guesses.ts";

export const MYSQL = "pc-demomysql";
export const POSTGRES = "pc-demopostgres";

/** Node ids of pc-demomysql: who writes first, the reader of lower priority in another zone, the preferred reader. */
export const WRITER = "pi-demomysql1";
export const SECOND = "pi-demomysql2";
export const PREFERRED = "pi-demomysql3";

function nodesOf(clusterId: string): readonly ModelNode[] {
  const id = (place: number): string => `pi-${clusterId.slice("pc-".length)}${place}`;
  return [
    { nodeId: id(1), failoverPriority: 15 },
    { nodeId: id(2), failoverPriority: 5, zoneId: "zone-b" },
    { nodeId: id(3), failoverPriority: 9 },
  ];
}

/** Steps that a test can hold: the one that marks the cluster as Switching, and the switch itself. */
const HELD_STEPS = ["polardb.begin", "polardb.switch"] as const;

/** What a test may choose. */
export interface RigOptions {
  /** Default: the system's, since vendors' clients sign with it. */
  readonly clock?: ManualClock;
  /** Default 0. */
  readonly switchIntervalSeconds?: number;
  /** What outlives a server; default: new. */
  readonly world?: World;
  /** Changes the site's control. */
  readonly control?: (control: PolarControl) => PolarControl;
  /** Access keys beside demo-ak, an admin. */
  readonly keys?: readonly (Principal & { readonly id: string; readonly secret: string })[];
  readonly limits?: WebLimits;
}

/** What outlives a server. */
export interface World {
  readonly journal: Journal;
  readonly models: Readonly<Record<string, PolarModel>>;
  readonly parts: readonly DemoPolar[];
  /** What is to be waited for before a step, by cluster and step. */
  readonly held: Map<string, Promise<void>>;
}

/** A server under test. */
export interface Rig extends World {
  readonly url: string;
  /** host:port */
  readonly endpoint: string;
  readonly app: FastifyInstance;
  readonly host: Host;
  /** Another server's HTTP on the same engine, which knows nothing of the requests that the first one has under way; its URL. */
  front(): Promise<string>;
  /** What the server could not foresee. */
  readonly errors: readonly unknown[];
  /** Resolves once no run moves. */
  settled(): Promise<readonly RunSnapshot[]>;
  /** The cluster's failovers wait before that step, the switch by itself; the answer lets them go on. */
  hold(clusterId: string, step?: (typeof HELD_STEPS)[number]): () => void;
  model(clusterId: string): PolarModel;
  close(): Promise<void>;
}

/** Two clusters as they begin. */
export function worldOf(clock: Pick<ManualClock, "now"> = systemClock): World {
  const held = new Map<string, Promise<void>>();
  const models = {
    [MYSQL]: PolarModel.create({ clusterId: MYSQL, nodes: nodesOf(MYSQL) }),
    [POSTGRES]: PolarModel.create({ clusterId: POSTGRES, engine: "PostgreSQL", nodes: nodesOf(POSTGRES) }),
  };
  const parts = Object.entries(models).map(([id, model]) => partOf(id, model, { held, clock }));
  return { journal: new MemoryJournal(), models, parts, held };
}

interface PartOptions {
  readonly held: World["held"];
  readonly clock: Pick<ManualClock, "now">;
}

function partOf(clusterId: string, model: PolarModel, { held, clock }: PartOptions): DemoPolar {
  const actions = polardbActions({
    control: model,
    route: memoryRoute({ writer: `pi-${clusterId.slice("pc-".length)}1`, epoch: 1 }),
    recoveries: memoryRecoveryLog(),
    now: () => clock.now(),
  });
  const steps = HELD_STEPS.map((name) => {
    const real = actions[name];
    if (typeof real !== "object") throw new Error(`${name} is no definition`);
    const run: typeof real.run = async (ctx) => {
      await Promise.race([held.get(`${clusterId} ${name}`), whenAborted(ctx.signal)]);
      return await real.run(ctx);
    };
    return [name, { ...real, run }] as const;
  });
  return {
    facts: {
      clusterId,
      description: `the model ${clusterId}`,
      version: clusterId === MYSQL ? "8.0" : "14",
      regionId: "cn-hangzhou",
      createdAt: Date.UTC(2025, 0, 1),
      nodeClass: "polar.x4.large",
    },
    control: model,
    actions: { ...actions, ...Object.fromEntries(steps) },
    inventory: { id: clusterId, system: "polardb", nodes: async () => [] },
    close: async () => undefined,
  };
}

/** Rejects with the abort of an attempt; a server that is closed gives its attempts up. */
function whenAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

/** Starts a server. */
export async function startRig(options: RigOptions = {}): Promise<Rig> {
  const { clock, switchIntervalSeconds = 0, keys = [], limits = {} } = options;
  const world = options.world ?? worldOf(clock);
  const joined = joinPolar(world.parts);
  const control = options.control?.(joined.site.control) ?? joined.site.control;
  const site: Site = { actions: joined.actions, clusters: joined.clusters, polardb: { ...joined.site, control } };
  const host = await Host.open({
    site,
    catalog: await readCatalog(site, []),
    journal: world.journal,
    audit: await AuditLog.open(undefined),
    ...(clock === undefined ? {} : { clock }),
  });
  const admin = { name: "demo-ak", role: "admin", id: "demo-ak", secret: "demo-sk" } as const;
  const keyring = new Keyring({ tokens: [], users: [], accessKeys: [admin, ...keys] });
  const access = { keyring, guesses: new Guesses() };
  const errors: unknown[] = [];
  const apps: FastifyInstance[] = [];
  const front = async (): Promise<string> => {
    const surfaces = [polarSurface({ host, access, switchIntervalSeconds })];
    const app = await createApp({ surfaces, limits, onError: (error) => errors.push(error) });
    apps.push(app);
    return await app.listen({ host: "127.0.0.1", port: 0 });
  };
  const url = await front();
  return {
    ...world,
    url,
    endpoint: new URL(url).host,
    app: apps[0] as FastifyInstance,
    host,
    front,
    errors,
    settled: () => Promise.all(host.engine.runs().map((run) => run.settled())),
    hold: (clusterId, step = "polardb.switch") => {
      let letGo = (): void => undefined;
      world.held.set(
        `${clusterId} ${step}`,
        new Promise((resolve) => {
          letGo = resolve;
        }),
      );
      return () => letGo();
    },
    model: (clusterId) => {
      const model = world.models[clusterId];
      if (model === undefined) throw new Error(`no model ${clusterId}`);
      return model;
    },
    close: async () => {
      await Promise.all(apps.map((app) => app.close()));
      await host.close(false);
    },
  };
}
