import { defineConfig } from "vitest/config";

export default defineConfig({
  resolve: { conditions: ["source"] },
  ssr: { resolve: { conditions: ["source"] } },
  test: {
    include: ["test/**/*.test.ts"],
    // Two cores: live database tests share them with the rest.
    maxWorkers: 2,
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
