/**
 * Comments: every source says at its head what it is and what it owns.
 */
import type { HouseRule } from "./rule.ts";
import type { SourceTree } from "./tree.ts";

/** Shorter than this says nothing that the file's name does not say. */
const HEAD_CHARACTERS = 40;

export const COMMENTS: readonly HouseRule[] = [
  {
    sentence: "every source begins with a comment that says what it is",
    violations: headless,
    bad: [
      { "packages/engine/src/a.ts": `import { b } from "./b.ts";\n/** Late. */` },
      { "packages/engine/src/a.ts": "/** The a. */\nexport const a = 1;" },
      { "test/a.test.ts": `test("R10: only edges order", () => {});` },
      { "test/a.test.ts": `describe("edges", () => {});` },
      {
        "packages/engine/src/a.ts":
          "// biome-" + "ignore-all lint/x/y: because of something that is long enough\nexport const a = 1;",
      },
    ],
    good: [
      { "bin/a.js": "#!/usr/bin/env node\n// The command's entry: refuses a Node that is too old.\nexport {};" },
      { "a.config.ts": "export const a = 1;" },
      { "test/a.test.ts": `describe("R10: only edges order", () => {});` },
    ],
  },
];

function headless(tree: SourceTree): string[] {
  return tree
    .paths(/(?<!\.config)\.(ts|js)$/)
    .filter((path) => {
      // A suite that is named says what the file tests.
      if (/\.test\.ts$/.test(path) && /^describe\(\s*(["`])[^"`]* [^"`]*\1/m.test(tree.text(path))) return false;
      const text = tree.text(path).replace(/^#!.*\n/, "");
      const head = /^(\/\*\*[\s\S]*?\*\/|(\/\/.*\n)+)/.exec(text)?.[0] ?? "";
      return /^\/\/ biome-/.test(head) || head.length < HEAD_CHARACTERS;
    })
    .map((path) => `${path}: no head comment, or one that says nothing`);
}
