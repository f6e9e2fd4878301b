/**
 * Values of a run as people and programs outside see them (R46): without its secrets. Owns: which values go out that way. Errors and
 * reasons hold no secrets from the moment they are recorded. Cost without secrets: one flag.
 */
import type { Json } from "../plan/document.ts";
import type { RunFacts } from "./facts.ts";
import { itemOf } from "./scope.ts";

/** A node's output. */
export function shownOutput({ secrets, values }: RunFacts, node: number): Json | undefined {
  return secrets?.any === true ? secrets.mask(values.shown(node)) : values.output(node);
}

/** A member's item. */
export function shownItem(facts: RunFacts, node: number): Json | undefined {
  const item = itemOf(facts, node);
  return facts.secrets?.any === true ? facts.secrets.mask(item) : item;
}

/** Names of people. */
export function shownPeople({ secrets }: RunFacts, names: readonly string[]): readonly string[] {
  return secrets?.any === true ? names.map((name) => secrets.text(name)) : names;
}
