/**
 * Reading runs and lists. Owns: that a run is read as it was at one moment, and whole (J5): as many records as its row
 * counts, each with its sum. Pages keep one answer of the server small.
 */
import type { JournalRecord, RunHeader, RunSummary } from "../port.ts";
import type { Row } from "./client.ts";
import type { Database, Work } from "./database.ts";
import { isStorable } from "./options.ts";
import { addRecords, corrupt, type HeaderSummary, headerFrom } from "./record-row.ts";

const PAGE = 500;

export class Reader {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Header and records; undefined for an unknown run. Fails with JOURNAL_CORRUPT. */
  async read(
    runId: string,
  ): Promise<{ readonly header: RunHeader; readonly records: readonly JournalRecord[] } | undefined> {
    if (!isStorable(runId)) return undefined;
    const { sql } = this.#database;
    const read: Work<{ header: RunHeader; records: readonly JournalRecord[] } | undefined> = async (query) => {
      const [found] = await query(sql.headerOf, [runId]);
      if (found === undefined) return undefined;
      const header = headerFrom(runId, found);
      const count = Number(found["records"]);
      const records: JournalRecord[] = [];
      // One beyond the last, where nothing must be.
      for (let from = 0; from <= count; from += PAGE) {
        addRecords(runId, await query(sql.recordsOf, [found["run"], from, from + PAGE]), records);
        const due = Math.min(count, from + PAGE);
        if (records.length < due) throw corrupt(runId, `record ${records.length} is missing`, records.length);
      }
      if (records.length > count) throw corrupt(runId, `record ${count} is more than its row counts`, count);
      return { header, records };
    };
    return await this.#database.transact(
      `reading run ${runId}`,
      read,
      "begin isolation level repeatable read read only",
    );
  }

  /** All runs, oldest first. */
  async list(): Promise<readonly RunSummary[]> {
    const { sql } = this.#database;
    return (await this.#database.ask("listing runs", (query) => query(sql.list))).map(summaryFrom);
  }
}

function summaryFrom(row: Row): RunSummary {
  const runId = String(row["run_id"]);
  if (row["summary"] === null) throw corrupt(runId, "its header is missing");
  const { planName, planHash, parent, startedAt } = JSON.parse(String(row["summary"])) as HeaderSummary;
  const locks = row["locks"] === null ? [] : String(row["locks"]).split("\n");
  return {
    runId,
    planName,
    planHash,
    clientToken: row["client_token"] as string | null,
    parent,
    startedAt,
    status: row["status"] as RunSummary["status"],
    ended: row["ended"] as boolean,
    at: row["at"] as number,
    records: Number(row["records"]),
    locks: locks.map((name) => JSON.parse(name) as string),
    owner: row["owner"] as string | null,
  };
}
