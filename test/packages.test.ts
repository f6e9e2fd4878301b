/**
 * The packages as users get them: packed, linted, installed into an empty project, imported by a plain Node. Needs a
 * build, which `npm test` makes first.
 */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  install,
  lintPackage,
  type PackedPackage,
  pack,
  packageFolders,
  tryPackage,
} from "../scripts/packed-packages.ts";

let target: string;
let project: string;
let packages: PackedPackage[];

beforeAll(async () => {
  target = await mkdtemp(join(tmpdir(), "belay-packages-"));
  project = join(target, "project");
  await mkdir(project);
  packages = [];
  for (const folder of await packageFolders()) packages.push(await pack(folder, target));
  await install(packages, project);
});

afterAll(async () => {
  await rm(target, { recursive: true, force: true });
});

describe("the packages", () => {
  test("there are four of them", () => {
    const names = ["@belay/cli", "@belay/engine", "@belay/failover-plans", "@belay/server"];
    expect(packages.map(({ name }) => name).sort()).toEqual(names);
  });

  test("publint and attw find nothing in the tarballs, and nothing strays into them", async () => {
    const found: string[] = [];
    for (const packed of packages) found.push(...(await lintPackage(packed)));
    expect(found).toEqual([]);
  }, 120_000);

  test("every entry point is imported from an installed tarball, and the command starts", async () => {
    const found: string[] = [];
    for (const packed of packages) found.push(...(await tryPackage(packed, project)));
    expect(found).toEqual([]);
  }, 120_000);

  test("a package whose entry points are missing is found by every check", async () => {
    const folder = join(target, "broken");
    await mkdir(folder);
    const entry = (name: string) => ({ types: `./${name}.d.ts`, default: `./${name}.js` });
    const exports = { ".": entry("gone"), "./typed": entry("typed") };
    const manifest = { name: "broken", version: "1.0.0", type: "module", exports, bin: { broken: "gone.js" } };
    await writeFile(join(folder, "package.json"), JSON.stringify(manifest));
    await writeFile(join(folder, "typed.d.ts"), "export declare const a: number;\n");
    const packed = await pack(folder, target);
    await install([packed], project);
    const linted = (await lintPackage(packed)).join("\n");
    expect(linted).toContain("broken: LICENSE is missing");
    expect(linted).toContain("broken: publint");
    expect(linted).toContain("broken: attw");
    const tried = (await tryPackage(packed, project)).join("\n");
    expect(tried).toContain('broken: import "broken"');
    expect(tried).toContain("broken: . has no types");
    expect(tried).toContain("broken: broken --version");
  }, 120_000);
});
