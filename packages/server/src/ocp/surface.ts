/** OCP's API, `/api/v1` and `/api/v2`. Owns: its envelope. */
import type { FastifyInstance } from "fastify";
import type { Host } from "../host/host.ts";
import type { Access } from "../web/authenticate.ts";
import type { Surface } from "../web/surface.ts";

/** What the routes of OCP's API stand on. */
export interface OcpOptions {
  readonly host: Host;
  readonly access: Access;
}

/** The surface. */
export function ocpSurface(options: OcpOptions): Surface {
  return {
    name: "ocp",
    owns: (path) => path.startsWith("/api/"),
    render: ({ status, message }) => ({
      status,
      type: "application/json",
      body: JSON.stringify({ error: { code: status, message }, successful: false, status }),
    }),
    register: (app) => registerRoutes(app, options),
  };
}

function registerRoutes(_app: FastifyInstance, _options: OcpOptions): void {
  // Routes come here.
}
