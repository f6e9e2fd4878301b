/**
 * Plays a scenario on a fresh engine: held actions, a manual clock, and choices that decide what happens next.
 * Owns: the one place where properties make an engine, and how a played scenario is judged.
 */
import { createEngine, definePlan, type Engine, MemoryJournal, type Run, type RunSnapshot } from "@belay/engine";
import type { Scenario } from "@belay/engine/testing";
import {
  type ActionRig,
  actionRig,
  assertTrace,
  driveRun,
  driveSteps,
  finishLeftovers,
  ManualClock,
  type RollbackScope,
  settleTurns,
} from "@belay/engine/testing";

export interface Played {
  readonly scenario: Scenario;
  readonly engine: Engine;
  readonly run: Run;
  readonly rig: ActionRig;
  readonly clock: ManualClock;
  readonly journal: MemoryJournal;
  /** Drives the run until it rests, and judges everything that happened so far. */
  rest(scope?: RollbackScope): Promise<RunSnapshot>;
  /** Makes so many choices, fewer when the run rests before. */
  step(steps: number): Promise<void>;
  /** Ends what still hangs and closes the engine; the run must not have moved. */
  end(): Promise<void>;
}

export interface PlayOptions {
  /** One attempt at a time: R11 alone decides. */
  readonly serial?: boolean;
  readonly seed?: number;
  /** The journal keeps records. Default true. */
  readonly records?: boolean;
}

/** Starts the scenario; `rest` plays it. */
export async function play(
  scenario: Scenario,
  { serial = false, seed = 1, records = true }: PlayOptions = {},
): Promise<Played> {
  const clock = new ManualClock();
  const rig = actionRig(scenario.scripts, { held: true });
  const journal = new MemoryJournal({ records });
  const engine = await createEngine({ actions: rig.actions, clock, journal, ...(serial ? { concurrency: 1 } : {}) });
  const run = await engine.start(definePlan(scenario.document), { params: scenario.params, runId: "run", seed });
  rig.watch(run);
  return {
    scenario,
    engine,
    run,
    rig,
    clock,
    journal,
    async rest(scope) {
      const snapshot = await driveRun(run, { rig, clock }, scenario.choices);
      assertTrace({
        document: scenario.document,
        trace: rig.trace,
        snapshot,
        serial,
        ...(scope === undefined ? {} : { scope }),
      });
      return snapshot;
    },
    async step(steps) {
      await driveSteps(run, { rig, clock }, scenario.choices, steps);
    },
    async end() {
      const before = JSON.stringify(run.snapshot());
      await finishLeftovers({ rig, clock });
      await settleTurns();
      if (JSON.stringify(run.snapshot()) !== before) throw new Error("R25: a late answer changed a run at rest");
      await engine.close();
    },
  };
}
