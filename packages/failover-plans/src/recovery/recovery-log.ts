/**
 * The port to the record of a cluster's recoveries: who took over from whom, when, and whether a person has looked at it since. It is
 * what keeps a cluster from being failed over again and again (anti-flap), and the list that operators read afterwards.
 * Owns the contract only. Entries are kept by run: noting a run again changes nothing.
 */

/** One recovery: a writer was replaced, or is being replaced. */
export interface Recovery {
  /** Name of the cluster, as the plans' `cluster` parameter has it. */
  readonly cluster: string;
  /** Run that carries it out. */
  readonly runId: string;
  /** Epoch milliseconds: when it was announced, just before the point of no return. */
  readonly at: number;
  /** The writer before. */
  readonly from: string;
  /** The writer after. */
  readonly to: string;
}

/** A person has looked at a recovery: the next one need not wait. */
export interface Acknowledgement {
  readonly who: string;
  readonly why: string;
  /** Epoch milliseconds. */
  readonly at: number;
}

/** A recovery with what was said of it since. */
export interface KnownRecovery extends Recovery {
  /** null: nobody has looked at it. */
  readonly acknowledged: Acknowledgement | null;
}

export interface RecoveryLog {
  /** All recoveries of a cluster, the youngest first. */
  list(cluster: string): Promise<readonly KnownRecovery[]>;
  /** Notes a recovery; one of the same run stays as it was noted first. */
  note(recovery: Recovery): Promise<void>;
  /** Takes back what the run noted; nothing when it noted none. */
  withdraw(cluster: string, runId: string): Promise<void>;
  /** Acknowledges every recovery of the cluster that is not yet; how many those were. */
  acknowledge(cluster: string, acknowledgement: Acknowledgement): Promise<number>;
}

/** A log in memory, for one process: it forgets with it. */
export function memoryRecoveryLog(): RecoveryLog {
  const entries = new Map<string, KnownRecovery>();
  const list = (cluster: string): KnownRecovery[] =>
    [...entries.values()].filter((entry) => entry.cluster === cluster).sort(youngestFirst);
  return {
    list: async (cluster) => list(cluster),
    note: async (recovery) => {
      const key = keyOf(recovery);
      if (!entries.has(key)) entries.set(key, { ...recovery, acknowledged: null });
    },
    withdraw: async (cluster, runId) => void entries.delete(keyOf({ cluster, runId })),
    acknowledge: async (cluster, acknowledged) => {
      const open = list(cluster).filter((entry) => entry.acknowledged === null);
      for (const entry of open) entries.set(keyOf(entry), { ...entry, acknowledged });
      return open.length;
    },
  };
}

function keyOf({ cluster, runId }: Pick<Recovery, "cluster" | "runId">): string {
  return JSON.stringify([cluster, runId]);
}

/** Order of `list`. */
export function youngestFirst(a: Recovery, b: Recovery): number {
  return b.at - a.at || (a.runId < b.runId ? 1 : -1);
}
