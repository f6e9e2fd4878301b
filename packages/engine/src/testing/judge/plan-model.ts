/**
 * The plan as the judge sees it: one record per declared node, derived from the document by the contract alone. Owns:
 * reachability, declared order (R11, R13), what a node needs undone (R30, R31), what its group tolerates (R21).
 * Shares no code with the compiler or the core on purpose: it is the other opinion.
 * Made once per document and kept, so that a plan that is played a thousand times is read once. Sized for plans of a few
 * hundred nodes: reachability is a list per node.
 */
import type { FailureMode, NodeDocument, PlanDocument, Trigger } from "../../plan/document.ts";

/** One declared node. Numbers are places in `PlanModel.nodes`, which are places in the document. */
export interface ModelNode {
  readonly place: number;
  readonly id: string;
  readonly document: NodeDocument;
  readonly upstreams: readonly number[];
  /** All nodes above, and all nodes below. */
  readonly ancestors: readonly number[];
  readonly descendants: readonly number[];
  /** Given, or assigned 0..n-1 in topological order, ties by place in the plan (R13). */
  readonly seriesId: number;
  /**
   * Labels of one kind can be compared. How given and assigned ones mix, and where a group with a given label really stands,
   * depends on lists that only the run knows (R24): the reference model tells, the judge does not guess.
   */
  readonly labelOf: "given" | "assigned" | "unsure";
  readonly priority: number;
  readonly trigger: Trigger;
  /** The trigger accepts failures: such a node starts even while a failure holds everything else (R14). */
  readonly reacts: boolean;
  /** Exactly this many attempts in a round (R25). */
  readonly maxAttempts: number;
  readonly method: "PARALLEL" | "SERIAL" | "FIRST_SUCCESS" | undefined;
  /** Members at once; Infinity = no limit of the group's own. */
  readonly maxConcurrency: number;
  /** The group's list is known only at run time (R23). */
  readonly dynamic: boolean;
  /** `onFailure: continue`. */
  readonly tolerated: boolean;
  readonly prohibits: boolean;
  /** The compensation, if any, covers: every started attempt, or successes only (R31). */
  readonly undoes: "started" | "succeeded" | undefined;
  /** The pool whose slots it takes; "" is the engine's own (R41). */
  readonly pool: string;
  /** Milliseconds of one attempt, of all of a round, without a heartbeat; 0 = no end. */
  readonly timeoutMs: number;
  readonly totalTimeoutMs: number;
  readonly heartbeatMs: number;
  /** `belay.wait`: so long at least, as far as the plan says it in a number; otherwise 0. */
  readonly waitMs: number;
  /** `belay.approval`: so many people at least; 0 for other nodes. */
  readonly approvals: number;
  /** A teardown: places of the nodes it cleans up after (R2). */
  readonly setups: readonly number[] | undefined;
  /** retry.mode: compensate-first: what an attempt left is undone before the next one (R25). */
  readonly undoneFirst: boolean;
  /** It may be undone without a rollback: between two attempts (R25), or before the next candidate (R21). */
  readonly undoneOnTheWay: boolean;
}

export interface PlanModel {
  readonly document: PlanDocument;
  readonly nodes: readonly ModelNode[];
  readonly placeOf: ReadonlyMap<string, number>;
  readonly failureMode: FailureMode;
  readonly hasTeardowns: boolean;
  /** Milliseconds of the run, from its start or from going forward again; Infinity = no end. */
  readonly timeoutMs: number;
}

const MODELS = new WeakMap<PlanDocument, PlanModel>();

/** The model of a valid plan document. Throws on a cycle or an unknown upstream. */
export function planModel(document: PlanDocument): PlanModel {
  let model = MODELS.get(document);
  if (model === undefined) {
    model = buildModel(document);
    MODELS.set(document, model);
  }
  return model;
}

function buildModel(document: PlanDocument): PlanModel {
  const placeOf = new Map(document.nodes.map(({ id }, place) => [id, place]));
  const order = topologicalOrder(document);
  const ancestors = new Map<string, Set<string>>();
  const descendants = new Map<string, Set<string>>(order.map((id) => [id, new Set()]));
  for (const id of order) {
    const above = new Set<string>();
    for (const upstream of document.nodes[placeOf.get(id) as number]?.upstreams ?? []) {
      above.add(upstream);
      for (const higher of ancestors.get(upstream) ?? []) above.add(higher);
    }
    ancestors.set(id, above);
    for (const higher of above) descendants.get(higher)?.add(id);
  }
  const places = (ids: Iterable<string>): number[] => Array.from(ids, (id) => placeOf.get(id) as number);
  const nodes = document.nodes.map(
    (node, place): ModelNode => ({
      ...factsOf(node, document),
      place,
      upstreams: places(node.upstreams ?? []),
      setups: node.always === undefined ? undefined : places(node.always.for),
      ancestors: places(ancestors.get(node.id) ?? []),
      descendants: places(descendants.get(node.id) ?? []),
      seriesId: node.seriesId ?? order.indexOf(node.id),
      labelOf: node.seriesId === undefined ? "assigned" : node.split === undefined ? "given" : "unsure",
    }),
  );
  return {
    document,
    nodes,
    placeOf,
    failureMode: document.failureMode ?? "no-new",
    hasTeardowns: nodes.some(({ setups }) => setups !== undefined),
    timeoutMs: (document.timeout ?? 0) > 0 ? (document.timeout as number) * 1000 : Number.POSITIVE_INFINITY,
  };
}

type Facts = Omit<ModelNode, "place" | "upstreams" | "setups" | "ancestors" | "descendants" | "seriesId" | "labelOf">;

/** What the node's own fields say. */
function factsOf(node: NodeDocument, { defaults }: PlanDocument): Facts {
  const trigger = node.trigger ?? "all_succeeded";
  const { split, compensation } = node;
  const method = split === undefined ? undefined : (split.method ?? "PARALLEL");
  const undoneFirst = (node.retry ?? defaults?.retry)?.mode === "compensate-first";
  const undoable = compensation !== undefined && node.effect !== "none";
  return {
    id: node.id,
    document: node,
    priority: node.priority ?? 0,
    trigger,
    reacts: trigger === "all_finished" || trigger === "any_failed" || trigger === "all_failed",
    maxAttempts: (node.retry ?? defaults?.retry)?.maxAttempts ?? 1,
    method,
    maxConcurrency: split?.maxConcurrency ?? Number.POSITIVE_INFINITY,
    dynamic: split !== undefined && /\bnodes\b/.test(split.over),
    tolerated: node.onFailure === "continue",
    prohibits: node.prohibitRollback === true,
    undoes: undoable ? (compensation.when ?? "started") : undefined,
    undoneFirst,
    undoneOnTheWay: undoneFirst || method === "FIRST_SUCCESS",
    pool: WAITING.has(node.action) ? "belay.waiting" : (node.pool ?? ""),
    timeoutMs: (node.timeout ?? defaults?.timeout ?? 0) * 1000,
    totalTimeoutMs: (node.totalTimeout ?? 0) * 1000,
    heartbeatMs: (node.heartbeatTimeout ?? 0) * 1000,
    waitMs: node.action === "belay.wait" ? numberOf(node, "seconds", 0) * 1000 : 0,
    approvals: node.action === "belay.approval" ? numberOf(node, "required", 1) : 0,
  };
}

/** Built-in actions that take no slot (R2). */
const WAITING: ReadonlySet<string> = new Set(["belay.wait", "belay.approval", "belay.signal"]);

/** A field of `with` that is a number in the plan; what an expression makes it is not known here. */
function numberOf({ with: input }: NodeDocument, field: string, otherwise: number): number {
  const value = (input as Readonly<Record<string, unknown>> | undefined)?.[field];
  return typeof value === "number" ? value : otherwise;
}

/** Upstreams before downstreams; among the free ones the first in the plan comes first. */
function topologicalOrder(document: PlanDocument): string[] {
  const waiting = new Map(document.nodes.map((node) => [node.id, new Set(node.upstreams ?? [])]));
  const order: string[] = [];
  while (waiting.size > 0) {
    const free = [...waiting].find(([, upstreams]) => upstreams.size === 0)?.[0];
    if (free === undefined)
      throw new Error(`the plan has a cycle or an unknown upstream among ${[...waiting.keys()].join(", ")}`);
    waiting.delete(free);
    for (const upstreams of waiting.values()) upstreams.delete(free);
    order.push(free);
  }
  return order;
}

/** The parts of a snapshot's id: `group[2]` is member 2 of `group`; a plain node has index -1. */
export function splitId(id: string): { readonly declared: string; readonly index: number } {
  const open = id.indexOf("[");
  return open < 0
    ? { declared: id, index: -1 }
    : { declared: id.slice(0, open), index: Number(id.slice(open + 1, -1)) };
}

/** How many of `members` may fail without failing the group (R2 `tolerated`). */
export function toleratedFailures({ document }: ModelNode, members: number): number {
  const tolerated = document.split?.tolerated ?? 0;
  if (typeof tolerated === "number") return tolerated;
  // 29 % of 100 is 28.999999999999996 in floating point.
  return Math.floor((Number.parseFloat(tolerated) / 100) * members + 1e-9);
}

/** The name under which a checker reports: lets a reader find the rule. */
export type Rule = `R${number}` | `I${number}`;

/** One broken promise. `message` starts with the rule. */
export interface Violation {
  readonly rule: Rule;
  readonly message: string;
}

/** Where checkers write what they find: the text, without its rule, is built only when something is wrong. */
export type Report = (rule: Rule, what: string) => void;
