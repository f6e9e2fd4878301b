/** Two observations side by side, and the story so far. Owns: the sentences that say what differs. */
import type { PlanDocument } from "@belay/engine";
import type { Call, ReferenceModel } from "@belay/engine/testing";
import type { Observation } from "./core-subject.ts";

/** The model's side of a run: the model, what has happened so far, and the calls that are over. */
export interface Told {
  readonly model: ReferenceModel;
  readonly story: string[];
  readonly past: Call[];
  /** Nodes that wait for an operator's word. */
  readonly words: ReadonlySet<string>;
}

/** Declared nodes that wait for an operator's word (R37). */
export function wordsOf({ nodes }: PlanDocument): Set<string> {
  return new Set(nodes.flatMap(({ id, action }) => (/^belay\.(approval|signal)$/.test(action) ? [id] : [])));
}

/** Throws what the two do not agree on, if anything. */
export function agree(differing: readonly string[]): void {
  if (differing.length > 0) throw new Error(differing.join("\n"));
}

/** One line for each part in which the model and the engine differ. */
export function differences(expected: Observation, seen: Observation): string[] {
  return (Object.keys(expected) as (keyof Observation)[]).flatMap((part) => {
    const model = linesOf(expected[part]);
    const engine = linesOf(seen[part]);
    const only = model.filter((line) => !engine.includes(line));
    const others = engine.filter((line) => !model.includes(line));
    if (only.length + others.length === 0 && model.length === engine.length) return [];
    return [`${part}: the model says ${only.join("; ")}, the core ${others.join("; ")}`];
  });
}

function linesOf(value: Observation[keyof Observation]): readonly string[] {
  return typeof value === "object" ? value : [String(value)];
}
