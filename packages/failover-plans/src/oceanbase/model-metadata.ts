/**
 * The platform's side of the model: metadata rows, the rows each owner replaced, and cluster locks.
 * Owns: that writes need the lock, and that a row an owner replaced can be put back, once, whatever happened between.
 */
import type { MetadataRow, MetadataTable } from "./control.ts";
import { OceanBaseError } from "./refusal.ts";

/** As in `OceanBaseControl`, but synchronous. */
export interface MetadataModel {
  readRow(table: MetadataTable, clusterId: number): MetadataRow | undefined;
  writeRow(table: MetadataTable, row: MetadataRow, owner: string): void;
  restoreRows(table: MetadataTable, owner: string): void;
  lock(clusterIds: readonly number[], owner: string): number;
  unlock(owner: string): number[];
  lockOwner(clusterId: number): string | undefined;
}

/** Both tables start from the same rows. */
export function createMetadata(rows: readonly MetadataRow[]): MetadataModel {
  const tables: Readonly<Record<MetadataTable, Map<number, MetadataRow>>> = {
    cluster: new Map(rows.map((row) => [row.clusterId, row])),
    "multi-cluster": new Map(rows.map((row) => [row.clusterId, row])),
  };
  /** By table, owner and cluster: the row that the owner's first write replaced. */
  const replaced = new Map<string, Map<number, MetadataRow | undefined>>();
  const locks = new Map<number, { owner: string; token: number }>();
  let lastToken = 0;

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
          throw new OceanBaseError("LOCKED", `Cluster ${clusterId} is locked by ${holder}.`);
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
  };
}
