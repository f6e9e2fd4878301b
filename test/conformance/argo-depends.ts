/**
 * Argo's `depends` as triggers (R10, R12, R21). Owns: which expressions have a trigger, and how a task's decision is seen.
 *
 * Terms that are all alike have one: bare names joined by && -> `all_succeeded`, by || -> `any_succeeded`; `.Failed` ->
 * `any_failed` (|| or alone), `all_failed` (&&); `!.Failed` -> `none_failed`; `.AnySucceeded`, `.AllFailed` over a group ->
 * `any_succeeded`, `all_failed`. Mixed terms -> `all_finished` and a `when` over the statuses. Upstreams end, are skipped or hang as the case says; `failureMode: continue`, so that
 * nothing but the trigger decides. `proceed` = the node started, was skipped, or nothing can start it any more; `execute`
 * = it started. `continueOn` -> `onFailure: continue` of the upstream.
 */
import type { NodeDocument, PlanDocument } from "@belay/engine";
import type { NodeScript } from "@belay/engine/testing";
import { openPlay } from "./case-play.ts";
import type { Trigger } from "./trigger-decision.ts";
import { type PeerCase, setOf, type Verdict } from "./verdict.ts";

export interface EvaluationCase extends PeerCase {
  readonly kind: "depends-evaluation";
  /** `depends`: an expression, null, or `group[<members>]`. */
  readonly graph: { readonly nodes: readonly { readonly id: string; readonly depends: string | null }[] };
  readonly steps: readonly {
    /** By task or member: a phase; `Succeeded(group B-1,B-2)` names the members of a group. */
    readonly states: Readonly<Record<string, string>>;
    readonly evaluate: string;
    readonly expected: { readonly proceed: boolean; readonly execute: boolean };
  }[];
}

export interface ExpansionCase extends PeerCase {
  readonly kind: "depends-expansion";
  readonly depends: string;
  readonly upstreamOptions: Readonly<Record<string, { readonly continueOn: readonly string[] }>>;
  readonly expected: { readonly expanded: string; readonly upstreams: readonly string[] };
}

export async function compareEvaluation({ graph, steps }: EvaluationCase): Promise<Verdict> {
  const peer: unknown[] = [];
  const belay: unknown[] = [];
  for (const { states, evaluate, expected } of steps) {
    const depends = graph.nodes.find(({ id }) => id === evaluate)?.depends ?? "";
    const parsed = parseDepends(depends);
    if (parsed === undefined) return { noCounterpart: "an expression over a fan-out and other terms" };
    peer.push(expected);
    belay.push(await evaluated(evaluate, parsed, (id) => upstreamOf(id, states, graph)));
  }
  const side = (which: readonly unknown[], name: string): unknown[] =>
    which.map((one) => (one as Record<string, unknown>)[name]);
  return {
    facts: Object.fromEntries(
      ["proceed", "execute"].map((name) => [name, { peer: side(peer, name), belay: side(belay, name) }]),
    ),
  };
}

interface Depends {
  readonly upstreams: readonly string[];
  readonly trigger: Trigger;
  /** For mixed terms: all of the expression, over the statuses. */
  readonly when?: string;
}

/** By "<suffix> <operator>"; a single term is joined by either. */
const TRIGGERS: Readonly<Record<string, Trigger>> = {
  " &&": "all_succeeded",
  " ||": "any_succeeded",
  "Failed &&": "all_failed",
  "Failed ||": "any_failed",
  "!Failed &&": "none_failed",
  "AnySucceeded ||": "any_succeeded",
  "AllFailed &&": "all_failed",
};

/** CEL for one term; groups and daemons have none. */
const STATUSES: Readonly<Record<string, (status: string) => string>> = {
  "": (status) => `(${status} == "SUCCESSFUL" || ${status} == "SKIPPED")`,
  Succeeded: (status) => `${status} == "SUCCESSFUL"`,
  Failed: (status) => `${status} == "FAILED"`,
  Skipped: (status) => `${status} == "SKIPPED"`,
};

/** A trigger where the terms are alike, else a condition once all have ended; undefined when neither says it. */
export function parseDepends(text: string): Depends | undefined {
  return triggerOf(text) ?? conditionOf(text);
}

function conditionOf(text: string): Depends | undefined {
  const terms = [...text.matchAll(TERM)].map(([, name = "", suffix = ""]) => ({ name, suffix }));
  if (terms.some(({ suffix }) => STATUSES[suffix] === undefined)) return undefined;
  const when = text.replaceAll(
    TERM,
    (_, name: string, suffix: string | undefined) => `(${STATUSES[suffix ?? ""]?.(`nodes["${name}"].status`)})`,
  );
  return { upstreams: setOf(terms.map(({ name }) => name)), trigger: "all_finished", when };
}

const TERM = /([\w-]+)(?:\.(\w+))?/g;

/** Undefined when the terms are not alike. */
function triggerOf(text: string): Depends | undefined {
  const operators = setOf(text.match(/&&|\|\|/g) ?? []);
  const terms = text.split(/&&|\|\|/).map((term) => /^(!?)([\w-]+)(?:\.(\w+))?$/.exec(term.trim()));
  const kinds = setOf(terms.map((term) => `${term?.[1] ?? "?"}${term?.[3] ?? ""}`));
  if (operators.length > 1 || kinds.length > 1 || terms.includes(null)) return undefined;
  const candidates =
    operators.length === 1 ? operators : kinds[0] === "Failed" || kinds[0] === "AnySucceeded" ? ["||"] : ["&&"];
  const trigger = TRIGGERS[`${kinds[0]} ${candidates[0]}`];
  return trigger && { upstreams: terms.map((term) => term?.[2] ?? ""), trigger };
}

/** An upstream in the state that the case gives it. */
interface Upstream {
  readonly node: Partial<NodeDocument>;
  readonly scripts: Readonly<Record<string, NodeScript>>;
}

const RUNS: Readonly<Record<string, string>> = { Succeeded: "ok", Failed: "fail", Running: "hang" };

function upstreamOf(id: string, states: Readonly<Record<string, string>>, graph: EvaluationCase["graph"]): Upstream {
  const declared = graph.nodes.find((node) => node.id === id)?.depends ?? "";
  const members = /group[[ ]([^\])]*)/.exec(`${declared} ${states[id] ?? ""}`)?.[1]?.split(",");
  // What the case does not mention has not come to anything.
  const run = (one: string): string => RUNS[states[one] ?? "Running"] ?? "hang";
  if (members !== undefined) {
    const scripts = members.map((member, place) => [`${id}[${place}]`, { run: run(member) }]);
    return { node: { split: { over: `params.${id}` } }, scripts: Object.fromEntries(scripts) };
  }
  if (states[id] === "Skipped") return { node: { when: "false" }, scripts: {} };
  return { node: {}, scripts: { [id]: { run: run(id) } } };
}

async function evaluated(
  id: string,
  { upstreams, trigger, when }: Depends,
  of: (id: string) => Upstream,
): Promise<unknown> {
  const above = upstreams.map((upstream) => [upstream, of(upstream)] as const);
  const groups = above.filter(([, { node }]) => node.split !== undefined);
  const params = Object.fromEntries(groups.map(([name, { scripts }]) => [name, Object.keys(scripts)]));
  const properties = Object.fromEntries(groups.map(([name]) => [name, { type: "array" }]));
  const document: PlanDocument = {
    belay: 1,
    name: "peer",
    failureMode: "continue",
    params: { type: "object", properties },
    nodes: [
      ...above.map(([name, { node }]): NodeDocument => ({ id: name, action: "do", ...node })),
      { id, action: "do", upstreams, trigger, ...(when === undefined ? {} : { when }) },
    ],
  };
  const scripts = Object.assign({}, ...above.map(([, upstream]) => upstream.scripts)) as Record<string, NodeScript>;
  const play = await openPlay({ document, scripts, params });
  const rest = await play.play();
  play.judge(rest);
  await play.close();
  const execute = play.rig.started().includes(id);
  const skipped = play.rig.trace.some(
    (entry) => entry.kind === "event" && entry.event.type === "node:skipped" && entry.event.nodeId === id,
  );
  return { proceed: execute || skipped || rest !== undefined, execute };
}

/** The ends of the upstream after which the node starts. */
export async function compareExpansion({ depends, upstreamOptions, expected }: ExpansionCase): Promise<Verdict> {
  const parsed = parseDepends(depends);
  const upstream = parsed?.upstreams[0];
  if (parsed === undefined || upstream === undefined)
    return { noCounterpart: "an expression over a fan-out and other terms" };
  const tolerant = (upstreamOptions[upstream]?.continueOn.length ?? 0) > 0;
  const accepts: string[] = [];
  // Belay has one kind of failure where Argo has two, and nothing that stays up while others build on it.
  for (const [end, run] of [
    ["Succeeded", "ok"],
    ["Skipped", "skip"],
    ["Errored", "fail"],
    ["Failed", "fail"],
  ] as const) {
    const node: Partial<NodeDocument> = {
      ...(tolerant ? { onFailure: "continue" } : {}),
      ...(run === "skip" ? { when: "false" } : {}),
    };
    const script = run === "skip" ? {} : { [upstream]: { run } };
    const decision = (await evaluated("below", parsed, () => ({ node, scripts: script }))) as { execute: boolean };
    if (decision.execute) accepts.push(end);
  }
  const peer = [...expected.expanded.matchAll(/\.(\w+)/g)].map(([, end = ""]) => end);
  return {
    facts: {
      upstreams: { peer: setOf(expected.upstreams), belay: setOf(parsed.upstreams) },
      accepts: { peer: setOf(peer), belay: setOf(accepts) },
    },
  };
}
