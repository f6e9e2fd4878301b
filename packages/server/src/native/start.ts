/**
 * Starting runs: by plan, or by cluster. Owns: what is started, what a validation says instead, and that a client token answers the run
 * it started before.
 */
import { randomUUID } from "node:crypto";
import type { BelayError, Json, RunSnapshot } from "@belay/engine";
import { may } from "../access/principal.ts";
import type { Host } from "../host/host.ts";
import type { SiteCluster } from "../site.ts";
import { Fault } from "../web/fault.ts";
import type { Answer, Call, NativeOptions, NativeRoute } from "./route.ts";
import { viewOf } from "./run-view.ts";
import { flag, object, oneOf, open, ref, type Schema, text } from "./schemas/build.ts";
import { MODES, orderOfCluster, orderOfRun, type StartOrder } from "./start-order.ts";

/** Milliseconds that the checks of a validation get. */
const CHECK_MS = 10_000;

/** For people, kept for ever: no character that could forge a line of a log. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is refused.
const NO_CONTROLS = /^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]*$/.source;

/** Why something is asked. */
export const WHY: Schema = text("Why: a sentence, a ticket.", { maxLength: 500, pattern: NO_CONTROLS });

const COMMON: Readonly<Record<string, Schema>> = {
  mode: oneOf(MODES, "planned: the writer hands over (a switchover). forced: it is dead (a failover)."),
  allowDataLoss: flag(
    "true: data may be lost. Without it a plan that could lose any is told not to, by each of its parameters.",
  ),
  clientToken: text("The same token and request give the same run.", {
    minLength: 1,
    maxLength: 64,
    pattern: "^[ -~]+$",
  }),
  why: WHY,
  validateOnly: flag("true: says what would keep it from starting, and starts nothing."),
};

const RUN_BODY = object(
  { plan: text("Name of the plan.", { minLength: 1, maxLength: 200 }), params: open(), ...COMMON },
  ["params", ...Object.keys(COMMON)],
);
const FAILOVER_BODY = object(
  {
    ...COMMON,
    target: text("Node that becomes the writer.", { minLength: 1, maxLength: 128 }),
    acknowledge: text("Why a failover so soon after another one is right: plans that refuse it let it pass.", {
      minLength: 1,
      maxLength: 500,
      pattern: NO_CONTROLS,
    }),
  },
  ["target", "acknowledge", "allowDataLoss", "clientToken", "why", "validateOnly"],
);

const ANSWERS: Readonly<Record<number, Answer>> = {
  200: { description: "The run that the token started before; or what a validation found.", schema: either() },
  201: { description: "The run, started; Location has its path.", schema: ref("Run") },
};

function either(): Schema {
  return { anyOf: [ref("Run"), ref("Validation")] };
}

/** The group of routes. */
export function startRoutes({ host }: NativeOptions): readonly NativeRoute[] {
  return [
    {
      method: "POST",
      path: "/v1/runs",
      id: "startRun",
      tag: "runs",
      summary: "Start a run of a plan",
      action: "start",
      wish: "steer",
      body: RUN_BODY,
      answers: ANSWERS,
      handle: async (call) => await startOrValidate(host, orderOfRun(host, call.body), call),
    },
    {
      method: "POST",
      path: "/v1/clusters/:id/failover",
      id: "failOver",
      tag: "clusters",
      summary: "Give a cluster another writer",
      description: "Starts the plan that the site has for this cluster and mode.",
      action: "start",
      wish: "steer",
      params: object({ id: text("Id of the cluster.", { minLength: 1, maxLength: 200 }) }),
      body: FAILOVER_BODY,
      answers: ANSWERS,
      handle: async (call) => {
        const cluster = clusterOf(host, call.params["id"] ?? "");
        return await startOrValidate(host, orderOfCluster(host, cluster, call.body), call);
      },
    },
  ];
}

/** A cluster of the site. Throws a Fault, NOT_FOUND. */
export function clusterOf(host: Host, id: string): SiteCluster {
  const clusters = host.site.clusters ?? [];
  const found = clusters.find((cluster) => cluster.id === id);
  if (found !== undefined) return found;
  throw new Fault(404, "NOT_FOUND", `there is no cluster ${id}`, { details: { known: clusters.map((one) => one.id) } });
}

async function startOrValidate(host: Host, order: StartOrder, call: Call): Promise<unknown> {
  if (call.body["validateOnly"] === true) return await validate(host, order, call);
  const { clientToken, why } = call.body as { readonly clientToken?: string; readonly why?: string };
  const runId = randomUUID();
  const options = {
    runId,
    params: order.params,
    ...(clientToken === undefined ? {} : { clientToken }),
    ...(why === undefined ? {} : { why }),
  };
  const snapshot = await host.start(order.plan, options, call.asker).then(
    (run) => run.snapshot(),
    (error: unknown) => elsewhere(host, clientToken, error),
  );
  const { json, etag } = viewOf(snapshot);
  return call.reply
    .code(snapshot.id === runId ? 201 : 200)
    .headers({ location: `/v1/runs/${encodeURIComponent(snapshot.id)}`, etag })
    .type("application/json; charset=utf-8")
    .send(json);
}

/** The run of the same token and request, which another server of the journal executes. */
async function elsewhere(host: Host, clientToken: string | undefined, error: unknown): Promise<RunSnapshot> {
  const { code, details = {} } = Object(error) as Partial<BelayError>;
  const runId = clientToken !== undefined && code === "FENCED" ? details["runId"] : undefined;
  const found = typeof runId === "string" ? await host.snapshot(runId) : undefined;
  if (found?.clientToken !== clientToken || found === undefined) throw error;
  return found;
}

interface Failed {
  readonly node: string | null;
  readonly code: string;
  readonly message: string;
  readonly details: Json;
}

/** Everything that a start would be refused for, and what its first steps would find; see `Host.precheck`. */
async function validate(host: Host, { plan, params }: StartOrder, { principal }: Call): Promise<object> {
  const { name } = plan.document;
  if (!may(principal, "steer", name)) {
    throw new Fault(403, "FORBIDDEN", `${principal.name} (${principal.role}) may not start runs of ${name}`);
  }
  const locks = await host.locksOf(plan, params);
  const holder = (await host.summaries()).find((run) => run.locks.some((resource) => locks.includes(resource)));
  const checked = await host.precheck({ plan, params, timeoutMs: CHECK_MS });
  const failures: readonly Failed[] =
    checked.kind === "refused"
      ? checked.failures.map(({ node, code, message, details = null }) => ({ node, code, message, details }))
      : [];
  const lockedBy =
    holder === undefined
      ? {}
      : {
          lockedBy: {
            resource: holder.locks.find((resource) => locks.includes(resource)),
            runId: holder.runId,
            plan: holder.planName,
          },
        };
  return {
    valid: checked.kind === "passed" && holder === undefined,
    failures,
    undecided: checked.kind === "undecided",
    ...lockedBy,
    outputs: checked.kind === "passed" ? checked.outputs : {},
  };
}
