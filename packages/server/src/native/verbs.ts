/**
 * Verbs of a run (R37), one route each, and what one would do (R38). Who asks is always the principal: no body says who. Owns: the words
 * of the paths, what each body may say, that a verb with If-Match does nothing to a run that has moved.
 */
import type { Json, VerbRequest } from "@belay/engine";
import { Fault } from "../web/fault.ts";
import type { Call, NativeOptions, NativeRoute } from "./route.ts";
import { names, viewOf } from "./run-view.ts";
import { RUN_ID } from "./runs.ts";
import { anything, object, oneOf, partial, ref, type Schema, text } from "./schemas/build.ts";
import { WHY } from "./start.ts";

type Verb = VerbRequest["verb"];

const NODE = text("Id of the node; a member's is group[0].", { minLength: 1, maxLength: 200 });
const TO = text("barrier: only what is safe to undo. Id of a node: what is below it. Default: everything.", {
  minLength: 1,
  maxLength: 200,
});
const OUTPUT = anything("The node's output, for those that read it.");
const COMMON: Readonly<Record<string, Schema>> = {
  why: WHY,
  requestId: text("Names this request: asked twice, it is done once.", {
    minLength: 1,
    maxLength: 128,
    pattern: "^[ -~]+$",
  }),
};

/** A verb as its route takes it: its own fields, and which of them must be there. */
interface VerbRow {
  readonly path: string;
  readonly verb: Verb;
  readonly summary: string;
  readonly fields: Readonly<Record<string, Schema>>;
  readonly needs?: readonly string[];
}

const VERBS: readonly VerbRow[] = [
  { path: "retry", verb: "retry", summary: "Go forward again: a node, or all that failed", fields: { node: NODE } },
  {
    path: "skip",
    verb: "skip",
    summary: "Pass a node as if it were done",
    fields: { node: NODE, output: OUTPUT },
    needs: ["node"],
  },
  { path: "cancel", verb: "cancel", summary: "Stop a node, or the run", fields: { node: NODE } },
  { path: "rollback", verb: "rollback", summary: "Undo, in reverse order", fields: { to: TO } },
  {
    path: "skip-rollback",
    verb: "skipRollback",
    summary: "Go on undoing above a node that could not be undone",
    fields: { node: NODE },
    needs: ["node"],
  },
  { path: "approve", verb: "approve", summary: "Approve, as yourself", fields: { node: NODE }, needs: ["node"] },
  {
    path: "reject",
    verb: "reject",
    summary: "Refuse an approval, as yourself",
    fields: { node: NODE },
    needs: ["node"],
  },
  {
    path: "signal",
    verb: "signal",
    summary: "Say that what a node waits for has come",
    fields: { node: NODE, output: OUTPUT },
    needs: ["node"],
  },
  { path: "pause", verb: "pause", summary: "Start nothing new", fields: {} },
  { path: "resume", verb: "resume", summary: "Go on after a pause", fields: {} },
  { path: "abandon", verb: "abandon", summary: "End a resting run for good, undoing nothing", fields: {} },
];

const IF_MATCH: Schema = {
  type: "object",
  properties: { "if-match": text("The run's ETag: the verb does nothing when the run has moved on.") },
};

/** The group of routes. */
export function verbRoutes(options: NativeOptions): readonly NativeRoute[] {
  return [...VERBS.map((row) => verbRoute(options, row)), previewRoute(options)];
}

function verbRoute({ host }: NativeOptions, { path, verb, summary, fields, needs = [] }: VerbRow): NativeRoute {
  const all = { ...fields, ...COMMON };
  return {
    method: "POST",
    path: `/v1/runs/:id/${path}`,
    id: `${verb}Run`,
    tag: "runs",
    summary,
    action: verb,
    wish: "steer",
    params: RUN_ID,
    headers: IF_MATCH,
    body: object(
      all,
      Object.keys(all).filter((name) => !needs.includes(name)),
    ),
    answers: { 200: { description: "The run, right after the verb is durable.", schema: ref("Run") } },
    handle: async ({ params: { id = "" }, body, asker, request, reply }) => {
      const wanted = request.headers["if-match"];
      const check = wanted === undefined ? undefined : (before: Parameters<typeof viewOf>[0]) => match(wanted, before);
      const { json, etag } = viewOf(await host.verb(id, requestOf(verb, body), asker, check));
      return reply.header("etag", etag).type("application/json; charset=utf-8").send(json);
    },
  };
}

function match(wanted: string, before: Parameters<typeof viewOf>[0]): void {
  const { etag } = viewOf(before);
  if (names(wanted, etag)) return;
  throw new Fault(412, "PRECONDITION", `the run has moved on: look at it again; it is ${before.status}`, {
    details: { etag, status: before.status },
  });
}

function previewRoute({ host }: NativeOptions): NativeRoute {
  return {
    method: "POST",
    path: "/v1/runs/:id/preview",
    id: "previewRun",
    tag: "runs",
    summary: "What a verb would do",
    description: "Changes nothing. What the verb would be refused with is part of the answer.",
    wish: "read",
    params: RUN_ID,
    body: object(
      {
        verb: oneOf(VERBS.map(({ path }) => path)),
        ...(partial({ node: NODE, to: TO, output: OUTPUT })["properties"] as Record<string, Schema>),
      },
      ["node", "to", "output"],
    ),
    answers: { 200: { description: "What it would do.", schema: ref("Preview") } },
    handle: async ({ params: { id = "" }, body: { verb: path, ...body }, principal }: Call) => {
      const row = VERBS.find((one) => one.path === path) as VerbRow;
      const known = Object.keys(row.fields);
      const foreign = Object.keys(body).find((name) => !known.includes(name));
      if (foreign !== undefined) {
        throw new Fault(400, "INVALID_ARGUMENT", `body.${foreign}: ${row.path} takes ${known.join(", ") || "nothing"}`);
      }
      const missing = row.needs?.find((name) => body[name] === undefined);
      if (missing !== undefined) throw new Fault(400, "INVALID_ARGUMENT", `body.${missing} is missing`);
      const who = row.verb === "approve" || row.verb === "reject" ? { who: principal.name } : {};
      return await host.preview(id, { ...requestOf(row.verb, body), ...who } as VerbRequest);
    },
  };
}

function requestOf(verb: Verb, body: Readonly<Record<string, Json>>): VerbRequest {
  return { ...body, verb } as unknown as VerbRequest;
}
