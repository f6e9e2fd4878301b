/**
 * What an engine needs to know to take up a run of which nothing is to be carried out: one that is given up, or that has
 * ended and is only read. Owns: every name that the run's plan has.
 */
import {
  type ActionDefinition,
  type ActionRegistry,
  type NodeDocument,
  NonRetryable,
  type Plan,
  type PlanDocument,
} from "@belay/engine";
import { plansOf, type RunNote } from "./run-note.ts";

/** Names for an engine. */
export interface NeededNames {
  readonly actions: ActionRegistry;
  readonly plans: readonly Plan[];
  readonly pools: Readonly<Record<string, number>>;
}

/**
 * Actions that do nothing: the run is given up. An attempt waits to be told to let go, and what was cut off stays unknown (R26);
 * compensations fail, so that a rollback comes to rest.
 */
export function withoutCode(document: PlanDocument, note: RunNote | undefined): NeededNames {
  const actions: Record<string, ActionDefinition> = {};
  const pools: Record<string, number> = {};
  const plans = note === undefined ? [] : plansOf(note);
  for (const node of [document, ...plans.map((plan) => plan.document)].flatMap(({ nodes }) => nodes)) {
    for (const name of actionsOf(node)) if (!name.startsWith("belay.")) actions[name] = GONE;
    if (node.pool !== undefined) pools[node.pool] = Number.POSITIVE_INFINITY;
  }
  return { actions, plans, pools: { ...pools, ...note?.pools } };
}

const GONE: ActionDefinition = {
  idempotent: true,
  async run({ outcome, signal }) {
    if (outcome !== undefined) throw new NonRetryable("not undone: the run is given up", { code: "GIVEN_UP" });
    await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true }));
  },
};

function actionsOf({ action, compensation, with: input }: NodeDocument): string[] {
  const asked = action === "belay.poll" ? (input as { readonly action?: unknown } | undefined)?.action : undefined;
  return [action, compensation?.action, asked].filter((name): name is string => typeof name === "string");
}
