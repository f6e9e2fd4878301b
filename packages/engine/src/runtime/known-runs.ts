/**
 * The runs an engine has (R42, R44): started here, or taken up from the journal. Owns: which runs are taken up, that a run
 * is claimed before anything of it moves, what becomes of one that stopped on a fault. Does not own: starting a run
 * (`engine.ts`), reading one (`take-up.ts`), executing it (`executor.ts`).
 *
 * K1: all runs of one recovery are there before the first of them moves: runs inside runs find each other.
 * K2: a run that cannot be taken up is refused with its reason and given back; no other run minds.
 */
import { isTerminal } from "../core/index.ts";
import { BelayError } from "../errors.ts";
import type { Lease, RunSummary } from "../journal/port.ts";
import type { Run } from "./api.ts";
import { RunEmitter } from "./emitter.ts";
import type { ExecutedRun } from "./executed-run.ts";
import { Executor } from "./executor.ts";
import type { Host } from "./host.ts";
import { JOURNAL_FAULTS } from "./journal-answer.ts";
import { corrupt } from "./open-run.ts";
import { asBelayError, type RefusedRun } from "./recovery.ts";
import { RequestDesk } from "./request-desk.ts";
import { RunHandle } from "./run.ts";
import { summariesById, unendedAround, withInnerRuns, withOuterRuns } from "./runs-inside.ts";
import { readRun, type TakeUpOptions } from "./take-up.ts";

interface KnownRun {
  executor: Executor;
  readonly handle: RunHandle;
  readonly live: Map<string, number>;
}

/** What a recovery came to. */
export interface Recovered {
  /** Runs that were taken up, oldest first; they move from the next turn of the event loop on. */
  readonly runs: readonly Run[];
  /** Runs that were not, and why. */
  readonly refused: readonly RefusedRun[];
}

/** What is taken up, and how. */
interface Choice {
  /** Asked for by name. */
  readonly wanted: ReadonlySet<string> | undefined;
  readonly options: TakeUpOptions;
  /** Runs of other engines, and which. */
  readonly elsewhere: Map<string, string>;
}

interface TakenUp {
  readonly taken: { readonly handle: Run; readonly executor: Executor }[];
  readonly refused: RefusedRun[];
}

/** So often a run that does not get on here is taken up without being asked. */
const COMEBACKS = 5;

export class KnownRuns {
  /** Name of the engine in the journal. */
  readonly #name: string;
  readonly #host: Host;
  readonly #onListenerError: (error: unknown) => void;
  readonly #runs = new Map<string, KnownRun>();
  readonly #refused = new Map<string, BelayError>();
  /** Runs that are being started or taken up, and when that is done. */
  readonly #held = new Map<string, Promise<void>>();
  /** How often a run was taken up without being asked. */
  readonly #comebacks = new Map<string, number>();
  readonly #desk: RequestDesk;
  #closed = false;

  constructor(name: string, host: Host, onListenerError: (error: unknown) => void) {
    this.#name = name;
    this.#host = host;
    this.#onListenerError = onListenerError;
    this.#desk = new RequestDesk({ name, journal: host.journal, run: (id) => this.get(id), onError: onListenerError });
  }

  get(id: string): Run | undefined {
    return this.#runs.get(id)?.handle;
  }

  executor(id: string): Executor | undefined {
    return this.#runs.get(id)?.executor;
  }

  /** The client token a run was started with; undefined when there is none, or no such run. */
  tokenOf(id: string): string | undefined {
    return this.executor(id)?.header.clientToken ?? undefined;
  }

  list(): readonly Run[] {
    return [...this.#runs.values()].map(({ handle }) => handle);
  }

  /** Runs that could not be taken up and have not been since. */
  refused(): readonly RefusedRun[] {
    return [...this.#refused].map(([runId, error]) => ({ runId, error }));
  }

  /** Another executor for a run: its first, or the next one after a fault, for the same listeners. */
  put(run: ExecutedRun): Executor {
    const { runId } = run.header;
    const known = this.#runs.get(runId);
    const emitter = known?.executor.emitter ?? new RunEmitter(this.#onListenerError);
    const live = known?.live ?? new Map<string, number>();
    const executor = new Executor(run, this.#host, { emitter, live });
    emitter.reopen();
    if (known === undefined) this.#runs.set(runId, { executor, handle: new RunHandle(executor), live });
    else {
      known.executor = executor;
      known.handle.adopt(executor);
    }
    return executor;
  }

  /**
   * Drops a run that is over here; answers whether the journal may drop it, too: one that has stopped on a fault has not ended, and
   * may be another engine's by now. Fails with NOT_FOUND, STATE_INVALID.
   */
  forget(id: string): boolean {
    const executor = this.executor(id);
    if (executor === undefined) throw new BelayError("NOT_FOUND", `no run ${id}`);
    const { state, header, standing, fault } = executor;
    const allowedIn = ["SUCCESSFUL", "ROLLED_BACK", "ABANDONED"];
    if (!isTerminal(state.status) && fault === null) {
      const text = `run ${id} is ${state.status}; only an ended run can be forgotten`;
      throw new BelayError("STATE_INVALID", text, { allowedIn });
    }
    const around = header.parent === null ? undefined : this.executor(header.parent.runId);
    if (around !== undefined && !isTerminal(around.standing)) {
      const text = `run ${id} cannot be forgotten: the run around it, ${around.header.runId}, has not ended and asks for it`;
      throw new BelayError("STATE_INVALID", text, { allowedIn: [] });
    }
    this.drop(id);
    return isTerminal(standing);
  }

  /** Drops runs that ended before that time, with the runs inside; one inside a run that has not ended is kept for that. */
  async prune(endedBefore: number): Promise<number> {
    const { journal } = this.#host;
    const byId = summariesById(await journal.list());
    let count = 0;
    for (const { runId, ended, at } of byId.values()) {
      if (!ended || at >= endedBefore || unendedAround(byId, runId) !== undefined) continue;
      this.drop(runId);
      await journal.remove(runId);
      count++;
    }
    return count;
  }

  drop(id: string): void {
    this.#runs.delete(id);
    this.#comebacks.delete(id);
  }

  /** Nobody else takes the run up until the answer is called: it is being started, or taken up already. */
  hold(id: string): () => void {
    const before = this.#held.get(id);
    let letGo = (): void => undefined;
    const own = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    const held = before === undefined ? own : before.then(() => own);
    this.#held.set(id, held);
    return () => {
      letGo();
      if (this.#held.get(id) === held) this.#held.delete(id);
    };
  }

  isHeld(id: string): boolean {
    return this.#held.has(id);
  }

  /** Resolves once nobody starts the run or takes it up. */
  async free(id: string): Promise<void> {
    for (let held = this.#held.get(id); held !== undefined; held = this.#held.get(id)) await held;
  }

  /**
   * Runs that were left, as far as they are to be taken up without being asked: one that its journal, or what the engine
   * lacks, keeps from going on again and again waits for `recover()`.
   */
  toTakeOver(runIds: readonly string[]): readonly string[] {
    return runIds.filter((id) => {
      if (!this.#isFree(id)) return false;
      const failedHere = this.#refused.has(id) || JOURNAL_FAULTS.has(this.executor(id)?.fault?.code ?? "");
      if (!failedHere) return true;
      const times = (this.#comebacks.get(id) ?? 0) + 1;
      this.#comebacks.set(id, times);
      return times <= COMEBACKS;
    });
  }

  /** Somebody asked for these runs: they come back by themselves as if for the first time. */
  forgive(runs: readonly Run[]): void {
    for (const { id } of runs) this.#comebacks.delete(id);
  }

  /** Other engines have these runs. */
  lose(runIds: readonly string[]): void {
    for (const id of runIds) this.#runs.get(id)?.executor.lose();
  }

  /** There may be requests to take. */
  serveRequests(): void {
    this.#desk.serve();
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#runs.values()].map(({ executor }) => executor.close()));
    await this.#desk.close();
  }

  /**
   * Takes up runs that have not ended and that nobody executes; `only`: those, whatever their state. One that is another
   * engine's is refused when it is asked for by name, else left alone. Fails with CLOSED when the engine closes meanwhile.
   */
  async recover(only: readonly string[] | undefined, options: TakeUpOptions): Promise<Recovered> {
    const summaries = await this.#host.journal.list();
    const wanted = only === undefined ? undefined : new Set(only);
    const isWanted = (summary: RunSummary): boolean => this.#isWanted(summary, wanted);
    const chosen = withInnerRuns(summaries, isWanted).filter(({ runId }) => this.#isFree(runId));
    const found = await this.#takeUpAll(chosen, { wanted, options, elsewhere: this.#elsewhere(summaries) });
    for (const id of wanted ?? []) {
      if (summaries.some(({ runId }) => runId === id)) continue;
      found.refused.push({ runId: id, error: new BelayError("NOT_FOUND", `no run ${id} in the journal`) });
    }
    if (options.secrets !== undefined) found.refused.push(...this.#needless(summaries, wanted, chosen));
    if (this.#closed) throw this.#host.closedError();
    // A turn later: listeners attached in the tick in which this resolves miss nothing.
    setImmediate(() => {
      const ids = found.taken.map(({ handle }) => handle.id);
      void this.#desk.begin(ids, () => {
        for (const { executor } of found.taken) executor.begin();
      });
    });
    return { runs: found.taken.map(({ handle }) => handle), refused: found.refused };
  }

  /** Runs that were left, with the runs around them: whoever takes one of these up takes the runs inside, too. */
  async takeOver(left: readonly string[]): Promise<Recovered> {
    const byId = summariesById(await this.#host.journal.list());
    return await this.recover(withOuterRuns(byId, left), {});
  }

  /** Parents come first: they are older. */
  async #takeUpAll(chosen: readonly RunSummary[], { wanted, options, elsewhere }: Choice): Promise<TakenUp> {
    const found: TakenUp = { taken: [], refused: [] };
    const holds = chosen.map(({ runId }) => this.hold(runId));
    for (const [place, summary] of chosen.entries()) {
      const { runId, parent } = summary;
      try {
        if (parent !== null && elsewhere.has(parent.runId)) throw fenced(runId, elsewhere.get(parent.runId) as string);
        const secrets = wanted?.has(runId) === true ? options.secrets : undefined;
        const executor = await this.#takeUp(summary, { ...options, secrets });
        if (executor !== undefined) {
          found.taken.push({ handle: this.get(runId) as Run, executor });
          this.#host.subRuns.adopt(summary);
        }
        this.#refused.delete(runId);
      } catch (thrown) {
        const error = asBelayError(thrown);
        this.#host.subRuns.adopt(summary);
        if (error.code === "FENCED") elsewhere.set(runId, String(error.details["owner"]));
        if (error.code === "FENCED" && wanted?.has(runId) !== true) continue;
        found.refused.push({ runId, error });
        // What another engine executes lacks nothing.
        if (error.code !== "FENCED") this.#refused.set(runId, error);
      } finally {
        (holds[place] as () => void)();
      }
    }
    return found;
  }

  /** Runs that go on, and have no use for secrets that are given again: what was given is not dropped in silence. */
  #needless(
    summaries: readonly RunSummary[],
    wanted: ReadonlySet<string> | undefined,
    chosen: readonly RunSummary[],
  ): RefusedRun[] {
    const goOn = summaries.filter((one) => wanted?.has(one.runId) === true && !one.ended && !chosen.includes(one));
    return goOn.map(({ runId }) => {
      const text = `run ${runId} takes no secrets: it goes on in this engine with those that it has`;
      return { runId, error: new BelayError("INVALID_ARGUMENT", text, { runId }) };
    });
  }

  /** Runs that other engines execute, and which. A run inside one of them is left to that engine, which asks for it. */
  #elsewhere(summaries: readonly RunSummary[]): Map<string, string> {
    const others = summaries.filter(({ ended, owner }) => !ended && owner !== null && owner !== this.#name);
    return new Map(others.map(({ runId, owner }) => [runId, owner as string]));
  }

  /** A run that this engine has, or that has ended and is read from the journal, or is taken up now. */
  async find(id: string): Promise<Run | undefined> {
    for (;;) {
      // One that is being started is not there before its first record is, one that is being taken up soon is.
      await this.free(id);
      const known = this.get(id);
      if (known !== undefined) return known;
      const { refused } = await this.recover([id], {});
      const error = refused.find(({ runId }) => runId === id)?.error;
      if (error !== undefined && error.code !== "NOT_FOUND") throw error;
      const found = this.get(id);
      if (found !== undefined || error !== undefined) return found;
      // Neither there, nor refused: somebody else was at it in the same moment. What became of that is asked again.
    }
  }

  #isWanted(summary: RunSummary, wanted: ReadonlySet<string> | undefined): boolean {
    if (!this.#isFree(summary.runId)) return false;
    if (wanted !== undefined) return wanted.has(summary.runId);
    return !summary.ended && (summary.owner === null || summary.owner === this.#name);
  }

  /** Nothing here executes it, or is about to. */
  #isFree(id: string): boolean {
    const executor = this.executor(id);
    return (executor === undefined || executor.fault !== null) && !this.#held.has(id);
  }

  /** undefined = there is nothing to take up: its start was never acknowledged. */
  async #takeUp(summary: RunSummary, options: TakeUpOptions): Promise<Executor | undefined> {
    const { runId } = summary;
    if (this.#closed) throw this.#host.closedError();
    // What it called may not have let go: `live` says so to the next attempts (R26).
    void this.executor(runId)?.close();
    const lease = summary.ended ? { runId, epoch: 0, tokens: {} } : await this.#claim(runId);
    try {
      const known = (id: string): Executor | undefined => this.executor(id);
      const run = await readRun(runId, this.#host, { ...options, goesOn: !summary.ended, known });
      if (run === undefined) throw new BelayError("NOT_FOUND", `run ${runId} is not in the journal any more`);
      if (run.records.length === 0) {
        await this.#host.journal.remove(runId);
        return undefined;
      }
      // Its executor would not be closed any more.
      if (this.#closed) throw this.#host.closedError();
      return this.#rebuilt({ ...run, lease });
    } catch (error) {
      if (!summary.ended) await this.#giveBack(lease);
      throw error;
    }
  }

  /** Why the run was not taken up says more than that it could not be given back. */
  async #giveBack(lease: Lease): Promise<void> {
    try {
      await this.#host.journal.release(lease);
    } catch (error) {
      this.#onListenerError(error);
    }
  }

  #rebuilt(run: ExecutedRun): Executor {
    try {
      return this.put(run);
    } catch (error) {
      throw corrupt(run.header.runId, error instanceof Error ? error.message : String(error), error);
    }
  }

  async #claim(runId: string): Promise<Lease> {
    const claimed = await this.#host.journal.claim(this.#name, runId);
    if (claimed.kind === "claimed") return claimed.lease;
    if (claimed.kind === "unknown") throw new BelayError("NOT_FOUND", `no run ${runId} in the journal`);
    throw fenced(runId, claimed.by);
  }
}

function fenced(runId: string, owner: string): BelayError {
  return new BelayError("FENCED", `run ${runId} is owned by engine ${owner}`, { runId, owner });
}
