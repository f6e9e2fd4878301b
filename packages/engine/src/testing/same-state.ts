/**
 * Whether two states of the core say the same: what a crash compares (R50). Owns: which fields are state and which are
 * derived order or scratch. Text is only built for a difference.
 */
import type { RunState } from "../core/index.ts";

/** Not state: the plan, the settings, heaps whose entries may be stale, queues that are empty after a step. */
const LEFT_OUT: ReadonlySet<string> = new Set(["plan", "settings", "queues", "done", "undecided"]);

/** The name of a field in which they differ; undefined = none. */
export function differingField(a: RunState, b: RunState): string | undefined {
  if (a.size !== b.size) return "size";
  for (const name in a) {
    if (LEFT_OUT.has(name)) continue;
    if (!same(a[name as keyof RunState], b[name as keyof RunState], a.size)) return name;
  }
  return undefined;
}

function same(a: unknown, b: unknown, size: number): boolean {
  if (a === b) return true;
  if (ArrayBuffer.isView(a) && ArrayBuffer.isView(b)) return sameNumbers(a as Int32Array, b as Int32Array, size);
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  const left = a as Readonly<Record<string, unknown>>;
  const right = b as Readonly<Record<string, unknown>>;
  for (const name in left) if (!same(left[name], right[name], size)) return false;
  return Object.keys(left).length === Object.keys(right).length;
}

/** Columns may have grown beyond the nodes in use. */
function sameNumbers(a: Int32Array, b: Int32Array, size: number): boolean {
  const length = Math.min(a.length, size);
  if (length !== Math.min(b.length, size)) return false;
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return false;
  return true;
}
