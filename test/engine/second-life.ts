/**
 * Runs that survive their process: a stage whose journal outlives it. Owns: the crash, which leaves the records and
 * nothing else, and the next process on the same records and the same time of day.
 */
import { type ActionRegistry, MemoryJournal, type Run, type RunSnapshot } from "@belay/engine";
import { ManualClock, type RigOptions, type Scripts, settleTurns } from "@belay/engine/testing";
import { type Stage, type StageOptions, stage } from "./stage.ts";

export interface Life extends Stage {
  readonly journal: MemoryJournal;
  /**
   * The process dies, with the first `records` records of its runs durable (default: all), `afterMs` pass, and another
   * process opens the journal.
   */
  crash(next?: NextLife): Promise<Life>;
  /** The run of that id, default "r", at rest. */
  settled(id?: string): Promise<RunSnapshot>;
  /** The run of that id, default "r". */
  run(id?: string): Run;
}

export interface NextLife extends RigOptions {
  readonly scripts?: Scripts;
  readonly afterMs?: number;
  readonly records?: number;
  readonly extra?: ActionRegistry;
  /** Of a first life. Default: a new one. */
  readonly journal?: MemoryJournal;
  readonly engine?: StageOptions["engine"];
}

/** A first life; what `crash` says replaces what is said here. */
export async function life(first: NextLife = {}): Promise<Life> {
  return await begin(first, first.journal ?? new MemoryJournal(), new ManualClock());
}

async function begin(options: NextLife, journal: MemoryJournal, clock: ManualClock): Promise<Life> {
  const s = await stage(options.scripts, { ...options, clock, engine: { ...options.engine, journal } });
  const run = (id = "r"): Run => {
    const found = s.engine.run(id);
    if (found === undefined) throw new Error(`no run ${id}; refused: ${JSON.stringify(s.engine.refused())}`);
    return found;
  };
  for (const known of s.engine.runs()) s.rig.watch(known);
  await settleTurns();
  return {
    ...s,
    journal,
    run,
    settled: (id) => s.rest(run(id)),
    async crash(next = {}) {
      const left = journal.afterCrash(next.records);
      const time = new ManualClock(clock.now() + (next.afterMs ?? 0));
      return await begin({ ...options, ...next }, left, time);
    },
  };
}
