/**
 * A recovery log kept in a directory: one file per recovery, replaced whole, so that several processes may use it and a reader never
 * sees half an entry.
 */
import { createHash } from "node:crypto";
import { access, mkdir, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { writeWhole } from "../local-servers/whole-file.ts";
import { type KnownRecovery, type RecoveryLog, youngestFirst } from "./recovery-log.ts";

const EXTENSION = ".json";

/** Opens the log in `directory`, made when absent. */
export async function openRecoveryLog(directory: string): Promise<RecoveryLog> {
  await mkdir(directory, { recursive: true });
  // Cluster names and run ids are the user's: as names of files they could be anything.
  const fileOf = (cluster: string, runId: string): string =>
    join(
      directory,
      `${createHash("sha256")
        .update(JSON.stringify([cluster, runId]))
        .digest("hex")}${EXTENSION}`,
    );
  const write = (entry: KnownRecovery): Promise<void> =>
    writeWhole(fileOf(entry.cluster, entry.runId), `${JSON.stringify(entry)}\n`, null);

  async function list(cluster: string): Promise<KnownRecovery[]> {
    const entries: KnownRecovery[] = [];
    for (const name of await readdir(directory)) {
      if (!name.endsWith(EXTENSION)) continue;
      const text = await readFile(join(directory, name), "utf8").catch(ifGone);
      if (text === undefined) continue;
      const entry = JSON.parse(text) as KnownRecovery;
      if (entry.cluster === cluster) entries.push(entry);
    }
    return entries.sort(youngestFirst);
  }

  return {
    list,
    note: async (recovery) => {
      if (await exists(fileOf(recovery.cluster, recovery.runId))) return;
      await write({ ...recovery, acknowledged: null });
    },
    withdraw: async (cluster, runId) => await rm(fileOf(cluster, runId), { force: true }),
    acknowledge: async (cluster, acknowledged) => {
      const open = (await list(cluster)).filter((entry) => entry.acknowledged === null);
      for (const entry of open) await write({ ...entry, acknowledged });
      return open.length;
    },
  };
}

async function exists(file: string): Promise<boolean> {
  return await access(file).then(
    () => true,
    () => false,
  );
}

/** Withdrawn between the look at the directory and the reading. */
function ifGone(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
}
