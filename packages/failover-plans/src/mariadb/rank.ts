/**
 * `mariadb.rank`: chooses the replica to promote, or refuses. Reads only; the choice itself is in ranking.ts.
 */
import { type ActionDefinition, defineAction } from "@belay/engine";
import { amount, inputSchema, optional, text, textOrEmpty, texts } from "../step/input-schema.ts";
import { messageOf, refuse } from "../step/wait.ts";
import type { Access } from "./access.ts";
import { type Contender, chooseCandidate, DEFAULT_LAG_CEILING, type Passed } from "./ranking.ts";

interface Input {
  /** Frozen replicas. */
  readonly replicas: readonly string[];
  /** How many of them must answer. */
  readonly required: number;
  /** Everything that any replica was seen to have before the freeze. */
  readonly seen: string;
  /** The last position that monitoring saw on the old writer. */
  readonly lastKnownGtid?: string | undefined;
  /** Transactions known to exist that may be lost at most. Default 0. */
  readonly lagCeiling?: number | undefined;
}
const schema = inputSchema<Input>({
  replicas: texts,
  required: amount,
  seen: textOrEmpty,
  lastKnownGtid: optional(text),
  lagCeiling: optional(amount),
});

/** The choice, with all that it was made from. */
export interface Ranked {
  readonly candidate: string;
  /** What it has committed. */
  readonly position: string;
  /** The other replicas. */
  readonly others: readonly string[];
  /** Why each of them was not chosen. */
  readonly passed: readonly Passed[];
  /** Transactions known to exist that the candidate lacks. */
  readonly lag: number;
}

/** The action. Codes: NO_QUORUM, NOT_DRAINED, LAG_CEILING, NOT_FROZEN. */
export function rank(access: Access): ActionDefinition<Input, Ranked> {
  return defineAction<Input, Ranked>({
    description: "Chooses the most advanced replica, then the one of higher priority; refuses beyond the lag ceiling.",
    input: schema,
    idempotent: true,
    run: async (ctx) => {
      const { replicas, required, seen, lastKnownGtid = "", lagCeiling = DEFAULT_LAG_CEILING } = ctx.input;
      const contenders: Contender[] = [];
      for (const name of replicas) {
        const { priority } = access.node(name);
        const status = await access.status(name, ctx).catch((error: unknown) => {
          ctx.signal.throwIfAborted();
          ctx.log(`${name} does not answer any more: ${messageOf(error)}`);
          return undefined;
        });
        if (status === undefined) continue;
        if (status.replica?.receiving !== "no" || !status.readOnly) {
          refuse(
            "NOT_FROZEN",
            `${name} is not frozen any more: somebody else has changed it, or it was restarted since`,
          );
        }
        contenders.push({ name, executed: status.executed, received: status.replica.received, priority });
      }
      const positions = access.dialect;
      const known = [seen, lastKnownGtid];
      const ranking = chooseCandidate({ contenders, required, seen: known, lagCeiling, positions });
      if (ranking.kind === "refused") refuse(ranking.code, ranking.message, { contenders, passed: ranking.passed });
      const { candidate, passed, lag } = ranking;
      const others = passed.map(({ name }) => name);
      return { candidate: candidate.name, position: candidate.executed, others, passed, lag };
    },
  });
}
