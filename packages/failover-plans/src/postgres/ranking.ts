/**
 * Which standby is promoted. Pure: the most advanced one, then the higher priority, then the name; and refusals as data, because
 * "do not promote" is an outcome like any other.
 */
import { bytesBehind, compareLsn, maxLsn } from "./lsn.ts";

/** Bytes of known WAL that a promotion may lose unless the plan says otherwise: one WAL segment. */
export const DEFAULT_LAG_CEILING_BYTES: number = 16 * 1024 * 1024;

/** A frozen standby, as it is compared. */
export interface Contender {
  readonly name: string;
  /** End of the WAL it holds. */
  readonly lsn: string;
  /** Higher wins among equally advanced ones. */
  readonly priority: number;
}

/** What the choice is made from. */
export interface RankQuestion {
  readonly contenders: readonly Contender[];
  /** Standbys that must be among the contenders. */
  readonly required: number;
  /** Positions that the old primary is known to have reached; unknown ones are null. */
  readonly seenLsns: readonly (string | null)[];
  /** Bytes of known WAL that a promotion may lose at most. */
  readonly lagCeilingBytes: number;
}

/** The choice, or why there is none. */
export type Ranking =
  | {
      readonly kind: "chosen";
      readonly candidate: Contender;
      readonly others: readonly Contender[];
      /** Bytes of known WAL that the candidate lacks. */
      readonly lagBytes: number;
    }
  | {
      readonly kind: "refused";
      readonly code: "NO_QUORUM" | "LAG_CEILING";
      readonly message: string;
    };

/** Orders contenders: most advanced first, then higher priority, then name. */
export function rankContenders(contenders: readonly Contender[]): readonly Contender[] {
  return contenders.toSorted(
    (a, b) => compareLsn(b.lsn, a.lsn) || b.priority - a.priority || (a.name < b.name ? -1 : Number(a.name > b.name)),
  );
}

/** Chooses the standby to promote, or refuses. */
export function chooseCandidate(question: RankQuestion): Ranking {
  const { contenders, required, seenLsns, lagCeilingBytes } = question;
  const [candidate, ...others] = rankContenders(contenders);
  if (candidate === undefined || contenders.length < required) {
    return {
      kind: "refused",
      code: "NO_QUORUM",
      message: `${contenders.length} of the ${required} standbys needed are frozen and answer: one that is missing may hold the newest commits`,
    };
  }
  const furthest = maxLsn(candidate.lsn, ...seenLsns) ?? candidate.lsn;
  const lagBytes = bytesBehind(candidate.lsn, furthest);
  if (lagBytes > lagCeilingBytes) {
    return {
      kind: "refused",
      code: "LAG_CEILING",
      message: `the most advanced standby, ${candidate.name}, ends at ${candidate.lsn}, ${lagBytes} bytes before ${furthest}, which the old primary is known to have reached; at most ${lagCeilingBytes} may be lost`,
    };
  }
  return { kind: "chosen", candidate, others, lagBytes };
}
