/**
 * Starts that start nothing: a plan and its parameters go through every check of a start, up to the point at which the run would be
 * written. Owns: an engine whose journal takes no run, so that nothing of it can ever move. Does not own: what the plan's own reading
 * steps say (`precheck.ts`), who may start what.
 */
import { randomUUID } from "node:crypto";
import {
  BelayError,
  createEngine,
  type Engine,
  type EngineOptions,
  type Json,
  MemoryJournal,
  type Plan,
} from "@belay/engine";
import type { CreateResult, RunHeader } from "@belay/engine/journal";

/** Refuses every run, and remembers which locks it would have taken. */
class NoRuns extends MemoryJournal {
  readonly locks = new Map<string, readonly string[]>();

  override create(_engine: string, { runId }: RunHeader, locks: readonly string[]): CreateResult {
    this.locks.set(runId, locks);
    return { kind: "locked", resource: "", heldBy: "" };
  }
}

/** See the head of this file. */
export class DryStarts {
  readonly #engine: Engine;
  readonly #journal: NoRuns;

  private constructor(engine: Engine, journal: NoRuns) {
    this.#engine = engine;
    this.#journal = journal;
  }

  /** `options` are those of the engine that really starts runs, but for its journal. */
  static async open(options: Omit<EngineOptions, "journal">): Promise<DryStarts> {
    const journal = new NoRuns();
    return new DryStarts(await createEngine({ ...options, journal, recover: false }), journal);
  }

  /**
   * The resources that such a run would lock. Fails with PARAMS_INVALID, PLAN_INVALID, UNKNOWN_ACTION, INVALID_ARGUMENT as the start
   * would.
   */
  async locksOf(plan: Plan, params: Readonly<Record<string, Json>>): Promise<readonly string[]> {
    const runId = randomUUID();
    try {
      await this.#engine.start(plan, { runId, params });
    } catch (error) {
      if (!(error instanceof BelayError) || error.code !== "LOCKED") throw error;
    }
    const locks = this.#journal.locks.get(runId) ?? [];
    this.#journal.locks.delete(runId);
    return locks;
  }

  async close(): Promise<void> {
    await this.#engine.close();
  }
}
