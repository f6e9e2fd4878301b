/**
 * The native API, `/v1`. Owns: its error envelope, `{ error: { code, message, requestId, details? } }`, and which routes there are; each
 * group of them is a file beside this one.
 */
import type { FastifyInstance } from "fastify";
import type { Host } from "../host/host.ts";
import type { Access } from "../web/authenticate.ts";
import type { Surface } from "../web/surface.ts";

/** What the routes of the native API stand on. */
export interface NativeOptions {
  readonly host: Host;
  readonly access: Access;
}

/** The surface. It has what no other one owns. */
export function nativeSurface(options: NativeOptions): Surface {
  return {
    name: "native",
    owns: (path) => path === "/v1" || path.startsWith("/v1/"),
    render: (fault, { id }) => {
      const { status, code, message, details } = fault;
      const more = Object.keys(details).length === 0 ? {} : { details };
      const body = JSON.stringify({ error: { code, message, requestId: id, ...more } });
      return { status, type: "application/json; charset=utf-8", body };
    },
    register: (app) => registerRoutes(app, options),
  };
}

function registerRoutes(app: FastifyInstance, { host }: NativeOptions): void {
  app.get("/v1/health", async () => ({ status: "ok", runs: host.engine.runs().length }));
}
