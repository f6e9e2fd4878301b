/**
 * Simulation: one whole life of a plan, drawn from a seed, in virtual time. Safety first: faults of every kind, crashes
 * between any two records, operators at any moment, each step judged as it is taken; the first broken rule ends the run.
 * Then liveness: the faults stop and the run must come to rest within bounded steps (I11).
 * Owns: what happens next. The run is `simulated-run.ts`, the judge `judge.ts`.
 */
import { InvariantError } from "../../core/assert.ts";
import type { Input, VerbInput } from "../../core/index.ts";
import { WAITING_POOL } from "../../plan/compiled.ts";
import type { Json, Plan } from "../../plan/document.ts";
import { nodeId } from "../../runtime/node-id.ts";
import { Judge } from "../judge/judge.ts";
import type { Rule } from "../judge/plan-model.ts";
import type { TraceEntry } from "../judge/trace.ts";
import { Draw } from "./draw.ts";
import { type CutOff, type CutOffShares, FaultDraw, type FaultShares } from "./faults.ts";
import { drawVerb, verbName } from "./operator-draw.ts";
import { headerOf, prepare } from "./prepared-plan.ts";
import type { SimulatedCall } from "./simulated-call.ts";
import { SimulatedLife, type SimulationResult } from "./simulated-life.ts";
import { SimulatedRun } from "./simulated-run.ts";
import { goodWord, type Word } from "./simulated-waits.ts";
import { type SimulatedWorld, WorldTeller } from "./simulated-world.ts";
import { checkSimulation } from "./simulation-options.ts";

export interface SimulationOptions {
  /** The whole story: same plan, same seed, same options, byte-identical records (R50). */
  readonly seed: number;
  /** Parameters of the run; the defaults of the plan's schema are filled in. */
  readonly params?: Readonly<Record<string, Json>>;
  /** Share of calls with each fault, 0..1. Default: 0.08 error, 0.03 of each other. */
  readonly faults?: FaultShares;
  /** How calls that a crash cut off go on (R42). Default: 0.2 are found done, 0.15 lost, the others made again. */
  readonly cutOff?: CutOffShares;
  /** Share of batches of records in, or after, which the process crashes and recovers. Default 0.02. */
  readonly crashes?: number;
  /** Share of steps at which an operator does something. Default 0.03. */
  readonly operators?: number;
  /** Attempts at once, of nodes without a pool. Default: 1 to 4, drawn. */
  readonly workers?: number;
  /** Attempts at once by name of a pool (R41). Default: each has as many as there are workers. */
  readonly pools?: Readonly<Record<string, number>>;
  /** What a node answers, by its snapshot's id, where conditions, inputs and lists read it. Default: drawn. */
  readonly outputs?: (nodeId: string) => Json | undefined;
  /** Steps with faults; then they stop. Default 40 per node. */
  readonly steps?: number;
  /** Steps without faults in which the run must come to rest (I11). Default: far more than any run needs. */
  readonly bound?: number;
  /**
   * Makes the outside world of one run: what the calls do to it, and what must hold of it whatever happens. What its `check`
   * finds is a violation of "I12". Called once per run, and again for the trace of a failing one.
   */
  readonly world?: () => SimulatedWorld;
}

/**
 * Runs the plan once. Throws INVALID_ARGUMENT for options that make no sense and PARAMS_INVALID for parameters, or lists over
 * them, that do not fit the plan; never for what the run does.
 */
export function simulate(plan: Plan, options: SimulationOptions): SimulationResult {
  checkSimulation(plan, options);
  return new Simulation(plan, options, false).play();
}

/** Share of steps at which time passes although an answer could come. */
const OVERTAKEN = 0.12;

/** Steps of the second phase: far more than what is left can need. */
const boundOf = (size: number): number => 1000 + 200 * size;

class Simulation {
  readonly #plan: Plan;
  readonly #options: SimulationOptions;
  readonly #draw: Draw;
  readonly #faults: FaultDraw;
  readonly #judge: Judge;
  readonly #run: SimulatedRun;
  readonly #world: SimulatedWorld | undefined;
  readonly #workers: number;
  readonly #crashShare: number;
  readonly #operatorShare: number;
  readonly #verbs: Record<string, number> = {};
  readonly #cutOff: Record<CutOff, number> = { again: 0, done: 0, lost: 0 };
  /** Answers that are delivered a second time, later. */
  readonly #copies: Answer[] = [];
  #faulty = true;
  #steps = 0;
  #crashes = 0;

  constructor(plan: Plan, options: SimulationOptions, record: boolean) {
    this.#plan = plan;
    this.#options = options;
    this.#draw = new Draw(options.seed);
    this.#faults = new FaultDraw(this.#draw, options.faults);
    this.#workers = options.workers ?? 1 + this.#draw.below(4);
    this.#crashShare = options.crashes ?? 0.02;
    this.#operatorShare = options.operators ?? 0.03;
    this.#judge = new Judge(plan.document, this.#limitOf);
    const prepared = prepare(plan, options.params ?? NO_PARAMS);
    const { program, limits } = prepared;
    const header = headerOf(plan, options.seed, prepared);
    this.#world = options.world?.();
    const world = this.#world === undefined ? undefined : new WorldTeller(this.#world, options.seed);
    const fate = (): string => this.#fate();
    const cutOff = (): CutOff => this.#drawCutOff();
    const outputOf = (node: number): Json | undefined => this.#outputOf(node);
    const judge = this.#judge;
    this.#run = new SimulatedRun({ header, program, limits, record, judge, fate, cutOff, outputOf, world });
    const { trace } = this.#run;
    if (record && world !== undefined)
      world.onEffect = ({ id, attempt, compensation }) =>
        trace.push({ kind: "effect", node: id, attempt, undo: compensation });
  }

  /** Slots of a pool; nodes that wait take none. */
  readonly #limitOf = (pool: string): number =>
    pool === WAITING_POOL ? Number.POSITIVE_INFINITY : (this.#options.pools?.[pool] ?? this.#workers);

  play(): SimulationResult {
    try {
      this.#play();
    } catch (error) {
      // The core's own assertions are violations like any other.
      if (!(error instanceof InvariantError)) throw error;
      this.#judge.report(ruleOf(error.message), `the core stopped: ${error.message}`);
    }
    return this.#result();
  }

  #play(): void {
    const run = this.#run;
    const { violations } = this.#judge;
    run.feed({ kind: "start", at: run.now });
    // Before that is durable there is no run (R39).
    this.#commit(1);
    const faultySteps = this.#options.steps ?? 40 * this.#plan.document.nodes.length;
    while (violations.length === 0 && this.#steps < faultySteps && this.#step()) this.#steps++;
    this.#faulty = false;
    const bound = this.#steps + (this.#options.bound ?? boundOf(run.state.size));
    while (violations.length === 0 && this.#isUnfinished() && this.#steps < bound && this.#step()) this.#steps++;
    if (violations.length > 0) return;
    if (this.#isUnfinished()) this.#judge.report("I11", `no rest after ${this.#steps} steps`);
    else this.#judge.ends();
  }

  /** It moves, or waits for a word that no fault explains. */
  #isUnfinished(): boolean {
    return !this.#run.atRest || this.#run.state.status === "PAUSED";
  }

  /** One thing happens; false when the run rests and nobody wants anything more of it. */
  #step(): boolean {
    const run = this.#run;
    run.dispatch(this.#limitOf);
    this.#commit();
    const goesOn = run.atRest ? this.#atRest() : this.#move();
    this.#commit();
    if (this.#world !== undefined) this.#look(this.#world);
    return goesOn;
  }

  /** What the world says of it. */
  #look(world: SimulatedWorld): void {
    const { state, atRest } = this.#run;
    const wrong = world.check({ status: state.status, atRest, asked: this.#judge.story.verbs });
    if (wrong !== undefined) this.#judge.report("I12", wrong);
  }

  #atRest(): boolean {
    if (!this.#faulty) return this.#resume();
    // What was given up still acts on the world, and answers to nobody (R25).
    const leftover = this.#run.calls.find((call) => this.#mayAnswer(call));
    if (leftover !== undefined && this.#draw.chance(0.5)) {
      this.#answer(leftover);
      return true;
    }
    if (this.#copies.length > 0 && this.#draw.chance(0.5)) return this.#deliverCopy();
    return this.#operatorShare > 0 && this.#draw.chance(0.85) && this.#operate(true);
  }

  /** Mostly one thing, sometimes a few in one batch. */
  #move(): boolean {
    const run = this.#run;
    if (this.#faulty && this.#draw.chance(this.#operatorShare) && this.#operate(false)) return true;
    if (this.#faulty && this.#copies.length > 0 && this.#draw.chance(0.3)) return this.#deliverCopy();
    if (!this.#happen()) return this.#resume() || this.#speak();
    while (this.#faulty && this.#draw.chance(0.15) && !run.atRest && this.#happen());
    return true;
  }

  /** A call answers or a deadline passes; false when neither can. */
  #happen(): boolean {
    const run = this.#run;
    let answerable = 0;
    for (const call of run.calls) if (this.#mayAnswer(call)) answerable++;
    const due = run.nextDue();
    // Answers are mostly in time: a plan of many steps with timeouts would never get to its end otherwise.
    const overtaken = due !== undefined && (answerable === 0 || (this.#faulty && this.#draw.chance(OVERTAKEN)));
    if (overtaken) run.passTo(due);
    if (overtaken || answerable === 0) return overtaken;
    let choice = this.#draw.below(answerable);
    const call = run.calls.find((one) => this.#mayAnswer(one) && choice-- === 0);
    this.#answer(call as SimulatedCall);
    return true;
  }

  #resume(): boolean {
    if (this.#run.state.status !== "PAUSED") return false;
    this.#run.feed({ kind: "resume", at: this.#run.now });
    return true;
  }

  /** Nothing moves but by a word: somebody says it. */
  #speak(): boolean {
    const run = this.#run;
    const waiting = run.calls.find((call) => isWordAwaited(call) && !call.aborted);
    if (waiting === undefined) return false;
    if (this.#operatorShare > 0 && waiting.wait?.for === "approval" && this.#draw.chance(REJECTED)) {
      this.#say({ verb: { kind: "reject", at: run.now, node: waiting.node }, payload: OPERATOR });
    } else this.#say(goodWord(run, waiting.node, run.now));
    return true;
  }

  #say({ verb, payload }: Word): void {
    const name = verbName(verb);
    this.#verbs[name] = (this.#verbs[name] ?? 0) + 1;
    this.#run.feed(verb, payload);
  }

  /** The batch becomes durable, or the process dies in it, with at least so many records kept, or right after. */
  #commit(least = 0): void {
    const run = this.#run;
    if (!this.#faulty || !this.#draw.chance(this.#crashShare)) {
      run.commit();
      return;
    }
    this.#crashes++;
    const kept = least + this.#draw.below(run.batch + 2 - least);
    // The second copy of an answer dies with the process: it may be that the first never counted.
    this.#copies.length = 0;
    if (kept > run.batch) run.commit();
    run.crash(Math.min(kept, run.batch));
  }

  #fate(): string {
    return this.#faulty ? this.#faults.next() : "ok";
  }

  #drawCutOff(): CutOff {
    const { done = 0.2, lost = 0.15 } = this.#options.cutOff ?? {};
    const drawn = this.#draw.next();
    const how = drawn < done ? "done" : drawn < done + lost ? "lost" : "again";
    this.#cutOff[how] += 1;
    return how;
  }

  #mayAnswer(call: SimulatedCall): boolean {
    if (call.wait !== undefined) return call.aborted || (!this.#faulty && isWordAwaited(call));
    // Once the faults are over, even what hung answers: liveness must not depend on an operator.
    if (!this.#faulty) return true;
    switch (call.fate) {
      case "hang":
        return call.aborted;
      case "timeout":
        return call.aborted || !this.#run.deadlines.has(call.node, call.undo ? "compensation" : "attempt");
      case "late":
        return call.over;
      default:
        return call.fate !== "deaf";
    }
  }

  /** What the caller says that it answers; else a list to expand over, drawn. */
  #outputOf(node: number): Json | undefined {
    const { outputs } = this.#options;
    if (outputs === undefined) return { output: OUTPUTS[this.#draw.below(OUTPUTS.length)] as Json };
    const output = outputs(nodeId(this.#run, node));
    return output === undefined ? undefined : { output };
  }

  #answer(call: SimulatedCall): void {
    const { node, attempt, undo, fate } = call;
    const at = this.#run.now;
    if (call.wait !== undefined && !call.aborted) {
      this.#say(goodWord(this.#run, node, at));
      return;
    }
    const failed = fate === "error" || fate === "fatal" || fate === "reply-lost" || call.aborted;
    const ok = fate === "late" || !failed;
    const answer: Answer = ok
      ? {
          input: { kind: undo ? "undone" : "succeeded", at, node, attempt },
          payload: undo ? undefined : this.#outputOf(node),
        }
      : failureOf(call, at);
    this.#run.answer(call, answer.input, answer.payload);
    if (fate === "duplicate") this.#copies.push(answer);
  }

  #deliverCopy(): boolean {
    const { input, payload } = this.#copies.splice(this.#draw.below(this.#copies.length), 1)[0] as Answer;
    this.#run.answerAgain({ ...input, at: this.#run.now }, payload);
    return true;
  }

  /** An operator's verb that makes sense now, if there is one. */
  #operate(resting: boolean): boolean {
    const verb: VerbInput | undefined = drawVerb(this.#run.state, this.#run.now, this.#draw, resting);
    if (verb === undefined) return false;
    const isGood = verb.kind === "approve" || verb.kind === "signal";
    this.#say(isGood ? goodWord(this.#run, verb.node, verb.at) : { verb, payload: OPERATOR });
    return true;
  }

  #result(): SimulationResult {
    const plan = this.#plan;
    const options = this.#options;
    const counted = {
      seed: options.seed,
      steps: this.#steps,
      crashes: this.#crashes,
      cutOff: this.#cutOff,
      faults: this.#faults.counts,
      verbs: this.#verbs,
      violations: this.#judge.violations,
    };
    return new SimulatedLife(counted, this.#run, () => traceOf(plan, options));
  }

  /** Plays, and answers what was kept. */
  record(): readonly TraceEntry[] {
    this.play();
    return this.#run.trace;
  }
}

function traceOf(plan: Plan, options: SimulationOptions): readonly TraceEntry[] {
  return new Simulation(plan, options, true).record();
}

/** It waits for people, or for a message. */
function isWordAwaited({ wait, over }: SimulatedCall): boolean {
  return wait !== undefined && wait.for !== "time" && !over;
}

interface Answer {
  readonly input: Extract<Input, { kind: "succeeded" | "failed" | "undone" | "undo-failed" }>;
  readonly payload: Json | undefined;
}

/** Of the times that nothing moves but by an approval, so often it is a rejection that comes. */
const REJECTED = 0.2;
const OPERATOR: Json = { who: "operator" };
const NO_PARAMS: Readonly<Record<string, Json>> = {};
const OUTPUTS: readonly Json[] = [{ items: ["x", "y"] }, { items: ["y"] }, { items: [] }];
const FAILURE = { code: "SIMULATED", message: "a simulated failure" };
const FAILURES: readonly Json[] = [true, false].map((retryable) => ({ error: { ...FAILURE, retryable } }));

function failureOf({ node, attempt, undo, fate }: SimulatedCall, at: number): Answer {
  const retryable = fate !== "fatal";
  return {
    input: { kind: undo ? "undo-failed" : "failed", at, node, attempt, retryable },
    payload: FAILURES[retryable ? 0 : 1] as Json,
  };
}

/** "R51: node 3 may not go ..." is about R51. */
function ruleOf(message: string): Rule {
  return (/^[RI]\d+/.exec(message)?.[0] ?? "I11") as Rule;
}
