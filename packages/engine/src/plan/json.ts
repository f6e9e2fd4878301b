/**
 * Copies of JSON values. Owns: the one iterative walk that copies, so that no depth overflows the stack and no copy
 * shares anything with its source (R28). Does not own: what a leaf may be, which the caller decides.
 * Cost: linear in the number of values.
 */
import type { Json } from "./document.ts";

/** Decides about one value before it is copied: a replacement (not copied further), or undefined to go on. */
export type Replace = (value: unknown) => { readonly value: Json } | undefined;

/** Thrown inside a copy for a value that JSON cannot hold, or one that is too large; callers turn it into data. */
export class NotJson extends Error {
  override readonly name = "NotJson";
}

interface Copied {
  /** Containers of the copy, in no particular order. */
  readonly containers: object[];
  readonly value: Json;
}

/**
 * A deep copy. `replace` sees every value first. Throws `NotJson` for a value that is no JSON and that `replace` left
 * alone, and for more than `maxValues` values: a value that is shared many times is copied as many times.
 */
export function copyJson(source: unknown, replace?: Replace, maxValues: number = Number.POSITIVE_INFINITY): Json {
  return walk(source, replace, maxValues).value;
}

/** The same, deeply frozen. */
export function frozenCopy(source: unknown): Json {
  const { value, containers } = walk(source, undefined, Number.POSITIVE_INFINITY);
  for (const container of containers) Object.freeze(container);
  return value;
}

/** Freezes a JSON value in place, deeply; what is frozen already is taken to be so throughout. */
export function deepFreeze<T>(value: T): T {
  const left: unknown[] = [value];
  for (let next = left.pop(); left.length > 0 || next !== undefined; next = left.pop()) {
    if (typeof next !== "object" || next === null || Object.isFrozen(next)) continue;
    Object.freeze(next);
    for (const inner of Object.values(next)) left.push(inner);
  }
  return value;
}

function walk(source: unknown, replace: Replace | undefined, maxValues: number): Copied {
  const sources: object[] = [];
  const targets: object[] = [];
  let left = maxValues;
  const take = (value: unknown): Json => {
    if (--left < 0) throw new NotJson(`more than ${maxValues} values`);
    const replaced = replace?.(value);
    if (replaced !== undefined) return replaced.value;
    if (typeof value !== "object" || value === null) return leaf(value);
    const target = emptyLike(value);
    sources.push(value);
    targets.push(target);
    return target as Json;
  };
  const value = take(source);
  for (let at = 0; at < sources.length; at++) fill(sources[at] as object, targets[at] as object, take);
  return { value, containers: targets };
}

function fill(source: object, target: object, take: (value: unknown) => Json): void {
  if (Array.isArray(source)) {
    for (const value of source) (target as Json[]).push(take(value));
    return;
  }
  for (const [key, value] of Object.entries(source)) {
    // Defined, not assigned: a key named "__proto__" stays a key.
    Object.defineProperty(target, key, { value: take(value), enumerable: true, configurable: true, writable: true });
  }
}

function emptyLike(value: object): object {
  if (Array.isArray(value)) return [];
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === null || prototype === Object.prototype) return {};
  throw new NotJson(`a ${value.constructor?.name ?? "value"} is no JSON value`);
}

function leaf(value: unknown): Json {
  if (value === null || typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "number" && Number.isFinite(value)) return value;
  throw new NotJson(
    `${typeof value === "number" ? String(value) : `a value of type ${typeof value}`} is no JSON value`,
  );
}
