/**
 * `--params k=v` and `--params @file`: from words on a command line to the run's parameters.
 * Owns: turning one word into a value of the type that the plan's `params` schema gives it. Does not own: whether the
 * parameters as a whole fit the schema; the engine checks that when the run starts (PARAMS_INVALID).
 */
import type { Json } from "@belay/engine";
import { didYouMean } from "./suggestion.ts";
import { UsageError } from "./usage-error.ts";

/** A plan's `params`: a JSON Schema. */
export type ParamsSchema = Readonly<Record<string, Json>>;

/** Parameters by name. */
export type Params = Readonly<Record<string, Json>>;

/** Reads a `@file`; throws UsageError when it cannot, or when it holds no mapping. */
export type ReadParamsFile = (path: string) => Promise<Params>;

/**
 * The parameters that the words of `--params` mean; later ones win. Throws one UsageError with every word that is neither
 * `k=v` nor `@file`, every name the schema does not know while it lists some, every value of another type, and what is
 * required and missing beside these.
 */
export async function parseParams(
  words: readonly string[],
  schema: ParamsSchema | undefined,
  readFile: ReadParamsFile,
): Promise<Params> {
  const params: Map<string, Json> = new Map();
  const faults: string[] = [];
  for (const word of words) {
    try {
      for (const [name, value] of await readWord(word, schema, readFile)) params.set(name, value);
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      faults.push(...error.faults);
    }
  }
  const [first, ...more] = faults;
  if (first !== undefined) throw new UsageError(first, ...more, ...missing(words, params, schema));
  return Object.fromEntries(params);
}

/** The word without what the schema marks as secret, for commands that are shown. */
export function withoutSecret(word: string, schema: ParamsSchema | undefined): string {
  const equals = word.indexOf("=");
  const name = word.slice(0, equals);
  return !word.startsWith("@") && equals > 0 && isSecret(name, schema) ? `${name}=<secret>` : word;
}

async function readWord(
  word: string,
  schema: ParamsSchema | undefined,
  readFile: ReadParamsFile,
): Promise<readonly (readonly [name: string, value: Json])[]> {
  if (word.startsWith("@")) return Object.entries(await readFile(word.slice(1)));
  const equals = word.indexOf("=");
  if (equals <= 0) throw new UsageError(`--params takes name=value or @file, not ${JSON.stringify(word)}`);
  const name = word.slice(0, equals);
  return [[name, parseValue(name, word.slice(equals + 1), schema)]];
}

/** Required names that no word gives; nothing is known of them when a file could not be read. */
function missing(
  words: readonly string[],
  given: ReadonlyMap<string, Json>,
  schema: ParamsSchema | undefined,
): string[] {
  const required = schema?.["required"];
  if (!Array.isArray(required) || words.some((word) => word.startsWith("@"))) return [];
  const named = new Set([...given.keys(), ...words.map((word) => word.split("=", 1)[0])]);
  return required
    .filter((name): name is string => typeof name === "string" && !named.has(name))
    .filter((name) => asObject(asObject(schema?.["properties"])?.[name])?.["default"] === undefined)
    .map((name) => `parameter ${name} is missing`);
}

function parseValue(name: string, text: string, schema: ParamsSchema | undefined): Json {
  const known = asObject(schema?.["properties"]);
  const declared = known?.[name];
  if (declared === undefined) {
    if (known !== undefined && !acceptsOthers(schema)) {
      const names = Object.keys(known);
      const list = names.length > 0 ? `; the plan has ${names.join(", ")}` : "; the plan has none";
      throw new UsageError(`unknown parameter ${JSON.stringify(name)}${didYouMean(name, names)}${list}`);
    }
    return jsonOrText(text);
  }
  const types = typesOf(asObject(declared), schema);
  if (types.length === 0) return jsonOrText(text);
  for (const type of types) {
    const value = READERS[type]?.(text);
    if (value !== undefined) return value;
  }
  const not = isSecret(name, schema) ? "" : `, not ${JSON.stringify(text)}`;
  throw new UsageError(`parameter ${name} takes ${types.map(describe).join(" or ")}${not}`);
}

/** Something in the parameter may be marked `x-secret`. In doubt it is: what is named elsewhere counts where it is referred to. */
function isSecret(name: string, schema: ParamsSchema | undefined): boolean {
  const declared = asObject(schema?.["properties"])?.[name] ?? schema ?? {};
  const text = JSON.stringify(declared);
  const named = text.includes('"$ref":') ? JSON.stringify(schema?.["$defs"] ?? {}) : "";
  return `${text}${named}`.includes('"x-secret":true');
}

/** By type of JSON Schema: the value, or undefined when the text is none of that type. */
const READERS: Readonly<Record<string, (text: string) => Json | undefined>> = {
  string: (text) => text,
  number: readNumber,
  integer: (text) => {
    const value = readNumber(text);
    return Number.isSafeInteger(value) ? value : undefined;
  },
  boolean: (text) => (text === "true" ? true : text === "false" ? false : undefined),
  null: (text) => (text === "null" ? null : undefined),
  array: (text) => {
    const value = readJson(text);
    return Array.isArray(value) ? value : undefined;
  },
  object: (text) => asObject(readJson(text)),
};

const DESCRIPTIONS: Readonly<Record<string, string>> = {
  string: "text",
  number: "a number",
  integer: "a whole number",
  boolean: "true or false",
  null: "null",
  array: 'a JSON list such as ["a","b"]',
  object: 'a JSON object such as {"a":1}',
};

function describe(type: string): string {
  return DESCRIPTIONS[type] ?? type;
}

/** The types a schema allows, text last: `5` is a number where both a number and text would do. */
function typesOf(declared: Record<string, Json> | undefined, root: ParamsSchema | undefined): readonly string[] {
  const schema = resolve(declared, root);
  const type = schema?.["type"];
  const list = Array.isArray(type) ? type : type === undefined ? [] : [type];
  const types = list.filter((one): one is string => typeof one === "string");
  return types.toSorted((a, b) => Number(a === "string") - Number(b === "string"));
}

/** Follows `$ref` inside the plan's own schema; a bounded number of times, so that a ring of them ends. */
function resolve(
  declared: Record<string, Json> | undefined,
  root: ParamsSchema | undefined,
): Record<string, Json> | undefined {
  let schema = declared;
  for (let hops = 0; hops < 16; hops++) {
    const ref = schema?.["$ref"];
    if (typeof ref !== "string" || !ref.startsWith("#/")) return schema;
    let target: Json | undefined = root;
    for (const step of ref.slice(2).split("/"))
      target = asObject(target)?.[step.replaceAll("~1", "/").replaceAll("~0", "~")];
    schema = asObject(target);
  }
  return undefined;
}

function acceptsOthers(schema: ParamsSchema | undefined): boolean {
  const others = schema?.["additionalProperties"];
  return (others !== undefined && others !== false) || schema?.["patternProperties"] !== undefined;
}

function readNumber(text: string): number | undefined {
  return /^-?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) && Number.isFinite(Number(text)) ? Number(text) : undefined;
}

function readJson(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}

/** Without a declared type: what reads as JSON is JSON, the rest is text. */
function jsonOrText(text: string): Json {
  return readJson(text) ?? (text === "null" ? null : text);
}

function asObject(value: Json | undefined): Record<string, Json> | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Record<string, Json>)
    : undefined;
}
