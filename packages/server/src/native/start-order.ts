/**
 * What a start means before anything is started: which plan, with which parameters. Owns: that a mode fits the plan, and that nothing is
 * lost by default: a plan that can lose data is told not to unless the request says so in so many words, whatever the plan's own
 * default is.
 */
import type { Json, Plan } from "@belay/engine";
import type { Host } from "../host/host.ts";
import type { SiteCluster } from "../site.ts";
import { Fault } from "../web/fault.ts";

/** planned: the writer is alive and hands over. forced: it is dead. */
export type Mode = "planned" | "forced";

/** Both. */
export const MODES: readonly Mode[] = ["planned", "forced"];

/** A plan and its parameters. */
export interface StartOrder {
  readonly plan: Plan;
  readonly params: Readonly<Record<string, Json>>;
}

/** `labels.kind` of the plans that a mode fits. */
const KIND: Readonly<Record<Mode, string>> = { planned: "switchover", forced: "failover" };
/** The parameter of plans that can lose data. */
const LOSS = "allowDataLoss";
/** Parameters by which plans bound a loss, each 0 = none: what a default of theirs lets pass is a loss that nobody asked for. */
const BOUNDS: readonly string[] = ["lagCeilingBytes", "lagCeiling"];
/** The parameter by which somebody answers for a failover so soon after another. */
const ACKNOWLEDGE = "acknowledge";

/** The order of POST /v1/runs. Fails with NOT_FOUND, INVALID_ARGUMENT. */
export function orderOfRun(host: Host, body: Readonly<Record<string, Json>>): StartOrder {
  const plan = host.plan(String(body["plan"]));
  const mode = body["mode"] as Mode | undefined;
  const kind = kindOf(plan);
  if (mode !== undefined && kind !== KIND[mode]) {
    const text = `${plan.document.name} is ${kind === null ? "neither a switchover nor a failover" : `a ${kind}`}: mode ${mode} needs a ${KIND[mode]}`;
    throw new Fault(400, "INVALID_ARGUMENT", text, { details: { mode, kind } });
  }
  return { plan, params: withLoss(plan, (body["params"] ?? {}) as StartOrder["params"], body[LOSS]) };
}

/** The order of a cluster's failover, by what the site says. Fails with INVALID_ARGUMENT. */
export function orderOfCluster(host: Host, cluster: SiteCluster, body: Readonly<Record<string, Json>>): StartOrder {
  const mode = body["mode"] as Mode;
  const { target } = body;
  const chosen = cluster[mode];
  if (chosen === undefined) {
    throw new Fault(400, "INVALID_ARGUMENT", `there is no plan for a ${mode} failover of ${cluster.id}`, {
      details: { modes: MODES.filter((one) => cluster[one] !== undefined) },
    });
  }
  if (target !== undefined && chosen.targetParam === undefined) {
    throw new Fault(400, "INVALID_ARGUMENT", `body.target: ${chosen.plan} chooses by itself and takes no target`);
  }
  const plan = host.plan(chosen.plan);
  const reason = body[ACKNOWLEDGE];
  if (reason !== undefined && !takes(plan, ACKNOWLEDGE)) {
    throw new Fault(400, "INVALID_ARGUMENT", `body.acknowledge: ${chosen.plan} waits for no acknowledgement`);
  }
  const aimed = target === undefined ? {} : { [chosen.targetParam as string]: target };
  const answered = reason === undefined ? {} : { [ACKNOWLEDGE]: reason };
  // What the site says about loss is a default as well.
  const kept = Object.entries(chosen.params).filter(([name]) => name !== LOSS && !boundsOf(plan).includes(name));
  return { plan, params: withLoss(plan, { ...Object.fromEntries(kept), ...aimed, ...answered }, body[LOSS]) };
}

/** `labels.kind`; plans that keep to a published document have no labels, but their name. */
function kindOf({ document: { labels, name } }: Plan): string | null {
  const kind = labels?.["kind"];
  if (kind !== undefined) return String(kind);
  return /-(switchover|failover)$/.exec(name)?.[1] ?? null;
}

/** Whether the plan has a parameter of that name. */
function takes({ document }: Plan, name: string): boolean {
  const { properties = {} } = Object(document.params) as { readonly properties?: object };
  return Object.hasOwn(properties, name);
}

/** A switchover that is that far behind waits: nothing is lost. */
function boundsOf(plan: Plan): readonly string[] {
  return kindOf(plan) === KIND.forced ? BOUNDS.filter((name) => takes(plan, name)) : [];
}

function withLoss(plan: Plan, params: StartOrder["params"], allowed: Json | undefined): StartOrder["params"] {
  const knows = takes(plan, LOSS);
  const bounds = boundsOf(plan);
  const said = params[LOSS];
  if (!knows && bounds.length === 0 && allowed === true) {
    throw new Fault(400, "INVALID_ARGUMENT", `body.allowDataLoss: ${plan.document.name} has nothing to allow`);
  }
  if (said !== undefined && allowed !== undefined && said !== allowed) {
    throw new Fault(400, "INVALID_ARGUMENT", "body.allowDataLoss and body.params.allowDataLoss say different things");
  }
  const may = (said ?? allowed ?? false) === true;
  const raised = bounds.find((name) => !may && params[name] !== undefined && params[name] !== 0);
  if (raised !== undefined) {
    throw new Fault(400, "INVALID_ARGUMENT", `body.params.${raised} lets data be lost: it needs allowDataLoss: true`);
  }
  const nothing = may ? {} : Object.fromEntries(bounds.map((name) => [name, 0]));
  return { ...params, ...nothing, ...(knows ? { [LOSS]: said ?? allowed ?? false } : {}) };
}
