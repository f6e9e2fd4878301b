/**
 * The keywords of JSON Schema 2020-12 that a params schema may use, and what each must hold.
 */
import type { Json } from "./document.ts";

/** Names of types. */
export const TYPES: readonly string[] = ["null", "boolean", "integer", "number", "string", "array", "object"];
/** Formats that are checked; the others of the standard are refused, not ignored. */
export const FORMATS: readonly string[] = [
  "date",
  "date-time",
  "duration",
  "email",
  "hostname",
  "ipv4",
  "ipv6",
  "time",
  "uri",
  "uuid",
];

/** What a keyword holds. `special` ones have a check of their own. */
export type KeywordKind =
  | "schema"
  | "schemas"
  | "schema-map"
  | "string"
  | "strings"
  | "boolean"
  | "number"
  | "positive"
  | "count"
  | "any"
  | "list"
  | "special";

/** What each keyword holds. */
export const KEYWORDS: Readonly<Record<string, KeywordKind>> = {
  $schema: "special",
  $comment: "string",
  $defs: "special",
  $ref: "special",
  title: "string",
  description: "string",
  default: "any",
  examples: "list",
  deprecated: "boolean",
  readOnly: "boolean",
  writeOnly: "boolean",
  "x-secret": "boolean",
  type: "special",
  enum: "list",
  const: "any",
  properties: "schema-map",
  required: "strings",
  additionalProperties: "schema",
  propertyNames: "schema",
  minProperties: "count",
  maxProperties: "count",
  items: "schema",
  prefixItems: "schemas",
  contains: "schema",
  minContains: "count",
  maxContains: "count",
  minItems: "count",
  maxItems: "count",
  uniqueItems: "boolean",
  minimum: "number",
  maximum: "number",
  exclusiveMinimum: "number",
  exclusiveMaximum: "number",
  multipleOf: "positive",
  minLength: "count",
  maxLength: "count",
  pattern: "special",
  format: "special",
  allOf: "schemas",
  anyOf: "schemas",
  oneOf: "schemas",
  not: "schema",
  if: "schema",
  // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema.
  then: "schema",
  else: "schema",
};

/** Of the standard, but not of ours: some reach out, some cannot be bounded. */
export const UNSUPPORTED: ReadonlySet<string> = new Set([
  "$id",
  "$anchor",
  "$dynamicRef",
  "$dynamicAnchor",
  "$vocabulary",
  "patternProperties",
  "dependentRequired",
  "dependentSchemas",
  "unevaluatedProperties",
  "unevaluatedItems",
  "contentEncoding",
  "contentMediaType",
  "contentSchema",
]);

/** The check of each simple kind. */
export const WANTED: Partial<Record<KeywordKind, { words: string; holds: (value: Json) => boolean }>> = {
  string: { words: "a string", holds: (value) => typeof value === "string" },
  boolean: { words: "true or false", holds: (value) => typeof value === "boolean" },
  number: { words: "a number", holds: (value) => typeof value === "number" },
  positive: { words: "a number above 0", holds: (value) => typeof value === "number" && value > 0 },
  count: { words: "a whole number from 0", holds: (value) => Number.isSafeInteger(value) && (value as number) >= 0 },
  list: { words: "a list that is not empty", holds: (value) => Array.isArray(value) && value.length > 0 },
  strings: {
    words: "a list of strings",
    holds: (value) => Array.isArray(value) && value.every((item) => typeof item === "string"),
  },
};
