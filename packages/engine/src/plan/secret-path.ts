/**
 * Places of secrets inside a value: `password`, `users[*].token`, where `[*]` is every item of a list or every value of a
 * mapping; "" is the whole value. Owns: the notation, and following it down into a value. Marks in a plan's `params`
 * (`params-secret.ts`) and what an action says of its output use the same.
 */
import type { PathSegment } from "./path.ts";

/** Stands for every key and every index. */
export const EVERY: unique symbol = Symbol("every");

/** The steps that are left to a secret; none left = the value itself is secret. */
export type SecretPattern = readonly (PathSegment | typeof EVERY)[];

const STEP = /\.?([A-Za-z_$][A-Za-z0-9_$-]*)|\[(\*|\d+)\]|\[("(?:[^"\\]|\\.)*")\]/y;

/** Reads the notation; undefined for what is not in it. */
export function parseSecretPath(path: string): SecretPattern | undefined {
  const steps: (PathSegment | typeof EVERY)[] = [];
  STEP.lastIndex = 0;
  while (STEP.lastIndex < path.length) {
    const match = STEP.exec(path);
    if (match === null) return undefined;
    const [, key, index, quoted] = match;
    if (key !== undefined) steps.push(key);
    else if (quoted !== undefined) steps.push(JSON.parse(quoted) as string);
    else steps.push(index === "*" ? EVERY : Number(index));
  }
  return steps;
}

const NONE: readonly SecretPattern[] = [];

/** What is left of the patterns one step further down. */
export function patternsBelow(patterns: readonly SecretPattern[], key: PathSegment): readonly SecretPattern[] {
  if (patterns.length === 0) return NONE;
  const below = patterns.filter(([step]) => step === EVERY || step === key).map((pattern) => pattern.slice(1));
  return below.length === 0 ? NONE : below;
}

/** Whether the value that has been come to is itself secret. */
export function isSecretHere(patterns: readonly SecretPattern[]): boolean {
  return patterns.some((pattern) => pattern.length === 0);
}
