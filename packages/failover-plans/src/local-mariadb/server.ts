/**
 * One MariaDB server of this machine: starting it, ending it, ending it for certain.
 *
 * Owns the process and its command line. Does not own the directory's contents (node-directory.ts) or the order of verbs
 * (node-control.ts). Invariants: after `kill` or `stop` returned, no process of the server exists; a server is spawned only when none
 * exists; no file of the machine's own MariaDB is read (`--no-defaults`).
 */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { BelayError } from "@belay/engine";
import { killServers, serverProcesses, signal } from "../local-servers/process-table.ts";
import type { MariadbNode, StartRole } from "../mariadb/ports.ts";
import { query, serverErrno } from "../mysql-client/client.ts";
import type { MariadbBinaries } from "./binaries.ts";
import { dataOf, STORAGE_FLAGS } from "./node-directory.ts";

const POLL_MS = 15;
/** Recovery after a crash reads the redo log first; on these sizes that takes well under a second. */
const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 30_000;
/** The kernel needs milliseconds; a stuck disk longer. */
const KILL_TIMEOUT_MS = 30_000;
/** How much of the server's log goes into an error message. */
const LOG_TAIL_LINES = 3;

/** What a `Server` is made of. */
export interface ServerSpec {
  readonly node: MariadbNode;
  /** Number of the server in GTIDs; unique in the cluster. */
  readonly serverId: number;
  /** Absolute, without symbolic links: it identifies the server's processes. */
  readonly directory: string;
  readonly binaries: MariadbBinaries;
  /** Whether commits wait for a replica. */
  readonly semisync: boolean;
}

const FLAGS: readonly string[] = [
  "--bind-address=127.0.0.1",
  // Relative to the data directory: a path of any length is fine.
  "--socket=mariadbd.sock",
  "--skip-name-resolve",
  "--character-set-server=utf8mb4",
  "--max-connections=100",
  "--performance-schema=0",
  "--log-bin=binlog",
  "--relay-log=relay",
  "--log-slave-updates=1",
  "--binlog-format=ROW",
  // A second writer's transactions stop the replica instead of slipping in.
  "--gtid-strict-mode=1",
  "--sync-binlog=1",
  "--innodb-flush-log-at-trx-commit=1",
  // One thread could not keep up with clients whose commits share a sync.
  "--slave-parallel-threads=8",
  // A replica notices a silent writer after seconds, not after a minute.
  "--slave-net-timeout=8",
  "--loose-rpl-semi-sync-slave-kill-conn-timeout=1",
];

/** The writer waits for one replica to have a transaction before anybody sees it, and does not give that up for a day. */
const SEMISYNC_FLAGS: readonly string[] = [
  "--rpl-semi-sync-master-wait-point=AFTER_SYNC",
  "--rpl-semi-sync-master-timeout=86400000",
];

/** One server and its present process, if any. Every method is idempotent. */
export class Server {
  readonly #spec: ServerSpec;
  #child: ChildProcess | undefined;

  constructor(spec: ServerSpec) {
    this.#spec = spec;
  }

  /** Whether the server's process exists. */
  isRunning(): boolean {
    return this.#pid() !== undefined || serverProcesses(this.#spec.directory).length > 0;
  }

  /** Starts the server in that role and waits until it accepts connections. Fails with the end of its log when it gives up. */
  async start(role: StartRole): Promise<void> {
    if (!this.isRunning()) this.#spawn(role);
    const deadline = performance.now() + START_TIMEOUT_MS;
    while (!(await this.#isReady())) {
      if (!this.isRunning()) throw await this.#failure("ended while starting");
      if (performance.now() > deadline) throw await this.#failure(`not ready after ${START_TIMEOUT_MS} ms`);
      await sleep(POLL_MS);
    }
  }

  /** Clean shutdown. */
  async stop(): Promise<void> {
    for (const pid of serverProcesses(this.#spec.directory)) signal(pid, "SIGTERM");
    await this.#untilGone(STOP_TIMEOUT_MS);
  }

  /** Ends the server for certain. */
  async kill(): Promise<void> {
    const ended = await killServers(this.#spec.directory, KILL_TIMEOUT_MS);
    if (!ended) throw await this.#failure("does not end by SIGKILL");
    await this.#untilGone(KILL_TIMEOUT_MS);
  }

  /** Waits for the process, and for this program to have learned of its end: before that its pid is not free. */
  async #untilGone(timeoutMs: number): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    while (this.isRunning()) {
      if (performance.now() > deadline) throw await this.#failure(`still running after ${timeoutMs} ms`);
      await sleep(POLL_MS);
    }
  }

  #pid(): number | undefined {
    const child = this.#child;
    return child?.pid !== undefined && child.exitCode === null && child.signalCode === null ? child.pid : undefined;
  }

  #spawn(role: StartRole): void {
    const { binaries, directory } = this.#spec;
    const { user } = binaries;
    const log = openSync(join(directory, "mariadbd.log"), "a");
    try {
      const child = spawn(binaries.mariadbd, this.#args(role), {
        ...(user === null ? {} : { uid: user.uid, gid: user.gid }),
        // Identifies the process from its first moment on (process-table.ts).
        cwd: dataOf(directory),
        // A session of its own: the terminal's Ctrl-C goes to the program, not past it to the servers.
        detached: true,
        env: { LC_ALL: "C", TZ: "UTC" },
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

  #args(role: StartRole): readonly string[] {
    const { directory, node, serverId, semisync } = this.#spec;
    const own = [
      "--no-defaults",
      `--datadir=${dataOf(directory)}`,
      `--tmpdir=${join(directory, "tmp")}`,
      `--pid-file=${join(directory, "mariadbd.pid")}`,
      `--port=${node.port}`,
      `--server-id=${serverId}`,
      ...STORAGE_FLAGS,
      ...FLAGS,
    ];
    if (role !== "writer") own.push("--read-only=1");
    if (role === "fenced") own.push("--skip-slave-start");
    if (!semisync) return own;
    own.push(...SEMISYNC_FLAGS);
    own.push(role === "writer" ? "--rpl-semi-sync-master-enabled=1" : "--rpl-semi-sync-slave-enabled=1");
    // Recovery of one that was the writer takes back what was not committed for lack of an acknowledgement, instead of committing it.
    if (role === "fenced") own.push("--loose-init-rpl-role=SLAVE");
    return own;
  }

  async #isReady(): Promise<boolean> {
    try {
      await query(this.#spec.node, "select 1", [], { connectTimeoutMs: 1000, queryTimeoutMs: 1000 });
      return true;
    } catch (error) {
      // A refusal is no beginner's silence: waiting would not help.
      if (serverErrno(error) !== undefined) throw error;
      return false;
    }
  }

  async #failure(what: string): Promise<BelayError> {
    const { directory, node } = this.#spec;
    const log = await readFile(join(directory, "mariadbd.log"), "utf8").catch(() => "");
    const errors = log.split("\n").filter((line) => line.includes("[ERROR]"));
    const tail = errors.slice(-LOG_TAIL_LINES).join(" | ");
    return new BelayError("ENVIRONMENT", `${node.name}: the server ${what}: ${tail}`, { node: node.name });
  }
}
