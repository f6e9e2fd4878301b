/**
 * Parameters of actions, by type. Owns: what counts as absent (an empty value too: "leave it empty"), and the refusal that names the
 * parameter. Unknown ones are nobody's business: they are signed and ignored.
 */
import { invalid, missing } from "./api-fault.ts";

/** Query and form together. */
export type Params = ReadonlyMap<string, string>;

/** The value; undefined when it is absent or empty. */
export function optional(params: Params, name: string): string | undefined {
  return params.get(name) || undefined;
}

/** The value. MissingParameter. */
export function required(params: Params, name: string): string {
  const value = optional(params, name);
  if (value === undefined) throw missing(name);
  return value;
}

/** true or false, in any case of letters. InvalidParameter. */
export function flag(params: Params, name: string): boolean | undefined {
  const value = optional(params, name)?.toLowerCase();
  if (value === undefined) return undefined;
  if (value !== "true" && value !== "false") throw invalid(name);
  return value === "true";
}

/** One of some words. InvalidParameter. */
export function oneOf<T extends string>(params: Params, name: string, words: readonly T[]): T | undefined {
  const value = optional(params, name);
  if (value === undefined) return undefined;
  const found = words.find((word) => word === value);
  if (found === undefined) throw invalid(name);
  return found;
}

/** Bounds of a whole number. */
export interface Bounds {
  readonly least: number;
  readonly most: number;
  readonly otherwise: number;
}

/** A whole number, `otherwise` when it is absent. InvalidParameter. */
export function whole(params: Params, name: string, { least, most, otherwise }: Bounds): number {
  const value = optional(params, name);
  if (value === undefined) return otherwise;
  const number = /^[0-9]{1,9}$/.test(value) ? Number(value) : Number.NaN;
  if (number >= least && number <= most) return number;
  throw invalid(name);
}

/** A time, `YYYY-MM-DDThh:mmZ` with or without seconds: epoch milliseconds. InvalidParameter. */
export function time(params: Params, name: string): number | undefined {
  const value = optional(params, name);
  if (value === undefined) return undefined;
  const at = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d)?Z$/.test(value) ? Date.parse(value) : Number.NaN;
  if (Number.isNaN(at)) throw invalid(name);
  return at;
}

/** Several values in one, separated by commas; undefined when it is absent. */
export function list(params: Params, name: string): readonly string[] | undefined {
  const value = optional(params, name);
  return value?.split(",").map((one) => one.trim());
}

/** Epoch milliseconds as the API writes times: without milliseconds. */
export function timeText(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19)}Z`;
}

/** One page of a list, and where it is in it. */
export interface Page<T> {
  readonly number: number;
  readonly size: number;
  readonly total: number;
  readonly items: readonly T[];
}

/** The page that is asked for by PageNumber and PageSize. */
export function pageOf<T>(params: Params, items: readonly T[], sizes: Bounds): Page<T> {
  const number = whole(params, "PageNumber", { least: 1, most: 999_999_999, otherwise: 1 });
  const size = whole(params, "PageSize", sizes);
  return { number, size, total: items.length, items: items.slice((number - 1) * size, number * size) };
}
