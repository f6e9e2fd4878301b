/**
 * Plan -> program: the typed arrays the core runs on (`compiled.ts`) and, beside them, the expressions the runtime
 * evaluates. Owns: the edges as CSR, rank (R11), what is evaluated for a node. Does not own: checking; a plan that gets here
 * is valid (R3), so anything else is INTERNAL. What nodes have in common is in `kinds.ts`.
 * Cost: linear in nodes and edges but for the sorts that labels and priorities ask for; nodes without expressions have no
 * object of their own.
 */
import { assert } from "../errors.ts";
import type { Adjacency } from "./adjacency.ts";
import type { CompiledPlan, CompiledTeardown } from "./compiled.ts";
import type { Json, NodeDocument, Plan, PlanDocument } from "./document.ts";
import { type CompiledExpression, compileExpression } from "./expression.ts";
import { KIND_FIELDS, Kinds, type KindTables } from "./kinds.ts";
import type { Limits } from "./limits.ts";
import { NodeField, type NodeFields } from "./node-fields.ts";
import { type Outline, outlineOf } from "./outline.ts";
import { labelByPlace, labelInOrder, type SeriesIds } from "./series.ts";
import { milliseconds } from "./tables.ts";
import { type CompiledTemplate, compileTemplate } from "./template.ts";

/** What the runtime evaluates for one node. Absent = the node has none. */
export interface CompiledNode {
  /** `when`. */
  readonly condition?: CompiledExpression;
  /** `with`. */
  readonly input?: CompiledTemplate;
  /** `split.over` of a group that expands at run time (R23). */
  readonly over?: CompiledExpression;
  /** `compensation.with`; absent = the node's own input. */
  readonly compensationInput?: CompiledTemplate;
  /** Error codes that end the node's attempts, `defaults` applied. */
  readonly nonRetryable: readonly string[];
  readonly compensationNonRetryable: readonly string[];
}

export interface CompiledProgram {
  readonly compiled: CompiledPlan;
  /** Ids by node number. */
  readonly ids: readonly string[];
  /** First series id of every node (R13, R24). */
  readonly series: Int32Array;
  /** First series id after the highest in use. */
  readonly nextSeries: number;
  readonly document: PlanDocument;
  /** Number of the node with that id; -1 when there is none. */
  indexOf(id: string): number;
  /** What to evaluate for node `v`; nodes that say nothing of their own share one object. */
  detailsOf(v: number): CompiledNode;
}

/** Labels and node numbers share one float in `sorted`. */
const MAX_SIZE = 2 ** 22;
const NO_IDS: readonly string[] = Object.freeze([]);

/** Compiles a checked plan. `items` are those that `bindItems` gave for the run's parameters. */
export function compilePlan(
  plan: Plan,
  items: Readonly<Record<string, readonly Json[]>>,
  given: Limits,
): CompiledProgram {
  // A checked plan has been measured, perhaps by wider limits: its expressions are not measured again.
  const limits = { ...given, expressionLength: Number.MAX_SAFE_INTEGER, expressionNodes: Number.MAX_SAFE_INTEGER };
  const { document } = plan;
  const { nodes } = document;
  const size = nodes.length;
  assert(size <= MAX_SIZE, `a plan has at most ${MAX_SIZE} nodes`);
  const outline = outlineOf(plan);
  const { up, down, order: topological } = outline;
  const known = Object.keys(items).length > 0;
  const membersOf = (id: string): number => (known && Object.hasOwn(items, id) ? (items[id]?.length ?? -1) : -1);
  const labelled = outline.fields.any(NodeField.seriesId | NodeField.priority);
  const counts = Int32Array.from(known ? nodes : [], ({ id }) => membersOf(id));
  const labels = labelled || known ? labelInOrder(document, topological, counts) : labelByPlace(topological);
  const { kinds, details, plain } = kindsOf(document, { fields: outline.fields, membersOf, limits });
  const whole = wholePlan(document, outline);
  const ranking = labelled || known ? rankingOf(nodes, labels) : { rank: labels.series, order: topological };
  const compiled = new PlanArrays({ up, down, ranking, kinds: kinds.compiled(), whole });
  return new Program({ compiled, document, labels, outline, details, plain });
}

/** From what `PlanArrays` is made. */
interface Arrays {
  readonly up: Adjacency;
  readonly down: Adjacency;
  readonly ranking: Ranking;
  readonly kinds: KindTables;
  readonly whole: WholePlan;
}

/** A class, so that all plans have one shape: the core reads these fields at every step. */
class PlanArrays implements CompiledPlan {
  readonly size: number;
  readonly upOffset: Int32Array;
  readonly upTarget: Int32Array;
  readonly downOffset: Int32Array;
  readonly downTarget: Int32Array;
  readonly rank: Int32Array;
  readonly order: Int32Array;
  readonly kind: CompiledPlan["kind"];
  readonly kinds: CompiledPlan["kinds"];
  readonly used: number;
  readonly onlyAllSucceeded: boolean;
  readonly actions: readonly string[];
  readonly pools: readonly string[];
  readonly retries: CompiledPlan["retries"];
  readonly splits: CompiledPlan["splits"];
  readonly groups: Int32Array;
  readonly teardowns: CompiledPlan["teardowns"];
  readonly failureMode: CompiledPlan["failureMode"];
  readonly onFailure: CompiledPlan["onFailure"];
  readonly runTimeoutMs: number;
  readonly prohibitRollback: boolean;

  constructor({ up, down, ranking, kinds, whole }: Arrays) {
    this.size = up.offset.length - 1;
    this.upOffset = up.offset;
    this.upTarget = up.target;
    this.downOffset = down.offset;
    this.downTarget = down.target;
    this.rank = ranking.rank;
    this.order = ranking.order;
    this.kind = kinds.kind;
    this.kinds = kinds.kinds;
    this.used = kinds.used;
    this.onlyAllSucceeded = kinds.onlyAllSucceeded;
    this.actions = kinds.actions;
    this.pools = kinds.pools;
    this.retries = kinds.retries;
    this.splits = kinds.splits;
    this.groups = kinds.groups;
    this.teardowns = whole.teardowns;
    this.failureMode = whole.failureMode;
    this.onFailure = whole.onFailure;
    this.runTimeoutMs = whole.runTimeoutMs;
    this.prohibitRollback = whole.prohibitRollback;
  }
}

/** From what `Program` is made. */
interface ProgramParts {
  readonly compiled: CompiledPlan;
  readonly document: PlanDocument;
  readonly labels: SeriesIds;
  readonly outline: Outline;
  readonly details: ReadonlyMap<number, CompiledNode>;
  readonly plain: CompiledNode;
}

class Program implements CompiledProgram {
  readonly compiled: CompiledPlan;
  readonly document: PlanDocument;
  readonly series: Int32Array;
  readonly nextSeries: number;
  readonly indexOf: (id: string) => number;
  readonly detailsOf: (v: number) => CompiledNode;
  readonly #outline: Outline;

  constructor({ compiled, document, labels, outline, details, plain }: ProgramParts) {
    this.compiled = compiled;
    this.document = document;
    this.series = labels.series;
    this.nextSeries = labels.next;
    this.#outline = outline;
    this.indexOf = (id) => outline.numbers.get(id) ?? -1;
    this.detailsOf = details.size === 0 ? () => plain : (v) => details.get(v) ?? plain;
  }

  get ids(): readonly string[] {
    return this.#outline.ids;
  }
}

/** What does not depend on the edges. */
interface NodeFacts {
  readonly kinds: Kinds;
  /** Of nodes that say something of their own. */
  readonly details: ReadonlyMap<number, CompiledNode>;
  /** Of all others. */
  readonly plain: CompiledNode;
}

/** What kinds depend on beside the document. */
interface Asked {
  readonly fields: NodeFields;
  /** How many members a group has that is known at the start, else -1. */
  readonly membersOf: (id: string) => number;
  readonly limits: Limits;
}

function kindsOf(document: PlanDocument, { fields, membersOf, limits }: Asked): NodeFacts {
  const { nodes, defaults } = document;
  const kinds = new Kinds(document);
  const details = new Map<number, CompiledNode>();
  const plain = Object.freeze({
    nonRetryable: defaults?.retry?.nonRetryable ?? NO_IDS,
    compensationNonRetryable: NO_IDS,
  });
  for (let v = 0; v < nodes.length; v++) {
    const node = nodes[v] as NodeDocument;
    if (((fields.given[v] as number) & KIND_FIELDS) === 0) {
      kinds.addPlain(v, node.action);
      continue;
    }
    const own = detailsOf(node, plain, limits);
    if (own !== plain) details.set(v, own);
    kinds.add(v, own, node.split === undefined ? -1 : membersOf(node.id));
  }
  return { kinds, details, plain };
}

/** `plain` itself for a node that says nothing of its own. */
function detailsOf(node: NodeDocument, plain: CompiledNode, limits: Limits): CompiledNode {
  const { when, split, retry, compensation } = node;
  const own: Mutable<CompiledNode> = { ...plain };
  let says = false;
  const say = <Field extends keyof CompiledNode>(field: Field, value: CompiledNode[Field]): void => {
    own[field] = value;
    says = true;
  };
  if (when !== undefined) say("condition", expression(when, limits, split?.as));
  if (node.with !== undefined) say("input", compileTemplate(node.with, limits, split?.as));
  if (compensation?.with !== undefined) say("compensationInput", compileTemplate(compensation.with, limits, split?.as));
  if (retry !== undefined) say("nonRetryable", retry.nonRetryable ?? NO_IDS);
  if (compensation?.retry !== undefined) say("compensationNonRetryable", compensation.retry.nonRetryable ?? NO_IDS);
  const over = split === undefined ? undefined : expression(split.over, limits);
  if (over?.readsNodes === true) say("over", over);
  return says ? Object.freeze(own) : plain;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

function expression(source: string, limits: Limits, as?: string): CompiledExpression {
  const compiled = compileExpression(source, limits, as);
  assert(compiled.ok, "R3: the expressions of a checked plan compile");
  return compiled;
}

/** R11 both ways. */
interface Ranking {
  /** Higher priority first, then the lower series id. */
  readonly rank: Int32Array;
  readonly order: Int32Array;
}

/** Of a plan that gives labels or priorities, or has groups that take several; of any other the labels are the ranks. */
function rankingOf(nodes: readonly NodeDocument[], { series }: SeriesIds): Ranking {
  const order = sorted(nodes, series);
  const rank = new Int32Array(nodes.length);
  for (let place = 0; place < order.length; place++) rank[order[place] as number] = place;
  return { rank, order };
}

function sorted(nodes: readonly NodeDocument[], series: Int32Array): Int32Array {
  const size = nodes.length;
  // One number per node, sorted without a comparator: the series id, then the node.
  const bySeries = Float64Array.from(series, (label, v) => label * size + v).sort();
  const byPriority = new Map<number, number[]>();
  for (const key of bySeries) {
    const v = key % size;
    const priority = nodes[v]?.priority ?? 0;
    const bucket = byPriority.get(priority);
    if (bucket === undefined) byPriority.set(priority, [v]);
    else bucket.push(v);
  }
  const order = new Int32Array(size);
  let place = 0;
  for (const priority of Float64Array.from(byPriority.keys()).sort().reverse()) {
    for (const v of byPriority.get(priority) ?? []) order[place++] = v;
  }
  return order;
}

/** The plan as a whole, beside edges, ranks and kinds. */
type WholePlan = Pick<CompiledPlan, "teardowns" | "failureMode" | "onFailure" | "runTimeoutMs" | "prohibitRollback">;

function wholePlan({ nodes, ...document }: PlanDocument, { numbers, fields }: Outline): WholePlan {
  const teardowns: CompiledTeardown[] = [];
  for (const node of fields.with(NodeField.always)) {
    const setups = nodes[node]?.always?.for ?? [];
    teardowns.push({ node, setups: Int32Array.from(setups, (id) => numbers.get(id) ?? -1) });
  }
  return {
    teardowns,
    failureMode: document.failureMode ?? "no-new",
    onFailure: document.onFailure ?? "pause",
    runTimeoutMs: milliseconds(document.timeout ?? 0),
    prohibitRollback: document.prohibitRollback === true,
  };
}
