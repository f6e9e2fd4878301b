/**
 * One registry for runs that each came with actions of their own: two demos have the same actions over different servers.
 * Owns: that a run is never given another run's action. Runs inside runs belong to the run around them.
 */
import { type ActionContext, type ActionDefinition, type ActionRegistry, BelayError } from "@belay/engine";

type AnyAction = ActionRegistry[string];

/** The registries by run id, merged. Throws INVALID_ARGUMENT for actions of one name that are not of one kind. */
export function mergeActions(byRun: ReadonlyMap<string, ActionRegistry>): ActionRegistry {
  const owners = new Map<string, Map<string, AnyAction>>();
  for (const [runId, registry] of byRun) {
    for (const [name, action] of Object.entries(registry)) {
      const known = owners.get(name) ?? new Map<string, AnyAction>();
      owners.set(name, known.set(runId, action));
    }
  }
  return Object.fromEntries([...owners].map(([name, own]) => [name, merged(name, own)]));
}

function merged(name: string, own: ReadonlyMap<string, AnyAction>): AnyAction {
  const [first, ...others] = new Set(own.values());
  if (first === undefined) throw new BelayError("INTERNAL", `no action ${name}`);
  if (others.length === 0) return first;
  if (typeof first === "function" || !others.every((other) => isSameKind(first, other))) {
    throw new BelayError("INVALID_ARGUMENT", `other runs have another action under the name "${name}"`, { name });
  }
  const find = ({ runId }: ActionContext): ActionDefinition => {
    const root = [...own.keys()].find((id) => runId === id || runId.startsWith(`${id}/`));
    const action = root === undefined ? undefined : own.get(root);
    if (typeof action === "object") return action;
    throw new BelayError("INTERNAL", `run ${runId} has no action ${name}`);
  };
  const definition: ActionDefinition = { ...first, run: (ctx) => find(ctx).run(ctx) };
  if (first.verify === undefined) return definition;
  return { ...definition, verify: async (ctx) => (await find(ctx).verify?.(ctx)) ?? { done: false } };
}

/** What the engine reads of an action without a run is the same. */
function isSameKind(first: ActionDefinition, other: AnyAction): boolean {
  if (typeof other === "function") return false;
  const verifies = (first.verify === undefined) === (other.verify === undefined);
  return (
    verifies && first.idempotent === other.idempotent && first.input === other.input && first.output === other.output
  );
}
