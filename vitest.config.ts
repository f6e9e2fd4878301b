import { accessSync, constants, statfsSync } from "node:fs";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Linux has it; other systems use their disk. */
const MEMORY_DISK = "/dev/shm";

/** Files that take longest, by the end of their path: they come first, so that none of them is alone at the end. */
const SLOWEST = [
  "every-point.test.ts",
  "failover.e2e.test.ts",
  "failure.e2e.test.ts",
  "crash/kill.test.ts",
  "demo-left.test.ts",
  "demo-postgres.test.ts",
  "demo-kill.test.ts",
  "journal/damage.test.ts",
  "refusals.e2e.test.ts",
  "embedded.test.ts",
  "standby-plans.e2e.test.ts",
  "on-postgres.e2e.test.ts",
  "cut-off.e2e.test.ts",
  "properties/simulation.test.ts",
  "properties/simulation-large.test.ts",
  "known-bugs.test.ts",
  "kill.e2e.test.ts",
  "server/fuzz.test.ts",
];

class SlowestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const place = ({ moduleId }: TestSpecification): number => {
      const found = SLOWEST.findIndex((end) => moduleId.endsWith(end));
      return found < 0 ? SLOWEST.length : found;
    };
    return sorted.toSorted((a, b) => place(a) - place(b));
  }
}

/** Room that the servers of the tests need at most, with a margin. */
const ROOM_BYTES = 8 * 2 ** 30;

/**
 * Servers and journals of tests are put in memory where there is room: they make and remove many thousands of files. Processes are killed
 * there, machines are not, so nothing is lost that a disk would have kept. TMPDIR says otherwise.
 */
function temporaryFiles(): Record<string, string> {
  if (process.env["TMPDIR"] !== undefined) return {};
  try {
    accessSync(MEMORY_DISK, constants.W_OK);
    const { bavail, bsize } = statfsSync(MEMORY_DISK);
    return bavail * bsize > ROOM_BYTES ? { TMPDIR: MEMORY_DISK } : {};
  } catch {
    return {};
  }
}

export default defineConfig({
  resolve: { conditions: ["source"] },
  ssr: { resolve: { conditions: ["source"] } },
  test: {
    include: ["test/**/*.test.ts"],
    // Two cores; a third file is there for them while the others wait for databases.
    maxWorkers: 3,
    sequence: { sequencer: SlowestFirst },
    env: temporaryFiles(),
    testTimeout: 20_000,
    hookTimeout: 60_000,
    // `npm run coverage`: the core decides everything, so each of its branches is taken by some test.
    coverage: {
      provider: "v8",
      include: ["packages/engine/src/core/**/*.ts"],
      reporter: ["text"],
      thresholds: { branches: 100, functions: 100, lines: 100, statements: 100 },
    },
  },
});
