/**
 * The platform's metadata as a plain value: rows, the rows each owner replaced, cluster locks, notes.
 * Owns: that writes need the lock, and that a row an owner replaced can be put back, once, whatever happened between. Does not own
 * where the value is kept: in memory here, in files in `file-metadata.ts`.
 */
import type { Json } from "@belay/engine";
import type { MetadataRow, MetadataTable, PlatformMetadata } from "./control.ts";
import { LockedError, OceanBaseError } from "./refusal.ts";

/** As in `PlatformMetadata`, but synchronous. */
export interface MetadataModel {
  readRow(table: MetadataTable, clusterId: number): MetadataRow | undefined;
  writeRow(table: MetadataTable, row: MetadataRow, owner: string): void;
  restoreRows(table: MetadataTable, owner: string): void;
  lock(clusterIds: readonly number[], owner: string): number;
  unlock(owner: string): number[];
  lockOwner(clusterId: number): string | undefined;
  readNote(key: string): Json | undefined;
  writeNote(key: string, value: Json): void;
  save(): MetadataState;
}

interface Lock {
  readonly owner: string;
  readonly token: number;
}

/** Everything the platform knows, as JSON. */
export interface MetadataState {
  readonly tables: Readonly<Record<MetadataTable, readonly MetadataRow[]>>;
  /** By table and owner: the rows that its writes replaced; null where there was none. */
  readonly replaced: readonly (readonly [string, readonly (readonly [number, MetadataRow | null])[]])[];
  readonly locks: readonly (readonly [number, Lock])[];
  readonly lastToken: number;
  /** By key. */
  readonly notes: readonly (readonly [string, Json])[];
}

/** Both tables start from the same rows. */
export function createMetadata(rows: readonly MetadataRow[]): MetadataModel {
  return restoreMetadata({
    tables: { cluster: rows, "multi-cluster": rows },
    replaced: [],
    locks: [],
    lastToken: 0,
    notes: [],
  });
}

/** Metadata that end with the process. */
export function createPlatformMetadata(rows: readonly MetadataRow[]): PlatformMetadata {
  return asynchronous(createMetadata(rows));
}

/** The same, by promises. */
export function asynchronous(metadata: MetadataModel): PlatformMetadata {
  return {
    readRow: async (table, clusterId) => metadata.readRow(table, clusterId),
    writeRow: async (table, row, owner) => metadata.writeRow(table, row, owner),
    restoreRows: async (table, owner) => metadata.restoreRows(table, owner),
    lock: async (clusterIds, owner) => metadata.lock(clusterIds, owner),
    unlock: async (owner) => metadata.unlock(owner),
    readNote: async (key) => metadata.readNote(key),
    writeNote: async (key, value) => metadata.writeNote(key, value),
  };
}

/** Goes on from what `save` answered. */
export function restoreMetadata(state: MetadataState): MetadataModel {
  const tables: Readonly<Record<MetadataTable, Map<number, MetadataRow>>> = {
    cluster: new Map(state.tables.cluster.map((row) => [row.clusterId, row])),
    "multi-cluster": new Map(state.tables["multi-cluster"].map((row) => [row.clusterId, row])),
  };
  /** By table, owner and cluster: the row that the owner's first write replaced. */
  const replaced = new Map<string, Map<number, MetadataRow | undefined>>(
    state.replaced.map(([key, kept]) => [key, new Map(kept.map(([id, row]) => [id, row ?? undefined]))]),
  );
  const locks = new Map<number, Lock>(state.locks);
  const notes = new Map<string, Json>(state.notes);
  let { lastToken } = state;

  const keptBy = (table: MetadataTable, owner: string): Map<number, MetadataRow | undefined> => {
    const key = JSON.stringify([table, owner]);
    const kept = replaced.get(key) ?? new Map<number, MetadataRow | undefined>();
    replaced.set(key, kept);
    return kept;
  };

  return {
    readRow: (table, clusterId) => tables[table].get(clusterId),
    writeRow(table, row, owner) {
      const holder = locks.get(row.clusterId)?.owner;
      if (holder !== owner) {
        throw new OceanBaseError("LOCK_LOST", `Cluster ${row.clusterId} is not locked by ${owner}.`);
      }
      const kept = keptBy(table, owner);
      if (!kept.has(row.clusterId)) kept.set(row.clusterId, tables[table].get(row.clusterId));
      tables[table].set(row.clusterId, row);
    },
    restoreRows(table, owner) {
      const kept = keptBy(table, owner);
      for (const [clusterId, row] of kept) {
        if (row === undefined) tables[table].delete(clusterId);
        else tables[table].set(clusterId, row);
      }
      kept.clear();
    },
    lock(clusterIds, owner) {
      for (const clusterId of clusterIds) {
        const holder = locks.get(clusterId)?.owner;
        if (holder !== undefined && holder !== owner) {
          throw new LockedError(clusterId, holder);
        }
      }
      const missing = clusterIds.filter((clusterId) => !locks.has(clusterId));
      for (const clusterId of missing) {
        lastToken += 1;
        locks.set(clusterId, { owner, token: lastToken });
      }
      return Math.max(0, ...clusterIds.map((clusterId) => locks.get(clusterId)?.token ?? 0));
    },
    unlock(owner) {
      const mine = [...locks].filter(([, lock]) => lock.owner === owner).map(([clusterId]) => clusterId);
      for (const clusterId of mine) locks.delete(clusterId);
      return mine;
    },
    lockOwner: (clusterId) => locks.get(clusterId)?.owner,
    ...notesIn(notes),
    save: () => ({
      tables: { cluster: [...tables.cluster.values()], "multi-cluster": [...tables["multi-cluster"].values()] },
      replaced: [...replaced].map(([key, kept]) => [key, [...kept].map(([id, row]) => [id, row ?? null] as const)]),
      locks: [...locks],
      lastToken,
      notes: [...notes],
    }),
  };
}

function notesIn(notes: Map<string, Json>): Pick<MetadataModel, "readNote" | "writeNote"> {
  return {
    readNote: (key) => notes.get(key),
    writeNote(key, value) {
      if (value === null) notes.delete(key);
      else notes.set(key, value);
    },
  };
}
