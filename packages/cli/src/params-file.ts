/**
 * `--params @file` and `--secrets file`: values by name from a JSON or YAML file, read as plans are read. So the same things are
 * refused, with their place: duplicate keys, aliases, integers that would be rounded, oversized text (R4).
 */
import { text as readAll } from "node:stream/consumers";
import { readDocument } from "@belay/engine";
import type { Params } from "./params.ts";
import { readTextFile } from "./plan-file.ts";
import { UsageError } from "./usage-error.ts";

/** The mapping in the file; `.json` is read as JSON, anything else as YAML. Throws UsageError with everything that is wrong. */
export async function readParamsFile(path: string): Promise<Params> {
  return readMapping(await readTextFile(path), path, "parameters");
}

/** The same for secrets; `-` is the standard input. What is wrong is told without showing a value. */
export async function readSecretsFile(path: string): Promise<Params> {
  if (path !== "-") return readMapping(await readTextFile(path), path, "secrets");
  return readMapping(await readAll(process.stdin), "the standard input", "secrets");
}

function readMapping(text: string, path: string, what: string): Params {
  const { value, diagnostics } = readDocument(text, { filename: path });
  const [first, ...more] = diagnostics.map(({ line, column, message }) => `${path}:${line}:${column}: ${message}`);
  if (first !== undefined) throw new UsageError(first, ...more);
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Params;
  throw new UsageError(`${path} must hold a mapping of ${what}`);
}
