/**
 * Every PostgreSQL server keeps a few bytes of System V shared memory as a sign of life. One that was killed leaves them behind
 * until the machine restarts, and the next server finds them only in the same data directory. Before such a directory goes,
 * they are removed here. Linux only: elsewhere they stay. Imports nothing of the project: the watchdog uses it.
 */
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

/** Line of postmaster.pid with the key and the id of the segment, from 0. */
const SEGMENT_LINE = 6;

/** Columns of /proc/sysvipc/shm. */
const COLUMN = { key: 0, id: 1, attached: 6 } as const;

/** Removes the segment that the dead server of `directory` left. Best effort: never rejects; an attached segment is left alone. */
export async function removeSharedMemory(directory: string): Promise<void> {
  const note = await readFile(join(directory, "postmaster.pid"), "utf8").catch(() => "");
  const [key, id] = (note.split("\n")[SEGMENT_LINE] ?? "").trim().split(/\s+/);
  if (key === undefined || id === undefined) return;
  const table = await readFile("/proc/sysvipc/shm", "utf8").catch(() => "");
  for (const line of table.split("\n")) {
    const columns = line.trim().split(/\s+/);
    // The id alone may have been given to another program since.
    const same =
      columns[COLUMN.id] === id && Number(columns[COLUMN.key]) === Number(key) && columns[COLUMN.attached] === "0";
    if (same) await promisify(execFile)("ipcrm", ["-m", id]).catch(() => undefined);
  }
}
