import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Files that take longest, by the end of their path: they come first, so that none of them is alone at the end. */
const SLOWEST = [
  "failover.e2e.test.ts",
  "failure.e2e.test.ts",
  "crash/kill.test.ts",
  "demo-left.test.ts",
  "demo-postgres.test.ts",
  "demo-kill.test.ts",
  "journal/damage.test.ts",
  "refusals.e2e.test.ts",
  "embedded.test.ts",
  "every-point.test.ts",
  "properties/simulation.test.ts",
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

export default defineConfig({
  resolve: { conditions: ["source"] },
  ssr: { resolve: { conditions: ["source"] } },
  test: {
    include: ["test/**/*.test.ts"],
    // Two cores: live database tests share them with the rest.
    maxWorkers: 2,
    sequence: { sequencer: SlowestFirst },
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
