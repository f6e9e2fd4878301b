/** The benchmark beside other engines, as far as it needs nothing that a plain clone lacks: Belay's part on SQLite. */
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, expect, test } from "vitest";

const MAIN = join(import.meta.dirname, "../../bench/durable/main.ts");

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "belay-bench-test-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

async function bench(...options: readonly string[]): Promise<string> {
  const flags = ["--conditions=source", "--disable-warning=ExperimentalWarning", MAIN, "--quick", ...options];
  // A sync costs nothing in memory: the benchmark wants a disk, wherever other tests have their files.
  const env = { ...process.env, TMPDIR: "/tmp" };
  const { stdout } = await promisify(execFile)(process.execPath, flags, { timeout: 60_000, env });
  return stdout;
}

test("the benchmark of durable throughput plays, reads back and tells both kinds of work", async () => {
  const file = join(folder, "figures.json");
  const told = await bench("--only=belay-sqlite", `--json=${file}`);
  expect(told).toContain("Belay, SQLite");
  const { results, skipped } = JSON.parse(readFileSync(file, "utf8"));
  expect(skipped).toEqual([]);
  const kinds = [
    ["burst", "belay-sqlite", true],
    ["alone", "belay-sqlite", true],
  ];
  const seen = results.map(
    ({ kind, figures: [one] }: { kind: string; figures: { name: string; stepsPerSecond: number }[] }) => [
      kind,
      one?.name,
      Number(one?.stepsPerSecond) > 0,
    ],
  );
  expect(seen).toEqual(kinds);
});

test("the benchmark of durable throughput refuses a contender that it does not know, and names those that it does", async () => {
  await expect(bench("--only=belay-sqlite,nobody")).rejects.toThrow(/no contender is called nobody: belay-sqlite, /);
});
