/**
 * A server for tests: models and small plans behind it, nothing on a network unless a test listens. Owns: who may what, which plans there
 * are, how a request is made and read.
 */
import { createHash } from "node:crypto";
import { type ActionRegistry, definePlan, type Json, MemoryJournal, type PlanDocument } from "@belay/engine";
import { type HeldAction, heldAction } from "@belay/engine/testing";
import { createOceanBaseModel, oceanBaseActions } from "@belay/failover-plans/oceanbase";
import { memoryRoute, PolarModel, polardbActions } from "@belay/failover-plans/polardb";
import type { FastifyInstance } from "fastify";
import { memoryRecoveryLog } from "../../../packages/failover-plans/src/recovery/recovery-log.ts";
import { Keyring } from "../../../packages/server/src/access/keyring.ts";
import type { Role } from "../../../packages/server/src/access/principal.ts";
import { AuditLog } from "../../../packages/server/src/host/audit-log.ts";
import { type Catalog, readCatalog } from "../../../packages/server/src/host/catalog.ts";
import { Host } from "../../../packages/server/src/host/host.ts";
import { type NativeOptions, nativeSurface } from "../../../packages/server/src/native/surface.ts";
import { ocpSurface } from "../../../packages/server/src/ocp/surface.ts";
import { polarSurface } from "../../../packages/server/src/polardb/surface.ts";
import type { Site } from "../../../packages/server/src/site.ts";
import { createApp, type WebLimits } from "../../../packages/server/src/web/app.ts";
import { Guesses } from "../../../packages/server/src/web/guesses.ts";
import type { Surface } from "../../../packages/server/src/web/surface.ts";

/** Everybody who may ask, by token; the token of `vera` is `vera-token`. */
export const PEOPLE: Readonly<Record<string, { readonly role: Role; readonly plans?: readonly string[] }>> = {
  vera: { role: "viewer" },
  olga: { role: "operator" },
  otto: { role: "operator" },
  liam: { role: "operator", plans: ["polardb-*"] },
  adam: { role: "admin" },
};

/** Look, hold (undone by undo), then a step that succeeds. */
export const STEPS: PlanDocument = {
  belay: 1,
  name: "steps",
  params: {
    type: "object",
    additionalProperties: false,
    required: ["name"],
    properties: { name: { type: "string" }, refuse: { type: "boolean", default: false } },
  },
  locks: [{ $cel: '"steps/" + params.name' }],
  nodes: [
    { id: "look", action: "test.look", effect: "none", with: { refuse: { $cel: "params.refuse" } } },
    { id: "hold", action: "test.hold", upstreams: ["look"], compensation: { action: "test.undo" } },
    { id: "last", action: "test.say", upstreams: ["hold"], effect: "none" },
  ],
};

/** Two people have to approve. */
export const APPROVAL: PlanDocument = {
  belay: 1,
  name: "approval",
  nodes: [{ id: "ok", action: "belay.approval", with: { required: 2 } }],
};

/** Takes a password, hands it to a step that says it everywhere. */
export const SECRETIVE: PlanDocument = {
  belay: 1,
  name: "secretive",
  params: {
    type: "object",
    additionalProperties: false,
    required: ["password"],
    properties: { password: { type: "string", "x-secret": true }, fail: { type: "boolean", default: false } },
  },
  nodes: [
    {
      id: "tell",
      action: "test.tell",
      effect: "none",
      with: { password: { $cel: "params.password" }, fail: { $cel: "params.fail" } },
    },
  ],
};

/** Waits for a message. */
export const WAITING: PlanDocument = { belay: 1, name: "waiting", nodes: [{ id: "wait", action: "belay.signal" }] };

export interface Rig {
  readonly app: FastifyInstance;
  readonly host: Host;
  readonly surfaces: readonly Surface[];
  readonly polar: PolarModel;
  /** The step `hold` of plan `steps`. */
  readonly held: HeldAction;
  /** Errors of our own that were logged. */
  readonly faults: readonly unknown[];
  call(method: "GET" | "POST" | "PUT" | "DELETE" | "PATCH", path: string, request?: Request): Promise<Answered>;
  close(): Promise<void>;
}

export interface Request {
  /** Name of one of PEOPLE; null: nobody. Default: adam. */
  readonly as?: string | null;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

// biome-ignore lint/suspicious/noExplicitAny: a test says what it expects of an answer.
type AnyJson = any;

export interface Answered {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
  /** Of an answer in JSON; undefined otherwise. */
  readonly json: AnyJson;
}

export interface RigOptions {
  readonly limits?: WebLimits;
  readonly hostNames?: readonly string[];
  readonly proxies?: readonly string[];
  /** Default: in memory. */
  readonly audit?: AuditLog;
  /** Beside the rig's own. */
  readonly site?: Partial<Site>;
  readonly journal?: MemoryJournal;
  /** Of the native API. */
  readonly native?: Partial<NativeOptions>;
}

function actionsOf(held: HeldAction): ActionRegistry {
  return {
    "test.look": (ctx: { input: { refuse?: boolean }; log: (line: string) => void }) => {
      ctx.log("looked");
      if (ctx.input.refuse === true) throw Object.assign(new Error("it is not as it should be"), { code: "NOT_SO" });
      return { found: true };
    },
    "test.hold": held.action,
    "test.undo": () => undefined,
    "test.say": (ctx: { log: (line: string, details?: Json) => void }) => {
      for (let n = 0; n < 3; n++) ctx.log(`line ${n}`, { n });
    },
    "test.tell": (ctx: { input: { password: string; fail: boolean }; log: (line: string, details?: Json) => void }) => {
      const { password, fail } = ctx.input;
      ctx.log(`the password is ${password}`, { password });
      if (fail) throw Object.assign(new Error(`cannot log in with ${password}`), { details: { password } });
      return { echoed: password, base64: Buffer.from(password).toString("base64") };
    },
  };
}

function siteOf(held: HeldAction, polar: PolarModel, more: Partial<Site>): Site {
  const oceanbase = createOceanBaseModel([
    { clusterId: 5, name: "north", role: "PRIMARY" },
    { clusterId: 6, name: "south", role: "PHYSICAL STANDBY" },
  ]);
  oceanbase.stopCluster(5);
  const way = { plan: "polardb-failover", params: { cluster: "pc-1" }, targetParam: "targetNodeId" };
  const nodes = async (): Promise<readonly []> => [];
  return {
    actions: {
      ...actionsOf(held),
      ...polardbActions({
        control: polar,
        route: memoryRoute({ writer: "pi-1", epoch: 1 }),
        recoveries: memoryRecoveryLog(),
      }),
      ...oceanBaseActions(oceanbase, { sleep: async (_, signal) => signal.throwIfAborted() }),
      ...more.actions,
    },
    plans: [...PLANS, ...(more.plans ?? [])],
    clusters: [
      { id: "pc-1", system: "polardb", description: "a model", planned: way, forced: way, nodes },
      { id: "6", system: "oceanbase", forced: { plan: "oceanbase-failover", params: { clusterId: 6 } }, nodes },
      ...(more.clusters ?? []),
    ],
    ocp: {
      clusters: async () => [
        { id: 5, name: "north", obClusterId: 5, type: "PRIMARY" },
        { id: 6, name: "south", obClusterId: 6, type: "STANDBY" },
      ],
    },
    polardb: {
      clusters: [
        {
          clusterId: "pc-1",
          description: "a model",
          version: "8.0",
          regionId: "cn-hangzhou",
          createdAt: Date.UTC(2025, 0, 1),
          nodeClass: "polar.mysql.x4.large",
        },
      ],
      control: polar,
    },
  };
}

const PLANS = [STEPS, APPROVAL, SECRETIVE, WAITING].map((document) => definePlan(document));
let shipped: Promise<Catalog> | undefined;

/** Reading all plans takes longer than most tests: it is done once for all rigs without plans or actions of their own. */
async function catalogOf(site: Site, { actions, plans }: Partial<Site>): Promise<Catalog> {
  if (actions !== undefined || plans !== undefined) return await readCatalog(site, []);
  shipped ??= readCatalog(site, []);
  return await shipped;
}

export const POLAR_NODES = [
  { nodeId: "pi-1", failoverPriority: 15 },
  { nodeId: "pi-2", failoverPriority: 9 },
  { nodeId: "pi-3", failoverPriority: 5, status: "Crash" as const },
];

/** Everybody of PEOPLE, with their tokens. */
export function keyring(): Keyring {
  const sha256 = (token: string): string => createHash("sha256").update(token).digest("hex");
  return new Keyring({
    tokens: Object.entries(PEOPLE).map(([name, rights]) => ({ name, sha256: sha256(`${name}-token`), ...rights })),
    users: [],
    accessKeys: [{ name: "adam", role: "admin", id: "test-ak", secret: "test-sk" }],
  });
}

/** A server that is asked without a network. */
export async function createRig(options: RigOptions = {}): Promise<Rig> {
  const held = heldAction({ letGoOnAbort: true });
  const polar = PolarModel.create({ clusterId: "pc-1", nodes: POLAR_NODES });
  const site = siteOf(held, polar, options.site ?? {});
  const host = await Host.open({
    site,
    catalog: await catalogOf(site, options.site ?? {}),
    journal: options.journal ?? new MemoryJournal(),
    audit: options.audit ?? (await AuditLog.open(undefined)),
  });
  const access = { keyring: keyring(), guesses: new Guesses() };
  const surfaces = [
    ocpSurface({ host, access }),
    polarSurface({ host, access, switchIntervalSeconds: 0 }),
    nativeSurface({ host, access, ...options.native }),
  ];
  const faults: unknown[] = [];
  const app = await createApp({
    surfaces,
    limits: { perMinute: 0, ...options.limits },
    hostNames: options.hostNames ?? [],
    proxies: options.proxies ?? [],
    onError: (error) => faults.push(error),
  });
  await app.ready();
  return {
    app,
    host,
    surfaces,
    polar,
    held,
    faults,
    call: async (method, path, { as = "adam", body, headers = {} } = {}) => {
      const answer = await app.inject({
        method,
        url: path,
        headers: {
          host: "127.0.0.1",
          ...(as === null ? {} : { authorization: `Bearer ${as}-token` }),
          ...(body === undefined ? {} : { "content-type": "application/json" }),
          ...headers,
        },
        ...(body === undefined ? {} : { payload: typeof body === "string" ? body : JSON.stringify(body) }),
      });
      const isJson = String(answer.headers["content-type"]).startsWith("application/json") && answer.body !== "";
      return {
        status: answer.statusCode,
        headers: answer.headers,
        text: answer.body,
        json: isJson ? JSON.parse(answer.body) : undefined,
      };
    },
    close: async () => {
      await app.close();
      await host.close(false);
    },
  };
}

/** Starts a run of `steps` and waits until its step `hold` is called. */
export async function startHeld(rig: Rig, name: string): Promise<{ readonly id: string; readonly etag: string }> {
  const { json, headers } = await rig.call("POST", "/v1/runs", { body: { plan: "steps", params: { name } } });
  return { id: json.id, etag: String(headers["etag"]) };
}
