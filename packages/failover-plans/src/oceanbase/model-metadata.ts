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
}

/** Both tables start from the same rows. */
export function createMetadata(rows: readonly MetadataRow[]): MetadataModel {
  return restoreMetadata({ tables: { cluster: rows, "multi-cluster": rows }, replaced: [], locks: [], lastToken: 0 });
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
    save: () => ({
      tables: { cluster: [...tables.cluster.values()], "multi-cluster": [...tables["multi-cluster"].values()] },
      replaced: [...replaced].map(([key, kept]) => [key, [...kept].map(([id, row]) => [id, row ?? null] as const)]),
      locks: [...locks],
      lastToken,
    }),
  };
}
