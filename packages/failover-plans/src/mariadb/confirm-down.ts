/**
 * `mariadb.confirm-down`: is the old writer really gone? Reads only.
 *
 * A server that answers anything, even a refusal, is alive: that is a switchover, not a failover. So is one that a replica is still
 * connected to, because then only the path from here to it may be broken. `force` passes both, for an operator who knows better (a
 * writer that hangs); the fence that follows ends it for certain.
 */
import { type ActionContext, type ActionDefinition, defineAction } from "@belay/engine";
import { query, serverErrno } from "../mysql-client/client.ts";
import { amount, flag, inputSchema, optional, text, texts } from "../step/input-schema.ts";
import { messageOf, pause, refuse } from "../step/wait.ts";
import type { Access } from "./access.ts";

interface Input {
  /** The old writer. */
  readonly writer: string;
  /** All its replicas. */
  readonly replicas: readonly string[];
  /** Consecutive failed questions that count as "down". Default 3. */
  readonly probes?: number | undefined;
  /** Milliseconds between them. Default 100. */
  readonly probeIntervalMs?: number | undefined;
  /** Go on although it gives signs of life. Default false. */
  readonly force?: boolean | undefined;
}
const schema = inputSchema<Input>({
  writer: text,
  replicas: texts,
  probes: optional(amount),
  probeIntervalMs: optional(amount),
  force: optional(flag),
});

/** What is known about the old writer. */
export interface ConfirmedDown {
  readonly writer: string;
  /** What the last question ended in. */
  readonly lastError: string | null;
  /** Signs of life that `force` passed over. */
  readonly overruled: readonly string[];
}

/** A replica loses a dead writer at once; a busy machine may take a moment to notice. */
const NOTICE_MS = 2000;

/** The action. Codes: OLD_WRITER_ANSWERS, OLD_WRITER_STREAMS, ROUTE_DISAGREES, INPUT_CONFLICT. */
export function confirmDown(access: Access): ActionDefinition<Input, ConfirmedDown> {
  return defineAction<Input, ConfirmedDown>({
    description: "Checks that the old writer does not answer and that no replica is connected to it. Changes nothing.",
    input: schema,
    idempotent: true,
    run: async (ctx) => {
      const { writer, replicas, force = false } = ctx.input;
      await checkParameters(access, ctx.input);
      const overruled: string[] = [];
      const lastError = await probe(access, ctx);
      if (lastError === null) {
        if (!force) {
          const remedy = `use ${access.dialect.name}-switchover, or repair it`;
          refuse("OLD_WRITER_ANSWERS", `the old writer ${writer} still answers: ${remedy}`);
        }
        overruled.push(`${writer} answers`);
      }
      const attached = await attachedReplica(access, ctx, replicas);
      if (attached !== undefined) {
        if (!force) {
          refuse(
            "OLD_WRITER_STREAMS",
            `${attached} is still connected to ${writer}: only the path from here to it may be broken. Once it is reachable, use ${access.dialect.name}-switchover. One that hangs is given up by its replicas after slave_net_timeout: start this plan again then, or with force when you know that it is gone`,
          );
        }
        overruled.push(`${attached} is still connected to ${writer}`);
      }
      return { writer, lastError, overruled };
    },
  });
}

/** Refuses what cannot be meant: unknown nodes, one that is both, a writer that the route does not name. */
export async function checkParameters(
  access: Access,
  { writer, replicas }: Pick<Input, "writer" | "replicas">,
): Promise<void> {
  if (replicas.includes(writer)) refuse("INPUT_CONFLICT", `${writer} is named both as the writer and as a replica`);
  for (const name of [writer, ...replicas]) access.node(name);
  const present = await access.route.current();
  if (present.writer !== null && present.writer !== writer) {
    refuse(
      "ROUTE_DISAGREES",
      `the route says that ${present.writer} takes writes, not ${writer}: is the parameter right?`,
    );
  }
}

/** The last connection error when every question failed; null as soon as the server answers, be it with a refusal. */
async function probe(access: Access, ctx: ActionContext<Input>): Promise<string | null> {
  const { writer, probes = 3, probeIntervalMs = 100 } = ctx.input;
  let lastError = "";
  for (let asked = 0; asked < Math.max(1, probes); asked++) {
    if (asked > 0) await pause(probeIntervalMs, ctx.signal);
    try {
      await query(access.node(writer), "select 1", [], access.call(ctx));
      return null;
    } catch (error) {
      ctx.signal.throwIfAborted();
      // "Too many connections" is an answer too.
      if (serverErrno(error) !== undefined) return null;
      lastError = messageOf(error);
    }
  }
  return lastError;
}

/**
 * Name of a replica that the writer still serves. Replicas that do not answer, or follow another node, are no witnesses; an address that
 * nobody knows may be another one of the writer's, so it counts.
 */
async function attachedReplica(
  access: Access,
  ctx: ActionContext<Input>,
  replicas: readonly string[],
): Promise<string | undefined> {
  const startedAt = performance.now();
  const { intervalMs, timeoutMs } = access.wait(ctx, NOTICE_MS);
  for (;;) {
    let attached: string | undefined;
    for (const name of replicas) {
      const status = await access.status(name, ctx).catch(() => undefined);
      ctx.signal.throwIfAborted();
      const replica = status?.replica;
      if (replica?.receiving !== "yes") continue;
      if ((access.followed(replica) ?? ctx.input.writer) === ctx.input.writer) attached = name;
    }
    if (attached === undefined || performance.now() - startedAt > timeoutMs) return attached;
    await pause(intervalMs, ctx.signal);
  }
}
