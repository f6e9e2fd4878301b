/**
 * A process that a test starts, listens to and kills. Owns: that none is left behind.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const CHILD = fileURLToPath(new URL("./journal-child.ts", import.meta.url));

const LIVING = new Set<Child>();

/** Kills what a test that failed has left. */
export async function reapChildren(): Promise<void> {
  await Promise.all([...LIVING].map((child) => child.kill()));
}

export class Child {
  readonly #process: ChildProcess;
  readonly #lines: string[] = [];
  readonly #exit: Promise<unknown>;
  #errors = "";
  #wake: () => void = () => {};

  /**
   * Starts `journal-child.ts`. `before` is a shell command that ends with starting it; `cache` a folder in which a child that
   * ends by itself leaves what Node has compiled, for those that follow; `as` another user of the system, for root.
   */
  constructor(args: readonly string[], { before = `exec "$@"`, cache = "", as = -1 } = {}) {
    const command = ["-c", before, "sh", process.execPath, "--conditions=source", CHILD, ...args];
    const env = cache === "" ? process.env : { ...process.env, NODE_COMPILE_CACHE: cache };
    this.#process = spawn("sh", command, { stdio: ["pipe", "pipe", "pipe"], env, ...(as < 0 ? {} : { uid: as }) });
    const { stdout, stderr } = this.#process;
    if (stdout === null || stderr === null) throw new Error("a pipe was asked for");
    LIVING.add(this);
    this.#exit = once(this.#process, "close").then(() => {
      LIVING.delete(this);
      this.#wake();
    });
    stderr.on("data", (text: Buffer) => {
      this.#errors += text.toString();
    });
    createInterface(stdout).on("line", (line) => {
      this.#lines.push(line);
      this.#wake();
    });
  }

  get pid(): number {
    return this.#process.pid as number;
  }

  /** What it has said so far. */
  get lines(): readonly string[] {
    return this.#lines;
  }

  /** What it has said on standard error. */
  get errors(): string {
    return this.#errors;
  }

  /** Waits until it has said so many lines; fails when it ends before. */
  async said(count: number): Promise<readonly string[]> {
    while (this.#lines.length < count) {
      if (this.#process.exitCode !== null || this.#process.signalCode !== null) {
        throw new Error(`the child ended after ${this.#lines.length} lines: ${this.#errors}`);
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.#lines;
  }

  /** kill -9, and everything that it had said. */
  async kill(): Promise<readonly string[]> {
    this.#process.kill("SIGKILL");
    await this.#exit;
    return this.#lines;
  }

  /** Nothing more comes on its standard input: `hold` ends. */
  endInput(): void {
    this.#process.stdin?.end();
  }

  /** Waits for its own end; the exit code. */
  async ended(): Promise<number | null> {
    await this.#exit;
    return this.#process.exitCode;
  }
}
