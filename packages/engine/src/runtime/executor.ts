/**
 * The loop of one run: inputs in, the core's decision, the journal, then what was decided (R39). Owns: that order, and
 * who waits for the run. Does not own: any decision (core), calls and deadlines (`carrier.ts`), slots (`run-slots.ts`),
 * the public face (`run.ts`).
 *
 * E1 (R39): nothing is carried out before the records of its batch are durable.
 * E2 (R50): inputs are fed one by one, in the order in which they are journaled.
 * E3: a fault (broken invariant, lost journal) stops this run and no other.
 * No recursion: a synchronous answer is an input of the next batch.
 */
import {
  createState,
  demand,
  type Input,
  isAtRest,
  isTerminal,
  type RunState,
  type RunStatus,
  type VerbInput,
} from "../core/index.ts";
import { BelayError, type ErrorCode } from "../errors.ts";
import type { JournalRecord, Lease, MaybePromise, RunHeader } from "../journal/port.ts";
import type { CompiledProgram } from "../plan/compile.ts";
import { WAITING_POOL } from "../plan/compiled.ts";
import type { Json } from "../plan/document.ts";
import type { Limits } from "../plan/limits.ts";
import { overdue } from "./call-recovery.ts";
import { Carrier } from "./carrier.ts";
import type { RunEmitter } from "./emitter.ts";
import type { ExecutedRun, RunLinks } from "./executed-run.ts";
import { answerInput, Feeder } from "./feeder.ts";
import type { Host } from "./host.ts";
import type { CalledAttempt } from "./in-flight.ts";
import { type Entry, Inbox } from "./inbox.ts";
import { isThenable, journalFault } from "./journal-answer.ts";
import { type RebuiltRun, rebuild, type Unfinished } from "./rebuild.ts";
import { judgeVerb } from "./request.ts";
import type { RunSecrets } from "./run-secrets.ts";
import { RunSlots, type SlotUser } from "./run-slots.ts";
import { RunValues } from "./values.ts";

/** A batch whose time nobody has asked for. */
const NO_TIME = -1;

/** After this many batches without a pause the loop lets timers and I/O have their turn. */
const BATCHES_PER_TURN = 1024;

export class Executor implements RebuiltRun, SlotUser {
  readonly header: RunHeader;
  readonly program: CompiledProgram;
  readonly lease: Lease;
  readonly state: RunState;
  readonly values: RunValues;
  readonly secrets: RunSecrets;
  readonly host: Host;
  readonly limits: Limits;
  readonly emitter: RunEmitter;
  /** What stopped the run from the inside. */
  fault: { readonly code: string; readonly message: string } | null = null;
  /** Status as the journal has it: that of the state, once what made it is durable (R39). */
  standing: RunStatus = "RUNNING";
  /** Time of the last input: the run's own time. */
  lastAt: number;
  /** When the run came to rest; null while it moves. A late answer does not change it. */
  restedAt: number | null = null;
  readonly #feeder: Feeder;
  readonly #carrier: Carrier;
  readonly #slots: RunSlots;
  readonly #inbox = new Inbox();
  readonly #acknowledge: ((error?: unknown) => void)[] = [];
  readonly #restWaiters: (() => void)[] = [];
  /** First seriesId after the highest in use (R24). */
  nextSeries: number;
  /** What the records left to be done; set for a run that was taken up again. */
  #unfinished: Unfinished | undefined;
  /** Calls that were cut off are still to be made again. */
  #callsAgain = false;
  /** Verbs that come before the run's first turn wait for it. */
  #begun = false;
  #busy = false;
  /** Slots are to be looked for, though nothing has happened: some are free that were not, or the run begins. */
  #seeks = true;
  /** Answers have come that are handled once all of this moment are there. */
  #gathers = false;
  readonly #handleGathered = (): void => {
    this.#gathers = false;
    this.#pump();
  };
  /** A batch is being made durable. */
  #writing = false;
  /** Batches since timers and I/O last had their turn. */
  #batches = 0;
  /** When the present batch began, once somebody needed to know. */
  #batchAt = NO_TIME;
  #closing = false;
  #closed = false;

  constructor(facts: ExecutedRun, host: Host, links: RunLinks) {
    this.header = facts.header;
    this.program = facts.program;
    this.lease = facts.lease;
    this.secrets = facts.secrets;
    this.host = host;
    this.limits = host.limits;
    this.emitter = links.emitter;
    this.lastAt = facts.header.at;
    this.nextSeries = facts.program.nextSeries;
    this.state = createState(facts.program.compiled, { graceMs: facts.header.graceMs, seed: facts.header.seed });
    this.values = new RunValues(facts.header.at, this.state.node.length);
    this.#carrier = new Carrier(this, links.live);
    this.#slots = new RunSlots(this);
    for (const [id, items] of Object.entries(facts.header.items))
      this.values.items.set(facts.program.indexOf(id), items);
    const { records } = facts;
    const keeps = host.journal.keepsRecords !== false;
    this.#feeder = new Feeder(this, facts.secrets, { seq: records?.length ?? 0, keeps });
    if (records === undefined) return;
    this.#unfinished = rebuild(this, records);
    this.standing = this.state.status;
    this.#slots.resume();
  }

  /** Requests of operators that the records hold, by request id. */
  get requests(): ReadonlyMap<string, readonly string[]> {
    return this.#unfinished?.requests ?? new Map();
  }

  /** What the records left and would pass first when the run was taken up now. */
  overdue(): Input[] {
    return this.#unfinished === undefined ? [] : overdue(this, this.#unfinished, this.now());
  }

  /** The run's first input, made durable before `start` is acknowledged (R39); nothing is carried out yet. */
  async open(): Promise<void> {
    this.#feeder.feed({ kind: "start", at: this.header.at }, undefined);
    await this.#append(this.#feeder.takeRecords());
  }

  /** Lets the run move: a turn after `open`, so that listeners attached meanwhile miss nothing. */
  begin(): void {
    if (this.stopped) return;
    this.#begun = true;
    this.#busy = true;
    // What was due while no process lived passes before verbs that came meanwhile.
    const early = this.#inbox.takeEntries();
    if (this.#unfinished !== undefined) this.#carrier.recover(this.#unfinished);
    this.#callsAgain = this.#unfinished !== undefined;
    this.host.timers.passDue();
    for (const entry of early) this.#inbox.push(entry);
    this.#resume();
  }

  /** Another engine owns the run: this one stops where it is and writes nothing more (R44). */
  lose(): void {
    if (this.fault !== null || this.#closed) return;
    this.#fail("FENCED", new BelayError("FENCED", `run ${this.header.runId} is owned by another engine`));
  }

  /**
   * A call answered. It is handled with all that answer in the same microtasks, as one batch with one time: they share a look
   * at the clock, the search for slots and the journal's commit. While a batch is being written an answer gets its own time.
   */
  answer(of: CalledAttempt, payload: Json | undefined): void {
    if (this.stopped) return;
    if (this.#writing) this.#inbox.push({ input: answerInput(of, this.now()), payload });
    else this.#inbox.pushAnswer(of, payload);
    if (this.#busy || this.#gathers) return;
    this.#gathers = true;
    queueMicrotask(this.#handleGathered);
  }

  /** Queues an input; it is handled before this returns unless the loop is already running. */
  post(entry: Entry): void {
    if (this.stopped) {
      entry.release?.();
      entry.done?.(this.host.closedError());
      return;
    }
    this.#inbox.push(entry);
    this.#pump();
  }

  slotsFree(): void {
    this.#seeks = true;
    this.#pump();
  }

  granted(pool: number, release: () => void): void {
    this.post({ input: { kind: "grant", at: this.now(), pool, count: 1 }, release });
  }

  undecidedGrants(pool: number): number {
    return this.#inbox.grantsOf(pool);
  }

  now(): number {
    return this.host.clock.now();
  }

  /** It takes no input any more: stopped on a fault, or closed. */
  get stopped(): boolean {
    return this.fault !== null || this.#closed;
  }

  get atRest(): boolean {
    return this.stopped || (isAtRest(this.state) && this.#begun && this.#inbox.length === 0 && !this.#busy);
  }

  /** Resolves once the run is at rest. */
  rested(): Promise<void> {
    if (this.atRest) return Promise.resolve();
    const letGo = this.host.clock.keepAlive?.();
    return new Promise<void>((resolve) => this.#restWaiters.push(resolve)).finally(letGo);
  }

  /** Keeps the answers that have come, begins nothing more: aborts calls, drops deadlines. Resolves when all calls let go. */
  async close(): Promise<void> {
    this.#closing = true;
    if (this.#gathers) this.#pump();
    this.#closed = true;
    this.#stop(this.host.closedError());
    await this.#carrier.close();
    this.#wakeRestWaiters();
  }

  #pump(): void {
    if (!this.#begun || this.#busy || this.fault !== null || this.#closed) return;
    this.#busy = true;
    try {
      this.#loop();
    } catch (error) {
      this.#fail("INTERNAL", error);
    }
  }

  #loop(): void {
    while (this.#batches < BATCHES_PER_TURN) {
      if (this.#inbox.length === 0 && !this.#seeks) {
        if (this.#callAgain()) continue;
        this.#busy = false;
        this.#rest();
        return;
      }
      const { seq } = this.#feeder;
      this.#takeBatch();
      if (this.#feeder.seq === seq && this.#acknowledge.length === 0) continue;
      this.#batches++;
      if (this.#write() !== undefined || this.#closed || this.fault !== null) return;
      this.#carryOut();
      this.#callAgain();
      if (this.#closed || this.fault !== null) return;
    }
    setImmediate(() => {
      this.#batches = 0;
      this.#resume();
    });
  }

  #append(records: readonly JournalRecord[]): MaybePromise<void> {
    const { status } = this.state;
    return this.host.journal.append(this.lease, records, { status, ended: isTerminal(status), at: this.lastAt });
  }

  /** Makes a batch durable; a promise when the loop goes on by itself once it is. */
  #write(): Promise<void> | undefined {
    const records = this.#feeder.takeRecords();
    // Of a run without records its status is all that is told; its end frees its locks.
    if (records.length === 0 && this.state.status === this.standing) return undefined;
    let written: MaybePromise<void>;
    try {
      written = this.#append(records);
    } catch (error) {
      this.#fail(journalFault(error), error);
      return Promise.resolve();
    }
    if (!isThenable(written)) return undefined;
    this.#writing = true;
    return written.then(
      () => this.#resume(true),
      (error: unknown) => this.#fail(journalFault(error), error),
    );
  }

  /** `written`: after a batch, which may have stopped what was to be called again. */
  #resume(written = false): void {
    this.#writing = false;
    if (this.#closed || this.fault !== null) return;
    try {
      this.#carryOut();
      if (written) this.#callAgain();
      if (!this.stopped) this.#loop();
    } catch (error) {
      this.#fail("INTERNAL", error);
    }
  }

  /** Calls again what was cut off: once what was overdue, and asked meanwhile, is durable (R37, R42). Answers whether it was time. */
  #callAgain(): boolean {
    if (!this.#callsAgain || this.#closed) return false;
    this.#callsAgain = false;
    this.#carrier.callAgain();
    return true;
  }

  /** Steps every waiting input, then asks for slots. */
  #takeBatch(): void {
    this.#seeks = false;
    this.#batchAt = NO_TIME;
    if (this.#unfinished !== undefined) this.#decideUnfinished(this.#unfinished.undecided);
    const inbox = this.#inbox;
    for (let place = 0; place < inbox.length; place++) {
      const answer = inbox.answerAt(place);
      if (answer === undefined) this.#stepEntry(inbox.entryAt(place) as Entry);
      else this.#feeder.feedAnswer(answer, this.#timeOfBatch(), inbox.payloadAt(place));
    }
    inbox.clear();
    for (let pool = 0; pool < this.state.queues.length && !this.#closing; pool++) this.#seekSlots(pool);
    this.#slots.releaseEnded();
  }

  /** Evaluations that were asked for and whose answers were not recorded. */
  #decideUnfinished(undecided: readonly number[]): void {
    this.#unfinished = undefined;
    for (const node of undecided) this.#feeder.resolve(node, this.now());
  }

  #stepEntry(entry: Entry): void {
    const { payload, release } = entry;
    let { input } = entry;
    if (entry.done !== undefined) {
      const judged = judgeVerb(this, input as VerbInput, payload);
      if (judged instanceof BelayError) {
        entry.done(this.secrets.error(judged));
        return;
      }
      input = judged;
      this.#acknowledge.push(entry.done);
    }
    if (release !== undefined && input.kind === "grant" && !this.#slots.keep(input.pool, release)) return;
    // What is asked from within a batch comes after the answers that have the batch's time.
    this.#feeder.feed(input.at < this.#batchAt ? { ...input, at: this.#batchAt } : input, payload);
  }

  /** One look at the clock per batch. */
  #timeOfBatch(): number {
    if (this.#batchAt === NO_TIME) this.#batchAt = this.now();
    return this.#batchAt;
  }

  #seekSlots(pool: number): void {
    const want = demand(this.state, pool);
    const waits = pool > 0 && this.state.plan.pools[pool] === WAITING_POOL;
    const count = waits ? want : this.#slots.take(pool, want);
    if (count > 0) this.#feeder.feed({ kind: "grant", at: this.#timeOfBatch(), pool, count }, undefined);
  }

  #carryOut(): void {
    this.standing = this.state.status;
    const { commands } = this.#feeder;
    this.#carrier.carryOut(commands);
    commands.clear();
    if (this.#acknowledge.length > 0) for (const done of this.#acknowledge.splice(0)) done();
    if (!isTerminal(this.state.status)) return;
    this.#carrier.disarmAll();
    this.emitter.end();
  }

  #rest(): void {
    if (!this.atRest) return;
    this.#slots.leaveLine();
    this.#wakeRestWaiters();
  }

  #wakeRestWaiters(): void {
    for (const wake of this.#restWaiters.splice(0)) wake();
  }

  #fail(code: ErrorCode, error: unknown): void {
    const message = this.secrets.text(error instanceof Error ? error.message : String(error));
    this.fault = { code, message };
    this.#busy = false;
    this.emitter.emit("run:fault", { runId: this.header.runId, at: this.now(), code, message });
    this.#stop(this.secrets.error(this.host.faultError(code, message, error)));
    void this.#carrier.close();
    this.#wakeRestWaiters();
  }

  /** Nothing more is decided here: whoever waits for a verb or an event is told. */
  #stop(error: unknown): void {
    this.#slots.leaveLine();
    for (const done of this.#acknowledge.splice(0)) done(error);
    for (const entry of this.#inbox.takeEntries()) {
      entry.release?.();
      entry.done?.(error);
    }
    this.#slots.releaseAll();
    this.emitter.end();
  }
}
