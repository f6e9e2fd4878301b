/**
 * Plans: those that can be started, and a check for those that cannot yet. Nobody puts a plan in through this API: a checked one is
 * forgotten with its answer.
 */
import { checkPlan, type Json, type Plan } from "@belay/engine";
import { toDot, toGraphJson, toMermaid } from "@belay/engine/views";
import { may, type Principal } from "../access/principal.ts";
import type { CatalogEntry } from "../host/catalog.ts";
import { Fault } from "../web/fault.ts";
import type { NativeOptions, NativeRoute } from "./route.ts";
import { list, object, oneOf, open, partial, ref, text } from "./schemas/build.ts";

/** A check costs the server time that a viewer may ask for: less is read than at a start. */
const CHECK_LIMITS = {
  yamlBytes: 2 ** 18,
  depth: 40,
  nodes: 10_000,
  edges: 50_000,
  expressionNodes: 500,
} as const;

const DRAWINGS = {
  mermaid: { type: "text/plain; charset=utf-8", draw: (plan: Plan) => toMermaid(plan) },
  dot: { type: "text/plain; charset=utf-8", draw: (plan: Plan) => toDot(plan) },
  json: { type: "application/json; charset=utf-8", draw: (plan: Plan) => JSON.stringify(toGraphJson(plan)) },
} as const;

const NAME = object({ name: text("Name of the plan.", { minLength: 1, maxLength: 200 }) });
const OFFERS = ["text", "document"] as const;

/** The group of routes. */
export function planRoutes({ host }: NativeOptions): readonly NativeRoute[] {
  const entry = (name: string): CatalogEntry => {
    host.plan(name);
    return host.catalog.get(name) as CatalogEntry;
  };
  return [
    {
      method: "GET",
      path: "/v1/plans",
      id: "listPlans",
      tag: "plans",
      summary: "All plans",
      wish: "read",
      answers: { 200: { description: "By name.", schema: object({ plans: list(ref("PlanRow")) }) } },
      handle: ({ principal }) => ({ plans: [...host.catalog.values()].map((one) => rowOf(one, principal)) }),
    },
    {
      method: "GET",
      path: "/v1/plans/:name",
      id: "getPlan",
      tag: "plans",
      summary: "A plan",
      wish: "read",
      params: NAME,
      answers: { 200: { description: "The plan.", schema: ref("Plan") } },
      handle: ({ principal, params: { name = "" } }) => planOf(entry(name), principal),
    },
    {
      method: "GET",
      path: "/v1/plans/:name/graph",
      id: "getPlanGraph",
      tag: "plans",
      summary: "A plan, drawn",
      wish: "read",
      params: NAME,
      query: partial({ format: oneOf(Object.keys(DRAWINGS), "Default: json.") }),
      answers: { 200: { description: "json: data; mermaid and dot: text/plain.", schema: open() } },
      handle: ({ reply, params: { name = "" }, query: { format = "json" } }) => {
        const { type, draw } = DRAWINGS[format as keyof typeof DRAWINGS];
        return reply.type(type).send(draw(entry(name).plan));
      },
    },
    checkRoute(Object.keys(host.site.actions)),
  ];
}

function checkRoute(actions: readonly string[]): NativeRoute {
  return {
    method: "POST",
    path: "/v1/plans/check",
    id: "checkPlan",
    tag: "plans",
    summary: "Check a plan",
    description:
      "Says what is wrong with a plan that is given as text or as a document. Nothing of it is kept or runs.",
    wish: "read",
    body: partial({
      text: text("YAML or JSON; instead of `document`."),
      document: open("The plan as JSON; instead of `text`."),
      filename: text("Ending in .json: only JSON is taken.", { maxLength: 200 }),
    }),
    answers: { 200: { description: "What is wrong with it.", schema: ref("PlanCheck") } },
    handle: ({ body }) => {
      const [offer, another] = OFFERS.filter((name) => body[name] !== undefined);
      if (offer === undefined || another !== undefined) {
        throw new Fault(400, "INVALID_ARGUMENT", "body takes either text or document");
      }
      const { filename } = body as { readonly filename?: string };
      const options = { limits: CHECK_LIMITS, actions, ...(filename === undefined ? {} : { filename }) };
      const { plan, diagnostics } = checkPlan(body[offer], options);
      return { valid: plan !== undefined, ...(plan === undefined ? {} : { hash: plan.hash }), diagnostics };
    },
  };
}

function rowOf({ plan, missingActions }: CatalogEntry, principal: Principal): object {
  const { name, title = name, description = "", labels = {} } = plan.document;
  return {
    name,
    title,
    description,
    labels,
    hash: plan.hash,
    startable: missingActions.length === 0,
    missingActions,
    allowed: may(principal, "steer", name),
  };
}

function planOf(entry: CatalogEntry, principal: Principal): object {
  const { document } = entry.plan;
  const params: Json = (document.params ?? {}) as Json;
  return {
    ...rowOf(entry, principal),
    document,
    params,
    pointsOfNoReturn: document.nodes.flatMap(({ id, prohibitRollback }) => (prohibitRollback === true ? [id] : [])),
    prohibitRollback: document.prohibitRollback ?? false,
  };
}
