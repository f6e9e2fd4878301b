/**
 * The sandbox: a copy of the project, in a folder of the system's temporary files, whose engine has an instrumented core.
 * Owns: what is copied and how packages are found there. Sources stay TypeScript: Node strips the types.
 */
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { type Instrumented, instrument, type Mutant } from "./instrument.ts";
import { codeTables, parse } from "./syntax.ts";

export const ROOT: string = fileURLToPath(new URL("../../", import.meta.url));
const ENGINE = "packages/engine";
const CORE = `${ENGINE}/src/core`;
/** Files with tables of codes that the core uses. */
const CODES = [`${ENGINE}/src/plan/compiled.ts`];

export interface Sandbox {
  readonly folder: string;
  readonly mutants: readonly Mutant[];
}

/** Makes the sandbox; whoever asked for it removes its folder. */
export function makeSandbox(): Sandbox {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "belay-mutation-")));
  cpSync(join(ROOT, "package.json"), join(folder, "package.json"));
  for (const part of [`${ENGINE}/package.json`, `${ENGINE}/src`, "test", "scripts/mutation"]) {
    cpSync(join(ROOT, part), join(folder, part), { recursive: true });
  }
  linkPackages(folder);
  return { folder, mutants: instrumentCore(folder) };
}

/** Puts the instrumented core into the sandbox. */
function instrumentCore(folder: string): Mutant[] {
  const copies = instrumentedCore();
  for (const [name, { text }] of copies) writeFileSync(join(folder, CORE, name), text);
  return [...copies.values()].flatMap(({ mutants }) => mutants);
}

/** The core's files by name, with every mutant; numbered by place. */
export function instrumentedCore(): Map<string, Instrumented> {
  const files = readdirSync(join(ROOT, CORE))
    .filter((name) => name.endsWith(".ts"))
    .sort();
  const sources = new Map(files.map((name) => [name, readFileSync(join(ROOT, CORE, name), "utf8")]));
  const tables = [...CODES.map((path) => readFileSync(join(ROOT, path), "utf8")), ...sources.values()];
  const codes = new Map(tables.flatMap((text) => codeTables(parse(text))));
  const copies = new Map<string, Instrumented>();
  let count = 0;
  for (const [name, source] of sources) {
    const copy = instrument(name, source, count, codes);
    count += copy.mutants.length;
    copies.set(name, copy);
  }
  return copies;
}

/** The project's packages, but for the engine, which is the copy, and vitest, whose tests are collected. */
function linkPackages(folder: string): void {
  const from = join(ROOT, "node_modules");
  const to = join(folder, "node_modules");
  mkdirSync(join(to, "@belay"), { recursive: true });
  for (const name of readdirSync(from)) {
    if (!name.startsWith(".") && name !== "@belay" && name !== "vitest") symlinkSync(join(from, name), join(to, name));
  }
  symlinkSync(join(folder, ENGINE), join(to, "@belay/engine"));
  const own = join(ROOT, ENGINE, "node_modules");
  if (existsSync(own)) symlinkSync(own, join(folder, ENGINE, "node_modules"));
  mkdirSync(join(to, "vitest"));
  const real = pathToFileURL(join(from, "vitest/dist/index.js")).href;
  const standIn = pathToFileURL(join(folder, "scripts/mutation/vitest-stand-in.ts")).href;
  writeFileSync(join(to, "vitest/package.json"), `{ "name": "vitest", "type": "module", "exports": "./index.js" }\n`);
  writeFileSync(
    join(to, "vitest/index.js"),
    `export { expect, vi } from ${JSON.stringify(real)};\nexport { describe, test } from ${JSON.stringify(standIn)};\n`,
  );
}
