/**
 * The engine: what an embedder creates once. Owns: the checks before a run starts (R3), the runs it knows, what they
 * share (clock, timers, slots, pools, journal). Does not own: anything of one run after its start (`executor.ts`).
 */
import { randomInt, randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { BelayError } from "../errors.ts";
import { MemoryJournal } from "../journal/memory.ts";
import type { CreateResult, Lease, MaybePromise, ParentAttempt } from "../journal/port.ts";
import type { Plan } from "../plan/document.ts";
import { resolveLimits } from "../plan/limits.ts";
import { Actions } from "./actions.ts";
import type { ActionRegistry, Run } from "./api.ts";
import { systemClock } from "./clock.ts";
import type { Engine, RecoverOptions, StartOptions } from "./engine-api.ts";
import { checkEngineOptions, checkRecoverOptions, type EngineOptions, invalid } from "./engine-options.ts";
import type { Host } from "./host.ts";
import { journalFault } from "./journal-answer.ts";
import { KnownRuns, type Recovered } from "./known-runs.ts";
import { pollAction } from "./poll.ts";
import { OwnPool, Pools, Slots } from "./pools.ts";
import type { RefusedRun } from "./recovery.ts";
import { SealKeys } from "./seal-keys.ts";
import { SharedPool, sharesSlots } from "./shared-pool.ts";
import { checkStartOptions, type PreparedRun, prepareRun, sameRequest } from "./start.ts";
import { SubRuns } from "./sub-run.ts";
import { Timers } from "./timers.ts";

const DEFAULT_GRACE_MS = 5000;

/** Creates an engine. Fails with INVALID_ARGUMENT for options that make no sense. */
export async function createEngine<A extends ActionRegistry>(options: EngineOptions<A>): Promise<Engine> {
  checkEngineOptions(options);
  const engine = new LocalEngine(options);
  try {
    await engine.open();
  } catch (error) {
    // Nobody has it to close it: its journal would stay in use.
    await engine.close().catch(() => undefined);
    throw error;
  }
  return engine;
}

class LocalEngine implements Engine {
  readonly #host: Host;
  /** Names the engine to the journal, and to who reads it. */
  readonly #name = `${hostname()}:${process.pid}:${randomUUID().slice(0, 8)}`;
  readonly #graceMs: number;
  readonly #onListenerError: (error: unknown) => void;
  readonly #onRefusedRun: (refused: RefusedRun) => void;
  readonly #recovers: boolean;
  readonly #runs: KnownRuns;
  #closed = false;

  constructor(options: EngineOptions) {
    const { concurrency = Number.POSITIVE_INFINITY, graceMs = DEFAULT_GRACE_MS } = options;
    const { clock = systemClock, journal = new MemoryJournal() } = options;
    const slots = new Slots(concurrency);
    const timers = new Timers(clock);
    const plans = new Map(Object.entries(options.plans ?? {}));
    const subRuns = new SubRuns({
      plan: (name) => plans.get(name),
      start: (plan, startOptions, parent) => this.#startAs(plan, startOptions, parent),
      run: (id) => this.run(id),
      facts: (id) => this.#runs.executor(id),
    });
    const actions: Actions = new Actions(options.actions, {
      "belay.poll": pollAction((name) => actions.get(name), clock),
      "belay.plan": subRuns.action,
    });
    this.#graceMs = graceMs;
    this.#onListenerError = options.onListenerError ?? warn;
    this.#onRefusedRun = options.onRefusedRun ?? warnOfRefusal;
    this.#recovers = options.recover ?? true;
    this.#host = {
      actions,
      plans,
      subRuns,
      clock,
      journal,
      keys: new SealKeys(options.secrets),
      limits: resolveLimits(options.limits),
      pools: new Pools(options.pools ?? {}, (name, pool) =>
        sharesSlots(journal)
          ? new SharedPool(name, pool, { engine: this.#name, journal, timers, now: () => clock.now() })
          : new OwnPool(pool, timers, clock),
      ),
      slots,
      timers,
      releaseLater: (count) => queueMicrotask(() => slots.release(count)),
      closedError: () => new BelayError("CLOSED", "the engine is closed, or the run has stopped on a fault"),
      faultError: (code, message, cause) => new BelayError(code, message, {}, cause),
    };
    this.#runs = new KnownRuns(this.#name, this.#host, this.#onListenerError);
  }

  /** The journal is this engine's to use from here on; runs that nobody executes are taken up. */
  async open(): Promise<void> {
    await this.#host.journal.open(this.#name, {
      lost: (runIds) => this.#runs.lose(runIds),
      orphaned: (runIds) => this.#takeOver(runIds),
      asked: () => this.#runs.serveRequests(),
      slotsFree: () => this.#host.pools.slotsFree(),
    });
    if (!this.#recovers) return;
    const { refused } = await this.recover();
    for (const one of refused) this.#onRefusedRun(one);
  }

  async start(plan: Plan, options: StartOptions = {}): Promise<Run> {
    return await this.#startAs(plan, options, null);
  }

  async #startAs(plan: Plan, options: StartOptions, parent: ParentAttempt | null): Promise<Run> {
    if (this.#closed) throw this.#host.closedError();
    checkStartOptions(options);
    const prepared = prepareRun(plan, options, this.#host, {
      runId: options.runId ?? randomUUID(),
      seed: options.seed ?? randomInt(2 ** 31),
      graceMs: this.#graceMs,
      parent,
      texts: parent === null ? undefined : this.#runs.executor(parent.runId)?.secrets.texts,
    });
    const { runId } = prepared.header;
    // The same request again, with the id it had: its client token says so (R43). The first one may be under way.
    while (options.clientToken !== undefined && this.#runs.isHeld(runId)) await this.#runs.free(runId);
    const repeats = options.clientToken !== undefined && this.#runs.tokenOf(runId) === options.clientToken;
    const inUse = this.run(runId) !== undefined || this.#runs.isHeld(runId);
    if (inUse && !repeats) throw invalid(`run id ${runId} is in use`);
    const letGo = this.#runs.hold(runId);
    try {
      const created = await this.#create(prepared);
      if (created.kind === "locked") throw lockedError(created.resource, created.heldBy);
      // Nothing is started: the run may be taken up, which the start would keep others from.
      if (created.kind !== "created") letGo();
      if (created.kind === "existing") return await this.#existing(created.runId, created.requestHash, prepared);
      return await this.#begin(prepared, created.lease);
    } finally {
      letGo();
    }
  }

  run(id: string): Run | undefined {
    return this.#runs.get(id);
  }

  async find(id: string): Promise<Run | undefined> {
    if (this.#closed) throw this.#host.closedError();
    return await this.#runs.find(id);
  }

  runs(): readonly Run[] {
    return this.#runs.list();
  }

  async recover(options: RecoverOptions = {}): Promise<Recovered> {
    if (this.#closed) throw this.#host.closedError();
    checkRecoverOptions(options);
    const expected = options.plans && new Map(options.plans.map((plan) => [plan.document.name, plan]));
    const { runs, secrets, giveUp } = options;
    const recovered = await this.#runs.recover(runs, { expected, secrets, giveUp });
    this.#runs.forgive(recovered.runs);
    return recovered;
  }

  refused(): readonly RefusedRun[] {
    return this.#runs.refused();
  }

  /** Runs that another engine has left. */
  #takeOver(runIds: readonly string[]): void {
    if (!this.#recovers || this.#closed) return;
    const left = this.#runs.toTakeOver(runIds);
    if (left.length === 0) return;
    const report = (refused: readonly RefusedRun[]): void => {
      // Another engine was faster: that is no fault.
      for (const one of refused) if (one.error.code !== "FENCED") this.#onRefusedRun(one);
    };
    this.#runs.takeOver(left).then(
      ({ refused }) => report(refused),
      (error: unknown) => {
        if (!this.#closed) this.#onListenerError(error);
      },
    );
  }

  forget(id: string): void {
    if (this.#runs.forget(id)) this.#inBackground(() => this.#host.journal.remove(id));
  }

  async prune({ endedBefore }: { readonly endedBefore: number }): Promise<number> {
    if (this.#closed) throw this.#host.closedError();
    if (!Number.isFinite(endedBefore)) throw invalid("prune needs endedBefore, a time in epoch milliseconds");
    return await this.#runs.prune(endedBefore);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#host.pools.close();
    this.#host.slots.close();
    await this.#runs.close();
    this.#host.timers.clear();
    await this.#host.journal.close(this.#name);
  }

  async #begin(prepared: PreparedRun, lease: Lease): Promise<Run> {
    const { header, program, secrets } = prepared;
    const executor = this.#runs.put({ header, program, secrets, lease });
    try {
      if (this.#closed) throw this.#host.closedError();
      await executor.open();
      if (this.#closed) throw this.#host.closedError();
    } catch (error) {
      this.#runs.drop(header.runId);
      // A run that was never acknowledged holds no lock and no client token.
      this.#inBackground(() => this.#host.journal.remove(header.runId));
      if (error instanceof BelayError && error.code === "CLOSED") throw error;
      throw this.#host.faultError(journalFault(error), `run ${header.runId} could not be journaled`, error);
    }
    // A turn later: listeners attached in the tick in which `start` resolves miss nothing.
    setImmediate(() => executor.begin());
    return this.run(header.runId) as Run;
  }

  /** The run of a client token that was used before: one of this engine, or one that it can take up or read (R43). */
  async #existing(runId: string, requestHash: string, prepared: PreparedRun): Promise<Run> {
    const token = prepared.header.clientToken;
    const isSame = requestHash === prepared.header.requestHash;
    // A hash made with another key tells nothing: the runs themselves are compared.
    if (!isSame && prepared.recorded.sealed === true) await this.#runs.find(runId).catch(unlessSecretMissing);
    if (!isSame && !sameRequest(prepared, this.#runs.executor(runId))) {
      throw new BelayError(
        "IDEMPOTENT_PARAMETER_MISMATCH",
        `client token "${token}" was used for another request (run ${runId}); use a new token`,
        { runId },
      );
    }
    const run = await this.#runs.find(runId);
    if (run === undefined)
      throw new BelayError("NOT_FOUND", `run ${runId} of client token "${token}" is not there any more`);
    return run;
  }

  async #create(prepared: PreparedRun): Promise<CreateResult> {
    try {
      return await this.#host.journal.create(this.#name, prepared.recorded, prepared.locks);
    } catch (error) {
      throw this.#host.faultError(journalFault(error), `run ${prepared.header.runId} could not be journaled`, error);
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

function warn(error: unknown): void {
  const text = error instanceof Error ? (error.stack ?? error.message) : Object.prototype.toString.call(error);
  process.emitWarning(`a listener of a run threw: ${text}`, "BelayListenerWarning");
}

function warnOfRefusal({ runId, error }: RefusedRun): void {
  process.emitWarning(`run ${runId} was not taken up: ${error.message}`, "BelayRecoveryWarning", error.code);
}

function unlessSecretMissing(error: unknown): void {
  if (error instanceof BelayError && error.code === "SECRET_MISSING") throw error;
}

function lockedError(resource: string, heldBy: string): BelayError {
  const text = `"${resource}" is locked by run ${heldBy}; wait for it to end, roll it back, or abandon it`;
  return new BelayError("LOCKED", text, { resource, heldBy });
}
