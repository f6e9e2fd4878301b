/**
 * p-graph's and async.auto's cases as plans: both run functions in the order of a graph, stop at the first failure, and
 * know no undoing. Owns: the mapping of their graphs, policies and durations.
 *
 * Mapping: node -> node with action "do"; duration -> ticks; `concurrency` -> the engine's; `continue-independent` ->
 * `failureMode: continue`, everything else -> `no-new`; own `priority` -> `priority`; an edge to nowhere -> `downstreams`.
 */
import type { NodeDocument, PlanDocument } from "@belay/engine";
import type { Scripts, TraceEntry } from "@belay/engine/testing";
import { type CasePlay, refusalsOf, type Setting } from "./case-play.ts";
import type { Fact, PeerCase } from "./verdict.ts";

export interface PromiseNode {
  readonly id: string;
  readonly upstreams: readonly string[];
  readonly behaviour: "ok" | "fail" | "hang";
  readonly priority?: number;
  readonly durationTicks?: number;
  readonly durationMs?: number;
  /** async: ends before its call returns. */
  readonly sync?: boolean;
}

export interface PromiseCase extends PeerCase {
  readonly graph: {
    readonly nodes: readonly PromiseNode[];
    readonly danglingEdges?: readonly (readonly [string, string])[];
  };
  readonly policy: { readonly onFailure: string; readonly concurrency: number | null };
  readonly expected: Readonly<Record<string, unknown>>;
  readonly measured: Readonly<Record<string, unknown>>;
}

/** The case as a plan; `more` adds to a node. */
export function promisePlan(
  given: PromiseCase,
  more: (node: PromiseNode) => Partial<NodeDocument> = () => ({}),
): PlanDocument {
  const { nodes, danglingEdges = [] } = given.graph;
  const failureMode = given.policy.onFailure === "continue-independent" ? "continue" : "no-new";
  return {
    belay: 1,
    name: "peer",
    failureMode,
    nodes: nodes.map((node): NodeDocument => {
      const { id, upstreams, priority } = node;
      const nowhere = danglingEdges.filter(([from]) => from === id).map(([, to]) => to);
      const known = nodes.filter((below) => below.upstreams.includes(id)).map((below) => below.id);
      return {
        id,
        action: "do",
        upstreams,
        ...(priority === undefined ? {} : { priority }),
        ...(nowhere.length === 0 ? {} : { downstreams: [...known, ...nowhere] }),
        ...more(node),
      };
    }),
  };
}

/** How the case is played. */
export function promiseSetting(given: PromiseCase, document: PlanDocument): Setting {
  const nodes = new Map(given.graph.nodes.map((node) => [node.id, node]));
  const scripts: Scripts = Object.fromEntries(given.graph.nodes.map(({ id, behaviour }) => [id, behaviour]));
  const ticksOf = (id: string): number => {
    const node = nodes.get(id);
    if (node?.sync === true) return 0;
    // A timer of 0 ms still fires later than what ends at once.
    return node?.durationTicks ?? (node?.durationMs || 0.5);
  };
  return { document, scripts, concurrency: given.policy.concurrency, ticksOf };
}

/** Whether the plan is refused, and the cycle that is named: its nodes, sorted. */
export function buildFacts(document: PlanDocument): { readonly refused: boolean; readonly cycle: readonly string[] } {
  const refusals = refusalsOf(document);
  const named = refusals.find(({ code }) => code === "CYCLE")?.message ?? "";
  const ids = document.nodes.map(({ id }) => id);
  const words: readonly string[] = named.match(/[A-Za-z0-9._-]+/g) ?? [];
  return { refused: refusals.length > 0, cycle: ids.filter((id) => words.includes(id)).sort() };
}

/** The nodes that succeeded, in the order of their ends. */
export function completionOrder({ rig }: CasePlay): readonly string[] {
  return rig.trace.flatMap((entry) => (entry.kind === "end" && entry.ok ? [entry.node] : []));
}

/** Of what the peer's test says must not run: what has not. */
export function notRun({ expected }: PromiseCase, { rig }: CasePlay): Fact {
  const named = expected["notRun"] as readonly string[] | undefined;
  return { peer: named, belay: named?.filter((id) => !rig.started().includes(id)) };
}

/** Place in the trace of the first start or end of a node; -1 when there is none. */
export function placeOf(trace: readonly TraceEntry[], kind: "start" | "end", node: string): number {
  return trace.findIndex((entry) => entry.kind === kind && entry.node === node);
}

/** Calls that were running when the peer said that it was done, of its events "<node> start|end|fail". */
export function leftRunning(events: readonly string[], eventsBeforeSettle: number): number {
  const seen = events.slice(0, eventsBeforeSettle);
  const count = (suffix: RegExp): number => seen.filter((event) => suffix.test(event)).length;
  return count(/ start$/) - count(/ (end|fail)$/);
}
