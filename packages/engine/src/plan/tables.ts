/**
 * The compiled plan's side tables: what many nodes share is stored once and named by an index. Owns: pools, retry
 * policies with their defaults, splits, and the conversion of seconds.
 */
import { type CompiledRetry, type CompiledSplit, MethodCode } from "./compiled.ts";
import type { RetryDocument, SplitDocument } from "./document.ts";

/** `maxInterval` of a policy that gives none, as a multiple of `initialInterval`. */
const MAX_INTERVAL_FACTOR = 100;

/** Seconds as whole milliseconds. 0 means none, so that a shorter time than half a millisecond is one. */
export function milliseconds(seconds: number): number {
  return seconds > 0 ? Math.max(1, Math.round(seconds * 1000)) : 0;
}

/** Names, each once. */
export class NameTable {
  readonly entries: string[];
  readonly #indexes: Map<string, number>;
  #last = "";
  #lastIndex = -1;

  /** `first`: those that have the first indexes. */
  constructor(first: readonly string[]) {
    this.entries = [...first];
    this.#indexes = new Map(first.map((name, index) => [name, index]));
  }

  indexOf(name: string): number {
    if (name === this.#last && this.#lastIndex >= 0) return this.#lastIndex;
    const known = this.#indexes.get(name);
    const index = known ?? this.entries.push(name) - 1;
    if (known === undefined) this.#indexes.set(name, index);
    this.#last = name;
    this.#lastIndex = index;
    return index;
  }
}

/** Retry policies, equal ones stored once. */
export class RetryTable {
  readonly entries: CompiledRetry[] = [];
  readonly #indexes = new Map<string, number>();

  /** -1 = one attempt, which is also what a policy with `maxAttempts` 1 means. */
  indexOf(policy: RetryDocument | undefined): number {
    if (policy === undefined || (policy.maxAttempts ?? 1) === 1) return -1;
    const initialInterval = policy.initialInterval ?? 1;
    const retry: CompiledRetry = {
      maxAttempts: policy.maxAttempts ?? 1,
      initialIntervalMs: milliseconds(initialInterval),
      backoffCoefficient: policy.backoffCoefficient ?? 2,
      maxIntervalMs: milliseconds(policy.maxInterval ?? MAX_INTERVAL_FACTOR * initialInterval),
      fullJitter: policy.jitter === "full",
    };
    const key = Object.values(retry).join();
    const known = this.#indexes.get(key);
    if (known !== undefined) return known;
    this.#indexes.set(key, this.entries.length);
    return this.entries.push(retry) - 1;
  }
}

/** One entry per group. */
export class SplitTable {
  readonly entries: CompiledSplit[] = [];

  /** `count` is the number of members, -1 when only the run can tell. */
  add(split: SplitDocument, count: number): number {
    const { tolerated = 0 } = split;
    const entry: CompiledSplit = {
      method: MethodCode[split.method ?? "PARALLEL"],
      maxConcurrency: split.maxConcurrency ?? 0,
      tolerated: typeof tolerated === "number" ? tolerated : 0,
      toleratedShare: typeof tolerated === "string" ? Number.parseFloat(tolerated) / 100 : 0,
      count,
    };
    return this.entries.push(entry) - 1;
  }
}
