/** Runs to look at: the list, newest first, and one of them. */
import type { RunSummary } from "@belay/engine/journal";
import type { Host } from "../host/host.ts";
import { Fault } from "../web/fault.ts";
import { byAge, cursorOf, type Place, placeOf } from "./cursor.ts";
import type { Call, NativeOptions, NativeRoute } from "./route.ts";
import { names, viewOf } from "./run-view.ts";
import { list, nullable, object, partial, ref, type Schema, text, whole } from "./schemas/build.ts";
import { RUN_STATUSES } from "./schemas/run.ts";

/** A run's id in a path: what the engine takes as one. */
export const RUN_ID: Schema = object({
  id: text("Id of the run.", { minLength: 1, maxLength: 128, pattern: "^[!-~]+$" }),
});

const DEFAULT_LIMIT = 50;
const MOST = 200;

const QUERY = partial({
  status: text("One status or several, with commas between them.", { maxLength: 200 }),
  plan: text("Name of the plan.", { maxLength: 200 }),
  startedBy: text("Name of the principal who started it.", { maxLength: 200 }),
  from: text("Started then or later, ISO-8601.", { maxLength: 40 }),
  to: text("Started before, ISO-8601.", { maxLength: 40 }),
  limit: whole(`Runs in the answer, at most. Default ${DEFAULT_LIMIT}.`, { minimum: 1, maximum: MOST }),
  cursor: text("`nextCursor` of the answer before; with the same filters.", { maxLength: 1000 }),
});

/** The group of routes. */
export function runRoutes({ host }: NativeOptions): readonly NativeRoute[] {
  return [
    {
      method: "GET",
      path: "/v1/runs",
      id: "listRuns",
      tag: "runs",
      summary: "Runs, newest first",
      description: "A page does not move: runs that are started meanwhile come before the first one.",
      wish: "read",
      query: QUERY,
      answers: {
        200: {
          description: "A page of them.",
          schema: object({ runs: list(ref("RunRow")), nextCursor: nullable(text("null = that was the last page.")) }),
        },
      },
      handle: ({ query }) => page(host, query),
    },
    {
      method: "GET",
      path: "/v1/runs/:id",
      id: "getRun",
      tag: "runs",
      summary: "A run",
      description: "With an ETag: If-None-Match asks whether it has moved, If-Match keeps a verb from one that has.",
      wish: "read",
      params: RUN_ID,
      answers: {
        200: { description: "The run as it stands.", schema: ref("Run") },
        304: { description: "As If-None-Match has it." },
      },
      handle: (call) => showRun(host, call),
    },
  ];
}

async function showRun(host: Host, { params: { id = "" }, request, reply }: Call): Promise<unknown> {
  const snapshot = await host.snapshot(id);
  if (snapshot === undefined) throw unknownRun(id);
  const { json, etag } = viewOf(snapshot);
  reply.header("etag", etag);
  if (names(request.headers["if-none-match"], etag)) return reply.code(304).send();
  return reply.type("application/json; charset=utf-8").send(json);
}

/** The refusal of an id that no run has. */
export function unknownRun(runId: string): Fault {
  return new Fault(404, "NOT_FOUND", `there is no run ${runId}`, { details: { runId } });
}

interface Filters {
  readonly status: readonly string[];
  readonly plan: string | null;
  readonly startedBy: string | null;
  readonly from: number;
  readonly to: number;
}

async function page(host: Host, query: Call["query"]): Promise<object> {
  const { limit = DEFAULT_LIMIT, cursor } = query as { readonly limit?: number; readonly cursor?: string };
  const filters = filtersOf(query);
  const after = cursor === undefined ? undefined : placeOf(cursor, filters);
  const places = (await host.summaries())
    .filter((summary) => fits(summary, filters))
    .map((summary) => ({ at: summary.startedAt, runId: summary.runId, summary }))
    .filter((place) => after === undefined || byAge(place, after) > 0)
    // The journal lists the oldest first: turned round there is little left to sort.
    .reverse()
    .sort(byAge);
  const found: (Place & { readonly row: object })[] = [];
  for (const { at, runId, summary } of places) {
    const startedBy = await host.starters.of(runId);
    if (filters.startedBy !== null && startedBy !== filters.startedBy) continue;
    found.push({ at, runId, row: rowOf(summary, startedBy) });
    // One more than asked for: whether there is a next page.
    if (found.length > limit) break;
  }
  const rows = found.slice(0, limit);
  const last = rows.at(-1);
  return {
    runs: rows.map(({ row }) => row),
    nextCursor: found.length > limit && last !== undefined ? cursorOf(last, filters) : null,
  };
}

function filtersOf({ status, plan, startedBy, from, to }: Call["query"]): Filters {
  const statuses = status === undefined ? [] : String(status).split(",");
  const wrong = statuses.find((one) => !(RUN_STATUSES as readonly string[]).includes(one));
  if (wrong !== undefined) {
    throw new Fault(400, "INVALID_ARGUMENT", `query.status: "${wrong}" is none of ${RUN_STATUSES.join(", ")}`);
  }
  return {
    status: statuses,
    plan: (plan as string | undefined) ?? null,
    startedBy: (startedBy as string | undefined) ?? null,
    from: timeOf(from, "from") ?? 0,
    to: timeOf(to, "to") ?? Number.MAX_SAFE_INTEGER,
  };
}

function timeOf(value: unknown, name: string): number | undefined {
  if (value === undefined) return undefined;
  const time = Date.parse(String(value));
  if (!Number.isNaN(time)) return time;
  throw new Fault(400, "INVALID_ARGUMENT", `query.${name} must be a time such as 2026-01-31T12:00:00Z`);
}

function fits({ status, planName, startedAt }: RunSummary, filters: Filters): boolean {
  return (
    (filters.status.length === 0 || filters.status.includes(status)) &&
    (filters.plan === null || filters.plan === planName) &&
    startedAt >= filters.from &&
    startedAt < filters.to
  );
}

function rowOf(summary: RunSummary, startedBy: string | null): object {
  const { runId, planName, planHash, status, ended, startedAt, at, clientToken, parent, locks, owner } = summary;
  return {
    id: runId,
    plan: planName,
    planHash,
    status,
    ended,
    startTime: new Date(startedAt).toISOString(),
    changeTime: new Date(at).toISOString(),
    startedBy,
    clientToken,
    parent: parent === null ? null : { runId: parent.runId, nodeId: parent.nodeId, attempt: parent.attempt },
    locks,
    owner,
  };
}
