/**
 * Failure injection: a registry in which one node of a plan fails, for drills and tests. Owns the wrapping; the action itself, its
 * schemas, `verify` and every compensation stay what they are.
 */
import {
  type ActionContext,
  type ActionDefinition,
  type ActionRegistry,
  BelayError,
  NonRetryable,
  type Plan,
} from "@belay/engine";

/** `before`: the action is not called. `after`: it does its work and then fails, so that a rollback meets a real effect. */
export type FailurePoint = "before" | "after";

/** A registered action, in either form. */
type Action = ActionRegistry[string];

/** Code of an injected failure. */
export const INJECTED_FAILURE = "INJECTED_FAILURE";

/**
 * A copy of `actions` in which node `nodeId` fails once per run, not retryable; when the run is retried, the node works. Of a group
 * the first member to start fails. NOT_FOUND when the plan has no such node; UNKNOWN_ACTION when its action is not registered.
 */
export function injectFailure(
  actions: ActionRegistry,
  plan: Plan,
  nodeId: string,
  when: FailurePoint = "before",
): ActionRegistry {
  const node = plan.document.nodes.find(({ id }) => id === nodeId);
  if (node === undefined) {
    const known = plan.document.nodes.map(({ id }) => id);
    throw new BelayError("NOT_FOUND", `the plan has no node "${nodeId}"; there are ${known.join(", ")}`, { known });
  }
  const action = actions[node.action];
  if (action === undefined) {
    throw new BelayError("UNKNOWN_ACTION", `no action is registered as "${node.action}"`, { action: node.action });
  }
  return { ...actions, [node.action]: failingOnce(action, nodeId, when) };
}

function failingOnce(action: Action, nodeId: string, when: FailurePoint): Action {
  const failedRuns = new Set<string>();
  const definition: ActionDefinition<unknown, unknown> = typeof action === "function" ? { run: action } : action;
  return {
    ...definition,
    run: async (ctx: ActionContext<unknown>): Promise<unknown> => {
      // `outcome` is set for compensations only: they may use the same action.
      if (ctx.nodeId !== nodeId || ctx.outcome !== undefined || failedRuns.has(ctx.runId)) {
        return await definition.run(ctx);
      }
      failedRuns.add(ctx.runId);
      if (when === "after") await definition.run(ctx);
      throw new NonRetryable(`failure injected ${when} the effect of "${nodeId}"`, { code: INJECTED_FAILURE });
    },
  };
}
