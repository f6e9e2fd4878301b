/**
 * Actions: the registry and what is built in. Owns: looking up a name, the normal form of an action. Does not own:
 * calling one (`call.ts`).
 */
import { BelayError } from "../errors.ts";
import { BUILT_IN } from "../plan/built-in.ts";
import type { ActionDefinition, ActionRegistry, AnyAction } from "./api.ts";

/** Declares an action with its schemas, `verify` and `idempotent`; gives it back, typed. */
export function defineAction<Input = unknown, Output = unknown>(
  definition: ActionDefinition<Input, Output>,
): ActionDefinition<Input, Output> {
  return definition;
}

/** The code behind the built-in actions that call something; those that only wait are in `waiting.ts`. */
export type BuiltInActions = Readonly<Record<"belay.poll" | "belay.plan", ActionDefinition>>;

/** Does nothing and succeeds: a joint in the graph. Actions that only wait are never called. */
const NOTHING: ActionDefinition = { run: () => undefined };

/** Actions by name, in normal form. */
export class Actions {
  readonly #byName = new Map<string, ActionDefinition>();

  /** Fails with INVALID_ARGUMENT for what is no action. */
  constructor(registry: ActionRegistry, builtIn: BuiltInActions) {
    for (const name of BUILT_IN) this.#byName.set(name, NOTHING);
    for (const [name, action] of Object.entries(builtIn)) this.#byName.set(name, action);
    for (const [name, action] of Object.entries(registry)) {
      if (name.startsWith("belay.")) {
        throw new BelayError("INVALID_ARGUMENT", `actions["${name}"]: names that start with "belay." are built in`);
      }
      this.#byName.set(name, normalize(name, action));
    }
  }

  get(name: string): ActionDefinition | undefined {
    return this.#byName.get(name);
  }

  names(): string[] {
    return [...this.#byName.keys()];
  }
}

function normalize(name: string, action: AnyAction): ActionDefinition {
  if (typeof action === "function") return { run: action };
  if (typeof action === "object" && action !== null && typeof action.run === "function") return action;
  throw new BelayError("INVALID_ARGUMENT", `actions.${name} must be a function or an object with a function "run"`);
}
