/**
 * `mariadb.promote`: the point of no return. From here on the candidate writes transactions of its own, and what the old writer holds
 * beyond them is lost to the cluster.
 *
 * It asks once more, at the last moment, whether the old writer is fenced, and whether the route is still as this run left it: an epoch
 * that is not this run's means that somebody else leads by now. Promoting twice is harmless.
 */
import { type ActionContext, type ActionDefinition, defineAction } from "@belay/engine";
import { refuseIfOvertaken } from "../route/route-steps.ts";
import { amount, inputSchema, oneOf, text } from "../step/input-schema.ts";
import { refuse, until } from "../step/wait.ts";
import type { Access } from "./access.ts";
import type { ServerStatus } from "./server-status.ts";

interface Input {
  readonly candidate: string;
  /** The old writer. */
  readonly writer: string;
  /** How that is kept from writing: it does not run (failover), or runs and refuses writes (switchover). */
  readonly fencedBy: "down" | "readonly";
  /** Epoch under which the route names nobody. */
  readonly epoch: number;
}
const schema = inputSchema<Input>({
  candidate: text,
  writer: text,
  fencedBy: oneOf("down", "readonly"),
  epoch: amount,
});

/** The new writer. */
export interface Promoted {
  readonly writer: string;
  /** What it held at that moment or a little later. */
  readonly position: string;
}

/** Milliseconds for the candidate to take writes. */
const PROMOTE_TIMEOUT_MS = 50_000;
/** Milliseconds for the candidate to say, after a crash, what it is. */
const VERIFY_TIMEOUT_MS = 30_000;

/** The action. Codes: FENCE_BROKEN, ROUTE_TAKEN. */
export function promote(access: Access): ActionDefinition<Input, Promoted> {
  return defineAction<Input, Promoted>({
    description: "The candidate stops replicating and takes writes. POINT OF NO RETURN.",
    input: schema,
    run: async (ctx) => {
      const { candidate } = ctx.input;
      const before = await access.status(candidate, ctx);
      if (isPromoted(before)) return { writer: candidate, position: before.executed };
      await refuseIfUnfenced(access, ctx);
      await refuseIfOvertaken(access, ctx.input.epoch);
      await access.run(candidate, [...access.dialect.forget, ...access.dialect.takeWrites], ctx);
      return await until(`${candidate} to take writes`, access.wait(ctx, PROMOTE_TIMEOUT_MS), async () => {
        const status = await access.status(candidate, ctx);
        return isPromoted(status) && { writer: candidate, position: status.executed };
      });
    },
    verify: async (ctx) => await verifyPromoted(access, ctx),
  });
}

/** R42: after a crash the candidate says whether the promotion took place. A half one counts as not done: asking again is harmless. */
async function verifyPromoted(
  access: Access,
  ctx: ActionContext<Input>,
): Promise<{ done: true; output: Promoted } | { done: false }> {
  const { candidate } = ctx.input;
  // A server that is slow to answer is no reason to leave the run to an operator.
  const what = `${candidate} to say whether it was promoted`;
  const status = await until(what, access.wait(ctx, VERIFY_TIMEOUT_MS), () => access.status(candidate, ctx));
  if (!isPromoted(status)) return { done: false };
  return { done: true, output: { writer: candidate, position: status.executed } };
}

function isPromoted({ replica, readOnly }: ServerStatus): boolean {
  return replica === null && !readOnly;
}

async function refuseIfUnfenced(access: Access, ctx: ActionContext<Input>): Promise<void> {
  const { writer, candidate, fencedBy } = ctx.input;
  const broken = (why: string): never =>
    refuse("FENCE_BROKEN", `${writer} ${why}: promoting ${candidate} now could make two writers`);
  const runs = await access.control.isRunning(writer);
  if (fencedBy === "down") {
    if (runs) broken("is running again");
    return;
  }
  // One that died since it refused writes is fenced all the more, as long as it comes back as one that refuses them.
  if (!runs) {
    if ((await access.control.startRole(writer)) === "writer") broken("is down, but would start as the writer");
    return;
  }
  const status = await access.status(writer, ctx);
  if (!status.readOnly) broken("takes writes again");
  const { executed } = await access.status(candidate, ctx);
  const missing = access.dialect.missing(executed, status.executed);
  if (missing > 0) broken(`has ${missing} transactions that ${candidate} lacks`);
}
