/**
 * A run that no engine made: a header and records to fill journals with. Imports types only: processes that are killed
 * start with it, and are to start fast.
 */
import type { JournalListener, JournalRecord, RunHeader } from "@belay/engine/journal";

/** Hears nothing. */
export const SILENT: JournalListener = { lost: () => {}, orphaned: () => {}, asked: () => {} };

/** Header of a run of a plan with one node. */
export function sampleHeader(runId: string, clientToken: string | null = null): RunHeader {
  return {
    runId,
    format: 1,
    document: { belay: 1, name: "p", nodes: [{ id: "a", action: "x" }] },
    planHash: "hash",
    params: {},
    items: {},
    seed: 1,
    graceMs: 0,
    clientToken,
    requestHash: "request",
    at: 1,
    parent: null,
  };
}

/** One record, with a payload when `seq` is odd. */
export function sampleRecord(seq: number): JournalRecord {
  const input = { kind: "grant", at: 10 + seq, pool: 0, count: 1 } as const;
  return seq % 2 === 0 ? { seq, input } : { seq, input, payload: { of: seq } };
}
