/**
 * OCP's API, `/api/v1` and `/api/v2`: failover and switchover of OceanBase clusters, and the tasks they run as. Owns: which parts
 * it is made of. The routes are in `cluster-routes.ts` and `task-routes.ts`, the envelope around all answers in `envelope.ts`.
 */
import type { Host } from "../host/host.ts";
import type { Access } from "../web/authenticate.ts";
import type { Surface } from "../web/surface.ts";
import { clusterRoutes } from "./cluster-routes.ts";
import { Envelopes } from "./envelope.ts";
import { addRoutes } from "./routes.ts";
import { TaskIds } from "./task-ids.ts";
import { taskRoutes } from "./task-routes.ts";
import { Tasks } from "./tasks.ts";
import { WhoAsks } from "./who-asks.ts";

/** What the routes of OCP's API stand on. */
export interface OcpOptions {
  readonly host: Host;
  readonly access: Access;
  /** Address of the server, as its answers tell it. Default 127.0.0.1. */
  readonly address?: string;
  /** Minutes east of UTC in which times are written; null = this machine's zone. Default null. */
  readonly utcOffsetMinutes?: number | null;
}

/** The surface. */
export function ocpSurface({ host, access, address = "127.0.0.1", utcOffsetMinutes = null }: OcpOptions): Surface {
  const now = (): number => host.clock.now();
  const envelopes = new Envelopes({ address, utcOffsetMinutes, now });
  return {
    name: "ocp",
    owns: (path) => path === "/api" || path.startsWith("/api/"),
    render: (fault, asked) => envelopes.refusal(fault, asked),
    register: (app) => {
      const tasks = new Tasks(host);
      const routes = [...clusterRoutes({ tasks, ids: new TaskIds(host), envelopes }), ...taskRoutes(tasks, envelopes)];
      addRoutes(app, { host, envelopes, whoAsks: new WhoAsks(access, now) }, routes);
    },
  };
}
