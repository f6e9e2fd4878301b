/**
 * Small Standard Schemas for the inputs of these actions: enough to refuse a plan's typing error with the field's name, without a
 * dependency. Unknown fields are left alone, because a compensation receives the input of the action that it undoes (R31).
 */
import type { ActionDefinition } from "@belay/engine";

/** A check of one field: undefined when the value fits, else what was expected. */
export interface Field<T> {
  readonly expected: string;
  readonly optional: boolean;
  readonly fits: (value: unknown) => value is T;
}

/** A Standard Schema, as `ActionDefinition.input` takes it. */
export type InputSchema<T> = NonNullable<ActionDefinition<T>["input"]>;

/** A non-empty string. */
export const text: Field<string> = field("a non-empty string", (value) => typeof value === "string" && value !== "");
/** Any string, the empty one included. */
export const textOrEmpty: Field<string> = field("a string", (value) => typeof value === "string");
/** A list of non-empty strings. */
export const texts: Field<readonly string[]> = field(
  "a list of strings",
  (value) => Array.isArray(value) && value.every(text.fits),
);
/** A number that is neither negative nor infinite. */
export const amount: Field<number> = field(
  "a number of at least 0",
  (value) => typeof value === "number" && Number.isFinite(value) && value >= 0,
);
/** true or false. */
export const flag: Field<boolean> = field("true or false", (value) => typeof value === "boolean");

/** One of the given words. */
export function oneOf<const W extends string>(...words: readonly W[]): Field<W> {
  return field(`one of ${words.join(", ")}`, (value) => words.some((word) => word === value));
}

/** An object with these fields, each present. */
export function shape<T extends object>(expected: string, fields: Fields<T>): Field<T> {
  const checks = Object.entries<Field<unknown>>(fields);
  return field(expected, (value) => {
    if (typeof value !== "object" || value === null) return false;
    const given: Record<string, unknown> = { ...value };
    return checks.every(([name, check]) => check.fits(given[name]));
  });
}

/** The field may be missing or null; both read as undefined. */
export function optional<T>(inner: Field<T>): Field<T | undefined> {
  return {
    expected: `${inner.expected}, or nothing`,
    optional: true,
    fits: (value): value is T | undefined => value === undefined || inner.fits(value),
  };
}

/** The check of each field of an input. */
export type Fields<I> = { readonly [K in keyof I]-?: Field<I[K]> };

/** The schema of an object with these fields. */
export function inputSchema<I>(fields: Fields<I>): InputSchema<I> {
  return {
    "~standard": {
      version: 1,
      vendor: "belay",
      validate(value) {
        if (typeof value !== "object" || value === null || Array.isArray(value)) {
          return { issues: [{ message: "expected an object" }] };
        }
        const input: Record<string, unknown> = { ...value };
        const issues = Object.entries<Field<unknown>>(fields).flatMap(([name, check]) => {
          if (check.optional && input[name] === null) input[name] = undefined;
          return check.fits(input[name]) ? [] : [{ message: `"${name}": expected ${check.expected}`, path: [name] }];
        });
        return issues.length > 0 ? { issues } : { value: input as I };
      },
    },
  };
}

function field<T>(expected: string, test: (value: unknown) => boolean): Field<T> {
  return { expected, optional: false, fits: (value): value is T => test(value) };
}
