/**
 * What an expression reads, and its text for the evaluator. Owns: the rules on the syntax tree (what is refused, R3), the
 * names that are read, the printing of the tree. Does not own: parsing, types and evaluation (`expression.ts`).
 *
 * The evaluator runs a printed form of the tree, not the source: every `nodes.<id>.output` becomes `nodes.n<k>.output`, so
 * that ids with `.` or `-` work wherever a field name does (`has(nodes["my-id"].output)`); every `nodes.<id>.status` becomes
 * `STATUSES.n<k>`, which has a type of its own; and the list of every macro passes through `GUARD`, since the library does
 * not limit lists at run time.
 * Recursive over one expression: its tree is limited (`Limits.expressionNodes`), and so is the stack.
 */
import type { SyntaxNode } from "./expression.ts";
import { suggest } from "./suggestion.ts";

/** Function of the environment that fails for a list or mapping with too many items. */
export const GUARD = "belay_items";

/** Variable of the environment that holds the states of nodes, strings by name. */
export const STATUSES = "belay_statuses";

/** What `nodes.<id>.status` can be: the core's states of a node, which a test compares with these. */
export const STATUS_WORDS: readonly string[] = [
  "PENDING",
  "READY",
  "RUNNING",
  "CANCELING",
  "SUCCESSFUL",
  "FAILED",
  "SKIPPED",
  "COMPENSATING",
  "COMPENSATED",
  "COMPENSATION_FAILED",
];

/** Names an expression can read; `as` adds one. */
export const SCOPE_NAMES: readonly string[] = ["params", "nodes", "item", "run"];

/** A rule that the expression breaks. */
export interface SyntaxProblem {
  readonly message: string;
  readonly suggestion?: string;
}

export interface Syntax {
  /** Ids read as `nodes.<id>` or `nodes["<id>"]`, in order of first reading; `nodes.n<k>` in print is the k-th. */
  readonly nodesRead: string[];
  /** Of those, the ones whose output is read. */
  readonly outputsRead: Set<string>;
  /** Every name that is read and not bound by a macro. */
  readonly names: Set<string>;
  /** Names read as `params.<name>` or `params["<name>"]`. */
  readonly paramsRead: Set<string>;
  readonly problems: SyntaxProblem[];
  macros: number;
}

const MACROS: Readonly<Record<string, readonly number[]>> = {
  all: [2],
  exists: [2],
  exists_one: [2],
  filter: [2],
  map: [2, 3],
};

/** Walks the tree once. */
export function inspect(root: SyntaxNode): Syntax {
  const syntax: Syntax = {
    nodesRead: [],
    outputsRead: new Set(),
    names: new Set(),
    paramsRead: new Set(),
    problems: [],
    macros: 0,
  };
  visit(root, syntax, undefined);
  return syntax;
}

/** `bound` is the variable of the macro around `node`, if there is one. */
function visit(node: SyntaxNode, syntax: Syntax, bound: string | undefined): void {
  switch (node.op) {
    case "value":
      if (node.args === Number.POSITIVE_INFINITY) syntax.problems.push({ message: "a number is too large" });
      return;
    case "id":
      visitName(node.args, syntax, bound);
      return;
    case ".":
    case "[]":
      visitAccess(node, syntax, bound);
      return;
    case "rcall":
      visitMethod(node, syntax, bound);
      return;
    case "map":
      for (const [key] of node.args) visitKey(key, syntax);
      for (const child of children(node)) visit(child, syntax, bound);
      return;
    case "==":
    case "!=":
      visitComparison(node.args[0], [node.args[1]], syntax);
      visitComparison(node.args[1], [node.args[0]], syntax);
      for (const child of node.args) visit(child, syntax, bound);
      return;
    case "in":
      if (node.args[1].op === "list") visitComparison(node.args[0], node.args[1].args, syntax);
      for (const child of node.args) visit(child, syntax, bound);
      return;
    default:
      for (const child of children(node)) visit(child, syntax, bound);
  }
}

/** A word that is no state of a node never equals one: a mistyped comparison would be false for ever. */
function visitComparison(node: SyntaxNode, others: readonly SyntaxNode[], syntax: Syntax): void {
  if (nodeRead(node)?.field !== "status") return;
  for (const { op, args } of others) {
    if (op !== "value" || typeof args !== "string" || STATUS_WORDS.includes(args)) continue;
    const meant = suggest(args, STATUS_WORDS) ?? STATUS_WORDS.find((word) => word.slice(0, 4) === args.slice(0, 4));
    syntax.problems.push({
      message: `${JSON.stringify(args)} is no status of a node`,
      suggestion:
        meant === undefined
          ? `a status is one of ${STATUS_WORDS.join(", ")}`
          : `did you mean ${JSON.stringify(meant)}?`,
    });
  }
}

/** The library drops these keys without a word. */
const DROPPED_KEYS: ReadonlySet<unknown> = new Set(["__proto__", "constructor", "prototype"]);

function visitKey(key: SyntaxNode, syntax: Syntax): void {
  if (key.op !== "value" || !DROPPED_KEYS.has(key.args)) return;
  syntax.problems.push({ message: `${JSON.stringify(key.args)} cannot be a key of a mapping in an expression` });
}

function visitName(name: string, syntax: Syntax, bound: string | undefined): void {
  if (name === bound) return;
  if (name === "nodes") {
    syntax.problems.push({
      message: "nodes is read one node at a time, and the id is literal",
      suggestion: 'write nodes.<id>.output, nodes["<id>"].output or .status',
    });
  }
  if (name === STATUSES) syntax.problems.push({ message: `Unknown variable: ${name}` });
  if (name === "cel") syntax.problems.push({ message: "cel.bind is refused" });
  syntax.names.add(name);
}

function visitAccess(node: SyntaxNode, syntax: Syntax, bound: string | undefined): void {
  const read = nodeRead(node);
  if (read === undefined) {
    const root = base(node);
    const name = literalKey(node);
    if (root?.op === "id" && root.args === "params" && name !== undefined) syntax.paramsRead.add(name);
    for (const child of children(node)) visit(child, syntax, bound);
    return;
  }
  syntax.names.add("nodes");
  if (!syntax.nodesRead.includes(read.id)) syntax.nodesRead.push(read.id);
  if (read.field === "output") syntax.outputsRead.add(read.id);
  if (read.field !== "output" && read.field !== "status") {
    syntax.problems.push({
      message: `a node has no ${JSON.stringify(read.field)}`,
      suggestion: `read nodes[${JSON.stringify(read.id)}].output or .status`,
    });
  }
}

function visitMethod(node: SyntaxNode & { op: "rcall" }, syntax: Syntax, bound: string | undefined): void {
  const [method, receiver, args] = node.args;
  if (method === "matches") {
    syntax.problems.push({
      message: "matches is refused: a pattern can take exponential time",
      suggestion: "use startsWith, endsWith, contains or ==",
    });
  }
  visit(receiver, syntax, bound);
  if (!isMacro(node)) {
    for (const argument of args) visit(argument, syntax, bound);
    return;
  }
  syntax.macros++;
  if (bound !== undefined) syntax.problems.push({ message: `${method} inside a macro is refused: macros do not nest` });
  const variable = args[0];
  if (variable?.op !== "id") {
    syntax.problems.push({ message: `the first argument of ${method} is the name of a variable` });
    return;
  }
  if (SCOPE_NAMES.includes(variable.args)) {
    syntax.problems.push({ message: `${method} binds "${variable.args}", which has a meaning of its own` });
  }
  for (const argument of args.slice(1)) visit(argument, syntax, variable.args);
}

function isMacro(node: SyntaxNode & { op: "rcall" }): boolean {
  const [method, , args] = node.args;
  return Object.hasOwn(MACROS, method) && (MACROS[method]?.includes(args.length) ?? false);
}

/** `nodes.<id>.<field>`, in any spelling. */
function nodeRead(node: SyntaxNode): { readonly id: string; readonly field: string } | undefined {
  const field = literalKey(node);
  if (field === undefined) return undefined;
  const inner = base(node);
  const id = inner === undefined ? undefined : literalKey(inner);
  if (inner === undefined || id === undefined) return undefined;
  const root = base(inner);
  return root?.op === "id" && root.args === "nodes" ? { id, field } : undefined;
}

function base(node: SyntaxNode): SyntaxNode | undefined {
  return node.op === "." || node.op === "[]" ? node.args[0] : undefined;
}

function literalKey(node: SyntaxNode): string | undefined {
  if (node.op === ".") return node.args[1];
  if (node.op !== "[]" || node.args[1].op !== "value") return undefined;
  const key = node.args[1].args;
  return typeof key === "string" ? key : undefined;
}

function children(node: SyntaxNode): readonly SyntaxNode[] {
  switch (node.op) {
    case "value":
    case "id":
      return [];
    case ".":
    case ".?":
      return [node.args[0]];
    case "call":
      return node.args[1];
    case "rcall":
      return [node.args[1], ...node.args[2]];
    case "list":
      return node.args;
    case "map":
      return node.args.flat();
    case "!_":
    case "-_":
      return [node.args];
    default:
      return node.args;
  }
}

/** Looser to tighter; what is not listed is a primary or postfix form and never needs parentheses. */
const PRECEDENCE: Readonly<Record<string, number>> = {
  "?:": 1,
  "||": 2,
  "&&": 3,
  "==": 4,
  "!=": 4,
  "<": 5,
  "<=": 5,
  ">": 5,
  ">=": 5,
  in: 5,
  "+": 6,
  "-": 6,
  "*": 7,
  "/": 7,
  "%": 7,
  "!_": 8,
  "-_": 8,
};
const POSTFIX = 9;

/** The tree as text, with nodes renamed; `guarded` puts the guard around the list of every macro. */
export function print(root: SyntaxNode, nodesRead: readonly string[], guarded: boolean): string {
  const text = (node: SyntaxNode): string => {
    const read = nodeRead(node);
    if (read !== undefined) {
      const name = `n${nodesRead.indexOf(read.id)}`;
      return read.field === "status" ? `${STATUSES}.${name}` : `nodes.${name}.${read.field}`;
    }
    switch (node.op) {
      case "value":
        return literal(node.args);
      case "id":
        return node.args;
      case ".":
        return `${within(node.args[0], POSTFIX)}.${node.args[1]}`;
      case "[]":
        return `${within(node.args[0], POSTFIX)}[${text(node.args[1])}]`;
      case "call":
        return `${node.args[0]}(${node.args[1].map(text).join(", ")})`;
      case "rcall": {
        const [method, receiver, args] = node.args;
        const list = guarded && isMacro(node) ? `${GUARD}(${text(receiver)})` : within(receiver, POSTFIX);
        return `${list}.${method}(${args.map(text).join(", ")})`;
      }
      case "list":
        return `[${node.args.map(text).join(", ")}]`;
      case "map":
        return `{${node.args.map(([key, value]) => `${text(key)}: ${text(value)}`).join(", ")}}`;
      case "?:":
        return `${within(node.args[0], 2)} ? ${text(node.args[1])} : ${text(node.args[2])}`;
      case "!_":
      case "-_":
        return `${node.op[0]}${within(node.args, 8)}`;
      case ".?":
      case "[?]":
        throw new TypeError("optional access is not part of the language");
      default: {
        const own = PRECEDENCE[node.op] ?? POSTFIX;
        return `${within(node.args[0], own)} ${node.op} ${within(node.args[1], own + 1)}`;
      }
    }
  };
  const within = (node: SyntaxNode, least: number): string =>
    (PRECEDENCE[node.op] ?? POSTFIX) < least ? `(${text(node)})` : text(node);
  return text(root);
}

function literal(value: (SyntaxNode & { op: "value" })["args"]): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "number") return /[.e]/.test(String(value)) ? String(value) : `${value}.0`;
  if (value === null || typeof value !== "object") return String(value);
  if (!(value instanceof Uint8Array)) return `${value.valueOf()}u`;
  return `b"${Array.from(value, (byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("")}"`;
}
