/** The way back over random scenarios: reverse compensation, barriers, resumption, cancel (R30-R37). */
import type { RunSnapshot } from "@belay/engine";
import { scenario } from "@belay/engine/testing";
import fc from "fast-check";
import { expect, test } from "vitest";
import { type Played, play } from "./play.ts";

const RUNS = { numRuns: 250 };

/** Plays to the first rest, with the document told to wait for an operator. */
async function playToFailure(given: Played["scenario"]): Promise<{ played: Played; snapshot: RunSnapshot }> {
  const played = await play({ ...given, document: { ...given.document, onFailure: "pause" } });
  return { played, snapshot: await played.rest() };
}

test("R30-R33: a plain rollback undoes all in reverse, or is refused and touches nothing", {
  timeout: 120_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(scenario(fc), async (given) => {
      const { played, snapshot } = await playToFailure(given);
      fc.pre(snapshot.status === "FAILED");
      const calls = played.rig.contexts.length;
      if (snapshot.prohibitRollback) {
        await expect(played.run.rollback()).rejects.toMatchObject({ code: "ROLLBACK_PROHIBITED" });
        expect(played.run.snapshot()).toEqual(snapshot);
        expect(played.rig.contexts).toHaveLength(calls);
      } else {
        await played.run.rollback();
        const after = await played.rest("all");
        expect(["ROLLED_BACK", "ROLLBACK_FAILED"]).toContain(after.status);
        expect(after.status === "ROLLBACK_FAILED").toBe(
          after.nodes.some((node) => node.status === "COMPENSATION_FAILED"),
        );
      }
      await played.end();
    }),
    RUNS,
  );
});

test("R34: a rollback to the barrier is never refused, and stops at the barrier", { timeout: 120_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(scenario(fc), async (given) => {
      const { played, snapshot } = await playToFailure(given);
      fc.pre(snapshot.status === "FAILED");
      await played.run.rollback({ to: "barrier" });
      const after = await played.rest("barrier");
      if (after.status !== "ROLLBACK_FAILED") {
        expect(after.status).toBe(snapshot.prohibitRollback ? "PARTIALLY_ROLLED_BACK" : "ROLLED_BACK");
      }
      await played.end();
    }),
    RUNS,
  );
});

test("R32: rollback again resumes without repeating, until it is done", { timeout: 120_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(scenario(fc, { prohibiting: false, maxNodes: 8 }), async (given) => {
      const { played, snapshot } = await playToFailure(given);
      fc.pre(snapshot.status === "FAILED");
      await played.run.rollback();
      let after = await played.rest("all");
      for (let round = 0; after.status === "ROLLBACK_FAILED"; round++) {
        expect(round).toBeLessThan(20);
        for (const node of round < 2 ? [] : after.nodes) played.rig.rescript(node.id, { undo: "ok" });
        await played.run.rollback();
        after = await played.rest("all");
      }
      expect(after.status).toBe("ROLLED_BACK");
      await played.end();
    }),
    RUNS,
  );
});

test("R34: down to the barrier and forward again, over and over, keeps every rule", { timeout: 120_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(scenario(fc, { maxNodes: 8 }), async (given) => {
      const { played, snapshot } = await playToFailure(given);
      let now = snapshot;
      for (let round = 0; round < 3 && now.status === "FAILED" && now.prohibitRollback; round++) {
        await played.run.rollback({ to: "barrier" });
        now = await played.rest("barrier");
        if (now.status !== "PARTIALLY_ROLLED_BACK") break;
        await played.run.retry();
        now = await played.rest();
      }
      await played.end();
    }),
    RUNS,
  );
});

test("R37: a run canceled at any moment comes to rest and can be undone to the barrier", {
  timeout: 120_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(scenario(fc), fc.nat(15), async (given, steps) => {
      const played = await play({ ...given, document: { ...given.document, onFailure: "pause" } });
      await played.step(steps);
      if (played.run.snapshot().status === "RUNNING") await played.run.cancel();
      const canceled = await played.rest();
      if (canceled.status === "CANCELED" || canceled.status === "FAILED") {
        await played.run.rollback({ to: "barrier" });
        await played.rest("barrier");
      }
      await played.end();
    }),
    RUNS,
  );
});
