/**
 * Which regular expressions a params schema may use. The engine of the language backtracks, so one careless pattern could
 * stop the process for hours: allowed is what is bounded by its form, together with a bounded string.
 */

/** Longest string, in characters, that a pattern is tried on: the schema must say so with `maxLength`. */
export const MAX_PATTERN_INPUT = 256;

/** Repetitions of variable length, and groups with alternatives: each multiplies the ways to match. */
const MAX_CHOICES = 3;
/** Characters a pattern stands for at least, counted repetitions written out. */
const MAX_SIZE = 1000;
const QUANTIFIER = /^(?:[*+?]|\{(\d+)(,?)(\d*)\})\??/;
const ESCAPES = /\\[1-9k]|\(\?(?!:)/;

/** One group while it is read; the pattern itself is the outermost. */
interface Group {
  size: number;
  /** A repetition of variable length, or an alternative, stands in it. */
  variable: boolean;
  alternatives: boolean;
}

/**
 * Why a pattern is refused, or undefined. Refused: what is no pattern; back-references, look-around, named groups; a
 * repeated group with a repetition of variable length or an alternative inside; more than three repetitions of variable
 * length and groups with alternatives. What is left tries at most about the fourth power of 256 places.
 */
export function patternFault(pattern: string): string | undefined {
  try {
    new RegExp(pattern, "u");
  } catch {
    return "is no regular expression";
  }
  if (ESCAPES.test(pattern)) return "uses back-references, look-around or named groups, which are not allowed";
  return new PatternScan(pattern).fault();
}

class PatternScan {
  readonly #pattern: string;
  readonly #groups: Group[] = [emptyGroup()];
  /** What a quantifier would repeat. */
  #last: Group = emptyGroup();
  #choices = 0;

  constructor(pattern: string) {
    this.#pattern = pattern;
  }

  fault(): string | undefined {
    for (let at = 0; at < this.#pattern.length; ) {
      const quantifier = QUANTIFIER.exec(this.#pattern.slice(at, at + 32));
      if (quantifier === null) {
        at = this.#part(at);
        continue;
      }
      const fault = this.#repeat(quantifier);
      if (fault !== undefined) return fault;
      at += quantifier[0].length;
    }
    if (this.#top().size > MAX_SIZE) return `is longer than ${MAX_SIZE} characters, counted repetitions written out`;
    if (this.#choices <= MAX_CHOICES) return undefined;
    return `has more than ${MAX_CHOICES} repetitions of variable length and groups with alternatives`;
  }

  /** Takes in one bracket, bar, escape, class or character; the place after it. */
  #part(at: number): number {
    const char = this.#pattern[at];
    const top = this.#top();
    if (char === "(") {
      this.#groups.push(emptyGroup());
      return at + (this.#pattern.startsWith("(?:", at) ? 3 : 1);
    }
    if (char === "|") {
      top.variable = true;
      top.alternatives = true;
      return at + 1;
    }
    if (char === ")") {
      this.#groups.pop();
      this.#last = top;
      if (top.alternatives) this.#choices++;
      this.#top().variable ||= top.variable;
      this.#top().size += top.size;
      return at + 1;
    }
    this.#last = { ...emptyGroup(), size: 1 };
    top.size++;
    return skipAtom(this.#pattern, at);
  }

  #repeat([whole, least, comma, most]: RegExpExecArray): string | undefined {
    const top = this.#top();
    const variable = !whole.startsWith("{") || (comma === "," && least !== most);
    if (this.#last.variable) return "repeats a group that has a repetition or alternative inside";
    if (variable) this.#choices++;
    top.variable ||= variable;
    const times = Number(most || least || 1);
    top.size += this.#last.size * Math.max(0, times - 1);
    return top.size > MAX_SIZE ? `is longer than ${MAX_SIZE} characters, counted repetitions written out` : undefined;
  }

  #top(): Group {
    return this.#groups[this.#groups.length - 1] as Group;
  }
}

function emptyGroup(): Group {
  return { size: 0, variable: false, alternatives: false };
}

/** The place after one character, escape or class. */
function skipAtom(pattern: string, from: number): number {
  if (pattern[from] === "\\") return from + 2;
  if (pattern[from] !== "[") return from + 1;
  let at = from + 1;
  while (at < pattern.length && pattern[at] !== "]") at += pattern[at] === "\\" ? 2 : 1;
  return at + 1;
}

/** The pattern, failing at once on a string that is longer than patterns are tried on. */
export function boundedPattern(pattern: string): string {
  return `^(?=[\\s\\S]{0,${MAX_PATTERN_INPUT}}$)[\\s\\S]*?(?:${pattern})`;
}
