/**
 * How many standbys must be seen before one of them may be promoted. Pure.
 *
 * The rule: a commit was acknowledged by W of the N standbys that the primary waited for; if R of them are seen and
 * R + W > N, at least one of those seen holds every acknowledged commit. Without synchronous replication W is 0 and no number
 * proves that; then a majority is asked for, and the lag ceiling is what guards.
 */

/** What `synchronous_standby_names` demands. */
export interface SyncRule {
  /** W: acknowledgements each commit waits for; 0 = asynchronous. */
  readonly acknowledgements: number;
  /** Names listed, the wildcard "*" included. */
  readonly names: readonly string[];
}

/** Reads `synchronous_standby_names`: "", "a, b", "2 (a, b)", "FIRST 1 (a, b)", "ANY 2 (a, b, c)". */
export function parseSyncNames(setting: string): SyncRule {
  const counted = /^\s*(?:(?:ANY|FIRST)\s+)?(\d+)\s*\((.*)\)\s*$/is.exec(setting);
  const names = (counted?.[2] ?? setting)
    .split(",")
    .map((name) => name.trim().replace(/^"(.*)"$/, "$1"))
    .filter((name) => name !== "");
  if (names.length === 0) return { acknowledgements: 0, names };
  return { acknowledgements: counted?.[1] === undefined ? 1 : Number(counted[1]), names };
}

/** What the quorum is computed from. */
export interface QuorumQuestion {
  /** Names of all standbys of the cluster. */
  readonly standbys: readonly string[];
  /** Setting `synchronous_standby_names` that the primary ran with, as far as the standbys know: theirs. */
  readonly synchronousStandbyNames: string;
  /** An operator's own number; undefined = by the rule. */
  readonly override?: number | undefined;
}

/** How many standbys must be seen, and why. */
export interface Quorum {
  readonly required: number;
  /** Whether that many prove that no acknowledged commit is lost. */
  readonly provesNoLoss: boolean;
  /** One sentence for people. */
  readonly reason: string;
}

/** Computes the quorum. At least 1. */
export function quorumOf(question: QuorumQuestion): Quorum {
  const total = question.standbys.length;
  const rule = parseSyncNames(question.synchronousStandbyNames);
  // A primary never waits for itself: its own name in the list does not count.
  const waitedFor = rule.names.includes("*")
    ? total
    : question.standbys.filter((name) => rule.names.includes(name)).length;
  const proving = rule.acknowledgements > 0 ? total - Math.min(rule.acknowledgements, waitedFor) + 1 : undefined;
  if (question.override !== undefined) {
    return {
      required: Math.max(1, question.override),
      provesNoLoss: proving !== undefined && waitedFor > 0 && question.override >= proving,
      reason: `${question.override} as asked for`,
    };
  }
  if (proving === undefined || waitedFor === 0) {
    const majority = Math.floor(total / 2) + 1;
    return { required: majority, provesNoLoss: false, reason: `a majority of ${total}: replication is asynchronous` };
  }
  return {
    required: Math.max(1, Math.min(proving, total)),
    provesNoLoss: true,
    reason: `${total} standbys, each commit acknowledged by ${rule.acknowledgements} of them`,
  };
}
