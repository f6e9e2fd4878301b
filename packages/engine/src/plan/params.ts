/**
 * Parameters of a run against the plan's `params` schema (R2, R3). The only door to @cfworker/json-schema, which
 * interprets a schema and compiles nothing.
 * Owns: unknown names, defaults, the words of what does not fit. Does not own: what a schema may say (`params-schema.ts`), where
 * secrets are (`params-secret.ts`).
 * Invariants: no message ever shows a parameter's value, which may be secret. A plan without `params` takes no parameter.
 * Names that the schema does not mention are refused unless its `additionalProperties` allow them.
 */
import { Validator } from "@cfworker/json-schema";
import { admitJson } from "./admit-json.ts";
import type { Diagnostic } from "./diagnostic.ts";
import type { Json, PlanDocument } from "./document.ts";
import { DEFAULT_LIMITS, type Limits } from "./limits.ts";
import { type ParamFault, paramFaults } from "./params-fault.ts";
import { inPlace, listOf, propertiesOf, segmentOf } from "./params-parts.ts";
import { isMapping, type ParamsSchema, resolveParamsSchema } from "./params-schema.ts";
import { secretFaults } from "./params-secret.ts";
import { childPath } from "./path.ts";
import { didYouMean, suggester } from "./suggestion.ts";

export interface CheckedParams {
  /** Frozen, with defaults filled in; to be used only when there is no diagnostic. */
  readonly params: Readonly<Record<string, Json>>;
  readonly diagnostics: readonly Diagnostic[];
}

/** What is wrong with a `params` schema: keywords, types, patterns, references, defaults that do not fit. */
export function checkParamsSchema(schema: Json): Diagnostic[] {
  const { diagnostics, schema: resolved } = resolveParamsSchema(schema);
  if (diagnostics.length > 0) return diagnostics;
  return [...defaultFaults(resolved), ...requiredFaults(resolved), ...secretFaults(resolved)];
}

/**
 * Parameters with the defaults of the schema filled in, at its top and in the properties of objects that are given.
 * Every deviation is a diagnostic whose path starts with `params`.
 */
export function checkParams(
  schema: PlanDocument["params"],
  params: unknown = {},
  limits: Limits = DEFAULT_LIMITS,
): CheckedParams {
  const admitted = admitJson(params, limits);
  if (admitted.value === undefined) return { params: {}, diagnostics: admitted.diagnostics.map(underParams) };
  if (!isMapping(admitted.value)) {
    return { params: {}, diagnostics: [fault("params", "parameters are given by name, in a mapping")] };
  }
  const given = admitted.value;
  if (schema === undefined) return { params: given, diagnostics: unknownNames(given, []) };
  const { diagnostics, schema: resolved } = resolveParamsSchema(schema);
  if (diagnostics.length > 0) return { params: {}, diagnostics };
  const unknown = isOpen(resolved) ? [] : unknownNames(given, namesOf(resolved));
  // Copied again: defaults are the schema's own values, which the caller may still change.
  const copied = admitJson(withDefaults(resolved, given), limits);
  if (copied.value === undefined) return { params: {}, diagnostics: copied.diagnostics.map(underParams) };
  const filled = copied.value as Readonly<Record<string, Json>>;
  const told = new Set(unknown.map(({ path }) => path));
  const faults = validate(resolved, filled).map(({ path, message }) => fault(`params${path}`, message));
  return { params: filled, diagnostics: [...unknown, ...faults.filter(({ path }) => !told.has(path))] };
}

/** The names a run may give; undefined when the schema leaves them open, or is wrong and says so elsewhere. */
export function parameterNames(schema: PlanDocument["params"]): readonly string[] | undefined {
  if (schema === undefined) return [];
  const { diagnostics, schema: resolved } = resolveParamsSchema(schema);
  return diagnostics.length > 0 || isOpen(resolved) ? undefined : namesOf(resolved);
}

/** Takes names that it does not mention. */
function isOpen(schema: ParamsSchema): boolean {
  const others = schema["additionalProperties"];
  return others !== undefined && others !== false;
}

/** Every name that the schema mentions at its top. */
function namesOf(schema: ParamsSchema): string[] {
  const names = new Set<string>();
  const stack: Json[] = [schema];
  for (let part = stack.pop(); part !== undefined; part = stack.pop()) {
    if (!isMapping(part)) continue;
    for (const [name] of propertiesOf(part)) names.add(name);
    stack.push(...inPlace(part));
  }
  return [...names];
}

function unknownNames(params: Readonly<Record<string, Json>>, names: readonly string[]): Diagnostic[] {
  const known = new Set(names);
  const suggest = suggester(names);
  return Object.keys(params)
    .filter((name) => !known.has(name))
    .map((name) => ({
      ...fault(`params${segmentOf(name)}`, `the plan has no parameter ${JSON.stringify(name)}`),
      ...didYouMean(suggest(name)),
    }));
}

/** Recursion as deep as the schema, which is bounded. */
function withDefaults(schema: Json, value: Json): Json {
  if (!isMapping(schema) || !isMapping(value)) return value;
  let filled: Record<string, Json> = { ...value };
  for (const [name, part] of propertiesOf(schema)) {
    const given = Object.hasOwn(filled, name) ? filled[name] : isMapping(part) ? part["default"] : undefined;
    if (given !== undefined) filled[name] = withDefaults(part, given);
  }
  for (const part of listOf(schema["allOf"])) filled = withDefaults(part, filled) as Record<string, Json>;
  return filled;
}

function validate(schema: ParamsSchema, value: Json): ParamFault[] {
  const result = new Validator(schema as object, "2020-12", false).validate(value);
  return result.valid ? [] : paramFaults(schema, value, result.errors);
}

function defaultFaults(schema: ParamsSchema): Diagnostic[] {
  const diagnostics: Diagnostic[] = [];
  const stack: [schema: Json, path: string][] = [[schema, "params"]];
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    const [part, path] = top;
    if (!isMapping(part)) continue;
    if (part["default"] !== undefined) {
      for (const { path: inner, message } of validate(part, part["default"])) {
        diagnostics.push({ ...fault(`${path}.default${inner}`, message), code: "INVALID_VALUE" });
      }
    }
    for (const [name, child] of propertiesOf(part)) stack.push([child, childPath(`${path}.properties`, name)]);
    for (const [index, child] of listOf(part["allOf"]).entries()) stack.push([child, `${path}.allOf[${index}]`]);
  }
  return diagnostics;
}

/** A required name that nobody may give. */
function requiredFaults(schema: ParamsSchema): Diagnostic[] {
  if (isOpen(schema)) return [];
  const names = namesOf(schema);
  const suggest = suggester(names);
  return listOf(schema["required"]).flatMap((name, index): Diagnostic[] => {
    if (typeof name !== "string" || names.includes(name)) return [];
    const message = `the required parameter ${JSON.stringify(name)} is not among the properties`;
    return [{ ...fault(`params.required[${index}]`, message), code: "INVALID_VALUE", ...didYouMean(suggest(name)) }];
  });
}

function fault(path: string, message: string): Diagnostic {
  return { code: "PARAMS", severity: "error", path, message };
}

function underParams(diagnostic: Diagnostic): Diagnostic {
  const { path } = diagnostic;
  return { ...diagnostic, path: path === "" || path.startsWith("[") ? `params${path}` : `params.${path}` };
}
