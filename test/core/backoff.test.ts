/** R25, R50: how long a node waits between two attempts, to the millisecond. */
import { describe, expect, test } from "vitest";
import { CoreRun, node, plan, undoable } from "./core-run.ts";

/** Waits of the only node of a run, attempt by attempt. */
function waits(retry: object, seed = 1, attempts = 4): number[] {
  const run = new CoreRun(plan([node("a", [], { retry: { maxAttempts: attempts + 1, ...retry } })]), {}, seed);
  run.start();
  return Array.from({ length: attempts }, () => {
    run.grant();
    const told = run.fail("a").find((line) => line.startsWith("RETRYING")) ?? "";
    run.due("backoff", "a");
    return Number(told.split("+")[1]);
  });
}

describe("R25: backoff", () => {
  test("R25: the first wait is the initial interval, each further one grows by the coefficient, up to the longest", () => {
    expect(waits({ initialInterval: 2, backoffCoefficient: 3, maxInterval: 20 })).toEqual([2000, 6000, 18_000, 20_000]);
    expect(waits({ initialInterval: 2, backoffCoefficient: 1 })).toEqual([2000, 2000, 2000, 2000]);
  });

  test("R25: a wait is a whole number of milliseconds, the nearest one", () => {
    expect(waits({ initialInterval: 0.0015, backoffCoefficient: 1.5 }, 1, 3)).toEqual([2, 3, 5]);
  });

  test("R25: an initial interval of 0 never waits, whatever the coefficient", () => {
    expect(waits({ initialInterval: 0, backoffCoefficient: 100 }, 1, 200)).toEqual(Array(200).fill(0));
  });

  test("R50: a drawn wait never changes: runs that are replayed by a later version wait as they did", () => {
    const jitter = { initialInterval: 100, backoffCoefficient: 2, jitter: "full" };
    expect(waits(jitter, 1)).toEqual([57_332, 113_052, 104_599, 299_455]);
    expect(waits(jitter, 2)).toEqual([6478, 54_985, 211_482, 580_955]);
    expect(waits(jitter, 4_000_000_000)).toEqual([23_657, 189_556, 253_038, 332_565]);
  });
});

describe("R32: backoff of compensations", () => {
  test("R50: a compensation draws waits of its own, and they never change either", () => {
    const retry = { maxAttempts: 4, initialInterval: 100, jitter: "full" } as const;
    const run = new CoreRun(plan([node("b"), undoable("a", [], { compensation: { action: "undo", retry } })]));
    run.start();
    run.grant();
    run.ok("b");
    run.fail("a");
    run.verb({ kind: "rollback", scope: "all" });
    const told = Array.from({ length: 3 }, () => {
      run.grant();
      const [line] = run.fail("a");
      run.due("compensation-backoff", "a");
      return line;
    });
    expect(told).toEqual(["UNDO_RETRYING a #1 +86820", "UNDO_RETRYING a #2 +193992", "UNDO_RETRYING a #3 +186378"]);
  });
});
