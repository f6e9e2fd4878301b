/**
 * `--actions MODULE`: loads the actions a plan names. Owns: which exports of a module count as actions. Does not own: whether
 * the plan's actions are all there, which the engine checks before anything starts (UNKNOWN_ACTION).
 */
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { ActionRegistry } from "@belay/engine";
import { UsageError } from "./usage-error.ts";

type AnyAction = ActionRegistry[string];

/**
 * The actions of the JavaScript or TypeScript module at `path` (relative to the working directory): its export `actions`,
 * else its default export, else every exported function and action definition under its own name. Throws UsageError when it
 * cannot be loaded or holds none.
 */
export async function loadActions(path: string): Promise<ActionRegistry> {
  const file = resolve(path);
  let module: Record<string, unknown>;
  try {
    module = (await import(pathToFileURL(file).href)) as Record<string, unknown>;
  } catch (error) {
    throw new UsageError(`cannot load actions from ${path}: ${reason(error)}`);
  }
  const found = module["actions"] ?? module["default"];
  if (found === undefined) {
    const named = Object.entries(module).filter((entry): entry is [string, AnyAction] => isAction(entry[1]));
    if (named.length === 0)
      throw new UsageError(`${path} exports no actions: no \`actions\`, no default, no functions`);
    return Object.fromEntries(named);
  }
  if (typeof found !== "object" || found === null || Array.isArray(found)) {
    throw new UsageError(`${path}: its actions must be an object of functions by name, not ${describe(found)}`);
  }
  for (const [name, action] of Object.entries(found)) {
    if (!isAction(action))
      throw new UsageError(`${path}: action ${JSON.stringify(name)} is ${describe(action)}, not a function`);
  }
  return found as ActionRegistry;
}

function isAction(value: unknown): value is AnyAction {
  if (typeof value === "function") return true;
  return typeof value === "object" && value !== null && typeof (value as { run?: unknown }).run === "function";
}

function describe(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "a list" : `a ${typeof value}`;
}

/** One line; Node's own message for a missing file names the importer too, which says nothing to a user. */
function reason(error: unknown): string {
  const { code, message = "" } = Object(error) as Partial<NodeJS.ErrnoException>;
  if (code === "ERR_MODULE_NOT_FOUND" || code === "ENOENT")
    return (message.split("\n")[0] ?? "").replace(/ imported from .*$/, "");
  if (code === "ERR_UNKNOWN_FILE_EXTENSION")
    return `this Node (${process.version}) does not load TypeScript; 22.18 and later do`;
  return error instanceof Error ? `${error.name}: ${error.message.split("\n")[0]}` : String(error);
}
