/**
 * HTTP of a server: limits, headers of every response, whose envelope an answer comes in, and the order in which a server goes down.
 * Owns: everything that is the same for all surfaces. Does not own: routes (the surfaces), credentials (`authenticate.ts`).
 *
 * Invariants: every response is in its surface's envelope, also for paths nobody has, bodies nobody can read and errors nobody foresaw;
 * no page of another origin is answered; nothing of an unforeseen error reaches a client.
 */
import { randomUUID } from "node:crypto";
import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import rateLimit from "@fastify/rate-limit";
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from "fastify";
import { Fault, faultOf, isOurs } from "./fault.ts";
import { checkOrigin } from "./origin.ts";
import type { AskedRequest, Surface } from "./surface.ts";

/** Limits of requests. */
export interface WebLimits {
  /** Bytes of a body. Default 1 MiB. */
  readonly bodyBytes?: number;
  /** Bytes of all headers together. Default 16 KiB. */
  readonly headerBytes?: number;
  /** Milliseconds for a request to come in as a whole. Default 30,000. */
  readonly requestMs?: number;
  /** Milliseconds without a byte either way after which a connection ends: who does not read its answer keeps none. Default 120,000. */
  readonly idleMs?: number;
  /** Requests of one address per minute; 0 = no limit. Default 6,000. */
  readonly perMinute?: number;
}

/** What `createApp` takes. */
export interface AppOptions {
  /** In this order they are asked whose a path is; the last one has what nobody owns. */
  readonly surfaces: readonly Surface[];
  readonly limits?: WebLimits;
  /** Names, beside loopback ones and addresses, under which clients reach the server. Default: none. */
  readonly hostNames?: readonly string[];
  /**
   * Addresses and CIDRs of proxies in front of the server: what they say in X-Forwarded-For counts as the client's address. Of everybody
   * else, and by default, the connection's address counts.
   */
  readonly proxies?: readonly string[];
  /** Gets errors of our own. */
  readonly onError: (error: unknown, request: Pick<FastifyRequest, "method" | "url" | "id">) => void;
}

const MIB = 2 ** 20;
/** Milliseconds for a request to come in, its headers by themselves, and between looks at who is late. */
const REQUEST_MS = 30_000;
const HEADERS_MS = 15_000;
const LOOK_MS = 5000;
/** Longer than any answer takes; streams of events say something more often. */
const IDLE_MS = 120_000;
const DEFAULT_PER_MINUTE = 6000;

/** Sent with every response. */
const HEADERS: Readonly<Record<string, string>> = {
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
};

/** The application, ready to listen or to be asked with `inject`. */
export async function createApp(options: AppOptions): Promise<FastifyInstance> {
  const { surfaces, limits = {}, hostNames = [], proxies = [], onError } = options;
  const perMinute = limits.perMinute ?? DEFAULT_PER_MINUTE;
  const requestMs = limits.requestMs ?? REQUEST_MS;
  const app = fastify({
    bodyLimit: limits.bodyBytes ?? MIB,
    requestTimeout: requestMs,
    connectionTimeout: limits.idleMs ?? IDLE_MS,
    keepAliveTimeout: 65_000,
    http: {
      maxHeaderSize: limits.headerBytes ?? 16_384,
      headersTimeout: Math.min(HEADERS_MS, requestMs),
      connectionsCheckingInterval: Math.min(LOOK_MS, requestMs),
      // HTTP's own refusal is empty; a request to no name is refused as one to a foreign name is.
      requireHostHeader: false,
    },
    // The ids of PolarDB's answers: upper case.
    genReqId: () => randomUUID().toUpperCase(),
    forceCloseConnections: true,
    trustProxy: proxies.length === 0 ? false : [...proxies],
    // The framework's own 503 is in no envelope: see the hook.
    return503OnClosing: false,
    exposeHeadRoutes: false,
    routerOptions: { maxParamLength: 256 },
    clientErrorHandler: answerBrokenHttp,
    frameworkErrors: (error, request, reply) => send(surfaces, error, request, reply),
  });
  let goesDown = false;
  app.addHook("preClose", async () => {
    goesDown = true;
  });
  // An expectation that nobody knows is ignored: what HTTP would answer by itself is no answer of any API.
  app.server.on("checkExpectation", (request, response) => app.server.emit("request", request, response));
  app.addHook("onRequest", async (request, reply) => {
    reply.headers(HEADERS);
    if (goesDown) throw new Fault(503, "UNAVAILABLE", "the server goes down", { headers: { "retry-after": "1" } });
    checkOrigin(request, hostNames);
  });
  // The framework takes the time of a request only when somebody waits for its end.
  app.addHook("onResponse", async () => undefined);
  if (perMinute > 0) {
    await app.register(rateLimit, {
      max: perMinute,
      timeWindow: 60_000,
      // Of the draft standard, and OCP's: RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset in seconds.
      enableDraftSpec: true,
      errorResponseBuilder: (_, { ttl }) =>
        new Fault(429, "THROTTLED", `more than ${perMinute} requests of this address in a minute`, {
          details: { retryAfterSeconds: Math.ceil(ttl / 1000) },
        }),
    });
  }
  app.setErrorHandler((error, request, reply) => {
    if (isOurs(error)) onError(error, request);
    return send(surfaces, error, request, reply);
  });
  const unknown = app.hasDecorator("rateLimit") ? { preHandler: app.rateLimit() } : {};
  app.setNotFoundHandler(unknown, (request, reply) => {
    const [path] = request.url.split("?", 1);
    return send(surfaces, new Fault(404, "ROUTE_UNKNOWN", `there is no ${request.method} ${path}`), request, reply);
  });
  for (const surface of surfaces) await app.register(async (scope) => await surface.register(scope));
  return app;
}

function surfaceOf(surfaces: readonly Surface[], url: string): Surface {
  const path = routedPath(url);
  const found = surfaces.find((surface) => surface.owns(path)) ?? surfaces.at(-1);
  if (found === undefined) throw new Error("a server has at least one surface");
  return found;
}

/** The path as the router reads it: a target may be a whole URL or `*`, letters may be encoded, and `#` ends a path too. */
function routedPath(url: string): string {
  const [path = ""] = url.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, "").split(/[?#]/, 1);
  if (path === "" || path === "*") return "/";
  try {
    return decodeURI(path);
  } catch {
    return path;
  }
}

function send(
  surfaces: readonly Surface[],
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const fault = faultOf(error);
  const asked: AskedRequest = {
    method: request.method,
    url: request.url,
    id: request.id,
    headers: request.headers,
    elapsedMs: reply.elapsedTime,
    query: request.query,
    body: request.body,
  };
  const { status, type, body, headers } = surfaceOf(surfaces, request.url).render(fault, asked);
  // A request that failed before its hooks ran has none of them yet.
  return reply
    .code(status)
    .headers({ ...HEADERS, ...fault.headers, ...headers })
    .type(type)
    .send(body);
}

/** What is no HTTP has no path either: JSON, and the connection ends. */
function answerBrokenHttp(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  const status = error.code === "HPE_HEADER_OVERFLOW" ? 431 : error.code === "ERR_HTTP_REQUEST_TIMEOUT" ? 408 : 400;
  const body = JSON.stringify({
    error: { code: status === 431 ? "TOO_LARGE" : "MALFORMED", message: STATUS_CODES[status] },
  });
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    "content-type: application/json; charset=utf-8",
    `content-length: ${Buffer.byteLength(body)}`,
    "connection: close",
    ...Object.entries(HEADERS).map(([name, value]) => `${name}: ${value}`),
  ];
  socket.end(`${lines.join("\r\n")}\r\n\r\n${body}`);
}
