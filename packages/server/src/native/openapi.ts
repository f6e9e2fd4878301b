/**
 * The OpenAPI 3.1 document of the native API, made of the schemas that its routes are checked by, and whether the server is well. Both
 * are for anyone.
 */
import swagger from "@fastify/swagger";
import type { FastifyInstance } from "fastify";
import type { NativeOptions, NativeRoute } from "./route.ts";
import { object, oneOf, open } from "./schemas/build.ts";
import { CLUSTER_SCHEMAS } from "./schemas/cluster.ts";
import { ERROR_SCHEMAS } from "./schemas/error.ts";
import { PLAN_SCHEMAS } from "./schemas/plan.ts";
import { RECORD_SCHEMAS } from "./schemas/record.ts";
import { RUN_SCHEMAS } from "./schemas/run.ts";

/** The document's own version: of the API, not of the server. */
const VERSION = "1.0.0";

const INFO = {
  title: "Belay",
  version: VERSION,
  description: "Plans, runs, clusters: operations on databases that can be undone up to their points of no return.",
} as const;

/** Lets the document be made of every route that is added to `app` from now on, and answers the route that shows it. */
export async function documentRoutes(app: FastifyInstance, { host }: NativeOptions): Promise<readonly NativeRoute[]> {
  await app.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: INFO,
      components: {
        securitySchemes: { bearer: { type: "http", scheme: "bearer" }, basic: { type: "http", scheme: "basic" } },
      },
    },
    refResolver: { buildLocalReference: ({ $id }, _base, _fragment, index) => String($id ?? `schema-${index}`) },
  });
  const schemas = { ...ERROR_SCHEMAS, ...PLAN_SCHEMAS, ...RUN_SCHEMAS, ...CLUSTER_SCHEMAS, ...RECORD_SCHEMAS };
  for (const [name, schema] of Object.entries(schemas)) app.addSchema({ $id: name, ...schema });
  let document: string | undefined;
  return [
    {
      method: "GET",
      path: "/v1/openapi.json",
      id: "getOpenApi",
      tag: "server",
      summary: "This document",
      wish: null,
      answers: { 200: { description: "OpenAPI 3.1.", schema: open() } },
      handle: ({ reply }) => {
        document ??= JSON.stringify(app.swagger());
        return reply.type("application/json; charset=utf-8").send(document);
      },
    },
    {
      method: "GET",
      path: "/v1/health",
      id: "getHealth",
      tag: "server",
      summary: "Whether the server is well",
      wish: null,
      answers: {
        200: {
          description: "It answers. degraded: its audit log cannot be written to; the server's log says why.",
          schema: object({ status: oneOf(["ok", "degraded"]) }),
        },
      },
      handle: () => ({ status: host.audit.failure === undefined ? "ok" : "degraded" }),
    },
  ];
}
