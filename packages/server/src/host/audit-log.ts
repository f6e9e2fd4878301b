/**
 * What people asked of the server: every start and verb, and every refusal. The journal's own trail says what became of a run
 * (`auditTrail`); this one also has what never reached a run. One JSON object per line, in a file that is only appended to; the youngest
 * entries are kept in memory to be asked for.
 */
import { createWriteStream, type WriteStream } from "node:fs";
import { readFile } from "node:fs/promises";

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

/** See the head of this file. */
export class AuditLog {
  readonly #kept: AuditEvent[];
  readonly #stream: WriteStream | undefined;
  #failed: Error | undefined;

  private constructor(kept: AuditEvent[], stream: WriteStream | undefined) {
    this.#kept = kept;
    this.#stream = stream;
    stream?.on("error", (error) => {
      this.#failed = error;
    });
  }

  /** Goes on with the file, made when there is none; undefined: in memory only. */
  static async open(file: string | undefined): Promise<AuditLog> {
    if (file === undefined) return new AuditLog([], undefined);
    const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return "";
      throw error;
    });
    const stream = createWriteStream(file, { flags: "a", mode: 0o600 });
    // The end of a process may have torn the last line: what follows begins a new one.
    if (text !== "" && !text.endsWith("\n")) stream.write("\n");
    return new AuditLog(text.split("\n").slice(-KEPT).flatMap(parsed), stream);
  }

  /** Why the file takes no entries any more; undefined while it does. */
  get failure(): Error | undefined {
    return this.#failed;
  }

  /** Adds an entry. */
  add(entry: AuditEvent): void {
    this.#kept.push(entry);
    if (this.#kept.length > 2 * KEPT) this.#kept.splice(0, this.#kept.length - KEPT);
    this.#stream?.write(`${JSON.stringify(entry)}\n`);
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

  /** Resolves once everything is in the file. */
  async close(): Promise<void> {
    if (this.#stream === undefined || this.#failed !== undefined) return;
    await new Promise<void>((resolve) => this.#stream?.end(resolve));
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
