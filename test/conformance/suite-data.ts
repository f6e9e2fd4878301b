/** The peers' cases, read from the data beside the checkout; absent on other machines, where those tests are skipped. */
import { existsSync, readFileSync } from "node:fs";
import type { PeerCase } from "./verdict.ts";

const DIRECTORY = new URL("../../../shared/data/conformance/", import.meta.url);

/** The content of one suite's file; undefined when the data are not beside the checkout. */
export function suiteFile(name: string): Record<string, unknown> | undefined {
  const file = new URL(`${name}.json`, DIRECTORY);
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown>) : undefined;
}

/** The cases of one suite; empty when the data are not beside the checkout. */
export function suiteCases(name: string): readonly PeerCase[] {
  return (suiteFile(name)?.["cases"] ?? []) as readonly PeerCase[];
}
