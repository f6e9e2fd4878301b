/**
 * The core's purity (R50): no clock, randomness, timers, promises or I/O, and no recursion over the size of a plan. The
 * compiler checks most of it (the core's own tsconfig has no ambient types); what ECMAScript itself offers is found here.
 */
import type { HouseRule } from "./rule.ts";
import { isSyntax, type SourceTree, type Syntax } from "./tree.ts";

const CORE_FILES = /^packages\/engine\/src\/core\/.*\.ts$/;
const IMPURE = new Set([
  "Date",
  "performance",
  "Promise",
  "queueMicrotask",
  "setTimeout",
  "setInterval",
  "setImmediate",
  "process",
  "console",
  "crypto",
  "fetch",
  "globalThis",
]);

export const CORE: readonly HouseRule[] = [
  {
    sentence: "R50: the core reads no clock, no randomness and does no I/O",
    violations: impure,
    bad: [
      { "packages/engine/src/core/a.ts": "export const now: number = Date.now();" },
      { "packages/engine/src/core/a.ts": "export const roll: number = Math.random();" },
      { "packages/engine/src/core/a.ts": "const { random } = Math; export const roll: number = random();" },
      { "packages/engine/src/core/a.ts": "export const t: number = performance.now();" },
      { "packages/engine/src/core/a.ts": "setTimeout(() => {}, 1);" },
      { "packages/engine/src/core/a.ts": "export async function f(): Promise<void> {}" },
      { "packages/engine/src/core/a.ts": "export const d: object = new globalThis.Date();" },
    ],
    good: [
      { "packages/engine/src/core/a.ts": "export const a: number = Math.max(1, state.process); // Date.now()" },
      { "packages/engine/src/runtime/clock.ts": "export const now: number = Date.now();" },
    ],
  },
  {
    sentence: "no function of the core calls itself: a chain may be 60,000 nodes deep",
    violations: recursive,
    bad: [
      { "packages/engine/src/core/a.ts": "function visit(n: number): void { if (n > 0) visit(n - 1); }" },
      { "packages/engine/src/core/a.ts": "const visit = (n: number): void => { [n].forEach((m) => visit(m)); };" },
      { "packages/engine/src/core/a.ts": "class A { visit(): void { this.visit(); } }" },
    ],
    good: [
      {
        "packages/engine/src/core/a.ts":
          "function a(): void {} function b(): void { a(); } class C { a(): void { a(); } }",
      },
    ],
  },
  {
    sentence: "R50: the core is compiled without ambient types",
    violations: (tree) =>
      tree.paths(/^packages\/engine\/src\/core\/tsconfig\.json$/).flatMap((path) => {
        const text = tree.text(path);
        const closed = /"types": \[\]/.test(text) && /"lib": \["ES2023"\]/.test(text);
        return closed ? [] : [`${path}: needs "types": [] and "lib": ["ES2023"]`];
      }),
    bad: [
      { "packages/engine/src/core/tsconfig.json": `{ "types": ["node"], "lib": ["ES2023"] }` },
      { "packages/engine/src/core/tsconfig.json": `{ "types": [], "lib": ["ES2023", "DOM"] }` },
    ],
  },
];

function impure(tree: SourceTree): string[] {
  const wrong: string[] = [];
  for (const path of tree.paths(CORE_FILES)) {
    for (const { node, parent } of tree.nodes(path)) {
      const name = impurity(node, parent);
      if (name !== undefined) wrong.push(`${path}:${tree.line(path, node.start)}: ${name}`);
    }
  }
  return wrong;
}

function impurity(node: Syntax, parent: Syntax | undefined): string | undefined {
  if (node["async"] === true) return "async";
  if (node.type !== "Identifier") return undefined;
  const name = String(node["name"]);
  if (name === "Math" && !isMemberOf(parent, node, /^(?!random$)/)) return "Math, but for its pure members by name";
  return IMPURE.has(name) && !isPropertyName(node, parent) ? name : undefined;
}

/** `node.x` where x matches. */
function isMemberOf(parent: Syntax | undefined, node: Syntax, allowed: RegExp): boolean {
  if (parent?.type !== "MemberExpression" || parent["object"] !== node || parent["computed"] === true) return false;
  const property = parent["property"];
  return isSyntax(property) && allowed.test(String(property["name"]));
}

/** A field of ours may be called what a global is called. */
function isPropertyName(node: Syntax, parent: Syntax | undefined): boolean {
  if (parent === undefined || parent["computed"] === true) return false;
  return (parent.type === "MemberExpression" && parent["property"] === node) || parent["key"] === node;
}

const FUNCTION = /^(FunctionDeclaration|FunctionExpression|ArrowFunctionExpression)$/;

function recursive(tree: SourceTree): string[] {
  const wrong: string[] = [];
  for (const path of tree.paths(CORE_FILES)) {
    const named: { name: string; method: boolean; start: number; end: number }[] = [];
    for (const { node, parent } of tree.nodes(path)) {
      const own = FUNCTION.test(node.type) ? nameOf(node, parent) : undefined;
      if (own !== undefined) named.push({ ...own, start: node.start, end: node.end });
      if (node.type !== "CallExpression") continue;
      const called = calleeOf(node);
      const inside = named.find(
        (one) =>
          one.name === called?.name && one.method === called.method && one.start < node.start && node.end <= one.end,
      );
      if (inside) wrong.push(`${path}:${tree.line(path, node.start)}: ${inside.name} calls itself`);
    }
  }
  return wrong;
}

function nameOf(node: Syntax, parent: Syntax | undefined): { name: string; method: boolean } | undefined {
  const method = parent?.type === "MethodDefinition";
  const id = [node["id"], parent?.["id"], method ? parent?.["key"] : undefined].find(isSyntax);
  return id === undefined ? undefined : { name: String(id["name"]), method };
}

function calleeOf(call: Syntax): { name: string; method: boolean } | undefined {
  const callee = call["callee"];
  if (!isSyntax(callee)) return undefined;
  if (callee.type === "Identifier") return { name: String(callee["name"]), method: false };
  const object = callee["object"];
  const property = callee["property"];
  const own = isSyntax(object) && object.type === "ThisExpression" && isSyntax(property);
  return own ? { name: String(property["name"]), method: true } : undefined;
}
