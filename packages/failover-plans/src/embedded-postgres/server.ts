/**
 * One PostgreSQL server of this machine: starting it, ending it, ending it for certain.
 *
 * Owns the process, whoever spawned it: a server that outlived its owner is found by its data directory. Does not own the
 * directory's contents (data-directory.ts) or the order of verbs (node-control.ts runs them one by one). Invariants: after
 * `kill` or `stop` returned, no process of the server exists, its backends included; a server is spawned only when none
 * exists. "Ready" is what the server itself writes into postmaster.pid.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { BelayError } from "@belay/engine";
import { killServers, serverProcesses, signal } from "../local-servers/process-table.ts";
import { removeSharedMemory } from "../local-servers/shared-memory.ts";
import type { PostgresNode } from "../postgres/ports.ts";
import type { Binaries } from "./binaries.ts";

const POLL_MS = 10;
/** Recovery after a crash replays WAL first; on this cluster's sizes that takes well under a second. */
const START_TIMEOUT_MS = 60_000;
/** A fast shutdown waits for the standbys to have received everything. */
const STOP_TIMEOUT_MS = 60_000;
/** An immediate one waits for nobody. */
const DISCARD_TIMEOUT_MS = 5000;
/** The kernel needs milliseconds; a stuck disk longer. */
const KILL_TIMEOUT_MS = 30_000;
/** Line of postmaster.pid that holds the server's state, from 0. */
const STATE_LINE = 7;
/** How much of the server's log goes into an error message. */
const LOG_TAIL_LINES = 3;

/** What a `Server` is made of. */
export interface ServerSpec {
  readonly node: PostgresNode;
  /** Absolute, without symbolic links: it identifies the server's processes. */
  readonly directory: string;
  readonly logFile: string;
  readonly binaries: Binaries;
}

/** One server and its present process, if any. Every method is idempotent. */
export class Server {
  readonly #spec: ServerSpec;
  #child: ChildProcess | undefined;

  constructor(spec: ServerSpec) {
    this.#spec = spec;
  }

  /** Whether any process of the server exists: a backend whose postmaster is dead may still write. */
  isRunning(): boolean {
    return this.#postmaster() !== undefined || serverProcesses(this.#spec.directory).length > 0;
  }

  /** Starts the server and waits until it accepts connections. Fails with the end of its log when it gives up. */
  async start(): Promise<void> {
    if (this.#postmaster() === undefined) {
      // Without a postmaster, what is left of the last server ends too.
      await this.kill();
      // Its pid may belong to another program by now, which would keep the server from starting.
      await rm(join(this.#spec.directory, "postmaster.pid"), { force: true });
      this.#spawn();
    }
    const deadline = performance.now() + START_TIMEOUT_MS;
    while (!this.#isReady()) {
      if (this.#postmaster() === undefined) throw await this.#failure("ended while starting");
      if (performance.now() > deadline) throw await this.#failure(`not ready after ${START_TIMEOUT_MS} ms`);
      await sleep(POLL_MS);
    }
  }

  /** Fast shutdown: sessions are cut, a shutdown checkpoint is written and sent to the standbys. */
  async stop(): Promise<void> {
    await this.#end("SIGINT", STOP_TIMEOUT_MS);
  }

  /** Shutdown without a checkpoint: for a server whose data is about to be removed. */
  async discard(): Promise<void> {
    await this.#end("SIGQUIT", DISCARD_TIMEOUT_MS);
  }

  /** Ends every process of the server for certain. */
  async kill(): Promise<void> {
    const postmaster = this.#postmaster();
    // The postmaster first: it forks no more.
    if (postmaster !== undefined) signal(postmaster, "SIGKILL");
    const ended = await killServers(this.#spec.directory, KILL_TIMEOUT_MS);
    if (!ended) throw await this.#failure("does not end by SIGKILL");
    await this.#untilGone(KILL_TIMEOUT_MS);
    await removeSharedMemory(this.#spec.directory);
  }

  async #end(name: NodeJS.Signals, timeoutMs: number): Promise<void> {
    const postmaster = this.#postmaster();
    if (postmaster === undefined) return await this.kill();
    signal(postmaster, name);
    await this.#untilGone(timeoutMs);
  }

  /** Waits for the process, and for this program to have learned of its end: before that its pid is not free. */
  async #untilGone(timeoutMs: number): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    while (this.isRunning()) {
      if (performance.now() > deadline) throw await this.#failure(`still running after ${timeoutMs} ms`);
      await sleep(POLL_MS);
    }
  }

  /** Pid of the postmaster: our own child, else the one that an earlier owner left running. */
  #postmaster(): number | undefined {
    const child = this.#child;
    if (child?.pid !== undefined && child.exitCode === null && child.signalCode === null) return child.pid;
    const [noted] = this.#note();
    const pid = Number(noted);
    return pid > 0 && serverProcesses(this.#spec.directory).includes(pid) ? pid : undefined;
  }

  /** The lines of postmaster.pid; none when there is no such file. */
  #note(): readonly string[] {
    try {
      return readFileSync(join(this.#spec.directory, "postmaster.pid"), "utf8").split("\n");
    } catch {
      return [];
    }
  }

  #spawn(): void {
    const { binaries, directory, logFile, node } = this.#spec;
    const { user } = binaries;
    const args = ["-D", directory, "-c", `port=${node.port}`, "-c", `cluster_name=${node.name}`];
    const log = openSync(logFile, "a");
    try {
      const child = spawn(binaries.postgres, args, {
        ...(user === null ? {} : { uid: user.uid, gid: user.gid }),
        // Identifies the process from its first moment on (process-table.ts).
        cwd: directory,
        // A session of its own: the terminal's Ctrl-C goes to the program, not past it to the servers.
        detached: true,
        // No PG* variable of the caller changes what this server is.
        env: { LC_ALL: "C" },
        stdio: ["ignore", log, log],
      });
      // A failed spawn has no pid; `start` reports it.
      child.on("error", () => undefined);
      child.unref();
      this.#child = child;
    } finally {
      closeSync(log);
    }
  }

  #isReady(): boolean {
    const lines = this.#note();
    return Number(lines[0]) === this.#postmaster() && lines[STATE_LINE]?.trim() === "ready";
  }

  async #failure(what: string): Promise<BelayError> {
    const { logFile, node } = this.#spec;
    const log = await readFile(logFile, "utf8").catch(() => "");
    if (/could not bind.*in use/.test(log.slice(log.lastIndexOf("starting PostgreSQL")))) {
      const message = `${node.name}: port ${node.port} on ${node.host} is in use by another program`;
      return new BelayError("ENVIRONMENT", message, { node: node.name, port: node.port });
    }
    const tail = log.trimEnd().split("\n").slice(-LOG_TAIL_LINES).join(" | ");
    return new BelayError("ENVIRONMENT", `${node.name}: the server ${what}: ${tail}`, { node: node.name });
  }
}
