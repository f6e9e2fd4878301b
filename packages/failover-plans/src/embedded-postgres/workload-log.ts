/**
 * What clients saw, in a file that outlives their process: what was acknowledged to them is known for good, and the next
 * process goes on where they stopped. Owns: the file's form, one short line per fact, written before anybody is told.
 * Does not own: what follows from the facts (workload/workload-report.ts).
 *
 * A line is a letter, then numbers: `a ID MS` acknowledged, `r ID` ids below may have been used, `m MS` marked, `h MS`
 * clients were here, `b MS` clients began again. A last line without its end was being written: it counts for nothing.
 */
import { closeSync, ftruncateSync, openSync, writeSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { BelayError } from "@belay/engine";
import type { Absence, Observations } from "../workload/workload-report.ts";

/** Ids that are reserved at once. */
const BLOCK = 1000;

/** What the clients of the file saw so far, and the first id that was surely never used. */
export interface LoggedWorkload {
  readonly seen: Observations;
  readonly nextId: number;
  /** Bytes of the file up to the end of its last whole line. */
  readonly bytes: number;
}

/** The end of the file, to write to. Every call writes at once: the death of the process loses nothing. */
export class WorkloadLog {
  readonly #descriptor: number;
  #reserved: number;

  private constructor(file: string, flags: "wx" | "a", nextId: number) {
    this.#descriptor = openSync(file, flags, 0o600);
    this.#reserved = nextId;
  }

  /** A new file; it must not exist. */
  static create(file: string, { table, firstId, startedAt }: Observations): WorkloadLog {
    const log = new WorkloadLog(file, "wx", firstId);
    log.#line(JSON.stringify({ table, firstId, startedAt }));
    return log;
  }

  /** Goes on with a file as it was read; what comes after its last whole line is dropped. */
  static reopen(file: string, { nextId, bytes }: LoggedWorkload): WorkloadLog {
    const log = new WorkloadLog(file, "a", nextId);
    ftruncateSync(log.#descriptor, bytes);
    return log;
  }

  /** Before an id is used. */
  use(id: number): void {
    if (id < this.#reserved) return;
    this.#reserved = id + BLOCK;
    this.#line(`r ${this.#reserved}`);
  }

  acknowledged(id: number, atMs: number): void {
    this.#line(`a ${id} ${Math.round(atMs)}`);
  }

  marked(atMs: number): void {
    this.#line(`m ${Math.round(atMs)}`);
  }

  here(atMs: number): void {
    this.#line(`h ${Math.round(atMs)}`);
  }

  began(atMs: number): void {
    this.#line(`b ${Math.round(atMs)}`);
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  #line(text: string): void {
    writeSync(this.#descriptor, `${text}\n`);
  }
}

interface Head {
  readonly table: string;
  readonly firstId: number;
  readonly startedAt: number;
}

/** Reads a file back. NOT_FOUND when there is none; STATE_INVALID for lines that no workload wrote. */
export async function readWorkload(file: string): Promise<LoggedWorkload> {
  const text = await readFile(file, "utf8").catch((error: unknown) => {
    throw new BelayError("NOT_FOUND", `no workload is noted in ${file}`, { file }, error);
  });
  const whole = text.slice(0, text.lastIndexOf("\n") + 1);
  const [head, ...lines] = whole.split("\n");
  lines.pop();
  const { table, firstId, startedAt } = readHead(file, head ?? "");
  const absences: Absence[] = [];
  const seen: Observations = {
    table,
    firstId,
    startedAt,
    acknowledged: new Set(),
    ackTimes: [],
    errors: new Map(),
    absences,
    stoppedAt: 0,
    markedAt: null,
  };
  let nextId = firstId;
  let lastMs = startedAt;
  for (const [index, line] of lines.entries()) {
    const [kind, ...words] = line.split(" ");
    const [first = Number.NaN, second = Number.NaN] = words.map(Number);
    if (kind === "a" && Number.isSafeInteger(first) && Number.isFinite(second)) {
      seen.acknowledged.add(first);
      seen.ackTimes.push(second);
      lastMs = second;
    } else if (kind === "r" && Number.isSafeInteger(first)) {
      nextId = first;
    } else if (kind !== undefined && /^[mhb]$/.test(kind) && Number.isFinite(first)) {
      if (kind === "m") seen.markedAt = first;
      if (kind === "b") absences.push({ from: lastMs, until: first });
      lastMs = first;
    } else {
      throw new BelayError("STATE_INVALID", `${file}: line ${index + 2} is none of a workload: ${line.slice(0, 80)}`);
    }
  }
  seen.stoppedAt = lastMs;
  return { seen, nextId, bytes: Buffer.byteLength(whole) };
}

function readHead(file: string, line: string): Head {
  try {
    return JSON.parse(line) as Head;
  } catch (error) {
    throw new BelayError("STATE_INVALID", `${file} does not begin as a workload's file does`, { file }, error);
  }
}
