/**
 * Syntax trees of the core's files, as the mutator reads them. Owns: parsing, walking, and the codes of the core's
 * `as const` tables. ESTree with TypeScript nodes, as vitest's own parser makes it.
 */
import { parseAst } from "vitest/node";

/** A node of the tree; fields depend on `type`. */
export interface Syntax {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [field: string]: unknown;
}

/** What is only for the compiler: gone at run time. */
const TYPE_FIELDS = new Set(["typeAnnotation", "returnType", "typeParameters", "typeArguments", "implements"]);
const ERASED = /^TS(?!AsExpression|NonNullExpression|SatisfiesExpression)/;

export function parse(text: string): Syntax {
  return parseAst(text, { lang: "ts" }) as unknown as Syntax;
}

export function isSyntax(value: unknown): value is Syntax {
  return typeof value === "object" && value !== null && typeof (value as { type?: unknown }).type === "string";
}

/** A child that is left at run time, with the field it stands in, in the order of the text. */
export function children(node: Syntax): { readonly field: string; readonly child: Syntax }[] {
  const found: { field: string; child: Syntax }[] = [];
  for (const [field, value] of Object.entries(node)) {
    if (TYPE_FIELDS.has(field)) continue;
    for (const child of Array.isArray(value) ? value : [value]) {
      if (isSyntax(child) && !ERASED.test(child.type)) found.push({ field, child });
    }
  }
  return found.sort((a, b) => a.child.start - b.child.start);
}

/** Names of a file's `export const X = { A: 0, ... } as const` and their keys. */
export function codeTables(program: Syntax): [name: string, keys: string[]][] {
  return (program["body"] as Syntax[]).flatMap((statement) => {
    const declaration = statement["declaration"];
    if (!isSyntax(declaration) || declaration.type !== "VariableDeclaration") return [];
    return (declaration["declarations"] as Syntax[]).flatMap((one): [string, string[]][] => {
      const init = one["init"];
      const table = isSyntax(init) && init.type === "TSAsExpression" ? init["expression"] : undefined;
      if (!isSyntax(table) || table.type !== "ObjectExpression") return [];
      return [[nameOf(one["id"]), (table["properties"] as Syntax[]).map((property) => nameOf(property["key"]))]];
    });
  });
}

/** Name of an identifier; empty for anything else. */
export function nameOf(node: unknown): string {
  return isSyntax(node) && typeof node["name"] === "string" ? node["name"] : "";
}
