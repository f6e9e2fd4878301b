/** What the first records of a run say of its attempts: which have ended, which are cut off. Read through the engine's own replay. */
import type { Plan } from "@belay/engine";
import { createState, undoAttemptOf } from "@belay/engine/core";
import type { JournalRecord, RunHeader } from "@belay/engine/journal";
import { compilePlan } from "../../packages/engine/src/plan/compile.ts";
import { resolveLimits } from "../../packages/engine/src/plan/limits.ts";
import { nodeId } from "../../packages/engine/src/runtime/node-id.ts";
import { type RebuiltRun, rebuild } from "../../packages/engine/src/runtime/rebuild.ts";
import { RunValues } from "../../packages/engine/src/runtime/values.ts";

/** Keys of attempts, compensations' included. */
export interface Prefix {
  /** Dispatched, and their end is recorded. */
  readonly ended: ReadonlySet<string>;
  /** Dispatched, and it is not. */
  readonly cutOff: readonly {
    readonly key: string;
    readonly id: string;
    readonly undo: boolean;
    readonly aborted: boolean;
  }[];
}

export function prefixOf(plan: Plan, header: RunHeader, records: readonly JournalRecord[]): Prefix {
  const limits = resolveLimits();
  const program = compilePlan(plan, header.items, limits);
  const values = new RunValues();
  for (const [id, items] of Object.entries(header.items)) values.items.set(program.indexOf(id), items);
  const state = createState(program.compiled, { graceMs: header.graceMs, seed: header.seed });
  const run: RebuiltRun = {
    header,
    program,
    state,
    values,
    limits,
    nextSeries: program.nextSeries,
    restedAt: null,
    fault: null,
    lastAt: header.at,
  };
  const { calls } = rebuild(run, records);
  const keyOf = (node: number, attempt: number, undo: boolean): string =>
    `${header.runId}/${nodeId(run, node)}/${undo ? "undo/" : ""}${attempt}`;
  const cutOff = calls.map(({ node, attempt, undo, aborted }) => ({
    key: keyOf(node, attempt, undo),
    id: nodeId(run, node),
    undo,
    aborted,
  }));
  const open = new Set(cutOff.map(({ key }) => key));
  const ended = new Set<string>();
  for (let node = 0; node < state.size; node++) {
    for (const undo of [false, true]) {
      const last = undo ? undoAttemptOf(state, node) : (state.attempt[node] as number);
      for (let attempt = 1; attempt <= last; attempt++) {
        const key = keyOf(node, attempt, undo);
        if (!open.has(key)) ended.add(key);
      }
    }
  }
  return { ended, cutOff };
}
