/**
 * The pure core as a subject of model tests: inputs by hand, no engine, no clock, no promises. Owns: numbers to ids, the
 * calls and deadlines that the core's commands leave in flight, and what is observed of it, in the model's words.
 */
import { definePlan } from "@belay/engine";
import {
  Commands,
  createState,
  DEADLINES,
  type DeadlineKind,
  demand,
  expandedGroup,
  groupOf,
  type Input,
  NODE_STATUSES,
  Op,
  parallelIdxOf,
  type RunState,
  refusalOf,
  step,
  undoAttemptOf,
  type VerbInput,
  WHOLE_RUN,
} from "@belay/engine/core";
import type { Answer, Call, ReferenceVerb, Scenario } from "@belay/engine/testing";
import { type CompiledProgram, compilePlan } from "../../packages/engine/src/plan/compile.ts";
import { bindItems } from "../../packages/engine/src/plan/expand.ts";
import { resolveLimits } from "../../packages/engine/src/plan/limits.ts";
import { SKIP_REASONS } from "../../packages/engine/src/runtime/words.ts";

/** What is compared after every command. */
export interface Observation {
  readonly status: string;
  readonly prohibitRollback: boolean;
  /** "n0 RUNNING", "n1 SKIPPED(upstream) #2 undo#1". */
  readonly nodes: readonly string[];
  /** "n0#1", "undo n0#1 aborted". */
  readonly inFlight: readonly string[];
  /** "n0 attempt". Empty once the run has ended for good. */
  readonly deadlines: readonly string[];
  /** "narrow: n0 n1": how many wait, by pool; which ones is seen when they leave. */
  readonly waiting: readonly string[];
}

/** What a condition and a list come to. */
export type Evaluate = (node: string) => { readonly verdict: "run" | "skip" | "fail"; readonly members: number };

export class CoreSubject {
  readonly #program: CompiledProgram;
  readonly #state: RunState;
  readonly #commands = new Commands();
  readonly #with: ReadonlyMap<string, unknown>;
  readonly #evaluate: Evaluate;
  readonly #onResolve: (node: string, answer: ReturnType<Evaluate>) => void;
  readonly #calls = new Map<string, Call & { aborted: boolean }>();
  readonly #deadlines = new Map<string, { node: number; kind: DeadlineKind; token: number }>();
  /** Who has approved, by attempt: the host's part of an approval (R37). */
  readonly #approvals = new Map<string, string[]>();
  /** Calls that the last input started, in order. */
  started: Call[] = [];

  /** `onResolve` is told every answer to a condition or a list once the core knows it, in the core's order. */
  constructor(scenario: Scenario, evaluate: Evaluate, onResolve: (node: string, answer: ReturnType<Evaluate>) => void) {
    const limits = resolveLimits();
    const plan = definePlan(scenario.document);
    const bound = bindItems(plan, scenario.params, limits);
    if (bound.diagnostics.length > 0) throw new Error(bound.diagnostics.map(({ message }) => message).join("\n"));
    this.#program = compilePlan(plan, bound.items, limits);
    this.#state = createState(this.#program.compiled, { graceMs: 5000, seed: 1 });
    this.#with = new Map(scenario.document.nodes.map(({ id, with: input }) => [id, input]));
    this.#evaluate = evaluate;
    this.#onResolve = onResolve;
  }

  start(): void {
    this.#feed({ kind: "start", at: 0 });
  }

  dispatch(poolName: string, count: number): void {
    const pool = this.#program.compiled.pools.indexOf(poolName);
    if (pool >= 0) this.#feed({ kind: "grant", at: 0, pool, count });
  }

  answer({ node: id, attempt, undo }: Call, answer: Answer): void {
    const node = this.#number(id);
    const retryable = answer === "retryable";
    if (answer === "lost" && !undo) this.#feed({ kind: "lost", at: 0, node, attempt });
    else if (answer === "ok") this.#feed({ kind: undo ? "undone" : "succeeded", at: 0, node, attempt });
    else this.#feed({ kind: undo ? "undo-failed" : "failed", at: 0, node, attempt, retryable });
  }

  due(id: string, kind: DeadlineKind): void {
    const key = `${id} ${kind}`.trim();
    const armed = this.#deadlines.get(key);
    if (armed === undefined) throw new Error(`the core has no deadline ${key}`);
    this.#deadlines.delete(key);
    this.#feed({ kind: "due", at: 0, deadline: kind, node: armed.node, token: armed.token });
  }

  /** The kind of the refusal; undefined = done. */
  ask(verb: ReferenceVerb): string | undefined {
    const input = this.#verbInput(verb);
    const refusal = refusalOf(this.#state, input);
    if (refusal !== undefined) return refusal.kind;
    if (verb.verb === "approve" || verb.verb === "reject")
      return this.#say(verb.verb, this.#number(verb.node), verb.who);
    this.#feed(input);
    return undefined;
  }

  /** Whether that person may say it, and whether it is enough, is the host's to know. */
  #say(verb: "approve" | "reject", node: number, who: string): string | undefined {
    const rule = this.#with.get(this.#id(node).replace(/\[.*/, "")) as { approvers?: string[]; required?: number };
    if (rule?.approvers?.includes(who) === false) return "forbidden";
    const key = `${node}#${this.#state.attempt[node]}`;
    const before = this.#approvals.get(key) ?? [];
    if (verb === "approve" && before.includes(who)) return "approved-already";
    if (verb === "approve") this.#approvals.set(key, [...before, who]);
    const enough = before.length + 1 >= (rule?.required ?? 1);
    this.#feed(verb === "reject" ? { kind: "reject", at: 0, node } : { kind: "approve", at: 0, node, enough });
    return undefined;
  }

  observe(): Observation {
    const { status, plan, barriers } = this.#state;
    const over = ["SUCCESSFUL", "ROLLED_BACK", "ABANDONED"].includes(status);
    const waiting = plan.pools.map((name, pool) => `${name}: ${demand(this.#state, pool)}`);
    return {
      status,
      prohibitRollback: plan.prohibitRollback || barriers > 0,
      nodes: this.#nodes().map((node) => this.#line(node)),
      inFlight: [...this.#calls.values()].map(callLine).sort(),
      deadlines: over ? [] : [...this.#deadlines.keys()].sort(),
      waiting: waiting.filter((line) => !line.endsWith(" 0")),
    };
  }

  /** Declared nodes and members, in the order of the plan. */
  #nodes(): number[] {
    return this.#program.ids.flatMap((_, v) => {
      const group = expandedGroup(this.#state, v);
      return group === undefined ? [v] : [v, ...Array.from({ length: group.count }, (__, i) => group.base + i)];
    });
  }

  #line(node: number): string {
    const { state } = { state: this.#state };
    const status = NODE_STATUSES[state.node[node] as number] as string;
    const skip = status === "SKIPPED" ? `(${SKIP_REASONS[state.skipReason[node] as number]})` : "";
    return standingLine(this.#id(node), `${status}${skip}`, state.attempt[node] ?? 0, undoAttemptOf(state, node));
  }

  #verbInput(asked: ReferenceVerb): VerbInput {
    switch (asked.verb) {
      case "rollback": {
        const scope = typeof asked.to === "object" ? "node" : asked.to;
        return {
          kind: "rollback",
          at: 0,
          scope,
          node: typeof asked.to === "object" ? this.#number(asked.to.node) : -1,
        };
      }
      case "pause":
      case "resume":
      case "abandon":
        return { kind: asked.verb, at: 0 };
      case "approve":
        return { kind: "approve", at: 0, node: this.#number(asked.node), enough: true };
      case "reject":
      case "signal":
        return { kind: asked.verb, at: 0, node: this.#number(asked.node) };
      default:
        return { kind: asked.verb, at: 0, node: asked.node === undefined ? WHOLE_RUN : this.#number(asked.node) };
    }
  }

  #id(node: number): string {
    const group = groupOf(this.#state, node);
    if (group < 0) return this.#program.ids[node] as string;
    return `${this.#program.ids[group]}[${parallelIdxOf(this.#state, node)}]`;
  }

  #number(id: string): number {
    const found = this.#nodes().find((node) => this.#id(node) === id);
    if (found === undefined) throw new Error(`the core has no node ${id}`);
    return found;
  }

  #feed(input: Input): void {
    this.started = [];
    const asked = this.#step(input);
    for (let node = asked.shift(); node !== undefined; node = asked.shift()) {
      const id = this.#id(node);
      const answer = this.#evaluate(id);
      this.#onResolve(id, answer);
      asked.push(...this.#step({ kind: "resolved", at: 0, node, ...answer }));
    }
  }

  /** One input; answers the nodes that ask for their condition or list. */
  #step(input: Input): number[] {
    const commands = this.#commands;
    step(this.#state, input, commands);
    const asked: number[] = [];
    for (let row = 0; row < commands.length; row++) {
      if (commands.op[row] === Op.RESOLVE) asked.push(commands.node[row] as number);
      else this.#carryOut(row);
    }
    commands.clear();
    return asked;
  }

  #carryOut(row: number): void {
    const { op, node: nodes, value, extra } = this.#commands;
    const node = nodes[row] as number;
    const id = node < 0 ? "" : this.#id(node);
    const kind = DEADLINES[extra[row] as number] as DeadlineKind;
    switch (op[row]) {
      case Op.RUN:
      case Op.COMPENSATE: {
        const call = { node: id, attempt: value[row] as number, undo: op[row] === Op.COMPENSATE };
        if (this.#calls.has(id)) throw new Error(`R25: ${id} is called twice at once`);
        this.#calls.set(id, { ...call, aborted: false });
        this.started.push(call);
        break;
      }
      case Op.ABORT:
        Object.assign(this.#calls.get(id) as object, { aborted: true });
        break;
      case Op.ARM:
        this.#deadlines.set(`${id} ${kind}`.trim(), { node, kind, token: value[row] as number });
        break;
      case Op.DISARM:
        this.#deadlines.delete(`${id} ${kind}`.trim());
        break;
      case Op.SUCCEEDED:
      case Op.FAILED:
      case Op.RETRYING:
      case Op.COMPENSATED:
      case Op.UNDO_RETRYING:
      case Op.UNDO_FAILED:
        this.#calls.delete(id);
        break;
    }
  }
}

/** One node, in one line. */
export function standingLine(id: string, status: string, attempt: number, undoAttempt: number): string {
  return `${id} ${status}${attempt > 0 ? ` #${attempt}` : ""}${undoAttempt > 0 ? ` undo#${undoAttempt}` : ""}`;
}

export function callLine({ node, attempt, undo, aborted }: Call & { readonly aborted: boolean }): string {
  return `${undo ? "undo " : ""}${node}#${attempt}${aborted ? " aborted" : ""}`;
}
