/**
 * From version 1 of a journal file to version 2: records were rows of their own, ordered by run, so that each commit
 * changed a page of each run. Owns: what version 1 was, as far as it goes, and that nothing of it is taken for whole that
 * was damaged: a damaged row of a run stops the way, damaged records stay damaged in version 2 (R45).
 * Runs in the transaction of its caller.
 */
import { crc32 } from "node:zlib";
import { batchCrc, insertBatch, NO_CRC } from "./batches.ts";
import type { Connection, Row } from "./connection.ts";
import { crcAfter, fixedRunCrc, type RunRow, runColumns, runCrc, runDamaged } from "./rows.ts";

const BEFORE = `
drop view records;
alter table run add column last integer;
create table batch (
  place integer primary key,
  run integer not null,
  previous integer,
  seq integer not null,
  count integer not null,
  records text not null,
  crc integer not null
) strict;
`;

const AFTER = `
drop table record;

create view records as
select run.run_id, batch.seq + one.key as seq,
  strftime('%Y-%m-%dT%H:%M:%fZ', (one.value ->> '$.input.at') / 1000.0, 'unixepoch') as time,
  one.value ->> '$.input.kind' as kind,
  one.value ->> '$.input.node' as node,
  case when one.value ->> '$.input.node' >= 0
    then header.header ->> ('$.document.nodes[' || (one.value ->> '$.input.node') || '].id') end as node_id,
  one.value ->> '$.input.attempt' as attempt,
  one.value -> '$.input' as input, one.value -> '$.payload' as payload
from batch join run using (run) join header using (run), json_each(batch.records) as one
order by batch.run, batch.seq, one.key;
`;

/** A batch holds at most so many records, */
const RECORDS = 500;
/** and is full when its text is so long, in characters. */
const CHARACTERS = 64 * 1024;

/** Moves the records of all runs, and says of each run where they are. */
export function fromRecords(connection: Connection): void {
  connection.exec(BEFORE);
  for (const row of connection.all("select * from run order by run")) {
    const found: RunRow = { ...runColumns(row), last: null };
    if (row["crc"] !== crcBefore(found)) throw runDamaged(connection.file, found.runId);
    const moved = { ...found, last: moveRun(connection, found) };
    connection.run("update run set last = ?, crc = ? where run = ?", moved.last, runCrc(moved), moved.run);
  }
  connection.exec(AFTER);
}

function crcBefore(row: RunRow): number {
  const { status, ended, at, records, locks, epoch, owner } = row;
  return crcAfter(fixedRunCrc(row), [status, ended, at, records, locks, epoch, owner]);
}

/** Answers the place of the last batch; null when the run has no record. */
function moveRun(connection: Connection, { run, runId }: RunRow): number | null {
  let last: number | null = null;
  let seq = 0;
  let texts: string[] = [];
  let length = 0;
  let whole = true;
  const flush = (): void => {
    if (texts.length === 0) return;
    const batch = { run, runId, previous: last, seq, count: texts.length, records: `[${texts.join(",")}]` };
    last = insertBatch(connection, batch, whole ? batchCrc(batch) : NO_CRC);
    seq += texts.length;
    [texts, length, whole] = [[], 0, true];
  };
  for (const row of connection.iterate("select * from record where run = ? order by seq", run)) {
    const text = recordText(row);
    whole &&= row["seq"] === seq + texts.length && row["crc"] === recordCrc(runId, row);
    texts.push(text);
    length += text.length;
    if (texts.length === RECORDS || length >= CHARACTERS) flush();
  }
  flush();
  return last;
}

/** The texts are JSON already. */
function recordText({ seq, input, payload }: Row): string {
  return `{"seq":${seq},"input":${input}${payload === null ? "" : `,"payload":${payload}`}}`;
}

function recordCrc(runId: string, { seq, input, payload }: Row): number {
  return crc32(`${runId}\n${seq}\n${input}\n${payload ?? ""}`);
}
