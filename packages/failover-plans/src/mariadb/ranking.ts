/**
 * Which replica is promoted. Pure: the most advanced one, then the higher priority, then the name; and refusals as data, because
 * "do not promote" is an outcome like any other.
 */
import type { Dialect } from "./dialect.ts";

/** Transactions known to exist that a promotion may lose unless the plan says otherwise: none. */
export const DEFAULT_LAG_CEILING = 0;

/** A frozen replica, as it is compared. */
export interface Contender {
  readonly name: string;
  /** What it has committed. */
  readonly executed: string;
  /** What it has, applied or not. */
  readonly received: string;
  /** Higher wins among equally advanced ones. */
  readonly priority: number;
}

/** One that was not chosen, and why. */
export interface Passed {
  readonly name: string;
  readonly code: "NOT_DRAINED" | "BEHIND" | "LOWER_PRIORITY";
  readonly reason: string;
}

/** What the choice is made from. */
export interface RankQuestion {
  readonly contenders: readonly Contender[];
  /** Replicas that must be among the contenders. */
  readonly required: number;
  /** Positions known to exist, besides those of the contenders. */
  readonly seen: readonly string[];
  /** Transactions known to exist that the candidate may lack at most. */
  readonly lagCeiling: number;
  /** How positions are compared. */
  readonly positions: Pick<Dialect, "missing" | "union">;
}

/** The choice, or why there is none. */
export type Ranking =
  | {
      readonly kind: "chosen";
      readonly candidate: Contender;
      /** Everyone else, with the reason. */
      readonly passed: readonly Passed[];
      /** Transactions known to exist that the candidate lacks. */
      readonly lag: number;
    }
  | {
      readonly kind: "refused";
      readonly code: "NO_QUORUM" | "NOT_DRAINED" | "LAG_CEILING";
      readonly message: string;
      readonly passed: readonly Passed[];
    };

/** Chooses the replica to promote, or refuses. */
export function chooseCandidate(question: RankQuestion): Ranking {
  const { contenders, required, seen, lagCeiling, positions } = question;
  const furthest = [...seen, ...contenders.flatMap(({ executed, received }) => [executed, received])].reduce(
    positions.union,
    "",
  );
  const ranked = contenders
    .map((contender) => {
      const pending = positions.missing(contender.executed, contender.received);
      return { contender, pending, lag: positions.missing(contender.executed, furthest) };
    })
    .toSorted((a, b) => Number(a.pending > 0) - Number(b.pending > 0) || a.lag - b.lag || byPreference(a, b));
  const passed = ranked.flatMap(({ contender: { name }, pending }): Passed[] =>
    pending > 0
      ? [{ name, code: "NOT_DRAINED", reason: `${pending} transactions that it received are not applied yet` }]
      : [],
  );
  if (contenders.length < required) {
    const message = `${contenders.length} of the ${required} replicas needed are frozen and answer: one that is missing may hold the newest commits`;
    return { kind: "refused", code: "NO_QUORUM", message, passed };
  }
  const [best, ...rest] = ranked.filter(({ pending }) => pending === 0);
  if (best === undefined) {
    const names = passed.map(({ name, reason }) => `${name}: ${reason}`).join("; ");
    return {
      kind: "refused",
      code: "NOT_DRAINED",
      message: `no replica has applied all it received (${names})`,
      passed,
    };
  }
  const { contender: candidate, lag } = best;
  if (lag > lagCeiling) {
    const message = `the most advanced replica, ${candidate.name}, stands at ${candidate.executed || "nothing"} and lacks ${lag} transactions that are known to exist (${furthest}); at most ${lagCeiling} may be lost`;
    return { kind: "refused", code: "LAG_CEILING", message, passed };
  }
  return { kind: "chosen", candidate, passed: [...rest.map((each) => passedOver(each, best)), ...passed], lag };
}

interface Ranked {
  readonly contender: Contender;
  readonly lag: number;
}

function byPreference({ contender: a }: Ranked, { contender: b }: Ranked): number {
  return b.priority - a.priority || (a.name < b.name ? -1 : Number(a.name > b.name));
}

function passedOver({ contender, lag }: Ranked, best: Ranked): Passed {
  const { name, priority } = contender;
  const behind = lag - best.lag;
  if (behind > 0) {
    return { name, code: "BEHIND", reason: `lacks ${behind} transactions that ${best.contender.name} has` };
  }
  return {
    name,
    code: "LOWER_PRIORITY",
    reason: `as advanced, but of priority ${priority}, not ${best.contender.priority}`,
  };
}
