/**
 * Secrets among a plan's parameters: where `params` says `x-secret: true` (R46). Owns: finding the marks, refusing values
 * that stand in the plan under one. Does not own: keeping anything secret (`runtime/run-secrets.ts`).
 */
import type { Diagnostic } from "./diagnostic.ts";
import type { Json, PlanDocument } from "./document.ts";
import { childrenOf, listOf, propertiesOf } from "./params-parts.ts";
import { isMapping, type ParamsSchema, resolveParamsSchema } from "./params-schema.ts";
import { childPath } from "./path.ts";
import { isSecretHere, parseSecretPath, patternsBelow, type SecretPattern } from "./secret-path.ts";

/**
 * Where the schema says `x-secret: true`: `password`, `users[*].token`, where `[*]` is every item of a list or every
 * value of a mapping.
 */
export function secretPaths(schema: PlanDocument["params"]): string[] {
  return schema === undefined ? [] : markedPaths(resolveParamsSchema(schema).schema);
}

const NONE: readonly SecretPattern[] = [];
const known = new WeakMap<object, readonly SecretPattern[]>();

/** The same, ready to be followed; worked out once for each schema. */
export function secretPatterns(schema: PlanDocument["params"]): readonly SecretPattern[] {
  if (schema === undefined) return NONE;
  const before = known.get(schema);
  if (before !== undefined) return before;
  const patterns = patternsOf(secretPaths(schema));
  known.set(schema, patterns);
  return patterns;
}

/** Every number and text at or below a secret place, but for empty texts. Keys are names and no secrets. */
export function* secretLeaves(value: Json, patterns: readonly SecretPattern[]): Generator<string | number> {
  const stack: [Json, readonly SecretPattern[], boolean][] = [[value, patterns, false]];
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    const [part, left, inside] = top;
    const secret = inside || isSecretHere(left);
    if (!secret && left.length === 0) continue;
    if (typeof part === "object" && part !== null) {
      const isList = Array.isArray(part);
      for (const [key, child] of Object.entries(part)) {
        stack.push([child as Json, secret ? NONE : patternsBelow(left, isList ? Number(key) : key), secret]);
      }
    } else if (secret && (typeof part === "number" || (typeof part === "string" && part !== ""))) yield part;
  }
}

/** The values that a plan itself gives to a secret: everybody reads a plan, and the journal keeps it (R5). */
export function secretFaults(schema: ParamsSchema): Diagnostic[] {
  const diagnostics: Diagnostic[] = [];
  const stack: [part: Json, path: string, inside: boolean][] = [[schema, "params", false]];
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    const [part, path, above] = top;
    if (!isMapping(part)) continue;
    const inside = above || part["x-secret"] === true;
    const patterns = inside ? [[]] : patternsOf(markedPaths(part));
    if (patterns.length === 0) continue;
    for (const keyword of ["default", "const", "enum"]) {
      const written = part[keyword];
      const values = written === undefined ? [] : keyword === "enum" ? listOf(written) : [written];
      if (values.some((value) => !secretLeaves(value, patterns).next().done)) diagnostics.push(fault(path, keyword));
    }
    for (const [name, child] of propertiesOf(part)) stack.push([child, childPath(`${path}.properties`, name), inside]);
    for (const keyword of ["items", "additionalProperties"]) {
      if (part[keyword] !== undefined) stack.push([part[keyword] as Json, `${path}.${keyword}`, inside]);
    }
    for (const [index, child] of listOf(part["allOf"]).entries())
      stack.push([child, `${path}.allOf[${index}]`, inside]);
  }
  return diagnostics;
}

function markedPaths(schema: ParamsSchema): string[] {
  const paths = new Set<string>();
  const stack: [schema: Json, path: string][] = [[schema, ""]];
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    const [part, path] = top;
    if (!isMapping(part)) continue;
    if (part["x-secret"] === true) paths.add(path);
    for (const [child, segment] of childrenOf(part)) stack.push([child, segment === undefined ? path : path + segment]);
  }
  return [...paths].map((path) => path.replace(/^\./, "")).toSorted();
}

/** Paths of our own making are in the notation. */
function patternsOf(paths: readonly string[]): readonly SecretPattern[] {
  return paths.map((path) => parseSecretPath(path) as SecretPattern);
}

function fault(path: string, keyword: string): Diagnostic {
  return {
    code: "CONFLICT",
    severity: "error",
    path: `${path}.${keyword}`,
    message: `a secret has no ${keyword}: everybody who sees the plan would read it`,
    suggestion: "give it when the run starts",
  };
}
