/**
 * Kinds: what nodes that are alike have in common, stored once (`CompiledKinds`). Owns: a node's flags, the kinds found so
 * far, the tables they point into. Most plans have few kinds, so that a node costs two bytes here.
 * Cost: a comparison with the kind of the node before; a look-up by text for a node of another kind.
 */
import { isWaiting } from "./built-in.ts";
import { type CompiledKinds, type CompiledPlan, NodeFlag, TriggerCode, WAITING_POOL } from "./compiled.ts";
import type { NodeDocument, PlanDocument, Trigger } from "./document.ts";
import type { CompiledExpression } from "./expression.ts";
import { NodeField } from "./node-fields.ts";
import { milliseconds, NameTable, RetryTable, SplitTable } from "./tables.ts";

const TRIGGER: Readonly<Record<Trigger, number>> = {
  all_succeeded: TriggerCode.ALL_SUCCEEDED,
  all_finished: TriggerCode.ALL_FINISHED,
  any_succeeded: TriggerCode.ANY_SUCCEEDED,
  any_failed: TriggerCode.ANY_FAILED,
  all_failed: TriggerCode.ALL_FAILED,
  none_failed: TriggerCode.NONE_FAILED,
};

/** A number per column of `CompiledKinds`, in this order. */
const COLUMNS = [
  "flags",
  "trigger",
  "pool",
  "retry",
  "compensationRetry",
  "split",
  "action",
  "compensation",
  "label",
  "timeoutMs",
  "totalTimeoutMs",
  "heartbeatTimeoutMs",
  "compensationTimeoutMs",
] as const satisfies readonly (keyof CompiledKinds)[];

type Column = (typeof COLUMNS)[number];
type Row = Record<Column, number>;

/** Kinds that two bytes can name. */
const SHORT = 2 ** 16;

/** Expressions of a node that its kind depends on. */
export interface KindExpressions {
  readonly condition?: CompiledExpression | undefined;
  /** A list that only the run knows. */
  readonly over?: CompiledExpression | undefined;
}

/** Fields that say of what kind a node is, beside its action. */
export const KIND_FIELDS: number =
  NodeField.with |
  NodeField.when |
  NodeField.trigger |
  NodeField.timeout |
  NodeField.totalTimeout |
  NodeField.heartbeatTimeout |
  NodeField.retry |
  NodeField.compensation |
  NodeField.prohibitRollback |
  NodeField.split |
  NodeField.always |
  NodeField.onFailure |
  NodeField.pool |
  NodeField.parallelIdx;

/** What of a compiled plan depends on its nodes alone. */
export type KindTables = Pick<
  CompiledPlan,
  "kind" | "kinds" | "used" | "onlyAllSucceeded" | "actions" | "pools" | "retries" | "splits" | "groups"
>;

export class Kinds {
  readonly #document: PlanDocument;
  readonly #rows: Row[] = [];
  readonly #known = new Map<string, number>();
  readonly #of: Int32Array;
  readonly #groups: number[] = [];
  readonly #actions = new NameTable([]);
  readonly #pools = new NameTable([""]);
  readonly #retries = new RetryTable();
  readonly #splits = new SplitTable();
  /** The row being made, which `#last` keeps when it is a new one. */
  #row: Row = emptyRow();
  #last = -1;
  /** Kinds of plain nodes by action, and the last one asked for; -1 = not known yet. */
  readonly #plainKinds = new Map<string, number>();
  #plainAction = "";
  #plainKind = -1;

  constructor(document: PlanDocument) {
    this.#document = document;
    this.#of = new Int32Array(document.nodes.length);
  }

  /** Node `v`, which gives none of `KIND_FIELDS`: its action alone says what it is. */
  addPlain(v: number, action: string): void {
    if (action !== this.#plainAction) {
      this.#plainAction = action;
      this.#plainKind = this.#plainKinds.get(action) ?? -1;
    }
    if (this.#plainKind < 0) {
      this.add(v, {}, -1);
      this.#plainKind = this.#of[v] as number;
      this.#plainKinds.set(action, this.#plainKind);
    } else this.#of[v] = this.#plainKind;
  }

  /** Node `v`; `members`: how many a group has that is known at the start, -1 when only the run can tell. */
  add(v: number, { condition, over }: KindExpressions, members: number): void {
    const { defaults } = this.#document;
    const node = this.#document.nodes[v] as NodeDocument;
    const { compensation } = node;
    const row = this.#row;
    row.flags = flagsOf(node, this.#document, { condition, over });
    row.trigger = node.trigger === undefined ? TriggerCode.ALL_SUCCEEDED : TRIGGER[node.trigger];
    row.pool = this.#pools.indexOf((row.flags & NodeFlag.WAITING) !== 0 ? WAITING_POOL : (node.pool ?? ""));
    row.retry = this.#retries.indexOf(node.retry ?? defaults?.retry);
    row.compensationRetry = this.#retries.indexOf(compensation?.retry);
    row.split = node.split === undefined ? -1 : this.#splits.add(node.split, over === undefined ? members : -1);
    if (row.split >= 0) this.#groups.push(v);
    row.action = this.#actions.indexOf(node.action);
    row.compensation = compensation === undefined ? -1 : this.#actions.indexOf(compensation.action);
    row.label = node.parallelIdx ?? -1;
    row.timeoutMs = milliseconds(node.timeout ?? defaults?.timeout ?? 0);
    row.totalTimeoutMs = milliseconds(node.totalTimeout ?? 0);
    row.heartbeatTimeoutMs = milliseconds(node.heartbeatTimeout ?? 0);
    row.compensationTimeoutMs = milliseconds(compensation?.timeout ?? defaults?.compensation?.timeout ?? 0);
    if (row.timeoutMs + row.totalTimeoutMs + row.heartbeatTimeoutMs > 0) row.flags |= NodeFlag.TIMED;
    this.#of[v] = this.#numberOf(row);
  }

  #numberOf(row: Row): number {
    if (this.#last >= 0 && isSame(row, this.#rows[this.#last] as Row)) return this.#last;
    const key = Object.values(row).join();
    const known = this.#known.get(key);
    this.#last = known ?? this.#rows.length;
    if (known === undefined) {
      this.#known.set(key, this.#last);
      this.#rows.push({ ...row });
    }
    return this.#last;
  }

  /** All of it, once every node was added. */
  compiled(): KindTables {
    const column = (name: Column): Int32Array => Int32Array.from(this.#rows, (row) => row[name]);
    const times = (name: Column): Float64Array => Float64Array.from(this.#rows, (row) => row[name]);
    const kinds: CompiledKinds = {
      flags: column("flags"),
      trigger: Uint8Array.from(this.#rows, ({ trigger }) => trigger),
      pool: column("pool"),
      retry: column("retry"),
      compensationRetry: column("compensationRetry"),
      split: column("split"),
      action: column("action"),
      compensation: column("compensation"),
      label: column("label"),
      timeoutMs: times("timeoutMs"),
      totalTimeoutMs: times("totalTimeoutMs"),
      heartbeatTimeoutMs: times("heartbeatTimeoutMs"),
      compensationTimeoutMs: times("compensationTimeoutMs"),
    };
    return {
      kind: this.#rows.length <= SHORT ? Uint16Array.from(this.#of) : this.#of,
      kinds,
      used: kinds.flags.reduce((all, flags) => all | flags, 0),
      onlyAllSucceeded: kinds.trigger.every((trigger) => trigger === TriggerCode.ALL_SUCCEEDED),
      actions: this.#actions.entries,
      pools: this.#pools.entries,
      retries: this.#retries.entries,
      splits: this.#splits.entries,
      groups: Int32Array.from(this.#groups),
    };
  }
}

function emptyRow(): Row {
  return Object.fromEntries(COLUMNS.map((name) => [name, 0])) as Row;
}

function isSame(a: Row, b: Row): boolean {
  for (const name of COLUMNS) if (a[name] !== b[name]) return false;
  return true;
}

function flagsOf(node: NodeDocument, document: PlanDocument, { condition, over }: KindExpressions): number {
  const { compensation } = node;
  const group = node.split !== undefined;
  let flags = 0;
  if (node.prohibitRollback === true) flags |= NodeFlag.PROHIBIT_ROLLBACK;
  if (node.always !== undefined) flags |= NodeFlag.TEARDOWN;
  if (node.with !== undefined) flags |= NodeFlag.INPUT;
  if (isWaiting(node.action)) flags |= NodeFlag.WAITING;
  if (node.action === "belay.approval") flags |= NodeFlag.APPROVAL;
  if (node.action === "belay.signal") flags |= NodeFlag.SIGNAL;
  if (node.onFailure === "continue") flags |= NodeFlag.TOLERATE_FAILURE;
  if (condition !== undefined) flags |= group && condition.readsItem ? NodeFlag.MEMBER_CONDITION : NodeFlag.CONDITION;
  if (group) flags |= NodeFlag.GROUP;
  if (over !== undefined) flags |= NodeFlag.DYNAMIC;
  if (compensation === undefined) return flags;
  flags |= NodeFlag.COMPENSATION;
  if (compensation.when === "succeeded") flags |= NodeFlag.COMPENSATE_SUCCEEDED_ONLY;
  if ((node.retry ?? document.defaults?.retry)?.mode === "compensate-first") flags |= NodeFlag.COMPENSATE_FIRST;
  return flags;
}
