/**
 * Processes that own runs (`owner.ts`), in a test's hands: what each told, signals, and their end. Owns: reaping them.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { PostgresJournalOptions } from "@belay/engine/postgres";
import { eventually } from "./journal-stage.ts";

/** What a process told, and when. */
export interface Told {
  readonly event: string;
  readonly atMs: number;
  readonly runId?: string;
  readonly runIds?: readonly string[];
  readonly epoch?: number;
  readonly seq?: number;
  readonly code?: string;
  readonly nodeId?: string;
  readonly attempt?: number;
  readonly token?: number;
  readonly status?: string;
}

export class OwnerProcess {
  readonly name: string;
  readonly told: Told[] = [];
  readonly #child: ChildProcess;
  #errors = "";

  /** `what`: the script's second argument; `script`: beside this file. */
  constructor(name: string, what: string, journal: PostgresJournalOptions, file = "owner.ts") {
    this.name = name;
    const script = fileURLToPath(new URL(`./${file}`, import.meta.url));
    this.#child = spawn(process.execPath, ["--conditions=source", script, name, what], {
      env: { ...process.env, NODE_OPTIONS: "", JOURNAL: JSON.stringify(journal) },
      stdio: ["pipe", "pipe", "pipe"],
    });
    this.#child.stdin?.on("error", () => undefined);
    this.#child.stderr?.on("data", (text) => {
      this.#errors += text;
    });
    createInterface({ input: this.#child.stdout as NodeJS.ReadableStream }).on("line", (line) => {
      this.told.push({ ...(JSON.parse(line) as Told), atMs: performance.now() });
    });
  }

  /** The first thing told since `sinceMs` that fits. */
  async says(what: string, fits: (told: Told) => boolean, sinceMs = 0): Promise<Told> {
    const find = (): Told | undefined => this.told.find((told) => told.atMs >= sinceMs && fits(told));
    await eventually(`${this.name}: ${what}; ${this.#errors}`, () => find() !== undefined);
    return find() as Told;
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** Lets it close its journal and end. Answers "0", or its exit code and what it wrote to standard error. */
  async close(): Promise<string> {
    this.#child.stdin?.end();
    return await this.ended();
  }

  /** Waits for its end, and answers the same. */
  async ended(): Promise<string> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, "exit");
    return `${this.#child.exitCode ?? this.#child.signalCode}${this.#errors}`;
  }

  /** Ends it for certain. */
  async reap(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill("SIGKILL");
    await once(this.#child, "exit");
  }
}
