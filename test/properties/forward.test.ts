/** The way forward over random scenarios: order, attempts, groups, failures, retries (R10-R25), each trace judged whole. */
import { scenario } from "@belay/engine/testing";
import fc from "fast-check";
import { expect, test } from "vitest";
import { play } from "./play.ts";

const RUNS = { numRuns: 200 };

test("R10, R15: without failures every node ends SUCCESSFUL or SKIPPED, whatever the order of completions", {
  timeout: 60_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(
      scenario(fc, { failures: false, triggers: false, hanging: false, dynamic: false, maxNodes: 30 }),
      async (given) => {
        const played = await play(given);
        const snapshot = await played.rest();
        expect(snapshot.status).toBe("SUCCESSFUL");
        expect(snapshot.nodes.filter((node) => node.status !== "SUCCESSFUL" && node.skipReason === null)).toEqual([]);
        await played.end();
      },
    ),
    RUNS,
  );
});

test("R10-R15, R20-R25, R30-R34, I11: any scenario comes to rest and its trace keeps every rule", {
  timeout: 120_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(scenario(fc), async (given) => {
      const played = await play(given);
      await played.rest();
      await played.end();
    }),
    { numRuns: 400 },
  );
});

test("R11: one attempt at a time, R11 alone decides which node starts", { timeout: 60_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(scenario(fc, { maxNodes: 20, hanging: false }), async (given) => {
      const played = await play(given, { serial: true });
      await played.rest();
      await played.end();
    }),
    RUNS,
  );
});

test("R14: with failureMode continue every node whose upstreams all ended well has run or was skipped", {
  timeout: 60_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(scenario(fc, { triggers: false, groups: false, conditions: false }), async (given) => {
      const played = await play({
        ...given,
        document: { ...given.document, failureMode: "continue", onFailure: "pause" },
      });
      const snapshot = await played.rest();
      const status = new Map(snapshot.nodes.map((node) => [node.id, node]));
      for (const node of snapshot.nodes.filter((entry) => entry.status === "PENDING")) {
        const above = node.upstreams.map((id) => status.get(id));
        expect(
          above.some(
            (upstream) =>
              upstream?.status === "PENDING" ||
              upstream?.status === "COMPENSATION_FAILED" ||
              (upstream?.status === "FAILED" && !upstream.tolerated),
          ),
        ).toBe(true);
      }
      await played.end();
    }),
    RUNS,
  );
});

test("R37: retrying until nothing fails ends every run that can end, and each retry keeps every rule", {
  timeout: 120_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(scenario(fc, { hanging: false, dynamic: false, maxNodes: 8 }), async (given) => {
      const played = await play({ ...given, document: { ...given.document, onFailure: "pause" } });
      let snapshot = await played.rest();
      for (let round = 0; snapshot.status === "FAILED"; round++) {
        expect(round).toBeLessThan(60);
        // After a few rounds the world is repaired: from then on everything succeeds.
        if (round === 3) for (const node of snapshot.nodes) played.rig.rescript(node.id, "ok");
        if (round === 3) for (const node of given.document.nodes) played.rig.rescript(node.id, "ok");
        await played.run.retry();
        snapshot = await played.rest();
      }
      expect(snapshot.status).toBe("SUCCESSFUL");
      await played.end();
    }),
    RUNS,
  );
});
