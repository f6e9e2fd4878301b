/**
 * What a route of the native API is, and how it becomes one of the framework. Owns: that each is described by schemas, that whoever asks
 * is known and has the role that the route takes, that wrong credentials are written down. Does not own: per-plan permission, which
 * belongs to the host.
 */
import type { Json } from "@belay/engine";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { may, type Principal, type Wish } from "../access/principal.ts";
import type { Asker, Host } from "../host/host.ts";
import { writeTurnedAway } from "../host/strangers.ts";
import { type Access, authenticate } from "../web/authenticate.ts";
import { Fault } from "../web/fault.ts";
import { ref, type Schema } from "./schemas/build.ts";
import type { StreamLimits } from "./stream-limits.ts";

/** What the routes of the native API stand on. */
export interface NativeOptions {
  readonly host: Host;
  readonly access: Access;
  /** Milliseconds for a cluster to say how it is. Default 3000. */
  readonly patienceMs?: number;
  /** Bounds of streams of events; the others keep their defaults. */
  readonly streams?: Partial<StreamLimits>;
}

/** A request whose sender is known and whose parts fit their schemas. */
export interface Call {
  readonly principal: Principal;
  readonly asker: Asker;
  /** Of the path. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, unknown>>;
  readonly body: Readonly<Record<string, Json>>;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

/** One answer of a route. */
export interface Answer {
  readonly description: string;
  /** Of the body; absent: it has none. */
  readonly schema?: Schema;
  /** Media type. Default: application/json. */
  readonly type?: string;
}

/** A route, as data: the server's and the documentation's. */
export interface NativeRoute {
  readonly method: "GET" | "POST";
  /** With `:name` for parameters. */
  readonly path: string;
  /** operationId. */
  readonly id: string;
  readonly tag: "plans" | "runs" | "clusters" | "server";
  readonly summary: string;
  readonly description?: string;
  /** What the audit calls it; of routes that steer. */
  readonly action?: string;
  /** What the sender must be allowed to; null: anyone is answered. Permission for one plan is the host's. */
  readonly wish: Exclude<Wish, "administer"> | null;
  readonly params?: Schema;
  readonly query?: Schema;
  readonly headers?: Schema;
  readonly body?: Schema;
  /** By HTTP status; refusals are the same everywhere. */
  readonly answers: Readonly<Record<number, Answer>>;
  /** The body of the answer; 200 unless it sets another status. Of a route for anyone, nobody is named in the call. */
  readonly handle: (call: Call) => unknown;
}

const NOBODY: Principal = { name: "", role: "viewer", plans: [] };
const REFUSAL: Answer = { description: "A refusal.", schema: ref("Error") };

/** Adds a route. */
export function addRoute(app: FastifyInstance, route: NativeRoute, options: NativeOptions): void {
  const principals = new WeakMap<FastifyRequest, Principal>();
  const { method, path, wish, handle } = route;
  app.route({
    method,
    url: path,
    schema: schemaOf(route),
    ...(wish === null
      ? {}
      : {
          onRequest: async (request: FastifyRequest) => {
            principals.set(request, await admit(request, { ...route, wish }, options));
          },
        }),
    handler: async (request, reply) => {
      const principal = principals.get(request) ?? NOBODY;
      const asker: Asker = { principal, surface: "native", remote: request.ip, requestId: request.id };
      const { params, query, body } = request as Pick<Call, "params" | "query" | "body">;
      return await handle({ principal, asker, params, query, body, request, reply });
    },
  });
}

type Door = Pick<NativeRoute, "path" | "action"> & { readonly wish: Wish };

async function admit(request: FastifyRequest, door: Door, { host, access }: NativeOptions): Promise<Principal> {
  const { ip: remote, id: requestId } = request;
  const from = { surface: "native", remote, requestId } as const;
  const principal = await authenticate(request, access).catch((error: unknown) => {
    // What is throttled was refused unheard.
    const isGuess = error instanceof Fault && error.code === "UNAUTHENTICATED";
    if (isGuess && request.headers.authorization !== undefined) {
      writeTurnedAway(host, { ...from, who: null, outcome: error.code });
    }
    throw error;
  });
  if (may(principal, door.wish)) return principal;
  const { id = null } = door.path.startsWith("/v1/runs/:id") ? (request.params as { readonly id?: string }) : {};
  const about = door.action === undefined ? {} : { action: door.action, runId: id };
  writeTurnedAway(host, { ...from, ...about, who: principal.name, outcome: "FORBIDDEN" });
  throw new Fault(403, "FORBIDDEN", `${principal.name} (${principal.role}) may only read`, {
    details: { role: principal.role },
  });
}

function schemaOf(route: NativeRoute): object {
  const { id, tag, summary, description, wish, params, query, headers, body, answers } = route;
  const responses = Object.entries({ ...answers, default: REFUSAL }).map(([status, answer]) => {
    const type = answer.type ?? "application/json";
    const content = answer.schema === undefined ? {} : { content: { [type]: { schema: answer.schema } } };
    return [status, { description: answer.description, ...content }];
  });
  return {
    operationId: id,
    tags: [tag],
    summary,
    ...(description === undefined ? {} : { description }),
    security: wish === null ? [] : [{ bearer: [] }, { basic: [] }],
    ...(params === undefined ? {} : { params }),
    ...(query === undefined ? {} : { querystring: query }),
    ...(headers === undefined ? {} : { headers }),
    ...(body === undefined ? {} : { body }),
    response: Object.fromEntries(responses),
  };
}
