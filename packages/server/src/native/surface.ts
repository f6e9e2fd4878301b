/**
 * The native API, `/v1`. Owns: its error envelope, `{ error: { code, message, requestId, details? } }`, and which groups of routes there
 * are; each is a file beside this one.
 */
import type { FastifyInstance } from "fastify";
import type { Surface } from "../web/surface.ts";
import { auditRoutes } from "./audit.ts";
import { clusterRoutes } from "./clusters.ts";
import { eventRoutes } from "./events.ts";
import { readJsonBodies } from "./json-body.ts";
import { logRoutes } from "./logs.ts";
import { documentRoutes } from "./openapi.ts";
import { planRoutes } from "./plans.ts";
import { compileRequestSchema, requestFault } from "./request-schemas.ts";
import { addRoute, type NativeOptions, type NativeRoute } from "./route.ts";
import { runRoutes } from "./runs.ts";
import { startRoutes } from "./start.ts";
import { RunStreams } from "./streams.ts";
import { verbRoutes } from "./verbs.ts";

export type { NativeOptions };

/** The surface. It has what no other one owns. */
export function nativeSurface(options: NativeOptions): Surface {
  return {
    name: "native",
    owns: (path) => path === "/v1" || path.startsWith("/v1/"),
    render: (fault, { id }) => {
      const { status, code, message, details } = fault;
      const more = Object.keys(details).length === 0 ? {} : { details };
      const body = JSON.stringify({ error: { code, message, requestId: id, ...more } });
      return { status, type: "application/json; charset=utf-8", body, headers: { "x-request-id": id } };
    },
    register: (app) => registerRoutes(app, options),
  };
}

async function registerRoutes(app: FastifyInstance, options: NativeOptions): Promise<void> {
  const streams = new RunStreams(options.host, options.streams);
  readJsonBodies(app);
  app.setValidatorCompiler(compileRequestSchema);
  app.setSchemaErrorFormatter(requestFault);
  // Schemas of answers are documentation that tests hold answers against: nothing is left out because a schema lacks it.
  app.setSerializerCompiler(() => (data) => JSON.stringify(data));
  app.addHook("onRequest", async (request, reply) => {
    reply.header("x-request-id", request.id);
  });
  app.addHook("preClose", async () => streams.close());
  const document = await documentRoutes(app, options);
  const routes: readonly NativeRoute[] = [
    ...planRoutes(options),
    ...startRoutes(options),
    ...runRoutes(options),
    ...verbRoutes(options),
    ...eventRoutes(options, streams),
    ...logRoutes(options),
    ...auditRoutes(options),
    ...clusterRoutes(options),
    ...document,
  ];
  for (const route of routes) addRoute(app, route, options);
}
