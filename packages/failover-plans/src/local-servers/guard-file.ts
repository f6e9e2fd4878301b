/**
 * Who sees to the end of a cluster's servers: one file per guard in the data directory, named by a token of its own and
 * holding the owner's identity. Imports nothing of the project: the watchdog runs this file too.
 *
 * G1: removing a guard's file takes its right away, and the file system lets only one process do that: between a watchdog
 * whose patience ends and somebody who takes the cluster over, one wins.
 * G2: a watchdog ends the servers only when no other guard is left.
 */
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { open, readdir, readFile, rename, unlink } from "node:fs/promises";
import { join } from "node:path";

const PREFIX = "guard-";

/** A process, told apart from a later one with the same pid. */
export interface OwnerIdentity {
  readonly pid: number;
  /** When it started, in whatever the system counts; "" when that cannot be told. */
  readonly started: string;
}

/** A guard's file, as found. */
export interface FoundGuard {
  readonly file: string;
  /** null when the file could not be understood: whoever wrote it died in doing so. */
  readonly owner: OwnerIdentity | null;
}

/** Writes a guard of this process into `directory`; answers the file's name. */
export async function writeGuard(directory: string): Promise<string> {
  const token = randomBytes(6).toString("hex");
  const aside = join(directory, `.${PREFIX}${token}`);
  const handle = await open(aside, "w", 0o600);
  try {
    await handle.writeFile(JSON.stringify(identityOf(process.pid)));
  } finally {
    await handle.close();
  }
  const file = `${PREFIX}${token}`;
  await rename(aside, join(directory, file));
  return file;
}

/** All guards of the directory; none when it is gone. */
export async function findGuards(directory: string): Promise<readonly FoundGuard[]> {
  const names = (await readdir(directory).catch(() => [])).filter((name) => name.startsWith(PREFIX));
  return await Promise.all(names.map(async (file) => ({ file, owner: await ownerIn(join(directory, file)) })));
}

/** Takes a guard's right away; false when somebody else did (G1). */
export async function removeGuard(directory: string, file: string): Promise<boolean> {
  try {
    await unlink(join(directory, file));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
}

/** Whether that very process still exists. */
export function isAlive({ pid, started }: OwnerIdentity): boolean {
  const now = startOf(pid);
  return now !== undefined && (started === "" || now === "" || now === started);
}

async function ownerIn(path: string): Promise<OwnerIdentity | null> {
  try {
    const { pid, started } = JSON.parse(await readFile(path, "utf8")) as Partial<OwnerIdentity>;
    return typeof pid === "number" && typeof started === "string" ? { pid, started } : null;
  } catch {
    return null;
  }
}

function identityOf(pid: number): OwnerIdentity {
  return { pid, started: startOf(pid) ?? "" };
}

/** Field of /proc/PID/stat with the start in clock ticks since boot, counted from the state, the field after the name. */
const START_FIELD = 19;

/** undefined when there is no such process, or only what is left of it. */
function startOf(pid: number): string | undefined {
  try {
    if (process.platform !== "linux") {
      const text = execFileSync("ps", ["-o", "stat=,lstart=", "-p", String(pid)], { encoding: "utf8" }).trim();
      return text === "" || text.startsWith("Z") ? undefined : text.replace(/^\S+\s+/, "");
    }
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The program's name, in parentheses, may hold anything: fields are counted from its end.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" || fields[0] === "X" ? undefined : fields[START_FIELD];
  } catch {
    return undefined;
  }
}
