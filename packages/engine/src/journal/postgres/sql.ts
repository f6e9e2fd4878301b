/**
 * Every statement of the journal but those that make its tables (`schema.ts`). Owns: their texts, with the schema's name
 * in them; values are always parameters. Invariants: R40, R43, R44 are kept by these alone, whatever their callers do.
 *
 * The fence: `append` changes the run's row only while it names this owner, this epoch and this number of records, and
 * while that owner's lease lives. A claim changes owner and epoch of the same row. The row's lock lets one go first; who
 * waited looks at the row again (read committed) and finds no row of its own.
 * Times are the server's (`clock_timestamp`), never a client's. Rows of several locks are taken in the order of their keys.
 */
import type { Statement } from "./client.ts";

/** The statements by name; what each takes and answers is said beside its text. */
export type Sql = Readonly<Record<SqlName, Statement>>;

type OwnerName = "beginOwner" | "renew" | "endOwner" | "sweepOwners" | "ownerLives" | "orphans" | "isAsked";
type CreateName =
  | "byToken"
  | "insertRun"
  | "insertHeader"
  | "knowLocks"
  | "lookAtLocks"
  | "takeLocks"
  | "nameOf"
  | "madeBefore"
  | "tokensOf";
type ClaimName =
  | "holdRun"
  | "ownerOf"
  | "takeRun"
  | "takeLocksAgain"
  | "release"
  | "removeRun"
  | "freeLocks"
  | "removeRest";
type RecordName = "append" | "standing" | "sumsOf" | "headerOf" | "recordsOf" | "list";
type RequestName = "ask" | "openRequests" | "answer" | "answerTo";
type LineName = "insertLines" | "trimLines" | "linesOf";
type SlotName = "holdPool" | "takeSlots" | "freeSlots";
type SqlName = OwnerName | CreateName | ClaimName | RecordName | RequestName | LineName | SlotName;

/** The statements of a journal in `schema`, a quoted name. */
export function statementsFor(schema: string): Sql {
  const s = schema;
  return {
    ...ownerStatements(s),
    ...createStatements(s),
    ...claimStatements(s),
    ...recordStatements(s),
    ...requestStatements(s),
    ...lineStatements(s),
    ...slotStatements(s),
  };
}

function ownerStatements(s: string): Pick<Sql, OwnerName> {
  return {
    /** Begins an engine's time as an owner; ends the one before. $1 engine, $2 lease in ms, $3 former owner or null. */
    beginOwner: sql(`
with former as (delete from ${s}.owners where owner = $3::bigint)
insert into ${s}.owners (engine, until)
values ($1, clock_timestamp() + make_interval(secs => $2::float8 / 1000)) returning owner`),
    /** Prolongs a lease that lives; no row when it does not. The lock first: a claim may have it. $1 owner, $2 ms. */
    renew: sql(
      `
with own as materialized (select owner from ${s}.owners where owner = $1::bigint for no key update)
update ${s}.owners set until = clock_timestamp() + make_interval(secs => $2::float8 / 1000)
where owner = (select owner from own) and until > clock_timestamp() returning owner`,
      "renew",
    ),
    /** Ends an engine's time: its runs are anyone's. $1 owner, $2 channel. */
    endOwner: sql(`
with ended as (delete from ${s}.owners where owner = $1::bigint returning owner)
select pg_notify($2, 'free') from ended`),
    /** Owners that nobody has heard of for a day. */
    sweepOwners: sql(`delete from ${s}.owners where until < clock_timestamp() - interval '1 day'`),
    /** Whether a lease lives. $1 owner. */
    ownerLives: sql(`select from ${s}.owners where owner = $1::bigint and until > clock_timestamp()`),
    /** Runs that go on and that nobody alive owns, oldest first. */
    orphans: sql(
      `
select run_id from ${s}.runs where not ended and (owner is null or owner <> all (array(
  select owner from ${s}.owners where until > clock_timestamp())))
order by run limit 10000`,
      "orphans",
    ),
    /** Whether somebody waits for an answer of this owner. $1 owner. */
    isAsked: sql(
      `
select from ${s}.requests q join ${s}.runs r using (run)
where q.answer is null and r.owner = $1::bigint limit 1`,
      "is-asked",
    ),
  };
}

function createStatements(s: string): Pick<Sql, CreateName> {
  return {
    /** $1 client token. */
    byToken: sql(`select run_id, request_hash from ${s}.runs where client_token = $1`),
    /** No row when the owner's lease is over, or run id or token are taken. $1.. run id, token, request hash, owner, at. */
    insertRun: sql(`
insert into ${s}.runs (run_id, client_token, request_hash, owner, epoch, records, status, ended, at)
select $1, $2, $3, o.owner, 1, 0, 'RUNNING', false, $5::float8
from ${s}.owners o where o.owner = $4::bigint and o.until > clock_timestamp()
on conflict do nothing returning run`),
    /** $1 run, $2 header, $3 its sum, $4 summary. */
    insertHeader: sql(`insert into ${s}.headers (run, header, sum, summary) values ($1::bigint, $2, $3::int, $4)`),
    /** $1 keys, $2 names: locks that were never taken before. */
    knowLocks: sql(`
insert into ${s}.locks (lock, resource, token) select key, resource, 0
from unnest($1::text[], $2::text[]) as wanted (key, resource) order by key on conflict do nothing`),
    /** $1 keys. */
    lookAtLocks: sql(`
select lock, held_by from ${s}.locks where lock = any($1::text[]) order by lock for update`),
    /** $1 run, $2 keys. */
    takeLocks: sql(`
update ${s}.locks set held_by = $1::bigint, token = token + 1 where lock = any($2::text[]) returning resource, token`),
    /** $1 run. */
    nameOf: sql(`select run_id from ${s}.runs where run = $1::bigint`),
    /** Whether a run is the one that an earlier try made, whose answer was lost. $1 run id, $2 owner, $3 header's sum. */
    madeBefore: sql(`
select r.run from ${s}.runs r join ${s}.headers h using (run)
where r.run_id = $1 and r.owner = $2::bigint and r.epoch = 1 and r.records = 0 and h.sum = $3::int`),
    /** $1 run. */
    tokensOf: sql(`select resource, token from ${s}.locks where held_by = $1::bigint`),
  };
}

function claimStatements(s: string): Pick<Sql, ClaimName> {
  return {
    /** Holds the run's row until the end of the transaction. $1 run id. */
    holdRun: sql(`select run from ${s}.runs where run_id = $1 for update`),
    /** The present owner, once what renews its lease is done. $1 run. */
    ownerOf: sql(`
select o.engine, o.until > clock_timestamp() as lives
from ${s}.runs r join ${s}.owners o using (owner) where r.run = $1::bigint for share of o`),
    /** $1 run, $2 new owner. No row when that one's lease is over. `asked`: somebody waits for an answer. */
    takeRun: sql(`
update ${s}.runs set owner = $2::bigint, epoch = epoch + 1
where run = $1::bigint and exists (select from ${s}.owners where owner = $2::bigint and until > clock_timestamp())
returning epoch, records, ended, exists (select from ${s}.requests q where q.run = $1::bigint and q.answer is null) as asked`),
    /** New tokens for the run's locks. $1 run. */
    takeLocksAgain: sql(`
update ${s}.locks set token = token + 1 where lock in
  (select lock from ${s}.locks where held_by = $1::bigint order by lock for update)
returning resource, token`),
    /** Gives runs up that are still this owner's. $1 runs, $2 their epochs, $3 owner, $4 channel. */
    release: sql(`
with freed as (
  update ${s}.runs r set owner = null from unnest($1::bigint[], $2::bigint[]) as g (run, epoch)
  where r.run = g.run and r.epoch = g.epoch and r.owner = $3::bigint returning ended)
select pg_notify($4, 'free') from freed where not ended limit 1`),
    /** $1 run id. */
    removeRun: sql(`delete from ${s}.runs where run_id = $1 returning run`),
    /** $1 run. */
    freeLocks: sql(`
update ${s}.locks set held_by = null where lock in
  (select lock from ${s}.locks where held_by = $1::bigint order by lock for update)`),
    /** $1 run. */
    removeRest: sql(`
with a as (delete from ${s}.records where run = $1::bigint),
  b as (delete from ${s}.lines where run = $1::bigint),
  c as (delete from ${s}.requests where run = $1::bigint)
delete from ${s}.headers where run = $1::bigint`),
  };
}

function recordStatements(s: string): Pick<Sql, RecordName> {
  return {
    /**
     * The batches of several runs, each all or none. $1.. per batch: run, owner, epoch, records before, their number, status,
     * ended, at; $9.. per record: run, seq, sum; $12 the records, a line each. Answers the runs that were written.
     */
    append: sql(
      `
with moved as (
  update ${s}.runs r set records = b.before + b.count, status = b.status, ended = b.ended, at = b.at
  from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::text[], $7::boolean[],
    $8::float8[]) as b (run, owner, epoch, before, count, status, ended, at)
  join ${s}.owners o on o.owner = b.owner and o.until > clock_timestamp()
  where r.run = b.run and r.owner = b.owner and r.epoch = b.epoch and r.records = b.before
  returning r.run, r.epoch, r.ended
), written as (
  insert into ${s}.records (run, seq, epoch, sum, record)
  select m.run, x.seq, m.epoch, x.sum, x.record
  from unnest($9::bigint[], $10::int[], $11::int[], string_to_array($12, E'\\n')) as x (run, seq, sum, record)
  join moved m on m.run = x.run
), freed as (
  update ${s}.locks set held_by = null where lock in
    (select lock from ${s}.locks where held_by in (select run from moved where ended) order by lock for update)
)
select run from moved`,
      "append",
    ),
    /** Why an append wrote nothing. $1 runs. */
    standing: sql(`
select r.run, r.owner, r.epoch, r.records, coalesce(o.until > clock_timestamp(), false) as lives
from ${s}.runs r left join ${s}.owners o using (owner) where r.run = any($1::bigint[])`),
    /** What an append whose answer was lost has left. $1 run, $2 epoch, $3 from, $4 to. */
    sumsOf: sql(`
select sum from ${s}.records where run = $1::bigint and epoch = $2::bigint and seq >= $3::int and seq < $4::int
order by seq`),
    /** $1 run id. */
    headerOf: sql(`
select run, r.records, h.header, h.sum from ${s}.runs r left join ${s}.headers h using (run) where r.run_id = $1`),
    /** $1 run, $2 from, $3 to. */
    recordsOf: sql(`
select seq, record, sum from ${s}.records where run = $1::bigint and seq >= $2::int and seq < $3::int order by seq`),
    list: sql(`
select r.run_id, r.client_token, r.records, r.status, r.ended, r.at, h.summary, o.engine as owner, l.names as locks
from ${s}.runs r
  left join ${s}.headers h using (run)
  left join ${s}.owners o on o.owner = r.owner and o.until > clock_timestamp()
  left join (
    select held_by, string_agg(resource, E'\\n' order by resource) as names
    from ${s}.locks where held_by is not null group by held_by) l on l.held_by = r.run
order by r.run`),
  };
}

function requestStatements(s: string): Pick<Sql, RequestName> {
  return {
    /** A row when the run is known. $1 run id, $2 request id, $3 request, $4 channel. */
    ask: sql(`
with known as (select run, owner from ${s}.runs where run_id = $1 for key share),
  kept as (
    insert into ${s}.requests (request_id, run, request) select $2, run, $3 from known
    on conflict (request_id) do nothing returning run)
select pg_notify($4, 'asked ' || coalesce(owner::text, '')) from known`),
    /** $1 owner. */
    openRequests: sql(`
select q.request from ${s}.requests q join ${s}.runs r using (run)
where q.answer is null and r.owner = $1::bigint order by q.place`),
    /** $1 request id, $2 answer. */
    answer: sql(`update ${s}.requests set answer = $2 where request_id = $1 and answer is null`),
    /** $1 request id. */
    answerTo: sql(`select answer from ${s}.requests where request_id = $1`),
  };
}

function lineStatements(s: string): Pick<Sql, LineName> {
  return {
    /** Lines of unknown runs are left out. $1 run ids, $2 the lines, a line each. */
    insertLines: sql(`
with known as (select run, run_id from ${s}.runs where run_id = any($1::text[]) for key share)
insert into ${s}.lines (run, line)
select k.run, x.line
from unnest($1::text[], string_to_array($2, E'\\n')) with ordinality as x (run_id, line, place)
join known k on k.run_id = x.run_id order by x.place`),
    /** Keeps the last lines. $1 run id, $2 how many. */
    trimLines: sql(`
delete from ${s}.lines l using ${s}.runs r where r.run_id = $1 and l.run = r.run and l.place <=
  (select place from ${s}.lines where run = r.run order by place desc offset $2::int limit 1)`),
    /** $1 run id. */
    linesOf: sql(`
select l.line from ${s}.lines l join ${s}.runs r using (run) where r.run_id = $1 order by l.place`),
  };
}

function slotStatements(s: string): Pick<Sql, SlotName> {
  return {
    /** Holds a pool's row until the end of the transaction, made when it is not there. $1 key, $2 name. */
    holdPool: sql(
      `
insert into ${s}.pools (pool, name, starts) values ($1, $2, '{}') on conflict (pool) do update set name = excluded.name`,
      "hold-pool",
    ),
    /**
     * Takes as many slots as are free; those that an earlier try has taken are answered again. One row. $1 key, $2 owner, $3 names
     * of the slots, $4 concurrency, $5 starts per interval, $6 the interval in ms.
     */
    takeSlots: sql(
      `
with moment as (select extract(epoch from clock_timestamp())::float8 as now),
  own as (select owner from ${s}.owners where owner = $2::bigint and until > clock_timestamp()),
  mine as (select slot from ${s}.slots where slot = any($3::uuid[])),
  recent as (
    select coalesce(array_agg(at order by at), '{}') as starts from ${s}.pools, unnest(starts) as at, moment
    where pool = $1 and at > now - $6::float8 / 1000),
  room as (
    select $4::float8 - (select count(*) from ${s}.slots join ${s}.owners o using (owner)
        where pool = $1 and o.until > clock_timestamp()) as slots,
      $5::float8 - cardinality(starts) as starts from recent),
  fresh as (
    select greatest(0, least(cardinality($3::uuid[]), slots, starts))::int as count
    from room where not exists (select from mine)),
  taken as (
    insert into ${s}.slots (slot, pool, owner)
    select wanted.slot, $1, own.owner from unnest($3::uuid[]) with ordinality as wanted (slot, place), own, fresh
    where wanted.place <= fresh.count returning slot),
  counted as (
    update ${s}.pools p set starts = recent.starts || array_fill(now, array[(select count(*) from taken)::int])
    from recent, moment where p.pool = $1 and $5::float8 <> 'Infinity' and exists (select from taken))
select exists (select from own) as lives,
  array(select slot::text from taken union all select slot::text from mine) as slots,
  case when not exists (select from mine) and cardinality($3::uuid[]) > greatest(0, room.starts) and room.starts <= room.slots
    then ceil(greatest(1, 1000 * (coalesce((recent.starts)[greatest(1, 1 - room.starts::int)], now) - now) + $6::float8))
  end as retry_in_ms
from room, recent, moment`,
      "take-slots",
    ),
    /** Gives slots back and says so. $1 their names, $2 channel. */
    freeSlots: sql(
      `
with freed as (delete from ${s}.slots where slot = any($1::uuid[]) returning slot)
select pg_notify($2, 'slots') from freed limit 1`,
      "free-slots",
    ),
  };
}

function sql(text: string, name?: string): Statement {
  return name === undefined ? { text: text.trim() } : { text: text.trim(), name: `belay-${name}` };
}
