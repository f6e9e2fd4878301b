/**
 * The engine with one known bug: a copy of its source with a patch applied, loaded beside the real one. Owns: the copy,
 * which `remove` deletes. A patch that no longer applies is an error: the bug it stands for must be put in anew.
 */
import { cpSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type * as Engine from "@belay/engine";
import type * as Testing from "@belay/engine/testing";
import { applyPatch, parsePatch } from "diff";

const ROOT = join(import.meta.dirname, "../..");

export interface PatchedEngine {
  readonly definePlan: typeof Engine.definePlan;
  readonly simulate: typeof Testing.simulate;
  remove(): void;
}

/** `patch`: a unified diff of files of this repository, after some lines about it; "" leaves the source as it is. */
export async function patchedEngine(patch: string): Promise<PatchedEngine> {
  const folder = mkdtempSync(join(realpathSync(tmpdir()), "belay-known-bug-"));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  try {
    const engine = join(folder, "packages/engine");
    for (const part of ["package.json", "src"]) {
      cpSync(join(ROOT, "packages/engine", part), join(engine, part), { recursive: true, filter: isNeeded });
    }
    symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
    apply(patch, folder);
    const load = (file: string): Promise<unknown> => import(pathToFileURL(join(engine, "src", file)).href);
    const { definePlan } = (await load("runtime/define-plan.ts")) as typeof Engine;
    const { simulate } = (await load("testing/simulation/simulate.ts")) as typeof Testing;
    return { definePlan, simulate, remove };
  } catch (error) {
    remove();
    throw error;
  }
}

/** Not what the simulation does without; a tsconfig would name files that are not copied. */
function isNeeded(from: string): boolean {
  return !/tsconfig\.json$|\/views$|\/testing\/(?:reference|action-rig|arbitraries|virtual)/.test(from);
}

function apply(patch: string, folder: string): void {
  const start = patch.indexOf("--- a/");
  for (const file of start < 0 ? [] : parsePatch(patch.slice(start))) {
    const name = (file.newFileName ?? "").replace(/^b\//, "");
    const path = join(folder, name);
    const patched = applyPatch(readFileSync(path, "utf8"), file, { fuzzFactor: 1 });
    if (patched === false) throw new Error(`the patch does not apply to ${name} any more: put its bug in anew`);
    writeFileSync(path, patched);
  }
}
