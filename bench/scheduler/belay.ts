/**
 * Belay as a contender, through its public API alone. Owns: the engine, the plan with each feature, when the clock of a run
 * begins and ends: from `start` having resolved until the event `run:succeeded`. Not until `settled()`, which resolves with a
 * snapshot of every node. Building is `definePlan`; a run's own building is `engine.start`, which compiles a plan that is new.
 *
 * Invariants: one engine for all measured runs of a process; every run is forgotten after its round.
 */
import {
  type ActionRegistry,
  createEngine,
  definePlan,
  type Engine,
  type Limits,
  MemoryJournal,
  type Plan,
  type PlanDocument,
  type Run,
  type RunEventName,
} from "@belay/engine";
import type { NodeExtras } from "../shapes.ts";
import type { Contender, Sample } from "./contender.ts";
import type { Handlers } from "./handlers.ts";
import { type Case, documentOf, paramsOf } from "./workload.ts";

/** Beyond every graph that is measured. */
export const LIMITS: Partial<Limits> = { nodes: 10_000_000, edges: 50_000_000, members: 10_000_000, bytes: 2 ** 32 };

/** What a plan or a run has beside the plain one. */
export interface Feature {
  /** What each node of the plan says. */
  readonly extras?: NodeExtras;
  /** Events with a listener that counts them. */
  readonly listensTo?: readonly RunEventName[];
  /** Records are kept in memory. Default: no journal keeps any. */
  readonly journal?: "memory";
}

/**
 * The journal of a run: in memory, or one that keeps no records. `MemoryJournal` took no options once, and ignores them then:
 * `journalRecords` among the facts of an untimed round says how many records there were.
 */
export function journalOf({ journal }: Feature = {}): MemoryJournal {
  const Journal = MemoryJournal as unknown as new (options?: { readonly records: boolean }) => MemoryJournal;
  return journal === "memory" ? new Journal() : new Journal({ records: false });
}

/** An engine under the workload's limit. */
export async function newEngine(actions: ActionRegistry, { workload }: Case, journal: MemoryJournal): Promise<Engine> {
  const { concurrency } = workload;
  const limit = concurrency === Number.POSITIVE_INFINITY ? {} : { concurrency };
  return await createEngine({ actions, limits: LIMITS, journal, ...limit });
}

/** Resolves when the run has ended well; fails when it came to rest otherwise. */
export function succeeded(run: Run): Promise<void> {
  return new Promise((resolve, reject) => {
    run.once("run:succeeded", () => resolve());
    run.once("run:failed", () => reject(new Error("the run failed")));
    run.once("run:fault", ({ message }) => reject(new Error(message)));
  });
}

/** Belay with a feature; the plain one has none. */
export function openBelay(feature: Feature = {}): (given: Case) => Contender {
  return (given) => new BelayContender(given, feature);
}

interface OwnEngine {
  readonly engine: Engine;
  readonly journal: MemoryJournal;
}

class BelayContender implements Contender {
  readonly #given: Case;
  readonly #feature: Feature;
  readonly #params: Record<string, number[]>;
  readonly #heard = new Uint32Array(1);
  /** By what they call: checked and measured rounds have an engine each. */
  readonly #engines = new Map<Handlers, OwnEngine>();
  #document: PlanDocument | undefined;
  #plan: Plan | undefined;
  #run: Run | undefined;
  #last: OwnEngine | undefined;
  #facts: Sample = {};

  constructor(given: Case, feature: Feature) {
    this.#given = given;
    this.#feature = feature;
    this.#params = paramsOf(given);
  }

  prepare(): void {
    this.#plan = undefined;
    this.#document = documentOf(this.#given, this.#feature.extras);
  }

  build(): void {
    this.#plan = definePlan(this.#document as PlanDocument, { limits: LIMITS });
    this.#document = undefined;
  }

  async start(handlers: Handlers): Promise<void> {
    const own = this.#engines.get(handlers) ?? (await this.#open(handlers));
    this.#last = own;
    const run = await own.engine.start(this.#plan as Plan, { params: this.#params });
    for (const name of this.#feature.listensTo ?? []) run.on(name, () => this.#heard[0]!++);
    this.#run = run;
  }

  run(): Promise<void> {
    return succeeded(this.#run as Run);
  }

  async end(): Promise<void> {
    const { engine, journal } = this.#last as OwnEngine;
    const { id } = this.#run as Run;
    this.#checkHeard();
    if (this.#facts["journalRecords"] === undefined) {
      this.#facts = { journalRecords: journal.list().find(({ runId }) => runId === id)?.records ?? 0 };
    }
    engine.forget(id);
    this.#run = undefined;
  }

  facts(): Sample {
    return this.#facts;
  }

  /** Every event of each kind came, of kinds that come once a node. */
  #checkHeard(): void {
    const expected =
      (this.#feature.listensTo ?? []).filter((name) => name !== "node:skipped").length * this.#given.size;
    const heard = this.#heard[0];
    this.#heard[0] = 0;
    if (heard !== expected) throw new Error(`${heard} events were heard of ${expected}`);
  }

  async #open(handlers: Handlers): Promise<OwnEngine> {
    const journal = journalOf(this.#feature);
    const own = { journal, engine: await newEngine({ noop: handlers.byContext }, this.#given, journal) };
    this.#engines.set(handlers, own);
    return own;
  }
}
