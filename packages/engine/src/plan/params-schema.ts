/**
 * A plan's `params` schema (R2, R3): the part of JSON Schema 2020-12 that is allowed, checked word by word, with local
 * `$ref`s replaced by what they name. Does not own: checking parameters against it (`params.ts`).
 * Invariants: nothing is fetched or compiled to code; an unknown keyword is refused, for a mistyped `x-secret` would
 * leave a secret unmarked; the resolved schema is finite and small.
 */
import type { Diagnostic, DiagnosticCode } from "./diagnostic.ts";
import type { Json } from "./document.ts";
import { FORMATS, KEYWORDS, type KeywordKind, TYPES, UNSUPPORTED, WANTED } from "./params-keyword.ts";
import { boundedPattern, MAX_PATTERN_INPUT, patternFault } from "./params-pattern.ts";
import { childPath } from "./path.ts";
import { didYouMean, suggester } from "./suggestion.ts";

/** A resolved schema: no `$ref`, only known keywords of the right type. */
export type ParamsSchema = Readonly<Record<string, Json>>;

/** Parts of one schema, each `$ref` counted with all it names. */
const MAX_PARTS = 10_000;
const MAX_NESTING = 64;
const MAX_UNIQUE_ITEMS = 1000;
/** The dialect of `params`; another one gives some keywords another meaning. */
const DIALECT = "https://json-schema.org/draft/2020-12/schema";

/** What is wrong with a schema, and the schema with its `$ref`s resolved. */
export function resolveParamsSchema(schema: Json): { diagnostics: Diagnostic[]; schema: ParamsSchema } {
  const resolver = new Resolver(schema);
  const resolved = resolver.resolve(schema, "params", 0);
  const top = typeof resolved === "object" ? resolved : {};
  if (top["type"] !== undefined && top["type"] !== "object") {
    resolver.report("INVALID_VALUE", "params.type", 'parameters are given by name: the type must be "object"');
  }
  return { diagnostics: resolver.diagnostics, schema: { ...top, type: "object" } };
}

class Resolver {
  readonly diagnostics: Diagnostic[] = [];
  readonly #defs: Readonly<Record<string, Json>>;
  readonly #open = new Set<string>();
  /** A named schema is checked word by word once, however often it is used. */
  readonly #reported = new Set<string>();
  readonly #suggest = suggester(Object.keys(KEYWORDS));
  readonly #suggestType = suggester(TYPES);
  readonly #suggestFormat = suggester(FORMATS);
  #parts = 0;

  constructor(root: Json) {
    const defs = isMapping(root) ? root["$defs"] : undefined;
    this.#defs = isMapping(defs) ? defs : {};
  }

  resolve(schema: Json, path: string, depth: number): ParamsSchema | boolean {
    if (typeof schema === "boolean") return schema;
    if (!isMapping(schema)) {
      this.report("WRONG_TYPE", path, "a schema must be a mapping, true or false");
      return true;
    }
    this.#parts++;
    if (this.#parts > MAX_PARTS || depth > MAX_NESTING) {
      const what = depth > MAX_NESTING ? `nested deeper than ${MAX_NESTING}` : `larger than ${MAX_PARTS} parts`;
      this.report("INVALID_VALUE", "params", `the schema is ${what}, each $ref counted with what it names`);
      return true;
    }
    const resolved: Record<string, Json> = {};
    for (const [keyword, value] of Object.entries(schema)) {
      const at = childPath(path, keyword);
      const kind = Object.hasOwn(KEYWORDS, keyword) ? KEYWORDS[keyword] : undefined;
      if (kind === undefined) this.#unknown(keyword, at);
      else if (kind === "special") this.#special(keyword, value, { schema, path: at, depth, resolved });
      else if (kind === "schema") resolved[keyword] = this.resolve(value, at, depth + 1);
      else if (kind === "schemas" || kind === "schema-map") resolved[keyword] = this.#many(kind, value, at, depth);
      else if (this.#isValid(kind, value, at)) resolved[keyword] = value;
    }
    this.#uniqueItems(resolved, path);
    return withReference(resolved);
  }

  report(code: DiagnosticCode, path: string, message: string, meant?: string): void {
    const key = `${path} ${message}`;
    if (this.#reported.has(key)) return;
    this.#reported.add(key);
    this.diagnostics.push({ code, severity: "error", path, message, ...didYouMean(meant) });
  }

  #unknown(keyword: string, path: string): void {
    if (UNSUPPORTED.has(keyword)) {
      this.report("UNSUPPORTED", path, `the keyword ${JSON.stringify(keyword)} of JSON Schema is not supported`);
    } else {
      this.report("UNKNOWN_FIELD", path, `unknown keyword ${JSON.stringify(keyword)}`, this.#suggest(keyword));
    }
  }

  #many(kind: "schemas" | "schema-map", value: Json, path: string, depth: number): Json {
    if (kind === "schemas") {
      if (Array.isArray(value) && value.length > 0) {
        return value.map((item: Json, index) => this.resolve(item, childPath(path, index), depth + 1));
      }
      this.report("WRONG_TYPE", path, "must be a list of schemas that is not empty");
      return [true];
    }
    if (!isMapping(value)) {
      this.report("WRONG_TYPE", path, "must be a mapping of schemas");
      return {};
    }
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, this.resolve(item, childPath(path, key), depth + 1)]),
    );
  }

  #special(keyword: string, value: Json, at: SpecialPlace): void {
    switch (keyword) {
      case "$schema":
        if (value !== DIALECT && value !== `${DIALECT}#`) this.report("INVALID_VALUE", at.path, `must be ${DIALECT}`);
        return;
      case "$defs":
        this.#definitions(value, at);
        return;
      case "$ref":
        this.#reference(value, at);
        return;
      case "type":
        this.#type(value, at);
        return;
      case "format":
        if (typeof value === "string" && FORMATS.includes(value)) at.resolved["format"] = value;
        else
          this.report(
            "INVALID_VALUE",
            at.path,
            `must be one of ${FORMATS.join(", ")}`,
            meant(value, this.#suggestFormat),
          );
        return;
      default:
        this.#pattern(value, at);
    }
  }

  /** Checked even where nothing refers to them. */
  #definitions(value: Json, { path, depth }: SpecialPlace): void {
    if (path !== "params.$defs") this.report("UNSUPPORTED", path, "$defs is allowed at the top of the schema only");
    else if (!isMapping(value)) this.report("WRONG_TYPE", path, "must be a mapping of schemas");
    else for (const name of Object.keys(value)) this.#named(name, depth);
  }

  #named(name: string, depth: number): ParamsSchema | boolean {
    this.#open.add(name);
    const resolved = this.resolve(this.#defs[name] as Json, childPath("params.$defs", name), depth + 1);
    this.#open.delete(name);
    return resolved;
  }

  #reference(value: Json, { path, depth, resolved }: SpecialPlace): void {
    const name = typeof value === "string" && value.startsWith("#/$defs/") ? value.slice("#/$defs/".length) : undefined;
    if (name === undefined) {
      this.report("UNSUPPORTED", path, 'only a reference such as "#/$defs/name" is allowed: nothing is fetched');
    } else if (!Object.hasOwn(this.#defs, name)) {
      this.report(
        "INVALID_VALUE",
        path,
        `there is no ${JSON.stringify(name)} in $defs`,
        suggester(Object.keys(this.#defs))(name),
      );
    } else if (this.#open.has(name)) {
      this.report("INVALID_VALUE", path, `the reference leads back to itself: ${[...this.#open, name].join(" -> ")}`);
    } else {
      resolved["$ref"] = this.#named(name, depth);
    }
  }

  #type(value: Json, { path, resolved }: SpecialPlace): void {
    const types: readonly Json[] = Array.isArray(value) ? value : [value];
    const wrong = types.find((type) => typeof type !== "string" || !TYPES.includes(type));
    if (types.length > 0 && wrong === undefined) resolved["type"] = value;
    else this.report("INVALID_VALUE", path, `must be one of ${TYPES.join(", ")}`, meant(wrong, this.#suggestType));
  }

  #pattern(value: Json, { schema, path, resolved }: SpecialPlace): void {
    const fault = typeof value === "string" ? patternFault(value) : "must be a string";
    const maxLength = schema["maxLength"];
    if (fault !== undefined) {
      this.report("INVALID_VALUE", path, `the pattern ${fault}`);
    } else if (typeof maxLength !== "number" || maxLength > MAX_PATTERN_INPUT) {
      this.report("INVALID_VALUE", path, `a pattern needs a maxLength of at most ${MAX_PATTERN_INPUT} beside it`);
    } else {
      resolved["pattern"] = boundedPattern(value as string);
    }
  }

  #uniqueItems({ uniqueItems, maxItems }: Record<string, Json>, path: string): void {
    if (uniqueItems !== true || (typeof maxItems === "number" && maxItems <= MAX_UNIQUE_ITEMS)) return;
    this.report(
      "INVALID_VALUE",
      `${path}.uniqueItems`,
      `uniqueItems needs a maxItems of at most ${MAX_UNIQUE_ITEMS} beside it`,
    );
  }

  #isValid(kind: KeywordKind, value: Json, path: string): boolean {
    const wanted = WANTED[kind];
    if (wanted === undefined || wanted.holds(value)) return true;
    this.report("WRONG_TYPE", path, `must be ${wanted.words}`);
    return false;
  }
}

/** `$ref` holds the schema it names by now; it stands beside the other keywords, and all of them hold. */
function withReference({ $ref, ...rest }: Record<string, Json>): ParamsSchema {
  if ($ref === undefined) return rest;
  return { ...rest, allOf: [$ref, ...((rest["allOf"] as readonly Json[] | undefined) ?? [])] };
}

interface SpecialPlace {
  readonly schema: Readonly<Record<string, Json>>;
  readonly path: string;
  readonly depth: number;
  readonly resolved: Record<string, Json>;
}

function meant(value: Json | undefined, suggest: (word: string) => string | undefined): string | undefined {
  return typeof value === "string" ? suggest(value) : undefined;
}

export function isMapping(value: unknown): value is Readonly<Record<string, Json>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
