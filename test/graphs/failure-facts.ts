/**
 * What must hold when nodes fail for good and when what started is undone, computed from the graph by plain reachability.
 * Owns: the facts (R14, R30, R34). Linear in nodes and edges.
 */
import type { FailureMode } from "../../packages/engine/src/plan/document.ts";
import type { ForwardRecord, RollbackRecord } from "./failing-run.ts";
import { reachable, type Shape } from "./shape.ts";

/** Everything that is wrong with the way forward; empty = every fact holds. */
export function forwardFaults(
  shape: Shape,
  failing: ReadonlySet<number>,
  mode: FailureMode,
  record: ForwardRecord,
): string[] {
  const { started, startedBeforeFailure, status } = record;
  const faults: string[] = [];
  const place = new Map(started.map((v, index) => [v, index]));
  if (place.size !== started.length) faults.push("R25: a node started twice");
  const below = reachable(
    shape.down,
    [...failing].filter((v) => place.has(v)),
  );
  for (const v of below) if (place.has(v)) faults.push(`R14: ${shape.ids[v]} started below a failure`);
  for (const [v, index] of place) {
    for (const u of shape.up[v] as readonly number[]) {
      if (!((place.get(u) ?? Number.POSITIVE_INFINITY) < index))
        faults.push(`R10: ${shape.ids[v]} before ${shape.ids[u]}`);
    }
  }
  // A failing node that is below another one never starts: what stands below the failing nodes is the same set.
  const held = reachable(shape.down, [...failing]);
  if (mode === "continue" && started.length !== shape.ids.length - held.size) {
    faults.push(`R14: ${started.length} started, of ${shape.ids.length - held.size} that are not below a failure`);
  }
  if (mode !== "continue" && started.length !== startedBeforeFailure)
    faults.push("R14: something started after a failure");
  if (status !== (failing.size === 0 ? "SUCCESSFUL" : "FAILED")) faults.push(`R15: the run is ${status}`);
  return faults;
}

/**
 * Everything that is wrong with a rollback of `started`. `undoable`: places that have a compensation. `standing`: places of
 * started points of no return; those and what is above them must be left alone.
 */
export function rollbackFaults(
  shape: Shape,
  {
    started,
    undoable,
    standing = [],
  }: { started: readonly number[]; undoable: (v: number) => boolean; standing?: readonly number[] },
  record: RollbackRecord,
): string[] {
  const { called, answered, calls, status } = record;
  const faults: string[] = [];
  const stands = reachable(shape.up, standing);
  for (const v of standing) stands.add(v);
  const due = started.filter((v) => undoable(v) && !stands.has(v));
  for (const v of due) if (!called.has(v)) faults.push(`R30: ${shape.ids[v]} started and is not undone`);
  if (calls !== due.length) faults.push(`R30: ${calls} compensations, of ${due.length} that are due, once each`);
  // The latest answer of anything below, whether or not what is between has something to undo.
  const below = shape.ids.map(() => -1);
  for (const v of shape.order.toReversed()) {
    for (const w of shape.down[v] as readonly number[]) {
      below[v] = Math.max(below[v] as number, below[w] as number, answered.get(w) ?? -1);
    }
    if ((called.get(v) ?? Number.POSITIVE_INFINITY) < (below[v] as number)) {
      faults.push(`R30: ${shape.ids[v]} is undone before something below it`);
    }
  }
  const end = standing.length > 0 ? "PARTIALLY_ROLLED_BACK" : "ROLLED_BACK";
  if (status !== end) faults.push(`R30: the run is ${status}, not ${end}`);
  return faults;
}
