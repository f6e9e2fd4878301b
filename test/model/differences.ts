/** Two observations side by side. Owns: the sentences that say what differs; `known.ts` reads them. */
import type { Observation } from "./core-subject.ts";

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
