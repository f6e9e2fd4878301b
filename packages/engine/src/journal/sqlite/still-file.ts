/**
 * A journal file that nobody writes to, in a place where whoever looks may not write either: a backup, a file that was closed
 * cleanly, a read-only disk. SQLite would make its `-shm` there and cannot. Owns: when the file may be read as it stands, and who
 * executes its runs where the owner's lock cannot be tried.
 */
import { accessSync, constants, existsSync } from "node:fs";
import { hostname } from "node:os";
import { dirname } from "node:path";

/** Whether this process may write there. */
export type MayWrite = (path: string) => boolean;

/** By the permissions and the mount. */
export function mayWrite(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * Whether all of the journal is in the one file, and nothing can be made beside it. A write-ahead log may hold more; where the
 * directory can be written to, SQLite keeps account by itself.
 */
export function isStill(file: string, may: MayWrite = mayWrite): boolean {
  return !existsSync(`${file}-wal`) && !may(dirname(file));
}

/** Who is said to own a file, as far as another process of the machine is told. */
export interface NamedOwner {
  readonly host: string;
  readonly pid: number;
}

/**
 * Whether an engine uses the file, where its lock cannot be tried: a log that is not cleared away, and a process that is there. An
 * owner on another machine cannot be looked for and counts as there.
 */
export function seemsOwned(file: string, owner: NamedOwner | undefined): boolean {
  if (owner === undefined || !existsSync(`${file}-wal`)) return false;
  return owner.host !== hostname() || isThere(owner.pid);
}

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
