/**
 * Who started which run. The journal's list does not say, its headers do; a header never changes, so that each is read once. Owns: what is
 * remembered, and how much of it.
 */
import type { Engine } from "@belay/engine";
import type { Journal } from "@belay/engine/journal";

/** Runs whose starter is remembered; beyond it the ones that were asked for first are forgotten. */
const MOST = 50_000;

/** See the head of this file. */
export class Starters {
  readonly #engine: Engine;
  readonly #journal: Pick<Journal, "read">;
  readonly #known = new Map<string, string | null>();

  constructor(engine: Engine, journal: Pick<Journal, "read">) {
    this.#engine = engine;
    this.#journal = journal;
  }

  /** `RunSnapshot.startedBy` of a run; null also when there is no such run. */
  async of(runId: string): Promise<string | null> {
    const known = this.#known.get(runId);
    if (known !== undefined) return known;
    const run = this.#engine.run(runId);
    const who = run === undefined ? await this.#read(runId) : run.snapshot().startedBy;
    if (who === undefined) return null;
    this.#known.set(runId, who);
    if (this.#known.size > MOST) this.#known.delete(this.#known.keys().next().value as string);
    return who;
  }

  async #read(runId: string): Promise<string | null | undefined> {
    const stored = await this.#journal.read(runId);
    return stored === undefined ? undefined : (stored.header.startedBy?.who ?? null);
  }
}
