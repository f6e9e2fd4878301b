/** Who asked what: of one run, as its journal has it, and of the server, refused requests too. */
import { auditTrail } from "@belay/engine";
import { may } from "../access/principal.ts";
import type { Host } from "../host/host.ts";
import type { Call, NativeOptions, NativeRoute } from "./route.ts";
import { RUN_ID } from "./runs.ts";
import { list, object, partial, ref, text, whole } from "./schemas/build.ts";

const DEFAULT_ENTRIES = 100;
const MOST_ENTRIES = 1000;

/** The group of routes. */
export function auditRoutes({ host }: NativeOptions): readonly NativeRoute[] {
  return [
    {
      method: "GET",
      path: "/v1/runs/:id/audit",
      id: "getRunAudit",
      tag: "runs",
      summary: "Who asked what of a run, and why",
      wish: "read",
      params: RUN_ID,
      answers: { 200: { description: "In order.", schema: object({ entries: list(ref("TrailEntry")) }) } },
      handle: async ({ params: { id = "" } }) => ({ entries: await auditTrail(host.journal, id) }),
    },
    {
      method: "GET",
      path: "/v1/audit",
      id: "getAudit",
      tag: "server",
      summary: "What was asked of the server",
      description: "Every start and verb through any API, refused ones too. Admins see everybody's, others their own.",
      wish: "read",
      query: partial({
        limit: whole(`Entries, at most. Default ${DEFAULT_ENTRIES}.`, { minimum: 1, maximum: MOST_ENTRIES }),
        who: text("Name of a principal.", { maxLength: 200 }),
        runId: text("Only about that run.", { maxLength: 128 }),
        outcome: text("ok, or the code of a refusal.", { maxLength: 100 }),
      }),
      answers: { 200: { description: "The youngest first.", schema: object({ entries: list(ref("AuditEvent")) }) } },
      handle: (call) => audit(host, call),
    },
  ];
}

function audit(host: Host, { principal, query }: Call): object {
  const {
    limit = DEFAULT_ENTRIES,
    who,
    runId,
    outcome,
  } = query as {
    readonly limit?: number;
    readonly who?: string;
    readonly runId?: string;
    readonly outcome?: string;
  };
  const seesAll = may(principal, "administer");
  const entries = host.audit.youngest(
    limit,
    (entry) =>
      (seesAll || entry.who === principal.name) &&
      (who === undefined || entry.who === who) &&
      (runId === undefined || entry.runId === runId) &&
      (outcome === undefined || entry.outcome === outcome),
  );
  return { entries };
}
