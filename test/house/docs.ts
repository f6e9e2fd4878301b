/**
 * Documents: what is generated is fresh, what is linked or named exists, what ships carries its licence.
 */
import { generatedFiles } from "../../scripts/generated-files.ts";
import type { HouseRule } from "./rule.ts";
import { resolveRelative, type SourceTree } from "./tree.ts";

export const DOCS: readonly HouseRule[] = [
  {
    sentence: "generated documents are fresh (npm run generate)",
    violations: (tree) =>
      [...generatedFiles()].filter(([path, text]) => !tree.has(path) || tree.text(path) !== text).map(([path]) => path),
    bad: [{ "docs/states.md": "old" }, {}],
    good: [Object.fromEntries(generatedFiles())],
  },
  {
    sentence: "what a document links to exists",
    violations: deadLinks,
    bad: [{ "docs/a.md": "[b](b.md)" }, { "README.md": "[b](docs/b.md#c)" }],
    good: [{ "docs/a.md": "[b](../README.md) [c](https://example.org) [d](#e)", "README.md": "" }],
  },
  {
    sentence: "paths that a document names exist",
    violations: deadPaths,
    bad: [{ "docs/a.md": "see `packages/engine/src/core/gone.ts`" }, { "README.md": "`docs/gone.md`" }],
    good: [
      { "docs/a.md": "`packages/a/` `packages/a/b.ts` `packages/*/c`", "packages/a/b.ts": "" },
      { "CHANGELOG.md": "`docs/gone.md`" },
    ],
  },
  {
    sentence: "npm scripts that a document names exist",
    violations: deadScripts,
    bad: [
      { "README.md": "`npm run gone`", "package.json": `{ "scripts": { "build": "tsc" } }` },
      { "docs/a.md": "npm test" },
    ],
    good: [{ "README.md": "npm run build, npm ci", "package.json": `{ "scripts": { "build": "tsc" } }` }],
  },
  {
    sentence: "every package says what it is and carries its licence",
    violations: packaging,
    bad: [
      { "packages/a/package.json": `{ "license": "Apache-2.0", "files": ["dist"] }`, "packages/a/LICENSE": "x" },
      {
        "packages/a/package.json": `{ "license": "MIT" }`,
        "packages/a/LICENSE": "x",
        "packages/a/README.md": "x",
        LICENSE: "x",
      },
      {
        "packages/a/package.json": `{ "license": "Apache-2.0" }`,
        "packages/a/LICENSE": "y",
        "packages/a/README.md": "x",
        LICENSE: "x",
      },
    ],
  },
];

function deadLinks(tree: SourceTree): string[] {
  return tree.paths(/\.md$/).flatMap((path) =>
    [...tree.text(path).matchAll(/\]\(([^)\s]+)\)/g)]
      .map(([, target = ""]) => target.replace(/#.*/, ""))
      .filter((target) => target !== "" && !/^[a-z]+:/.test(target))
      .filter((target) => !tree.exists(resolveRelative(path, target)))
      .map((target) => `${path}: ${target}`),
  );
}

function deadPaths(tree: SourceTree): string[] {
  return tree.paths(/^(README\.md|docs\/.*\.md|packages\/[^/]+\/README\.md)$/).flatMap((path) =>
    [...tree.text(path).matchAll(/`((?:packages|docs|scripts|test|bench|\.ci)\/[\w./-]*)`/g)]
      .map(([, target = ""]) => target)
      .filter((target) => !tree.exists(target))
      .map((target) => `${path}: ${target}`),
  );
}

function deadScripts(tree: SourceTree): string[] {
  const scripts = Object.keys(tree.has("package.json") ? ((tree.json("package.json")["scripts"] ?? {}) as object) : {});
  return tree.paths(/\.md$/).flatMap((path) =>
    [...tree.text(path).matchAll(/\bnpm (?:run ([\w:-]+)|(test|start)\b)/g)]
      .map(([, named, builtIn]) => named ?? builtIn ?? "")
      .filter((script) => !scripts.includes(script))
      .map((script) => `${path}: npm script ${script}`),
  );
}

function packaging(tree: SourceTree): string[] {
  return tree.paths(/^packages\/[^/]+\/package\.json$/).flatMap((path) => {
    const folder = path.replace("package.json", "");
    const wrong = [`${folder}README.md`, `${folder}LICENSE`]
      .filter((file) => !tree.has(file))
      .map((file) => `${file}: missing`);
    if (tree.json(path)["license"] !== "Apache-2.0") wrong.push(`${path}: license is not Apache-2.0`);
    if (
      tree.has(`${folder}LICENSE`) &&
      (!tree.has("LICENSE") || tree.text(`${folder}LICENSE`) !== tree.text("LICENSE"))
    ) {
      wrong.push(`${folder}LICENSE: differs from LICENSE`);
    }
    return wrong;
  });
}
