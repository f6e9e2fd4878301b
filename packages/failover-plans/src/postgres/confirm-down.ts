/**
 * `postgres.confirm-down`: is the old primary really gone? Reads only.
 *
 * A server that answers anything, even a refusal, is alive: that is a switchover, not a failover. So is one that a standby is
 * still connected to, because then only the path from here to it may be broken. `force` passes both, for an operator who knows better
 * (a primary that refuses everybody, a zombie walsender); the fence that follows ends it for certain.
 */
import { type ActionContext, type ActionDefinition, defineAction } from "@belay/engine";
import { amount, flag, inputSchema, optional, text, texts } from "../step/input-schema.ts";
import { messageOf, pause, refuse } from "../step/wait.ts";
import type { Access } from "./access.ts";
import { query, sqlState } from "./client.ts";

interface Input {
  /** The old primary. */
  readonly primary: string;
  /** All standbys. */
  readonly standbys: readonly string[];
  /** Consecutive failed questions that count as "down". Default 3. */
  readonly probes?: number | undefined;
  /** Milliseconds between them. Default 100. */
  readonly probeIntervalMs?: number | undefined;
  /** Go on although it gives signs of life. Default false. */
  readonly force?: boolean | undefined;
}
const schema = inputSchema<Input>({
  primary: text,
  standbys: texts,
  probes: optional(amount),
  probeIntervalMs: optional(amount),
  force: optional(flag),
});

/** What is known about the old primary. */
export interface ConfirmedDown {
  readonly primary: string;
  /** What the last question ended in. */
  readonly lastError: string | null;
  /** Signs of life that `force` passed over. */
  readonly overruled: readonly string[];
}

/** The action. Codes: OLD_PRIMARY_ANSWERS, OLD_PRIMARY_STREAMS, ROUTE_DISAGREES, INPUT_CONFLICT. */
export function confirmDown(access: Access): ActionDefinition<Input, ConfirmedDown> {
  return defineAction<Input, ConfirmedDown>({
    description: "Checks that the old primary does not answer and that no standby is connected to it. Changes nothing.",
    input: schema,
    idempotent: true,
    run: async (ctx) => {
      const { primary, standbys, force = false } = ctx.input;
      await checkParameters(access, ctx.input);
      const overruled: string[] = [];
      const lastError = await probe(access, ctx);
      if (lastError === null) {
        if (!force) {
          refuse("OLD_PRIMARY_ANSWERS", `the old writer ${primary} still answers: use postgres-switchover`);
        }
        overruled.push(`${primary} answers`);
      }
      const attached = await attachedStandby(access, ctx, standbys);
      if (attached !== undefined) {
        if (!force) refuse("OLD_PRIMARY_STREAMS", `${attached} ${remedyFor(primary)}`);
        overruled.push(`${attached} is still connected to ${primary}`);
      }
      return { primary, lastError, overruled };
    },
  });
}

async function checkParameters(access: Access, { primary, standbys }: Input): Promise<void> {
  if (standbys.includes(primary)) refuse("INPUT_CONFLICT", `${primary} is named both as the primary and as a standby`);
  for (const name of [primary, ...standbys]) access.node(name);
  const { writer } = await access.route.current();
  if (writer !== null && writer !== primary) {
    refuse("ROUTE_DISAGREES", `the route says that ${writer} takes writes, not ${primary}: is the parameter right?`);
  }
}

/** The last connection error when every question failed; null as soon as the server answers, be it with a refusal. */
async function probe(access: Access, ctx: ActionContext<Input>): Promise<string | null> {
  const { primary, probes = 3, probeIntervalMs = 100 } = ctx.input;
  let lastError = "";
  for (let asked = 0; asked < Math.max(1, probes); asked++) {
    if (asked > 0) await pause(probeIntervalMs, ctx.signal);
    try {
      await query(access.node(primary), "select 1", [], access.call(ctx));
      return null;
    } catch (error) {
      ctx.signal.throwIfAborted();
      if (sqlState(error) !== undefined) return null;
      lastError = messageOf(error);
    }
  }
  return lastError;
}

/** A standby loses a dead primary at once; a busy machine may take a moment to notice. */
const NOTICE_MS = 2000;
/** Beyond half of its timeout a silent receiver has asked for a sign of life; this much longer, and none came. */
const REPLY_MS = 5000;

function remedyFor(primary: string): string {
  return (
    `is still connected to ${primary}: only the path from here to it may be broken. ` +
    "Use postgres-switchover once it is reachable. One that hangs is told apart after half of wal_receiver_timeout in silence: " +
    "start this plan again then, or with force when you know that it is gone"
  );
}

/**
 * Name of a standby that the primary may still be serving. An idle primary is as silent as a hung one, so a connection counts
 * until its receiver has asked for a sign of life in vain. Standbys that do not answer are no witnesses.
 */
async function attachedStandby(
  access: Access,
  ctx: ActionContext<Input>,
  standbys: readonly string[],
): Promise<string | undefined> {
  const startedAt = performance.now();
  const { intervalMs, timeoutMs } = access.wait(ctx, NOTICE_MS);
  for (;;) {
    const attached = await findAttached(access, ctx, standbys);
    if (attached === undefined || performance.now() - startedAt > timeoutMs) return attached;
    await pause(intervalMs, ctx.signal);
  }
}

async function findAttached(
  access: Access,
  ctx: ActionContext<Input>,
  standbys: readonly string[],
): Promise<string | undefined> {
  for (const standby of standbys) {
    const status = await access.status(standby, ctx).catch(() => undefined);
    ctx.signal.throwIfAborted();
    if (status?.walReceiver !== "streaming") continue;
    const { receiverTimeoutMs, upstreamSilentMs } = status;
    const patienceMs = receiverTimeoutMs === 0 ? Number.POSITIVE_INFINITY : receiverTimeoutMs / 2 + REPLY_MS;
    if ((upstreamSilentMs ?? 0) < patienceMs) return standby;
  }
  return undefined;
}
