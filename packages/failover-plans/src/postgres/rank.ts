/**
 * `postgres.rank`: chooses the standby to promote, or refuses. Reads only; the choice itself is in ranking.ts.
 */
import { type ActionDefinition, defineAction } from "@belay/engine";
import { amount, inputSchema, optional, text, texts } from "../step/input-schema.ts";
import { messageOf, refuse } from "../step/wait.ts";
import type { Access } from "./access.ts";
import { type Contender, chooseCandidate, DEFAULT_LAG_CEILING_BYTES } from "./ranking.ts";
import { endOfWal, isEndOfWalKnown } from "./status.ts";

interface Input {
  /** Frozen standbys. */
  readonly standbys: readonly string[];
  /** How many of them must answer. */
  readonly required: number;
  /** Bytes of known WAL that may be lost at most. Default 16 MiB. */
  readonly lagCeilingBytes?: number | undefined;
  /** The furthest position that a standby heard the old primary report. */
  readonly seenLsn?: string | undefined;
  /** The last checkpoint on the old primary's disk. */
  readonly checkpointLsn?: string | undefined;
  /** The last position that monitoring saw on the old primary. */
  readonly lastKnownLsn?: string | undefined;
}
const schema = inputSchema<Input>({
  standbys: texts,
  required: amount,
  lagCeilingBytes: optional(amount),
  seenLsn: optional(text),
  checkpointLsn: optional(text),
  lastKnownLsn: optional(text),
});

/** The choice, with all that it was made from. */
export interface Ranked {
  readonly candidate: string;
  readonly candidateLsn: string;
  /** The other standbys, best first. */
  readonly others: readonly string[];
  /** Bytes of known WAL that the candidate lacks. */
  readonly lagBytes: number;
  /** Everyone compared, best first. */
  readonly ranking: readonly Contender[];
}

/** The action. Codes: NO_QUORUM, LAG_CEILING, NOT_FROZEN. */
export function rank(access: Access): ActionDefinition<Input, Ranked> {
  return defineAction<Input, Ranked>({
    description: "Chooses the most advanced standby, then the one of higher priority; refuses beyond the lag ceiling.",
    input: schema,
    idempotent: true,
    run: async (ctx) => {
      const { standbys, required, seenLsn, checkpointLsn, lastKnownLsn } = ctx.input;
      const { lagCeilingBytes = DEFAULT_LAG_CEILING_BYTES } = ctx.input;
      const contenders: Contender[] = [];
      for (const name of standbys) {
        const { priority } = access.node(name);
        const status = await access.status(name, ctx).catch((error: unknown) => {
          ctx.signal.throwIfAborted();
          ctx.log(`${name} does not answer any more: ${messageOf(error)}`);
          return undefined;
        });
        if (status === undefined) continue;
        if (!status.inRecovery || status.walReceiver !== null || !isEndOfWalKnown(status)) {
          refuse("NOT_FROZEN", `${name} is not frozen, or was restarted since: what it holds is not known for certain`);
        }
        contenders.push({ name, lsn: endOfWal(status), priority });
      }
      const seenLsns = [seenLsn ?? null, checkpointLsn ?? null, lastKnownLsn ?? null];
      const ranking = chooseCandidate({ contenders, required, seenLsns, lagCeilingBytes });
      if (ranking.kind === "refused") refuse(ranking.code, ranking.message, { contenders });
      return {
        candidate: ranking.candidate.name,
        candidateLsn: ranking.candidate.lsn,
        others: ranking.others.map(({ name }) => name),
        lagBytes: ranking.lagBytes,
        ranking: [ranking.candidate, ...ranking.others],
      };
    },
  });
}
