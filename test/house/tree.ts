/**
 * The source tree as the house rules see it: text by path, syntax trees on demand. Owns: reading the project's files
 * (what is generated or installed is left out) and parsing them. Paths are relative to the root, with `/`.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseAst } from "vitest/node";

/** A node of the ESTree syntax tree; fields depend on `type`. */
export interface Syntax {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [field: string]: unknown;
}

/** One `import`, `export ... from`, `import()` or `import("...")` type with a literal specifier. */
export interface Import {
  readonly specifier: string;
  /** true when nothing of it is left at run time. */
  readonly typeOnly: boolean;
}

const SKIPPED_FOLDERS = new Set(["node_modules", "dist", "coverage", ".git", "fixtures"]);
const TEXT = /(\.(ts|js|json|md|ya?ml|sql|sh|txt|css|html|svg)|\/run|LICENSE|\.npmrc|\.gitignore|\.editorconfig)$/;

/** The project's root folder. */
export const ROOT: string = fileURLToPath(new URL("../../", import.meta.url));

export class SourceTree {
  readonly #texts: ReadonlyMap<string, string>;
  readonly #programs = new Map<string, Syntax>();

  constructor(texts: Iterable<readonly [path: string, text: string]>) {
    this.#texts = new Map(texts);
  }

  static ofProject(): SourceTree {
    const texts: [string, string][] = [];
    const folders = [""];
    for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
      for (const entry of readdirSync(join(ROOT, folder), { withFileTypes: true })) {
        const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
        if (entry.isDirectory() && !SKIPPED_FOLDERS.has(entry.name)) folders.push(path);
        if (entry.isFile() && TEXT.test(`/${path}`)) texts.push([path, readFileSync(join(ROOT, path), "utf8")]);
      }
    }
    return new SourceTree(texts.sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  /** Paths that match, sorted for the project. */
  paths(pattern: RegExp = /./): string[] {
    return [...this.#texts.keys()].filter((path) => pattern.test(path));
  }

  has(path: string): boolean {
    return this.#texts.has(path);
  }

  /** true for a file or a folder that holds one. */
  exists(path: string): boolean {
    const folder = `${path.replace(/\/$/, "")}/`;
    return this.#texts.has(path) || this.paths().some((known) => known.startsWith(folder));
  }

  text(path: string): string {
    const text = this.#texts.get(path);
    if (text === undefined) throw new Error(`no such file: ${path}`);
    return text;
  }

  json(path: string): Record<string, unknown> {
    return JSON.parse(this.text(path)) as Record<string, unknown>;
  }

  program(path: string): Syntax {
    let program = this.#programs.get(path);
    if (program === undefined) {
      program = parse(path, this.text(path));
      this.#programs.set(path, program);
    }
    return program;
  }

  /** Every node of the file's syntax tree with its parent, parents first. */
  *nodes(path: string): Generator<{ readonly node: Syntax; readonly parent: Syntax | undefined }> {
    const stack: { node: Syntax; parent: Syntax | undefined }[] = [{ node: this.program(path), parent: undefined }];
    for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
      yield top;
      for (const child of children(top.node).reverse()) stack.push({ node: child, parent: top.node });
    }
  }

  imports(path: string): Import[] {
    const found: Import[] = [];
    for (const { node } of this.nodes(path)) {
      const source = node["source"];
      if (!isSyntax(source) || typeof source["value"] !== "string") continue;
      const typeOnly = node.type === "TSImportType" || node["importKind"] === "type" || node["exportKind"] === "type";
      found.push({ specifier: source["value"], typeOnly: typeOnly || everySpecifierIsType(node) });
    }
    return found;
  }

  /** Line of an offset, from 1. */
  line(path: string, offset: number): number {
    return this.text(path).slice(0, offset).split("\n").length;
  }
}

/** Path that a relative specifier names, seen from `path`. */
export function resolveRelative(path: string, specifier: string): string {
  const parts = path.split("/").slice(0, -1);
  for (const part of specifier.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== ".") parts.push(part);
  }
  return parts.join("/");
}

/** Package of a bare specifier: `@scope/name/sub` gives `@scope/name`. */
export function packageOf(specifier: string): string {
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
}

function parse(path: string, text: string): Syntax {
  try {
    return parseAst(text, { lang: "ts" }) as unknown as Syntax;
  } catch (cause) {
    throw new Error(`${path} does not parse`, { cause });
  }
}

export function isSyntax(value: unknown): value is Syntax {
  return typeof value === "object" && value !== null && typeof (value as { type?: unknown }).type === "string";
}

function children(node: Syntax): Syntax[] {
  return Object.values(node)
    .flatMap((value) => (Array.isArray(value) ? value : [value]))
    .filter(isSyntax);
}

/** `import { type A, type B } from`: gone at run time although the declaration is not marked. */
function everySpecifierIsType(node: Syntax): boolean {
  const specifiers = node["specifiers"];
  if (!Array.isArray(specifiers) || specifiers.length === 0) return false;
  return specifiers.every((one: Syntax) => one["importKind"] === "type" || one["exportKind"] === "type");
}
