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

  /** Starts `journal-child.ts`; with `before`, a shell command whose last word starts it. */
  constructor(args: readonly string[], before = `exec "$@"`) {
    const command = ["-c", before, "sh", process.execPath, "--conditions=source", CHILD, ...args];
    this.#process = spawn("sh", command, { stdio: ["pipe", "pipe", "pipe"] });
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

  /** Waits for its own end; the exit code. */
  async ended(): Promise<number | null> {
    await this.#exit;
    return this.#process.exitCode;
  }
}
