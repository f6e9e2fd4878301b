/**
 * The public face of a run. Owns: results of verbs, request ids, listeners; arguments are read in `request.ts`. Every verb
 * resolves once it is durable (R39) with the run as it then stands; a repeated request id changes nothing (R37).
 */
import type { VerbInput } from "../core/index.ts";
import type { Json } from "../plan/document.ts";
import type { AnyRunEvent, Run, RunEventMap, RunEventName, RunSnapshot, VerbOptions } from "./api.ts";
import type { Executor } from "./executor.ts";
import type { Preview, VerbRequest } from "./preview.ts";
import { previewOf } from "./preview-answer.ts";
import { askedText, requestOf, type VerbName } from "./request.ts";
import { declareSecrets } from "./secret-outputs.ts";
import { snapshotOf } from "./snapshot.ts";
import { requestMismatch, verbPayload } from "./verbs.ts";

const DONE: Promise<void> = Promise.resolve();

export class RunHandle implements Run {
  readonly id: string;
  #executor: Executor;
  /** What was asked under each request id, one of these, and its answer. */
  readonly #requests = new Map<string, { readonly requests: readonly string[]; readonly done: Promise<void> }>();

  constructor(executor: Executor) {
    this.id = executor.header.runId;
    this.#executor = executor;
    this.adopt(executor);
  }

  /** The run goes on in another executor, after recovery. What was asked of it before stays asked (R37). */
  adopt(executor: Executor): void {
    this.#executor = executor;
    for (const [id, requests] of executor.requests) this.#requests.set(id, { requests, done: DONE });
  }

  on<K extends RunEventName>(type: K, listener: (event: RunEventMap[K]) => void): this {
    this.#executor.emitter.on(type, listener);
    return this;
  }

  once<K extends RunEventName>(type: K, listener: (event: RunEventMap[K]) => void): this {
    this.#executor.emitter.once(type, listener);
    return this;
  }

  off<K extends RunEventName>(type: K, listener: (event: RunEventMap[K]) => void): this {
    this.#executor.emitter.off(type, listener);
    return this;
  }

  events(): AsyncIterableIterator<AnyRunEvent> {
    return this.#executor.emitter.read();
  }

  snapshot(): RunSnapshot {
    const { fault, standing } = this.#executor;
    const snapshot = snapshotOf(this.#executor);
    // What could not be journaled is not what the run came to (R39).
    return fault === null ? snapshot : { ...snapshot, status: standing };
  }

  async settled(): Promise<RunSnapshot> {
    await this.#executor.rested();
    return this.snapshot();
  }

  async retry(options: { node?: string } & VerbOptions = {}): Promise<RunSnapshot> {
    return await this.#verb("retry", options);
  }

  async skip(node: string, options: { output?: Json } & VerbOptions = {}): Promise<RunSnapshot> {
    return await this.#verb("skip", options, node);
  }

  async cancel(options: { node?: string } & VerbOptions = {}): Promise<RunSnapshot> {
    return await this.#verb("cancel", options);
  }

  async rollback(options: { to?: string } & VerbOptions = {}): Promise<RunSnapshot> {
    return await this.#verb("rollback", options);
  }

  async skipRollback(node: string, options: VerbOptions = {}): Promise<RunSnapshot> {
    return await this.#verb("skipRollback", options, node);
  }

  async pause(options: VerbOptions = {}): Promise<RunSnapshot> {
    return await this.#verb("pause", options);
  }

  async resume(options: VerbOptions = {}): Promise<RunSnapshot> {
    return await this.#verb("resume", options);
  }

  async abandon(options: VerbOptions = {}): Promise<RunSnapshot> {
    return await this.#verb("abandon", options);
  }

  async approve(node: string, options: { who: string } & VerbOptions): Promise<RunSnapshot> {
    return await this.#verb("approve", options, node);
  }

  async reject(node: string, options: { who: string } & VerbOptions): Promise<RunSnapshot> {
    return await this.#verb("reject", options, node);
  }

  async signal(node: string, options: { output?: Json } & VerbOptions = {}): Promise<RunSnapshot> {
    return await this.#verb("signal", options, node);
  }

  preview(request: VerbRequest): Preview {
    return previewOf(this.#executor, request);
  }

  async #verb(verb: VerbName, options: VerbOptions, id?: string): Promise<RunSnapshot> {
    const executor = this.#executor;
    const request = askedText(executor, verb, options, id);
    const { requestId } = options;
    const repeated = requestId === undefined ? undefined : this.#requests.get(requestId);
    if (repeated !== undefined) {
      if (!repeated.requests.includes(request)) throw executor.secrets.error(requestMismatch(requestId as string));
      await repeated.done;
      return this.snapshot();
    }
    const { input, more } = requestOf(executor, verb, options, id);
    const payload = verbPayload(options, more);
    if (more["output"] !== undefined && "node" in input) declareSecrets(executor, input.node, payload as Json);
    const done = this.#post(input, payload);
    if (requestId !== undefined) {
      this.#requests.set(requestId, { requests: [request], done });
      // A refused request left no trace: it may be asked again.
      done.catch(() => this.#requests.delete(requestId));
    }
    await done;
    return this.snapshot();
  }

  #post(input: VerbInput, payload: Json | undefined): Promise<void> {
    // A verb is judged by its time: what is due by then has passed, though a timer may be late (R26).
    this.#executor.host.timers.passDue();
    return new Promise((resolve, reject) => {
      const done = (error?: unknown): void => (error === undefined ? resolve() : reject(error));
      this.#executor.post(payload === undefined ? { input, done } : { input, payload, done });
    });
  }
}
