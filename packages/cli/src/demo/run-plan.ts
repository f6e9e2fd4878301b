/** One run of a shipped plan on an engine of its own, shown while it moves. */
import { type ActionRegistry, createEngine, type Json, type Plan, type RunSnapshot } from "@belay/engine";
import { injectFailure } from "@belay/failover-plans";
import { followRun } from "../follow-run.ts";
import type { Renderer } from "../render/renderer.ts";
import { didYouMean } from "../suggestion.ts";
import { UsageError } from "../usage-error.ts";
import type { DemoOptions } from "./demo-options.ts";

export interface PlannedRun {
  readonly plan: Plan;
  readonly actions: ActionRegistry;
  readonly params: Readonly<Record<string, Json>>;
}

/** The snapshot at rest; the engine is closed by then. */
export async function runPlan(planned: PlannedRun, renderer: Renderer, interrupted: AbortSignal): Promise<RunSnapshot> {
  const engine = await createEngine({ actions: planned.actions });
  try {
    return await followRun(await engine.start(planned.plan, { params: planned.params }), renderer, interrupted);
  } finally {
    await engine.close();
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
