/**
 * A server of OCP's API over clusters in a model: 5, the primary, whose servers are down, and 6, its standby. Nothing listens: requests
 * are put in. Time stands still but where a test moves it; every call of the clusters can be held, and fail, in the test's hand.
 */
import { type Clock, type Journal, type Json, MemoryJournal, type RunSnapshot } from "@belay/engine";
import { ManualClock } from "@belay/engine/testing";
import {
  createOceanBaseModel,
  type ModelCall,
  type OceanBaseModel,
  oceanBaseActions,
} from "@belay/failover-plans/oceanbase";
import type { LightMyRequestResponse } from "fastify";
import {
  type AccessKeyEntry,
  digestPassword,
  Keyring,
  type UserEntry,
} from "../../../packages/server/src/access/keyring.ts";
import { AuditLog } from "../../../packages/server/src/host/audit-log.ts";
import { readCatalog } from "../../../packages/server/src/host/catalog.ts";
import { Host } from "../../../packages/server/src/host/host.ts";
import { ocpSurface } from "../../../packages/server/src/ocp/surface.ts";
import type { Site, SiteRuns } from "../../../packages/server/src/site.ts";
import { type AppOptions, createApp } from "../../../packages/server/src/web/app.ts";
import { Guesses } from "../../../packages/server/src/web/guesses.ts";

/** The seed's start: 2022-09-05T13:39:18.441+08:00. */
export const SEED_START = Date.parse("2022-09-05T13:39:18.441+08:00");

/** A call of the clusters that waits for the test. */
export interface HeldCall {
  /** It goes on. */
  release(): void;
  /** It fails, as a lost connection would. */
  fail(message?: string): void;
}

/** The clusters with a hand on them. */
export interface Clusters {
  readonly model: OceanBaseModel;
  readonly site: Site;
  /** The next call of that method waits; resolves once it is there. */
  hold(method: ModelCall["method"]): Promise<HeldCall>;
  /** Calls of that method fail, so often. Default: once. */
  break(method: ModelCall["method"], times?: number): void;
}

/** The clusters, which outlive a server. */
export function clusters(): Clusters {
  const holds: { readonly method: string; readonly reached: (call: HeldCall) => void }[] = [];
  const broken = new Map<string, number>();
  const before = async ({ method }: ModelCall): Promise<void> => {
    const left = broken.get(method) ?? 0;
    if (left > 0) {
      broken.set(method, left - 1);
      throw new Error(`${method}: connection lost`);
    }
    const place = holds.findIndex((hold) => hold.method === method);
    if (place < 0) return;
    const [hold] = holds.splice(place, 1);
    await new Promise<void>((resolve, reject) => {
      hold?.reached({ release: resolve, fail: (text = `${method}: connection lost`) => reject(new Error(text)) });
    });
  };
  const model = createOceanBaseModel(
    [
      { clusterId: 5, name: "obcluster_primary", role: "PRIMARY" },
      { clusterId: 6, name: "obcluster_standby", role: "PHYSICAL STANDBY" },
    ],
    { before },
  );
  model.stopCluster(5);
  const attached: { runs?: SiteRuns } = {};
  const actions = oceanBaseActions(model, {
    sleep: async (_, signal) => signal.throwIfAborted(),
    hasEnded: async (runId) => (await attached.runs?.hasEnded(runId)) ?? false,
  });
  return {
    model,
    site: {
      actions,
      attach: (runs) => void Object.assign(attached, { runs }),
      ocp: { clusters: async () => model.save().clusters.map(ocpCluster) },
    },
    hold: (method) => new Promise((reached) => holds.push({ method, reached })),
    break: (method, times = 1) => void broken.set(method, times),
  };
}

function ocpCluster({ clusterId, name, role }: ReturnType<OceanBaseModel["save"]>["clusters"][number]) {
  const type = role === "PRIMARY" ? ("PRIMARY" as const) : ("STANDBY" as const);
  return { id: clusterId, name, obClusterId: clusterId, type };
}

/** An answer, read. */
export interface OcpAnswer {
  readonly status: number;
  readonly headers: LightMyRequestResponse["headers"];
  /** The whole body, an envelope. */
  readonly body: Record<string, Json | undefined> & { readonly error?: { code: number; message: string } };
  // biome-ignore lint/suspicious/noExplicitAny: what tests read of answers has a shape of its own in each of them.
  readonly data: any;
}

/** What a server is made of, beside the clusters. */
export interface OcpRigOptions {
  readonly clusters?: Clusters;
  readonly journal?: Journal;
  readonly clock?: Clock;
  readonly limits?: AppOptions["limits"];
  readonly users?: readonly UserEntry[];
  readonly accessKeys?: readonly AccessKeyEntry[];
  readonly site?: Site;
}

export const ADMIN = basic("admin", "belay-demo");

/** An Authorization header. */
export function basic(name: string, password: string): string {
  return `Basic ${Buffer.from(`${name}:${password}`).toString("base64")}`;
}

const digests = new Map<string, ReturnType<typeof digestPassword>>();

/** A user whose password is digested once for all tests. */
export async function user(
  name: string,
  password: string,
  rest: Omit<UserEntry, "name" | "password">,
): Promise<UserEntry> {
  const digest = digests.get(password) ?? digestPassword(password);
  digests.set(password, digest);
  return { name, password: await digest, ...rest };
}

/** A server. */
export async function ocpServer(options: OcpRigOptions = {}) {
  const rig = options.clusters ?? clusters();
  const site = options.site ?? rig.site;
  const clock = options.clock ?? new ManualClock(SEED_START);
  const audit = await AuditLog.open(undefined);
  const catalog = await readCatalog(site, []);
  const host = await Host.open({ site, catalog, journal: options.journal ?? new MemoryJournal(), audit, clock });
  const users = options.users ?? [await user("admin", "belay-demo", { role: "admin" })];
  const keyring = new Keyring({ tokens: [], users, accessKeys: options.accessKeys ?? [] });
  const access = { keyring, guesses: new Guesses(() => clock.now()) };
  const errors: unknown[] = [];
  const app = await createApp({
    surfaces: [ocpSurface({ host, access, address: "10.0.0.1", utcOffsetMinutes: 480 })],
    limits: { perMinute: 0, ...options.limits },
    onError: (error) => errors.push(error),
  });
  const ask = async (
    method: "GET" | "POST",
    url: string,
    headers: Record<string, string> = { authorization: ADMIN },
  ) => {
    return readAnswer(await app.inject({ method, url, headers }));
  };
  return {
    ...rig,
    host,
    app,
    clock,
    errors,
    get: (url: string, headers?: Record<string, string>) => ask("GET", url, headers),
    post: (url: string, headers?: Record<string, string>) => ask("POST", url, headers),
    /** The task once nothing of it moves any more. */
    async rest(id: number): Promise<RunSnapshot | undefined> {
      return await host.engine.run(String(id))?.settled();
    },
    async close(): Promise<void> {
      await app.close();
      await host.close(true);
    },
  };
}

/** A server of the tests. */
export type OcpServer = Awaited<ReturnType<typeof ocpServer>>;

/** An answer in an envelope. */
export function readAnswer(response: LightMyRequestResponse): OcpAnswer {
  const body = response.json();
  return { status: response.statusCode, headers: response.headers, body, data: body.data };
}
