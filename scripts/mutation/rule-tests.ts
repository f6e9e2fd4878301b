/**
 * Kill suite: the project's own tests, by rule number, run in this process. Owns: finding the files and collecting their
 * tests. Does not own: `test` and `describe` themselves (`vitest-stand-in.ts`); `expect` is vitest's.
 *
 * Left out: tests of scale, which take seconds and say nothing that smaller ones do not, and properties and the long
 * lives of model tests, which play the same plans as `simulated-lives.ts` and `model-lives.ts` do, but slower; and tests
 * of what surrounds the core: secrets, audits, people. `copy.ts` is tried by its property last of all.
 */
import { existsSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import type { KillCase, KillSuite } from "./kill-suite.ts";
import { collect } from "./vitest-stand-in.ts";

const TESTS = new URL("../../test/", import.meta.url);
const LEFT_OUT =
  /^(scale|trace-check|manual-clock|core|commands|copy|preview-lives|preview-scale|secret.*|audit|approvals-.*)\.test\.ts$/;

/** The tests of these folders of `test/`, as far as they exist; `only`: of the files with such names. */
export async function ruleTests(suite: string, folders: readonly string[], only?: RegExp): Promise<KillSuite> {
  fc.configureGlobal({ seed: 1 });
  const files = folders
    .map((folder) => new URL(`${folder}/`, TESTS))
    .flatMap((folder) =>
      existsSync(folder)
        ? readdirSync(folder)
            .filter(
              (name) => name.endsWith(".test.ts") && (only === undefined ? !LEFT_OUT.test(name) : only.test(name)),
            )
            .sort()
            .map((name) => new URL(name, folder))
        : [],
    );
  const cases: KillCase[] = [];
  for (const file of files) {
    const from = fileURLToPath(file).slice(fileURLToPath(TESTS).length);
    for (const { name, run } of await collect(() => import(file.href))) cases.push({ name: `${from}: ${name}`, run });
  }
  return { name: suite, cases };
}
