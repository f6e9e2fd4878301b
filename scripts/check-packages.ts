/**
 * Checks what would be published (`npm run verify`): see packed-packages.ts. Ends with 1 when something is wrong. Needs a build.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkPackages } from "./packed-packages.ts";

const target = await mkdtemp(join(tmpdir(), "belay-packages-"));
try {
  const wrong = await checkPackages(target);
  for (const line of wrong) console.error(line);
  console.log(wrong.length === 0 ? "packages: fine" : `packages: ${wrong.length} wrong`);
  if (wrong.length > 0) process.exitCode = 1;
} finally {
  await rm(target, { recursive: true, force: true });
}
