/**
 * `postgres.promote`: the point of no return. From here on the candidate writes a timeline of its own, and what the old primary
 * holds beyond the fork is lost to the cluster.
 *
 * It asks once more, at the last moment, whether the old primary is down and whether this run still leads. Promoting twice is
 * harmless: SQLSTATE 55000 ("recovery is not in progress") means that it was done before.
 */
import { type ActionContext, type ActionDefinition, defineAction } from "@belay/engine";
import { refuseIfOvertaken } from "../route/route-steps.ts";
import { amount, inputSchema, text } from "../step/input-schema.ts";
import { refuse, until } from "../step/wait.ts";
import type { Access } from "./access.ts";
import { query, sqlState } from "./client.ts";
import type { ServerStatus } from "./status.ts";

interface Input {
  readonly candidate: string;
  /** The old primary. */
  readonly primary: string;
  /** Timeline before the promotion. */
  readonly timeline: number;
  /** Epoch under which this run has emptied the route: nobody may have published since. */
  readonly epoch: number;
}
const schema = inputSchema<Input>({ candidate: text, primary: text, timeline: amount, epoch: amount });

/** The new writer. */
export interface Promoted {
  readonly writer: string;
  /** Timeline it writes; higher than the old one. */
  readonly timeline: number;
}

/** Milliseconds for the candidate to leave recovery. */
const PROMOTE_TIMEOUT_MS = 50_000;
/** Milliseconds for the candidate to say, after a crash, what it is. */
const VERIFY_TIMEOUT_MS = 30_000;
/** SQLSTATE object_not_in_prerequisite_state. */
const NOT_IN_RECOVERY = "55000";

/** The action. Codes: FENCE_BROKEN, FOREIGN_PRIMARY, ROUTE_TAKEN. */
export function promote(access: Access): ActionDefinition<Input, Promoted> {
  return defineAction<Input, Promoted>({
    description: "Promotes the candidate. POINT OF NO RETURN.",
    input: schema,
    run: async (ctx) => {
      const { candidate, primary, timeline } = ctx.input;
      const before = await access.status(candidate, ctx);
      if (!before.inRecovery) return promoted(ctx.input, before);
      if (await access.control.isRunning(primary)) {
        refuse("FENCE_BROKEN", `${primary} is running again: promoting ${candidate} now could make two primaries`);
      }
      await refuseIfOvertaken(access, ctx.input.epoch);
      try {
        await query(access.node(candidate), "select pg_promote(false)", [], access.call(ctx));
      } catch (error) {
        if (sqlState(error) !== NOT_IN_RECOVERY) throw error;
      }
      const what = `${candidate} to leave recovery`;
      return await until(what, access.wait(ctx, PROMOTE_TIMEOUT_MS), async () => {
        const status = await access.status(candidate, ctx);
        return !status.inRecovery && status.timeline > timeline && { writer: candidate, timeline: status.timeline };
      });
    },
    verify: async (ctx) => await verifyPromoted(access, ctx),
  });
}

/**
 * R42: after a crash the candidate itself says whether the promotion took place. One that was asked for and is still under
 * way counts as not done: asking again is harmless, and `run` waits for it.
 */
async function verifyPromoted(
  access: Access,
  ctx: ActionContext<Input>,
): Promise<{ done: true; output: Promoted } | { done: false }> {
  const { candidate } = ctx.input;
  // A server that is slow to answer is no reason to leave the run to an operator.
  const what = `${candidate} to say whether it was promoted`;
  const status = await until(what, access.wait(ctx, VERIFY_TIMEOUT_MS), () => access.status(candidate, ctx));
  if (status.inRecovery) return { done: false };
  return { done: true, output: promoted(ctx.input, status) };
}

function promoted({ candidate, timeline }: Input, status: ServerStatus): Promoted {
  if (status.timeline <= timeline) {
    refuse("FOREIGN_PRIMARY", `${candidate} takes writes on timeline ${status.timeline}: this run did not promote it`);
  }
  return { writer: candidate, timeline: status.timeline };
}
