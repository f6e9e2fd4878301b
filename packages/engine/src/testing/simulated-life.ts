/**
 * What came of a simulation. Owns: that snapshot, journal and trace are made when asked for. A class, because getters of an
 * object literal are kept with its hidden class, and with them the whole life, until the next full collection of garbage.
 */
import type { RunSnapshot } from "../runtime/api.ts";
import { snapshotOf } from "../runtime/snapshot.ts";
import type { SimulationResult } from "./simulate.ts";
import type { SimulatedRun } from "./simulated-run.ts";
import type { TraceEntry } from "./trace.ts";

/** What is known at once. */
type Counted = Omit<SimulationResult, "snapshot" | "journal" | "trace">;

export class SimulatedLife implements SimulationResult {
  readonly seed: SimulationResult["seed"];
  readonly steps: SimulationResult["steps"];
  readonly crashes: SimulationResult["crashes"];
  readonly cutOff: SimulationResult["cutOff"];
  readonly faults: SimulationResult["faults"];
  readonly verbs: SimulationResult["verbs"];
  readonly violations: SimulationResult["violations"];
  readonly #run: SimulatedRun;
  readonly #play: () => readonly TraceEntry[];
  #trace: readonly TraceEntry[] | undefined;

  /** `play` plays the run once more, and answers its trace. */
  constructor(counted: Counted, run: SimulatedRun, play: () => readonly TraceEntry[]) {
    this.seed = counted.seed;
    this.steps = counted.steps;
    this.crashes = counted.crashes;
    this.cutOff = counted.cutOff;
    this.faults = counted.faults;
    this.verbs = counted.verbs;
    this.violations = counted.violations;
    this.#run = run;
    this.#play = play;
  }

  get snapshot(): RunSnapshot {
    return snapshotOf(this.#run);
  }

  get journal(): string {
    return this.#run.journal();
  }

  get trace(): readonly TraceEntry[] {
    this.#trace ??= this.#play();
    return this.#trace;
  }
}
