/**
 * The public face of a run. Owns: arguments and results of verbs, listeners. Every verb resolves once it is durable
 * (R39) with the run as it then stands; a repeated request id changes nothing (R37).
 */
import { type VerbInput, WHOLE_RUN } from "../core/index.ts";
import type { Json } from "../plan/document.ts";
import type { AnyRunEvent, Run, RunEventMap, RunEventName, RunSnapshot, VerbOptions } from "./api.ts";
import type { Executor } from "./executor.ts";
import { jsonArgument } from "./json-value.ts";
import { declareSecrets } from "./secret-outputs.ts";
import { snapshotOf } from "./snapshot.ts";
import {
  checkVerbOptions,
  checkWordOptions,
  nodeArgument,
  rejection,
  requestMismatch,
  requestText,
  rollbackInput,
  verbPayload,
} from "./verbs.ts";

const DONE: Promise<void> = Promise.resolve();

export class RunHandle implements Run {
  readonly id: string;
  #executor: Executor;
  /** What was asked under each request id, and its answer. */
  readonly #requests = new Map<string, { readonly request: string; readonly done: Promise<void> }>();

  constructor(executor: Executor) {
    this.id = executor.header.runId;
    this.#executor = executor;
    this.adopt(executor);
  }

  /** The run goes on in another executor, after recovery. What was asked of it before stays asked (R37). */
  adopt(executor: Executor): void {
    this.#executor = executor;
    for (const [id, request] of executor.requests) this.#requests.set(id, { request, done: DONE });
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
    return snapshotOf(this.#executor);
  }

  async settled(): Promise<RunSnapshot> {
    await this.#executor.rested();
    return this.snapshot();
  }

  async retry(options: { node?: string } & VerbOptions = {}): Promise<RunSnapshot> {
    checkVerbOptions("retry", options, ["node"]);
    const at = this.#executor.now();
    return await this.#verb({ kind: "retry", at, node: this.#nodeOrRun(options.node) }, options);
  }

  async skip(node: string, options: { output?: Json } & VerbOptions = {}): Promise<RunSnapshot> {
    checkVerbOptions("skip", options, ["output"]);
    const input = { kind: "skip", at: this.#executor.now(), node: nodeArgument(this.#executor, node) } as const;
    const output = jsonArgument(options.output, "output", this.#executor.host.limits.outputBytes);
    const more = output === undefined ? {} : { output };
    return await this.#verb(input, options, more);
  }

  async cancel(options: { node?: string } & VerbOptions = {}): Promise<RunSnapshot> {
    checkVerbOptions("cancel", options, ["node"]);
    const at = this.#executor.now();
    return await this.#verb({ kind: "cancel", at, node: this.#nodeOrRun(options.node) }, options);
  }

  async rollback(options: { to?: string } & VerbOptions = {}): Promise<RunSnapshot> {
    checkVerbOptions("rollback", options, ["to"]);
    return await this.#verb(rollbackInput(this.#executor, options.to), options);
  }

  async skipRollback(node: string, options: VerbOptions = {}): Promise<RunSnapshot> {
    checkVerbOptions("skipRollback", options, []);
    const at = this.#executor.now();
    return await this.#verb({ kind: "skip-rollback", at, node: nodeArgument(this.#executor, node) }, options);
  }

  async pause(options: VerbOptions = {}): Promise<RunSnapshot> {
    checkVerbOptions("pause", options, []);
    return await this.#verb({ kind: "pause", at: this.#executor.now() }, options);
  }

  async resume(options: VerbOptions = {}): Promise<RunSnapshot> {
    checkVerbOptions("resume", options, []);
    return await this.#verb({ kind: "resume", at: this.#executor.now() }, options);
  }

  async abandon(options: VerbOptions = {}): Promise<RunSnapshot> {
    checkVerbOptions("abandon", options, []);
    return await this.#verb({ kind: "abandon", at: this.#executor.now() }, options);
  }

  async approve(node: string, options: { who: string } & VerbOptions): Promise<RunSnapshot> {
    checkWordOptions("approve", options);
    const input = { kind: "approve", ...this.#word(node), enough: false } as const;
    return await this.#verb(input, options);
  }

  async reject(node: string, options: { who: string } & VerbOptions): Promise<RunSnapshot> {
    checkWordOptions("reject", options);
    return await this.#verb({ kind: "reject", ...this.#word(node) }, options, { error: rejection(options) });
  }

  async signal(node: string, options: { output?: Json } & VerbOptions = {}): Promise<RunSnapshot> {
    checkVerbOptions("signal", options, ["output"]);
    const output = jsonArgument(options.output, "output", this.#executor.host.limits.outputBytes);
    return await this.#verb({ kind: "signal", ...this.#word(node) }, options, output === undefined ? {} : { output });
  }

  #word(node: string): { at: number; node: number } {
    return { at: this.#executor.now(), node: nodeArgument(this.#executor, node) };
  }

  #nodeOrRun(node: string | undefined): number {
    return node === undefined ? WHOLE_RUN : nodeArgument(this.#executor, node);
  }

  async #verb(input: VerbInput, options: VerbOptions, more?: Readonly<Record<string, Json>>): Promise<RunSnapshot> {
    const { requestId } = options;
    const payload = verbPayload(options, more);
    if (more?.["output"] !== undefined && "node" in input) declareSecrets(this.#executor, input.node, payload as Json);
    const repeated = requestId === undefined ? undefined : this.#requests.get(requestId);
    const request = requestText(input, payload);
    if (repeated !== undefined) {
      if (repeated.request !== request) throw this.#executor.secrets.error(requestMismatch(requestId as string));
      await repeated.done;
      return this.snapshot();
    }
    const done = this.#post(input, payload);
    if (requestId !== undefined) {
      this.#requests.set(requestId, { request, done });
      // A refused request left no trace: it may be asked again.
      done.catch(() => this.#requests.delete(requestId));
    }
    await done;
    return this.snapshot();
  }

  #post(input: VerbInput, payload: Json | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const done = (error?: unknown): void => (error === undefined ? resolve() : reject(error));
      this.#executor.post(payload === undefined ? { input, done } : { input, payload, done });
    });
  }
}
