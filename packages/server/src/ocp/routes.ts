/**
 * Every route of OCP's API: who asks, an answer in the envelope. Owns: what is the same for all of them. Bodies are read as bytes
 * and looked at by nobody but the signature: no call of this API takes one.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Principal } from "../access/principal.ts";
import type { Asker, Host } from "../host/host.ts";
import { writeTurnedAway } from "../host/strangers.ts";
import { Fault } from "../web/fault.ts";
import type { Envelopes } from "./envelope.ts";
import type { WhoAsks } from "./who-asks.ts";

/** What routes are made of. */
export interface RouteTools {
  readonly host: Host;
  readonly envelopes: Envelopes;
  readonly whoAsks: WhoAsks;
}

/** One call, understood and allowed to be made. */
export interface Call {
  readonly asker: Asker;
  /** A part of the path, digits. */
  param(name: string): string;
  readonly query: unknown;
  /** A request header; undefined when it is absent or there twice. */
  header(name: string): string | undefined;
}

/** Bytes that are sent as they are, without an envelope. */
export class Attachment {
  readonly name: string;
  readonly type: string;
  readonly content: Buffer;

  constructor(name: string, type: string, content: Buffer) {
    this.name = name;
    this.type = type;
    this.content = content;
  }
}

/** What a route may be. */
export interface Route {
  readonly method: "GET" | "POST";
  /** Below `/api/v1` or `/api/v2`; `:id` are digits. */
  readonly path: string;
  readonly versions: readonly ("v1" | "v2")[];
  /** It only reads, though it is a POST: a signed request may be sent again. Default: a GET does. */
  readonly reads?: boolean;
  /** The data of the answer; undefined for none. */
  answer(call: Call): Promise<unknown>;
}

/** Adds routes. */
export function addRoutes(app: FastifyInstance, tools: RouteTools, routes: readonly Route[]): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "buffer" }, async (_request: FastifyRequest, body: Buffer) => body);
  for (const { method, path, versions, reads = method === "GET", answer } of routes) {
    for (const version of versions) {
      app.route({
        method,
        // Only digits match, so that a word in their place is no route.
        url: `/api/${version}${path.replaceAll(/:(\w+)/g, ":$1(^\\d+$)")}`,
        handler: async (request, reply) => {
          const principal = await known(tools, request, !reads);
          const data = await answer(callOf(request, principal));
          if (data instanceof Attachment) return sent(reply, data);
          return tools.envelopes.success({ id: request.id, elapsedMs: reply.elapsedTime }, data);
        },
      });
    }
  }
}

/** Who asks; wrong credentials are written down. */
async function known({ host, whoAsks }: RouteTools, request: FastifyRequest, once: boolean): Promise<Principal> {
  try {
    return await whoAsks.principal(request, once);
  } catch (error) {
    const { headers, ip: remote, id: requestId } = request;
    if (error instanceof Fault && error.code === "UNAUTHENTICATED" && headers.authorization !== undefined) {
      writeTurnedAway(host, { who: null, surface: "ocp", outcome: error.code, remote, requestId });
    }
    throw error;
  }
}

function callOf(request: FastifyRequest, principal: Principal): Call {
  const { params, query, headers, id, ip } = request;
  return {
    asker: { principal, surface: "ocp", remote: ip, requestId: id },
    param: (name) => String((params as Readonly<Record<string, unknown>>)[name]),
    query,
    header: (name) => {
      const value = headers[name];
      return typeof value === "string" ? value : undefined;
    },
  };
}

function sent(reply: FastifyReply, { name, type, content }: Attachment): FastifyReply {
  return reply.type(type).header("content-disposition", `attachment; filename="${name}"`).send(content);
}
