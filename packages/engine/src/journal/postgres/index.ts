/**
 * @belay/engine/postgres: runs that survive their process and their machine, in a PostgreSQL database that several engines
 * share: when one of them dies, another goes on with its runs. Needs the package `pg`. Guarantees:
 * docs/journal-postgres.md.
 */
import { PostgresJournal } from "./journal.ts";
import type { PostgresJournalOptions } from "./options.ts";
import { PostgresReader } from "./outside.ts";

export type { PostgresJournal } from "./journal.ts";
export type { JournalClock, PostgresAddress, PostgresJournalOptions } from "./options.ts";
export type { PostgresReader } from "./outside.ts";

/**
 * A journal in a PostgreSQL database (14 or later, UTF8), for `createEngine({ actions, journal })`. The server is asked for
 * the first time when the engine opens the journal; its tables are made then. That fails with JOURNAL_FAILED, which names
 * the server and the remedy: it does not answer, refuses, is a standby, or holds the tables of a newer version.
 * INVALID_ARGUMENT for options that make no sense. No message, here or later, holds the password.
 */
export function openPostgresJournal(options: PostgresJournalOptions): PostgresJournal {
  return new PostgresJournal(options);
}

/**
 * The journal as somebody sees it who runs nothing: `read`, `list`, `logs`, `ask` and `answerTo`, while engines use it. It makes
 * no tables, and reads from a standby too. Close it after use. Takes the address and the schema; fails like
 * `openPostgresJournal`, and each call with JOURNAL_FAILED when there is no journal.
 */
export function openPostgresReader(
  options: Pick<PostgresJournalOptions, "connectionString" | "address" | "schema">,
): PostgresReader {
  return new PostgresReader(options);
}
