/**
 * A run without a host: inputs go in by node id, commands come out as lines to read. Owns: the words of those lines, and
 * the clock, which stands still unless a test moves it. Nothing is carried out: a test that wants an answer gives it.
 */
import { definePlan, type NodeDocument, type PlanDocument } from "@belay/engine";
import {
  Cause,
  Commands,
  createState,
  DEADLINES,
  demand,
  expandedGroup,
  groupOf,
  type Input,
  isAtRest,
  isToleratedFailure,
  NODE_STATUSES,
  Op,
  OperationCode,
  OUTCOME_SPAN,
  OutcomeCode,
  parallelIdxOf,
  poolOf,
  type Refusal,
  RUN_STATUSES,
  type RunState,
  refusalOf,
  SkipCode,
  step,
  undoAttemptOf,
  type VerbInput,
  WHOLE_RUN,
} from "@belay/engine/core";
import { roundStartOf } from "../../packages/engine/src/core/state.ts";
import { compilePlan } from "../../packages/engine/src/plan/compile.ts";
import { bindItems } from "../../packages/engine/src/plan/expand.ts";
import { DEFAULT_LIMITS } from "../../packages/engine/src/plan/limits.ts";

export const GRACE_MS = 5000;

/** An input without its time; `node` by id, `g[0]` for a member. */
type Told<T> = T extends { readonly at: number } ? Omit<T, "at" | "node"> & { readonly node?: string } : never;
type InputByName = Told<Input>;
type VerbByName = Told<VerbInput>;

export class CoreRun {
  readonly state: RunState;
  now = 0;
  readonly #commands: Commands = new Commands();
  readonly #ids: readonly string[];

  /** `state`: goes on from there, a state of a run of the same plan. */
  constructor(
    document: PlanDocument,
    params: Readonly<Record<string, never[] | string[]>> = {},
    seed = 1,
    state?: RunState,
  ) {
    const plan = definePlan(document);
    const { items } = bindItems(plan, params, DEFAULT_LIMITS);
    const program = compilePlan(plan, items, DEFAULT_LIMITS);
    this.#ids = program.ids;
    this.state = state ?? createState(program.compiled, { graceMs: GRACE_MS, seed });
  }

  /** One input; answers what the core wants done and known, in order. */
  feed(input: InputByName): string[] {
    step(this.state, this.#input(input) as Input, this.#commands);
    const lines = Array.from({ length: this.#commands.length }, (_, row) => this.#line(row));
    this.#commands.clear();
    return lines;
  }

  refusal(verb: VerbByName): Refusal | undefined {
    return this.refusalOf(this.#input(verb) as VerbInput);
  }

  /** As `refusal`, by number. */
  refusalOf(verb: VerbInput): Refusal | undefined {
    return refusalOf(this.state, verb);
  }

  /** As `feed`, by number, for those who do not listen. */
  say(input: Input): void {
    step(this.state, input, this.#commands);
    this.#commands.clear();
  }

  /** A verb that must be allowed. */
  verb(verb: VerbByName): string[] {
    const refused = this.refusal(verb);
    if (refused !== undefined) throw new Error(`${verb.kind} is refused: ${JSON.stringify(refused)}`);
    return this.feed(verb);
  }

  start(): string[] {
    return this.feed({ kind: "start" });
  }

  /** Slots for the pool of every node; all that wait by default. */
  grant(count = 1_000_000, pool = 0): string[] {
    return this.feed({ kind: "grant", pool, count });
  }

  /** The present attempt of the node, or of its compensation, answers. */
  ok(...ids: string[]): string[] {
    return ids.flatMap((id) => this.#answer(id, "succeeded", "undone"));
  }

  fail(id: string, retryable = true): string[] {
    const v = this.numberOf(id);
    const undo = this.status(id) === "COMPENSATING";
    const attempt = undo ? undoAttemptOf(this.state, v) : (this.state.attempt[v] as number);
    return this.feed({ kind: undo ? "undo-failed" : "failed", node: id, attempt, retryable });
  }

  /** Nobody can tell what came of the attempt that runs. */
  lost(id: string): string[] {
    return this.feed({ kind: "lost", node: id, attempt: this.state.attempt[this.numberOf(id)] as number });
  }

  /** The host's answer to RESOLVE. */
  resolve(id: string, verdict: "run" | "skip" | "fail" = "run", members = 0): string[] {
    return this.feed({ kind: "resolved", node: id, verdict, members });
  }

  /** A deadline passes, with the token that is valid now unless another is given. */
  due(deadline: (typeof DEADLINES)[number], id = "", token = this.#token(deadline, id)): string[] {
    return this.feed({ kind: "due", deadline, node: id, token });
  }

  /** Nodes that wait take their slots from a pool of their own. */
  poolOf(id: string): number {
    return poolOf(this.state, this.numberOf(id));
  }

  demand(pool = 0): number {
    return demand(this.state, pool);
  }

  get atRest(): boolean {
    return isAtRest(this.state);
  }

  get run(): string {
    return this.state.status;
  }

  status(id: string): string {
    return NODE_STATUSES[this.state.node[this.numberOf(id)] as number] as string;
  }

  /** `{a: "SUCCESSFUL", ...}`, members after the declared nodes; of a list that expanded again, the new ones. */
  get statuses(): Record<string, string> {
    const there = Array.from({ length: this.state.size }, (_, v) => v).filter((v) => this.#isThere(v));
    return Object.fromEntries(
      there.map((v) => [this.#nameOf(v), NODE_STATUSES[this.state.node[v] as number] as string]),
    );
  }

  /** What was last asked of each node, of the run first: what views show as its operation. */
  get operations(): Record<string, string> {
    const all = Array.from({ length: this.state.size }, (_, v) => [
      this.#nameOf(v),
      this.state.operationOf[v] as number,
    ]);
    const told = [["run", this.state.operation] as const, ...all] as [string, number][];
    return Object.fromEntries(told.map(([id, code]) => [id, keyOf(OperationCode, code) as string]));
  }

  /** How the node's last attempt ended, why it was stopped, why it was skipped. */
  facts(id: string): string {
    const v = this.numberOf(id);
    const { outcome, cause, skipReason } = this.state;
    const words = [keyOf(OutcomeCode, outcome[v] as number), keyOf(Cause, cause[v] as number)];
    return [...words, keyOf(SkipCode, skipReason[v] as number)].join(" ");
  }

  /** Whether the plan tolerates its failure, as far as is known. */
  tolerated(id: string): boolean {
    return isToleratedFailure(this.state, this.numberOf(id));
  }

  numberOf(id: string): number {
    if (id === "") return WHOLE_RUN;
    const member = /^(.+)\[(\d+)\]$/.exec(id);
    if (member === null) return this.#ids.indexOf(id);
    const home = this.#ids.indexOf(member[1] as string);
    const { base } = expandedGroup(this.state, home) as { base: number };
    return base + Number(member[2]);
  }

  #answer(id: string, forward: "succeeded", undo: "undone"): string[] {
    const v = this.numberOf(id);
    if (this.status(id) === "COMPENSATING") {
      return this.feed({ kind: undo, node: id, attempt: undoAttemptOf(this.state, v) });
    }
    return this.feed({ kind: forward, node: id, attempt: this.state.attempt[v] as number });
  }

  #token(deadline: string, id: string): number {
    const v = this.numberOf(id);
    if (deadline === "run") return this.state.runToken;
    if (deadline === "total") return roundStartOf(this.state, v);
    if (deadline.startsWith("compensation")) return undoAttemptOf(this.state, v);
    return this.state.attempt[v] as number;
  }

  #input(input: InputByName | VerbByName): object {
    const { node, ...rest } = input as { node?: string };
    return { ...rest, at: this.now, node: node === undefined ? WHOLE_RUN : this.numberOf(node) };
  }

  #isThere(v: number): boolean {
    const home = groupOf(this.state, v);
    if (home < 0) return true;
    const group = expandedGroup(this.state, home);
    return group !== undefined && v >= group.base && v < group.base + group.count;
  }

  #nameOf(v: number): string {
    if (v < 0) return "run";
    const home = groupOf(this.state, v);
    return home < 0 ? (this.#ids[v] as string) : `${this.#ids[home]}[${parallelIdxOf(this.state, v)}]`;
  }

  #line(row: number): string {
    const { op, node, value, extra, at } = this.#commands;
    const [code, v, one, two, time] = [op[row], node[row], value[row], extra[row], at[row]] as [
      number,
      number,
      number,
      number,
      number,
    ];
    const name = (keyOf(Op, code) as keyof typeof Op) ?? "?";
    return `${name} ${this.#nameOf(v)} ${this.#details(name, one, two, time)}`.trim();
  }

  #details(name: keyof typeof Op, value: number, extra: number, at: number): string {
    switch (name) {
      case "RUN":
      case "COMPENSATE":
      case "READY":
      case "SUCCEEDED":
      case "COMPENSATED":
      case "APPROVED":
      case "UNDO_FAILED":
        return `#${value}`;
      case "ABORT":
        return `${keyOf(Cause, value)}${extra === 1 ? " undo" : ""}`;
      case "ARM":
        return `${DEADLINES[extra]} #${value} +${at - this.now}`;
      case "DISARM":
        return `${DEADLINES[extra]}${value === 0 ? "" : ` #${value}`}`;
      case "FAILED":
        return `${keyOf(Cause, value)} ${facts(extra)}`;
      case "RETRYING":
        return `${keyOf(Cause, value)} ${facts(extra)} +${at}`;
      case "SKIPPED":
        return `${keyOf(SkipCode, value)}`;
      case "CANCELING":
        return `${keyOf(Cause, value)}`;
      case "LATE":
        return `#${value} ${keyOf(OutcomeCode, extra)}`;
      case "EXPANDED":
        return `${value} from ${extra}`;
      case "UNDO_RETRYING":
        return `#${value} +${at}${extra === 0 ? "" : ` ${extra}`}`;
      case "RESET":
        return value === 1 ? "started" : "";
      case "RUN_STATUS":
        return `${RUN_STATUSES[value]}${["", " again", " at the start"][extra] ?? "?"}`;
      default:
        return "";
    }
  }
}

/** Attempt and outcome, packed in one number. */
function facts(extra: number): string {
  return `#${Math.floor(extra / OUTCOME_SPAN)} ${keyOf(OutcomeCode, extra % OUTCOME_SPAN)}`;
}

function keyOf(table: Readonly<Record<string, number>>, code: number): string | undefined {
  return Object.keys(table).find((key) => table[key] === code);
}

/** A plan of `nodes`, with `rest` of the document's fields. */
export function plan(nodes: readonly NodeDocument[], rest: Partial<PlanDocument> = {}): PlanDocument {
  return { belay: 1, name: "test", ...rest, nodes };
}

export function node(id: string, upstreams: readonly string[] = [], rest: Partial<NodeDocument> = {}): NodeDocument {
  return { id, action: "do", upstreams, ...rest };
}

/** A node with compensation "undo". */
export function undoable(
  id: string,
  upstreams: readonly string[] = [],
  rest: Partial<NodeDocument> = {},
): NodeDocument {
  return node(id, upstreams, { compensation: { action: "undo" }, ...rest });
}

/** Groups over `params.list`; pass `{ list: [...] }` as the run's parameters. */
export const LIST: Partial<PlanDocument> = {
  params: { type: "object", properties: { list: { type: "array", items: { type: "string" } } } },
};
