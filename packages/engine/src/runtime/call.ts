/**
 * One call of an action: a forward attempt or a compensation's. Owns: the context, the abort signal, schemas of input
 * and output, turning whatever happens into one answer. Does not own: what the answer means (the core decides).
 *
 * C1 (R25): a call answers exactly once, even after it was aborted; the core tells late answers apart.
 * C2 (R28): the context belongs to this call alone; its values are copies.
 */
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { NonRetryable } from "../errors.ts";
import type { Json } from "../plan/document.ts";
import type { ActionContext, ActionDefinition, NodeFailure, Outcome } from "./api.ts";
import { jsonValue } from "./json-value.ts";

/** What the executor tells a call about its attempt: all of the context that the call does not make itself. */
export type CallFacts = Omit<ActionContext<Json | undefined>, "signal" | "log" | "heartbeat">;

/** How a call ended. */
export type Answer =
  | { readonly ok: true; readonly output: Json | undefined }
  | { readonly ok: false; readonly thrown: unknown };

/** `signal.reason` of an aborted call; `code` is that of the failure: TIMEOUT, CANCELED, ... */
export class AbortReason extends Error {
  override readonly name = "AbortError";
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** What the executor does for a call. */
export interface CallHost {
  log(message: string, details: Json | undefined): void;
  heartbeat(): void;
  answered(answer: Answer): void;
}

export class Call implements ActionContext<unknown> {
  readonly runId: string;
  readonly nodeId: string;
  readonly parallelIdx: number;
  readonly item: Json | undefined;
  readonly attempt: number;
  readonly idempotencyKey: string;
  readonly params: Readonly<Record<string, Json>>;
  input: unknown;
  readonly output: Json | undefined;
  readonly error: NodeFailure | undefined;
  readonly outcome: Outcome | undefined;
  readonly previousStillRunning: boolean;
  readonly fencingTokens: Readonly<Record<string, number>>;
  readonly #host: CallHost;
  readonly #maxOutputBytes: number;
  /** Made when the action first reads `signal`: an AbortController costs more than all the rest of a call. */
  #controller: AbortController | undefined;
  #abortReason: AbortReason | undefined;

  constructor(facts: CallFacts, host: CallHost, maxOutputBytes: number) {
    this.runId = facts.runId;
    this.nodeId = facts.nodeId;
    this.parallelIdx = facts.parallelIdx;
    this.item = facts.item;
    this.attempt = facts.attempt;
    this.idempotencyKey = facts.idempotencyKey;
    this.params = facts.params;
    this.input = facts.input;
    this.output = facts.output;
    this.error = facts.error;
    this.outcome = facts.outcome;
    this.previousStillRunning = facts.previousStillRunning;
    this.fencingTokens = facts.fencingTokens;
    this.#host = host;
    this.#maxOutputBytes = maxOutputBytes;
    // Actions destructure their context: `({ log, heartbeat }) => ...`.
    this.log = this.log.bind(this);
    this.heartbeat = this.heartbeat.bind(this);
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#abortReason !== undefined) this.#controller.abort(this.#abortReason);
    }
    return this.#controller.signal;
  }

  log(message: string, details?: Json): void {
    this.#host.log(String(message), details);
  }

  heartbeat(): void {
    this.#host.heartbeat();
  }

  /** Asks the action to let go; its `signal.reason` says why. */
  abort(reason: AbortReason): void {
    this.#abortReason = reason;
    this.#controller?.abort(reason);
  }

  /** Runs the action and answers, at once for a synchronous one. */
  start(action: ActionDefinition): void {
    let pending: unknown;
    let later: boolean;
    try {
      pending = action.input === undefined ? action.run(this) : this.#checkedRun(action, action.input);
      later = isThenable(pending);
    } catch (thrown) {
      this.#host.answered({ ok: false, thrown });
      return;
    }
    if (!later) {
      this.#finish(action, pending);
      return;
    }
    Promise.resolve(pending).then(
      (output) => this.#finish(action, output),
      (thrown: unknown) => this.#host.answered({ ok: false, thrown }),
    );
  }

  async #checkedRun(action: ActionDefinition, schema: StandardSchemaV1<unknown, unknown>): Promise<unknown> {
    this.input = await validated(schema, this.input, "INPUT_INVALID", "input");
    return await action.run(this);
  }

  #finish(action: ActionDefinition, output: unknown): void {
    if (action.output === undefined) {
      this.#host.answered(this.#normalized(output));
      return;
    }
    validated(action.output, output, "OUTPUT_INVALID", "output").then(
      (checked) => this.#host.answered(this.#normalized(checked)),
      (thrown: unknown) => this.#host.answered({ ok: false, thrown }),
    );
  }

  /** Outputs are JSON: the same in memory, in a journal, and after a crash. */
  #normalized(output: unknown): Answer {
    const json = jsonValue(output, this.#maxOutputBytes);
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
