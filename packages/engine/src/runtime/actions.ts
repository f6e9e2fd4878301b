/**
 * Actions: the registry and what is built in. Owns: looking up a name, the normal form of an action. Does not own:
 * calling one (`call.ts`).
 */
import { BelayError } from "../errors.ts";
import { BUILT_IN } from "../plan/built-in.ts";
import { parseSecretPath, type SecretPattern } from "../plan/secret-path.ts";
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
  readonly #secrets = new Map<string, readonly SecretPattern[]>();

  /** Fails with INVALID_ARGUMENT for what is no action. */
  constructor(registry: ActionRegistry, builtIn: BuiltInActions) {
    for (const name of BUILT_IN) this.#byName.set(name, NOTHING);
    for (const [name, action] of Object.entries(builtIn)) this.#byName.set(name, action);
    for (const [name, action] of Object.entries(registry)) {
      if (name.startsWith("belay.")) {
        throw new BelayError("INVALID_ARGUMENT", `actions["${name}"]: names that start with "belay." are built in`);
      }
      const definition = normalize(name, action);
      this.#byName.set(name, definition);
      const secrets = secretsOf(name, definition);
      if (secrets !== undefined) this.#secrets.set(name, secrets);
    }
  }

  /** Whether any action has an output that is secret. */
  get haveSecrets(): boolean {
    return this.#secrets.size > 0;
  }

  /** The places of the action's output that are secret; undefined when none is. */
  secretsOf(name: string): readonly SecretPattern[] | undefined {
    return this.#secrets.get(name);
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

function secretsOf(name: string, { secret }: ActionDefinition): readonly SecretPattern[] | undefined {
  if (secret === undefined || secret === false) return undefined;
  if (secret === true) return [[]];
  const patterns = Array.isArray(secret)
    ? secret.map((path) => (typeof path === "string" ? parseSecretPath(path) : undefined))
    : [undefined];
  if (!patterns.includes(undefined)) return patterns as readonly SecretPattern[];
  const text = `actions.${name}: secret must be true or a list of paths into the output, such as "token" or "users[*].token"`;
  throw new BelayError("INVALID_ARGUMENT", text);
}
