/**
 * The journal in memory: for tests, demos and runs that need not survive the process. Keeps the port's promises short
 * of durability (J1): order, client tokens, owners with epochs, locks with tokens that only grow. All calls answer at once.
 */
import { BelayError } from "../errors.ts";
import type {
  ClaimResult,
  CreateResult,
  Journal,
  JournalListener,
  JournalRecord,
  Lease,
  LogLine,
  OperatorRequest,
  RequestAnswer,
  RunHeader,
  RunProgress,
  RunSummary,
} from "./port.ts";
import { RecordLog } from "./record-log.ts";

interface StoredRun {
  readonly header: RunHeader;
  readonly records: RecordLog;
  progress: RunProgress;
  /** All it took at its start; held until it has ended. */
  readonly locks: readonly string[];
  owner: string | null;
  epoch: number;
  readonly lines: LogLine[];
}

/** Lines kept of a run, at least. */
const LINES = 10_000;

interface StoredRequest {
  readonly request: OperatorRequest;
  answer: RequestAnswer | undefined;
}

interface StoredLock {
  heldBy: string | null;
  /** Last token granted; never forgotten, so that tokens only grow. */
  token: number;
}

/** A journal that lives and dies with the process. Share one between engines to share client tokens and locks. */
export class MemoryJournal implements Journal {
  readonly keepsRecords: boolean;
  readonly #runs = new Map<string, StoredRun>();
  readonly #byToken = new Map<string, string>();
  readonly #locks = new Map<string, StoredLock>();
  readonly #requests = new Map<string, StoredRequest>();
  readonly #listeners = new Map<string, JournalListener>();

  /**
   * `records: false`: a run's records are not kept, nor made. It is known as long as its engine is open, and then forgotten: it
   * cannot be read, exported, audited or taken up again. Default: true.
   */
  constructor(options: { readonly records?: boolean } = {}) {
    this.keepsRecords = options.records ?? true;
  }

  /**
   * What the death of every process would leave of a durable journal: the same runs, records and tokens, no owners. For
   * tests of recovery; the two share nothing. `records`: of each run, so many records were durable. Default: all.
   */
  afterCrash(records: number = Number.POSITIVE_INFINITY): MemoryJournal {
    const copy = new MemoryJournal({ records: this.keepsRecords });
    for (const [id, run] of this.#runs) {
      const kept = run.records.copy(records);
      const progress = kept.length < run.records.length ? { ...run.progress, ended: false } : run.progress;
      copy.#runs.set(id, { ...run, progress, records: kept, lines: [...run.lines], owner: null });
    }
    for (const [token, id] of this.#byToken) copy.#byToken.set(token, id);
    for (const [resource, lock] of this.#locks) copy.#locks.set(resource, { ...lock });
    for (const [id, { progress, locks }] of copy.#runs)
      if (!progress.ended) for (const resource of locks) (copy.#locks.get(resource) as StoredLock).heldBy = id;
    for (const [id, request] of this.#requests) copy.#requests.set(id, { ...request });
    return copy;
  }

  open(engine: string, listener: JournalListener): void {
    this.#listeners.set(engine, listener);
  }

  create(engine: string, header: RunHeader, locks: readonly string[]): CreateResult {
    const known = header.clientToken === null ? undefined : this.#byToken.get(header.clientToken);
    if (known !== undefined) {
      const run = this.#runs.get(known) as StoredRun;
      return { kind: "existing", runId: known, requestHash: run.header.requestHash };
    }
    if (this.#runs.has(header.runId)) throw refused(`run ${header.runId} exists already`);
    for (const resource of locks) {
      const heldBy = this.#locks.get(resource)?.heldBy;
      if (typeof heldBy === "string") return { kind: "locked", resource, heldBy };
    }
    const progress: RunProgress = { status: "RUNNING", ended: false, at: header.at };
    this.#runs.set(header.runId, {
      header,
      records: new RecordLog(),
      progress,
      locks,
      owner: engine,
      epoch: 1,
      lines: [],
    });
    if (header.clientToken !== null) this.#byToken.set(header.clientToken, header.runId);
    return { kind: "created", lease: { runId: header.runId, epoch: 1, tokens: this.#grant(locks, header.runId) } };
  }

  claim(engine: string, runId: string): ClaimResult {
    const run = this.#runs.get(runId);
    if (run === undefined) return { kind: "unknown" };
    if (run.owner !== null && run.owner !== engine) return { kind: "held", by: run.owner };
    run.owner = engine;
    run.epoch++;
    return {
      kind: "claimed",
      lease: { runId, epoch: run.epoch, tokens: this.#grant(run.progress.ended ? [] : run.locks, runId) },
    };
  }

  append({ runId, epoch }: Lease, records: readonly JournalRecord[], progress: RunProgress): void {
    const run = this.#runs.get(runId);
    if (run === undefined) throw refused(`run ${runId} is not there (any more)`);
    if (run.epoch !== epoch || run.owner === null)
      throw new BelayError("FENCED", `run ${runId} has another owner`, { runId });
    for (const record of records) run.records.append(record);
    run.progress = progress;
    if (progress.ended) this.#free(run);
  }

  release({ runId, epoch }: Lease): void {
    const run = this.#runs.get(runId);
    if (run !== undefined && run.epoch === epoch) run.owner = null;
  }

  read(runId: string): { readonly header: RunHeader; readonly records: readonly JournalRecord[] } | undefined {
    const run = this.#runs.get(runId);
    if (run === undefined) return undefined;
    if (!this.keepsRecords)
      throw refused(`it keeps no records (records: false); run ${runId} is known to its engine alone`);
    return { header: run.header, records: run.records.read() };
  }

  list(): readonly RunSummary[] {
    return [...this.#runs.values()].map(({ header, records, progress, locks, owner }) => ({
      ...progress,
      runId: header.runId,
      planName: header.document.name,
      planHash: header.planHash,
      clientToken: header.clientToken,
      parent: header.parent,
      startedAt: header.at,
      records: records.length,
      locks: progress.ended ? [] : locks,
      owner,
    }));
  }

  ask(request: OperatorRequest): void {
    const run = this.#runs.get(request.runId);
    if (run === undefined) throw new BelayError("NOT_FOUND", `no run ${request.runId}`);
    if (this.#requests.has(request.requestId)) return;
    this.#requests.set(request.requestId, { request, answer: undefined });
    if (run.owner !== null) this.#listeners.get(run.owner)?.asked();
  }

  takeRequests(engine: string): readonly OperatorRequest[] {
    return [...this.#requests.values()]
      .filter(({ request, answer }) => answer === undefined && this.#runs.get(request.runId)?.owner === engine)
      .map(({ request }) => request);
  }

  answer(requestId: string, answer: RequestAnswer): void {
    const stored = this.#requests.get(requestId);
    if (stored !== undefined) stored.answer ??= answer;
  }

  answerTo(requestId: string): RequestAnswer | undefined {
    const stored = this.#requests.get(requestId);
    if (stored === undefined) throw new BelayError("NOT_FOUND", `no request ${requestId}`);
    return stored.answer;
  }

  log(lines: readonly LogLine[]): void {
    for (const line of lines) {
      const kept = this.#runs.get(line.runId)?.lines;
      if (kept === undefined) continue;
      kept.push(line);
      if (kept.length > 2 * LINES) kept.splice(0, LINES);
    }
  }

  logs(runId: string): readonly LogLine[] {
    return [...(this.#runs.get(runId)?.lines ?? [])];
  }

  remove(runId: string): void {
    const run = this.#runs.get(runId);
    if (run === undefined) return;
    this.#free(run);
    this.#runs.delete(runId);
    if (run.header.clientToken !== null) this.#byToken.delete(run.header.clientToken);
    for (const [id, { request }] of this.#requests) if (request.runId === runId) this.#requests.delete(id);
  }

  close(engine: string): void {
    this.#listeners.delete(engine);
    for (const [id, run] of this.#runs) {
      if (run.owner !== engine) continue;
      run.owner = null;
      // Nobody can take it up: what it holds would be held for ever.
      if (!this.keepsRecords) this.remove(id);
    }
  }

  #grant(locks: readonly string[], runId: string): Readonly<Record<string, number>> {
    const tokens: Record<string, number> = Object.create(null);
    for (const resource of locks) {
      const token = (this.#locks.get(resource)?.token ?? 0) + 1;
      this.#locks.set(resource, { heldBy: runId, token });
      tokens[resource] = token;
    }
    return tokens;
  }

  #free(run: StoredRun): void {
    for (const resource of run.locks) {
      const lock = this.#locks.get(resource) as StoredLock;
      if (lock.heldBy === run.header.runId) lock.heldBy = null;
    }
  }
}

function refused(message: string): BelayError {
  return new BelayError("JOURNAL_FAILED", `journal in memory: ${message}`);
}
