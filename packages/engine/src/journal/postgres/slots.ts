/**
 * Slots of pools, counted over all engines of the schema (R41). Owns: taking them, and giving back what is owed until the
 * server has heard of it. Does not own: who waits for one (`shared-pool.ts` of the engine).
 *
 * A pool's row is locked while its slots are counted and taken, so two engines never take the last one. A slot belongs to
 * an owner's row: one whose lease is over holds none, whatever became of its process.
 */
import { randomUUID } from "node:crypto";
import { hashText } from "../../plan/identity.ts";
import type { SharedPool, TakenSlots } from "../port.ts";
import type { Row } from "./client.ts";
import type { Database } from "./database.ts";
import type { Keeper } from "./keeper.ts";

/** Most slots of one question. */
const LARGEST_TAKE = 1_000;

export class PoolSlots {
  readonly #database: Database;
  /** Given back by the engine, and the server may not know it yet. */
  readonly #owed = new Set<string>();
  #freeing = false;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Fails with JOURNAL_FAILED; CLOSED. */
  async take(keeper: Keeper, pool: SharedPool, want: number): Promise<TakenSlots> {
    // Named by the engine: a question whose answer was lost is asked again and takes no more.
    const wanted = Array.from({ length: Math.min(want, LARGEST_TAKE) }, () => randomUUID());
    for (;;) {
      const tenure = await keeper.current();
      const row = await this.#ask(tenure.owner, pool, wanted).catch((error: unknown) => {
        // What came of it is not known.
        this.free(wanted);
        throw error;
      });
      if (row["lives"] !== true) keeper.lose(tenure);
      else if (tenure.over) this.free(row["slots"] as string[]);
      else return { slots: row["slots"] as string[], retryInMs: row["retry_in_ms"] as number | null };
    }
  }

  /** Never fails: it is tried until the server has answered. */
  free(slots: readonly string[]): void {
    for (const slot of slots) this.#owed.add(slot);
    if (!this.#freeing) void this.#freeOwed();
  }

  /** Resolves when the server knows of all that was given back, or does not answer. */
  async settled(): Promise<void> {
    if (this.#owed.size > 0) await this.#tell([...this.#owed]).catch(() => undefined);
  }

  async #ask(owner: string, pool: SharedPool, wanted: readonly string[]): Promise<Row> {
    const { sql } = this.#database;
    const key = hashText(JSON.stringify(pool.name));
    const { limit, intervalMs } = pool.rate ?? { limit: Number.POSITIVE_INFINITY, intervalMs: 0 };
    const values = [key, owner, wanted, pool.concurrency, limit, intervalMs];
    return await this.#database.transact(`taking slots of pool "${pool.name}"`, async (query) => {
      await query(sql.holdPool, [key, JSON.stringify(pool.name)]);
      const [row] = await query(sql.takeSlots, values);
      return row as Row;
    });
  }

  /** All that is given back in one turn, and while the server is asked, goes together. */
  async #freeOwed(): Promise<void> {
    this.#freeing = true;
    while (this.#owed.size > 0) {
      await new Promise((resolve) => setImmediate(resolve));
      try {
        await this.#tell([...this.#owed]);
      } catch {
        const { clock, pollMs } = this.#database.settings;
        clock.schedule(pollMs, () => this.free([]));
        break;
      }
    }
    this.#freeing = false;
  }

  async #tell(slots: readonly string[]): Promise<void> {
    const { sql, names } = this.#database;
    await this.#database.ask("giving slots back", (query) => query(sql.freeSlots, [slots, names.channel]));
    for (const slot of slots) this.#owed.delete(slot);
  }
}
