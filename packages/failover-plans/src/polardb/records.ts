/**
 * What a controller has to remember of a cluster that cannot say it itself: its status, who took writes last, the log of its switches.
 * In memory, or in a directory that several processes may use one after the other (the run's lock keeps them apart).
 */
import { createHash } from "node:crypto";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { writeWhole } from "../local-servers/whole-file.ts";
import type { ClusterStatus } from "./cluster.ts";
import type { HaLogEntry } from "./control.ts";

/** What is remembered of one cluster. */
export interface PolarRecord {
  readonly status: ClusterStatus;
  /** Id of the run that shows that status; absent: nobody does, or it is Running. */
  readonly markedBy?: string | null;
  /** Node id of who took writes last; null: not known. */
  readonly writer: string | null;
  /** The oldest first. */
  readonly haLog: readonly HaLogEntry[];
}

/** The records of clusters, by their ids. */
export interface PolarRecords {
  /** What is remembered; of an unknown cluster that it is Running. */
  read(clusterId: string): Promise<PolarRecord>;
  /** Replaces the fields that are given. */
  write(clusterId: string, change: Partial<PolarRecord>): Promise<void>;
}

const NOTHING: PolarRecord = { status: "Running", writer: null, haLog: [] };

/** Records in memory, for one process: they are forgotten with it. */
export function memoryPolarRecords(): PolarRecords {
  const records = new Map<string, PolarRecord>();
  const read = (id: string): PolarRecord => records.get(id) ?? NOTHING;
  return {
    read: async (id) => read(id),
    write: async (id, change) => void records.set(id, { ...read(id), ...change }),
  };
}

/** Records in a directory, made when absent. */
export async function openPolarRecords(directory: string): Promise<PolarRecords> {
  await mkdir(directory, { recursive: true });
  // Cluster ids are the user's: as names of files they could be anything.
  const fileOf = (id: string): string => join(directory, `${createHash("sha256").update(id).digest("hex")}.json`);
  async function read(id: string): Promise<PolarRecord> {
    const text = await readFile(fileOf(id), "utf8").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return null;
      throw error;
    });
    return text === null ? NOTHING : (JSON.parse(text) as PolarRecord);
  }
  return {
    read,
    write: async (id, change) => {
      await writeWhole(fileOf(id), `${JSON.stringify({ ...(await read(id)), ...change })}\n`, null);
    },
  };
}

/** Keeps an entry once per `switchId`; answers the one that is kept. */
export async function keepSwitch(records: PolarRecords, entry: HaLogEntry): Promise<HaLogEntry> {
  const { haLog } = await records.read(entry.clusterId);
  const kept = haLog.find(({ switchId }) => switchId === entry.switchId);
  if (kept !== undefined) return kept;
  await records.write(entry.clusterId, { haLog: [...haLog, entry] });
  return entry;
}

/** The log of a cluster's switches, the youngest first. */
export async function switchesOf(records: PolarRecords, clusterId: string): Promise<readonly HaLogEntry[]> {
  return (await records.read(clusterId)).haLog.toReversed();
}
