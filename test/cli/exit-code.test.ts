/** Exit codes: one per status, all of them listed. */
import type { RunStatus } from "@belay/engine";
import { describe, expect, test } from "vitest";
import { exitCodeOf } from "../../packages/cli/src/exit-code.ts";

const CODES: Readonly<Record<RunStatus, number>> = {
  SUCCESSFUL: 0,
  FAILED: 1,
  PAUSED: 1,
  CANCELED: 1,
  ABANDONED: 1,
  RUNNING: 1,
  ROLLING_BACK: 1,
  ROLLED_BACK: 3,
  PARTIALLY_ROLLED_BACK: 3,
  ROLLBACK_FAILED: 4,
};

describe("the exit code tells how a run ended", () => {
  test.each(Object.entries(CODES))("a run that rests in %s exits with %i", (status, code) => {
    expect(exitCodeOf(status as RunStatus)).toBe(code);
  });
});
