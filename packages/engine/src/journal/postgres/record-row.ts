/**
 * Headers and records as text, and back. Owns: the sum that tells a changed row from the one that was written (J5). It is
 * taken over the run's id and the text, so that a row is not taken for another run's; the text holds the record's `seq`.
 */
import { crc32 } from "node:zlib";
import { BelayError } from "../../errors.ts";
import type { JournalRecord, RunHeader, RunSummary } from "../port.ts";
import type { Row } from "./client.ts";

/** One record as it is stored. */
export interface RecordRow {
  readonly seq: number;
  /** JSON without line breaks. */
  readonly text: string;
  /** CRC-32 as the server's 4-byte integer. */
  readonly sum: number;
}

export function recordRow(runId: string, record: JournalRecord): RecordRow {
  const text = JSON.stringify(record);
  return { seq: record.seq, text, sum: sumOf(runId, text) };
}

/** CRC-32 over run id and text, from -2^31 on. */
export function sumOf(runId: string, text: string): number {
  return crc32(text, crc32(runId)) | 0;
}

/** What lists show of a header; kept beside it, so that a list reads no plans. */
export type HeaderSummary = Pick<RunSummary, "planName" | "planHash" | "parent" | "startedAt">;

export function summaryOf(header: RunHeader): HeaderSummary {
  const { document, planHash, parent, at } = header;
  return { planName: document.name, planHash, parent, startedAt: at };
}

/** The header of a row of `headerOf`. Fails with JOURNAL_CORRUPT. */
export function headerFrom(runId: string, row: Row): RunHeader {
  const { header, sum } = row;
  if (typeof header !== "string") throw corrupt(runId, "its header is missing");
  if (sumOf(runId, header) !== sum) throw corrupt(runId, "its header is not what was written");
  return JSON.parse(header) as RunHeader;
}

/** Adds the records of some rows to those before them. Fails with JOURNAL_CORRUPT at the first that does not follow. */
export function addRecords(runId: string, rows: readonly Row[], records: JournalRecord[]): void {
  for (const { seq, record, sum } of rows) {
    const expected = records.length;
    if (seq !== expected) throw corrupt(runId, `record ${expected} is missing`, expected);
    if (sumOf(runId, record as string) !== sum) {
      throw corrupt(runId, `record ${expected} is not what was written`, expected);
    }
    const read = JSON.parse(record as string) as JournalRecord;
    if (read.seq !== expected) throw corrupt(runId, `record ${expected} stands in another's place`, expected);
    records.push(read);
  }
}

/** JOURNAL_CORRUPT; `details` name run and seq. */
export function corrupt(runId: string, why: string, seq?: number): BelayError {
  const text = `run ${runId} in the journal is damaged: ${why}; restore the database, or remove the run`;
  return new BelayError("JOURNAL_CORRUPT", text, seq === undefined ? { runId } : { runId, seq });
}
