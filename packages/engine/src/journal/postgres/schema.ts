/**
 * The journal's tables: made at first use, brought up to date later. Owns: their form, its version, and the refusal of a
 * server that cannot keep the journal's promises. One step per version, never changed once it is out.
 */
import { BelayError } from "../../errors.ts";
import { hashText } from "../../plan/identity.ts";
import type { Connection, Row } from "./client.ts";
import { quoteName } from "./client.ts";

/** What makes version n + 1 of version n, by n. `s` is the quoted name of the schema. */
const STEPS: readonly ((s: string) => string)[] = [
  (s) => `
create table ${s}.owners (
  owner bigint generated always as identity primary key,
  engine text not null,
  until timestamptz not null
);
create table ${s}.runs (
  run bigint generated always as identity primary key,
  run_id text collate "C" not null unique,
  client_token text collate "C" unique,
  request_hash text not null,
  owner bigint,
  epoch bigint not null,
  records bigint not null,
  status text not null,
  ended boolean not null,
  at double precision not null
) with (fillfactor = 60);
create index runs_going on ${s}.runs (owner) where not ended;
create table ${s}.headers (
  run bigint primary key,
  header text not null,
  sum integer not null,
  summary text not null
);
create table ${s}.records (
  run bigint,
  seq integer,
  epoch bigint not null,
  sum integer not null,
  record text not null,
  primary key (run, seq)
);
create table ${s}.locks (
  lock text collate "C" primary key,
  resource text not null,
  held_by bigint,
  token bigint not null
);
create index locks_held on ${s}.locks (held_by) where held_by is not null;
create table ${s}.requests (
  request_id text collate "C" primary key,
  place bigint generated always as identity,
  run bigint not null,
  request text not null,
  answer text
);
create index requests_run on ${s}.requests (run);
create index requests_open on ${s}.requests (run) where answer is null;
create table ${s}.lines (
  run bigint,
  place bigint generated always as identity,
  line text not null,
  primary key (run, place)
);`,
  (s) => `
create table ${s}.pools (
  pool text collate "C" primary key,
  name text not null,
  -- When its last slots were taken, epoch seconds, oldest first: of pools with a rate, as far as its interval goes back.
  starts double precision[] not null
) with (fillfactor = 60);
create table ${s}.slots (
  slot uuid primary key,
  pool text collate "C" not null,
  owner bigint not null references ${s}.owners on delete cascade
);
create index slots_pool on ${s}.slots (pool);
create index slots_owner on ${s}.slots (owner);`,
];

/** `make_interval`, `string_to_array` and identity columns are older; nothing older is tried. */
const OLDEST_SERVER = 140_000;
const TIMEOUT_MS = 30_000;

/** Where the versions of a schema are told apart. */
export interface SchemaNames {
  /** As the options name it. */
  readonly plain: string;
  /** As it stands in SQL. */
  readonly quoted: string;
  /** Of notifications: names are cut at 63 bytes. */
  readonly channel: string;
}

export function schemaNames(plain: string): SchemaNames {
  return { plain, quoted: quoteName(plain), channel: `belay_${hashText(plain).slice(0, 32)}` };
}

/** For those who only look: the tables are there, in this version. Fails with JOURNAL_FAILED. A standby will do. */
export async function requireSchema(connection: Connection, names: SchemaNames, server: string): Promise<void> {
  const ask: Ask = (text, values = []) => connection.query({ text }, values, TIMEOUT_MS);
  const found = await versionOf(ask, names, server);
  if (found === STEPS.length) return;
  const why = found === 0 ? "there is no journal" : `the journal is of version ${found}, older than this program's`;
  throw new BelayError(
    "JOURNAL_FAILED",
    `${server}: ${why} in schema "${names.plain}": an engine makes it at its start`,
    {
      server,
    },
  );
}

/**
 * Sees to it that the tables are there, in this version. Fails with JOURNAL_FAILED when the server does not fit, or the
 * schema is of a later version. Several at once wait for the first.
 */
export async function ensureSchema(connection: Connection, names: SchemaNames, server: string): Promise<void> {
  const ask: Ask = (text, values = []) => connection.query({ text }, values, TIMEOUT_MS);
  await checkServer(ask, server);
  if ((await versionOf(ask, names, server)) === STEPS.length) return;
  await ask("begin");
  try {
    await ask("select pg_advisory_xact_lock(hashtextextended($1, 0))", [names.channel]);
    const found = await versionOf(ask, names, server);
    if (found === 0) {
      // A role that may not create schemas may have been given one.
      const there = await ask("select from pg_catalog.pg_namespace where nspname = $1", [names.plain]);
      if (there.length === 0) await ask(`create schema ${names.quoted}`);
      await ask(`create table ${names.quoted}.version (version integer not null)`);
      await ask(`insert into ${names.quoted}.version values (0)`);
    }
    for (const step of STEPS.slice(found)) await ask(step(names.quoted));
    await ask(`update ${names.quoted}.version set version = $1::int`, [STEPS.length]);
    await ask("commit");
  } catch (error) {
    if (!connection.lost) await ask("rollback").catch(() => connection.cut());
    throw error;
  }
}

/** Servers that the process was warned of: once is enough. */
const warned = new Set<string>();

type Ask = (text: string, values?: readonly unknown[]) => Promise<readonly Row[]>;

async function checkServer(ask: Ask, server: string): Promise<void> {
  const [row] = await ask(`select current_setting('server_version_num')::int as version,
    current_setting('server_version') as shown, current_setting('server_encoding') as encoding,
    pg_is_in_recovery() as standby, current_setting('fsync') as fsync`);
  const { version, shown, encoding, standby, fsync } = row as Row;
  const refuse = (why: string): never => {
    throw new BelayError("JOURNAL_FAILED", `${server}: ${why}`, { server });
  };
  if ((version as number) < OLDEST_SERVER) refuse(`it is version ${shown}; the journal needs 14 or later`);
  if (encoding !== "UTF8") refuse(`the database's encoding is ${encoding}: create one with encoding UTF8`);
  if (standby === true) refuse("it is a standby: connect to the primary (25006)");
  if (fsync !== "off" || warned.has(server)) return;
  warned.add(server);
  process.emitWarning(`${server}: fsync is off: a crash of its machine loses the journal`, "BelayJournalWarning");
}

/** 0 when there are no tables yet. Fails when they are of a later version. */
async function versionOf(ask: Ask, { plain, quoted }: SchemaNames, server: string): Promise<number> {
  const [there] = await ask(
    "select from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace where n.nspname = $1 and c.relname = 'version'",
    [plain],
  );
  if (there === undefined) return 0;
  const [row] = await ask(`select version from ${quoted}.version`);
  const version = (row?.["version"] as number | undefined) ?? 0;
  if (version <= STEPS.length) return version;
  throw new BelayError(
    "JOURNAL_FAILED",
    `${server}: schema "${plain}" is of version ${version}, this program knows up to ${STEPS.length}: update it, or use another schema`,
    { server, version },
  );
}
