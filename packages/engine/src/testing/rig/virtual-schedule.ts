/**
 * A plan played to its end on virtual time, nothing failing: what would it take with so many workers? Owns: the durations,
 * the workers, the time. Does not own: what runs and in which order, which the core and the plan's expressions decide,
 * the same code as in an engine (R10, R11, R50).
 *
 * V1: everything that ends at one moment ends before anything starts at it, so that R11 chooses among all that is READY.
 * V2 (R41): no worker is left idle while a node is READY.
 * Cost: linear in nodes and edges, but for the queues of READY and of running nodes, which cost the logarithm of their
 * length. No recursion, no timers, no promises: a chain of 100 000 nodes takes a second.
 */
import { Commands, createState, demand, type Input, kindOf, Op, type RunState, step } from "../../core/index.ts";
import { assert, BelayError } from "../../errors.ts";
import type { RunHeader } from "../../journal/port.ts";
import { type CompiledProgram, compilePlan } from "../../plan/compile.ts";
import type { Json, Plan } from "../../plan/document.ts";
import { bindItems } from "../../plan/expand.ts";
import { type Limits, resolveLimits } from "../../plan/limits.ts";
import { checkParams } from "../../plan/params.ts";
import { absorb } from "../../runtime/absorb.ts";
import type { RunFacts } from "../../runtime/facts.ts";
import { nodeId } from "../../runtime/node-id.ts";
import { evaluateNode } from "../../runtime/scope.ts";
import { RunValues } from "../../runtime/values.ts";
import { Agenda } from "./agenda.ts";

/** What a schedule is made for. */
export interface ScheduleOptions {
  /**
   * Milliseconds that a node takes, 0 or more, whole or not. `nodeId` is the snapshot's: a member's is `group[idx]`.
   * `timeoutMs` is what one attempt may take, the plan's defaults applied, Infinity when it has no timeout: a function
   * that answers it gives the time of the slowest run in which every first attempt succeeds.
   */
  readonly durations: (nodeId: string, timeoutMs: number) => number;
  /** Attempts at once of nodes without a pool, as `createEngine({ concurrency })`. Default: no limit. */
  readonly workers?: number;
  /** Attempts at once by pool (R41). Default: no limit for those that are not named. */
  readonly pools?: Readonly<Record<string, number>>;
  /** Parameters of the run; defaults of the plan's `params` are filled in. Default none. */
  readonly params?: Readonly<Record<string, Json>>;
  /** What a node answers, where conditions and lists read it. Default: no output. */
  readonly outputs?: (nodeId: string) => Json | undefined;
  /** As for `createEngine` (R4). */
  readonly limits?: Partial<Limits>;
}

/** One attempt. */
export interface ScheduledStart {
  /** The snapshot's id: a member's is `group[idx]`. */
  readonly node: string;
  /** Milliseconds since the start of the run. */
  readonly startMs: number;
  readonly endMs: number;
  /** The lowest number, from 0, of a worker that was free. */
  readonly worker: number;
}

/** How a plan runs when nothing fails. */
export interface Schedule {
  /** Milliseconds from the start to the end of the run. */
  readonly makespanMs: number;
  /** In the order in which they start. What is skipped is not here. */
  readonly starts: readonly ScheduledStart[];
  /** Most attempts at once. */
  readonly maxParallel: number;
  /** Nodes and members that are READY before anything has started. */
  readonly readyAtStart: number;
  /**
   * Ids of what started together, wave by wave, each in the order of R11. A new wave begins whenever something ended;
   * without a limit and with equal durations the k-th one is the k-th level of the graph.
   */
  readonly waves: readonly (readonly string[])[];
}

/**
 * Plays the plan through the core. The plan's own `timeout` is not applied: compare it with `makespanMs`.
 *
 * Throws PARAMS_INVALID when the parameters or the lists over them do not fit, and INVALID_ARGUMENT for a duration that is
 * negative, not a finite number, or longer than the node's timeouts let it be, for a limit that is no whole number from 1
 * on, and when a condition or a list of the plan cannot be evaluated, mostly for want of `outputs`.
 */
export function scheduleOf(plan: Plan, options: ScheduleOptions): Schedule {
  checkLimit("workers", options.workers);
  for (const [name, limit] of Object.entries(options.pools ?? {})) checkLimit(`pools.${name}`, limit);
  return new VirtualRun(plan, options).play();
}

class VirtualRun implements RunFacts {
  readonly header: RunHeader;
  readonly program: CompiledProgram;
  readonly limits: Limits;
  readonly values: RunValues;
  readonly state: RunState;
  readonly restedAt: null = null;
  readonly fault: null = null;
  nextSeries: number;
  readonly #options: ScheduleOptions;
  readonly #commands = new Commands();
  readonly #workers = new FreeWorkers();
  /** What runs, by the time at which it ends. */
  readonly #running = new Agenda();
  readonly #starts: ScheduledStart[] = [];
  /** By node number. */
  readonly #startOf: ScheduledStart[];
  #nowMs = 0;

  constructor(plan: Plan, options: ScheduleOptions) {
    this.#options = options;
    this.limits = resolveLimits(options.limits);
    const checked = checkParams(plan.document.params, options.params ?? {}, this.limits);
    refuse(checked.diagnostics);
    const params = checked.params as Readonly<Record<string, Json>>;
    const { items, diagnostics } = bindItems(plan, params, this.limits);
    refuse(diagnostics);
    this.header = headerOf(plan, params, items);
    this.program = compilePlan(plan, items, this.limits);
    this.nextSeries = this.program.nextSeries;
    this.values = new RunValues(0, this.program.compiled.size);
    for (const [id, list] of Object.entries(items)) this.values.items.set(this.program.indexOf(id), list);
    // As long as it will be from the start: written in any order, it stays an array and becomes no table.
    this.#startOf = new Array(this.program.compiled.size);
    this.state = createState(this.program.compiled, { graceMs: 0, seed: 0 });
  }

  play(): Schedule {
    this.#feed({ kind: "start", at: 0 });
    const readyAtStart = this.state.queued;
    const waves: string[][] = [];
    let maxParallel = 0;
    for (;;) {
      const from = this.#starts.length;
      this.#dispatch();
      if (this.#starts.length > from) waves.push(this.#starts.slice(from).map(({ node }) => node));
      maxParallel = Math.max(maxParallel, this.#running.size);
      if (this.#running.size === 0) break;
      this.#goOn();
    }
    assert(this.state.status === "SUCCESSFUL", "R15: a run in which nothing fails ends SUCCESSFUL");
    return { makespanMs: this.#nowMs, starts: this.#starts, maxParallel, readyAtStart, waves };
  }

  /** Gives every pool the slots it has left. */
  #dispatch(): void {
    const { pools } = this.program.compiled;
    const { workers, pools: limits = {} } = this.#options;
    for (const [pool, name] of pools.entries()) {
      const named = Object.hasOwn(limits, name) ? limits[name] : undefined;
      const limit = (pool === 0 ? workers : named) ?? Number.POSITIVE_INFINITY;
      const count = Math.min(limit - (this.state.active[pool] as number), demand(this.state, pool));
      if (count > 0) this.#feed({ kind: "grant", at: this.#nowMs, pool, count });
    }
  }

  /** Time goes on to the next end; all that ends then ends. */
  #goOn(): void {
    const first = this.#running.pop();
    this.#nowMs = this.#startOfNode(first).endMs;
    this.#end(first);
    while (this.#running.size > 0) {
      const node = this.#running.pop();
      const { endMs } = this.#startOfNode(node);
      if (endMs !== this.#nowMs) {
        this.#running.push(endMs, node);
        return;
      }
      this.#end(node);
    }
  }

  #startOfNode(node: number): ScheduledStart {
    return this.#startOf[node] as ScheduledStart;
  }

  #end(node: number): void {
    this.#workers.giveBack(this.#startOfNode(node).worker);
    const output = this.#options.outputs?.(nodeId(this, node));
    const attempt = this.state.attempt[node] as number;
    this.#feed({ kind: "succeeded", at: this.#nowMs, node, attempt }, output === undefined ? undefined : { output });
  }

  /** One input, and the evaluations that it asks for. */
  #feed(input: Input, payload?: Json): void {
    const asked = [...this.#step(input, payload)];
    for (let place = 0; place < asked.length; place++) {
      const { resolved, payload: found } = evaluateNode(this, asked[place] as number, this.#nowMs);
      if (resolved.verdict === "fail") this.#refuseExpression(resolved.node, found);
      for (const node of this.#step(resolved, found)) asked.push(node);
    }
  }

  /** Answers the nodes that wait for an evaluation. */
  #step(input: Input, payload: Json | undefined): readonly number[] {
    const commands = this.#commands;
    step(this.state, input, commands);
    const asked = absorb(this, commands, 0, payload);
    for (let row = 0; row < commands.length; row++) {
      if (commands.op[row] === Op.RUN) this.#start(commands.node[row] as number);
    }
    commands.clear();
    return asked;
  }

  #start(node: number): void {
    const id = nodeId(this, node);
    const endMs = this.#nowMs + this.#durationOf(node, id);
    const start = { node: id, startMs: this.#nowMs, endMs, worker: this.#workers.take() };
    this.#startOf[node] = start;
    this.#starts.push(start);
    this.#running.push(endMs, node);
  }

  #durationOf(node: number, id: string): number {
    const { timeoutMs, totalTimeoutMs } = this.program.compiled.kinds;
    const kind = kindOf(this.state, node);
    // 0 means none.
    const mostMs = Math.min(...[timeoutMs[kind], totalTimeoutMs[kind]].map((ms) => ms || Number.POSITIVE_INFINITY));
    const duration = this.#options.durations(id, mostMs);
    if (!(Number.isFinite(duration) && duration >= 0)) {
      throw invalid(`the duration of "${id}" must be a finite number of milliseconds from 0 on, not ${duration}`);
    }
    if (duration > mostMs) throw invalid(`"${id}" cannot take ${duration} ms: its timeout ends it after ${mostMs} ms`);
    return duration;
  }

  #refuseExpression(node: number, payload: Json | undefined): never {
    const { error } = payload as { readonly error: { readonly message: string } };
    throw invalid(`"${nodeId(this, node)}" cannot be decided: ${error.message}; see the option outputs`);
  }
}

/** Worker numbers: the lowest free one is taken first. */
class FreeWorkers {
  readonly #free = new Agenda();
  #next = 0;

  take(): number {
    return this.#free.size > 0 ? this.#free.pop() : this.#next++;
  }

  giveBack(worker: number): void {
    this.#free.push(worker, worker);
  }
}

function checkLimit(name: string, limit: number | undefined): void {
  if (limit === undefined || limit === Number.POSITIVE_INFINITY || (Number.isSafeInteger(limit) && limit >= 1)) return;
  throw invalid(`${name} must be a whole number from 1 on, not ${limit}`);
}

function refuse(diagnostics: readonly { readonly severity: string; readonly message: string }[]): void {
  const errors = diagnostics.filter(({ severity }) => severity === "error");
  if (errors.length === 0) return;
  throw new BelayError("PARAMS_INVALID", errors.map(({ message }) => message).join("; "), { diagnostics: errors });
}

function invalid(message: string): BelayError {
  return new BelayError("INVALID_ARGUMENT", `scheduleOf: ${message}`);
}

function headerOf(plan: Plan, params: RunHeader["params"], items: RunHeader["items"]): RunHeader {
  return {
    runId: "virtual",
    format: 1,
    document: plan.document,
    planHash: plan.hash,
    params,
    items,
    seed: 0,
    graceMs: 0,
    clientToken: null,
    requestHash: "",
    at: 0,
    parent: null,
  };
}
