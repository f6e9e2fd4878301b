/**
 * A run as lines of JSON, out of any journal and back: to keep it, send it, or look at it with line tools (R45). Owns: the
 * form, described in docs/journal.md, and its checks. Does not own: putting it into a journal again.
 */
import { createHash, type Hash } from "node:crypto";
import { BelayError } from "../errors.ts";
import { canonicalJson } from "../plan/identity.ts";
import type { Journal, JournalRecord, RunHeader } from "./port.ts";
import { encodeRecord } from "./replay.ts";

/** What an export holds. */
export interface ExportedRun {
  /** What the run was started with. */
  readonly header: RunHeader;
  /** Its records, in order. */
  readonly records: readonly JournalRecord[];
}

/**
 * The run's lines, without line ends: its header, its records, and a seal with their number and the SHA-256 of what is
 * above it, a line feed after each line. Equal runs are equal bytes. Fails with NOT_FOUND for an unknown run.
 */
export async function* exportRun(journal: Pick<Journal, "read">, runId: string): AsyncGenerator<string, void> {
  const run = await journal.read(runId);
  if (run === undefined) throw new BelayError("NOT_FOUND", `no run ${runId}`);
  const hash = createHash("sha256");
  const sealed = (line: string): string => {
    add(hash, line);
    return line;
  };
  yield sealed(canonicalJson({ header: run.header }));
  for (const record of run.records) yield sealed(encodeRecord(record));
  yield canonicalJson({ records: run.records.length, sha256: hash.digest("hex") });
}

/**
 * Header and records of an export. `lines` come without line ends; empty ones are passed over. Fails with JOURNAL_CORRUPT,
 * naming the line, for anything that `exportRun` did not write: a line that is missing, changed, or one too many.
 */
export async function readExport(lines: Iterable<string> | AsyncIterable<string>): Promise<ExportedRun> {
  const hash = createHash("sha256");
  const records: JournalRecord[] = [];
  let header: RunHeader | undefined;
  let sealed = false;
  let number = 0;
  for await (const line of lines) {
    number++;
    if (line === "") continue;
    if (sealed) throw damaged(number, "there is something after the seal");
    const value = parsed(line, number);
    if (header === undefined) header = headerIn(value, number);
    else if ("sha256" in value)
      sealed = checkSeal(value, { records: records.length, sha256: hash.digest("hex") }, number);
    else records.push(recordIn(value, line, { seq: records.length, number }));
    if (!sealed) add(hash, line);
  }
  if (header === undefined || !sealed) throw damaged(number + 1, "the export ends before its seal");
  return { header, records };
}

function add(hash: Hash, line: string): void {
  hash.update(line, "utf8").update("\n");
}

function parsed(line: string, number: number): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === "object" && value !== null) return value as Readonly<Record<string, unknown>>;
  } catch (error) {
    throw damaged(number, "it is no JSON", error);
  }
  throw damaged(number, "it is no object");
}

function headerIn({ header }: Readonly<Record<string, unknown>>, number: number): RunHeader {
  if (typeof header !== "object" || header === null) throw damaged(number, "it is no header of a run");
  const found = header as RunHeader;
  if (found.format === 1) return found;
  throw damaged(number, `its format is ${String(found.format)}, and this version reads 1`);
}

function recordIn(value: object, line: string, at: { readonly seq: number; readonly number: number }): JournalRecord {
  const record = value as JournalRecord;
  if (record.seq !== at.seq) throw damaged(at.number, `record ${at.seq} should be here, not ${String(record.seq)}`);
  if (encodeRecord(record) !== line) throw damaged(at.number, `record ${at.seq} is not as it was exported`);
  return record;
}

function checkSeal(
  { records, sha256 }: Readonly<Record<string, unknown>>,
  found: { readonly records: number; readonly sha256: string },
  number: number,
): true {
  if (records !== found.records) throw damaged(number, `it has ${found.records} records, and had ${String(records)}`);
  if (sha256 !== found.sha256) throw damaged(number, "what is above is not what was exported");
  return true;
}

function damaged(line: number, why: string, cause?: unknown): BelayError {
  return new BelayError("JOURNAL_CORRUPT", `export of a run, line ${line}: ${why}`, { line }, cause);
}
