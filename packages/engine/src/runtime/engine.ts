/**
 * The engine: what an embedder creates once. Owns: the checks before a run starts (R3), the runs it knows, what they
 * share (clock, timers, slots, pools, journal). Does not own: anything of one run after its start (`executor.ts`).
 */
import { randomInt, randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { isTerminal } from "../core/index.ts";
import { BelayError } from "../errors.ts";
import { MemoryJournal } from "../journal/memory.ts";
import type { CreateResult, Journal, JournalListener, Lease, MaybePromise } from "../journal/port.ts";
import type { Plan } from "../plan/document.ts";
import { type Limits, resolveLimits } from "../plan/limits.ts";
import { Actions } from "./actions.ts";
import type { ActionRegistry, Clock, Engine, PoolOptions, Run, StartOptions } from "./api.ts";
import { systemClock } from "./clock.ts";
import { RunEmitter } from "./emitter.ts";
import { Executor } from "./executor.ts";
import type { Host } from "./host.ts";
import { pollAction } from "./poll.ts";
import { Pools, Slots } from "./pools.ts";
import { RunHandle } from "./run.ts";
import { checkStartOptions, isPlan, type PreparedRun, prepareRun } from "./start.ts";
import { SubRuns } from "./sub-run.ts";
import { Timers } from "./timers.ts";

/** What an engine is made of; only `actions` is needed. */
export interface EngineOptions<A extends ActionRegistry = ActionRegistry> {
  /** The code behind the plans' actions, by name. */
  readonly actions: A;
  /** Attempts and compensations at once over all runs, from 1, for nodes without a pool (R41). Default: no limit. */
  readonly concurrency?: number;
  /** Named limits shared by runs, for nodes with `pool` (R41). Default: none. */
  readonly pools?: Readonly<Record<string, PoolOptions>>;
  /** Plans that `belay.plan` may run, by the name it gives. Default: none. */
  readonly plans?: Readonly<Record<string, Plan>>;
  /** Where runs are recorded; closed by `close()`. Default: a new `MemoryJournal`. */
  readonly journal?: Journal;
  /** Source of time. Default: `systemClock`. */
  readonly clock?: Clock;
  /** Milliseconds an aborted attempt is given to let go, from 0 (R26). Default 5000. */
  readonly graceMs?: number;
  /** Limits on parameters, groups and outputs to raise or lower (R4); those on plans are an option of `parsePlan`. */
  readonly limits?: Partial<Limits>;
  /** Gets what listeners of runs throw. Default: a process warning of type BelayListenerWarning. */
  readonly onListenerError?: (error: unknown) => void;
}

const DEFAULT_GRACE_MS = 5000;

/** Creates an engine. Fails with INVALID_ARGUMENT for options that make no sense. */
export async function createEngine<A extends ActionRegistry>(options: EngineOptions<A>): Promise<Engine> {
  checkEngineOptions(options);
  const engine = new LocalEngine(options);
  await engine.open();
  return engine;
}

class LocalEngine implements Engine {
  readonly #host: Host;
  /** Names the engine to the journal, and to who reads it. */
  readonly #name = `${hostname()}:${process.pid}:${randomUUID().slice(0, 8)}`;
  readonly #graceMs: number;
  readonly #onListenerError: (error: unknown) => void;
  readonly #runs = new Map<string, { readonly executor: Executor; readonly handle: RunHandle }>();
  /** Ids of runs that are being journaled. */
  readonly #starting = new Set<string>();
  #closed = false;

  constructor(options: EngineOptions) {
    const { concurrency = Number.POSITIVE_INFINITY, graceMs = DEFAULT_GRACE_MS } = options;
    if (!isLimit(concurrency)) throw invalid(`concurrency must be a whole number from 1 on, not ${concurrency}`);
    if (typeof graceMs !== "number" || !(graceMs >= 0) || !Number.isFinite(graceMs))
      throw invalid(`graceMs must be 0 or more, not ${graceMs}`);
    const clock = options.clock ?? systemClock;
    const slots = new Slots(concurrency);
    const timers = new Timers(clock);
    const plans = new Map(Object.entries(options.plans ?? {}));
    const subRuns = new SubRuns({
      plan: (name) => plans.get(name),
      start: (plan, startOptions) => this.start(plan, startOptions),
      run: (id) => this.run(id),
    });
    const actions: Actions = new Actions(options.actions, {
      "belay.poll": pollAction((name) => actions.get(name), clock),
      "belay.plan": subRuns.action,
    });
    this.#graceMs = graceMs;
    this.#onListenerError = options.onListenerError ?? warn;
    this.#host = {
      actions,
      plans,
      subRuns,
      clock,
      journal: options.journal ?? new MemoryJournal(),
      limits: resolveLimits(options.limits),
      pools: new Pools(options.pools ?? {}, timers, clock),
      slots,
      timers,
      releaseLater: (count) => queueMicrotask(() => slots.release(count)),
      closedError: () => new BelayError("CLOSED", "the engine is closed, or the run has stopped on a fault"),
      faultError: (code, message, cause) =>
        new BelayError(code === "JOURNAL_FAILED" ? "JOURNAL_FAILED" : "INTERNAL", message, {}, cause),
    };
  }

  /** The journal is this engine's to use from here on. */
  async open(): Promise<void> {
    const listener: JournalListener = { lost: () => undefined, orphaned: () => undefined, asked: () => undefined };
    await this.#host.journal.open(this.#name, listener);
  }

  async start(plan: Plan, options: StartOptions = {}): Promise<Run> {
    if (this.#closed) throw this.#host.closedError();
    checkStartOptions(options);
    const prepared = prepareRun(plan, options, this.#host, {
      runId: options.runId ?? randomUUID(),
      seed: options.seed ?? randomInt(2 ** 31),
      graceMs: this.#graceMs,
    });
    const { runId } = prepared.header;
    if (this.#runs.has(runId) || this.#starting.has(runId)) throw invalid(`run id ${runId} is in use`);
    this.#starting.add(runId);
    try {
      return await this.#startPrepared(prepared);
    } finally {
      this.#starting.delete(runId);
    }
  }

  async #startPrepared(prepared: PreparedRun): Promise<Run> {
    const created = await this.#create(prepared);
    if (created.kind === "locked") throw lockedError(created.resource, created.heldBy);
    if (created.kind === "existing") return this.#existing(created.runId, created.requestHash, prepared);
    return await this.#begin(prepared, created.lease);
  }

  run(id: string): Run | undefined {
    return this.#runs.get(id)?.handle;
  }

  runs(): readonly Run[] {
    return [...this.#runs.values()].map(({ handle }) => handle);
  }

  forget(id: string): void {
    const run = this.#runs.get(id);
    if (run === undefined) throw new BelayError("NOT_FOUND", `no run ${id}`);
    const { status } = run.executor.state;
    if (!isTerminal(status) && run.executor.fault === null) {
      const allowedIn = ["SUCCESSFUL", "ROLLED_BACK", "ABANDONED"];
      throw new BelayError("STATE_INVALID", `run ${id} is ${status}; only an ended run can be forgotten`, {
        allowedIn,
      });
    }
    this.#runs.delete(id);
    this.#inBackground(() => this.#host.journal.remove(id));
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#host.pools.close();
    await Promise.all([...this.#runs.values()].map(({ executor }) => executor.close()));
    this.#host.timers.clear();
    await this.#host.journal.close(this.#name);
  }

  async #begin(prepared: PreparedRun, lease: Lease): Promise<Run> {
    const { header, program } = prepared;
    const executor = new Executor({ header, program, lease }, this.#host, new RunEmitter(this.#onListenerError));
    const handle = new RunHandle(executor);
    this.#runs.set(header.runId, { executor, handle });
    try {
      if (this.#closed) throw this.#host.closedError();
      await executor.open();
      if (this.#closed) throw this.#host.closedError();
    } catch (error) {
      this.#runs.delete(header.runId);
      // A run that was never acknowledged holds no lock and no client token.
      this.#inBackground(() => this.#host.journal.remove(header.runId));
      if (error instanceof BelayError && error.code === "CLOSED") throw error;
      throw this.#host.faultError("JOURNAL_FAILED", `run ${header.runId} could not be journaled`, error);
    }
    // A turn later: listeners attached in the tick in which `start` resolves miss nothing.
    setImmediate(() => executor.begin());
    return handle;
  }

  #existing(runId: string, requestHash: string, prepared: PreparedRun): Run {
    const token = prepared.header.clientToken;
    if (requestHash !== prepared.header.requestHash) {
      throw new BelayError(
        "IDEMPOTENT_PARAMETER_MISMATCH",
        `client token "${token}" was used for another request (run ${runId}); use a new token`,
        { runId },
      );
    }
    const run = this.#runs.get(runId);
    if (run === undefined)
      throw new BelayError("NOT_FOUND", `run ${runId} of client token "${token}" is not in this engine`);
    return run.handle;
  }

  async #create(prepared: PreparedRun): Promise<CreateResult> {
    try {
      return await this.#host.journal.create(this.#name, prepared.header, prepared.locks);
    } catch (error) {
      throw this.#host.faultError("JOURNAL_FAILED", `run ${prepared.header.runId} could not be journaled`, error);
    }
  }

  /** Housekeeping of the journal: a failure is reported, nobody waits for it. */
  #inBackground(work: () => MaybePromise<void>): void {
    try {
      Promise.resolve(work()).catch(this.#onListenerError);
    } catch (error) {
      this.#onListenerError(error);
    }
  }
}

/** A whole number from 1 on, or no limit. */
function isLimit(value: unknown): boolean {
  return value === Number.POSITIVE_INFINITY || (typeof value === "number" && Number.isInteger(value) && value >= 1);
}

const OPTION_NAMES: ReadonlySet<string> = new Set([
  "actions",
  "concurrency",
  "pools",
  "plans",
  "journal",
  "clock",
  "graceMs",
  "limits",
  "onListenerError",
] satisfies readonly (keyof EngineOptions)[]);

const JOURNAL_METHODS: readonly (keyof Journal)[] = [
  "open",
  "create",
  "claim",
  "append",
  "release",
  "read",
  "list",
  "ask",
  "takeRequests",
  "answer",
  "answerTo",
  "log",
  "logs",
  "remove",
  "close",
];

function checkEngineOptions(options: unknown): void {
  if (typeof options !== "object" || options === null) throw invalid("createEngine needs options: { actions }");
  const unknown = Object.keys(options).find((name) => !OPTION_NAMES.has(name));
  if (unknown !== undefined) {
    throw invalid(`there is no option "${unknown}"; there are ${[...OPTION_NAMES].join(", ")}`);
  }
  const { actions, clock, journal, plans } = options as Record<string, unknown>;
  if (clock !== undefined && !hasMethods(clock, ["now", "schedule"])) throw invalid("clock must have now and schedule");
  for (const [name, plan] of Object.entries(plans ?? {})) {
    if (!isPlan(plan)) throw invalid(`plans.${name} must be a plan made by definePlan, parsePlan or importOcpTask`);
  }
  if (journal !== undefined && !hasMethods(journal, JOURNAL_METHODS)) {
    throw invalid("journal must be a Journal");
  }
  const isRegistry =
    typeof actions === "object" && actions !== null && !Array.isArray(actions) && !(actions instanceof Map);
  if (!isRegistry) throw invalid("actions must be an object with the plans' actions by name");
}

function hasMethods(value: unknown, names: readonly string[]): boolean {
  if (typeof value !== "object" || value === null) return false;
  return names.every((name) => typeof (value as Record<string, unknown>)[name] === "function");
}

function warn(error: unknown): void {
  const text = error instanceof Error ? (error.stack ?? error.message) : Object.prototype.toString.call(error);
  process.emitWarning(`a listener of a run threw: ${text}`, "BelayListenerWarning");
}

function lockedError(resource: string, heldBy: string): BelayError {
  const text = `"${resource}" is locked by run ${heldBy}; wait for it to end, roll it back, or abandon it`;
  return new BelayError("LOCKED", text, { resource, heldBy });
}

function invalid(message: string): BelayError {
  return new BelayError("INVALID_ARGUMENT", `engine: ${message}`);
}
