/**
 * "Did you mean": the nearest known word to an unknown one. The only door to fastest-levenshtein.
 * Invariant: bounded work, so that a plan with a hundred thousand unknown names is refused as fast as one with a single
 * unknown name (R4).
 */
import { distance } from "fastest-levenshtein";

/** Comparisons one suggester makes before it falls silent: about a second of work. */
const MAX_COMPARISONS = 2_000_000;
/** Longer words are not compared: nobody mistypes them, and the distance costs the product of both lengths. */
const MAX_LENGTH = 64;

/**
 * Suggests among a fixed list of candidates. The answered function gives the nearest candidate within a third of the
 * word's length (at least 2 edits, fewer below four letters; letter case and `_` against `-` count as nothing), the earliest
 * on a tie, or undefined.
 */
export function suggester(candidates: Iterable<string>): (word: string) => string | undefined {
  const known = [...new Set(candidates)].filter((candidate) => candidate.length <= MAX_LENGTH);
  const folded = known.map(fold);
  const answered = new Map<string, string | undefined>();
  let budget = MAX_COMPARISONS;
  return (word) => {
    if (answered.has(word)) return answered.get(word);
    if (word.length > MAX_LENGTH || budget < known.length) return undefined;
    budget -= known.length;
    const best = nearest(word, known, folded);
    answered.set(word, best);
    return best;
  };
}

function nearest(word: string, known: readonly string[], folded: readonly string[]): string | undefined {
  const target = fold(word);
  let best: string | undefined;
  let bestDistance = allowedDistance(word.length) + 1;
  for (const [index, candidate] of folded.entries()) {
    if (Math.abs(candidate.length - target.length) >= bestDistance || known[index] === word) continue;
    const found = distance(target, candidate);
    if (found >= bestDistance) continue;
    best = known[index];
    bestDistance = found;
  }
  return best;
}

/** The nearest of `candidates` to `word`, or undefined. Use `suggester` for more than one word. */
export function suggest(word: string, candidates: Iterable<string>): string | undefined {
  return suggester(candidates)(word);
}

/** The wording of a suggestion, ready for `Diagnostic.suggestion`: nothing when there is none. */
export function didYouMean(found: string | undefined): { suggestion?: string } {
  return found === undefined ? {} : { suggestion: `did you mean ${JSON.stringify(found)}?` };
}

/** In a very short word every letter counts. */
function allowedDistance(length: number): number {
  if (length < 3) return 0;
  return length === 3 ? 1 : Math.max(2, Math.floor(length / 3));
}

function fold(word: string): string {
  return word.toLowerCase().replaceAll("_", "-");
}
