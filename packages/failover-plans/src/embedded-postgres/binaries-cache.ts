/**
 * A copy of PostgreSQL's programs in a place that every user can read, made once per version and used by later clusters.
 *
 * Safe with several processes at once: a copy is made aside, completed, tried, and then appears under its final name in one
 * rename. Safe against other users of the machine: the name is predictable, so a directory that is not one's own, or that
 * others can write to, is refused.
 */
import { randomBytes } from "node:crypto";
import { chmod, cp, lstat, mkdir, readdir, rename, rm } from "node:fs/promises";
import { extname, join } from "node:path";
import { BelayError } from "@belay/engine";
import { unwritable } from "../local-servers/server-user.ts";

/** Where the copy comes from and goes to. */
export interface CopyRequest {
  /** Directory with bin/, lib/ and share/. */
  readonly native: string;
  /** Version of the package: part of the copy's name. */
  readonly version: string;
  /** Directory for the copy; its users can enter it. */
  readonly base: string;
}

/**
 * Answers the directory of a complete copy. `works` finishes and tries a copy; an existing one that no longer works (a cleaner
 * of temporary files went through it) is replaced.
 */
export async function copyForUser(
  request: CopyRequest,
  works: (directory: string) => Promise<boolean>,
): Promise<string> {
  const owner = process.getuid?.() ?? 0;
  const cached = join(request.base, `belay-postgres-${request.version}-${process.platform}-${process.arch}-u${owner}`);
  if (await isOwn(cached, owner)) {
    if (await works(cached)) return cached;
    await discard(cached);
  }
  const aside = `${cached}.${randomBytes(6).toString("hex")}`;
  try {
    await mkdir(aside, { mode: 0o755 }).catch((error: unknown) => Promise.reject(unwritable(request.base, error)));
    await cp(request.native, aside, {
      recursive: true,
      verbatimSymlinks: true,
      // Static libraries and headers are for compiling against.
      filter: (source) => extname(source) !== ".a" && !source.endsWith("/include") && !source.endsWith("/pkgconfig"),
    });
    await openToAll(aside);
    await works(aside);
    await rename(aside, cached);
  } catch (error) {
    // Another process was first: its copy is as good as this one.
    if (!["ENOTEMPTY", "EEXIST"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
    if (!(await isOwn(cached, owner))) throw error;
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
  return cached;
}

/** Whether the directory exists. Throws when it belongs to someone else: its programs must not be run. */
async function isOwn(directory: string, owner: number): Promise<boolean> {
  const entry = await lstat(directory).catch(() => null);
  if (entry === null) return false;
  if (entry.isDirectory() && entry.uid === owner && (entry.mode & 0o022) === 0) return true;
  throw new BelayError("ENVIRONMENT", `${directory} belongs to someone else or is open to writers: remove it`);
}

/** Takes a copy out of the way in one step, so that no process sees half of it. */
async function discard(directory: string): Promise<void> {
  const aside = `${directory}.${randomBytes(6).toString("hex")}`;
  await rename(directory, aside).catch(() => undefined);
  await rm(aside, { recursive: true, force: true });
}

/** Everybody may read and enter, whatever the umask was; programs may be run; only the owner may write. */
async function openToAll(directory: string): Promise<void> {
  await chmod(directory, 0o755);
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    if (entry.isSymbolicLink()) continue;
    const runnable = entry.isDirectory() || entry.parentPath === join(directory, "bin");
    await chmod(join(entry.parentPath, entry.name), runnable ? 0o755 : 0o644);
  }
}
