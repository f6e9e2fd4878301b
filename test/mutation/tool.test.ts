/** The mutation tool itself: it notices what it must, lets an equivalent mutant live, and its page speaks of code that exists. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Board, installBoard } from "../../scripts/mutation/board.ts";
import { readExplanations } from "../../scripts/mutation/explained.ts";
import type { Instrumented, Mutant } from "../../scripts/mutation/instrument.ts";
import { instrumentedCore, ROOT } from "../../scripts/mutation/sandbox.ts";

const core = instrumentedCore();
const mutants: readonly Mutant[] = [...core.values()].flatMap((file) => file.mutants);

type RetryDelay = typeof import("../../packages/engine/src/core/retry.ts").retryDelayMs;

describe("the copy of a file and its switches", () => {
  const folder = mkdtempSync(join(tmpdir(), "belay-mutation-test-"));
  let board: Board;
  let retryDelayMs: RetryDelay;

  beforeAll(async () => {
    const path = join(folder, "retry.ts");
    writeFileSync(path, (core.get("retry.ts") as Instrumented).text);
    board = installBoard(mutants.length);
    ({ retryDelayMs } = (await import(pathToFileURL(path).href)) as { retryDelayMs: RetryDelay });
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** Whether the first waits are the ones that R25 asks for: doubled, and no more than the most. */
  function isBackoff(): boolean {
    const policy = {
      maxAttempts: 9,
      initialIntervalMs: 100,
      backoffCoefficient: 2,
      maxIntervalMs: 300,
      fullJitter: false,
    };
    return [1, 2, 3].map((used) => retryDelayMs(policy, used, [1, 2, used])).join(" ") === "100 200 300";
  }

  function withMutant(original: string, mutated: string): boolean {
    const found = mutants.filter(
      (one) => one.file === "retry.ts" && one.original === original && one.mutated === mutated,
    );
    expect(found.map(({ scope }) => scope)).toEqual(["retryDelayMs"]);
    board.active = (found[0] as Mutant).id;
    try {
      return isBackoff();
    } finally {
      board.active = -1;
    }
  }

  test("R25: without a mistake the copy does what the original does", () => {
    expect(isBackoff()).toBe(true);
    expect(board.takeReached().length).toBeGreaterThan(0);
  });

  test.each([
    ["used - 1", "used + 1"],
    ["Math.min(policy.maxIntervalMs, grown)", "Math.max(policy.maxIntervalMs, grown)"],
    ["policy.initialIntervalMs === 0", "true"],
    ["policy.fullJitter", "true"],
  ])("R25: %s -> %s is noticed", (original, mutated) => {
    expect(withMutant(original, mutated)).toBe(false);
  });

  test("R25: a mistake that changes none of these waits is not noticed", () => {
    expect(withMutant("policy.initialIntervalMs === 0", "false")).toBe(true);
  });
});

describe("docs/mutation.md", () => {
  const page = readFileSync(join(ROOT, "docs/mutation.md"), "utf8");

  test("each survivor that is explained is a mistake that can be made in the present core", () => {
    expect(readExplanations(page).stale(mutants)).toEqual([]);
  });

  test("an entry that names other code is noticed", () => {
    const entry = "- `retry.ts` `retryDelayMs` `used - 2` -> `used + 2`: no such code.";
    expect(readExplanations(entry).stale(mutants)).toEqual([
      "docs/mutation.md:1: no survivor is retry.ts | retryDelayMs | used - 2 | used + 2",
    ]);
  });

  test("no explanation is without a reason", () => {
    const entries = page.split("\n").filter((line) => /^- `([a-z-]+\.ts|\*)` /.test(line));
    expect(entries.length).toBeGreaterThan(0);
    for (const entry of entries) expect(entry).toMatch(/`: [a-z`].{15,}\.$/);
  });
});
