/**
 * A run as it would go on (R38): a copy of its state and values, stepped by the same core, where every call that is made
 * succeeds at once and slots are never short. Owns: the order in which calls end, what counts as known, the notes on what
 * happened. Touches nothing of the run itself: no journal, no deadline, no slot, no action. Cost: one step per call, and
 * one copy. No recursion.
 *
 * P1: attempts that are aborted let go first, everything else ends in the order in which it was started.
 * P2: an output that an assumed success would have is not known: what reads it is left undecided.
 */
import {
  Commands,
  copyState,
  DEADLINES,
  Deadline,
  type DeadlineKind,
  demand,
  expandedGroup,
  groupOf,
  hasMark,
  type Input,
  isGroup,
  Mark,
  NodeState,
  Op,
  parallelIdxOf,
  poolOf,
  RUN_STATUSES,
  type RunState,
  step,
  undoAttemptOf,
  type VerbInput,
} from "../core/index.ts";
import type { RunHeader } from "../journal/port.ts";
import type { CompiledNode, CompiledProgram } from "../plan/compile.ts";
import { WAITING_POOL } from "../plan/compiled.ts";
import type { Json } from "../plan/document.ts";
import type { Limits } from "../plan/limits.ts";
import { absorb } from "./absorb.ts";
import type { RunFacts } from "./facts.ts";
import { isAborting, isInFlight } from "./in-flight.ts";
import { evaluateNode } from "./scope.ts";
import type { RunValues } from "./values.ts";

/** A call that is made, or was in flight before. */
export interface PreviewCall {
  readonly node: number;
  readonly attempt: number;
  readonly undo: boolean;
  /** Of a compensation: how the node's last attempt ended, an OutcomeCode. */
  readonly outcome: number;
  /** See `PreviewStep.wave`; what was in flight before runs beside the first. */
  readonly wave: number;
}

/** What ends some time: a call, or the backoff before one. */
interface Pending extends Pick<PreviewCall, "node" | "attempt" | "undo" | "wave"> {
  /** The deadline that ends it. */
  readonly backoff?: DeadlineKind;
}

/** What reads outputs that are not known. */
export interface UnknownReads {
  readonly of: "condition" | "list";
  readonly reads: readonly string[];
}

const ROLLING_BACK = RUN_STATUSES.indexOf("ROLLING_BACK");

export class PreviewRun implements RunFacts {
  readonly header: RunHeader;
  readonly program: CompiledProgram;
  readonly limits: Limits;
  readonly state: RunState;
  readonly values: RunValues;
  nextSeries: number;
  readonly restedAt: null = null;
  readonly fault: null = null;
  /** In flight before anything was asked, by number. */
  readonly before: readonly PreviewCall[];
  /** Made since, in order. */
  readonly calls: PreviewCall[] = [];
  /** Nodes whose attempts were asked to let go since, in order. */
  readonly aborted: Set<number> = new Set();
  /** Nodes, members and groups, in order. */
  readonly failed: number[] = [];
  readonly skipped: { readonly node: number; readonly reason: number }[] = [];
  readonly undecided: Map<number, UnknownReads> = new Map();
  /** The run has begun, or gone on with, a rollback. */
  rolledBack: boolean;
  readonly #at: number;
  readonly #commands = new Commands();
  /** What waits to end, oldest first, and how far that is done. */
  readonly #pending: Pending[] = [];
  #ended = 0;
  /** The same for what was asked to let go. */
  readonly #aborting: Pending[] = [];
  #letGo = 0;
  #wave = 1;
  /** Whose conditions and lists were asked for before, by number. */
  readonly #asked: number[] = [];
  /** What succeeds from now on does so because it is assumed to. */
  #assuming = false;
  /** Nodes, members and groups with an output that nobody knows. */
  readonly #unknown = new Set<number>();

  /** A copy of `run`; `at` is the time of everything that happens to it. */
  constructor(run: RunFacts, at: number) {
    this.header = run.header;
    // No call is made: what it would be given is not evaluated.
    this.program = withoutInputs(run.program);
    this.limits = run.limits;
    this.state = copyState(run.state);
    this.values = run.values.copy();
    this.nextSeries = run.nextSeries;
    this.rolledBack = run.state.status === "ROLLING_BACK";
    this.#at = at;
    this.before = this.#takeUp();
  }

  /**
   * What a crash has left undecided is decided first; the verb takes effect, what waits for a slot gets one, and nodes that
   * only wait let go at once when asked to.
   */
  ask(input: VerbInput, payload: Json | undefined): void {
    for (const node of this.#asked) {
      const { resolved, payload: found } = evaluateNode(this, node, input.at);
      this.#feed(resolved, found);
    }
    this.#feed(input, payload);
    this.#grant();
    for (let i = 0; i < this.#aborting.length; i++) {
      const aborting = this.#aborting[i] as Pending;
      if (this.state.plan.pools[poolOf(this.state, aborting.node)] !== WAITING_POOL) continue;
      this.#end(aborting);
      this.#grant();
    }
  }

  /** Everything that is started succeeds, until nothing is left to end. */
  goOn(): void {
    this.#assuming = true;
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      this.#wave = Math.max(this.#wave, next.wave + 1);
      this.#end(next);
      this.#grant();
    }
  }

  /** Whether the call still runs. */
  isInFlight(call: Pending): boolean {
    return isInFlight(this.state, call);
  }

  /** Whether it was asked to let go. */
  isAborting(call: Pending): boolean {
    return isAborting(this.state, call);
  }

  /** What is under way in the copied state: calls and backoffs. */
  #takeUp(): PreviewCall[] {
    const { state } = this;
    const calls: PreviewCall[] = [];
    for (let node = 0; node < state.size; node++) {
      if (hasMark(state, node, Mark.RESOLVING)) this.#asked.push(node);
      if (isGroup(state, node)) continue;
      const attempt = state.attempt[node] as number;
      const undoAttempt = undoAttemptOf(state, node);
      if (hasMark(state, node, Mark.BACKOFF)) this.#wait(node, attempt, Deadline.BACKOFF);
      if (hasMark(state, node, Mark.UNDO_BACKOFF)) this.#wait(node, undoAttempt, Deadline.COMPENSATION_BACKOFF);
      const outcome = state.outcome[node] as number;
      const forward = { node, attempt, undo: false, outcome, wave: 1 };
      const undo = { node, attempt: undoAttempt, undo: true, outcome, wave: 1 };
      for (const call of [forward, undo]) if (this.isInFlight(call)) calls.push(call);
    }
    for (const call of calls) (this.isAborting(call) ? this.#aborting : this.#pending).push(call);
    return calls;
  }

  #wait(node: number, token: number, kind: number): void {
    const undo = kind === Deadline.COMPENSATION_BACKOFF;
    this.#pending.push({ node, attempt: token, undo, wave: this.#wave, backoff: DEADLINES[kind] as DeadlineKind });
  }

  #next(): Pending | undefined {
    if (this.#letGo < this.#aborting.length) return this.#aborting[this.#letGo++];
    return this.#pending[this.#ended++];
  }

  #end(pending: Pending): void {
    const { node, attempt, undo, backoff } = pending;
    const at = this.#at;
    if (backoff !== undefined) this.#feed({ kind: "due", at, deadline: backoff, node, token: attempt });
    else if (!this.isInFlight(pending)) return;
    // What is aborted ends unknown, whatever it answers (R26).
    else if (this.isAborting(pending))
      this.#feed({ kind: undo ? "undo-failed" : "failed", at, node, attempt, retryable: true });
    else this.#feed({ kind: undo ? "undone" : "succeeded", at, node, attempt });
  }

  /** Slots for all that wait for one (R41). */
  #grant(): void {
    const { state } = this;
    for (let pool = 0; pool < state.queues.length; pool++) {
      const count = demand(state, pool);
      if (count > 0) this.#feed({ kind: "grant", at: this.#at, pool, count });
    }
  }

  /** One input and the evaluations it asks for, as far as they can be made. */
  #feed(input: Input, payload?: Json): void {
    const asked: number[] = [];
    const commands = this.#commands;
    for (let next: { input: Input; payload: Json | undefined } = { input, payload }; ; ) {
      const from = commands.length;
      step(this.state, next.input, commands);
      const nodes = absorb(this, commands, from, next.payload);
      for (let row = from; row < commands.length; row++) this.#note(row);
      for (let i = nodes.length - 1; i >= 0; i--) asked.push(nodes[i] as number);
      const node = this.#nextToResolve(asked);
      if (node === undefined) break;
      const { resolved, payload: found } = evaluateNode(this, node, input.at);
      next = { input: resolved, payload: found };
    }
    commands.clear();
  }

  #nextToResolve(asked: number[]): number | undefined {
    for (let node = asked.pop(); node !== undefined; node = asked.pop()) {
      const unknown = this.#unknownReads(node);
      if (unknown === undefined) return node;
      this.undecided.set(node, unknown);
    }
    return undefined;
  }

  /** What keeps the condition or the list of `node` from being evaluated now. */
  #unknownReads(node: number): UnknownReads | undefined {
    const home = groupOf(this.state, node);
    const { condition, over } = this.program.detailsOf(home < 0 ? node : home);
    const isMember = parallelIdxOf(this.state, node) >= 0;
    const unknown = (ids: readonly string[]): string[] =>
      ids.filter((id) => this.#unknown.has(this.program.indexOf(id)));
    const asked = condition?.readsItem === isMember ? unknown(condition.outputsRead) : [];
    if (asked.length > 0) return { of: "condition", reads: asked };
    const listed = over === undefined || isMember ? [] : unknown(over.outputsRead);
    return listed.length > 0 ? { of: "list", reads: listed } : undefined;
  }

  #note(row: number): void {
    const { op, node: nodes, value: values, extra: extras } = this.#commands;
    const node = nodes[row] as number;
    const value = values[row] as number;
    const extra = extras[row] as number;
    switch (op[row]) {
      case Op.RUN:
      case Op.COMPENSATE:
        this.#start(node, value, op[row] === Op.COMPENSATE);
        return;
      case Op.ABORT:
        // No deadline passes here, so that no compensation is aborted.
        this.#abort(node);
        return;
      case Op.ARM:
        if (extra === Deadline.BACKOFF || extra === Deadline.COMPENSATION_BACKOFF) this.#wait(node, value, extra);
        return;
      case Op.SUCCEEDED:
        if (this.#isAssumed(node)) this.#unknown.add(node);
        return;
      case Op.FAILED:
      case Op.UNDO_FAILED:
        this.failed.push(node);
        return;
      case Op.SKIPPED:
        this.skipped.push({ node, reason: value });
        return;
      case Op.RUN_STATUS:
        this.rolledBack ||= value === ROLLING_BACK;
    }
  }

  #start(node: number, attempt: number, undo: boolean): void {
    const call = { node, attempt, undo, outcome: this.state.outcome[node] as number, wave: this.#wave };
    this.calls.push(call);
    this.#pending.push(call);
  }

  #abort(node: number): void {
    this.aborted.add(node);
    this.#aborting.push({ node, attempt: this.state.attempt[node] as number, undo: false, wave: this.#wave });
  }

  /** Whether the output of a success is unknown: a group's is made of those of its members. */
  #isAssumed(node: number): boolean {
    const { state } = this;
    const group = expandedGroup(state, node);
    if (group === undefined) return this.#assuming;
    for (let member = group.base; member < group.base + group.count; member++) {
      if (state.node[member] === NodeState.SUCCESSFUL && this.#unknown.has(member)) return true;
    }
    return false;
  }
}

function withoutInput(details: CompiledNode): CompiledNode {
  if (details.input === undefined) return details;
  const { input: _input, ...others } = details;
  return others;
}

/** The program, but for the inputs of its nodes. */
function withoutInputs(program: CompiledProgram): CompiledProgram {
  const { compiled, ids, series, nextSeries, document, indexOf } = program;
  const detailsOf = (v: number): CompiledNode => withoutInput(program.detailsOf(v));
  return { compiled, ids, series, nextSeries, document, indexOf, detailsOf };
}
