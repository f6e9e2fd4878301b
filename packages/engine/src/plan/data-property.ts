/**
 * Reading values that nobody trusts without running anything of them. Owns: what is a plain mapping or list, and whether
 * reading a property would call code.
 */
import { types } from "node:util";

/**
 * Whether reading this property would call a getter. Only for what is no proxy. A descriptor says the same, but costs ten
 * times as much for the items of a list. A property that has a setter alone reads as undefined.
 */
export const isAccessor: (holder: object, key: PropertyKey) => boolean = (() => {
  const { __lookupGetter__ } = Object.prototype as unknown as {
    readonly __lookupGetter__: (this: object, key: PropertyKey) => unknown;
  };
  const getterOf = Function.prototype.call.bind(__lookupGetter__) as (holder: object, key: PropertyKey) => unknown;
  return (holder, key) => getterOf(holder, key) !== undefined;
})();

/** A mapping whose properties can be read one by one: no proxy, no class. */
export function isPlainMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || types.isProxy(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** A list whose items can be read one by one: no proxy, no class, so that a hole reads as undefined. */
export function isPlainList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value) && !types.isProxy(value) && Object.getPrototypeOf(value) === Array.prototype;
}
