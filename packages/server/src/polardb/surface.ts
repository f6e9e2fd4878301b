/**
 * PolarDB's RPC API at `/`. Owns: its one route and the order of a request (read, authenticate, find the action, answer), and that every
 * answer is an envelope in the format that the request asks for. Does not own: what the actions do (`actions.ts`).
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Host } from "../host/host.ts";
import { writeTurnedAway } from "../host/strangers.ts";
import type { Access } from "../web/authenticate.ts";
import type { Fault } from "../web/fault.ts";
import type { AskedRequest, Rendered, Surface } from "../web/surface.ts";
import { type ActionTools, actionOf } from "./actions.ts";
import { ApiFault, apiErrorOf } from "./api-fault.ts";
import { Authenticator, type Caller } from "./authenticate.ts";
import { ClusterViews } from "./cluster-views.ts";
import { renderAnswer, renderError } from "./envelope.ts";
import { Failovers } from "./failover.ts";
import { type RpcRequest, readRpc, wantsJson } from "./rpc-request.ts";

/** What the actions of PolarDB's API stand on. */
export interface PolarOptions {
  readonly host: Host;
  readonly access: Access;
  /** Seconds after a switch for which the next one of the same cluster is refused; 0 = none. */
  readonly switchIntervalSeconds: number;
}

/** The surface. */
export function polarSurface(options: PolarOptions): Surface {
  return {
    name: "polardb",
    owns: (path) => path === "/",
    render: (fault, request) => render(fault, request),
    register: (app) => registerRoutes(app, options),
  };
}

function render(fault: Fault, request: AskedRequest): Rendered {
  const { id, headers } = request;
  const rendered = renderError(apiErrorOf(fault), {
    requestId: id,
    hostId: headers.host ?? "",
    json: wantsJson(request),
  });
  if (rendered.status !== 429) return rendered;
  // Clients read from either, milliseconds, how long to wait.
  const waitMs = Number(fault.headers["retry-after"] ?? fault.details["retryAfterSeconds"] ?? 1) * 1000;
  const waiting = { "x-acs-retry-after": String(waitMs), "x-ratelimit-user-api": `Remain:0,TimeLeft:${waitMs}` };
  return { ...rendered, headers: waiting };
}

async function registerRoutes(app: FastifyInstance, options: PolarOptions): Promise<void> {
  const { host, access, switchIntervalSeconds } = options;
  const views = new ClusterViews(host);
  await views.watchKnown();
  const tools = { views, failovers: new Failovers(host, views, switchIntervalSeconds) };
  const authenticator = new Authenticator(access, host.clock);
  // Bodies stay as they came: signatures are computed over them.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) => done(null, body));
  app.route({
    method: ["GET", "POST"],
    url: "/",
    handler: async (request, reply) => await answer({ request, reply, tools, authenticator, host }),
  });
}

interface Exchange {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly tools: ActionTools;
  readonly authenticator: Authenticator;
  readonly host: Host;
}

/** Who asks; wrong signatures are written down. */
function known(rpc: RpcRequest, { request, authenticator, host }: Exchange): Caller {
  try {
    return authenticator.authenticate(rpc, request.ip);
  } catch (error) {
    const { ip: remote, id: requestId } = request;
    // Without a key nobody has said who they are.
    if (error instanceof ApiFault && error.status !== 429 && error.api.code !== "MissingParameter") {
      writeTurnedAway(host, { who: null, surface: "polardb", outcome: error.api.code, remote, requestId });
    }
    throw error;
  }
}

async function answer(exchange: Exchange): Promise<FastifyReply> {
  const { request, reply, tools } = exchange;
  const rpc = readRpc(request);
  const caller = known(rpc, exchange);
  const action = actionOf(rpc);
  const fields = await action.answer(
    {
      action: action.name,
      params: rpc.params,
      caller,
      asker: { principal: caller.principal, surface: "polardb", remote: request.ip, requestId: request.id },
      requestId: request.id,
    },
    tools,
  );
  const { status, type, body } = renderAnswer(action.name, fields, wantsJson(request));
  return reply.code(status).type(type).send(body);
}
