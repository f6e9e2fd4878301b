/**
 * The tables of a journal file, their versions, and the way from each version to the next. Owns: every `create`.
 * Format: docs/journal.md. A new version is one more entry of `MIGRATIONS`; the entries before it never change.
 *
 * What can be looked up has an index that `integrity_check` compares with its table when an engine opens the file. Each
 * row carries a CRC-32 of its content and place (`rows.ts`).
 */
import { BelayError } from "../../errors.ts";
import { Connection } from "./connection.ts";
import { corrupt, foreign } from "./failure.ts";
import { fromRecords } from "./from-records.ts";

/** "Bely" as four letters: tells a journal from other SQLite files (`pragma application_id`). */
export const APPLICATION_ID = 0x42656c79;

const TABLES = `
create table journal (
  format integer not null,
  created_at real not null
) strict;

create table run (
  run integer primary key,
  run_id text not null unique,
  plan_name text not null,
  plan_hash text not null,
  client_token text unique,
  request_hash text not null,
  parent_run text,
  parent_node text,
  parent_attempt integer,
  started_at real not null,
  status text not null,
  ended integer not null,
  at real not null,
  records integer not null,
  locks integer not null,
  epoch integer not null,
  owner text,
  crc integer not null
) strict;

create table header (
  run integer primary key,
  header text not null,
  crc integer not null
) strict;

create table record (
  run integer not null,
  seq integer not null,
  input text not null,
  payload text,
  crc integer not null,
  primary key (run, seq)
) without rowid, strict;

create table lock (
  resource text not null primary key,
  held_by integer,
  token integer not null,
  crc integer not null
) without rowid, strict;
create index lock_held on lock (held_by) where held_by is not null;

create table request (
  number integer primary key,
  request_id text not null unique,
  run integer not null,
  verb text not null,
  args text not null,
  at real not null,
  answer text,
  crc integer not null
) strict;
create index request_open on request (run) where answer is null;
create index request_run on request (run);

create table log (
  run integer not null,
  line integer not null,
  at real not null,
  node text not null,
  attempt integer not null,
  compensation integer not null,
  message text not null,
  details text,
  crc integer not null,
  primary key (run, line)
) without rowid, strict;
`;

/** Times as ISO 8601, nodes by their ids where the plan declares them: for people with a SQL prompt. */
const VIEWS = `
create view runs as
select run_id, plan_name as plan, status, ended,
  strftime('%Y-%m-%dT%H:%M:%fZ', started_at / 1000.0, 'unixepoch') as started,
  strftime('%Y-%m-%dT%H:%M:%fZ', at / 1000.0, 'unixepoch') as last_record,
  records, owner, client_token, parent_run, parent_node
from run order by run;

create view records as
select run.run_id, record.seq,
  strftime('%Y-%m-%dT%H:%M:%fZ', (record.input ->> '$.at') / 1000.0, 'unixepoch') as time,
  record.input ->> '$.kind' as kind,
  record.input ->> '$.node' as node,
  case when record.input ->> '$.node' >= 0
    then header.header ->> ('$.document.nodes[' || (record.input ->> '$.node') || '].id') end as node_id,
  record.input ->> '$.attempt' as attempt,
  record.input, record.payload
from record join run using (run) join header using (run)
order by record.run, record.seq;

create view locks as
select lock.resource, run.run_id as held_by, lock.token
from lock left join run on run.run = lock.held_by order by lock.resource;

create view requests as
select request.request_id, run.run_id, request.verb, request.args,
  strftime('%Y-%m-%dT%H:%M:%fZ', request.at / 1000.0, 'unixepoch') as asked, request.answer
from request join run using (run) order by request.number;

create view logs as
select run.run_id, log.node as node_id, log.attempt, log.compensation,
  strftime('%Y-%m-%dT%H:%M:%fZ', log.at / 1000.0, 'unixepoch') as time, log.message, log.details
from log join run using (run) order by log.run, log.line;
`;

/**
 * One step: what makes version n of a file of version n - 1, n being its place in the list, from 1. SQL, or work within the
 * transaction.
 */
export type Migration = string | ((connection: Connection) => void);

/** All steps, from an empty file on. */
export const MIGRATIONS: readonly Migration[] = [TABLES + VIEWS, fromRecords];

/** What a file says it is. */
export interface FileVersion {
  /** `pragma user_version`: how many migrations it has had. */
  readonly version: number;
  /** Nothing was ever written to it. */
  readonly empty: boolean;
}

/**
 * Reads what the file is. JOURNAL_CORRUPT for a file that is no journal, JOURNAL_FAILED for one that a newer version wrote.
 */
export function readVersion(connection: Connection, migrations: readonly Migration[] = MIGRATIONS): FileVersion {
  const application = Number(connection.pragma("application_id"));
  const version = Number(connection.pragma("user_version"));
  const objects = Number(connection.get("select count(*) as n from sqlite_schema")?.["n"]);
  if (application === 0 && version === 0 && objects === 0) return { version, empty: true };
  // The version stands twice: a damaged one is not taken for a newer one.
  const stated = application === APPLICATION_ID ? connection.get("select format from journal")?.["format"] : undefined;
  if (stated !== version || version < 1) {
    throw foreign(connection.file);
  }
  if (version <= migrations.length) return { version, empty: false };
  const known = `format ${version}, this one knows ${migrations.length}`;
  const text = `journal ${connection.file}: a newer version of Belay wrote it (${known}): update, or use another file`;
  throw new BelayError("JOURNAL_FAILED", text, { file: connection.file, version, known: migrations.length });
}

/** What is looked at within the transaction that brings a file up to date; an error undoes all of it. */
export interface MigrationChecks {
  /** The file as it was, of that version. Not for one that is new. */
  readonly before?: (connection: Connection, version: number) => void;
  /** The file as it will be. */
  readonly after?: (connection: Connection) => void;
}

/** Brings the file to the last version, all or nothing. `at` is epoch milliseconds, for one that is new. */
export function migrate(
  connection: Connection,
  at: number,
  migrations: readonly Migration[] = MIGRATIONS,
  checks: MigrationChecks = {},
): void {
  if (readVersion(connection, migrations).version === migrations.length) return;
  connection.write(() => {
    // Read again: another process may have been faster.
    const { version, empty } = readVersion(connection, migrations);
    if (!empty) checks.before?.(connection, version);
    for (const step of migrations.slice(version)) apply(connection, step);
    if (empty) connection.run("insert into journal (format, created_at) values (0, ?)", at);
    connection.run("update journal set format = ?", migrations.length);
    connection.exec(`pragma application_id = ${APPLICATION_ID}; pragma user_version = ${migrations.length}`);
    checks.after?.(connection);
  });
}

function apply(connection: Connection, step: Migration): void {
  if (typeof step === "string") connection.exec(step);
  else step(connection);
}

/** Fails with JOURNAL_CORRUPT unless the file's tables, indexes and views are the ones that the migrations make. */
export function checkSchema(connection: Connection, migrations: readonly Migration[] = MIGRATIONS): void {
  const found = statements(connection);
  for (const [name, sql] of expectedStatements(migrations)) {
    if (found.get(name) !== sql) throw corrupt(connection.file, `its definition of "${name}" is not what was written`);
  }
}

const SCHEMA = "select name, coalesce(sql, '') as sql from sqlite_schema order by name";

function statements(connection: Connection): Map<string, string> {
  return new Map(connection.all(SCHEMA).map(({ name, sql }) => [String(name), String(sql)]));
}

/** Made once for each list of migrations, in memory. */
const EXPECTED = new WeakMap<readonly Migration[], Map<string, string>>();

function expectedStatements(migrations: readonly Migration[]): Map<string, string> {
  const known = EXPECTED.get(migrations);
  if (known !== undefined) return known;
  const model = new Connection(":memory:", { busyMs: 0 });
  try {
    for (const step of migrations) apply(model, step);
    const made = statements(model);
    EXPECTED.set(migrations, made);
    return made;
  } finally {
    model.close();
  }
}
