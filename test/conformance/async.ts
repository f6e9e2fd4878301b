/**
 * async.auto's cases (R3, R10, R14). Owns: which facts of a case are compared; the mapping to plans is that of
 * `promise-graph.ts`, and every node reads the outputs of all its ancestors, which is all that a plan lets it read.
 * Times are not compared, only the order of the ends that follow from the durations.
 */
import type { PlanDocument } from "@belay/engine";
import { type CasePlay, openPlay } from "./case-play.ts";
import {
  buildFacts,
  completionOrder,
  leftRunning,
  notRun,
  type PromiseCase,
  type PromiseNode,
  promisePlan,
  promiseSetting,
} from "./promise-graph.ts";
import { factsOf, type Suite, setOf, type Verdict } from "./verdict.ts";

interface AsyncMeasured {
  readonly buildError?: string;
  readonly events: readonly string[];
  readonly completionOrder: readonly string[];
  readonly settled: { readonly error: string | null; readonly keys: readonly string[] } | null;
  readonly settledTimes: number;
  readonly eventsBeforeSettle: number | null;
  readonly inputs: Readonly<Record<string, readonly string[]>>;
}

export const ASYNC: Suite<PromiseCase> = { name: "async", size: 18, compare };

async function compare(given: PromiseCase): Promise<Verdict> {
  const measured = given.measured as unknown as AsyncMeasured;
  const plain = promisePlan(given);
  const { refused } = buildFacts(plain);
  if (measured.buildError !== undefined || refused)
    return { facts: { refused: { peer: measured.buildError !== undefined, belay: refused } } };
  return played(given, measured, promisePlan(given, readingAncestors(given.graph.nodes)));
}

async function played(given: PromiseCase, measured: AsyncMeasured, document: PlanDocument): Promise<Verdict> {
  const play = await openPlay(promiseSetting(given, document));
  const snapshot = await play.play();
  play.judge(snapshot);
  const limit = given.expected["maxConcurrencyAtMost"];
  const started = setOf(play.rig.started());
  const inputs = inputsOf(play);
  const both = started.filter((id) => Object.hasOwn(measured.inputs, id));
  const ended = snapshot?.nodes.filter(({ status }) => status === "SUCCESSFUL" || status === "FAILED") ?? [];
  const ends = play.rig.trace.filter(
    (entry) => entry.kind === "event" && /^run:(succeeded|failed)$/.test(entry.event.type),
  );
  const { events, eventsBeforeSettle, settled } = measured;
  const facts = factsOf({
    ran: { peer: setOf(Object.keys(measured.inputs)), belay: started },
    "not run": notRun(given, play),
    "first failure": { peer: given.expected["rejects"], belay: firstFailure(play) },
    completions: { peer: measured.completionOrder, belay: completionOrder(play) },
    settles: { peer: measured.settledTimes, belay: ends.length },
    run: {
      peer: settled === null ? undefined : settled.error === null ? "SUCCESSFUL" : "FAILED",
      belay: snapshot?.status,
    },
    results: { peer: settled === null ? undefined : setOf(settled.keys), belay: setOf(ended.map(({ id }) => id)) },
    inputs: { peer: pick(measured.inputs, both), belay: pick(inputs, both) },
    "left running": {
      peer: eventsBeforeSettle === null ? undefined : leftRunning(events, eventsBeforeSettle),
      belay: play.rig.pending.length,
    },
    limit: { peer: limit === undefined ? undefined : true, belay: play.concurrency <= Number(limit) },
  });
  await play.close();
  return { facts };
}

/** Each node's `with` names the outputs of its ancestors. */
function readingAncestors(
  nodes: readonly PromiseNode[],
): (node: PromiseNode) => { with?: Record<string, { $cel: string }> } {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const ancestors = (id: string): string[] =>
    (byId.get(id)?.upstreams ?? []).flatMap((upstream) => [upstream, ...ancestors(upstream)]);
  return ({ id }) => {
    const above = setOf(ancestors(id));
    if (above.length === 0) return {};
    return { with: Object.fromEntries(above.map((one) => [one, { $cel: `nodes.${one}.output` }])) };
  };
}

function firstFailure({ rig }: CasePlay): string | undefined {
  const [first] = rig.trace.flatMap((entry) =>
    entry.kind === "event" && entry.event.type === "node:failed" ? [entry.event.nodeId] : [],
  );
  return first;
}

/** By node: whose results its action was given. */
function inputsOf({ rig }: CasePlay): Record<string, readonly string[]> {
  return Object.fromEntries(rig.contexts.map(({ nodeId, input }) => [nodeId, setOf(Object.keys(input ?? {}))]));
}

function pick<T>(record: Readonly<Record<string, T>>, keys: readonly string[]): Record<string, T | undefined> {
  return Object.fromEntries(keys.map((key) => [key, record[key]]));
}
