/**
 * One registry out of several of the same actions: each run's parameters say whose it is. Systems are connected cluster by cluster, plans
 * name actions once. Owns: the choice, made anew at every call, so that a run never acts on another cluster than the one it names.
 */
import type { ActionContext, ActionDefinition, ActionRegistry, AnyAction, Json } from "@belay/engine";
import { NonRetryable } from "@belay/engine";

type Params = Readonly<Record<string, Json>>;

/**
 * The actions of all registries, which have the same names and schemas. A run whose key has no registry fails with UNKNOWN_CLUSTER.
 * `keyOf` reads the key from a run's parameters.
 */
export function actionsByKey(
  keyOf: (params: Params) => string,
  registries: ReadonlyMap<string, ActionRegistry>,
  /** Code of the failure, for APIs that have one. */
  unknownCode = "UNKNOWN_CLUSTER",
): ActionRegistry {
  const [first = {}] = registries.values();
  const chosen = (name: string, { params }: ActionContext): ActionDefinition => {
    const key = keyOf(params);
    const action = registries.get(key)?.[name];
    if (action === undefined) {
      throw new NonRetryable(`there is no cluster ${key}; there are ${[...registries.keys()].join(", ")}`, {
        code: unknownCode,
      });
    }
    return definitionOf(action);
  };
  return Object.fromEntries(
    Object.entries(first).map(([name, action]) => {
      const { run: _, verify, ...rest } = definitionOf(action);
      const asked = (ctx: ActionContext) => {
        const found = chosen(name, ctx).verify;
        if (found === undefined) throw new Error(`${name} cannot be asked`);
        return found(ctx);
      };
      const definition: ActionDefinition = {
        ...rest,
        run: (ctx) => chosen(name, ctx).run(ctx),
        ...(verify === undefined ? {} : { verify: asked }),
      };
      return [name, definition];
    }),
  );
}

function definitionOf(action: AnyAction): ActionDefinition {
  return typeof action === "function" ? { run: action } : action;
}
