/**
 * A run through the core alone in which chosen nodes fail for good, and its rollback. Owns: who answers next, drawn from a
 * seed, and the record of what started when. Calls answer in any order, so that what holds does not hang on one.
 * Cost: linear in nodes and edges, for graphs of any size and depth.
 */
import { Commands, createState, demand, Op, type RunState, step, undoAttemptOf, WHOLE_RUN } from "@belay/engine/core";
import { compilePlan } from "../../packages/engine/src/plan/compile.ts";
import type { Plan } from "../../packages/engine/src/plan/document.ts";
import { DEFAULT_LIMITS } from "../../packages/engine/src/plan/limits.ts";
import { Draw } from "../../packages/engine/src/testing/simulation/draw.ts";

export interface FailingOptions {
  /** Places of the nodes that fail. */
  readonly failing: ReadonlySet<number>;
  readonly seed: number;
  /** Default: no limit. */
  readonly workers?: number;
}

/** Places of nodes, in the order of things. */
export interface ForwardRecord {
  readonly started: readonly number[];
  /** How many had started when the first failure was told; all, when none was. */
  readonly startedBeforeFailure: number;
  readonly status: string;
}

export interface RollbackRecord {
  /** By place: when its compensation was called and when it had answered, counted in steps; absent = never called. */
  readonly called: ReadonlyMap<number, number>;
  readonly answered: ReadonlyMap<number, number>;
  /** Calls in all: more than `called` has if one was called twice. */
  readonly calls: number;
  readonly status: string;
}

export class FailingRun {
  readonly #state: RunState;
  readonly #options: FailingOptions;
  readonly #draw: Draw;
  readonly #commands = new Commands();
  /** Calls in flight, by place: forward ones or compensations. */
  readonly #calls: number[] = [];
  readonly #started: number[] = [];
  #startedBeforeFailure = -1;
  readonly #called = new Map<number, number>();
  readonly #answered = new Map<number, number>();
  #undoCalls = 0;
  #steps = 0;

  constructor(plan: Plan, options: FailingOptions) {
    const program = compilePlan(plan, {}, DEFAULT_LIMITS);
    this.#state = createState(program.compiled, { graceMs: 1000, seed: options.seed });
    this.#options = options;
    this.#draw = new Draw(options.seed);
  }

  /** Runs until it rests. */
  forward(): ForwardRecord {
    this.#feed({ kind: "start", at: 0 });
    this.#playOut((node) => {
      const attempt = this.#state.attempt[node] as number;
      if (this.#options.failing.has(node)) this.#feed({ kind: "failed", at: 0, node, attempt, retryable: true });
      else this.#feed({ kind: "succeeded", at: 0, node, attempt });
    });
    const started = this.#started;
    const before = this.#startedBeforeFailure;
    return { started, startedBeforeFailure: before < 0 ? started.length : before, status: this.#state.status };
  }

  /** Rolls back, after `forward`. */
  rollback(scope: "all" | "barrier" = "all"): RollbackRecord {
    this.#feed({ kind: "rollback", at: 0, scope, node: WHOLE_RUN });
    this.#playOut((node) => {
      this.#answered.set(node, this.#steps);
      this.#feed({ kind: "undone", at: 0, node, attempt: undoAttemptOf(this.#state, node) });
    });
    return {
      called: this.#called,
      answered: this.#answered,
      calls: this.#undoCalls,
      status: this.#state.status,
    };
  }

  #playOut(answer: (node: number) => void): void {
    for (;;) {
      this.#dispatch();
      const call = this.#takeCall();
      if (call === undefined) return;
      answer(call);
    }
  }

  #dispatch(): void {
    const { workers = Number.POSITIVE_INFINITY } = this.#options;
    const count = Math.min(workers - (this.#state.active[0] as number), demand(this.#state, 0));
    if (count > 0) this.#feed({ kind: "grant", at: 0, pool: 0, count });
  }

  /** Any call; the last one takes its place. */
  #takeCall(): number | undefined {
    const place = this.#draw.below(this.#calls.length);
    const call = this.#calls[place];
    const last = this.#calls.pop();
    if (call !== undefined && place < this.#calls.length) this.#calls[place] = last as number;
    return call;
  }

  #feed(input: Parameters<typeof step>[1]): void {
    this.#steps++;
    const commands = this.#commands;
    step(this.#state, input, commands);
    for (let row = 0; row < commands.length; row++)
      this.#carryOut(commands.op[row] as number, commands.node[row] as number);
    commands.clear();
  }

  #carryOut(op: number, node: number): void {
    if (op === Op.RUN) {
      this.#started.push(node);
      this.#calls.push(node);
    } else if (op === Op.COMPENSATE) {
      this.#called.set(node, this.#steps);
      this.#undoCalls++;
      this.#calls.push(node);
    } else if (op === Op.FAILED && this.#startedBeforeFailure < 0) {
      this.#startedBeforeFailure = this.#started.length;
    }
  }
}
