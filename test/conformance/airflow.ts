/**
 * Airflow's trigger rules (R10, R12, R15). Owns: which rule is which trigger, the reading of counts, and small graphs.
 *
 * Mapping: `runnable` = the trigger holds; `newState` = it never can; neither = it waits. Where the peer was asked not to
 * set a state (`propagate: false`) only `runnable` is compared. A rule without a trigger is a trigger and a `when`. In graphs a skipped task -> `when: "false"`, a setup task
 * -> an ordinary node; the states none and upstream_failed are "not started", since a node below a failure rests PENDING.
 */
import type { NodeDocument, PlanDocument } from "@belay/engine";
import { type CasePlay, openPlay } from "./case-play.ts";
import {
  type Decision,
  decidedByCore,
  decidedByRun,
  type EndCounts,
  type Rule,
  type Trigger,
} from "./trigger-decision.ts";
import { factsOf, type PeerCase, type Suite, setOf, type Verdict } from "./verdict.ts";

interface DecisionCase extends PeerCase {
  readonly kind: "trigger-rule-decision";
  readonly rule: string;
  readonly upstreamCount: number;
  readonly upstreamStates: Readonly<Record<"success" | "skipped" | "failed" | "upstream_failed" | "removed", number>>;
  readonly propagate: boolean;
  readonly countsConsistent: boolean;
  readonly expected: { readonly runnable: boolean; readonly newState: string | null };
}

interface GraphStep {
  /** What has come to these tasks when the step is looked at. */
  readonly setStates?: Readonly<Record<string, string>>;
  /** Tasks that end well before the step is looked at. */
  readonly complete?: readonly string[];
  readonly expectRunnable?: readonly string[];
  readonly expectStates?: Readonly<Record<string, string | null>>;
  readonly expectRun?: string;
}

interface GraphCase extends PeerCase {
  readonly kind: "graph";
  readonly graph: {
    readonly nodes: readonly {
      readonly id: string;
      readonly upstreams: readonly string[];
      readonly triggerRule?: string;
    }[];
  };
  readonly steps: readonly GraphStep[];
}

export type AirflowCase = DecisionCase | GraphCase;

export const AIRFLOW: Suite<AirflowCase> = {
  name: "airflow",
  size: 100,
  compare: (given) => (given.kind === "graph" ? compareGraph(given) : compareDecision(given)),
};

/** Airflow's rule -> our trigger. */
export const RULES: Readonly<Record<string, Trigger>> = {
  all_success: "all_succeeded",
  all_done: "all_finished",
  one_success: "any_succeeded",
  one_failed: "any_failed",
  all_failed: "all_failed",
  none_failed: "none_failed",
};

/** Airflow's rule -> what a plan says instead: it waits, then asks the statuses. One rule is left: one_done. */
export const RECIPES: Readonly<Record<string, Rule>> = {
  none_failed_min_one_success: { trigger: "none_failed", when: (ids) => oneOf(ids, '== "SUCCESSFUL"') },
  // Despite its name it is not satisfied by what was skipped, either.
  all_done_min_one_success: {
    trigger: "all_finished",
    when: (ids) => `(${oneOf(ids, '== "SUCCESSFUL"')}) && !(${oneOf(ids, '== "SKIPPED"')})`,
  },
  all_skipped: { trigger: "all_finished", when: (ids) => `!(${oneOf(ids, '!= "SKIPPED"')})` },
  none_skipped: { trigger: "all_finished", when: (ids) => `!(${oneOf(ids, '== "SKIPPED"')})` },
};

/** CEL: the status of one of the nodes at least is so. */
function oneOf(ids: readonly string[], comparison: string): string {
  return ids.map((id) => `nodes.${id}.status ${comparison}`).join(" || ");
}

/** What the peer decides. A state that is set ends the task, even where the rest of the rule would let it run. */
export function decidedByPeer(runnable: boolean, newState: string | null): Decision {
  if (newState !== null) return "never";
  return runnable ? "holds" : "wait";
}

async function compareDecision(given: DecisionCase): Promise<Verdict> {
  const { rule, upstreamCount, upstreamStates: states, propagate, expected } = given;
  const trigger = RULES[rule];
  if (!given.countsConsistent) return { noCounterpart: "the peer's test counts states that no graph can be in" };
  const said = trigger === undefined ? RECIPES[rule] : { trigger };
  if (said === undefined) return { noCounterpart: `nothing in a plan says ${rule}` };
  if (states.removed > 0) return { noCounterpart: "a list is bound at expansion: no member is removed" };
  // An upstream below a failure has not ended: it rests PENDING until somebody retries (R14).
  const counts: EndCounts = {
    total: upstreamCount,
    succeeded: states.success,
    skipped: states.skipped,
    failed: states.failed,
  };
  const peer = decidedByPeer(expected.runnable, expected.newState);
  const decision = (ours: Decision): { peer: unknown; belay: unknown } =>
    propagate ? { peer, belay: ours } : { peer: expected.runnable, belay: ours === "holds" };
  const run = decision(await decidedByRun(said, counts));
  return { facts: trigger === undefined ? { run } : { core: decision(decidedByCore(trigger, counts)), run } };
}

async function compareGraph({ graph, steps }: GraphCase): Promise<Verdict> {
  const unknown = graph.nodes.find(({ triggerRule }) => triggerRule !== undefined && RULES[triggerRule] === undefined);
  if (unknown !== undefined) return { noCounterpart: `no trigger says ${unknown.triggerRule}` };
  const states = Object.assign({}, ...steps.map(({ setStates }) => setStates)) as Record<string, string>;
  const play = await openPlay({ document: documentOf(graph.nodes, states), scripts: scriptsOf(states) });
  const peer: GraphStep[] = [];
  const belay: Record<string, unknown>[] = [];
  for (const step of steps) {
    for (const id of step.complete ?? []) await play.finish(id);
    if (step.setStates !== undefined) await reach(play, step.setStates);
    peer.push(step);
    belay.push(seen(play, step));
  }
  const rest = await play.play();
  play.judge(rest);
  await play.close();
  const side = (name: string): unknown[] | undefined =>
    belay.some((step) => step[name] !== undefined) ? belay.map((step) => step[name]) : undefined;
  const runs = steps.flatMap(({ expectRun }) =>
    expectRun === undefined ? [] : [expectRun === "success" ? "SUCCESSFUL" : "FAILED"],
  );
  return {
    facts: factsOf({
      runnable: {
        peer: side("runnable") && peer.map(({ expectRunnable }) => expectRunnable && setOf(expectRunnable)),
        belay: side("runnable"),
      },
      states: { peer: side("states") && peer.map(statesOf), belay: side("states") },
      run: { peer: runs.length === 0 ? undefined : runs, belay: [rest?.status] },
    }),
  };
}

function documentOf(nodes: GraphCase["graph"]["nodes"], states: Readonly<Record<string, string>>): PlanDocument {
  return {
    belay: 1,
    name: "peer",
    nodes: nodes.map(({ id, upstreams, triggerRule = "all_success" }): NodeDocument => {
      const trigger = RULES[triggerRule] as Trigger;
      return { id, action: "do", upstreams, trigger, ...(states[id] === "skipped" ? { when: "false" } : {}) };
    }),
  };
}

function scriptsOf(states: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(states).map(([id, state]) => [id, state === "failed" ? "fail" : "ok"]));
}

/** Ends what the states say has ended, as far as the run gets there. */
async function reach(play: CasePlay, states: Readonly<Record<string, string>>): Promise<void> {
  for (const id of Object.keys(states)) if (play.rig.pending.some((call) => call.node === id)) await play.finish(id);
}

const NOT_STARTED = "not started";
const STATES: Readonly<Record<string, string>> = {
  success: "SUCCESSFUL",
  failed: "FAILED",
  skipped: "SKIPPED",
  upstream_failed: NOT_STARTED,
  null: NOT_STARTED,
};

/** Asked states in our words; a step that only sets states asks for those of the tasks it sets. */
function statesOf({ expectStates, expectRun, setStates }: GraphStep): Record<string, string | undefined> | undefined {
  const asked = expectStates ?? (expectRun === undefined ? undefined : setStates);
  return asked && Object.fromEntries(Object.entries(asked).map(([id, state]) => [id, STATES[String(state)]]));
}

function seen({ run, rig }: CasePlay, step: GraphStep): Record<string, unknown> {
  const asked = statesOf(step);
  const nodes = new Map(run.snapshot().nodes.map((node) => [node.id, node]));
  const state = (id: string): string | undefined => {
    const node = nodes.get(id);
    return node?.started === false && node.status !== "SKIPPED" ? NOT_STARTED : node?.status;
  };
  return {
    runnable: step.expectRunnable && setOf(rig.pending.map(({ node }) => node)),
    states: asked && Object.fromEntries(Object.keys(asked).map((id) => [id, state(id)])),
  };
}
