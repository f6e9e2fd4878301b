/**
 * The records of runs as batches: what one append wrote, as one row at the end of one table for all runs. A commit of many
 * runs so changes the last few pages of the file, and not a page of each run. Owns: that table. Each batch knows the place
 * of its run's batch before; the row of the run knows the last one. So there is no index to keep.
 *
 * J5 (R45): from the last batch back to record 0, every row is of the run, has the number of records that the next one
 * begins at, and its own CRC; or reading fails with JOURNAL_CORRUPT. Places only shrink on the way: it ends.
 */
import { crc32 } from "node:zlib";
import { BelayError } from "../../errors.ts";
import type { JournalRecord } from "../port.ts";
import type { Connection, Row } from "./connection.ts";
import { corrupt, failure } from "./failure.ts";
import type { RunRow } from "./rows.ts";

/** A batch as its columns, without its place and CRC. */
export interface BatchColumns {
  /** Number of the run. */
  readonly run: number;
  readonly runId: string;
  /** Place of the run's batch before; null for its first. */
  readonly previous: number | null;
  /** `seq` of the first record. */
  readonly seq: number;
  /** How many records it has, from 1. */
  readonly count: number;
  /** The records as a JSON array. */
  readonly records: string;
}

/** CRC-32 of a batch. Its place is not in it: what comes after says where it is, and `seq` that it belongs there. */
export function batchCrc({ runId, previous, seq, count, records }: Omit<BatchColumns, "run">): number {
  return crc32(records, crc32(`${runId}\n${previous}\n${seq}\n${count}\n`));
}

/** No CRC-32: that of a batch whose records were damaged when they came from a file of an earlier version. */
export const NO_CRC = -1;

const INSERT = "insert into batch (run, previous, seq, count, records, crc) values (?, ?, ?, ?, ?, ?)";

/** Adds a batch at the end of the table; answers its place. */
export function insertBatch(connection: Connection, batch: BatchColumns, crc: number = batchCrc(batch)): number {
  return connection.insert(INSERT, batch.run, batch.previous, batch.seq, batch.count, batch.records, crc);
}

/** ?1 is the place of the last batch, ?2 the run: a damaged `previous` leads to no other run's, and never forwards. */
const CHAIN = `with recursive chain (place, previous, seq, count, records, crc) as (
    select place, previous, seq, count, records, crc from batch where place = ?1 and run = ?2
    union all
    select batch.place, batch.previous, batch.seq, batch.count, batch.records, batch.crc
    from chain join batch on batch.place = chain.previous where batch.run = ?2 and batch.place < chain.place
  ) select previous, seq, count, records, crc from chain`;

/** All records of a run, in order. */
export function readRecords(connection: Connection, { run, runId, records, last }: RunRow): JournalRecord[] {
  // Filled from its end: batches come from the last to the first.
  const found = new Array<JournalRecord>(records);
  /** Where the next row has to be, and how many records there are up to its end. */
  const due = { runId, place: last, end: records };
  try {
    for (const row of connection.iterate(CHAIN, last, run)) {
      readBatch(connection.file, due, row, found);
      due.end = row["seq"] as number;
      due.place = row["previous"] as number | null;
    }
  } catch (error) {
    if (error instanceof BelayError) throw error;
    throw failure(connection.file, `record ${due.end - 1} of run ${runId} could not be read`, error);
  }
  if (due.place !== null || due.end !== 0) throw damaged(connection.file, due, "missing");
  return found;
}

/** A place in the chain of a run. */
interface Due {
  readonly runId: string;
  readonly place: number | null;
  readonly end: number;
}

/** Puts the records of a row, checked, where they belong. */
function readBatch(file: string, due: Due, row: Row, found: JournalRecord[]): void {
  const [previous, seq, count] = [row["previous"] as number | null, row["seq"] as number, row["count"] as number];
  const records = row["records"] as string;
  if (seq + count !== due.end || row["crc"] !== batchCrc({ runId: due.runId, previous, seq, count, records })) {
    throw damaged(file, due, "damaged");
  }
  const parsed = JSON.parse(records) as JournalRecord[];
  if (parsed.length !== count) throw damaged(file, due, "damaged");
  for (let index = 0; index < count; index++) {
    const record = parsed[index] as JournalRecord;
    if (record.seq !== seq + index) throw damaged(file, due, "damaged");
    found[record.seq] = record;
  }
}

function damaged(file: string, { runId, place, end }: Due, what: string): BelayError {
  const seq = end - 1;
  return corrupt(file, `record ${seq} of run ${runId} is ${what} (batch ${place})`, { runId, seq, place });
}

const REMOVE = `with recursive chain (place, previous) as (
    select place, previous from batch where place = ?1 and run = ?2
    union all
    select batch.place, batch.previous
    from chain join batch on batch.place = chain.previous where batch.run = ?2 and batch.place < chain.place
  ) delete from batch where place in (select place from chain) returning count`;

/** Drops the records of a run; those that a damaged chain does not lead to are looked for in the whole table. */
export function removeRecords(connection: Connection, { run, records, last }: RunRow): void {
  let removed = 0;
  for (const { count } of connection.iterate(REMOVE, last, run)) removed += count as number;
  if (removed !== records) connection.run("delete from batch where run = ?", run);
}
