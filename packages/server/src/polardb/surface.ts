/** PolarDB's RPC API at `/`. Owns: its envelopes. */
import type { FastifyInstance } from "fastify";
import type { Host } from "../host/host.ts";
import type { Access } from "../web/authenticate.ts";
import type { Surface } from "../web/surface.ts";

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
    render: ({ status, message }, { id }) => ({
      status,
      type: "application/json",
      body: JSON.stringify({ RequestId: id, Code: "InternalError", Message: message }),
    }),
    register: (app) => registerRoutes(app, options),
  };
}

function registerRoutes(_app: FastifyInstance, _options: PolarOptions): void {
  // Routes come here.
}
