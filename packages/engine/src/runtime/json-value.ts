/**
 * Values that cross into the engine from an embedder's code become JSON, as `JSON.stringify` sees them, deeply frozen:
 * the same in memory, in a journal, and after a crash (R28, R42). Owns: that conversion and its limit.
 */
import { BelayError } from "../errors.ts";
import type { Json } from "../plan/document.ts";
import { frozenCopy } from "../plan/json.ts";

export type JsonValue =
  | { readonly ok: true; readonly value: Json | undefined }
  | { readonly ok: false; readonly message: string };

/** `undefined` stays undefined; what JSON cannot hold (a cycle, a BigInt, too many bytes) is told as data. */
export function jsonValue(value: unknown, maxBytes: number): JsonValue {
  if (value === undefined || value === null || typeof value === "boolean") return { ok: true, value };
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (error) {
    return { ok: false, message: error instanceof Error ? (error.message.split("\n")[0] as string) : String(error) };
  }
  if (text === undefined) return { ok: false, message: `a ${typeof value} is no JSON value` };
  const bytes = Buffer.byteLength(text);
  if (bytes > maxBytes)
    return { ok: false, message: `it has ${bytes} bytes, more than limits.outputBytes, ${maxBytes}, allows` };
  return { ok: true, value: frozenCopy(JSON.parse(text)) };
}

/** The same for an argument of a public call: INVALID_ARGUMENT. */
export function jsonArgument(value: unknown, what: string, maxBytes: number): Json | undefined {
  const json = jsonValue(value, maxBytes);
  if (json.ok) return json.value;
  throw new BelayError("INVALID_ARGUMENT", `${what} is no JSON value: ${json.message}`);
}
