/**
 * Survivors that are explained in docs/mutation.md. Owns: reading that page. An entry names its mutants by stable text,
 * never by number or line:
 *
 *     - `retry.ts` `retryDelayMs` `used - 1` -> `used + 1`: why nothing can tell the difference.
 *
 * Several changes of one place stand side by side: `a` -> `b`, `c`. An entry that no survivor matches is stale.
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
    has: (mutant) => known.has(keyOf(mutant)),
    stale(survivors) {
      const alive = new Set(survivors.map(keyOf));
      return entries.flatMap(({ line, keys }) =>
        keys.filter((key) => !alive.has(key)).map((key) => `docs/mutation.md:${line}: no survivor is ${key}`),
      );
    },
  };
}

function entryOf(text: string, line: number): Entry[] {
  if (!/^- `[a-z-]+\.ts` /.test(text)) return [];
  // Up to the colon after the last change; what follows are words.
  const [file = "", scope = "", original = "", ...mutated] = [...text.matchAll(SPAN)].map((match) => match[2] ?? "");
  const changes = text.slice(text.indexOf("->")).match(/^->\s(`+.+?`+(, `+.+?`+)*):/)?.[1] ?? "";
  const count = [...changes.matchAll(SPAN)].length;
  return [{ line, text, keys: mutated.slice(0, count).map((one) => [file, scope, original, one].join(" | ")) }];
}

/** What a mutant changes, by text. At the top of a file the scope reads `top`. */
export function keyOf({ file, scope, original, mutated }: Mutant): string {
  return [file, scope || "top", original, mutated].join(" | ");
}
