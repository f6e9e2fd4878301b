/**
 * What an engine is told of others: runs that nobody owns any more, requests for its own, slots of pools. Notifications say it at once,
 * a poll finds what they did not (a lease that ended, a connection that was lost). Owns: when to look.
 */
import type { Database } from "./database.ts";
import type { Keeper } from "./keeper.ts";

export class Watch {
  readonly #keeper: Keeper;
  readonly #database: Database;
  #cancel: (() => void) | undefined;
  #looking = false;
  /** Somebody spoke while it was looking. */
  #again = false;
  #closed = false;

  constructor(keeper: Keeper, database: Database) {
    this.#keeper = keeper;
    this.#database = database;
  }

  /** Looks soon, and then again and again. */
  start(): void {
    this.#lookIn(0);
  }

  stop(): void {
    this.#closed = true;
    this.#cancel?.();
  }

  /** A notification: "free", "slots", or "asked" with the owner that was asked. */
  heard(message: string): void {
    if (this.#closed) return;
    const [what, owner] = message.split(" ");
    if (what === "asked" && owner === this.#keeper.tenure?.owner) this.#keeper.tellAsked();
    if (what === "free" || what === "slots") this.#keeper.tellSlotsFree();
    if (what !== "free") return;
    if (this.#looking) this.#again = true;
    else this.#lookIn(0);
  }

  #lookIn(delayMs: number): void {
    this.#cancel?.();
    if (this.#closed) return;
    this.#cancel = this.#database.settings.clock.schedule(delayMs, () => {
      this.#looking = true;
      // A server that does not answer now is asked again; the keeper knows when that is too long.
      const looked = this.#look().catch(() => undefined);
      void looked.finally(() => {
        this.#looking = false;
        this.#lookIn(this.#again ? 0 : this.#database.settings.pollMs * (0.8 + 0.2 * Math.random()));
        this.#again = false;
      });
    });
  }

  async #look(): Promise<void> {
    const { sql } = this.#database;
    const orphans = await this.#database.once((query) => query(sql.orphans));
    this.#keeper.tellOrphaned(orphans.map((row) => String(row["run_id"])));
    // Those of an engine whose lease is over are free without a word.
    this.#keeper.tellSlotsFree();
    const owner = this.#keeper.tenure?.owner;
    if (owner === undefined) return;
    const asked = await this.#database.once((query) => query(sql.isAsked, [owner]));
    if (asked.length > 0) this.#keeper.tellAsked();
  }
}
