/**
 * Plan -> program: the typed arrays the core runs on (`compiled.ts`) and, beside them, the expressions the runtime
 * evaluates. Owns: the edges as CSR, rank (R11), flags, units (seconds become milliseconds). Does not own: checking; a
 * plan that gets here is valid (R3), so anything else is INTERNAL. Retry and split tables are in `tables.ts`.
 * Cost: linear in nodes and edges but for one sort; nodes without expressions have no object of their own.
 */
import { assert } from "../errors.ts";
import { type Adjacency, adjacencyOf, invert, topologicalOrder } from "./adjacency.ts";
import { isWaiting } from "./built-in.ts";
import { type CompiledPlan, NodeFlag, TriggerCode, WAITING_POOL } from "./compiled.ts";
import type { Json, NodeDocument, Plan, PlanDocument, Trigger } from "./document.ts";
import { type CompiledExpression, compileExpression } from "./expression.ts";
import type { Limits } from "./limits.ts";
import { labelInOrder } from "./series.ts";
import { milliseconds, PoolTable, RetryTable, SplitTable } from "./tables.ts";
import { type CompiledTemplate, compileTemplate } from "./template.ts";

export { topologicalOrder };

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

const TRIGGER: Readonly<Record<Trigger, number>> = {
  all_succeeded: TriggerCode.ALL_SUCCEEDED,
  all_finished: TriggerCode.ALL_FINISHED,
  any_succeeded: TriggerCode.ANY_SUCCEEDED,
  any_failed: TriggerCode.ANY_FAILED,
  all_failed: TriggerCode.ALL_FAILED,
  none_failed: TriggerCode.NONE_FAILED,
};

/** Node numbers and priorities share one float in the sort of `rankOf`. */
const MAX_SIZE = 2 ** 22;
const NO_CODES: readonly string[] = Object.freeze([]);

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
  assert(nodes.length <= MAX_SIZE, `a plan has at most ${MAX_SIZE} nodes`);
  const numbers = new Map(nodes.map(({ id }, v) => [id, v]));
  const indexOf = (id: string): number => numbers.get(id) ?? -1;
  const upstreams = nodes.map((node) => node.upstreams ?? []);
  const up = adjacencyOf(upstreams, indexOf);
  const down = invert(up);
  const counts = Int32Array.from(nodes, ({ id }) => (Object.hasOwn(items, id) ? (items[id]?.length ?? 1) : 1));
  const { series, next } = labelInOrder(document, topologicalOrder(up, down), counts);
  const columns = fillColumns(document, items, limits);
  return {
    compiled: assemble(document, { up, down, rank: rankOf(nodes, series), indexOf }, columns),
    ids: nodes.map(({ id }) => id),
    series,
    nextSeries: next,
    document,
    indexOf,
    detailsOf: (v) => columns.details.get(v) ?? columns.plain,
  };
}

/** Everything that is per node but does not depend on the edges. */
interface Columns {
  readonly flags: Int32Array;
  readonly trigger: Uint8Array;
  readonly pool: Int32Array;
  readonly retry: Int32Array;
  readonly compensationRetry: Int32Array;
  readonly split: Int32Array;
  readonly timeoutMs: Float64Array;
  readonly totalTimeoutMs: Float64Array;
  readonly heartbeatTimeoutMs: Float64Array;
  readonly compensationTimeoutMs: Float64Array;
  readonly pools: PoolTable;
  readonly retries: RetryTable;
  readonly splits: SplitTable;
  /** Of nodes that say something of their own. */
  readonly details: Map<number, CompiledNode>;
  /** Of all others. */
  readonly plain: CompiledNode;
}

function fillColumns(
  document: PlanDocument,
  items: Readonly<Record<string, readonly Json[]>>,
  limits: Limits,
): Columns {
  const { nodes, defaults } = document;
  const size = nodes.length;
  const columns: Columns = {
    flags: new Int32Array(size),
    trigger: new Uint8Array(size),
    pool: new Int32Array(size),
    retry: new Int32Array(size),
    compensationRetry: new Int32Array(size),
    split: new Int32Array(size),
    timeoutMs: new Float64Array(size),
    totalTimeoutMs: new Float64Array(size),
    heartbeatTimeoutMs: new Float64Array(size),
    compensationTimeoutMs: new Float64Array(size),
    pools: new PoolTable(),
    retries: new RetryTable(),
    splits: new SplitTable(),
    details: new Map(),
    plain: Object.freeze({
      nonRetryable: defaults?.retry?.nonRetryable ?? NO_CODES,
      compensationNonRetryable: NO_CODES,
    }),
  };
  for (const [v, node] of nodes.entries()) {
    const details = detailsOf(node, columns.plain, limits);
    if (details !== columns.plain) columns.details.set(v, details);
    const count = Object.hasOwn(items, node.id) ? (items[node.id]?.length ?? -1) : -1;
    columns.flags[v] = flagsOf(node, document, details);
    columns.trigger[v] = TRIGGER[node.trigger ?? "all_succeeded"];
    columns.pool[v] = columns.pools.indexOf(isWaiting(node.action) ? WAITING_POOL : node.pool);
    columns.retry[v] = columns.retries.indexOf(node.retry ?? defaults?.retry);
    columns.compensationRetry[v] = columns.retries.indexOf(node.compensation?.retry);
    columns.split[v] = columns.splits.indexOf(node, details.over === undefined ? count : -1);
    columns.timeoutMs[v] = milliseconds(node.timeout ?? defaults?.timeout ?? 0);
    columns.totalTimeoutMs[v] = milliseconds(node.totalTimeout ?? 0);
    columns.heartbeatTimeoutMs[v] = milliseconds(node.heartbeatTimeout ?? 0);
    columns.compensationTimeoutMs[v] = milliseconds(node.compensation?.timeout ?? defaults?.compensation?.timeout ?? 0);
  }
  return columns;
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
  if (retry !== undefined) say("nonRetryable", retry.nonRetryable ?? NO_CODES);
  if (compensation?.retry !== undefined) say("compensationNonRetryable", compensation.retry.nonRetryable ?? NO_CODES);
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

function flagsOf(node: NodeDocument, document: PlanDocument, details: CompiledNode): number {
  const { condition, over } = details;
  const group = node.split !== undefined;
  const compensateFirst = (node.retry ?? document.defaults?.retry)?.mode === "compensate-first";
  let flags = 0;
  if (node.prohibitRollback === true) flags |= NodeFlag.PROHIBIT_ROLLBACK;
  if (node.compensation !== undefined) flags |= NodeFlag.COMPENSATION;
  if (node.compensation?.when === "succeeded") flags |= NodeFlag.COMPENSATE_SUCCEEDED_ONLY;
  if (node.always !== undefined) flags |= NodeFlag.TEARDOWN;
  if (node.action === "belay.approval") flags |= NodeFlag.APPROVAL;
  if (node.action === "belay.signal") flags |= NodeFlag.SIGNAL;
  if (node.onFailure === "continue") flags |= NodeFlag.TOLERATE_FAILURE;
  if (condition !== undefined) flags |= group && condition.readsItem ? NodeFlag.MEMBER_CONDITION : NodeFlag.CONDITION;
  if (group) flags |= NodeFlag.GROUP;
  if (over !== undefined) flags |= NodeFlag.DYNAMIC;
  if (compensateFirst && node.compensation !== undefined) flags |= NodeFlag.COMPENSATE_FIRST;
  return flags;
}

/** R11 as a permutation: higher priority first, then the lower series id. */
function rankOf(nodes: readonly NodeDocument[], series: Int32Array): Int32Array {
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
  const rank = new Int32Array(size);
  let place = 0;
  for (const priority of Float64Array.from(byPriority.keys()).sort().reverse()) {
    for (const v of byPriority.get(priority) ?? []) rank[v] = place++;
  }
  return rank;
}

interface Edges {
  readonly up: Adjacency;
  readonly down: Adjacency;
  readonly rank: Int32Array;
  indexOf(id: string): number;
}

function assemble(document: PlanDocument, { up, down, rank, indexOf }: Edges, columns: Columns): CompiledPlan {
  const { details: _details, plain: _plain, pools, retries, splits, ...arrays } = columns;
  return {
    size: document.nodes.length,
    upOffset: up.offset,
    upTarget: up.target,
    downOffset: down.offset,
    downTarget: down.target,
    rank,
    ...arrays,
    pools: pools.entries,
    retries: retries.entries,
    splits: splits.entries,
    teardowns: document.nodes.flatMap(({ always }, node) =>
      always === undefined ? [] : [{ node, setups: Int32Array.from(always.for, indexOf) }],
    ),
    failureMode: document.failureMode ?? "no-new",
    onFailure: document.onFailure ?? "pause",
    runTimeoutMs: milliseconds(document.timeout ?? 0),
    prohibitRollback: document.prohibitRollback === true,
  };
}
