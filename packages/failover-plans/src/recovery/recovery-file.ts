/**
 * A recovery log kept in a directory: one file per recovery, linked and replaced whole from a file of the writer's own, so that several
 * processes may use it and a reader never sees half an entry.
 *
 * Invariant: an entry that cannot be read is refused, never passed over. Its name does not say whose it is, and a cluster that was
 * recovered just now must not look like one that never was.
 */
import { createHash, randomBytes } from "node:crypto";
import { link, mkdir, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { BelayError } from "@belay/engine";
import { writeWhole } from "../local-servers/whole-file.ts";
import { type KnownRecovery, type RecoveryLog, youngestFirst } from "./recovery-log.ts";

const ENTRY = /^[0-9a-f]{64}\.json$/;

/** Opens the log in `directory`, made when absent. ENVIRONMENT, of every method that reads: a file that is no entry, by its name. */
export async function openRecoveryLog(directory: string): Promise<RecoveryLog> {
  await mkdir(directory, { recursive: true });
  // Cluster names and run ids are the user's: as names of files they could be anything.
  const fileOf = (cluster: string, runId: string): string =>
    join(
      directory,
      `${createHash("sha256")
        .update(JSON.stringify([cluster, runId]))
        .digest("hex")}.json`,
    );

  /** Writes an entry under a name of this call's own, lets `place` put it where it belongs. */
  async function write(entry: KnownRecovery, place: (aside: string, file: string) => Promise<void>): Promise<void> {
    const aside = join(directory, `.${randomBytes(6).toString("hex")}`);
    try {
      await writeWhole(aside, `${JSON.stringify(entry)}\n`, null);
      await place(aside, fileOf(entry.cluster, entry.runId));
    } finally {
      await rm(aside, { force: true });
    }
  }

  async function list(cluster: string): Promise<KnownRecovery[]> {
    const entries: KnownRecovery[] = [];
    for (const name of await readdir(directory)) {
      if (!ENTRY.test(name)) continue;
      const text = await readFile(join(directory, name), "utf8").catch(ifGone);
      if (text === undefined) continue;
      const entry = parseEntry(text, join(directory, name));
      if (entry.cluster === cluster) entries.push(entry);
    }
    return entries.sort(youngestFirst);
  }

  return {
    list,
    note: (recovery) => write({ ...recovery, acknowledged: null }, linkOnce),
    withdraw: async (cluster, runId) => await rm(fileOf(cluster, runId), { force: true }),
    acknowledge: async (cluster, acknowledged) => {
      const open = (await list(cluster)).filter((entry) => entry.acknowledged === null);
      for (const entry of open) await write({ ...entry, acknowledged }, rename);
      return open.length;
    },
  };
}

/** The first note of a run stays. */
async function linkOnce(aside: string, file: string): Promise<void> {
  await link(aside, file).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  });
}

function parseEntry(text: string, file: string): KnownRecovery {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // Said below.
  }
  if (isEntry(value)) return value;
  throw new BelayError(
    "ENVIRONMENT",
    `${file} is no entry of a log of recoveries: look at it, then remove it; until then no failover starts`,
    { file },
  );
}

function isEntry(value: unknown): value is KnownRecovery {
  if (typeof value !== "object" || value === null) return false;
  const { cluster, runId, at, from, to, acknowledged } = value as Record<string, unknown>;
  return (
    [cluster, runId, from, to].every((one) => typeof one === "string") && Number.isFinite(at) && isSaid(acknowledged)
  );
}

function isSaid(acknowledged: unknown): boolean {
  return acknowledged === null || (typeof acknowledged === "object" && "why" in acknowledged);
}

/** Withdrawn between the look at the directory and the reading. */
function ifGone(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
}
