/**
 * CEL expressions: the only door to the CEL library. Owns: compiling, type-checking, evaluating, the number rule, the
 * limits of an evaluation, the cache. Does not own: the rules on what is read (`syntax.ts`), nor whether a node that is
 * read is an ancestor (`reads.ts`, R3).
 *
 * - Names: `params`, `nodes.<id>.output`, `nodes.<id>.status`, `item` (and the name given by `split.as`), `run.id`,
 *   `run.startedAt` (epoch milliseconds). Ids that are no identifiers are read as `nodes["my-id"]`.
 * - Numbers: a number of JSON is a CEL double; a number written in the expression without a point is a CEL int. Both mix
 *   freely in arithmetic, comparison and indexing, and the mixed result is a double: `params.count + 1`, `item == 3`.
 *   Only ints with ints divide as integers. Results are JSON numbers; NaN, infinities and integers beyond 2^53 are failures.
 * - Pure: no clock, no randomness, no patterns (`matches`), no nested macros, at most `MAX_MACRO_ITEMS` items per macro (R50).
 * - An evaluation that fails is a failure, never `false`.
 */
import { type ASTNode, Environment } from "@marcbachmann/cel-js";
import type { Json } from "./document.ts";
import { copyJson, NotJson } from "./json.ts";
import type { Limits } from "./limits.ts";
import { GUARD, inspect, print, STATUSES, type Syntax } from "./syntax.ts";

/** A node of the library's syntax tree. */
export type SyntaxNode = ASTNode;

/** Nested parentheses, calls, selections and indexes of one expression. */
export const MAX_EXPRESSION_DEPTH = 32;
/** Items of a list, or keys of a mapping, that a macro (`all`, `exists`, `exists_one`, `filter`, `map`) may range over. */
export const MAX_MACRO_ITEMS = 1000;
/** The parser and the evaluator are recursive: a raised `Limits.expressionNodes` stops here. */
const MAX_EXPRESSION_NODES = 10_000;
/** Values of one result, counted with repetition. */
const MAX_RESULT_VALUES = 1_000_000;
const CACHE_SIZE = 4096;

/** What a node offers to expressions. */
export interface NodeScope {
  /** Absent while there is none: then `has(nodes.<id>.output)` is false. */
  readonly output?: Json;
  readonly status: string;
}

export interface ExpressionScope {
  readonly params: Readonly<Record<string, Json>>;
  /** At least every node in `nodesRead`. */
  readonly nodes: Readonly<Record<string, NodeScope>>;
  /** The member's item; absent without `split`. */
  readonly item?: Json;
  readonly run: { readonly id: string /** Epoch milliseconds. */; readonly startedAt: number };
}

/** A result is a fresh copy: it shares nothing with the scope (R28). */
export type EvaluationResult =
  | { readonly ok: true; readonly value: Json }
  | { readonly ok: false; readonly message: string };

export interface CompiledExpression {
  readonly ok: true;
  readonly source: string;
  /** Static type: `bool`, `int`, `double`, `string`, `list`, `list<int>`, `map`, ..., or `dyn` when only the run can tell. */
  readonly type: string;
  /** Ids read as `nodes.<id>` or `nodes["<id>"]`, each once. */
  readonly nodesRead: readonly string[];
  /** Of those, the ones whose output is read, not only their status. */
  readonly outputsRead: readonly string[];
  /** Reads `item` or the name given by `as`. */
  readonly readsItem: boolean;
  readonly readsParams: boolean;
  /** Names read as `params.<name>` or `params["<name>"]`, each once. */
  readonly paramsRead: readonly string[];
  readonly readsNodes: boolean;
  readonly readsRun: boolean;
  /** Never throws for anything the expression or the scope's values do. */
  evaluate(scope: ExpressionScope): EvaluationResult;
}

/** Why a source is no expression of this language. */
export interface ExpressionFailure {
  readonly ok: false;
  readonly code: "EXPRESSION" | "LIMIT";
  readonly message: string;
  readonly suggestion?: string;
}

const cache = new Map<string, CompiledExpression | ExpressionFailure>();

/**
 * Parses, checks and type-checks. `as` also binds the item under that name (`split.as`, an identifier). Equal arguments
 * are compiled once while they stay in the cache.
 */
export function compileExpression(source: string, limits: Limits, as?: string): CompiledExpression | ExpressionFailure {
  const key = JSON.stringify([as ?? null, limits.expressionLength, limits.expressionNodes, source]);
  const known = cache.get(key);
  if (known !== undefined) return known;
  const compiled = compile(source, limits, as);
  if (cache.size >= CACHE_SIZE) {
    for (const oldest of cache.keys()) {
      cache.delete(oldest);
      break;
    }
  }
  cache.set(key, compiled);
  return compiled;
}

function compile(source: string, limits: Limits, as: string | undefined): CompiledExpression | ExpressionFailure {
  if (source.length > limits.expressionLength) return tooLarge(source.length, limits);
  try {
    const environment = environmentFor(as);
    const own = environment.clone({
      limits: { maxAstNodes: Math.min(limits.expressionNodes, MAX_EXPRESSION_NODES), maxDepth: MAX_EXPRESSION_DEPTH },
    });
    const { ast } = own.parse(source);
    const syntax = inspect(ast);
    const problem = syntax.problems[0];
    if (problem !== undefined) return { ok: false, code: "EXPRESSION", ...problem };
    const checked = environment.parse(print(ast, syntax.nodesRead, false)).check();
    if (!checked.valid) return failure(checked.error);
    const type = checked.type ?? "dyn";
    if (NO_JSON.has(type)) {
      return {
        ok: false,
        code: "EXPRESSION",
        message: `the result is a ${type}, which JSON cannot hold`,
        suggestion: "turn it into a string or a number",
      };
    }
    const guarded = environment.parse(print(ast, syntax.nodesRead, true));
    guarded.check();
    return compiledExpression({ source, type, syntax, run: guarded, as });
  } catch (error) {
    return failure(error);
  }
}

const NO_JSON: ReadonlySet<string> = new Set([
  "bytes",
  "type",
  "google.protobuf.Timestamp",
  "google.protobuf.Duration",
]);

interface Parts {
  readonly source: string;
  readonly type: string;
  readonly syntax: Syntax;
  /** The library's own evaluation. */
  readonly run: (context: Record<string, unknown>) => unknown;
  readonly as: string | undefined;
}

function compiledExpression({ source, type, syntax, run, as }: Parts): CompiledExpression {
  const nodesRead: readonly string[] = Object.freeze([...syntax.nodesRead]);
  return Object.freeze({
    ok: true,
    source,
    type,
    nodesRead,
    outputsRead: Object.freeze([...syntax.outputsRead]),
    readsItem: syntax.names.has("item") || (as !== undefined && syntax.names.has(as)),
    readsParams: syntax.names.has("params"),
    paramsRead: Object.freeze([...syntax.paramsRead]),
    readsNodes: nodesRead.length > 0,
    readsRun: syntax.names.has("run"),
    evaluate(scope: ExpressionScope): EvaluationResult {
      try {
        return { ok: true, value: copyJson(run(contextOf(scope, nodesRead, as)), fromCel, MAX_RESULT_VALUES) };
      } catch (error) {
        return { ok: false, message: `${summary(error)} (${source})` };
      }
    },
  });
}

/** What the printed form reads: nodes by their number in `nodesRead`. */
function contextOf(scope: ExpressionScope, nodesRead: readonly string[], as?: string): Record<string, unknown> {
  const nodes: Record<string, unknown> = {};
  const statuses: Record<string, string> = {};
  for (const [index, id] of nodesRead.entries()) {
    if (!Object.hasOwn(scope.nodes, id)) throw new Error(`node ${JSON.stringify(id)} is unknown to the run`);
    const { output, status } = scope.nodes[id] as NodeScope;
    nodes[`n${index}`] = output === undefined ? {} : { output };
    statuses[`n${index}`] = status;
  }
  const { params, run, item } = scope;
  const context = { params, nodes, run, [STATUSES]: statuses };
  if (item === undefined) return context;
  return { ...context, item, ...(as !== undefined && { [as]: item }) };
}

/** The library's own values as JSON: ints are BigInt, uints are objects. */
function fromCel(value: unknown): { readonly value: Json } | undefined {
  if (typeof value === "object" && value?.constructor?.name === "UnsignedInt")
    return { value: safeNumber(Number(value.valueOf())) };
  if (typeof value === "bigint" || typeof value === "number") return { value: safeNumber(Number(value)) };
  return undefined;
}

function safeNumber(value: number): number {
  if (!Number.isFinite(value)) throw new NotJson(`the result is ${value}, which JSON cannot hold`);
  if (Number.isInteger(value) && !Number.isSafeInteger(value))
    throw new NotJson("the result is an integer beyond 2^53");
  // -0 and 0 are one number in JSON.
  return value === 0 ? 0 : value;
}

const environments = new Map<string, Environment>();

/** Environments differ only in the name that `as` binds; a plan has few of them. */
function environmentFor(as: string | undefined): Environment {
  const key = as ?? "";
  const known = environments.get(key);
  if (known !== undefined) return known;
  if (environments.size >= CACHE_SIZE) environments.clear();
  const environment = newEnvironment();
  if (as !== undefined && as !== "item") environment.registerVariable(as, "dyn");
  environments.set(key, environment);
  return environment;
}

function newEnvironment(): Environment {
  // The printed form is longer and nests deeper than the source by the guards alone.
  const limits = { maxAstNodes: 4 * MAX_EXPRESSION_NODES, maxDepth: 4 * MAX_EXPRESSION_DEPTH };
  const environment = new Environment({ homogeneousAggregateLiterals: false, limits })
    .registerVariable("params", "map")
    .registerVariable("nodes", "map")
    .registerVariable(STATUSES, "map<string, string>")
    .registerVariable("item", "dyn")
    .registerVariable("run", { schema: { id: "string", startedAt: "double" } })
    .registerFunction(`${GUARD}(dyn): dyn`, guardItems, { async: false });
  for (const [operator, apply] of Object.entries(ARITHMETIC)) {
    for (const types of ["double _ int", "int _ double"])
      environment.registerOperator(`${types.replace("_", operator)}: double`, apply);
  }
  return environment.registerOperator("double % double: double", ARITHMETIC["%"]);
}

const ARITHMETIC = {
  "+": (left: unknown, right: unknown): number => Number(left) + Number(right),
  "-": (left: unknown, right: unknown): number => Number(left) - Number(right),
  "*": (left: unknown, right: unknown): number => Number(left) * Number(right),
  "/": (left: unknown, right: unknown): number => Number(left) / Number(right),
  "%": (left: unknown, right: unknown): number => Number(left) % Number(right),
};

function guardItems(value: unknown): unknown {
  const size = typeof value === "object" && value !== null ? Object.keys(value).length : 0;
  if (size > MAX_MACRO_ITEMS) throw new NotJson(`a macro ranges over ${size} items; the limit is ${MAX_MACRO_ITEMS}`);
  return value;
}

function tooLarge(length: number, limits: Limits): ExpressionFailure {
  return {
    ok: false,
    code: "LIMIT",
    message: `the expression has ${length} characters; the limit is ${limits.expressionLength}`,
    suggestion: "make it smaller, or raise limits.expressionLength",
  };
}

function failure(error: unknown): ExpressionFailure {
  const text = summary(error);
  if ((error as { code?: unknown } | undefined)?.code !== "limit_exceeded")
    return { ok: false, code: "EXPRESSION", message: text };
  // The library says: Exceeded maxAstNodes (1000).
  const [, limit = "", setting = ""] = /(max\w+) \((\d+)\)/.exec(text) ?? [];
  const message = `the expression has more than ${setting} ${LIMITED[limit] ?? "elements"}; the limit is ${setting}`;
  const raise = limit === "maxAstNodes" ? ", or raise limits.expressionNodes" : "";
  return { ok: false, code: "LIMIT", message, suggestion: `make it smaller${raise}` };
}

const LIMITED: Readonly<Record<string, string>> = {
  maxAstNodes: "elements",
  maxDepth: "levels of nesting",
  maxListElements: "items in one list",
  maxMapEntries: "entries in one mapping",
  maxCallArguments: "arguments in one call",
};

/** One line: the library's `message` draws the source, its `summary` does not. */
function summary(error: unknown): string {
  if (error instanceof RangeError) return "the expression is too large to evaluate";
  const { summary: short, message } = error as { summary?: string; message?: string };
  return short ?? message ?? String(error);
}
