/**
 * Lines that actions logged: for people, beside the records. Owns: collecting them, writing them in batches, and that
 * nobody waits for it or fails by it: what cannot be written is dropped, with one warning of the process.
 */
import type { LogLine } from "../port.ts";
import type { Database } from "./database.ts";
import { isStorable } from "./options.ts";

interface Waiting {
  readonly runId: string;
  /** JSON without line breaks. */
  readonly text: string;
}

const DELAY_MS = 50;
/** Lines in one statement. */
const LARGEST_BATCH = 1_000;
/** Characters in one statement. */
const LARGEST_TEXT = 4 * 1024 * 1024;
/** Lines that wait at most: the oldest are dropped. */
const MOST_WAITING = 20_000;
/** Lines of a run that are kept, at least. */
const KEPT = 10_000;

export class Lines {
  readonly #database: Database;
  #waiting: Waiting[] = [];
  #writing: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #warned = false;
  /** Lines written since the older ones were last dropped, by run. */
  readonly #since = new Map<string, number>();

  constructor(database: Database) {
    this.#database = database;
  }

  /** Never fails, never waits. */
  add(lines: readonly LogLine[]): void {
    for (const { runId, ...line } of lines) {
      if (!isStorable(runId)) continue;
      try {
        this.#waiting.push({ runId, text: JSON.stringify(line) });
      } catch (error) {
        this.#warn(error);
      }
    }
    const over = this.#waiting.length - MOST_WAITING;
    if (over > 0) {
      this.#waiting.splice(0, over);
      this.#warn(new Error(`${over} lines were dropped: the server takes them too slowly`));
    }
    if (this.#waiting.length === 0) return;
    this.#timer ??= setTimeout(() => void this.flush(), DELAY_MS).unref();
  }

  /** Writes what waits. Never fails. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    while (this.#writing !== undefined || this.#waiting.length > 0) {
      this.#writing ??= this.#write().finally(() => {
        this.#writing = undefined;
      });
      await this.#writing;
    }
  }

  /** The lines of a run, oldest first, those that wait included. Fails with JOURNAL_FAILED. */
  async of(runId: string): Promise<readonly LogLine[]> {
    if (!isStorable(runId)) return [];
    await this.flush();
    const { sql } = this.#database;
    const rows = await this.#database.ask(`reading lines of run ${runId}`, (query) => query(sql.linesOf, [runId]));
    return rows.map(({ line }) => ({ runId, ...(JSON.parse(String(line)) as Omit<LogLine, "runId">) }));
  }

  /** The run is gone. */
  forget(runId: string): void {
    this.#since.delete(runId);
  }

  async #write(): Promise<void> {
    let count = 0;
    for (let size = 0; count < Math.min(LARGEST_BATCH, this.#waiting.length); count++) {
      size += (this.#waiting[count] as Waiting).text.length;
      if (size > LARGEST_TEXT && count > 0) break;
    }
    const batch = this.#waiting.splice(0, count);
    const { sql } = this.#database;
    try {
      await this.#database.ready();
      await this.#database.once(async (query) => {
        await query(sql.insertLines, [batch.map(({ runId }) => runId), batch.map(({ text }) => text).join("\n")]);
        for (const runId of this.#grown(batch)) await query(sql.trimLines, [runId, KEPT]);
      });
    } catch (error) {
      this.#warn(error);
    }
  }

  /** Runs whose older lines are to be dropped. */
  #grown(batch: readonly Waiting[]): string[] {
    for (const { runId } of batch) this.#since.set(runId, (this.#since.get(runId) ?? 0) + 1);
    const grown = [...new Set(batch.map(({ runId }) => runId))].filter((id) => (this.#since.get(id) ?? 0) > KEPT);
    for (const runId of grown) this.#since.set(runId, 0);
    return grown;
  }

  #warn(error: unknown): void {
    if (this.#warned) return;
    this.#warned = true;
    const { message } = this.#database.failed("writing lines of actions", error);
    process.emitWarning(`${message}; lines may be missing, which harms no run`, "BelayJournalWarning");
  }
}
