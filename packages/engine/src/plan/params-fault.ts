/**
 * A validator's findings -> one plain sentence for each parameter that does not fit. Owns: the wording, which names the
 * constraint and never the value: it may be secret. Does not own: validation.
 */
import type { Json } from "./document.ts";
import { isMapping, type ParamsSchema } from "./params-schema.ts";
import { childPath, formatPath, type PathSegment } from "./path.ts";

/** What the validator says of one keyword; locations are URI-encoded JSON pointers that start with `#`. */
export interface Finding {
  readonly instanceLocation: string;
  readonly keyword: string;
  readonly keywordLocation: string;
}

export interface ParamFault {
  /** Below the checked value, to be appended to its own path: `.cluster.hosts[0]`. */
  readonly path: string;
  readonly message: string;
}

/** They say that something below does not fit; what is below is reported itself. */
const WRAPPERS: ReadonlySet<string> = new Set([
  "properties",
  "items",
  "prefixItems",
  "allOf",
  "if",
  "additionalProperties",
]);
/** They say what is wrong; what is below them is only why one of several ways failed. */
const CHOICES: ReadonlySet<string> = new Set([
  "anyOf",
  "oneOf",
  "not",
  "contains",
  "minContains",
  "maxContains",
  "propertyNames",
]);

/** One fault for each place and reason, in the order found. */
export function paramFaults(schema: ParamsSchema, value: Json, findings: readonly Finding[]): ParamFault[] {
  const choices = findings.filter(({ keyword }) => CHOICES.has(keyword));
  const inner = new Set(choices.map(({ keywordLocation }) => `${keywordLocation}/`));
  const faults = new Map<string, ParamFault>();
  for (const finding of findings) {
    if (WRAPPERS.has(finding.keyword) || isBelow(finding.keywordLocation, inner)) continue;
    const segments = instancePath(value, finding.instanceLocation);
    const constraint = lookUp(schema, pointerParts(finding.keywordLocation));
    for (const fault of toFaults(finding.keyword, constraint, segments, valueAt(value, segments))) {
      faults.set(`${fault.path} ${fault.message}`, fault);
    }
  }
  return [...faults.values()];
}

function isBelow(location: string, prefixes: ReadonlySet<string>): boolean {
  for (const prefix of prefixes) if (location.startsWith(prefix)) return true;
  return false;
}

function toFaults(
  keyword: string,
  constraint: Json | undefined,
  segments: PathSegment[],
  value: Json | undefined,
): ParamFault[] {
  const path = suffix(segments);
  if (keyword === "required" && Array.isArray(constraint) && isMapping(value)) {
    const missing = constraint.filter((name) => typeof name === "string" && !Object.hasOwn(value, name));
    return missing.map((name: string) => ({
      path: suffix([...segments, name]),
      message: `the parameter ${JSON.stringify(name)} is missing`,
    }));
  }
  return [{ path, message: messageOf(keyword, constraint, value) }];
}

const COUNTS: Readonly<Record<string, string>> = {
  minLength: "must have at least # characters",
  maxLength: "must have at most # characters",
  minItems: "must have at least # items",
  maxItems: "must have at most # items",
  minProperties: "must have at least # entries",
  maxProperties: "must have at most # entries",
  minContains: "must contain at least # items of the wanted form",
  maxContains: "must contain at most # items of the wanted form",
  minimum: "must be at least #",
  maximum: "must be at most #",
  exclusiveMinimum: "must be above #",
  exclusiveMaximum: "must be below #",
  multipleOf: "must be a multiple of #",
  format: "must have the format #",
  const: "must be #",
};

const SENTENCES: Readonly<Record<string, string>> = {
  pattern: "does not match the pattern",
  uniqueItems: "must not have equal items",
  contains: "has no item of the wanted form",
  propertyNames: "has a name that is not allowed",
  anyOf: "fits none of the allowed forms",
  oneOf: "must fit exactly one of the allowed forms",
  not: "has a form that is not allowed",
  false: "is not allowed",
};

function messageOf(keyword: string, constraint: Json | undefined, value: Json | undefined): string {
  if (keyword === "type") {
    const types: readonly Json[] = Array.isArray(constraint) ? constraint : [constraint ?? "?"];
    return `must be of type ${types.join(" or ")}, not ${typeOf(value)}`;
  }
  if (keyword === "enum" && Array.isArray(constraint)) {
    return `must be one of ${constraint.map((option) => JSON.stringify(option)).join(", ")}`;
  }
  const template = COUNTS[keyword];
  if (template === undefined) return SENTENCES[keyword] ?? `does not fit "${keyword}"`;
  return template.replace("#", () =>
    typeof constraint === "string" ? constraint : JSON.stringify(constraint ?? null),
  );
}

function typeOf(value: Json | undefined): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "array" : typeof value;
}

function pointerParts(location: string): string[] {
  const parts = location.split("/").slice(1);
  return parts.map((part) => decodeURIComponent(part).replaceAll("~1", "/").replaceAll("~0", "~"));
}

function instancePath(value: Json, location: string): PathSegment[] {
  const segments: PathSegment[] = [];
  let at: Json | undefined = value;
  for (const part of pointerParts(location)) {
    const segment = Array.isArray(at) ? Number(part) : part;
    segments.push(segment);
    at = child(at, segment);
  }
  return segments;
}

function valueAt(value: Json, segments: readonly PathSegment[]): Json | undefined {
  let at: Json | undefined = value;
  for (const segment of segments) at = child(at, segment);
  return at;
}

function lookUp(schema: Json, parts: readonly string[]): Json | undefined {
  let at: Json | undefined = schema;
  for (const part of parts) at = child(at, Array.isArray(at) ? Number(part) : part);
  return at;
}

function child(value: Json | undefined, segment: PathSegment): Json | undefined {
  if (Array.isArray(value)) return value[segment as number];
  return isMapping(value) && Object.hasOwn(value, segment) ? value[segment] : undefined;
}

function suffix(segments: readonly PathSegment[]): string {
  const [first, ...rest] = segments;
  if (first === undefined) return "";
  const head = childPath("", first);
  const path = formatPath(rest);
  const tail = path === "" || path.startsWith("[") ? path : `.${path}`;
  return `${head.startsWith("[") ? head : `.${head}`}${tail}`;
}
