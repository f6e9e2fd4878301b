/** Secrets: nothing that leaves the engine shows one, and runs that need one survive a crash (R46). */
import {
  createEngine,
  type Engine,
  type EngineOptions,
  MemoryJournal,
  type Run,
  type RunSnapshot,
} from "@belay/engine";
import { ManualClock, settleTurns } from "@belay/engine/testing";
import { describe, expect, test } from "vitest";
import { operate, type SecretActions, secretActions } from "./secret-actions.ts";
import { INNER, PARAMS, PLAN, SECRETS } from "./secret-run.ts";
import { Watch, watchedJournal } from "./secret-watch.ts";
import { nodeOf, statuses } from "./stage.ts";

const KEY = Buffer.alloc(32, 7);

interface SecretLife extends SecretActions {
  readonly engine: Engine;
  readonly journal: MemoryJournal;
}

async function begin(watch: Watch, journal: MemoryJournal, options: Partial<EngineOptions> = {}): Promise<SecretLife> {
  const actions = secretActions();
  const engine = await createEngine({
    actions: actions.registry,
    plans: { inner: INNER },
    clock: new ManualClock(),
    journal: watchedJournal(watch, journal),
    secrets: { key: KEY },
    onRefusedRun: ({ error }) => watch.take("refused", error),
    ...options,
  });
  return { ...actions, engine, journal };
}

async function toItsEnd(run: Run): Promise<RunSnapshot> {
  await operate(run);
  return await run.settled();
}

describe("R46: a run that is full of secrets", () => {
  test("R46: nothing that leaves the engine shows one, in any form", async () => {
    const watch = new Watch();
    const { engine, wrong, calls } = await begin(watch, new MemoryJournal());
    const run = await engine.start(PLAN, { runId: "r", seed: 1, params: PARAMS });
    watch.watch(run, PLAN);
    const failed = await toItsEnd(run);
    expect(statuses(failed)).toMatchObject({
      use: "SUCCESSFUL",
      sub: "SUCCESSFUL",
      last: "FAILED",
      rejected: "FAILED",
    });
    watch.see((engine.run("r/sub/1") as Run).snapshot(), INNER);
    await run.rollback({ why: `${PARAMS.password} leaked` });
    expect((await run.settled()).status).toBe("ROLLBACK_FAILED");
    await run.rollback();
    expect((await run.settled()).status).toBe("ROLLED_BACK");
    expect(wrong).toEqual([]);
    expect(calls).toEqual(expect.arrayContaining(["disconnect", "logout", "ask", "tell", "break", "last"]));
    await engine.close();
    expect(watch.texts.length).toBeGreaterThan(200);
    expect(watch.leaks(SECRETS).slice(0, 5)).toEqual([]);
    expect(nodeOf(failed, "login").output).toEqual({ token: "[secret]", expires: 60 });
    expect(nodeOf(failed, "mint").output).toBe("[secret]");
  });

  test("R42, R46: after a crash anywhere the actions get the same values again, and nothing shows them", async () => {
    const watch = new Watch();
    const first = await begin(watch, new MemoryJournal());
    const whole = await first.engine.start(PLAN, { runId: "r", seed: 1, params: PARAMS });
    const length = (): number => first.journal.read("r")?.records.length as number;
    let innerFrom = 0;
    whole.on("node:started", ({ nodeId }) => {
      if (nodeId === "sub") innerFrom = length();
    });
    await toItsEnd(whole);
    const records = length();
    expect(records).toBeGreaterThan(30);
    for (let kept = 1; kept < records; kept++) {
      const left = first.journal.afterCrash(kept);
      // Before its node was dispatched there was no run inside.
      if (kept < innerFrom) left.remove("r/sub/1");
      const { engine, wrong } = await begin(watch, left);
      const run = engine.run("r");
      if (run === undefined) throw new Error(`after ${kept} records: ${JSON.stringify(engine.refused())}`);
      await settleTurns();
      const ended = await toItsEnd(run);
      expect(nodeOf(ended, "last").status, `after ${kept} records`).toBe("FAILED");
      expect(wrong, `after ${kept} records`).toEqual([]);
      watch.see(ended, PLAN);
      await run.rollback();
      await run.settled();
      await run.rollback();
      expect((await run.settled()).status, `after ${kept} records`).toBe("ROLLED_BACK");
      expect(wrong, `after ${kept} records`).toEqual([]);
      expect(watch.leaks(SECRETS).slice(0, 3), `after ${kept} records`).toEqual([]);
      await engine.close();
    }
    expect(watch.leaks(SECRETS).slice(0, 5)).toEqual([]);
    await first.engine.close();
  }, 60_000);
});
