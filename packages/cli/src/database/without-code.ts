/**
 * What an engine needs to know to take up a run of which nothing is to be carried out: one that is given up, or that has
 * ended and is only read. Owns: every name that the run's plan has.
 */
import type { ActionDefinition, ActionRegistry, NodeDocument, Plan, PlanDocument } from "@belay/engine";
import { plansOf, type RunNote } from "./run-note.ts";

/** Names for an engine. */
export interface NeededNames {
  readonly actions: ActionRegistry;
  readonly plans: readonly Plan[];
  readonly pools: Readonly<Record<string, number>>;
}

/** Actions that do nothing and wait to be told to let go: the run is given up, and what was cut off stays unknown (R26). */
export function withoutCode({ nodes }: PlanDocument, note: RunNote | undefined): NeededNames {
  const gone: ActionDefinition = {
    idempotent: true,
    run: ({ signal }) =>
      new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true })),
  };
  const actions: Record<string, ActionDefinition> = {};
  const pools: Record<string, number> = {};
  for (const node of nodes) {
    for (const name of actionsOf(node)) if (!name.startsWith("belay.")) actions[name] = gone;
    if (node.pool !== undefined) pools[node.pool] = Number.POSITIVE_INFINITY;
  }
  const plans = note === undefined ? [] : plansOf(note);
  return { actions, plans, pools: { ...pools, ...note?.pools } };
}

function actionsOf({ action, compensation, with: input }: NodeDocument): string[] {
  const asked = action === "belay.poll" ? (input as { readonly action?: unknown } | undefined)?.action : undefined;
  return [action, compensation?.action, asked].filter((name): name is string => typeof name === "string");
}
