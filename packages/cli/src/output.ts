/**
 * The two streams of the command. Owns: whether to colour, whether to redraw in place, and what happens when the reader goes
 * away: writing stops, the work goes on. A failover is not given up because `| head` has read enough.
 */
import pc from "picocolors";

/** Text styling; every function is the identity when colours are off. */
export type Colors = ReturnType<typeof pc.createColors>;

/** What is needed of a stream; `process.stdout` and test doubles fit. */
export interface OutputStream extends NodeJS.WritableStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
}

/** Environment variables that say how to write. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** One stream to write to. */
export class Output {
  readonly stream: OutputStream;
  readonly colors: Colors;
  /** A terminal that can be redrawn in place. */
  readonly live: boolean;
  #closed = false;
  #fault: Error | undefined;

  /** `environment`: NO_COLOR and FORCE_COLOR (any value but ""), and TERM, as is customary. */
  constructor(stream: OutputStream, environment: Environment) {
    this.stream = stream;
    this.live = stream.isTTY === true && environment["TERM"] !== "dumb";
    this.colors = pc.createColors(!environment["NO_COLOR"] && (this.live || Boolean(environment["FORCE_COLOR"])));
    // The reader of the pipe ended, the terminal is gone, the disk is full: none of them may end a failover half way.
    stream.on("error", (error: NodeJS.ErrnoException) => {
      this.#closed = true;
      if (error.code !== "EPIPE" && error.code !== "EIO") this.#fault ??= error;
    });
  }

  /** Why something could not be written, a reader that went away aside. Known for good once `flush` has resolved. */
  get fault(): Error | undefined {
    return this.#fault;
  }

  /** Columns and rows of the terminal; 80 x 24 where there is none. */
  get size(): { readonly columns: number; readonly rows: number } {
    return { columns: this.stream.columns || 80, rows: this.stream.rows || 24 };
  }

  /** Writes as it is; nothing once the reader is gone. */
  write(text: string): void {
    if (!this.#closed) this.stream.write(text);
  }

  /** Writes with a line end. */
  line(text: string): void {
    this.write(`${text}\n`);
  }

  /** Resolves when everything written has left the process, or never will. */
  async flush(): Promise<void> {
    if (this.#closed) return;
    await new Promise<void>((resolve) => {
      this.stream.once("error", () => resolve());
      this.stream.write("", () => resolve());
    });
  }
}

/** Where the command writes: results on `out`, diagnostics on `err`. */
export interface Terminal {
  readonly out: Output;
  readonly err: Output;
}
