/**
 * One call of an action: a forward attempt or a compensation's. Owns: the context, the abort signal, schemas of input
 * and output, turning whatever happens into one answer. Does not own: what the answer means (the core decides).
 *
 * C1 (R25): a call answers exactly once, even after it was aborted; the core tells late answers apart.
 * C2 (R28): the context belongs to this call alone; its values are copies.
 * Cost: one object; what an action may not ask for (signal, key, bound methods) is made when it does.
 */
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { NonRetryable } from "../errors.ts";
import type { Json } from "../plan/document.ts";
import type { ActionContext, ActionDefinition, NodeFailure, Outcome } from "./api.ts";
import type { CallSlots } from "./call-slots.ts";
import type { CalledAttempt } from "./in-flight.ts";
import { jsonValue } from "./json-value.ts";

/** How a call ended. */
export type Answer =
  | { readonly ok: true; readonly output: Json | undefined }
  | { readonly ok: false; readonly thrown: unknown };

/** Most calls answer nothing. */
const DONE: Answer = { ok: true, output: undefined };

/** `signal.reason` of an aborted call; `code` is that of the failure: TIMEOUT, CANCELED, ... */
export class AbortReason extends Error {
  override readonly name = "AbortError";
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** What all calls of a run have in common. */
export interface CallHost {
  readonly runId: string;
  readonly params: Readonly<Record<string, Json>>;
  readonly fencingTokens: Readonly<Record<string, number>>;
  readonly maxOutputBytes: number;
  readonly slots: CallSlots;
  /** The id of the call's node as people see it, `g[0]` of a member. */
  shownId(call: Call): string;
  log(call: Call, message: string, details: Json | undefined): void;
  heartbeat(call: Call): void;
  answered(call: Call, answer: Answer): void;
}

/** Which attempt a call is of, and what its action is told beside what all calls of the run have in common. */
export interface CallFacts extends CalledAttempt {
  readonly nodeId: string;
  readonly parallelIdx: number;
  readonly item: Json | undefined;
  readonly input: Json | undefined;
  readonly previousStillRunning: boolean;
}

/** What a compensation is told beside. */
export interface UndoneFacts {
  readonly output: Json | undefined;
  readonly error: NodeFailure | undefined;
  readonly outcome: Outcome | undefined;
}

export class Call implements ActionContext<unknown> {
  readonly runId: string;
  readonly nodeId: string;
  readonly parallelIdx: number;
  readonly item: Json | undefined;
  readonly attempt: number;
  readonly params: Readonly<Record<string, Json>>;
  input: unknown;
  readonly output: Json | undefined;
  readonly error: NodeFailure | undefined;
  readonly outcome: Outcome | undefined;
  readonly previousStillRunning: boolean;
  readonly fencingTokens: Readonly<Record<string, number>>;
  readonly #host: CallHost;
  readonly #of: CallFacts;
  /** Its place among the calls in flight. */
  #place = -1;
  #action: ActionDefinition | undefined;
  /** Made when the action first reads `signal`: an AbortController costs more than all the rest of a call. */
  #controller: AbortController | undefined;
  #abortReason: AbortReason | undefined;
  #log: ActionContext["log"] | undefined;
  #heartbeat: ActionContext["heartbeat"] | undefined;

  constructor(host: CallHost, facts: CallFacts, undone: UndoneFacts | undefined) {
    this.runId = host.runId;
    this.nodeId = facts.nodeId;
    this.parallelIdx = facts.parallelIdx;
    this.item = facts.item;
    this.attempt = facts.attempt;
    this.params = host.params;
    this.input = facts.input;
    this.output = undone?.output;
    this.error = undone?.error;
    this.outcome = undone?.outcome;
    this.previousStillRunning = facts.previousStillRunning;
    this.fencingTokens = host.fencingTokens;
    this.#host = host;
    this.#of = facts;
  }

  /** For who keeps the calls in flight: the context says nothing of these. */
  static attemptOf(call: Call): CalledAttempt {
    return call.#of;
  }

  static placeOf(call: Call): number {
    return call.#place;
  }

  static putAt(call: Call, place: number): void {
    call.#place = place;
  }

  static isAborted(call: Call): boolean {
    return call.#abortReason !== undefined;
  }

  /** Asks the action to let go; its `signal.reason` says why. */
  static abort(call: Call, reason: AbortReason): void {
    call.#abortReason = reason;
    call.#controller?.abort(reason);
  }

  /** Runs the action and answers, at once for a synchronous one. */
  static start(call: Call, action: ActionDefinition): void {
    call.#start(action);
  }

  /** What the action answered later. */
  static settle(call: Call, output: unknown): void {
    call.#finish(output);
  }

  /** What the action threw later. */
  static fail(call: Call, thrown: unknown): void {
    call.#host.answered(call, { ok: false, thrown });
  }

  get idempotencyKey(): string {
    return `${this.runId}/${this.#host.shownId(this)}/${this.#of.undo ? "undo/" : ""}${this.attempt}`;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#abortReason !== undefined) this.#controller.abort(this.#abortReason);
    }
    return this.#controller.signal;
  }

  // Actions destructure their context: `({ log, heartbeat }) => ...`.
  get log(): ActionContext["log"] {
    this.#log ??= (message, details) => this.#host.log(this, String(message), details);
    return this.#log;
  }

  get heartbeat(): ActionContext["heartbeat"] {
    this.#heartbeat ??= () => this.#host.heartbeat(this);
    return this.#heartbeat;
  }

  #start(action: ActionDefinition): void {
    let pending: unknown;
    let later: boolean;
    this.#action = action;
    try {
      pending = action.input === undefined ? action.run(this) : this.#checkedRun(action, action.input);
      later = pending instanceof Promise || isThenable(pending);
      if (later) this.#host.slots.wait(this, pending as PromiseLike<unknown>);
    } catch (thrown) {
      this.#host.answered(this, { ok: false, thrown });
      return;
    }
    if (!later) this.#finish(pending);
  }

  async #checkedRun(action: ActionDefinition, schema: StandardSchemaV1<unknown, unknown>): Promise<unknown> {
    this.input = await validated(schema, this.input, "INPUT_INVALID", "input");
    return await action.run(this);
  }

  #finish(output: unknown): void {
    const schema = this.#action?.output;
    if (schema === undefined) {
      this.#host.answered(this, this.#normalized(output));
      return;
    }
    validated(schema, output, "OUTPUT_INVALID", "output").then(
      (checked) => this.#host.answered(this, this.#normalized(checked)),
      (thrown: unknown) => this.#host.answered(this, { ok: false, thrown }),
    );
  }

  /** Outputs are JSON: the same in memory, in a journal, and after a crash. */
  #normalized(output: unknown): Answer {
    if (output === undefined) return DONE;
    const json = jsonValue(output, this.#host.maxOutputBytes);
    if (json.ok) return { ok: true, output: json.value };
    const message = `output refused: ${json.message}`;
    return { ok: false, thrown: new NonRetryable(message, { code: "OUTPUT_INVALID" }) };
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}

/** The value as the schema gives it. Fails with NonRetryable, the issues as its message. */
export async function validated(
  schema: StandardSchemaV1<unknown, unknown>,
  value: unknown,
  code: string,
  what: string,
): Promise<unknown> {
  const result = await schema["~standard"].validate(value);
  if (result.issues === undefined) return result.value;
  const issues = result.issues.map((issue) => {
    const path = (issue.path ?? []).map((part) => String(typeof part === "object" ? part.key : part)).join(".");
    return path === "" ? issue.message : `${path}: ${issue.message}`;
  });
  throw new NonRetryable(`${what} refused: ${issues.join("; ")}`, { code });
}
