/** One run of a shipped plan on an engine of its own, shown while it moves; with `--db` its journal is a file. */
import { existsSync } from "node:fs";
import { type ActionRegistry, createEngine, type Json, type Plan, type RunSnapshot } from "@belay/engine";
import { injectFailure } from "@belay/failover-plans";
import { ownDatabase, readDatabase, throwInUse } from "../database/database-file.ts";
import { sayUnfinished, startNoted } from "../database/noted-start.ts";
import { type DemoNote, RunNotes } from "../database/run-note.ts";
import { followRun } from "../follow-run.ts";
import type { Output } from "../output.ts";
import type { Renderer } from "../render/renderer.ts";
import { didYouMean } from "../suggestion.ts";
import { UsageError } from "../usage-error.ts";
import type { DemoOptions } from "./demo-options.ts";

export interface PlannedRun {
  readonly plan: Plan;
  readonly actions: ActionRegistry;
  readonly params: Readonly<Record<string, Json>>;
}

/** Where the run is kept. */
export interface Kept {
  /** The journal's file. */
  readonly file: string;
  readonly demo: DemoNote;
  /** Done before the run begins; `notes` and the run's id say where its world goes. */
  readonly ready: (notes: RunNotes, runId: string) => Promise<void>;
  /** For what is said of other runs in the file. */
  readonly err: Output;
}

/** The snapshot at rest; the engine is closed by then. */
export async function runPlan(
  planned: PlannedRun,
  renderer: Renderer,
  interrupted: AbortSignal,
  kept?: Kept,
): Promise<RunSnapshot> {
  const { plan, actions, params } = planned;
  if (kept !== undefined) return await runKept(planned, renderer, interrupted, kept);
  const engine = await createEngine({ actions });
  try {
    return await followRun(await engine.start(plan, { params }), renderer, interrupted);
  } finally {
    await engine.close();
  }
}

async function runKept(
  { plan, actions, params }: PlannedRun,
  renderer: Renderer,
  interrupted: AbortSignal,
  { file, demo, ready, err }: Kept,
): Promise<RunSnapshot> {
  const notes = new RunNotes(file);
  const journal = await ownDatabase(file);
  const engine = await createEngine({ actions, journal, recover: false }).catch((error: unknown) =>
    throwInUse(error, file, "give another file"),
  );
  try {
    await sayUnfinished(journal, file, err);
    const facts = { actions: null, plans: [], pools: {}, demo };
    const run = await startNoted(engine, plan, { params }, { notes, facts, ready: (id) => ready(notes, id) });
    return await followRun(run, renderer, interrupted);
  } finally {
    await engine.close();
  }
}

/** Throws UsageError when another engine executes runs of the file: a demo takes seconds before it would find out. */
export async function refuseUsed(file: string): Promise<void> {
  if (!existsSync(file)) return;
  const reader = await readDatabase(file);
  try {
    const used = (await reader.list()).find(({ owner }) => owner !== null);
    if (used !== undefined) throw new UsageError(`--db ${file}: engine ${used.owner} uses it; give another file`);
  } finally {
    reader.close();
  }
}

/** Refuses `--fail` for a node the plan does not have, before anything is started. */
export function checkFailNode(plan: Plan, options: DemoOptions): void {
  if (options.fail === undefined) {
    if (options.failWhen !== undefined) throw new UsageError("--fail-when needs --fail <node>");
    return;
  }
  const ids = plan.document.nodes.map((node) => node.id);
  if (ids.includes(options.fail)) return;
  const hint = didYouMean(options.fail, ids);
  throw new UsageError(`--fail: the plan has no node "${options.fail}"${hint}; there are ${ids.join(", ")}`);
}

/** The actions, with the failure that was asked for. */
export function withFailure(actions: ActionRegistry, plan: Plan, { fail, failWhen }: DemoOptions): ActionRegistry {
  return fail === undefined ? actions : injectFailure(actions, plan, fail, failWhen ?? "before");
}
