/**
 * What people asked of the server: every start and verb, and every refusal. The journal's own trail says what became of a run
 * (`auditTrail`); this one also has what never reached a run. One JSON object per line, in a file that is only appended to; the youngest
 * entries are kept in memory to be asked for. An entry is the operating system's before its request is answered: it outlives the process.
 *
 * A file that cannot be written keeps no failover from starting. It is told, and tried again with each entry; those it did not take are in
 * memory only.
 */
import { closeSync, openSync, writeSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { BelayError } from "@belay/engine";

/** One entry. */
export interface AuditEvent {
  /** ISO-8601 UTC. */
  readonly at: string;
  /** Name of the principal; null when nobody proved who they are. */
  readonly who: string | null;
  /** Which API was asked. */
  readonly surface: "native" | "ocp" | "polardb" | "server";
  /** "start", a verb's name, or "authenticate". */
  readonly action: string;
  readonly runId: string | null;
  /** Name of the plan. */
  readonly plan: string | null;
  readonly node: string | null;
  readonly why: string | null;
  /** "ok", or the code of the refusal. */
  readonly outcome: string;
  /** Address of the client. */
  readonly remote: string | null;
  /** Id of the request, as it was answered. */
  readonly requestId: string | null;
}

/** How many entries can be asked for. */
const KEPT = 10_000;

/** What an audit log may be opened with. */
export interface AuditLogOptions {
  /** Told when the file takes no entries any more, once until it does again. Default: nobody. */
  readonly onFailure?: (error: Error) => void;
  /** Writes bytes to the open file and answers how many. Default: `writeSync`. */
  readonly write?: (file: number, bytes: Buffer) => number;
}

/** See the head of this file. */
export class AuditLog {
  readonly #kept: AuditEvent[];
  readonly #onFailure: (error: Error) => void;
  readonly #write: (file: number, bytes: Buffer) => number;
  #file: number | undefined;
  /** The file may end within a line. */
  #torn: boolean;
  #failed: Error | undefined;

  private constructor(kept: AuditEvent[], file: number | undefined, torn: boolean, options: AuditLogOptions) {
    this.#kept = kept;
    this.#file = file;
    this.#torn = torn;
    this.#onFailure = options.onFailure ?? (() => undefined);
    this.#write = options.write ?? writeSync;
  }

  /** Goes on with the file, made when there is none; undefined: in memory only. Fails with ENVIRONMENT. */
  static async open(file: string | undefined, options: AuditLogOptions = {}): Promise<AuditLog> {
    if (file === undefined) return new AuditLog([], undefined, false, options);
    try {
      const opened = openSync(file, "a", 0o600);
      const text = await readFile(file, "utf8");
      // The end of a process may have torn the last line: what follows begins a new one.
      const torn = text !== "" && !text.endsWith("\n");
      return new AuditLog(text.split("\n").slice(-KEPT).flatMap(parsed), opened, torn, options);
    } catch (error) {
      throw new BelayError("ENVIRONMENT", `cannot write the audit log ${file}: ${(error as Error).message}`, {}, error);
    }
  }

  /** Why the file did not take the last entry; undefined while it does. */
  get failure(): Error | undefined {
    return this.#failed;
  }

  /** Adds an entry. */
  add(entry: AuditEvent): void {
    this.#kept.push(entry);
    if (this.#kept.length > 2 * KEPT) this.#kept.splice(0, this.#kept.length - KEPT);
    if (this.#file === undefined) return;
    const line = Buffer.from(`${this.#torn ? "\n" : ""}${JSON.stringify(entry)}\n`);
    try {
      const written = this.#write(this.#file, line);
      if (written < line.length) throw new Error(`only ${written} of ${line.length} bytes of an entry were taken`);
      this.#torn = false;
      this.#failed = undefined;
    } catch (error) {
      const isNews = this.#failed === undefined;
      this.#torn = true;
      this.#failed = error as Error;
      if (isNews) this.#onFailure(error as Error);
    }
  }

  /** The youngest entries that fit, the youngest first. */
  youngest(limit: number, fits: (entry: AuditEvent) => boolean = () => true): readonly AuditEvent[] {
    const found: AuditEvent[] = [];
    for (let place = this.#kept.length - 1; place >= 0 && found.length < limit; place--) {
      const entry = this.#kept[place] as AuditEvent;
      if (fits(entry)) found.push(entry);
    }
    return found;
  }

  /** What is added from now on is in memory only. */
  async close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    if (file !== undefined) closeSync(file);
  }
}

function parsed(line: string): AuditEvent[] {
  if (line === "") return [];
  try {
    return [JSON.parse(line) as AuditEvent];
  } catch {
    return [];
  }
}
