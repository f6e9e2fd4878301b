/**
 * The journal in PostgreSQL: several engines, in several processes, on one database. Owns: the engines that use this
 * object, and which part does what. Keeps J1 to J6; what each rests on is said where it is done: the fence in `sql.ts`,
 * group commit in `appender.ts`, leases in `keeper.ts`.
 *
 * Connections: one for appends, one for renewals and notifications, up to four for everything else; made when they are
 * needed. None of them, and no timer, keeps an idle process alive.
 */
import { BelayError } from "../../errors.ts";
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
  SharedPool,
  TakenSlots,
} from "../port.ts";
import { Appender } from "./appender.ts";
import { Database } from "./database.ts";
import { Grants } from "./grants.ts";
import { Keeper } from "./keeper.ts";
import { Lines } from "./lines.ts";
import { type PostgresJournalOptions, resolveOptions } from "./options.ts";
import { Pulse } from "./pulse.ts";
import { Reader } from "./reader.ts";
import { Requests } from "./requests.ts";
import { PoolSlots } from "./slots.ts";
import { fenced, type OwnedRun } from "./tenure.ts";
import { Watch } from "./watch.ts";

interface Seat {
  readonly keeper: Keeper;
  readonly watch: Watch;
}

/** Engines at a journal in PostgreSQL. Made by `openPostgresJournal`. One object may serve several engines of a process. */
export class PostgresJournal implements Journal {
  readonly #database: Database;
  readonly #appender: Appender;
  readonly #pulse: Pulse;
  readonly #grants: Grants;
  readonly #requests: Requests;
  readonly #reader: Reader;
  readonly #lines: Lines;
  readonly #slots: PoolSlots;
  readonly #seats = new Map<string, Seat>();

  /** Use `openPostgresJournal`. */
  constructor(options: PostgresJournalOptions) {
    this.#database = new Database(resolveOptions(options), { owns: true });
    this.#appender = new Appender(this.#database, (tenure) => this.#seats.get(tenure.engine)?.keeper.lose(tenure));
    this.#pulse = new Pulse(this.#database, (message) => {
      for (const { watch } of this.#seats.values()) watch.heard(message);
    });
    this.#grants = new Grants(this.#database, this.#appender);
    this.#requests = new Requests(this.#database);
    this.#reader = new Reader(this.#database);
    this.#lines = new Lines(this.#database);
    this.#slots = new PoolSlots(this.#database);
  }

  async open(engine: string, listener: JournalListener): Promise<void> {
    if (this.#seats.has(engine)) throw invalid(`engine ${engine} has opened it already`);
    const parts = { database: this.#database, pulse: this.#pulse, appender: this.#appender };
    const keeper = new Keeper(engine, listener, parts);
    const seat: Seat = { keeper, watch: new Watch(keeper, this.#database) };
    this.#seats.set(engine, seat);
    try {
      await this.#database.ready();
      await this.#pulse.listen();
      await keeper.start();
      await this.#database.ask("opening the journal", (query) => query(this.#database.sql.sweepOwners));
    } catch (error) {
      await keeper.stop();
      this.#seats.delete(engine);
      await this.#endWhenEmpty();
      throw this.#database.failed("opening the journal", error);
    }
    seat.watch.start();
  }

  async create(engine: string, header: RunHeader, locks: readonly string[]): Promise<CreateResult> {
    return await this.#grants.create(this.#seat(engine).keeper, header, locks);
  }

  async claim(engine: string, runId: string): Promise<ClaimResult> {
    return await this.#grants.claim(this.#seat(engine).keeper, runId);
  }

  append(lease: Lease, records: readonly JournalRecord[], progress: RunProgress): Promise<void> {
    const owned = this.#owned(lease);
    if (owned === undefined) return Promise.reject(fenced(lease.runId, "this lease is over"));
    return this.#appender.append(owned, records, progress);
  }

  async release(lease: Lease): Promise<void> {
    const owned = this.#owned(lease);
    if (owned !== undefined) await this.#grants.release(owned);
  }

  async read(
    runId: string,
  ): Promise<{ readonly header: RunHeader; readonly records: readonly JournalRecord[] } | undefined> {
    return await this.#reader.read(runId);
  }

  async list(): Promise<readonly RunSummary[]> {
    return await this.#reader.list();
  }

  async ask(request: OperatorRequest): Promise<void> {
    await this.#requests.ask(request);
  }

  async takeRequests(engine: string): Promise<readonly OperatorRequest[]> {
    const owner = this.#seats.get(engine)?.keeper.tenure?.owner;
    return owner === undefined ? [] : await this.#requests.take(owner);
  }

  async answer(requestId: string, answer: RequestAnswer): Promise<void> {
    await this.#requests.answer(requestId, answer);
  }

  async answerTo(requestId: string): Promise<RequestAnswer | undefined> {
    return await this.#requests.answerTo(requestId);
  }

  log(lines: readonly LogLine[]): void {
    this.#lines.add(lines);
  }

  async logs(runId: string): Promise<readonly LogLine[]> {
    return await this.#lines.of(runId);
  }

  async takeSlots(engine: string, pool: SharedPool, want: number): Promise<TakenSlots> {
    return await this.#slots.take(this.#seat(engine).keeper, pool, want);
  }

  freeSlots(slots: readonly string[]): void {
    this.#slots.free(slots);
  }

  async remove(runId: string): Promise<void> {
    this.#lines.forget(runId);
    const runs = [...this.#seats.values()].map(({ keeper }) => keeper.tenure?.runs.get(runId));
    await this.#grants.remove(
      runId,
      runs.filter((owned) => owned !== undefined),
    );
  }

  async close(engine: string): Promise<void> {
    const seat = this.#seats.get(engine);
    try {
      if (seat !== undefined) await this.#leave(engine, seat);
    } finally {
      await this.#endWhenEmpty();
    }
  }

  async #leave(engine: string, { keeper, watch }: Seat): Promise<void> {
    watch.stop();
    const runs = [...(keeper.tenure?.runs.values() ?? [])];
    await Promise.all([
      this.#lines.flush(),
      this.#slots.settled(),
      ...runs.map((owned) => this.#appender.settled(owned)),
    ]);
    this.#seats.delete(engine);
    const tenure = await keeper.stop();
    if (tenure === undefined) return;
    const { sql, names } = this.#database;
    await this.#database.ask("closing the journal", (query) => query(sql.endOwner, [tenure.owner, names.channel]));
  }

  async #endWhenEmpty(): Promise<void> {
    if (this.#seats.size > 0) return;
    await Promise.all([this.#pulse.end(), this.#appender.end(), this.#database.end()]);
  }

  #seat(engine: string): Seat {
    const seat = this.#seats.get(engine);
    if (seat === undefined) throw invalid(`engine ${engine} has not opened it`);
    return seat;
  }

  /** The run as this process owns it, under that very epoch. */
  #owned({ runId, epoch }: Lease): OwnedRun | undefined {
    for (const { keeper } of this.#seats.values()) {
      const owned = keeper.tenure?.runs.get(runId);
      if (owned?.epoch === epoch) return owned;
    }
    return undefined;
  }
}

function invalid(message: string): BelayError {
  return new BelayError("INVALID_ARGUMENT", `PostgreSQL journal: ${message}`);
}
