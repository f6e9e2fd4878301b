/**
 * Limits of a plan (R4): every size that a plan can blow up, its default, and the one diagnostic that says so.
 * Owns: names, defaults and wording. Does not own: the counting, which happens where the thing is counted.
 */
import { BelayError } from "../errors.ts";
import type { Diagnostic } from "./diagnostic.ts";

/** Every limit is inclusive: a plan that is exactly as large passes. Each is a positive integer, or `Infinity` for none. */
export interface Limits {
  /** UTF-8 bytes of the text, or of the canonical JSON of a document given as an object. Default 16 MiB. */
  readonly bytes: number;
  /**
   * UTF-8 bytes of a text that only reads as YAML. Default 2 MiB: YAML costs about a hundred times its size in memory to
   * read, so larger plans, which machines write, are JSON.
   */
  readonly yamlBytes: number;
  /** Nested lists and mappings, the document itself being 1; at most 256. Default 64. */
  readonly depth: number;
  /** Declared nodes. Default 100 000. */
  readonly nodes: number;
  /** Edges of the plan, each counted once. Default 500 000. */
  readonly edges: number;
  /** Members that the groups of one run expand to, all together (R20). Default 100 000. */
  readonly members: number;
  /** Characters of one expression. Default 4096. */
  readonly expressionLength: number;
  /** Elements of the syntax tree of one expression. Default 1000. */
  readonly expressionNodes: number;
  /** Characters of one string value or key. Default 1 Mi. */
  readonly stringLength: number;
  /** UTF-8 bytes of the JSON of one node's output; checked when the node succeeds. Default 1 MiB. */
  readonly outputBytes: number;
}

export const DEFAULT_LIMITS: Limits = Object.freeze({
  bytes: 16 * 1024 * 1024,
  yamlBytes: 2 * 1024 * 1024,
  depth: 64,
  nodes: 100_000,
  edges: 500_000,
  members: 100_000,
  expressionLength: 4096,
  expressionNodes: 1000,
  stringLength: 1024 * 1024,
  outputBytes: 1024 * 1024,
});

const SUBJECT: Readonly<Record<keyof Limits, readonly [subject: string, unit: string]>> = {
  bytes: ["the plan", "bytes"],
  yamlBytes: ["the YAML text", "bytes"],
  depth: ["the plan", "levels of nesting"],
  nodes: ["the plan", "nodes"],
  edges: ["the plan", "edges"],
  members: ["the plan", "group members"],
  expressionLength: ["the expression", "characters"],
  expressionNodes: ["the expression", "elements"],
  stringLength: ["the string", "characters"],
  outputBytes: ["the output", "bytes"],
};

/** The YAML reader recurses: beyond this depth its stack is not safe. */
const MAX_DEPTH = 256;

/** The defaults with `overrides` on top. Throws INVALID_ARGUMENT for an unknown name or a value that is no limit. */
export function resolveLimits(overrides: Partial<Limits> = {}): Limits {
  for (const [name, value] of Object.entries(overrides)) {
    if (!Object.hasOwn(DEFAULT_LIMITS, name)) {
      throw new BelayError(
        "INVALID_ARGUMENT",
        `limits.${name} is not a limit; known: ${Object.keys(SUBJECT).join(", ")}`,
      );
    }
    if (value !== Number.POSITIVE_INFINITY && !(Number.isSafeInteger(value) && value > 0)) {
      throw new BelayError("INVALID_ARGUMENT", `limits.${name} must be a positive integer or Infinity`);
    }
  }
  if ((overrides.depth ?? 0) > MAX_DEPTH) {
    throw new BelayError("INVALID_ARGUMENT", `limits.depth can be at most ${MAX_DEPTH}`);
  }
  return { ...DEFAULT_LIMITS, ...overrides };
}

/**
 * The diagnostic of an exceeded limit: names the limit and its setting. `found` is the counted size, or undefined where
 * counting stopped at the limit.
 */
export function limitDiagnostic(limits: Limits, name: keyof Limits, path: string, found?: number): Diagnostic {
  const [subject, unit] = SUBJECT[name];
  const size = found === undefined ? `more than ${limits[name]}` : String(found);
  return {
    code: "LIMIT",
    severity: "error",
    path,
    message: `${subject} has ${size} ${unit}; the limit is ${limits[name]}`,
    suggestion: `make it smaller, or raise limits.${name}`,
  };
}
