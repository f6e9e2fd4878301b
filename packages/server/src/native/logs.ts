/** What runs have beside their state: the lines that their steps logged, the locks that they hold. */
import type { LogLine } from "@belay/engine/journal";
import type { Host } from "../host/host.ts";
import type { Call, NativeOptions, NativeRoute } from "./route.ts";
import { isOver } from "./run-view.ts";
import { RUN_ID, unknownRun } from "./runs.ts";
import { flag, list, object, partial, ref, text, whole } from "./schemas/build.ts";

const DEFAULT_LINES = 200;
const MOST_LINES = 1000;

/** The group of routes. */
export function logRoutes({ host }: NativeOptions): readonly NativeRoute[] {
  return [
    {
      method: "GET",
      path: "/v1/runs/:id/logs",
      id: "getRunLogs",
      tag: "runs",
      summary: "Lines that a run's steps logged",
      description: "Ask again from `nextOffset` until `complete`.",
      wish: "read",
      params: RUN_ID,
      query: partial({
        offset: whole("Lines of the run to pass, those of other nodes included. Default 0.", {
          minimum: 0,
          maximum: 1e9,
        }),
        limit: whole(`Lines in the answer, at most. Default ${DEFAULT_LINES}.`, { minimum: 1, maximum: MOST_LINES }),
        node: text("Only lines of that node; of a group, of all its members.", { maxLength: 200 }),
      }),
      answers: {
        200: {
          description: "Oldest first.",
          schema: object({
            lines: list(ref("LogLine")),
            nextOffset: whole(),
            complete: flag("The run has ended and these were the last ones."),
          }),
        },
      },
      handle: async (call) => await logs(host, call),
    },
    {
      method: "GET",
      path: "/v1/locks",
      id: "listLocks",
      tag: "runs",
      summary: "Resources that runs hold",
      wish: "read",
      answers: { 200: { description: "By resource.", schema: object({ locks: list(ref("Lock")) }) } },
      handle: async () => ({ locks: await locks(host) }),
    },
  ];
}

async function logs(host: Host, { params: { id = "" }, query }: Call): Promise<object> {
  const {
    offset = 0,
    limit = DEFAULT_LINES,
    node,
  } = query as {
    readonly offset?: number;
    readonly limit?: number;
    readonly node?: string;
  };
  // Asked first: a run that has ended by now says nothing after these lines.
  const snapshot = await host.snapshot(id);
  if (snapshot === undefined) throw unknownRun(id);
  const all = await host.journal.logs(id);
  const lines: LogLine[] = [];
  let at = Math.min(offset, all.length);
  for (; at < all.length && lines.length < limit; at++) {
    const line = all[at] as LogLine;
    if (node === undefined || line.nodeId === node || line.nodeId.startsWith(`${node}[`)) lines.push(line);
  }
  return { lines: lines.map(lineOf), nextOffset: at, complete: isOver(snapshot) && at >= all.length };
}

function lineOf({ at, nodeId, attempt, compensation, message, details }: LogLine): object {
  const more = details === undefined ? {} : { details };
  const time = new Date(at).toISOString();
  return { at: time, node: nodeId, attempt, compensation: compensation ?? false, message, ...more };
}

async function locks(host: Host): Promise<object[]> {
  const held = (await host.summaries()).flatMap(({ locks: resources, runId, planName, startedAt, owner }) =>
    resources.map((resource) => ({
      resource,
      runId,
      plan: planName,
      since: new Date(startedAt).toISOString(),
      owner,
    })),
  );
  return held.sort((a, b) => (a.resource < b.resource ? -1 : Number(a.resource > b.resource)));
}
