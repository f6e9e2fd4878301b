/**
 * Anti-flap: the actions that keep a cluster from being failed over again before a person has looked at the last time. Every system
 * has them under names of its own (`postgres.check-recent`, `postgres.announce`, `postgres.withdraw`).
 *
 * A cluster that was recovered less than the block period ago is refused, because the same cause is most often still there and each
 * recovery costs a node. The operator's way past it is an acknowledgement, with a reason, which is kept.
 */
import { type ActionContext, type ActionDefinition, defineAction } from "@belay/engine";
import type { RouteAccess } from "../route/route-steps.ts";
import { refuseIfOvertaken } from "../route/route-steps.ts";
import { amount, inputSchema, optional, text } from "../step/input-schema.ts";
import { refuse } from "../step/wait.ts";
import type { KnownRecovery, RecoveryLog } from "./recovery-log.ts";

/** How long after a recovery the next one is refused unless the plan says otherwise: seconds. */
export const DEFAULT_BLOCK_SECONDS = 3600;

/** What these steps need of a system. */
export interface RecoveryAccess {
  readonly recoveries: RecoveryLog;
  /** Epoch milliseconds. */
  now(): number;
}

interface CheckInput {
  readonly cluster: string;
  /** Seconds after a recovery in which the next one is refused; 0 = never. Default 3600. */
  readonly blockSeconds?: number | undefined;
  /** Why the last recovery need not be waited for: acknowledges it. */
  readonly acknowledge?: string | undefined;
}
const checkSchema = inputSchema<CheckInput>({
  cluster: text,
  blockSeconds: optional(amount),
  acknowledge: optional(text),
});

/** What the check passes on. */
export interface CheckedRecent {
  /** The youngest recovery, if there was any. */
  readonly last: KnownRecovery | null;
  /** Whether this run acknowledged it. */
  readonly acknowledged: boolean;
}

/** Refuses when the cluster was recovered a short while ago and nobody has acknowledged that. Code: RECOVERY_BLOCKED. */
export function checkRecentAction(access: RecoveryAccess): ActionDefinition<CheckInput, CheckedRecent> {
  return defineAction<CheckInput, CheckedRecent>({
    description: "Refuses a recovery that follows another too soon, unless a person has acknowledged that one.",
    input: checkSchema,
    idempotent: true,
    run: async (ctx) => {
      const { cluster, acknowledge, blockSeconds = DEFAULT_BLOCK_SECONDS } = ctx.input;
      const [last = null] = await access.recoveries.list(cluster);
      if (last === null || last.acknowledged !== null || last.runId === ctx.runId) return { last, acknowledged: false };
      const until = last.at + blockSeconds * 1000;
      if (access.now() >= until) return { last, acknowledged: false };
      if (acknowledge === undefined) refuseBlocked(last, until, access.now());
      // The run's own journal says who started it.
      await access.recoveries.acknowledge(cluster, { who: `run ${ctx.runId}`, why: acknowledge, at: access.now() });
      return { last, acknowledged: true };
    },
  });
}

function refuseBlocked(last: KnownRecovery, until: number, now: number): never {
  const minutes = (ms: number): string => `${Math.max(1, Math.round(ms / 60_000))} min`;
  refuse(
    "RECOVERY_BLOCKED",
    `${last.cluster} was recovered ${minutes(now - last.at)} ago (${last.from} was replaced by ${last.to}); the next recovery is refused for another ${minutes(until - now)}. Find out why ${last.to} is gone too. Then start again with acknowledge: "the reason"`,
    { last: { ...last }, until },
  );
}

interface AnnounceInput {
  readonly cluster: string;
  /** The old writer. */
  readonly from: string;
  /** The new one. */
  readonly to: string;
  /** Epoch under which this run has emptied the route. */
  readonly epoch: number;
}
const announceSchema = inputSchema<AnnounceInput>({ cluster: text, from: text, to: text, epoch: amount });

/**
 * The last step that can be undone: notes the recovery, and makes sure that this run still leads. Code: ROUTE_TAKEN.
 */
export function announceAction(access: RecoveryAccess & RouteAccess): ActionDefinition<AnnounceInput, void> {
  return defineAction<AnnounceInput, void>({
    description: "Notes the recovery before the point of no return; refuses when another controller has taken over.",
    input: announceSchema,
    idempotent: true,
    run: async (ctx) => {
      const { cluster, from, to, epoch } = ctx.input;
      await refuseIfOvertaken(access, epoch);
      await access.recoveries.note({ cluster, from, to, runId: ctx.runId, at: access.now() });
    },
  });
}

/** Undoes `announce`: nothing was promoted, so nothing was recovered. */
export function withdrawAction(access: RecoveryAccess): ActionDefinition<Pick<AnnounceInput, "cluster">, void> {
  return defineAction<Pick<AnnounceInput, "cluster">, void>({
    description: "Takes the note of this recovery back: it did not take place.",
    input: inputSchema<Pick<AnnounceInput, "cluster">>({ cluster: text }),
    idempotent: true,
    run: (ctx: ActionContext<Pick<AnnounceInput, "cluster">>) =>
      access.recoveries.withdraw(ctx.input.cluster, ctx.runId),
  });
}
