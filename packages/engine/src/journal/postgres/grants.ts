/**
 * Who may write to a run, and what it holds: create, claim, release, remove. Owns: the order of the statements in each
 * transaction. Invariants: R40 and R43, all or none; J3 and J4, each grant has a greater epoch and greater tokens.
 *
 * Rows are locked in one order: the run, its owner, then locks by key. A transaction holds one run that others know.
 */
import { BelayError } from "../../errors.ts";
import { hashText } from "../../plan/identity.ts";
import type { ClaimResult, CreateResult, Lease, RunHeader } from "../port.ts";
import type { Appender } from "./appender.ts";
import type { Row } from "./client.ts";
import type { Database, Query } from "./database.ts";
import type { Keeper } from "./keeper.ts";
import { isStorable } from "./options.ts";
import { summaryOf, sumOf } from "./record-row.ts";
import { fenced, type OwnedRun, type Tenure } from "./tenure.ts";

/** What a grant is made of. */
interface Grant {
  readonly run: string;
  readonly epoch: number;
  readonly next: number;
  readonly ended: boolean;
  /** Somebody has asked something of the run. */
  readonly asked: boolean;
  readonly tokens: Readonly<Record<string, number>>;
}

interface NewRun {
  readonly header: RunHeader;
  readonly text: string;
  readonly sum: number;
  readonly locks: readonly string[];
  readonly tenure: Tenure;
}

/** The tenure ended under way: it is tried again with the next one. */
const OVER = "over";

export class Grants {
  readonly #database: Database;
  readonly #appender: Appender;

  constructor(database: Database, appender: Appender) {
    this.#database = database;
    this.#appender = appender;
  }

  async create(keeper: Keeper, header: RunHeader, locks: readonly string[]): Promise<CreateResult> {
    for (const name of [header.runId, header.clientToken ?? ""]) checkStorable(name);
    const text = JSON.stringify(header);
    const sum = sumOf(header.runId, text);
    for (;;) {
      const tenure = await keeper.current();
      const result = await this.#database.transact(`creating run ${header.runId}`, async (query, again, undo) => {
        const made = await this.#make(query, again, { header, text, sum, locks, tenure });
        if (made === OVER || ("kind" in made && made.kind === "locked")) undo();
        return made;
      });
      if (result === OVER) keeper.lose(tenure);
      else if ("kind" in result) return result;
      else if (!tenure.over) return { kind: "created", lease: this.#keep(header.runId, tenure, result) };
      else {
        // It is there, under a lease that is over.
        const claimed = await this.claim(keeper, header.runId);
        if (claimed.kind === "claimed") return { kind: "created", lease: claimed.lease };
        throw fenced(header.runId, "the engine's lease ended before it was heard of");
      }
    }
  }

  async claim(keeper: Keeper, runId: string): Promise<ClaimResult> {
    checkStorable(runId);
    for (;;) {
      const tenure = await keeper.current();
      const result = await this.#database.transact(`claiming run ${runId}`, async (query, _again, undo) => {
        const taken = await this.#take(query, runId, tenure);
        if (taken === OVER) undo();
        return taken;
      });
      if (result === OVER) keeper.lose(tenure);
      else if ("kind" in result) return result;
      else if (!tenure.over) {
        if (result.asked) queueMicrotask(() => keeper.tellAsked());
        return { kind: "claimed", lease: this.#keep(runId, tenure, result) };
      }
    }
  }

  /** Fails with JOURNAL_FAILED: the run is given up all the same, at the next renewal (`keeper.ts`). */
  async release(owned: OwnedRun): Promise<void> {
    const { runId, run, epoch, tenure } = owned;
    await this.#appender.settled(owned);
    owned.failed ??= fenced(runId, "it was released");
    const { sql, names } = this.#database;
    const values = [[run], [epoch], tenure.owner, names.channel];
    await this.#database.ask(`releasing run ${runId}`, (query) => query(sql.release, values));
    if (tenure.runs.get(runId) === owned) tenure.runs.delete(runId);
  }

  async remove(runId: string, owned: readonly OwnedRun[]): Promise<void> {
    checkStorable(runId);
    const { sql } = this.#database;
    for (const one of owned) this.#forget(one, "it was removed");
    await this.#database.transact(`removing run ${runId}`, async (query) => {
      const [removed] = await query(sql.removeRun, [runId]);
      if (removed === undefined) return;
      await query(sql.freeLocks, [removed["run"]]);
      await query(sql.removeRest, [removed["run"]]);
    });
  }

  async #make(query: Query, again: boolean, made: NewRun): Promise<CreateResult | Grant | typeof OVER> {
    const { header, text, sum, locks, tenure } = made;
    const { sql } = this.#database;
    const known = await this.#known(query, again, made);
    if (known !== undefined) return known;
    const values = [header.runId, header.clientToken, header.requestHash, tenure.owner, header.at];
    const [inserted] = await query(sql.insertRun, values);
    if (inserted === undefined) {
      const other = await this.#known(query, again, made);
      if (other !== undefined) return other;
      if ((await query(sql.ownerLives, [tenure.owner])).length === 0) return OVER;
      throw new BelayError("JOURNAL_FAILED", `${this.#database.server}: run ${header.runId} exists already`);
    }
    const run = String(inserted["run"]);
    await query(sql.insertHeader, [run, text, sum, JSON.stringify(summaryOf(header))]);
    if (locks.length === 0) return { run, epoch: 1, next: 0, ended: false, asked: false, tokens: tokensFrom([]) };
    return await this.#takeLocks(query, run, locks);
  }

  async #takeLocks(query: Query, run: string, locks: readonly string[]): Promise<CreateResult | Grant> {
    const { sql } = this.#database;
    const keys = locks.map(lockKey);
    await query(sql.knowLocks, [keys, locks.map((name) => JSON.stringify(name))]);
    const holders = new Map((await query(sql.lookAtLocks, [keys])).map((row) => [row["lock"], row["held_by"]]));
    for (const [index, resource] of locks.entries()) {
      const holder = holders.get(keys[index]);
      const [held] = holder === null ? [] : await query(sql.nameOf, [holder]);
      if (held !== undefined) return { kind: "locked", resource, heldBy: String(held["run_id"]) };
    }
    return {
      run,
      epoch: 1,
      next: 0,
      ended: false,
      asked: false,
      tokens: tokensFrom(await query(sql.takeLocks, [run, keys])),
    };
  }

  /** The run of the client token, or the one that an earlier try of the same create has made. */
  async #known(query: Query, again: boolean, made: NewRun): Promise<CreateResult | Grant | undefined> {
    const { header, sum, tenure } = made;
    const { sql } = this.#database;
    const [found] = header.clientToken === null ? [] : await query(sql.byToken, [header.clientToken]);
    const own = again && (found === undefined || found["run_id"] === header.runId);
    const [before] = own ? await query(sql.madeBefore, [header.runId, tenure.owner, sum]) : [];
    if (before !== undefined) {
      const run = String(before["run"]);
      return {
        run,
        epoch: 1,
        next: 0,
        ended: false,
        asked: false,
        tokens: tokensFrom(await query(sql.tokensOf, [run])),
      };
    }
    if (found === undefined) return undefined;
    return { kind: "existing", runId: String(found["run_id"]), requestHash: String(found["request_hash"]) };
  }

  async #take(query: Query, runId: string, tenure: Tenure): Promise<ClaimResult | Grant | typeof OVER> {
    const { sql } = this.#database;
    const [held] = await query(sql.holdRun, [runId]);
    if (held === undefined) return { kind: "unknown" };
    const run = String(held["run"]);
    const [owner] = await query(sql.ownerOf, [run]);
    if (owner?.["lives"] === true && owner["engine"] !== tenure.engine) {
      return { kind: "held", by: String(owner["engine"]) };
    }
    const [taken] = await query(sql.takeRun, [run, tenure.owner]);
    if (taken === undefined) return OVER;
    const tokens = tokensFrom(await query(sql.takeLocksAgain, [run]));
    return {
      run,
      epoch: Number(taken["epoch"]),
      next: Number(taken["records"]),
      ended: taken["ended"] === true,
      asked: taken["asked"] === true,
      tokens,
    };
  }

  #keep(runId: string, tenure: Tenure, grant: Grant): Lease {
    const { run, epoch, next, ended, tokens } = grant;
    const before = tenure.runs.get(runId);
    // Of two claims at once the later one stands, whichever is heard of first.
    if (before === undefined || before.run !== run || before.epoch < epoch) {
      if (before !== undefined) this.#forget(before, "it was claimed anew");
      tenure.runs.set(runId, { runId, run, epoch, tenure, next, ended, failed: undefined });
    }
    return { runId, epoch, tokens };
  }

  #forget(owned: OwnedRun, why: string): void {
    owned.failed ??= fenced(owned.runId, why);
    owned.tenure.runs.delete(owned.runId);
    this.#appender.drop([owned]);
  }
}

/** Fails with INVALID_ARGUMENT for a name that the server would keep otherwise than it is. */
export function checkStorable(name: string): void {
  if (isStorable(name)) return;
  const text = "ids and tokens must be whole Unicode text without NUL";
  throw new BelayError("INVALID_ARGUMENT", `PostgreSQL journal: ${text}: ${JSON.stringify(name)}`);
}

/** Resources may have any letters and any length; the server's keys may not. */
function lockKey(resource: string): string {
  return hashText(JSON.stringify(resource));
}

function tokensFrom(rows: readonly Row[]): Readonly<Record<string, number>> {
  const tokens: Record<string, number> = Object.create(null);
  for (const { resource, token } of rows) tokens[JSON.parse(String(resource)) as string] = Number(token);
  return tokens;
}
