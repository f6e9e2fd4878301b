/**
 * Simulation: one whole life of a plan, drawn from a seed, in virtual time. Answers, failures, hangs, late and lost
 * answers, ignored aborts, crashes between two records and operators at any moment; then the faults stop and the run
 * must come to rest (liveness, I11). Owns: what happens next. The judge is `trace-check.ts`.
 */
import { refusalOf, type VerbInput, WHOLE_RUN } from "../core/index.ts";
import { BelayError } from "../errors.ts";
import type { RunHeader } from "../journal/port.ts";
import { compilePlan } from "../plan/compile.ts";
import type { Json, Plan } from "../plan/document.ts";
import { bindItems } from "../plan/expand.ts";
import { resolveLimits } from "../plan/limits.ts";
import type { RunSnapshot } from "../runtime/api.ts";
import { nodeId } from "../runtime/node-id.ts";
import { snapshotOf } from "../runtime/snapshot.ts";
import type { RollbackScope } from "./check-rollback.ts";
import { Draw } from "./draw.ts";
import type { Violation } from "./plan-model.ts";
import { type SimulatedCall, SimulatedRun } from "./simulated-run.ts";
import type { TraceEntry } from "./trace.ts";
import { checkTrace } from "./trace-check.ts";

/** What can go wrong with one call. */
export type Fault =
  /** It fails; another attempt may help. */
  | "error"
  /** It fails for good. */
  | "fatal"
  /** It never answers by itself; it lets go when aborted. */
  | "hang"
  /** It takes effect and its answer is lost: a failure to the engine. */
  | "reply-lost"
  /** It ignores its signal and answers, with success, once its attempt is over. */
  | "late"
  /** It ignores its signal and never lets go. */
  | "deaf";

export interface SimulationOptions {
  /** The whole story: same plan, same seed, same options, byte-identical records (R50). */
  readonly seed: number;
  /** Parameters of the run. */
  readonly params?: Readonly<Record<string, Json>>;
  /** Share of calls with each fault, 0..1. Default: 0.08 error, 0.03 of each other. */
  readonly faults?: Partial<Readonly<Record<Fault, number>>>;
  /** Share of steps after which the process crashes and recovers. Default 0.02. */
  readonly crashes?: number;
  /** Share of steps at which an operator does something. Default 0.03. */
  readonly operators?: number;
  /** Attempts at once. Default: 1 to 4, drawn. */
  readonly workers?: number;
  /** Steps with faults; then they stop. Default 40 per node. */
  readonly steps?: number;
}

export interface SimulationResult {
  readonly seed: number;
  readonly snapshot: RunSnapshot;
  /** Steps taken. */
  readonly steps: number;
  readonly crashes: number;
  /** Canonical text of all records, one per line. */
  readonly journal: string;
  readonly trace: readonly TraceEntry[];
  /** Empty = every rule held. */
  readonly violations: readonly Violation[];
}

const DEFAULT_FAULTS: Readonly<Record<Fault, number>> = {
  error: 0.08,
  fatal: 0.03,
  hang: 0.03,
  "reply-lost": 0.03,
  late: 0.03,
  deaf: 0.03,
};

/** Runs the plan once. Fails with PARAMS_INVALID when a group's list cannot be bound; never for what the run does. */
export function simulate(plan: Plan, options: SimulationOptions): SimulationResult {
  return new Simulation(plan, options).play();
}

class Simulation {
  readonly #plan: Plan;
  readonly #options: SimulationOptions;
  readonly #draw: Draw;
  readonly #run: SimulatedRun;
  readonly #workers: number;
  readonly #violations: Violation[] = [];
  readonly #skippedRollbacks: string[] = [];
  #scope: RollbackScope | undefined;
  #faulty = true;
  #steps = 0;
  #crashes = 0;

  constructor(plan: Plan, options: SimulationOptions) {
    this.#plan = plan;
    this.#options = options;
    this.#draw = new Draw(options.seed);
    this.#workers = options.workers ?? 1 + this.#draw.below(4);
    const limits = resolveLimits();
    const header = headerOf(plan, options);
    const bound = bindItems(plan, header.params, limits);
    if (bound.diagnostics.length > 0) {
      throw new BelayError("PARAMS_INVALID", bound.diagnostics.map(({ message }) => message).join("; "), { ...bound });
    }
    const program = compilePlan(plan, bound.items, limits);
    this.#run = new SimulatedRun({ header: { ...header, items: bound.items }, program, limits }, (call) =>
      this.#fate(call),
    );
  }

  play(): SimulationResult {
    const run = this.#run;
    const faultySteps = this.#options.steps ?? 40 * this.#plan.document.nodes.length;
    run.feed({ kind: "start", at: run.now });
    while (this.#steps < faultySteps && this.#step()) this.#steps++;
    this.#faulty = false;
    const bound = this.#steps + 1000 + 200 * run.state.size;
    while (!run.atRest && this.#steps < bound && this.#step()) this.#steps++;
    if (!run.atRest) this.#violations.push({ rule: "I11", message: `I11: no rest after ${this.#steps} steps` });
    return this.#result();
  }

  /** One thing happens; false when the run rests and nobody wants anything more of it. */
  #step(): boolean {
    const run = this.#run;
    const { crashes = 0.02, operators = 0.03 } = this.#options;
    run.dispatch(this.#workers);
    if (this.#faulty && this.#draw.chance(crashes)) {
      this.#crashes++;
      run.crash();
    }
    if (run.atRest) return this.#faulty && operators > 0 && this.#draw.chance(0.7) && this.#operate(true);
    if (this.#faulty && this.#draw.chance(operators) && this.#operate(false)) return true;
    const answerable = [...run.calls].filter((call) => this.#mayAnswer(call));
    const deadline = run.nextDeadline();
    const choice = this.#draw.below(answerable.length + (deadline === undefined ? 0 : 1));
    const call = answerable[choice];
    if (call !== undefined) this.#answer(call);
    else if (deadline !== undefined) run.passDeadline(deadline);
    else return this.#unpause();
    return true;
  }

  #unpause(): boolean {
    if (this.#run.state.status !== "PAUSED") return false;
    this.#run.feed({ kind: "resume", at: this.#run.now });
    return true;
  }

  #fate(_call: SimulatedCall): string {
    if (!this.#faulty) return "ok";
    let draw = this.#draw.next();
    for (const [fault, share] of Object.entries({ ...DEFAULT_FAULTS, ...this.#options.faults })) {
      draw -= share;
      if (draw < 0) return fault;
    }
    return "ok";
  }

  #mayAnswer(call: SimulatedCall): boolean {
    // Once the faults are over, even what hung answers: liveness must not depend on an operator.
    if (!this.#faulty) return true;
    if (call.fate === "hang") return call.aborted;
    if (call.fate === "late") return call.over;
    return call.fate !== "deaf";
  }

  #answer(call: SimulatedCall): void {
    const { fate } = call;
    const failed = fate === "error" || fate === "fatal" || fate === "hang" || fate === "reply-lost";
    const output = { items: ["x", "y"].slice(this.#draw.below(3)) };
    this.#run.answer(call, !failed, fate !== "fatal", output);
  }

  /** An operator's verb that makes sense now, if there is one. */
  #operate(resting: boolean): boolean {
    const input = this.#draw.of(this.#verbs(resting).filter((verb) => refusalOf(this.#run.state, verb) === undefined));
    if (input === undefined) return false;
    if (input.kind === "rollback") this.#scope = input.scope === "node" ? undefined : input.scope;
    if (input.kind === "skip-rollback") this.#skippedRollbacks.push(nodeId(this.#run, input.node));
    this.#run.feed(input, { who: "operator" });
    return true;
  }

  #verbs(resting: boolean): VerbInput[] {
    const at = this.#run.now;
    const node = this.#draw.below(this.#run.state.size);
    const one: VerbInput[] = [
      { kind: "skip", at, node },
      { kind: "retry", at, node },
    ];
    if (!resting) return [...one, { kind: "cancel", at, node }, { kind: "pause", at }, { kind: "resume", at }];
    return [
      ...one,
      { kind: "retry", at, node: WHOLE_RUN },
      { kind: "rollback", at, scope: "all", node: WHOLE_RUN },
      { kind: "rollback", at, scope: "barrier", node: WHOLE_RUN },
      { kind: "skip-rollback", at, node },
      { kind: "resume", at },
    ];
  }

  #result(): SimulationResult {
    const run = this.#run;
    const snapshot = snapshotOf(run);
    const judged = checkTrace({
      document: this.#plan.document,
      trace: run.trace,
      ...(run.atRest ? { snapshot } : {}),
      ...(this.#scope === undefined ? {} : { scope: this.#scope }),
      skippedRollbacks: this.#skippedRollbacks,
      serial: this.#workers === 1,
    });
    return {
      seed: this.#options.seed,
      snapshot,
      steps: this.#steps,
      crashes: this.#crashes,
      journal: run.journal(),
      trace: run.trace,
      violations: [...this.#violations, ...judged],
    };
  }
}

function headerOf(plan: Plan, options: SimulationOptions): RunHeader {
  return {
    runId: `simulated-${options.seed}`,
    format: 1,
    document: plan.document,
    planHash: plan.hash,
    params: options.params ?? {},
    items: {},
    seed: options.seed,
    graceMs: 5000,
    clientToken: null,
    requestHash: "",
    at: 1_735_689_600_000,
  };
}
