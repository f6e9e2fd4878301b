/**
 * A run without an engine: the same core, values and expressions, on virtual time and without promises. Owns: the
 * journal in memory, the calls in flight and the armed deadlines, all of which a crash rebuilds from the records.
 * Does not own: what happens next (`simulate.ts` chooses).
 *
 * Everything here is a function of the records but for the calls' fates, so `crash()` can compare: the state replayed
 * from the records equals the live one (R42, R50).
 */
import {
  Commands,
  createState,
  DEADLINES,
  type DeadlineKind,
  demand,
  type Input,
  isAtRest,
  Op,
  type RunState,
  step,
} from "../core/index.ts";
import { assert } from "../errors.ts";
import type { JournalRecord, RunHeader } from "../journal/port.ts";
import { encodeRecord } from "../journal/replay.ts";
import type { CompiledProgram } from "../plan/compile.ts";
import type { Json } from "../plan/document.ts";
import type { Limits } from "../plan/limits.ts";
import { absorb } from "../runtime/absorb.ts";
import type { AnyRunEvent } from "../runtime/api.ts";
import type { RunFacts } from "../runtime/facts.ts";
import { nodeId } from "../runtime/node-id.ts";
import { noticeEvent, noticeName } from "../runtime/notices.ts";
import { evaluateNode } from "../runtime/scope.ts";
import { RunValues } from "../runtime/values.ts";
import type { TraceEntry } from "./trace.ts";

/** One attempt, or compensation, that was started and has not let go. */
export interface SimulatedCall {
  readonly node: number;
  readonly attempt: number;
  readonly undo: boolean;
  /** Its signal was aborted. */
  aborted: boolean;
  /** The core no longer waits for it. */
  over: boolean;
  /** Chosen by the simulation when the call starts. */
  fate: string;
}

interface ArmedDeadline {
  readonly at: number;
  readonly kind: DeadlineKind;
  readonly node: number;
  readonly token: number;
}

export class SimulatedRun implements RunFacts {
  readonly header: RunHeader;
  readonly program: CompiledProgram;
  readonly limits: Limits;
  readonly records: JournalRecord[] = [];
  readonly trace: TraceEntry[] = [];
  readonly calls: Set<SimulatedCall> = new Set();
  readonly fault: null = null;
  state: RunState;
  values: RunValues = new RunValues();
  nextSeries: number;
  restedAt: number | null = null;
  /** Virtual time, epoch milliseconds. */
  now: number;
  readonly #deadlines = new Map<string, ArmedDeadline>();
  readonly #commands = new Commands();
  readonly #fate: (call: SimulatedCall) => string;
  /** While records are replayed, nothing is told and no fate is drawn. */
  #replaying = false;

  constructor(
    facts: { header: RunHeader; program: CompiledProgram; limits: Limits },
    fate: (call: SimulatedCall) => string,
  ) {
    this.header = facts.header;
    this.program = facts.program;
    this.limits = facts.limits;
    this.now = facts.header.at;
    this.#fate = fate;
    this.nextSeries = facts.program.nextSeries;
    this.state = this.#fresh();
  }

  get atRest(): boolean {
    return isAtRest(this.state);
  }

  /** One input: recorded, decided, carried out. */
  feed(input: Input, payload?: Json): void {
    this.#feed(input, payload);
    while (this.#pendingResolve.length > 0) {
      const { resolved, payload: found } = evaluateNode(this, this.#pendingResolve.shift() as number, this.now);
      this.#feed(resolved, found);
    }
  }

  readonly #pendingResolve: number[] = [];

  /** Grants free slots, as an engine with `workers` slots would (R11, R41). */
  dispatch(workers: number): void {
    for (let pool = 0; pool < this.state.queued.length; pool++) {
      const free = workers - (this.state.active[pool] as number);
      const count = Math.min(free, demand(this.state, pool));
      if (count > 0) this.feed({ kind: "grant", at: this.now, pool, count });
    }
  }

  /** The earliest deadline, by time and then by key; undefined when none is armed. */
  nextDeadline(): ArmedDeadline | undefined {
    let first: ArmedDeadline | undefined;
    for (const deadline of this.#deadlines.values())
      if (first === undefined || deadline.at < first.at) first = deadline;
    return first;
  }

  /** Time goes on to the earliest deadline, which passes. */
  passDeadline(deadline: ArmedDeadline): void {
    this.now = Math.max(this.now, deadline.at);
    this.#deadlines.delete(keyOf(deadline.node, deadline.kind));
    const { kind, node, token } = deadline;
    this.feed({ kind: "due", at: this.now, deadline: kind, node, token });
  }

  /** The call answers. */
  answer(call: SimulatedCall, ok: boolean, retryable: boolean, output?: Json): void {
    this.calls.delete(call);
    const { node, attempt, undo } = call;
    const at = this.now;
    this.trace.push({ kind: undo ? "undo-end" : "end", node: nodeId(this, node), attempt, ok });
    if (ok) {
      const payload = output === undefined || undo ? undefined : { output };
      this.feed({ kind: undo ? "undone" : "succeeded", at, node, attempt }, payload);
      return;
    }
    const error = { code: "SIMULATED", message: "a simulated failure", retryable };
    this.feed({ kind: undo ? "undo-failed" : "failed", at, node, attempt, retryable }, { error });
  }

  /** The process dies and comes back: everything is rebuilt from the records; what was in flight is called again. */
  crash(): void {
    const live = fingerprint(this.state);
    const fates = new Map([...this.calls].filter((call) => !call.over).map((call) => [callKey(call), call.fate]));
    for (const call of this.calls) if (call.over) this.#letGo(call);
    const records = this.records.splice(0);
    this.#deadlines.clear();
    this.calls.clear();
    this.values = new RunValues();
    this.nextSeries = this.program.nextSeries;
    this.state = this.#fresh();
    this.#replaying = true;
    for (const { input, payload } of records) this.#feed(input, payload);
    this.#pendingResolve.length = 0;
    this.#replaying = false;
    assert(fingerprint(this.state) === live, "R50: the state replayed from the records differs from the live one");
    for (const call of this.calls) call.fate = fates.get(callKey(call)) ?? this.#fate(call);
  }

  /** The records as canonical text, for comparing two runs byte by byte (R50). */
  journal(): string {
    return this.records.map(encodeRecord).join("\n");
  }

  #fresh(): RunState {
    const { items } = this.header;
    for (const [id, list] of Object.entries(items)) this.values.items.set(this.program.indexOf(id), list);
    return createState(this.program.compiled, { graceMs: this.header.graceMs, seed: this.header.seed });
  }

  #feed(input: Input, payload: Json | undefined): void {
    const seq = this.records.length;
    this.records.push(payload === undefined ? { seq, input } : { seq, input, payload });
    const commands = this.#commands;
    step(this.state, input, commands);
    this.restedAt = isAtRest(this.state) ? (this.restedAt ?? input.at) : null;
    this.#pendingResolve.push(...absorb(this, commands, 0, payload));
    for (let row = 0; row < commands.length; row++) this.#carryOut(commands, row, input.at);
    commands.clear();
  }

  #carryOut(commands: Commands, row: number, at: number): void {
    const node = commands.node[row] as number;
    const value = commands.value[row] as number;
    const extra = commands.extra[row] as number;
    const name = this.#replaying ? undefined : noticeName(commands, row);
    if (name !== undefined) {
      const event = { type: name, ...noticeEvent(this, commands, row, at) } as AnyRunEvent;
      this.trace.push({ kind: "event", event });
    }
    switch (commands.op[row]) {
      case Op.RUN:
        this.#start(node, value, false);
        break;
      case Op.COMPENSATE:
        this.#start(node, value, true);
        break;
      case Op.ABORT:
        for (const call of this.calls) if (call.node === node && !call.over) call.aborted = true;
        break;
      case Op.ARM: {
        const kind = DEADLINES[extra] as DeadlineKind;
        this.#deadlines.set(keyOf(node, kind), { at: commands.at[row] as number, kind, node, token: value });
        break;
      }
      case Op.DISARM:
        this.#deadlines.delete(keyOf(node, DEADLINES[extra] as DeadlineKind));
        break;
      case Op.SUCCEEDED:
      case Op.FAILED:
      case Op.RETRYING:
        this.#end(node, false);
        break;
      case Op.COMPENSATED:
      case Op.UNDO_RETRYING:
      case Op.UNDO_FAILED:
        this.#end(node, true);
        break;
    }
  }

  #start(node: number, attempt: number, undo: boolean): void {
    const call: SimulatedCall = { node, attempt, undo, aborted: false, over: false, fate: "ok" };
    const id = nodeId(this, node);
    const previousStillRunning = [...this.calls].some((other) => nodeId(this, other.node) === id);
    this.calls.add(call);
    if (this.#replaying) return;
    call.fate = this.#fate(call);
    const key = `${this.header.runId}/${id}/${undo ? "undo/" : ""}${attempt}`;
    this.trace.push({ kind: undo ? "undo" : "start", node: id, attempt, key, previousStillRunning });
  }

  /** The core waits for this call no more; on replay it had answered, or died with the process. */
  #end(node: number, undo: boolean): void {
    for (const call of this.calls) {
      if (call.node !== node || call.undo !== undo || call.over) continue;
      call.over = true;
      if (this.#replaying) this.calls.delete(call);
    }
  }

  #letGo(call: SimulatedCall): void {
    const { node, attempt, undo } = call;
    this.trace.push({ kind: undo ? "undo-end" : "end", node: nodeId(this, node), attempt, ok: false });
  }
}

function keyOf(node: number, kind: DeadlineKind): string {
  return `${node} ${kind}`;
}

function callKey({ node, attempt, undo }: SimulatedCall): string {
  return `${node} ${attempt} ${undo}`;
}

/** Everything the state says, as text: typed arrays up to the nodes in use, counters, status. */
function fingerprint(state: RunState): string {
  const { plan: _plan, settings: _settings, queues: _queues, done: _done, undecided: _undecided, ...rest } = state;
  return JSON.stringify(rest, (_, value: unknown) =>
    ArrayBuffer.isView(value) ? Array.from((value as Uint8Array).subarray(0, Math.max(state.size, 0))) : value,
  );
}
