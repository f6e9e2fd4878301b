/**
 * Which processes of this machine belong to a server, told by their working directory: PostgreSQL enters its data directory
 * before it forks, so every backend, walsender and checkpointer of a server, and nothing else, is found there. MariaDB, one process,
 * enters its own likewise.
 *
 * Owns looking and killing. Does not own who may be killed: callers name a data directory. Neither a pid file nor a process
 * group is enough: pids are reused, and each backend is the leader of its own group, so a killed postmaster may leave a
 * backend that still finishes a commit. Imports nothing of the project: the watchdog runs this file alone.
 */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/** Pause between two looks while processes end. */
const POLL_MS = 5;

/** Programs that may be killed for working in a data directory; anything else there (an operator's shell) is left alone. */
const PROGRAMS: ReadonlySet<string> = new Set(["postgres", "initdb", "mariadbd"]);

/** Pids of the live server processes in `directory` (absolute, no symbolic links) or below it. */
export function serverProcesses(directory: string): readonly number[] {
  return process.platform === "linux" ? fromProc(directory) : fromPs(directory);
}

/** Sends SIGKILL to every process of the servers below `directory`, once, without waiting. Returns how many there were. */
export function killServersNow(directory: string): number {
  const pids = serverProcesses(directory);
  for (const pid of pids) signal(pid, "SIGKILL");
  return pids.length;
}

/**
 * Kills the servers below `directory` until a look finds none. Looking again matters: a postmaster may fork between the look
 * and its own end. Answers false when some are left after `timeoutMs` (stuck in the kernel).
 */
export async function killServers(directory: string, timeoutMs: number): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  while (killServersNow(directory) > 0) {
    if (performance.now() > deadline) return false;
    await sleep(POLL_MS);
  }
  return true;
}

/** Sends a signal; false when the process is gone. */
export function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
    throw error;
  }
}

/** Linux: a zombie has no working directory any more, so it does not count as live. */
function fromProc(directory: string): number[] {
  const pids: number[] = [];
  for (const entry of readdirSync("/proc")) {
    const pid = Number(entry);
    if (!Number.isInteger(pid)) continue;
    try {
      // The kernel appends " (deleted)" when the directory is gone; a prefix below `directory` stays one.
      const cwd = readlinkSync(`/proc/${pid}/cwd`);
      if (cwd !== directory && cwd !== `${directory} (deleted)` && !cwd.startsWith(`${directory}/`)) continue;
      if (PROGRAMS.has(readFileSync(`/proc/${pid}/comm`, "utf8").trimEnd())) pids.push(pid);
    } catch {
      // Ended meanwhile, or of another user: not one of ours.
    }
  }
  return pids;
}

/** Elsewhere `ps` shows no working directory: servers by their `-D` or `--datadir` argument, the others as children of those. */
function fromPs(directory: string): number[] {
  const listing = execFileSync("ps", ["-axo", "pid=,ppid=,stat=,command="], { encoding: "utf8" });
  const rows = listing.split("\n").flatMap((line) => {
    const match = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/.exec(line);
    if (match === null || match[3]?.startsWith("Z")) return [];
    return [{ pid: Number(match[1]), parent: Number(match[2]), command: match[4] ?? "" }];
  });
  const roots = new Set<number>();
  for (const { pid, command } of rows) {
    const words = command.split(" ");
    const program = words[0]?.split("/").at(-1) ?? "";
    const named = words.find((word) => word.startsWith("--datadir="))?.slice("--datadir=".length);
    const data = named ?? words[words.indexOf("-D") + 1] ?? "";
    if (PROGRAMS.has(program) && (data === directory || data.startsWith(`${directory}/`))) roots.add(pid);
  }
  return rows.filter((row) => roots.has(row.pid) || roots.has(row.parent)).map((row) => row.pid);
}
