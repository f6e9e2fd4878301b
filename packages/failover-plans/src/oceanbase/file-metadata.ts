/**
 * The platform's metadata in a directory, for several processes at once: one file per version, named by its number, and the highest is
 * the present one. A change links the next version as a whole, which the file system lets only one process do; whoever comes second
 * looks again and decides anew. So no lock of the file system exists that a killed process could leave behind.
 *
 * Old versions stay: they are the history of all changes, a few for each failover, and a number must never be used twice.
 */
import { randomBytes } from "node:crypto";
import { link, mkdir, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { writeWhole } from "../local-servers/whole-file.ts";
import type { MetadataRow, PlatformMetadata } from "./control.ts";
import { createMetadata, type MetadataModel, type MetadataState, restoreMetadata } from "./model-metadata.ts";

/** A change that keeps losing to others is a fault, not a queue. */
const MOST_TRIES = 100;

/** Opens the metadata in `directory`, made when absent; `rows` are what both tables hold before the first change. */
export async function openFileMetadata(directory: string, rows: readonly MetadataRow[]): Promise<PlatformMetadata> {
  await mkdir(directory, { recursive: true });

  async function present(): Promise<{ readonly version: number; readonly metadata: MetadataModel }> {
    const names = (await readdir(directory)).filter((name) => /^\d+$/.test(name));
    const version = Math.max(0, ...names.map(Number));
    if (version === 0) return { version, metadata: createMetadata(rows) };
    const state = JSON.parse(await readFile(join(directory, String(version)), "utf8")) as MetadataState;
    return { version, metadata: restoreMetadata(state) };
  }

  /** Looks, and writes nothing. */
  async function look<T>(read: (metadata: MetadataModel) => T): Promise<T> {
    return read((await present()).metadata);
  }

  /** Looks, decides, and publishes what it decided, unless somebody else was faster: then all of it again. */
  async function change<T>(decide: (metadata: MetadataModel) => T): Promise<T> {
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const { version, metadata } = await present();
      const answer = decide(metadata);
      if (await publish(directory, version + 1, metadata.save())) return answer;
    }
    throw new Error(`the metadata in ${directory} changed ${MOST_TRIES} times while one change was tried`);
  }

  return {
    readRow: (table, clusterId) => look((metadata) => metadata.readRow(table, clusterId)),
    writeRow: (table, row, owner) => change((metadata) => metadata.writeRow(table, row, owner)),
    restoreRows: (table, owner) => change((metadata) => metadata.restoreRows(table, owner)),
    lock: (clusterIds, owner) => change((metadata) => metadata.lock(clusterIds, owner)),
    unlock: (owner) => change((metadata) => metadata.unlock(owner)),
    readNote: (key) => look((metadata) => metadata.readNote(key)),
    writeNote: (key, value) => change((metadata) => metadata.writeNote(key, value)),
  };
}

/** false: another process has published this version. */
async function publish(directory: string, version: number, state: MetadataState): Promise<boolean> {
  const aside = join(directory, `.${randomBytes(6).toString("hex")}`);
  try {
    await writeWhole(aside, JSON.stringify(state), null);
    await link(aside, join(directory, String(version)));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  } finally {
    await rm(aside, { force: true });
  }
}
