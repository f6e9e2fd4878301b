/**
 * Assertions of the core. A broken one is a bug of ours: it stops the run it happened in, never another (R50).
 */

/** Thrown when an invariant does not hold; the message starts with the rule's number. */
export class InvariantError extends Error {
  override readonly name = "InvariantError";
}

/** Throws InvariantError unless `condition` holds. */
export function invariant(condition: boolean, rule: string): asserts condition {
  if (!condition) throw new InvariantError(rule);
}
