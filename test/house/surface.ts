/**
 * The public surface of the engine: what `@belay/engine` exports is named, few, and documented; what `@belay/engine/views`
 * exports is documented.
 */
import type { HouseRule } from "./rule.ts";
import { isSyntax, resolveRelative, type SourceTree, type Syntax } from "./tree.ts";

const INDEX = "packages/engine/src/index.ts";
const VIEWS = "packages/engine/src/views/index.ts";
const PUBLIC_NAMES = 50;

/** Fields whose name and type say all there is to say. */
const PLAIN = new Set(["name", "description", "title", "message", "code", "runId"]);

interface Declaration {
  readonly path: string;
  readonly name: string;
  /** The statement, `export` included. */
  readonly statement: Syntax;
  /** The declaration inside it. */
  readonly declared: Syntax;
}

export const SURFACE: readonly HouseRule[] = [
  {
    sentence: `the engine exports names one by one, at most ${PUBLIC_NAMES}`,
    violations: surface,
    bad: [
      { [INDEX]: `/** x */ export * from "./a.ts";` },
      { [INDEX]: Array.from({ length: PUBLIC_NAMES + 1 }, (_, i) => `export const a${i}: number = 1;`).join("\n") },
      { [INDEX]: `export { a } from "./gone.ts";` },
      { [INDEX]: `export { a } from "./a.ts";`, "packages/engine/src/a.ts": "export const b: number = 1;" },
    ],
    good: [{ [INDEX]: `export { a } from "./a.ts";`, "packages/engine/src/a.ts": "export const a: number = 1;" }],
  },
  {
    sentence: "everything the engine exports is documented, down to the fields",
    violations: undocumented,
    bad: [
      { [INDEX]: "export function f(): void {}" },
      { [VIEWS]: "export function f(): void {}" },
      {
        [INDEX]: `export { A } from "./a.ts";`,
        "packages/engine/src/a.ts": "export interface A { readonly id: string }",
      },
      {
        [INDEX]: `export type { A } from "./a.ts";`,
        "packages/engine/src/a.ts": "/** A. */\nexport interface A { readonly atMs: number }",
      },
      {
        [INDEX]: `export { A } from "./a.ts";`,
        "packages/engine/src/a.ts": "/** A. */\nexport class A { stop(): void {} }",
      },
      {
        [INDEX]: `export { A } from "./a.ts";`,
        "packages/engine/src/a.ts": `export { A } from "./b.ts";`,
        "packages/engine/src/b.ts": "export class A {}",
      },
    ],
    good: [
      { [INDEX]: "/** F. */\n// x: y\nexport function f(): void {}" },
      { [INDEX]: "/** A. */\nexport class A implements B { stop(): void {} }" },
      {
        [INDEX]: `export { A } from "./a.ts";`,
        "packages/engine/src/a.ts":
          "/** A. */\nexport class A { /** Stops. */ stop(): void {} #b(): void {} private c = 1; constructor() {} }",
      },
    ],
  },
];

function surface(tree: SourceTree): string[] {
  const { found, wrong } = publicDeclarations(tree, INDEX);
  const names = new Set(found.map((one) => one.name));
  if (names.size > PUBLIC_NAMES) wrong.push(`${INDEX}: ${names.size} public names`);
  return wrong;
}

/** Every name that an entry point exports, followed to its declaration. */
function publicDeclarations(tree: SourceTree, entry: string): { found: Declaration[]; wrong: string[] } {
  const found: Declaration[] = [];
  const wrong: string[] = [];
  if (!tree.has(entry)) return { found, wrong };
  for (const statement of tree.program(entry)["body"] as Syntax[]) {
    if (statement.type === "ExportAllDeclaration") wrong.push(`${entry}: exports everything of a file`);
    for (const name of exportedNames(statement)) {
      const declaration = follow(tree, entry, name);
      if (declaration === undefined) wrong.push(`${entry}: ${name} is declared nowhere`);
      else found.push(declaration);
    }
  }
  return { found, wrong };
}

function exportedNames(statement: Syntax): string[] {
  if (statement.type !== "ExportNamedDeclaration") return [];
  const specifiers = (statement["specifiers"] as Syntax[]).map((one) => nameOf(one["exported"]));
  return [...specifiers, ...declaredNames(statement["declaration"])];
}

function declaredNames(declaration: unknown): string[] {
  if (!isSyntax(declaration)) return [];
  const declarators = declaration["declarations"];
  if (Array.isArray(declarators)) return declarators.map((one: Syntax) => nameOf(one["id"]));
  return [nameOf(declaration["id"])];
}

function nameOf(identifier: unknown): string {
  return isSyntax(identifier) ? String(identifier["name"] ?? identifier["value"]) : "";
}

function follow(tree: SourceTree, from: string, wanted: string): Declaration | undefined {
  let path = from;
  let name = wanted;
  for (let hops = 0; hops < 8 && tree.has(path); hops += 1) {
    const body = tree.program(path)["body"] as Syntax[];
    const own = body.find((one) => declaredNames(one["declaration"] ?? one).includes(name));
    if (own) return { path, name: wanted, statement: own, declared: (own["declaration"] ?? own) as Syntax };
    const next = passedOn(body, name);
    if (next === undefined) return undefined;
    name = next.name;
    path = resolveRelative(path, next.specifier);
  }
  return undefined;
}

/** Where `export { x as name } from "./y.ts"`, or an import that is exported again, leads. */
function passedOn(body: readonly Syntax[], name: string): { name: string; specifier: string } | undefined {
  for (const statement of body) {
    const source = statement["source"];
    if (!isSyntax(source)) continue;
    for (const one of (statement["specifiers"] ?? []) as Syntax[]) {
      const outer = nameOf(one["exported"] ?? one["local"]);
      if (outer === name) return { name: nameOf(one["imported"] ?? one["local"]), specifier: String(source["value"]) };
    }
  }
  return undefined;
}

function undocumented(tree: SourceTree): string[] {
  const wrong: string[] = [];
  const seen = new Set<Syntax>();
  const declarations = [INDEX, VIEWS].flatMap((entry) => publicDeclarations(tree, entry).found);
  for (const { path, name, statement, declared } of declarations) {
    if (seen.has(statement)) continue;
    seen.add(statement);
    if (!isDocumented(tree.text(path), statement.start)) wrong.push(`${path}: ${name}`);
    for (const member of members(declared)) {
      const own = nameOf(member["key"]);
      if (!PLAIN.has(own) && !isDocumented(tree.text(path), member.start)) wrong.push(`${path}: ${name}.${own}`);
    }
  }
  return wrong;
}

/** Public fields and methods of an interface or a class; a port's adapter is documented at the port. */
function members(declared: Syntax): Syntax[] {
  if (((declared["implements"] ?? []) as unknown[]).length > 0) return [];
  const body = declared["body"];
  const list = isSyntax(body) ? body["body"] : undefined;
  if (!/^(TSInterface|Class)Declaration$/.test(declared.type) || !Array.isArray(list)) return [];
  return (list as Syntax[]).filter((one) => {
    const key = one["key"];
    const named = isSyntax(key) && key.type === "Identifier" && one["computed"] !== true;
    return named && one["accessibility"] !== "private" && one["kind"] !== "constructor";
  });
}

/** A doc comment ends right before, line comments for tools aside. */
function isDocumented(text: string, start: number): boolean {
  return /\/\*\*(?:(?!\*\/)[\s\S])*\*\/\s*(?:\/\/[^\n]*\n\s*)*$/.test(text.slice(Math.max(0, start - 4_000), start));
}
