/**
 * Lines on their way to the log: kept in memory for a moment, since nobody waits for them, then written in a transaction
 * of their own that no fsync ends. Owns: that moment. A crash loses the lines of it; a medium that refuses, too.
 */
import type { LogLine } from "../port.ts";
import type { Connection } from "./connection.ts";
import { keepLines, type LineColumns } from "./writing.ts";

/** Lines wait at most so long, milliseconds, */
const WAIT_MS = 100;
/** or until they are so many. */
const MANY = 2_000;

export class LogBuffer {
  readonly #write: (work: (connection: Connection) => void) => void;
  #lines: LogLine[] = [];
  #timer: NodeJS.Timeout | undefined;

  /** `write` runs work in a transaction that need not be durable; what it throws is dropped with the lines. */
  constructor(write: (work: (connection: Connection) => void) => void) {
    this.#write = write;
  }

  /** Takes lines; never fails. */
  add(lines: readonly LogLine[]): void {
    for (const line of lines) this.#lines.push(line);
    if (this.#lines.length >= MANY) this.flush();
    else if (this.#timer === undefined && this.#lines.length > 0) {
      this.#timer = setTimeout(() => this.flush(), WAIT_MS);
      this.#timer.unref();
    }
  }

  /** Writes what waits. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const lines = this.#lines;
    if (lines.length === 0) return;
    this.#lines = [];
    const byRun = new Map<string, LineColumns[]>();
    for (const line of lines) {
      const of = byRun.get(line.runId) ?? [];
      byRun.set(line.runId, of);
      of.push({ line, details: detailsOf(line) });
    }
    try {
      this.#write((connection) => {
        for (const [runId, columns] of byRun) keepLines(connection, runId, columns);
      });
    } catch {
      // The port promises that a log never fails; the next append tells what is wrong with the medium.
    }
  }
}

/** Details as JSON; what JSON cannot say is left out. */
function detailsOf({ details }: LogLine): string | null {
  try {
    return details === undefined ? null : JSON.stringify(details);
  } catch {
    return null;
  }
}
