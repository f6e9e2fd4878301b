/**
 * Carries commands out: starts and aborts calls, arms deadlines, emits events. Owns: what a call is made with, and what its
 * answer is told as. Does not own: order against the journal (`executor.ts`), which calls are in flight (`calls-in-flight.ts`)
 * and which deadlines are armed (`armed-deadlines.ts`).
 * Cost of a plain node: one object for the call, one for what it is told; nothing for an event nobody listens to.
 */
import { type Commands, Deadline, homeOf, type Input, kindOf, Op as OpTable, parallelIdxOf } from "../core/index.ts";
import { assert, BelayError, NonRetryable } from "../errors.ts";
import type { Lease, RunHeader } from "../journal/port.ts";
import { NodeFlag as NodeFlagTable } from "../plan/compiled.ts";
import type { Json } from "../plan/document.ts";
import type { EvaluationResult } from "../plan/expression.ts";
import { copyJson } from "../plan/json.ts";
import type { ActionDefinition } from "./api.ts";
import { ArmedDeadlines } from "./armed-deadlines.ts";
import { AbortReason, type Answer, Call, type CallFacts, type CallHost, type UndoneFacts } from "./call.ts";
import { CallRecovery, keyOf, LATER, type Resolution, type Take } from "./call-recovery.ts";
import { CallSlots } from "./call-slots.ts";
import { CallsInFlight } from "./calls-in-flight.ts";
import type { Executor } from "./executor.ts";
import { failureOf, stoppedFailure } from "./failure.ts";
import type { CalledAttempt } from "./in-flight.ts";
import { jsonValue } from "./json-value.ts";
import { WITHOUT_SECRETS } from "./missing-secrets.ts";
import { nodeId } from "./node-id.ts";
import { HEARD_AS as HEARD_AS_TABLE, noticeEvent, noticeName } from "./notices.ts";
import type { Unfinished } from "./rebuild.ts";
import { crashed, Unverified } from "./recovery.ts";
import { evaluateInput, itemOf } from "./scope.ts";
import { declareSecrets } from "./secret-outputs.ts";
import type { Due } from "./timers.ts";
import { Waiting } from "./waiting.ts";
import { OUTCOMES } from "./words.ts";

// Constants of this module: what is imported is looked up and checked anew at every use.
const Op = OpTable;
const NodeFlag = NodeFlagTable;
const HEARD_AS = HEARD_AS_TABLE;

/** Bytes of the JSON that a line of log has beside its message; larger ones are left out. */
const LARGEST_DETAILS = 64 * 1024;

function asRegistered(action: ActionDefinition): ActionDefinition {
  return action;
}

export class Carrier implements CallHost {
  readonly runId: string;
  readonly params: RunHeader["params"];
  readonly fencingTokens: Lease["tokens"];
  readonly maxOutputBytes: number;
  readonly slots: CallSlots = new CallSlots();
  readonly #executor: Executor;
  readonly #calls: CallsInFlight;
  readonly #deadlines: ArmedDeadlines;
  readonly #waiting: Waiting;
  readonly #recovery: CallRecovery;
  /** By index into the plan's actions, as they are looked up. */
  readonly #actions: (ActionDefinition | undefined)[] = [];
  /** Closed in the middle of a batch, by a listener or an action: the rest of it is not carried out. */
  #closed = false;
  #onIdle: (() => void) | undefined;
  #allLetGo: Promise<void> | undefined;

  /** `live` outlasts the carrier: calls of an earlier one that were aborted and have not let go. */
  constructor(executor: Executor, live: Map<string, number>) {
    const { header, lease, host } = executor;
    this.runId = header.runId;
    this.params = header.params;
    this.fencingTokens = lease.tokens;
    this.maxOutputBytes = host.limits.outputBytes;
    this.#executor = executor;
    this.#calls = new CallsInFlight(live);
    this.#deadlines = new ArmedDeadlines(host.timers, (due) =>
      executor.post({ input: { ...due, at: executor.now() } as Input }),
    );
    this.#waiting = new Waiting(executor);
    this.#recovery = new CallRecovery(executor, {
      arm: (deadline) => this.#arm(deadline, deadline.at),
      call: ({ node, attempt, undo }, take) => this.#call(node, attempt, undo, take),
      lose: ({ node, attempt, undo }, why) => this.#lose(node, attempt, undo, why),
      abort: ({ node, undo }, why) => this.#abortCall(node, undo, new AbortReason("TIMEOUT", why)),
    });
  }

  carryOut(commands: Commands): void {
    const rows = commands.length;
    const { emitter } = this.#executor;
    for (let row = 0; row < rows && !this.#closed; row++) {
      const op = commands.op[row] as number;
      if (this.#waiting.any && (op === Op.SUCCEEDED || op === Op.FAILED || op === Op.RETRYING))
        this.#waiting.end(commands.node[row] as number);
      // An event nobody listens to is never built.
      if ((emitter.heard & (HEARD_AS[op] as number)) !== 0) this.#tell(commands, row);
      if (op <= Op.DISARM && !this.#closed) this.#do(op, commands, row);
    }
    this.#deadlines.trim();
    assert(commands.length === rows, "R39: commands were added while they are carried out");
  }

  #do(op: number, commands: Commands, row: number): void {
    const node = commands.node[row] as number;
    const value = commands.value[row] as number;
    const extra = commands.extra[row] as number;
    switch (op) {
      case Op.RUN:
        this.#call(node, value, false);
        break;
      case Op.COMPENSATE:
        this.#call(node, value, true);
        break;
      case Op.ABORT:
        this.#abort(node, value, extra === 1);
        break;
      case Op.ARM:
        this.#arm({ node, kind: extra, token: value }, commands.at[row] as number);
        break;
      case Op.DISARM:
        this.#deadlines.disarm(node, extra);
        break;
    }
  }

  /** The run has ended: no deadline of it means anything any more (R51). */
  disarmAll(): void {
    this.#deadlines.clear();
    this.#recovery.clear();
  }

  #tell(commands: Commands, row: number): void {
    const { emitter, lastAt } = this.#executor;
    const name = noticeName(commands, row);
    if (name === undefined || !emitter.wants(name)) return;
    emitter.emit(name, noticeEvent(this.#executor, commands, row, lastAt) as never);
  }

  /** Aborts every call and drops every deadline; resolves when all calls let go, or after the grace period. */
  close(): Promise<void> {
    this.#allLetGo ??= this.#letGo();
    return this.#allLetGo;
  }

  #letGo(): Promise<void> {
    this.#closed = true;
    this.disarmAll();
    this.#waiting.clear();
    for (const call of this.#calls.all()) this.#stop(call, new AbortReason("CLOSED", "the engine is closing"));
    if (this.#calls.count === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const { clock } = this.#executor.host;
      const giveUp = clock.schedule(this.#executor.header.graceMs, resolve);
      this.#onIdle = () => {
        giveUp();
        resolve();
      };
    });
  }

  /** Goes on with a run that was taken up again, but for the calls that are to be made again. */
  recover(unfinished: Unfinished): void {
    this.#recovery.recover(unfinished);
  }

  /** Makes these. */
  callAgain(): void {
    this.#recovery.callAgain();
  }

  /** Nobody can tell what came of the call (R42). */
  #lose(node: number, attempt: number, undo: boolean, why?: string): void {
    const at = this.#executor.now();
    const payload = { error: { ...crashed(why) }, recovery: "LOST" };
    if (undo) this.#executor.post({ input: { kind: "undo-failed", at, node, attempt, retryable: false }, payload });
    else this.#executor.post({ input: { kind: "lost", at, node, attempt }, payload });
  }

  /**
   * A compensation's own `with` is evaluated for each attempt, the node's was when it was dispatched. `take` decides which
   * form of the action is called.
   */
  #call(node: number, attempt: number, undo: boolean, take: Take = asRegistered): void {
    const { state, values } = this.#executor;
    const { kinds } = state.plan;
    const kind = kindOf(state, node);
    const flags = kinds.flags[kind] as number;
    const own = undo ? this.#undoInput(node) : undefined;
    const fault = own?.ok === false ? own.message : undo ? undefined : values.inputFault(node);
    if (fault !== undefined) {
      this.#refuse({ node, attempt, undo }, undo ? "compensation.with" : "with", fault);
      return;
    }
    const bound = (flags & NodeFlag.INPUT) === 0 ? undefined : this.#inputOf(node);
    const input = own?.ok === true ? own.value : bound;
    if (!undo && (flags & NodeFlag.WAITING) !== 0) {
      const of: CalledAttempt = { node, attempt, undo };
      this.#waiting.start(node, this.#actionName(kind, false), input, (answer) => this.#post(of, answer));
      return;
    }
    const taken = take(this.#registered(kind, node, undo));
    if (taken === LATER) return;
    if (taken === undefined) this.#lose(node, attempt, undo);
    else this.#start({ node, attempt, undo }, taken, input);
  }

  #undoInput(node: number): EvaluationResult | undefined {
    const { program, state } = this.#executor;
    return evaluateInput(this.#executor, node, program.detailsOf(homeOf(state, node)).compensationInput);
  }

  #refuse(of: CalledAttempt, where: string, message: string): void {
    const thrown = new NonRetryable(`${where}: ${message}`, { code: "EXPRESSION_FAILED" });
    this.#post(of, { ok: false, thrown });
  }

  #actionName(kind: number, undo: boolean): string {
    const { kinds, actions } = this.#executor.state.plan;
    return actions[(undo ? kinds.compensation : kinds.action)[kind] as number] as string;
  }

  #registered(kind: number, node: number, undo: boolean): ActionDefinition {
    const { host, secrets, state } = this.#executor;
    if (secrets.missing.length > 0) return WITHOUT_SECRETS;
    const { kinds, actions } = state.plan;
    const index = (undo ? kinds.compensation : kinds.action)[kind] as number;
    let found = this.#actions[index];
    if (found === undefined) {
      const name = actions[index] as string;
      found = host.actions.get(name);
      if (found === undefined) throw new BelayError("INTERNAL", `R3: action "${name}" was not checked at start`);
      this.#actions[index] = found;
    }
    if (!undo || this.#actionName(kind, false) !== "belay.plan") return found;
    // What undoes the run inside the node.
    return host.subRuns.undo(found, `${this.runId}/${nodeId(this.#executor, node)}`);
  }

  /** The input of the first attempt, a copy for each: nothing an attempt does to it is seen by another (R28, R31). */
  #inputOf(node: number): Json | undefined {
    const input = this.#executor.values.inputs.get(node);
    return input === undefined ? undefined : copyJson(input);
  }

  #start({ node, attempt, undo }: CalledAttempt, action: ActionDefinition, input: Json | undefined): void {
    const executor = this.#executor;
    const { state, program } = executor;
    const home = homeOf(state, node);
    const isMember = home !== node;
    const facts: CallFacts = {
      node,
      attempt,
      undo,
      nodeId: program.ids[home] as string,
      parallelIdx: isMember ? parallelIdxOf(state, node) : (state.plan.kinds.label[kindOf(state, node)] as number),
      item: isMember ? itemOf(executor, node) : undefined,
      input,
      previousStillRunning: this.#calls.anyAborted && this.#calls.isStillRunning(nodeId(executor, node)),
    };
    const call = new Call(this, facts, undo ? this.#undone(node) : undefined);
    this.#calls.add(call);
    Call.start(call, action);
  }

  #undone(node: number): UndoneFacts {
    const { state, values } = this.#executor;
    const outcome = OUTCOMES[state.outcome[node] as number];
    return { output: values.output(node), error: values.failure(node), outcome };
  }

  shownId(call: Call): string {
    return nodeId(this.#executor, Call.attemptOf(call).node);
  }

  /** The call is over: it no longer counts as running. */
  answered(call: Call, answer: Answer): void {
    this.#calls.remove(call);
    if (Call.isAborted(call)) this.#calls.forgetAborted(this.shownId(call));
    if (this.#calls.count === 0) this.#onIdle?.();
    this.#post(Call.attemptOf(call), answer);
  }

  #post(of: CalledAttempt, answer: Answer): void {
    const executor = this.#executor;
    const { node, attempt, undo } = of;
    const resolution = this.#recovery.answered(of, answer.ok);
    if (!answer.ok && answer.thrown instanceof Unverified) {
      this.#lose(node, attempt, undo, answer.thrown.message);
      return;
    }
    if (answer.ok) {
      const output = undo ? undefined : answer.output;
      const payload = output === undefined && resolution === undefined ? undefined : told(output, resolution);
      if (output !== undefined && executor.host.actions.haveSecrets) declareSecrets(executor, node, payload as Json);
      executor.answer(of, payload);
      return;
    }
    const details = executor.program.detailsOf(homeOf(executor.state, node));
    const failure = failureOf(answer.thrown, undo ? details.compensationNonRetryable : details.nonRetryable);
    const kind = undo ? "undo-failed" : "failed";
    const at = executor.now();
    const { retryable } = failure;
    executor.post({ input: { kind, at, node, attempt, retryable }, payload: { error: { ...failure }, ...resolution } });
  }

  #abort(node: number, cause: number, undo: boolean): void {
    const { code, message } = stoppedFailure(cause, 0);
    const reason = new AbortReason(code, message);
    if (!undo) this.#waiting.abort(node, reason);
    this.#abortCall(node, undo, reason);
  }

  #abortCall(node: number, undo: boolean, reason: AbortReason): void {
    const call = this.#calls.newest(keyOf(node, undo));
    if (call !== undefined) this.#stop(call, reason);
  }

  #stop(call: Call, reason: AbortReason): void {
    if (!Call.isAborted(call)) this.#calls.noteAborted(this.shownId(call));
    Call.abort(call, reason);
  }

  log(call: Call, message: string, details: Json | undefined): void {
    const { emitter, host, secrets } = this.#executor;
    const at = this.#executor.now();
    const compensation = Call.attemptOf(call).undo ? { compensation: true as const } : {};
    const by = { nodeId: this.shownId(call), attempt: call.attempt, ...compensation };
    const line = { runId: this.runId, ...by, at, message: secrets.text(message) };
    const json = jsonValue(details, LARGEST_DETAILS);
    const kept = secrets.mask(json.ok ? json.value : { unreadable: json.message });
    host.journal.log([kept === undefined ? line : { ...line, details: kept }]);
    if (emitter.wants("node:log")) emitter.emit("node:log", { ...line, details: secrets.any ? kept : details });
  }

  /** Pushes the heartbeat deadline on; not journaled, a crash ends the attempt anyway. */
  heartbeat(call: Call): void {
    const { state } = this.#executor;
    const { node, attempt, undo } = Call.attemptOf(call);
    const timeoutMs = state.plan.kinds.heartbeatTimeoutMs[kindOf(state, node)] as number;
    if (undo || timeoutMs === 0 || state.attempt[node] !== attempt) return;
    if (!this.#deadlines.has(node, Deadline.HEARTBEAT)) return;
    this.#arm({ node, kind: Deadline.HEARTBEAT, token: attempt }, this.#executor.now() + timeoutMs);
  }

  #arm(what: Due, at: number): void {
    this.#deadlines.arm(what, at, this.#executor.state.size);
  }
}

/** What the record of an answer holds beside it; mostly nothing. */
function told(output: Json | undefined, resolution: Resolution | undefined): Json {
  return { ...(output === undefined ? {} : { output }), ...resolution };
}
