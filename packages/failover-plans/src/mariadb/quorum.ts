/**
 * How many replicas must be seen before one of them may be promoted. Pure.
 *
 * A commit under semi-sync was acknowledged by one of the N replicas (MariaDB always waits for one). If R of them are seen and
 * R + 1 > N, one of those seen has it: all must be seen. Without semi-sync no number proves anything; then a majority is asked for,
 * and the lag ceiling is what guards.
 */

/** What the quorum is computed from. */
export interface QuorumQuestion {
  /** Replicas of the cluster, those that do not answer included. */
  readonly total: number;
  /** Whether they acknowledge (semi-sync is on), as far as they say. */
  readonly semisync: boolean;
  /** An operator's own number; undefined = by the rule. */
  readonly override?: number | undefined;
}

/** How many replicas must be seen, and why. */
export interface Quorum {
  readonly required: number;
  /** Whether that many prove that no acknowledged commit is lost. */
  readonly provesNoLoss: boolean;
  /** One sentence for people. */
  readonly reason: string;
}

/** Computes the quorum. At least 1. */
export function quorumOf({ total, semisync, override }: QuorumQuestion): Quorum {
  if (override !== undefined) {
    const required = Math.max(1, override);
    return { required, provesNoLoss: semisync && required >= total, reason: `${required} as asked for` };
  }
  if (!semisync) {
    const required = Math.floor(total / 2) + 1;
    return { required, provesNoLoss: false, reason: `a majority of ${total}: replication is asynchronous` };
  }
  const required = Math.max(1, total);
  return {
    required,
    provesNoLoss: true,
    reason: `all ${total}: each commit was acknowledged by one of them, and nobody knows by which`,
  };
}
