/**
 * Templates: inputs in which any value may be an expression (`{"$cel": "..."}`), everything else literal (R2).
 * Owns: finding the expressions, filling them in. Invariant: every evaluation is a fresh deep copy, so that an action
 * that changes its input changes nothing for another attempt or node (R28).
 */
import { assert } from "../errors.ts";
import type { Expression, Json, Template } from "./document.ts";
import {
  type CompiledExpression,
  compileExpression,
  type EvaluationResult,
  type ExpressionScope,
} from "./expression.ts";
import { copyJson } from "./json.ts";
import type { Limits } from "./limits.ts";
import { childPath } from "./path.ts";

export interface CompiledTemplate {
  /** No expression in it: every evaluation gives an equal value. */
  readonly constant: boolean;
  /** Ids that its expressions read, each once. */
  readonly nodesRead: readonly string[];
  readonly readsItem: boolean;
  /** The template with every expression replaced by its value; the first expression that fails fails the whole. */
  evaluate(scope: ExpressionScope): EvaluationResult;
}

/** An object with `$cel` in it, somewhere in a template. */
export interface TemplateHole {
  readonly value: object;
  /** Place in the document. */
  readonly path: string;
}

/** A value that stands for an expression: an object with `$cel`, a string, and nothing else. */
export function isExpression(value: unknown): value is Expression {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, "$cel")) return false;
  return typeof (value as { $cel: unknown }).$cel === "string" && Object.keys(value).length === 1;
}

/** Every object that has a `$cel`, well formed or not, in the order of the document. Iterative. */
export function templateHoles(template: Template, path: string): TemplateHole[] {
  const holes: TemplateHole[] = [];
  const stack: [unknown, string][] = [[template, path]];
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    const [value, place] = top;
    if (typeof value !== "object" || value === null) continue;
    if (Object.hasOwn(value, "$cel")) {
      holes.push({ value, path: place });
      continue;
    }
    const entries: [string | number, unknown][] = Array.isArray(value) ? [...value.entries()] : Object.entries(value);
    for (const [key, child] of entries.reverse()) {
      if (typeof child === "object" && child !== null) stack.push([child, childPath(place, key)]);
    }
  }
  return holes;
}

/**
 * Compiles a template of a checked plan; `as` is the node's `split.as`. A template with a bad expression never gets here
 * (R3): INTERNAL. The template must not change afterwards; plans are frozen.
 */
export function compileTemplate(template: Template, limits: Limits, as?: string): CompiledTemplate {
  const expressions = new Map<unknown, CompiledExpression>();
  const nodesRead = new Set<string>();
  let readsItem = false;
  for (const { value } of templateHoles(template, "")) {
    assert(isExpression(value), "R3: a checked template holds well-formed expressions");
    const compiled = compileExpression(value.$cel, limits, as);
    assert(compiled.ok, "R3: the expressions of a checked plan compile");
    expressions.set(value, compiled);
    for (const id of compiled.nodesRead) nodesRead.add(id);
    readsItem ||= compiled.readsItem;
  }
  return {
    constant: expressions.size === 0,
    nodesRead: [...nodesRead],
    readsItem,
    evaluate: (scope) => fill(template, expressions, scope),
  };
}

function fill(
  template: Template,
  expressions: ReadonlyMap<unknown, CompiledExpression>,
  scope: ExpressionScope,
): EvaluationResult {
  if (expressions.size === 0) return { ok: true, value: copyJson(template) };
  let failed: EvaluationResult | undefined;
  const value = copyJson(template, (part): { value: Json } | undefined => {
    const expression = typeof part === "object" ? expressions.get(part) : undefined;
    if (expression === undefined) return undefined;
    const result = failed ?? expression.evaluate(scope);
    if (result.ok) return { value: result.value };
    failed = result;
    return { value: null };
  });
  return failed ?? { ok: true, value };
}
