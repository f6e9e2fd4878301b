/**
 * A server's data directory seen from outside the server: creating one, its settings, and the marks that make the next start a
 * primary or a standby. Only for stopped servers.
 *
 * All nodes share one postgresql.conf, so that a base backup carries the whole configuration. What differs (port, name) is on
 * the server's command line (server.ts), what a plan changes (primary_conninfo) in postgresql.auto.conf, the file that
 * ALTER SYSTEM writes too.
 */

import { execFile } from "node:child_process";
import { access, appendFile, chmod, mkdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { BelayError } from "@belay/engine";
import { giveTo, type ServerUser } from "../local-servers/server-user.ts";
import { writeWhole } from "../local-servers/whole-file.ts";
import type { Binaries } from "./binaries.ts";

/** initdb takes about a second; the limit is for a machine in trouble. */
const INITDB_TIMEOUT_MS = 120_000;

/** The server removes it when it is promoted. */
const STANDBY_MARK = "standby.signal";

const SETTINGS: Readonly<Record<string, string>> = {
  // TCP on the loopback address only: no socket files to clean up, nothing reachable from outside.
  listen_addresses: "'127.0.0.1'",
  unix_socket_directories: "''",
  wal_level: "replica",
  hot_standby: "on",
  max_connections: "60",
  max_wal_senders: "10",
  shared_buffers: "'32MB'",
  // In the data directory, where it goes with it: a server that is killed leaves its segments in /dev/shm for ever.
  dynamic_shared_memory_type: "mmap",
  // A standby that was away for a while finds the WAL it needs; pg_rewind would need the hints.
  wal_keep_size: "'256MB'",
  wal_log_hints: "on",
  // A crashed server stays down: whether it comes back, and as what, is the plan's decision.
  restart_after_crash: "off",
  wal_receiver_status_interval: "'1s'",
  wal_retrieve_retry_interval: "'200ms'",
  timezone: "'UTC'",
  log_timezone: "'UTC'",
  log_line_prefix: "'%m [%p] %q%a '",
};

/** What `initialize` takes. */
export interface NewDirectory {
  readonly directory: string;
  /** Password of the superuser `postgres`. */
  readonly password: string;
  /** Settings besides the common ones, values as they stand in postgresql.conf. */
  readonly settings: Readonly<Record<string, string>>;
}

/** Creates a data directory with initdb, which `signal` ends. Throws ENVIRONMENT with initdb's own words when it fails. */
export async function initialize(binaries: Binaries, wanted: NewDirectory, signal?: AbortSignal): Promise<void> {
  const { directory, password } = wanted;
  const { user } = binaries;
  await makePrivate(directory, user);
  const passwordFile = `${directory}.password`;
  await writeWhole(passwordFile, `${password}\n`, user);
  const as = user === null ? {} : { uid: user.uid, gid: user.gid };
  const args = ["-D", directory, "-U", "postgres", "--auth=scram-sha-256", `--pwfile=${passwordFile}`];
  // Nothing is lost by not syncing: a directory that did not survive its creation is created again.
  args.push("--encoding=UTF8", "--no-locale", "--no-sync", "--no-instructions");
  // initdb runs servers of its own; one that is killed would leave its segments, too.
  args.push("--set", `dynamic_shared_memory_type=${SETTINGS["dynamic_shared_memory_type"]}`);
  try {
    const options = {
      ...as,
      cwd: directory,
      env: { LC_ALL: "C" },
      timeout: INITDB_TIMEOUT_MS,
      ...(signal && { signal }),
    };
    await promisify(execFile)(binaries.initdb, args, options);
  } catch (error) {
    signal?.throwIfAborted();
    const { stderr, message } = error as Error & { stderr?: string };
    const why = (stderr || message).trim().split("\n").join("; ");
    throw new BelayError("ENVIRONMENT", `initdb failed in ${directory}: ${why}`, {}, error);
  } finally {
    await rm(passwordFile, { force: true });
  }
  const lines = Object.entries({ ...SETTINGS, ...wanted.settings }).map(([key, value]) => `${key} = ${value}`);
  await appendFile(join(directory, "postgresql.conf"), `\n${lines.join("\n")}\n`);
}

/** Makes an empty directory as PostgreSQL wants it: the server's own, closed to others. */
export async function makePrivate(directory: string, user: ServerUser | null): Promise<void> {
  await mkdir(directory, { mode: 0o700, recursive: true });
  await chmod(directory, 0o700);
  await giveTo(user, directory);
}

/**
 * A complete copy takes the place of a data directory. Once it has the name of a finished copy, it counts: whoever is
 * interrupted from there on goes on with `finishCopy`, so that no crash leaves a node without a directory.
 */
export async function putInPlace(copy: string, directory: string): Promise<void> {
  await rm(finishedCopyOf(directory), { recursive: true, force: true });
  await rename(copy, finishedCopyOf(directory));
  await finishCopy(directory);
}

/** Ends the work of a `putInPlace` that was interrupted; without effect when there is none. The server is stopped. */
export async function finishCopy(directory: string): Promise<void> {
  const finished = finishedCopyOf(directory);
  const isThere = await access(finished).then(
    () => true,
    () => false,
  );
  if (!isThere) return;
  await rm(directory, { recursive: true, force: true });
  await rename(finished, directory);
}

function finishedCopyOf(directory: string): string {
  return `${directory}.complete`;
}

/** The next start makes a standby that follows `primaryConninfo`; "" follows nobody. */
export async function markStandby(directory: string, primaryConninfo: string, user: ServerUser | null): Promise<void> {
  // A lost disk leaves no directory: the fence holds there all the same, and a copy may be put in its place.
  await makePrivate(directory, user);
  const file = join(directory, "postgresql.auto.conf");
  const present = await readFile(file, "utf8").catch((error: unknown) => {
    // What cannot be read is kept: settings that were lost here could turn synchronous replication off.
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    return "";
  });
  const kept = present.split("\n").filter((line) => line !== "" && !/^\s*primary_conninfo\s*=/i.test(line));
  kept.push(`primary_conninfo = '${primaryConninfo.replaceAll("'", "''")}'`);
  // The mark first: with the other order, a crash between the two leaves a node that starts as a primary.
  await writeWhole(join(directory, STANDBY_MARK), "", user);
  await writeWhole(file, `${kept.join("\n")}\n`, user);
}

/** The next start makes a primary. */
export async function unmarkStandby(directory: string): Promise<void> {
  await rm(join(directory, STANDBY_MARK), { force: true });
}

/** Whether the next start makes a standby. */
export async function isMarkedStandby(directory: string): Promise<boolean> {
  return access(join(directory, STANDBY_MARK)).then(
    () => true,
    () => false,
  );
}
