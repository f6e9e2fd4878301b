/**
 * Carries commands out: starts and aborts calls, arms deadlines, emits events. Owns: the calls in flight and the
 * deadlines of one run. Does not own: order against the journal (`executor.ts`).
 */
import {
  type Commands,
  DEADLINES,
  Deadline,
  type DeadlineKind,
  homeOf,
  kindOf,
  Op,
  parallelIdxOf,
} from "../core/index.ts";
import { assert, BelayError, NonRetryable } from "../errors.ts";
import type { Json } from "../plan/document.ts";
import { copyJson } from "../plan/json.ts";
import type { ActionDefinition } from "./api.ts";
import { AbortReason, type Answer, Call } from "./call.ts";
import { CallRecovery, keyOf, LATER, type Take } from "./call-recovery.ts";
import type { Executor } from "./executor.ts";
import { failureOf, stoppedFailure } from "./failure.ts";
import { jsonValue } from "./json-value.ts";
import { WITHOUT_SECRETS } from "./missing-secrets.ts";
import { nodeId } from "./node-id.ts";
import { noticeEvent, noticeName } from "./notices.ts";
import type { Unfinished } from "./rebuild.ts";
import { crashed, Unverified } from "./recovery.ts";
import { evaluateInput, itemOf } from "./scope.ts";
import { declareSecrets } from "./secret-outputs.ts";
import type { Deadline as ArmedDeadline } from "./timers.ts";
import { Waiting } from "./waiting.ts";
import { OUTCOMES } from "./words.ts";

const KINDS = DEADLINES.length;

/** Bytes of the JSON that a line of log has beside its message; larger ones are left out. */
const LARGEST_DETAILS = 64 * 1024;

interface StartedCall {
  readonly undo: boolean;
  readonly action: ActionDefinition;
  readonly input: Json | undefined;
}

function asRegistered(action: ActionDefinition): ActionDefinition {
  return action;
}

export class Carrier {
  readonly #executor: Executor;
  /** The newest call of each node, while it has not let go. */
  readonly #calls = new Map<number, Call>();
  /** By id, for a group that expands again keeps its members' ids: calls that have not let go, compensations included. */
  readonly #live: Map<string, number>;
  readonly #deadlines = new Map<number, ArmedDeadline>();
  readonly #waiting: Waiting;
  readonly #recovery: CallRecovery;
  #liveTotal = 0;
  /** Closed in the middle of a batch, by a listener or an action: the rest of it is not carried out. */
  #closed = false;
  #onIdle: (() => void) | undefined;

  /** `live` outlasts the carrier: what an earlier one called may not have let go. */
  constructor(executor: Executor, live: Map<string, number>) {
    this.#executor = executor;
    this.#live = live;
    this.#waiting = new Waiting(executor);
    this.#recovery = new CallRecovery(executor, {
      arm: ({ node, token, kind, at }) => this.#arm(node, token, kind, at),
      call: ({ node, attempt, undo }, take) => this.#call(node, attempt, undo, take),
      lose: ({ node, attempt, undo }, why) => this.#lose(node, attempt, undo, why),
      abort: ({ node, undo }, why) => this.#calls.get(keyOf(node, undo))?.abort(new AbortReason("TIMEOUT", why)),
    });
  }

  carryOut(commands: Commands): void {
    const rows = commands.length;
    for (let row = 0; row < rows && !this.#closed; row++) {
      const node = commands.node[row] as number;
      const value = commands.value[row] as number;
      const extra = commands.extra[row] as number;
      switch (commands.op[row]) {
        case Op.RUN:
          this.#tell(commands, row);
          if (!this.#closed) this.#call(node, value, false);
          break;
        case Op.COMPENSATE:
          this.#tell(commands, row);
          if (!this.#closed) this.#call(node, value, true);
          break;
        case Op.SUCCEEDED:
        case Op.FAILED:
        case Op.RETRYING:
          this.#waiting.end(node);
          this.#tell(commands, row);
          break;
        case Op.ABORT:
          this.#abort(node, value, extra === 1);
          break;
        case Op.ARM:
          this.#arm(node, value, extra, commands.at[row] as number);
          break;
        case Op.DISARM:
          this.#disarm(node, extra);
          break;
        default:
          this.#tell(commands, row);
      }
    }
    assert(commands.length === rows, "R39: commands were added while they are carried out");
  }

  /** The run has ended: no deadline of it means anything any more (R51). */
  disarmAll(): void {
    for (const deadline of this.#deadlines.values()) this.#executor.host.timers.disarm(deadline);
    this.#deadlines.clear();
    this.#recovery.clear();
  }

  /** An event nobody listens to is never built. */
  #tell(commands: Commands, row: number): void {
    const { emitter, lastAt } = this.#executor;
    const name = noticeName(commands, row);
    if (name === undefined || !emitter.wants(name)) return;
    emitter.emit(name, noticeEvent(this.#executor, commands, row, lastAt) as never);
  }

  /** Aborts every call and drops every deadline; resolves when all calls let go, or after the grace period. */
  close(): Promise<void> {
    this.#closed = true;
    this.disarmAll();
    this.#waiting.clear();
    for (const call of this.#calls.values()) call.abort(new AbortReason("CLOSED", "the engine is closing"));
    if (this.#liveTotal === 0) return Promise.resolve();
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
    const { program, state, values } = this.#executor;
    const home = homeOf(state, node);
    const own = undo ? evaluateInput(this.#executor, node, program.detailsOf(home).compensationInput) : undefined;
    const fault = own?.ok === false ? own.message : undo ? undefined : values.inputFaults.get(node);
    if (fault !== undefined) {
      const thrown = expressionFailure(undo ? "compensation.with" : "with", fault);
      this.#post(node, attempt, undo, { ok: false, thrown });
      return;
    }
    const declared = program.document.nodes[home];
    const action = (undo ? declared?.compensation?.action : declared?.action) as string;
    const input = own?.ok === true ? own.value : this.#inputOf(node);
    const answered = (answer: Answer): void => this.#post(node, attempt, undo, answer);
    if (this.#waiting.start(node, action, input, answered)) return;
    const undoesRun = undo && declared?.action === "belay.plan";
    const taken = take(this.#registered(action, undoesRun ? node : undefined));
    if (taken === LATER) return;
    if (taken === undefined) this.#lose(node, attempt, undo);
    else this.#start(node, attempt, { undo, action: taken, input });
  }

  /** `undoes`: the node whose run inside it undoes. */
  #registered(name: string, undoes: number | undefined): ActionDefinition {
    const { header, host, secrets } = this.#executor;
    if (secrets.missing.length > 0) return WITHOUT_SECRETS;
    const found = host.actions.get(name);
    if (found === undefined) throw new BelayError("INTERNAL", `R3: action "${name}" was not checked at start`);
    if (undoes === undefined) return found;
    return host.subRuns.undo(found, `${header.runId}/${nodeId(this.#executor, undoes)}`);
  }

  /** The input of the first attempt, a copy for each: nothing an attempt does to it is seen by another (R28, R31). */
  #inputOf(node: number): Json | undefined {
    const input = this.#executor.values.inputs.get(node);
    return input === undefined ? undefined : copyJson(input);
  }

  #start(node: number, attempt: number, what: StartedCall): void {
    const executor = this.#executor;
    const { header, state, values, host } = executor;
    const { undo, action } = what;
    const id = nodeId(executor, node);
    const call = new Call(
      {
        runId: header.runId,
        nodeId: executor.program.ids[homeOf(executor.state, node)] as string,
        parallelIdx: this.#parallelIdx(node),
        item: itemOf(executor, node),
        attempt,
        idempotencyKey: `${header.runId}/${id}/${undo ? "undo/" : ""}${attempt}`,
        params: header.params,
        input: what.input,
        output: undo ? values.output(node) : undefined,
        error: undo ? values.failure(node) : undefined,
        outcome: undo ? OUTCOMES[state.outcome[node] as number] : undefined,
        previousStillRunning: (this.#live.get(id) ?? 0) > 0,
        fencingTokens: executor.lease.tokens,
      },
      {
        log: (message, details) => this.#log({ node, attempt, undo }, message, details),
        heartbeat: () => this.#heartbeat(node, attempt, undo),
        answered: (answer) => {
          this.#letGo(call, keyOf(node, undo), id);
          this.#post(node, attempt, undo, answer);
        },
      },
      host.limits.outputBytes,
    );
    this.#calls.set(keyOf(node, undo), call);
    this.#live.set(id, (this.#live.get(id) ?? 0) + 1);
    this.#liveTotal++;
    call.start(action);
  }

  /** The call is over: it no longer counts as running. */
  #letGo(call: Call, key: number, id: string): void {
    if (this.#calls.get(key) === call) this.#calls.delete(key);
    const left = (this.#live.get(id) as number) - 1;
    if (left === 0) this.#live.delete(id);
    else this.#live.set(id, left);
    if (--this.#liveTotal === 0) this.#onIdle?.();
  }

  #post(node: number, attempt: number, undo: boolean, answer: Answer): void {
    const executor = this.#executor;
    const at = executor.now();
    const resolution = this.#recovery.answered(keyOf(node, undo), attempt, answer.ok);
    if (!answer.ok && answer.thrown instanceof Unverified) {
      this.#lose(node, attempt, undo, answer.thrown.message);
      return;
    }
    if (answer.ok) {
      const told = answer.output === undefined || undo ? resolution : { output: answer.output, ...resolution };
      if ("output" in told && executor.host.actions.haveSecrets) declareSecrets(executor, node, told);
      const payload = Object.keys(told).length === 0 ? {} : { payload: told };
      executor.post({ input: { kind: undo ? "undone" : "succeeded", at, node, attempt }, ...payload });
      return;
    }
    const details = executor.program.detailsOf(homeOf(executor.state, node));
    const failure = failureOf(answer.thrown, undo ? details.compensationNonRetryable : details.nonRetryable);
    const { retryable } = failure;
    const kind = undo ? "undo-failed" : "failed";
    executor.post({ input: { kind, at, node, attempt, retryable }, payload: { error: { ...failure }, ...resolution } });
  }

  /** Of a member; else the plan's label (R20). */
  #parallelIdx(node: number): number {
    const { state, program } = this.#executor;
    const idx = parallelIdxOf(state, node);
    return idx >= 0 ? idx : (program.document.nodes[homeOf(this.#executor.state, node)]?.parallelIdx ?? -1);
  }

  #abort(node: number, cause: number, undo: boolean): void {
    const { code, message } = stoppedFailure(cause, 0);
    const reason = new AbortReason(code, message);
    if (!undo) this.#waiting.abort(node, reason);
    this.#calls.get(keyOf(node, undo))?.abort(reason);
  }

  #log(said: { node: number; attempt: number; undo: boolean }, message: string, details: Json | undefined): void {
    const { emitter, header, host, secrets } = this.#executor;
    const { runId } = header;
    const at = this.#executor.now();
    const { attempt, undo } = said;
    const by = { nodeId: nodeId(this.#executor, said.node), attempt, ...(undo ? { compensation: true as const } : {}) };
    const line = { runId, ...by, at, message: secrets.text(message) };
    const json = jsonValue(details, LARGEST_DETAILS);
    const kept = secrets.mask(json.ok ? json.value : { unreadable: json.message });
    host.journal.log([kept === undefined ? line : { ...line, details: kept }]);
    if (emitter.wants("node:log")) emitter.emit("node:log", { ...line, details: secrets.any ? kept : details });
  }

  /** Pushes the heartbeat deadline on; not journaled, a crash ends the attempt anyway. */
  #heartbeat(node: number, attempt: number, undo: boolean): void {
    const { program, state } = this.#executor;
    const timeoutMs = program.compiled.kinds.heartbeatTimeoutMs[kindOf(state, node)] as number;
    if (undo || timeoutMs === 0 || state.attempt[node] !== attempt) return;
    if (!this.#deadlines.has(node * KINDS + Deadline.HEARTBEAT)) return;
    this.#arm(node, attempt, Deadline.HEARTBEAT, this.#executor.now() + timeoutMs);
  }

  #arm(node: number, token: number, kind: number, at: number): void {
    const key = node * KINDS + kind;
    this.#disarm(node, kind);
    const deadline = DEADLINES[kind] as DeadlineKind;
    const fire = (): void => {
      this.#deadlines.delete(key);
      this.#executor.post({ input: { kind: "due", at: this.#executor.now(), deadline, node, token } });
    };
    this.#deadlines.set(key, this.#executor.host.timers.arm(at, fire));
  }

  #disarm(node: number, kind: number): void {
    const key = node * KINDS + kind;
    const armed = this.#deadlines.get(key);
    if (armed === undefined) return;
    this.#deadlines.delete(key);
    this.#executor.host.timers.disarm(armed);
  }
}

function expressionFailure(where: string, message: string): NonRetryable {
  return new NonRetryable(`${where}: ${message}`, { code: "EXPRESSION_FAILED" });
}
