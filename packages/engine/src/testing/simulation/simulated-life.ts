/**
 * What came of a simulation. Owns: that snapshot, journal and trace are made when asked for. A class, because getters of an
 * object literal are kept with its hidden class, and with them the whole life, until the next full collection of garbage.
 */
import type { RunSnapshot } from "../../runtime/api.ts";
import { snapshotOf } from "../../runtime/snapshot.ts";
import type { Violation } from "../judge/plan-model.ts";
import type { TraceEntry } from "../judge/trace.ts";
import type { CutOff, Fault } from "./faults.ts";
import type { SimulatedRun } from "./simulated-run.ts";

export interface SimulationResult {
  readonly seed: number;
  /** Steps taken. */
  readonly steps: number;
  readonly crashes: number;
  /** Calls that a crash cut off, by how they went on (R42). */
  readonly cutOff: Readonly<Record<CutOff, number>>;
  /** Calls that had each fault. */
  readonly faults: Readonly<Record<Fault, number>>;
  /** Operators' verbs by name: "retry", "cancel run", "rollback node", ... */
  readonly verbs: Readonly<Record<string, number>>;
  /** Empty = every rule held. Otherwise what the last step broke: nothing was done after it. */
  readonly violations: readonly Violation[];
  /** The run as it stood in the end. Made when asked for. */
  readonly snapshot: RunSnapshot;
  /** Canonical text of all records, one per line. Made when asked for. */
  readonly journal: string;
  /** All that happened, up to and with the first violation. Made when asked for, by playing the run once more. */
  readonly trace: readonly TraceEntry[];
}

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
