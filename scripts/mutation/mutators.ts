/**
 * Mutators: which small mistakes can be made at one node of the syntax tree. Owns: the catalogue. Does not own: how a
 * mistake gets into the file (`instrument.ts`).
 *
 * Left out on purpose: texts of messages and of reasons, and whatever another mutant of the same place implies (the
 * negation of a condition beside the condition being always true and always false).
 */
import { isSyntax, nameOf, type Syntax } from "./syntax.ts";

/** Where a node stands. */
export interface Place {
  readonly parent: Syntax | undefined;
  /** The parent's field. */
  readonly field: string;
  /** The function around it answers a boolean. */
  readonly inBoolean: boolean;
}

export interface Surroundings {
  /** Source of a node. */
  text(node: Syntax): string;
  /** Keys of the `as const` tables by name: a code is mistaken for the next one. */
  readonly codes: ReadonlyMap<string, readonly string[]>;
}

const SWAPS: Readonly<Record<string, readonly string[]>> = {
  "<": ["<=", ">="],
  "<=": ["<", ">"],
  ">": [">=", "<="],
  ">=": [">", "<"],
  "===": ["!=="],
  "!==": ["==="],
  "+": ["-"],
  "-": ["+"],
  "*": ["/"],
  "/": ["*"],
  "%": ["*"],
  "**": ["*"],
  "&": ["|"],
  "|": ["&"],
  "^": ["&"],
  "<<": [">>"],
  ">>": ["<<"],
  ">>>": ["<<"],
};
const ASSIGNMENT_SWAPS: Readonly<Record<string, string>> = {
  "+=": "-=",
  "-=": "+=",
  "|=": "&=",
  "&=": "|=",
  "^=": "&=",
  "*=": "/=",
};
const METHOD_SWAPS: Readonly<Record<string, string>> = {
  max: "min",
  min: "max",
  floor: "ceil",
  ceil: "floor",
  round: "floor",
  some: "every",
  every: "some",
};
const BOOLEAN = /^([<>]=?|[!=]==)$/;

/** What may stand in place of an expression. */
export function expressionsFor(node: Syntax, place: Place, around: Surroundings): string[] {
  const mutated = [...conditions(node, place), ...operators(node, place, around), ...constants(node, place, around)];
  return [...new Set(mutated)].filter((text) => text !== around.text(node));
}

/** A condition that is always true, or always false. */
function conditions(node: Syntax, place: Place): string[] {
  if (node.type === "Literal" || node.type === "LogicalExpression" || !isCondition(node, place)) return [];
  return ["true", "false"];
}

function isCondition(node: Syntax, { parent, field, inBoolean }: Place): boolean {
  if (field === "test" && parent?.type !== "SwitchCase") return true;
  if (parent?.type === "LogicalExpression") return parent["operator"] !== "??";
  if (!inBoolean) return false;
  if (parent?.type !== "ReturnStatement" && parent?.type !== "ArrowFunctionExpression") return false;
  return /^(BinaryExpression|UnaryExpression|CallExpression)$/.test(node.type);
}

function operators(node: Syntax, place: Place, { text }: Surroundings): string[] {
  const operator = String(node["operator"]);
  const left = node["left"] as Syntax;
  const right = node["right"] as Syntax;
  const argument = node["argument"] as Syntax;
  switch (node.type) {
    case "BinaryExpression": {
      // Always true and always false imply the negation.
      const implied = isCondition(node, place) && BOOLEAN.test(operator);
      const swaps = implied ? (SWAPS[operator] ?? []).filter((swap) => swap[0] === operator[0]) : SWAPS[operator];
      const kept = implied && /^[!=]/.test(operator) ? [] : (swaps ?? []);
      return kept.map((swap) => `${operand(left, text)} ${swap} ${operand(right, text)}`);
    }
    case "LogicalExpression":
      if (operator === "??") return [text(left), text(right)];
      return [`${operand(left, text)} ${operator === "&&" ? "||" : "&&"} ${operand(right, text)}`];
    case "UnaryExpression":
      if (operator === "!" && isCondition(node, place)) return [];
      return ["!", "-", "~"].includes(operator) ? [text(argument)] : [];
    case "UpdateExpression": {
      const swap = operator === "++" ? "--" : "++";
      return [node["prefix"] === true ? `${swap}${text(argument)}` : `${text(argument)}${swap}`];
    }
    case "AssignmentExpression": {
      const swap = ASSIGNMENT_SWAPS[operator];
      return swap === undefined ? [] : [`${text(left)} ${swap} ${text(right)}`];
    }
    case "CallExpression":
      return methods(node, text);
    default:
      return [];
  }
}

/** `Math.max` for `Math.min`, `some` for `every`; a filter that lets all through. */
function methods(call: Syntax, text: Surroundings["text"]): string[] {
  const callee = call["callee"];
  if (!isSyntax(callee) || callee.type !== "MemberExpression") return [];
  const object = callee["object"] as Syntax;
  const name = nameOf(callee["property"]);
  if (name === "filter") return [operand(object, text)];
  const swap = METHOD_SWAPS[name];
  if (swap === undefined) return [];
  return [`${operand(object, text)}.${swap}(${(call["arguments"] as Syntax[]).map(text).join(", ")})`];
}

/** Source of an operand, in parentheses where it could fall apart. */
function operand(node: Syntax, text: Surroundings["text"]): string {
  const whole = /^(Identifier|Literal|MemberExpression|CallExpression|ThisExpression|ChainExpression)$/.test(node.type);
  return whole ? text(node) : `(${text(node)})`;
}

function constants(node: Syntax, place: Place, around: Surroundings): string[] {
  if (node.type === "ArrayExpression") return arrays(node, place, around);
  if (node.type === "MemberExpression") return codes(node, place, around);
  if (node.type !== "Literal") return [];
  const { value } = node;
  if (typeof value === "boolean") return [String(!value)];
  if (typeof value === "number") return numbers(value, place);
  return typeof value === "string" && isWord(place) ? ['""'] : [];
}

function numbers(value: number, { parent }: Place): string[] {
  // `-1` is one constant, not two.
  if (parent?.type === "UnaryExpression" && parent["operator"] === "-") return value === 1 ? ["0"] : [];
  if (value === 0) return ["1"];
  return value === 1 ? ["0", "2"] : [String(value + 1)];
}

/** A string that decides something: an answer, a field, an argument. Texts for people are none. */
function isWord({ parent, field }: Place): boolean {
  if (parent?.type === "CallExpression") return field === "arguments" && nameOf(parent["callee"]) !== "invariant";
  if (parent?.type === "Property") return field === "value";
  return /^(ReturnStatement|ConditionalExpression|VariableDeclarator)$/.test(String(parent?.type));
}

/** Each element left out; of a table of rows, each row. */
function arrays(node: Syntax, { parent }: Place, { text }: Surroundings): string[] {
  if (parent?.type === "ArrayExpression") return [];
  const elements = node["elements"] as Syntax[];
  return elements.map(
    (_, left) =>
      `[${elements
        .filter((__, index) => index !== left)
        .map(text)
        .join(", ")}]`,
  );
}

/** `NodeState.READY` for `NodeState.PENDING`: the next code of its table. */
function codes(node: Syntax, { parent }: Place, around: Surroundings): string[] {
  if (parent?.type === "SwitchCase") return [];
  const table = nameOf(node["object"]);
  const keys = around.codes.get(table);
  const at = keys?.indexOf(nameOf(node["property"])) ?? -1;
  if (keys === undefined || at < 0) return [];
  return [`${table}.${keys[(at + 1) % keys.length]}`];
}

/** Statements that can be left out. */
export function canBeLeftOut(node: Syntax): boolean {
  if (node.type === "ReturnStatement") return node["argument"] === null;
  return /^(ExpressionStatement|ContinueStatement|BreakStatement|ThrowStatement)$/.test(node.type);
}
