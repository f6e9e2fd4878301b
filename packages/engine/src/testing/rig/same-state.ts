/**
 * Whether two states of the core say the same: what a crash compares (R50). Owns: which fields are state and which are
 * derived order or scratch. Text is only built for a difference.
 */
import type { GroupState, RunState } from "../../core/index.ts";

/** Not state: the plan, the settings, queues, which follow from the marks, lists that are empty after a step. Groups and rounds apart. */
const LEFT_OUT: ReadonlySet<string> = new Set(["plan", "settings", "queues", "done", "undecided", "groups", "rounds"]);

interface Fields {
  /** Columns of numbers, by node or by anything else. */
  readonly columns: readonly (keyof RunState)[];
  /** Numbers, words and flags. */
  readonly plain: readonly (keyof RunState)[];
}

/** Those of every state, and of every group: all of a kind are made in one place. */
let fields: Fields | undefined;
let groupFields: readonly (keyof GroupState)[] | undefined;

/** The name of a field in which they differ; undefined = none. */
export function differingField(a: RunState, b: RunState): string | undefined {
  if (a.size !== b.size) return "size";
  fields ??= fieldsOf(a);
  for (const name of fields.columns)
    if (!sameNumbers(a[name] as Int32Array, b[name] as Int32Array, a.size)) return name;
  for (const name of fields.plain) if (a[name] !== b[name]) return name;
  if (!sameRounds(a, b)) return "rounds";
  return a.groups.every((group, split) => sameGroup(group, b.groups[split])) ? undefined : "groups";
}

function fieldsOf(state: RunState): Fields {
  const names = (Object.keys(state) as (keyof RunState)[]).filter((name) => !LEFT_OUT.has(name));
  const isColumn = (name: keyof RunState): boolean => ArrayBuffer.isView(state[name]);
  return { columns: names.filter(isColumn), plain: names.filter((name) => !isColumn(name)) };
}

/** Columns may have grown beyond the nodes in use. */
function sameNumbers(a: Int32Array, b: Int32Array, size: number): boolean {
  const length = Math.min(a.length, size);
  if (length !== Math.min(b.length, size)) return false;
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return false;
  return true;
}

function sameRounds({ rounds: a, size }: RunState, { rounds: b }: RunState): boolean {
  if (a === undefined || b === undefined) return a === b;
  if (!sameNumbers(a.start, b.start, size) || !sameNumbers(a.undoAttempt, b.undoAttempt, size)) return false;
  return sameNumbers(a.undoStart, b.undoStart, size);
}

function sameGroup(a: GroupState | undefined, b: GroupState | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  groupFields ??= Object.keys(a) as (keyof GroupState)[];
  for (const name of groupFields) if (a[name] !== b[name]) return false;
  return true;
}
