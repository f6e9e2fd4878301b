/**
 * JSON in which some values are sealed: `{"$sealed": "<text>"}` stands for one of them (R46). Owns: the form, the walk that makes it
 * and the walk that reads it, the escape of a mapping of the user's that looks like it: `{"$sealed": {"asIs": ...}}`.
 * Iterative: no depth of a value overflows the stack. Cost: linear in the values.
 */
import type { Json } from "../plan/document.ts";
import type { PathSegment } from "../plan/path.ts";

const MARK = "$sealed";
const AS_IS = "asIs";

/** Where a walk is. `S` is what it carries down. */
export interface Spot<S> {
  readonly up: Spot<S> | undefined;
  readonly key: PathSegment;
  readonly state: S;
}

/** Keys and indexes down to a spot, its own included. */
export function segmentsOf<S>(spot: Spot<S>): PathSegment[] {
  const segments: PathSegment[] = [];
  for (let at: Spot<S> | undefined = spot; at !== undefined; at = at.up) segments.push(at.key);
  return segments.reverse();
}

/** What a walk decides about one value: another value in its place, or undefined to go on inside of it. */
export type Turn<S> = (value: Json, spot: Spot<S>) => { readonly value: Json } | undefined;

export interface Walk<S> {
  readonly turn: Turn<S>;
  /** What is carried one step further down. */
  readonly below: (state: S, key: PathSegment) => S;
}

/** A copy in which `turn` puts the sealed values; a mapping that looks like one is escaped. */
export function sealedCopy<S>(value: Json, top: Spot<S>, walk: Walk<S>): Json {
  return rewrite(value, top, walk, (part) =>
    Object.hasOwn(part, MARK) ? { from: part, around: (copy) => ({ [MARK]: { [AS_IS]: copy } }) } : undefined,
  );
}

/** A copy in which `open` puts the values back. */
export function openedCopy<S>(value: Json, top: Spot<S>, walk: Walk<S>): Json {
  return rewrite(value, top, walk, (part) => {
    const escaped = (part as Readonly<Record<string, Json>>)[MARK];
    const isEscaped = typeof escaped === "object" && escaped !== null && Object.hasOwn(escaped, AS_IS);
    return isEscaped ? { from: (escaped as unknown as Record<string, object>)[AS_IS] as object } : undefined;
  });
}

/** A copy in which `turn` puts other values; nothing looks sealed to it. */
export function changedCopy<S>(value: Json, top: Spot<S>, walk: Walk<S>): Json {
  return rewrite(value, top, walk, () => undefined);
}

/** The text of a sealed value; undefined for any other value. */
export function sealedText(value: Json): string | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value) || !Object.hasOwn(value, MARK))
    return undefined;
  const text = (value as Readonly<Record<string, Json>>)[MARK];
  return typeof text === "string" ? text : undefined;
}

/** The form of a sealed value. */
export function sealedValue(text: string): Json {
  return { [MARK]: text };
}

interface Detour {
  /** What is copied instead of the mapping. */
  readonly from: object;
  readonly around?: (copy: Json) => Json;
}

interface Pending<S> {
  readonly source: object;
  readonly target: object;
  readonly spot: Spot<S>;
}

function rewrite<S>(root: Json, top: Spot<S>, walk: Walk<S>, detour: (part: object) => Detour | undefined): Json {
  const pending: Pending<S>[] = [];
  const take = (value: Json, spot: Spot<S>): Json => {
    const turned = walk.turn(value, spot);
    if (turned !== undefined) return turned.value;
    if (typeof value !== "object" || value === null) return value;
    const around = Array.isArray(value) ? undefined : detour(value);
    const source = around?.from ?? value;
    const target = (Array.isArray(source) ? [] : {}) as Json;
    pending.push({ source, target: target as object, spot });
    return around?.around === undefined ? target : around.around(target);
  };
  const copy = take(root, top);
  for (let at = 0; at < pending.length; at++) fill(pending[at] as Pending<S>, walk, take);
  return copy;
}

function fill<S>(
  { source, target, spot }: Pending<S>,
  walk: Walk<S>,
  take: (value: Json, spot: Spot<S>) => Json,
): void {
  const isList = Array.isArray(source);
  for (const [name, value] of Object.entries(source) as [string, Json][]) {
    const key = isList ? Number(name) : name;
    const inner = take(value, { up: spot, key, state: walk.below(spot.state, key) });
    // Defined, not assigned: a key named "__proto__" stays a key.
    Object.defineProperty(target, name, { value: inner, enumerable: true, configurable: true, writable: true });
  }
}
