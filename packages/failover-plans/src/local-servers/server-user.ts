/**
 * Who the servers run as. PostgreSQL refuses to run as root, so root's servers run as `nobody`; everybody else's run as
 * themselves. Owns the look-up and the question which directories that user may enter.
 */
import { chown, readFile, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, resolve } from "node:path";
import { BelayError } from "@belay/engine";

/** The account that root's servers run as; every Unix has it. */
const ACCOUNT = "nobody";

/** Numeric ids for `spawn` and `chown`. */
export interface ServerUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** Null when servers run as the present user. Throws ENVIRONMENT when root has nobody to run them as. */
export async function findServerUser(): Promise<ServerUser | null> {
  if (process.getuid?.() !== 0) return null;
  const accounts = await readFile("/etc/passwd", "utf8").catch(() => "");
  for (const line of accounts.split("\n")) {
    const [name, , uid, gid] = line.split(":");
    if (name === ACCOUNT) return { name, uid: Number(uid), gid: Number(gid) };
  }
  // The account must be listed: PostgreSQL looks its own user up and gives up when there is none.
  throw new BelayError(
    "ENVIRONMENT",
    `PostgreSQL does not run as root, and /etc/passwd lists no user "${ACCOUNT}" to run it as: add that user, or run as another than root`,
  );
}

/** Gives a file or directory to the servers' user; nothing to do when that is oneself. */
export async function giveTo(user: ServerUser | null, path: string): Promise<void> {
  if (user !== null) await chown(path, user.uid, user.gid);
}

/** The first directory on the way down to `path` that `user` may not enter; null when the way is free. */
export async function firstClosedDirectory(user: ServerUser | null, path: string): Promise<string | null> {
  if (user === null) return null;
  const way: string[] = [];
  for (let at = resolve(path); at !== dirname(at); at = dirname(at)) way.unshift(at);
  for (const directory of way) {
    const entry = await stat(directory).catch(() => null);
    if (entry === null) return null;
    const enter = entry.uid === user.uid ? 0o100 : entry.gid === user.gid ? 0o010 : 0o001;
    if ((entry.mode & enter) === 0) return directory;
  }
  return null;
}

/** A directory for temporary files that `user` may enter: the system's own setting first, since root's may be private. */
export async function temporaryBase(user: ServerUser | null): Promise<string> {
  for (const base of [tmpdir(), "/tmp"]) if ((await firstClosedDirectory(user, base)) === null) return base;
  throw new BelayError(
    "ENVIRONMENT",
    `user "${user?.name}", who runs PostgreSQL for root, may not enter ${tmpdir()}: set TMPDIR to a directory open to all`,
  );
}

/** The error of a directory that takes no files: one line with the remedy. */
export function unwritable(base: string, cause: unknown): BelayError {
  const { code, message } = cause as NodeJS.ErrnoException;
  const why = code === "ENOENT" ? "it does not exist" : (code ?? message);
  return new BelayError(
    "ENVIRONMENT",
    `no files can be written to ${base} (${why}): choose a directory that takes them; for temporary files set TMPDIR`,
    {},
    cause,
  );
}
