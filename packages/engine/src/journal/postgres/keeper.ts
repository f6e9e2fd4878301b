/**
 * Keeps one engine's tenure alive, and ends it in time when it cannot (R44): the server does not answer, has given the
 * runs away, or the process was paused. Owns: renewals, the deadline by the engine's own clock, the word `lost`, and the
 * next tenure after that. Does not own: what the engine writes (`appender.ts`).
 */
import { BelayError } from "../../errors.ts";
import type { JournalListener } from "../port.ts";
import type { Appender } from "./appender.ts";
import type { Database } from "./database.ts";
import type { Pulse } from "./pulse.ts";
import { Tenure } from "./tenure.ts";

/** Renewals per lease: two may be lost. */
const RENEWALS = 3;
/** Tries per lease once a renewal has failed. */
const HASTY_RENEWALS = 12;

/** What keepers of one journal share. */
export interface KeeperParts {
  readonly database: Database;
  readonly pulse: Pulse;
  readonly appender: Appender;
}

export class Keeper {
  readonly engine: string;
  readonly #listener: JournalListener;
  readonly #parts: KeeperParts;
  #tenure: Tenure | undefined;
  #beginning: Promise<Tenure> | undefined;
  /** Row of the tenure before, which the next one ends. */
  #former: string | null = null;
  #cancelRenewal: (() => void) | undefined;
  #cancelDeadline: (() => void) | undefined;
  #closed = false;

  constructor(engine: string, listener: JournalListener, parts: KeeperParts) {
    this.engine = engine;
    this.#listener = listener;
    this.#parts = parts;
  }

  /** The tenure under which the engine may write now; undefined when there is none. Notices at once that it is over. */
  get tenure(): Tenure | undefined {
    if (this.#tenure?.expired === true) this.lose(this.#tenure);
    return this.#tenure;
  }

  /** The present tenure, or the next one. Fails with JOURNAL_FAILED, with CLOSED after `stop`. */
  async current(): Promise<Tenure> {
    if (this.#closed) throw new BelayError("CLOSED", `PostgreSQL journal: engine ${this.engine} has closed it`);
    return this.tenure ?? (await this.#begin());
  }

  /** The first tenure, and renewals from now on. */
  async start(): Promise<void> {
    await this.#begin();
    this.#renewIn(this.#intervalMs(RENEWALS));
  }

  /** The engine writes nothing more under that tenure, and is told. Another one follows. */
  lose(tenure: Tenure): void {
    if (tenure.over) return;
    const runs = tenure.end();
    if (this.#tenure === tenure) this.#tenure = undefined;
    this.#former = tenure.owner;
    this.#parts.appender.drop(runs);
    if (this.#closed) return;
    const runIds = runs.filter(({ ended }) => !ended).map(({ runId }) => runId);
    if (runIds.length > 0) queueMicrotask(() => this.#closed || this.#listener.lost(runIds));
    this.#renewIn(0);
  }

  /** There may be requests for its runs. */
  tellAsked(): void {
    if (!this.#closed) this.#listener.asked();
  }

  /** Slots of pools may be free. */
  tellSlotsFree(): void {
    if (!this.#closed) this.#listener.slotsFree?.();
  }

  /** These runs have no owner; those that it has claimed meanwhile are left out. */
  tellOrphaned(runIds: readonly string[]): void {
    const free = runIds.filter((runId) => {
      const owned = this.#tenure?.runs.get(runId);
      return owned === undefined || owned.failed !== undefined;
    });
    if (!this.#closed && free.length > 0) this.#listener.orphaned(free);
  }

  /** No renewals any more. Answers the tenure that is left, whose runs are dropped. */
  async stop(): Promise<Tenure | undefined> {
    this.#closed = true;
    this.#cancelRenewal?.();
    this.#cancelDeadline?.();
    await this.#beginning?.catch(() => undefined);
    const tenure = this.#tenure;
    this.#tenure = undefined;
    if (tenure !== undefined) this.#parts.appender.drop(tenure.end());
    return tenure;
  }

  #begin(): Promise<Tenure> {
    this.#beginning ??= this.#beginAnew().finally(() => {
      this.#beginning = undefined;
    });
    return this.#beginning;
  }

  async #beginAnew(): Promise<Tenure> {
    const { database } = this.#parts;
    const { leaseMs, clock } = database.settings;
    let sentAt = clock.now();
    const [row] = await database.ask("taking a lease", async (query) => {
      sentAt = clock.now();
      return await query(database.sql.beginOwner, [this.engine, leaseMs, this.#former]);
    });
    const tenure = new Tenure({ engine: this.engine, owner: String(row?.["owner"]), leaseMs }, clock, sentAt);
    this.#tenure = tenure;
    this.#watchDeadline(tenure);
    return tenure;
  }

  #watchDeadline(tenure: Tenure): void {
    this.#cancelDeadline?.();
    if (this.#closed) return;
    this.#cancelDeadline = this.#parts.database.settings.clock.schedule(Math.max(0, tenure.leftMs), () => {
      if (tenure.over) return;
      if (tenure.expired) this.lose(tenure);
      else this.#watchDeadline(tenure);
    });
  }

  #renewIn(delayMs: number): void {
    this.#cancelRenewal?.();
    if (this.#closed) return;
    const { clock } = this.#parts.database.settings;
    this.#cancelRenewal = clock.schedule(delayMs, () => {
      this.#renew().then(
        // One that was lost meanwhile is followed at once.
        () => this.#renewIn(this.#tenure === undefined ? 0 : this.#intervalMs(RENEWALS)),
        // The deadline ends what cannot be renewed; until then it is tried.
        () => this.#renewIn(this.#intervalMs(HASTY_RENEWALS)),
      );
    });
  }

  async #renew(): Promise<void> {
    const { database, pulse } = this.#parts;
    const { tenure } = this;
    if (tenure === undefined) {
      await this.#begin();
      return;
    }
    const sentAt = database.settings.clock.now();
    const rows = await pulse.ask(database.sql.renew, [tenure.owner, database.settings.leaseMs]);
    if (tenure.over) return;
    if (rows.length === 0) return this.lose(tenure);
    tenure.prolong(sentAt);
    await this.#giveUp(tenure);
  }

  /** Runs to which nothing more is written (J2) are anyone's to claim, this engine included. */
  async #giveUp(tenure: Tenure): Promise<void> {
    const runs = [...tenure.runs.values()].filter(({ failed }) => failed !== undefined);
    if (runs.length === 0) return;
    const { database } = this.#parts;
    const values = [runs.map(({ run }) => run), runs.map(({ epoch }) => epoch), tenure.owner, database.names.channel];
    await database.once((query) => query(database.sql.release, values));
    for (const owned of runs) if (tenure.runs.get(owned.runId) === owned) tenure.runs.delete(owned.runId);
  }

  /** Engines that began together do not stay together. */
  #intervalMs(perLease: number): number {
    return (this.#parts.database.settings.leaseMs / perLease) * (0.9 + 0.1 * Math.random());
  }
}
