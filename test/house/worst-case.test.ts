/** How long a plan takes at worst, as the pages of plans say it. */
import type { PlanDocument } from "@belay/engine";
import { describe, expect, test } from "vitest";
import { formatSeconds, worstCase } from "../../scripts/worst-case.ts";

const GRACE = 5;
const document = (nodes: PlanDocument["nodes"], more: Partial<PlanDocument> = {}): PlanDocument => ({
  belay: 1,
  name: "plan",
  nodes,
  ...more,
});

describe("the worst case of a plan", () => {
  test("is its slowest path, not the sum of all, whatever the order in the file", () => {
    const worst = worstCase(
      document([
        { id: "end", action: "a", upstreams: ["long", "short"], timeout: 1 },
        { id: "long", action: "a", upstreams: ["start"], timeout: 50 },
        { id: "short", action: "a", upstreams: ["start"], timeout: 5 },
        { id: "start", action: "a", timeout: 10 },
      ]),
    );
    expect(worst).toMatchObject({ forwardSeconds: 61 + 3 * GRACE, undoSeconds: 0, path: ["start", "long", "end"] });
    expect([...worst.until]).toEqual([
      ["start", 10 + GRACE],
      ["long", 60 + 2 * GRACE],
      ["short", 15 + 2 * GRACE],
      ["end", 61 + 3 * GRACE],
    ]);
  });

  test("R26: counts every attempt with its grace, and the pauses between them, up to the total timeout", () => {
    const retry = { maxAttempts: 4, initialInterval: 2, maxInterval: 5 };
    expect(worstCase(document([{ id: "a", action: "a", timeout: 10, retry }])).forwardSeconds).toBe(
      4 * (10 + GRACE) + 2 + 4 + 5,
    );
    expect(worstCase(document([{ id: "a", action: "a", timeout: 10, retry, totalTimeout: 30 }])).forwardSeconds).toBe(
      30 + GRACE,
    );
    const defaults = { timeout: 7, retry: { maxAttempts: 2 } };
    expect(worstCase(document([{ id: "a", action: "a" }], { defaults })).forwardSeconds).toBe(2 * (7 + GRACE) + 1);
  });

  test("of a step without a timeout has no limit, and is said so", () => {
    const nodes: PlanDocument["nodes"] = [
      { id: "a", action: "a" },
      { id: "a", action: "a", timeout: 0 },
      { id: "a", action: "a", timeout: 0, totalTimeout: 0 },
    ];
    for (const node of nodes) expect(formatSeconds(worstCase(document([node])).forwardSeconds)).toBe("no limit");
    const compensation = { action: "b", timeout: 0 };
    expect(worstCase(document([{ id: "a", action: "a", timeout: 1, compensation }])).undoSeconds).toBe(
      Number.POSITIVE_INFINITY,
    );
  });

  test("counts what undoing takes, and one member of a group whose members follow each other", () => {
    const compensation = { action: "b", timeout: 20, retry: { maxAttempts: 2, initialInterval: 3 } };
    const worst = worstCase(
      document([
        { id: "a", action: "a", timeout: 10, compensation },
        { id: "b", action: "a", upstreams: ["a"], timeout: 10, split: { over: "params.list", method: "SERIAL" } },
        { id: "c", action: "a", upstreams: ["b"], timeout: 10, split: { over: "params.list", method: "PARALLEL" } },
      ]),
    );
    expect(worst).toMatchObject({
      forwardSeconds: 30 + 3 * GRACE,
      undoSeconds: 2 * (20 + GRACE) + 3,
      perMember: ["b"],
    });
  });

  test("is written as people say it", () => {
    expect([0, 59, 60, 95, 3600, 3725].map(formatSeconds)).toEqual([
      "0 s",
      "59 s",
      "1 min",
      "1 min 35 s",
      "1 h",
      "1 h 2 min 5 s",
    ]);
  });
});
