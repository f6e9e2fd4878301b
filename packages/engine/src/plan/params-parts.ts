/**
 * The parts of a resolved `params` schema: what stands below it, and which part of a parameter each speaks of. Owns: that
 * walk, one step at a time. Does not own: what anybody looks for on the way.
 */
import type { Json } from "./document.ts";
import { isMapping, type ParamsSchema } from "./params-schema.ts";
import { childPath } from "./path.ts";

/** Subschemas with the part of the path they stand for, `.name` or `[*]`; undefined for those of the same value. */
export function childrenOf(schema: ParamsSchema): [schema: Json, segment: string | undefined][] {
  const children: [Json, string | undefined][] = inPlace(schema).map((part) => [part, undefined]);
  for (const [name, part] of propertiesOf(schema)) children.push([part, segmentOf(name)]);
  for (const keyword of ["items", "contains", "additionalProperties"]) {
    const part = schema[keyword];
    if (part !== undefined) children.push([part, "[*]"]);
  }
  for (const part of listOf(schema["prefixItems"])) children.push([part, "[*]"]);
  return children;
}

/** Subschemas that apply to the same value. */
export function inPlace(schema: ParamsSchema): Json[] {
  const single = ["not", "if", "then", "else"].map((keyword) => schema[keyword]).filter((part) => part !== undefined);
  return [...["allOf", "anyOf", "oneOf"].flatMap((keyword) => listOf(schema[keyword])), ...single];
}

/** The schemas of the named properties. */
export function propertiesOf(schema: ParamsSchema): [name: string, schema: Json][] {
  const properties = schema["properties"];
  return isMapping(properties) ? Object.entries(properties) : [];
}

/** The list, or an empty one for anything else. */
export function listOf(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? value : [];
}

/** A key with its separator: `.name` or `["a b"]`. */
export function segmentOf(name: string): string {
  const path = childPath("", name);
  return path.startsWith("[") ? path : `.${path}`;
}
