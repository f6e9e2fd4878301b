/**
 * A run without an engine: the same core, values and expressions, on virtual time and without promises. Owns: the journal in
 * memory, the batch of records that is not carried out yet, the calls in flight and the armed deadlines, all of which a crash
 * rebuilds from the records. Tells the judge everything. Does not own: what happens next (`simulate.ts` chooses).
 *
 * S1 (R39): what a record asks for is carried out, and told, only by `commit`; a crash before that keeps any number of
 *     the batch's records, from none to all.
 * S2 (R42, R50): the state replayed from all records equals the live one.
 */
import {
  Commands,
  createState,
  DEADLINES,
  type DeadlineKind,
  demand,
  groupOf,
  type Input,
  isAtRest,
  Op,
  parallelIdxOf,
  type RunState,
  step,
} from "../../core/index.ts";
import type { JournalRecord, RunHeader } from "../../journal/port.ts";
import { encodeRecord } from "../../journal/replay.ts";
import type { CompiledProgram } from "../../plan/compile.ts";
import type { Json } from "../../plan/document.ts";
import type { Limits } from "../../plan/limits.ts";
import { absorb } from "../../runtime/absorb.ts";
import type { AnyRunEvent } from "../../runtime/api.ts";
import type { RunFacts } from "../../runtime/facts.ts";
import { noticeEvent, noticeName } from "../../runtime/notices.ts";
import { evaluateNode } from "../../runtime/scope.ts";
import { snapshotOf } from "../../runtime/snapshot.ts";
import { RunValues } from "../../runtime/values.ts";
import type { Judge } from "../judge/judge.ts";
import type { TraceEntry } from "../judge/trace.ts";
import { type UnitStory, unitId } from "../judge/unit-story.ts";
import { differingField } from "../rig/same-state.ts";
import { detailOf, isCall } from "../scenario/command-words.ts";
import { verbOf } from "../scenario/operator-words.ts";
import { cutOffOf, resolution } from "./cut-off.ts";
import { type Dispatch, keyOf, newCall, type SimulatedCall } from "./simulated-call.ts";
import { type ArmedDeadline, SimulatedDeadlines } from "./simulated-deadlines.ts";
import type { SimulatedFacts } from "./simulated-facts.ts";
import { firstWait, waitOf } from "./simulated-waits.ts";
import { effectOf, type WorldTeller } from "./simulated-world.ts";

export class SimulatedRun implements RunFacts {
  readonly header: RunHeader;
  readonly program: CompiledProgram;
  readonly limits: Limits;
  readonly records: JournalRecord[] = [];
  readonly trace: TraceEntry[] = [];
  readonly calls: SimulatedCall[] = [];
  readonly fault: null = null;
  state: RunState;
  values: RunValues;
  nextSeries: number;
  restedAt: number | null = null;
  now: number;
  readonly #judge: Judge;
  readonly #record: boolean;
  readonly #facts: SimulatedFacts;
  readonly #world: WorldTeller | undefined;
  readonly deadlines: SimulatedDeadlines = new SimulatedDeadlines();
  readonly #commands = new Commands();
  /** Where the commands of each record of the batch end. */
  readonly #ends: number[] = [];
  readonly #toResolve: number[] = [];
  /** Records whose commands were carried out before the crash that is being recovered from: they are not told again. */
  #silent = 0;
  #judgedAt = 0;

  constructor(facts: SimulatedFacts) {
    this.header = facts.header;
    this.program = facts.program;
    this.limits = facts.limits;
    this.now = facts.header.at;
    this.#judge = facts.judge;
    this.#record = facts.record;
    this.#facts = facts;
    this.#world = facts.world;
    this.nextSeries = facts.program.nextSeries;
    this.values = new RunValues(facts.header.at, facts.program.compiled.size);
    this.state = this.#fresh();
  }

  get atRest(): boolean {
    return isAtRest(this.state);
  }

  /** Records that are written and not carried out. */
  get batch(): number {
    return this.#ends.length;
  }

  /** One input: recorded and decided, with the evaluations it asks for. Carried out by `commit`. */
  feed(input: Input, payload?: Json): void {
    this.#write(input, payload);
    this.#resolve();
  }

  /** Grants free slots, so many as each pool has (R11, R41). */
  dispatch(limitOf: (pool: string) => number): void {
    const { state } = this;
    for (let pool = 0; pool < state.queues.length; pool++) {
      const wanted = demand(state, pool);
      if (wanted === 0) continue;
      const count = Math.min(limitOf(state.plan.pools[pool] as string) - (state.active[pool] as number), wanted);
      if (count <= 0) continue;
      const from = this.#commands.length;
      this.feed({ kind: "grant", at: this.now, pool, count });
      let started = 0;
      for (let row = from; row < this.#commands.length; row++) if (isCall(this.#commands.op[row])) started++;
      if (started > count) this.#judge.report("R41", `${started} calls were made of ${count} free slots`);
    }
  }

  /** The batch is durable: what it asks for is done, what it means is told. At rest the snapshot is judged. */
  commit(): void {
    const commands = this.#commands;
    let row = 0;
    const first = this.records.length - this.#ends.length;
    for (let place = 0; place < this.#ends.length; place++) {
      const { input } = this.records[first + place] as JournalRecord;
      const silent = first + place < this.#silent;
      const verb = silent ? undefined : verbOf(this, input);
      if (verb !== undefined) {
        if (this.#record) this.trace.push({ kind: "verb", ...verb });
        this.#judge.asked(verb);
      }
      if (input.kind === "due") this.deadlines.disarm(input.node, input.deadline, input.token);
      const end = this.#ends[place] as number;
      for (; row < end; row++) {
        if (!silent) this.#tell(row, input.at);
        this.#carryOut(row, input.at, silent);
      }
    }
    if (this.#ends.length > 0) this.#ends.length = 0;
    commands.clear();
    if (this.#silent > 0 || !this.atRest || this.#judgedAt === this.records.length) return;
    this.#judgedAt = this.records.length;
    this.#judge.rests(snapshotOf(this));
  }

  /** The earliest deadline or end of a wait, the one that came first among equals; undefined when there is none. */
  nextDue(): ArmedDeadline | SimulatedCall | undefined {
    const deadline = this.deadlines.next();
    return firstWait(this.calls, deadline?.at ?? Number.POSITIVE_INFINITY) ?? deadline;
  }

  /** Time goes on to that deadline, which passes, or to the end of that wait. */
  passTo(due: ArmedDeadline | SimulatedCall): void {
    if (!("at" in due)) {
      this.now = Math.max(this.now, due.wait?.until ?? this.now);
      this.answer(due, { kind: "succeeded", at: this.now, node: due.node, attempt: due.attempt });
      return;
    }
    const { at, kind, node, token } = due;
    this.now = Math.max(this.now, at);
    this.deadlines.disarm(node, kind, token);
    this.feed({ kind: "due", at: this.now, deadline: kind, node, token });
  }

  /** The call lets go and answers with this input. */
  answer(call: SimulatedCall, input: Input, payload?: Json): void {
    const ok = input.kind === "succeeded" || input.kind === "undone";
    this.#world?.ended(call, ok);
    this.#letGo(call, ok);
    this.feed(input, payload);
  }

  /** An answer that was given is delivered a second time: nothing but a late answer may come of it (R25). */
  answerAgain(input: Input, payload?: Json): void {
    const from = this.#commands.length;
    this.feed(input, payload);
    for (let row = from; row < this.#commands.length; row++) {
      if (this.#commands.op[row] !== Op.LATE) this.#judge.report("R25", `a second ${input.kind} changed something`);
    }
  }

  /**
   * The process dies, with `kept` records of the batch durable, and comes back: everything is rebuilt from the records,
   * what was in flight is called again (R42), what was never carried out is.
   */
  crash(kept: number): void {
    const whole = kept === this.batch;
    const live = this.state;
    const silent = this.records.length - this.batch;
    if (whole) this.#armBatch();
    for (const call of [...this.calls]) {
      this.#world?.ended(call, false);
      this.#letGo(call, false);
    }
    const records = this.records.splice(0).slice(0, silent + kept);
    this.#commands.clear();
    this.#ends.length = 0;
    this.#toResolve.length = 0;
    const armed = this.deadlines.clear();
    this.values = new RunValues(this.header.at, this.program.compiled.size);
    this.nextSeries = this.program.nextSeries;
    this.state = this.#fresh();
    this.#silent = silent;
    for (const { input, payload } of records) this.#write(input, payload);
    this.commit();
    this.#silent = 0;
    const field = whole ? differingField(this.state, live) : undefined;
    if (field !== undefined) this.#judge.report("R50", `the state replayed from the records has another ${field}`);
    const unlike = whole ? this.deadlines.unlike(armed) : undefined;
    if (unlike !== undefined) this.#judge.report("R50", `the records, replayed, arm ${unlike}`);
    this.#passOverdue();
    this.#recoverCalls();
    this.#resolve();
    this.commit();
  }

  /** The deadlines as they stand once the batch is carried out. */
  #armBatch(): void {
    let row = 0;
    const first = this.records.length - this.#ends.length;
    for (const [place, end] of this.#ends.entries()) {
      const { input } = this.records[first + place] as JournalRecord;
      if (input.kind === "due") this.deadlines.disarm(input.node, input.deadline, input.token);
      for (; row < end; row++) this.#arm(row);
    }
  }

  /** What passed while its record was lost passes before anything else happens. */
  #passOverdue(): void {
    for (let due = this.deadlines.next(); due !== undefined && due.at < this.now; due = this.deadlines.next())
      this.passTo(due);
    this.commit();
  }

  /** The records as canonical text, for comparing two runs byte by byte (R50). */
  journal(): string {
    return this.records.map(encodeRecord).join("\n");
  }

  #fresh(): RunState {
    const { items } = this.header;
    for (const id in items) this.values.items.set(this.program.indexOf(id), items[id] as readonly Json[]);
    return createState(this.program.compiled, { graceMs: this.header.graceMs, seed: this.header.seed });
  }

  #write(input: Input, payload: Json | undefined): void {
    const seq = this.records.length;
    this.records.push(payload === undefined ? { seq, input } : { seq, input, payload });
    const commands = this.#commands;
    const from = commands.length;
    step(this.state, input, commands);
    this.restedAt = this.atRest ? (this.restedAt ?? input.at) : null;
    if (input.kind === "resolved") this.#toResolve.splice(this.#toResolve.indexOf(input.node), 1);
    for (const node of absorb(this, commands, from, payload)) this.#toResolve.push(node);
    this.#ends.push(commands.length);
  }

  #resolve(): void {
    while (this.#toResolve.length > 0) {
      const { resolved, payload } = evaluateNode(this, this.#toResolve[0] as number, this.now);
      this.#write(resolved, payload);
    }
  }

  /** Whom the judge knows the node as. */
  #unit(node: number, silent = false): UnitStory {
    const group = groupOf(this.state, node);
    const { story } = this.#judge;
    if (group < 0) return story.unitAt(node, -1);
    const index = parallelIdxOf(this.state, node);
    // What is only replayed names nobody: the group may have been taken apart since.
    return (silent ? story.declared[group]?.made[index] : undefined) ?? story.unitAt(group, index);
  }

  #tell(row: number, at: number): void {
    const commands = this.#commands;
    const type = noticeName(commands, row);
    if (type === undefined) return;
    if (this.#record) {
      const event = { type, ...noticeEvent(this, commands, row, at) } as AnyRunEvent;
      this.trace.push({ kind: "event", event });
    }
    const judge = this.#judge;
    const op = commands.op[row] as number;
    const value = commands.value[row] as number;
    judge.at(at);
    if (op === Op.RUN_STATUS) judge.saidOfRun(type);
    else if (op === Op.EXPANDED) judge.expanded(this.#unit(commands.node[row] as number), value);
    else if (op !== Op.LATE)
      judge.saidOf(this.#unit(commands.node[row] as number), type, value, detailOf(commands, row));
  }

  #carryOut(row: number, at: number, silent: boolean): void {
    const commands = this.#commands;
    const node = commands.node[row] as number;
    const value = commands.value[row] as number;
    switch (commands.op[row]) {
      case Op.RUN:
        this.#start({ node, attempt: value, undo: false, at, silent });
        break;
      case Op.COMPENSATE:
        this.#start({ node, attempt: value, undo: true, at, silent });
        break;
      case Op.ABORT:
        for (const call of this.calls) if (call.node === node && !call.over) call.aborted = true;
        break;
      case Op.ARM:
      case Op.DISARM:
        this.#arm(row);
        break;
      case Op.SUCCEEDED:
      case Op.FAILED:
      case Op.RETRYING:
        this.#end(node, false, commands.op[row] === Op.SUCCEEDED);
        break;
      case Op.COMPENSATED:
      case Op.UNDO_RETRYING:
      case Op.UNDO_FAILED:
        this.#end(node, true, false);
        break;
    }
  }

  #arm(row: number): void {
    const { op, node, value, extra, at } = this.#commands;
    const kind = DEADLINES[extra[row] as number] as DeadlineKind;
    const of = node[row] as number;
    if (op[row] === Op.ARM) this.deadlines.arm({ at: at[row] as number, kind, node: of, token: value[row] as number });
    else if (op[row] === Op.DISARM) this.deadlines.disarm(of, kind);
  }

  #start({ node, attempt, undo, at, silent }: Dispatch): void {
    const unit = this.#unit(node, silent);
    const wait = undo ? undefined : waitOf(this, node, at);
    const call = newCall({ unit, node, attempt, undo, wait, lost: silent });
    if (!silent) this.#call(call, false);
    this.calls.push(call);
  }

  /** The call is made, for the first time or `again` after the process died. */
  #call(call: SimulatedCall, again: boolean): void {
    const { unit, attempt, undo } = call;
    if (call.wait === undefined) call.fate = this.#facts.fate(call);
    if (this.#world !== undefined) call.effect = effectOf(this, call);
    const previousStillRunning = this.calls.some((other) => other.unit === unit && !other.lost);
    if (this.#record) {
      const id = unitId(unit);
      const entry = { node: id, attempt, key: keyOf(this.header.runId, id, call), previousStillRunning };
      this.trace.push({ kind: undo ? "undo" : "start", ...entry, ...(again ? ({ again } as const) : {}) });
    }
    if (again) this.#judge.calledAgain(unit, attempt, undo);
    else if (undo) this.#judge.undoCalled(unit, attempt, previousStillRunning);
    else this.#judge.called(unit, attempt, previousStillRunning);
  }

  /** The core waits for this call no more. A lost one is nobody's any more, a wait lets go at once, `ok` if it had an end. */
  #end(node: number, undo: boolean, ok: boolean): void {
    for (let place = this.calls.length - 1; place >= 0; place--) {
      const call = this.calls[place] as SimulatedCall;
      if (call.node !== node || call.undo !== undo || call.over) continue;
      call.over = true;
      this.#world?.ended(call, ok);
      if (call.wait !== undefined && !call.lost) this.#letGo(call, ok);
      else if (call.lost) this.calls.splice(place, 1);
    }
  }

  #letGo(call: SimulatedCall, ok: boolean): void {
    this.calls.splice(this.calls.indexOf(call), 1);
    const { unit, attempt, undo } = call;
    if (this.#record) this.trace.push({ kind: undo ? "undo-end" : "end", node: unitId(unit), attempt, ok });
    if (undo) this.#judge.undoLetGo(unit, attempt, ok);
    else this.#judge.letGo(unit, attempt, ok);
  }

  /** Calls that died with the process. */
  #recoverCalls(): void {
    for (const call of [...this.calls]) {
      if (!call.lost) continue;
      const how = cutOffOf(call, this.#facts.cutOff);
      if (how === "again") {
        this.#call(call, true);
        call.lost = false;
      } else this.#resolveCutOff(call, how === "done");
    }
  }

  /** It is not made again. What a `verify` found has happened, if not before. */
  #resolveCutOff(call: SimulatedCall, done: boolean): void {
    const { unit, attempt, undo } = call;
    this.calls.splice(this.calls.indexOf(call), 1);
    if (done && this.#world !== undefined) call.effect = effectOf(this, call);
    if (done) this.#world?.took(call);
    if (this.#record) this.trace.push({ kind: "resolved", node: unitId(unit), attempt, undo, done });
    this.#judge.resolved(unit, attempt, undo, done);
    const { input, payload } = resolution(call, this.now, done ? this.#facts.outputOf : undefined);
    this.feed(input, payload);
  }
}
