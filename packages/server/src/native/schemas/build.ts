/**
 * JSON Schemas of the native API, built from few words, so that one place says what an object without surprises is: every field that is
 * not optional is there, and no other.
 */

/** A JSON Schema (2020-12). */
export type Schema = Readonly<Record<string, unknown>>;

/** An object of exactly these fields; those in `optional` may be absent. */
export function object(
  properties: Readonly<Record<string, Schema>>,
  optional: readonly string[] = [],
  description?: string,
): Schema {
  return {
    type: "object",
    additionalProperties: false,
    required: Object.keys(properties).filter((name) => !optional.includes(name)),
    properties,
    ...described(description),
  };
}

/** An object all of whose fields may be absent: bodies and queries. */
export function partial(properties: Readonly<Record<string, Schema>>, description?: string): Schema {
  return object(properties, Object.keys(properties), description);
}

/** Any text. */
export function text(description?: string, more: Schema = {}): Schema {
  return { type: "string", ...more, ...described(description) };
}

/** One of these words. */
export function oneOf(words: readonly string[], description?: string): Schema {
  return { type: "string", enum: words, ...described(description) };
}

/** A whole number within bounds. */
export function whole(description?: string, bounds: Schema = { minimum: 0 }): Schema {
  return { type: "integer", ...bounds, ...described(description) };
}

/** true or false. */
export function flag(description?: string): Schema {
  return { type: "boolean", ...described(description) };
}

/** A list. */
export function list(items: Schema, description?: string): Schema {
  return { type: "array", items, ...described(description) };
}

/** That, or null. */
export function nullable(schema: Schema): Schema {
  const { description, ...rest } = schema;
  return { anyOf: [rest, { type: "null" }], ...described(description as string | undefined) };
}

/** Any JSON value. */
export function anything(description?: string): Schema {
  return { ...described(description) };
}

/** An object of whatever fields. */
export function open(description?: string): Schema {
  return { type: "object", additionalProperties: true, ...described(description) };
}

/** ISO-8601 UTC. */
export function time(description?: string): Schema {
  return { type: "string", format: "date-time", ...described(description) };
}

/** A schema by its name among the components. */
export function ref(name: string): Schema {
  return { $ref: `${name}#` };
}

function described(description: string | undefined): Schema {
  return description === undefined ? {} : { description };
}
