/**
 * Mutant schemata: one copy of a file that holds all its mutants, each behind a switch, so that they are tried one after
 * the other in one process. Owns: the text of the copy. Does not own: what a mutant is (`mutators.ts`).
 *
 * Every guard also notes that it was reached, and every loop burns fuel, so that a mutant that loops for ever is cut.
 */
import { BOARD } from "./board.ts";
import { canBeLeftOut, expressionsFor, type Place, type Surroundings } from "./mutators.ts";
import { children, isSyntax, nameOf, parse, type Syntax } from "./syntax.ts";

/** One small mistake. */
export interface Mutant {
  readonly id: number;
  /** File below `core/`. */
  readonly file: string;
  readonly line: number;
  /** The function around it; empty at the top of the file. */
  readonly scope: string;
  /** Source, blanks collapsed. */
  readonly original: string;
  readonly mutated: string;
}

export interface Instrumented {
  readonly text: string;
  readonly mutants: readonly Mutant[];
}

const FUNCTION = /^(FunctionDeclaration|FunctionExpression|ArrowFunctionExpression)$/;
const LOOP = /^(For|ForOf|ForIn|While|DoWhile)Statement$/;

/** The copy of `file` and its mutants, numbered from `firstId` on. */
export function instrument(file: string, source: string, firstId: number, codes: Surroundings["codes"]): Instrumented {
  const copy = new Copy(file, source, firstId, codes);
  const text = `const M$ = globalThis.${BOARD}; ${copy.render(parse(source), { parent: undefined, field: "", inBoolean: false })}`;
  return { text, mutants: copy.mutants };
}

class Copy {
  readonly mutants: Mutant[] = [];
  readonly #file: string;
  readonly #source: string;
  readonly #firstId: number;
  readonly #around: Surroundings;
  #scope = "";

  constructor(file: string, source: string, firstId: number, codes: Surroundings["codes"]) {
    this.#file = file;
    this.#source = source;
    this.#firstId = firstId;
    this.#around = { codes, text: (node) => source.slice(node.start, node.end) };
  }

  render(node: Syntax, place: Place): string {
    const outer = this.#scope;
    if (FUNCTION.test(node.type)) this.#scope = scopeOf(node, place) || outer;
    const text = this.#guarded(node, place);
    this.#scope = outer;
    return text;
  }

  #guarded(node: Syntax, place: Place): string {
    if (isRaw(place)) return this.#inner(node, place);
    if (canBeLeftOut(node) && !isSuperCall(node)) {
      const id = this.#add(node, this.#around.text(node), "(left out)");
      return `{ if (!M$.on(${id})) ${this.#inner(node, place)} }`;
    }
    if (node.type === "SwitchCase" && isSyntax(node["test"])) return this.#case(node, place);
    if (node.type === "BlockStatement" && isVoidBody(node, place)) {
      const id = this.#add(node, "(body)", "(returns at once)");
      return `{ if (M$.on(${id})) return; ${this.#inner(node, place).slice(1)}`;
    }
    const mutated = expressionsFor(node, place, this.#around);
    const guards = mutated.map((text, at) => `M$.on(${this.#change(node, text, at)}) ? (${text}) : `);
    const inner = this.#inner(node, place);
    return guards.length === 0 ? inner : `(${guards.join("")}(${inner}))`;
  }

  /** Its own text, with the children's copies in place. */
  #inner(node: Syntax, place: Place): string {
    let text = "";
    let from = node.start;
    const inBoolean = FUNCTION.test(node.type) ? answersBoolean(node, this.#around) : place.inBoolean;
    for (const { field, child } of children(node)) {
      // A shorthand property stands twice in the tree.
      if (child.start < from) continue;
      text += this.#source.slice(from, child.start);
      const copy = this.render(child, { parent: node, field, inBoolean });
      text += LOOP.test(node.type) && field === "body" ? `{ M$.burn(); ${copy} }` : copy;
      from = child.end;
    }
    return text + this.#source.slice(from, node.end);
  }

  /** The change as people read it; of a list, the element that is left out. */
  #change(node: Syntax, mutated: string, at: number): number {
    const element = node.type === "ArrayExpression" ? (node["elements"] as Syntax[])[at] : undefined;
    if (element !== undefined) return this.#add(element, this.#around.text(element), "(left out of the list)");
    return this.#add(node, this.#around.text(node), mutated);
  }

  /** A case that never matches. */
  #case(node: Syntax, place: Place): string {
    const test = node["test"] as Syntax;
    const id = this.#add(test, `case ${this.#around.text(test)}`, "(never)");
    const label = `case M$.on(${id}) ? Number.NaN : (${this.#around.text(test)})`;
    return label + this.#inner(node, place).slice(this.#source.slice(node.start, test.end).length);
  }

  #add(node: Syntax, original: string, mutated: string): number {
    const id = this.#firstId + this.mutants.length;
    const line = this.#source.slice(0, node.start).split("\n").length;
    const collapse = (text: string): string => text.replace(/\s+/g, " ").trim();
    this.mutants.push({
      id,
      file: this.#file,
      line,
      scope: this.#scope,
      original: collapse(original),
      mutated: collapse(mutated),
    });
    return id;
  }
}

/** Places where only the source itself may stand. */
function isRaw({ parent, field }: Place): boolean {
  switch (parent?.type) {
    case "Property":
    case "PropertyDefinition":
    case "MethodDefinition":
      return field === "key" && parent["computed"] !== true;
    case "MemberExpression":
      return field === "property" && parent["computed"] !== true;
    case "CallExpression":
    case "NewExpression":
      return field === "callee";
    case "AssignmentExpression":
    case "ForOfStatement":
      return field === "left";
    case "UpdateExpression":
      return true;
    case "ImportDeclaration":
    case "ExportNamedDeclaration":
    case "ExportAllDeclaration":
      return field === "source" || field === "specifiers";
    case "ChainExpression":
      return field === "expression";
    case "ForStatement":
      return field === "init";
    default:
      return false;
  }
}

function scopeOf(node: Syntax, { parent }: Place): string {
  const key = parent?.type === "MethodDefinition" ? parent["key"] : undefined;
  return nameOf(node["id"]) || nameOf(key) || (parent?.type === "VariableDeclarator" ? nameOf(parent["id"]) : "");
}

function answersBoolean(node: Syntax, { text }: Surroundings): boolean {
  const type = node["returnType"];
  return isSyntax(type) && /^:\s*boolean$/.test(text(type));
}

/** A function that answers nothing and does more than one thing: with one, leaving that out says the same. */
function isVoidBody(node: Syntax, { parent, field }: Place): boolean {
  if (parent === undefined || field !== "body" || !FUNCTION.test(parent.type)) return false;
  const type = parent["returnType"];
  const answer = isSyntax(type) && isSyntax(type["typeAnnotation"]) ? type["typeAnnotation"].type : "";
  const { length } = node["body"] as Syntax[];
  return answer === "TSVoidKeyword" && (length > 1 || !canBeLeftOut((node["body"] as Syntax[])[0] ?? node));
}

function isSuperCall(node: Syntax): boolean {
  const expression = node["expression"];
  const callee = isSyntax(expression) ? expression["callee"] : undefined;
  return isSyntax(callee) && callee.type === "Super";
}
