/**
 * The processes that actions started. Owns: finding and ending them when the command is interrupted; nothing of ours may
 * outlive a Ctrl-C. A child in a process group of its own (`detached`) is left alone: it was meant to outlive us, or has a
 * guard of its own.
 */
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

const POLL_MS = 20;
/** The kernel ends a killed process within milliseconds. */
const REAP_MS = 1000;

interface ProcessEntry {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  readonly zombie: boolean;
}

/** Asks our children to end; those still there after `graceMs` are killed. */
export async function endChildren(graceMs: number): Promise<void> {
  const pids = childrenOf(process.pid);
  for (const pid of pids) signal(pid, "SIGTERM");
  await gone(pids, graceMs);
  await killChildren();
}

/** Kills our children and waits until the last one is reaped, so that none is left behind as a zombie either. */
export async function killChildren(): Promise<void> {
  const pids = childrenOf(process.pid);
  for (const pid of pids) signal(pid, "SIGKILL");
  await gone(pids, REAP_MS);
}

/** Waits until none of the processes exists; at most `timeoutMs`. */
async function gone(pids: readonly number[], timeoutMs: number): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (pids.some((pid) => signal(pid, 0)) && performance.now() < deadline) await sleep(POLL_MS);
}

/** Pids of the live descendants of `root` that share its process group, parents first. */
export function childrenOf(root: number): readonly number[] {
  const entries = process.platform === "linux" ? fromProc() : fromPs();
  const group = entries.find((entry) => entry.pid === root)?.group;
  const byParent = new Map<number, ProcessEntry[]>();
  for (const entry of entries) {
    if (entry.zombie) continue;
    const siblings = byParent.get(entry.parent);
    if (siblings) siblings.push(entry);
    else byParent.set(entry.parent, [entry]);
  }
  const found: number[] = [];
  const open = [root];
  for (let parent = open.shift(); parent !== undefined; parent = open.shift()) {
    for (const entry of byParent.get(parent) ?? []) {
      open.push(entry.pid);
      if (entry.group === group) found.push(entry.pid);
    }
  }
  return found;
}

/** Sends a signal, 0 being none; false when the process is gone. */
function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}

function fromProc(): ProcessEntry[] {
  const entries: ProcessEntry[] = [];
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "utf8");
      // The program's name, in parentheses, may hold anything: fields are counted from its end.
      const [state, parent, group] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      entries.push({ pid: Number(name), parent: Number(parent), group: Number(group), zombie: state === "Z" });
    } catch {
      // Ended meanwhile.
    }
  }
  return entries;
}

function fromPs(): ProcessEntry[] {
  const { pid: own, stdout } = spawnSync("ps", ["-A", "-o", "pid=,ppid=,pgid=,stat="], { encoding: "utf8" });
  return (stdout ?? "")
    .split("\n")
    .filter((row) => row.trim() !== "")
    .map((row) => {
      const [pid, parent, group, state = ""] = row.trim().split(/\s+/);
      return { pid: Number(pid), parent: Number(parent), group: Number(group), zombie: state.startsWith("Z") };
    })
    .filter((entry) => entry.pid !== own);
}
