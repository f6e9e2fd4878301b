/**
 * Names: of files, exports and tests. One word per idea; the list is in docs/design.md.
 */
import type { HouseRule } from "./rule.ts";
import { isSyntax, type SourceTree, type Syntax } from "./tree.ts";

/** Drawers into which anything fits. */
const DRAWERS = /^(utils?|common|helpers?|misc|types|shared|constants|interfaces|models|lib)$/;

/** Folders whose tests drive real processes: they may wait for real time. */
const REAL_TIME = new RegExp(
  `^test/(${["cli", "failover-plans", "postgres", "mariadb", "polardb/polar-drill", "journal-postgres", "embedded-postgres", "crash", "packages", "e2e", "server/[a-z]+/[a-z-]+\\.e2e"].join("|")})\\b|^test/packages\\.test\\.ts$`,
);

export const NAMES: readonly HouseRule[] = [
  {
    sentence: "files and folders are kebab-case and none of them is a drawer for anything",
    violations: fileNames,
    bad: [
      { "packages/engine/src/plan/checkPlan.ts": "" },
      { "packages/engine/src/utils/a.ts": "" },
      { "packages/engine/src/plan/types.ts": "" },
      { "test/Plan/a.test.ts": "" },
    ],
    good: [{ "packages/engine/src/core/ready-queue.ts": "", "README.md": "", "test/core/ready-queue.test.ts": "" }],
  },
  {
    sentence: "exports are named and nothing is an enum or a namespace",
    violations: declarations,
    bad: [
      { "packages/engine/src/a.ts": "export default 1;" },
      { "packages/engine/src/a.ts": "const a = 1; export { a as default };" },
      { "packages/engine/src/a.ts": "enum A { B }" },
      { "packages/engine/src/a.ts": "namespace A { export const b = 1; }" },
    ],
    good: [{ "vitest.config.ts": "export default {};", "a.d.ts": `declare module "a" { export default f; }` }],
  },
  {
    sentence: "the words task and subtask name things only where OCP's words are translated",
    violations: foreignWords,
    bad: [
      { "packages/engine/src/core/a.ts": "export const taskCount: number = 1;" },
      { "packages/engine/src/plan/a.ts": "export interface SubTask { readonly id: string }" },
    ],
    good: [
      { "packages/engine/src/views/ocp.ts": "export const subtasks: number[] = [];" },
      { "packages/engine/src/plan/ocp.ts": "export const subtasks: number[] = [];" },
      { "packages/engine/src/index.ts": `export { importOcpTask } from "./plan/ocp.ts"; // OCP "subtasks"` },
    ],
  },
  {
    sentence: "the name of a test is a sentence",
    violations: testNames,
    bad: [{ "test/plan/a.test.ts": `test("works", () => {});` }, { "test/plan/a.test.ts": "it.skip(`ok now`, f);" }],
    good: [{ "test/plan/a.test.ts": `test("R10: a node never starts before its upstreams", () => {});` }],
  },
  {
    sentence: "tests of the engine never sleep",
    violations: sleeps,
    bad: [
      { "test/runtime/a.test.ts": "await new Promise((r) => setTimeout(r, 10));" },
      { "test/core/a.test.ts": `import { setTimeout as sleep } from "node:timers/promises";` },
    ],
    good: [{ "test/cli/a.test.ts": "setTimeout(f, 10);" }, { "test/runtime/a.test.ts": "clock.setTimeout(f);" }],
  },
];

function fileNames(tree: SourceTree): string[] {
  return tree.paths(/^(packages|test|scripts|bench|docs)\//).flatMap((path) => {
    const parts = path.split("/").map((part) => part.replace(/((\.e2e)?\.test|\.bench|\.schema|\.d)?\.[a-z]+$/, ""));
    const wrong = parts.filter((part) => !/^([a-z0-9]+(-[a-z0-9]+)*|README|LICENSE)$/.test(part) || DRAWERS.test(part));
    return wrong.map((part) => `${path}: ${part}`);
  });
}

function declarations(tree: SourceTree): string[] {
  const wrong: string[] = [];
  for (const path of tree.paths(/(?<!\.config|\.d)\.ts$/)) {
    for (const { node } of tree.nodes(path)) {
      const exported = node["exported"];
      const isDefault =
        node.type === "ExportDefaultDeclaration" ||
        (node.type === "ExportSpecifier" && isSyntax(exported) && exported["name"] === "default");
      if (isDefault) wrong.push(`${path}:${tree.line(path, node.start)}: default export`);
      if (/^TS(Enum|Module)Declaration$/.test(node.type)) {
        wrong.push(`${path}:${tree.line(path, node.start)}: ${node.type}`);
      }
    }
  }
  return wrong;
}

function foreignWords(tree: SourceTree): string[] {
  const wrong: string[] = [];
  for (const path of tree.paths(/^packages\/engine\/src\/(?!views\/).*\.ts$/)) {
    if (path.includes("ocp")) continue;
    for (const { node } of tree.nodes(path)) {
      const name = node.type === "Identifier" ? String(node["name"]) : "";
      if (/task/i.test(name) && !/ocp|microtask/i.test(name)) {
        wrong.push(`${path}:${tree.line(path, node.start)}: ${name}`);
      }
    }
  }
  return wrong;
}

function testNames(tree: SourceTree): string[] {
  const wrong: string[] = [];
  for (const path of tree.paths(/^test\/.*\.test\.ts$/)) {
    for (const { node } of tree.nodes(path)) {
      const name = nameOfTest(node);
      if (name !== undefined && name.trim().split(/\s+/).length < 3) wrong.push(`${path}: "${name}"`);
    }
  }
  return wrong;
}

/** First argument of `test(...)`, `it(...)` or `test.x(...)`, when it is written out. */
function nameOfTest(node: Syntax): string | undefined {
  if (node.type !== "CallExpression") return undefined;
  let callee: unknown = node["callee"];
  while (isSyntax(callee) && callee.type === "MemberExpression") callee = callee["object"];
  if (!isSyntax(callee) || !["test", "it"].includes(String(callee["name"]))) return undefined;
  const first = (node["arguments"] as Syntax[])[0];
  if (first?.type === "Literal" && typeof first["value"] === "string") return first["value"];
  if (first?.type !== "TemplateLiteral") return undefined;
  return (first["quasis"] as { value: { raw: string } }[]).map((part) => part.value.raw).join("x");
}

function sleeps(tree: SourceTree): string[] {
  const wrong: string[] = [];
  for (const path of tree.paths(/^test\/.*\.ts$/).filter((one) => !REAL_TIME.test(one))) {
    for (const { specifier } of tree.imports(path)) {
      if (specifier === "node:timers/promises") wrong.push(`${path}: imports ${specifier}`);
    }
    for (const { node, parent } of tree.nodes(path)) {
      const timer = node.type === "Identifier" && /^set(Timeout|Interval)$/.test(String(node["name"]));
      if (timer && parent?.type === "CallExpression" && parent["callee"] === node) {
        wrong.push(`${path}:${tree.line(path, node.start)}: ${String(node["name"])}`);
      }
    }
  }
  return wrong;
}
