/**
 * A cluster that outlived the process that created it: its servers run on, and another process makes them its own.
 * Owns: the order in which that is done. A server that was being started, or copied, is left as it stands: the next verb on
 * it goes on from there.
 */
import { join } from "node:path";
import { takeOverServers } from "../local-servers/reaper.ts";
import { findBinaries } from "./binaries.ts";
import { openCluster, type PostgresCluster } from "./cluster.ts";
import { readNote } from "./cluster-site.ts";
import { finishCopy } from "./data-directory.ts";

/** What `takeOverPostgresCluster` takes. */
export interface TakeOverOptions {
  /** Milliseconds that the next owner has to come, should this one end without `stop`; see `PostgresCluster.outlive`. */
  readonly patienceMs: number;
}

/**
 * Takes the cluster in `dataDir` over. NOT_FOUND when there is none: its guard's patience ended, or somebody stopped it.
 * STATE_INVALID while its owner lives.
 */
export async function takeOverPostgresCluster(dataDir: string, options: TakeOverOptions): Promise<PostgresCluster> {
  const binaries = await findBinaries();
  const { site, nodes } = await readNote(dataDir);
  const reaper = await takeOverServers({ directory: site.dataDir, remove: site.temporary, ...options });
  try {
    for (const { name } of nodes) await finishCopy(join(site.dataDir, name));
    return await openCluster({ site, nodes, binaries, reaper });
  } catch (error) {
    reaper.leave();
    throw error;
  }
}
