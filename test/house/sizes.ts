/**
 * Sizes: what fits on a page is read. Hard limits; the aim is 60 to 250 lines a file and up to 40 a function.
 */
import type { HouseRule } from "./rule.ts";
import { isSyntax, type SourceTree, type Syntax } from "./tree.ts";

const FILE_LINES = 400;
const FUNCTION_LINES = 70;
const PARAMETERS = 4;
const COLUMNS = 140;
/** An exception that says why, as the linter takes it too. */
const EXCEPTION = /^\s*\/\/ biome-ignore lint\/complexity\/useMaxParams: \S+ \S+/;
const EXCUSE = `// biome-${"ignore"} lint/complexity/useMaxParams: one per column.`;
const FIVE_PARAMETERS = "function f(a: A, b: B, c: C, d: D, e: E): void {}";
const FUNCTION = /^(FunctionDeclaration|FunctionExpression|ArrowFunctionExpression)$/;

export const SIZES: readonly HouseRule[] = [
  {
    sentence: `a file has at most ${FILE_LINES} lines`,
    violations: (tree) =>
      tree.paths(/\.(ts|js)$/).flatMap((path) => {
        const lines = tree.text(path).trimEnd().split("\n").length;
        return lines > FILE_LINES ? [`${path}: ${lines} lines`] : [];
      }),
    bad: [{ "packages/engine/src/a.ts": "x;\n".repeat(FILE_LINES + 1) }],
    good: [{ "packages/engine/src/a.ts": "x;\n".repeat(FILE_LINES) }],
  },
  {
    sentence: `a line has at most ${COLUMNS} columns, texts in quotes aside`,
    violations: longLines,
    bad: [{ "packages/engine/src/a.ts": `// ${"x".repeat(COLUMNS)}` }],
    good: [{ "packages/engine/src/a.ts": `const a = "${"x".repeat(COLUMNS)}";` }],
  },
  {
    sentence: `a function has at most ${FUNCTION_LINES} lines`,
    violations: longFunctions,
    bad: [
      { "packages/engine/src/a.ts": `function f(): void {\n${"x;\n".repeat(FUNCTION_LINES)}}` },
      { "packages/engine/src/a.ts": `class A { f(): void {\n${"x;\n".repeat(FUNCTION_LINES)}} }` },
      { "test/a.test.ts": `test("a b c", () => {\n${"x;\n".repeat(FUNCTION_LINES)}});` },
    ],
    good: [
      { "packages/engine/src/a.ts": `function f(): void {\n${"x;\n".repeat(FUNCTION_LINES - 2)}}` },
      { "test/a.test.ts": `describe("a b c", () => {\n${"x;\n".repeat(FUNCTION_LINES)}});` },
    ],
  },
  {
    sentence: `a function has at most ${PARAMETERS} positional parameters`,
    violations: manyParameters,
    bad: [
      { "packages/engine/src/a.ts": "function f(a: A, b: B, c: C, d: D, e: E): void {}" },
      { "packages/engine/src/a.ts": "class A { constructor(a: A, b: B, c: C, d: D, e: E) {} }" },
      { "packages/engine/src/a.ts": `// biome-${"ignore"} lint/complexity/useMaxParams:\n${FIVE_PARAMETERS}` },
      { "packages/engine/src/a.ts": `// biome-${"ignore"} lint/style/useConst: one per column.\n${FIVE_PARAMETERS}` },
      { "packages/engine/src/a.ts": `${EXCUSE}\n\n${FIVE_PARAMETERS}` },
      { "packages/engine/src/a.ts": `${EXCUSE}\n${FIVE_PARAMETERS}\n${FIVE_PARAMETERS}` },
    ],
    good: [
      { "packages/engine/src/a.ts": "function f(this: X, a: A, b: B, c: C, d: D): void {}" },
      { "packages/engine/src/a.ts": `${EXCUSE}\n${FIVE_PARAMETERS}` },
      { "packages/engine/src/a.ts": `class A {\n  ${EXCUSE}\n  push(a: A, b: B, c: C, d: D, e: E): void {}\n}` },
    ],
  },
];

function longLines(tree: SourceTree): string[] {
  return tree.paths(/\.(ts|js)$/).flatMap((path) => {
    const lines = tree.text(path).split("\n");
    return lines.flatMap((line, index) => {
      const columns = line.replace(/(["'`]).*?\1/g, "").length;
      return columns > COLUMNS ? [`${path}:${index + 1}: ${columns} columns`] : [];
    });
  });
}

function longFunctions(tree: SourceTree): string[] {
  const wrong: string[] = [];
  for (const path of tree.paths(/\.(ts|js)$/)) {
    for (const { node, parent } of tree.nodes(path)) {
      if (!FUNCTION.test(node.type) || isSuite(parent)) continue;
      const lines = tree.line(path, node.end) - tree.line(path, node.start) + 1;
      if (lines > FUNCTION_LINES) wrong.push(`${path}:${tree.line(path, node.start)}: ${lines} lines`);
    }
  }
  return wrong;
}

/** `describe("...", () => { ... })` only holds tests together. */
function isSuite(parent: Syntax | undefined): boolean {
  let callee: unknown = parent?.["callee"];
  while (isSyntax(callee)) {
    if (callee["name"] === "describe") return true;
    callee = callee["object"] ?? callee["callee"];
  }
  return false;
}

function manyParameters(tree: SourceTree): string[] {
  const wrong: string[] = [];
  for (const path of tree.paths(/\.(ts|js)$/)) {
    const lines = tree.text(path).split("\n");
    for (const { node } of tree.nodes(path)) {
      const params = FUNCTION.test(node.type) ? (node["params"] as Syntax[]) : [];
      const positional = params.filter((one) => one["name"] !== "this");
      const line = tree.line(path, node.start);
      if (positional.length > PARAMETERS && !EXCEPTION.test(lines[line - 2] ?? "")) {
        wrong.push(`${path}:${line}: ${positional.length} parameters`);
      }
    }
  }
  return wrong;
}
