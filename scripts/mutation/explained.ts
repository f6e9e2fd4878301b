/**
 * Survivors that are explained in docs/mutation.md. Owns: reading that page. An entry names its mutants by stable text,
 * never by number or line:
 *
 *     - `retry.ts` `retryDelayMs` `used - 1` -> `used + 1`: why nothing can tell the difference.
 *
 * `*` stands for any file, or for any function of one. Several changes of one place stand side by side: `a` -> `b`, `c`.
 * An entry that no survivor matches is stale.
 */
import type { Mutant } from "./instrument.ts";

interface Entry {
  readonly line: number;
  readonly text: string;
  readonly keys: readonly string[];
}

export interface Explanations {
  has(mutant: Mutant): boolean;
  /** Entries of `files` that none of the survivors matches. */
  stale(survivors: readonly Mutant[]): string[];
}

const SPAN = /(`+)\s?(.+?)\s?\1/g;

export function readExplanations(page: string): Explanations {
  const entries = page.split("\n").flatMap((text, index) => entryOf(text, index + 1));
  const known = new Set(entries.flatMap(({ keys }) => keys));
  return {
    has: (mutant) => keysOf(mutant).some((key) => known.has(key)),
    stale(survivors) {
      const alive = new Set(survivors.flatMap(keysOf));
      return entries.flatMap(({ line, keys }) =>
        keys.filter((key) => !alive.has(key)).map((key) => `docs/mutation.md:${line}: no survivor is ${key}`),
      );
    },
  };
}

function entryOf(text: string, line: number): Entry[] {
  if (!/^- `([a-z-]+\.ts|\*)` /.test(text)) return [];
  // Up to the colon after the last change; what follows are words.
  const [file = "", scope = "", original = "", ...mutated] = [...text.matchAll(SPAN)].map((match) => match[2] ?? "");
  const changes = text.slice(text.indexOf("->")).match(/^->\s(`+.+?`+(, `+.+?`+)*):/)?.[1] ?? "";
  const count = [...changes.matchAll(SPAN)].length;
  return [{ line, text, keys: mutated.slice(0, count).map((one) => [file, scope, original, one].join(" | ")) }];
}

/** A mutant as entries may name it: `*` stands for any file, or for any function. */
function keysOf(mutant: Mutant): string[] {
  const { file, scope } = mutant;
  const places = [
    [file, scope],
    [file, "*"],
    ["*", "*"],
  ] as const;
  return places.map(([inFile, inScope]) => keyOf({ ...mutant, file: inFile, scope: inScope }));
}

/** What a mutant changes, by text. At the top of a file the scope reads `top`. */
export function keyOf({ file, scope, original, mutated }: Mutant): string {
  return [file, scope || "top", original, mutated].join(" | ");
}
