/**
 * Taking the old writer out, and bringing it back: `mariadb.fence` and its undoing `mariadb.unfence`.
 *
 * The server is left down and marked to start fenced: whoever starts it, a supervisor or a reboot, gets a server that refuses writes and
 * replicates from nobody. It is undone by starting it as the writer again, so that the cluster is left writable, and only while
 * no replica has been promoted: two writers are worse than none.
 */
import { type ActionContext, type ActionDefinition, defineAction } from "@belay/engine";
import {
  type DroppedRoute,
  droppedEpoch,
  dropRoute,
  refuseIfAnotherWrites,
  refuseIfNotOurs,
  restoreRoute,
} from "../route/route-steps.ts";
import { inputSchema, text, texts } from "../step/input-schema.ts";
import { messageOf, refuse, until } from "../step/wait.ts";
import type { Access } from "./access.ts";

interface Input {
  /** The old writer. */
  readonly writer: string;
  /** Replicas that must still be replicas when this is undone. */
  readonly replicas: readonly string[];
}
const schema = inputSchema<Input>({ writer: text, replicas: texts });

/** Milliseconds for a restarted writer to recover. */
const RESTART_TIMEOUT_MS = 40_000;

/** Kills the server for certain and drops the route. Codes: FENCE_FAILED, ROUTE_DISAGREES, ROUTE_TAKEN. */
export function fence(access: Access): ActionDefinition<Input, { readonly writer: string } & DroppedRoute> {
  return defineAction<Input, { readonly writer: string } & DroppedRoute>({
    description: "Ends the old writer for certain, makes it come back only fenced, takes it off the route.",
    input: schema,
    idempotent: true,
    run: async (ctx) => {
      const { writer } = ctx.input;
      // A late controller would end a server that is by now a replica of the writer.
      await refuseIfAnotherWrites(access, writer);
      // First: whoever starts it from here on gets a server that refuses writes.
      await access.control.setStartRole(writer, "fenced");
      await access.control.kill(writer);
      // The undoing of an attempt that was told to end may be under way by now.
      ctx.signal.throwIfAborted();
      if (await access.control.isRunning(writer)) {
        refuse("FENCE_FAILED", `${writer} is still running after it was ended: nothing may be promoted`);
      }
      return { writer, ...(await dropRoute(access, writer, ctx.fencingTokens)) };
    },
  });
}

/** Undoes `mariadb.fence`: the old writer takes writes again. Codes: PROMOTED_ALREADY, OLD_WRITER_DOES_NOT_START, ROUTE_TAKEN. */
export function unfence(access: Access): ActionDefinition<Input, void> {
  return defineAction<Input, void>({
    description:
      "Starts the old writer as the writer again and puts it back on the route; only if nothing was promoted.",
    input: schema,
    idempotent: true,
    run: async (ctx) => {
      await refuseIfNotOurs(access, ctx.input.writer, droppedEpoch(ctx.output));
      await restartAsWriter(access, ctx);
      await restoreRoute(access, ctx.input.writer);
    },
  });
}

async function restartAsWriter(access: Access, ctx: ActionContext<Input>): Promise<void> {
  const { writer, replicas } = ctx.input;
  const { control } = access;
  await refuseIfPromoted(access, replicas, ctx);
  // Somebody may have started it meanwhile: it would be a server that refuses writes.
  if ((await control.startRole(writer)) !== "writer") await control.kill(writer);
  await control.setStartRole(writer, "writer");
  try {
    await control.start(writer);
    await until(`${writer} to take writes`, access.wait(ctx, RESTART_TIMEOUT_MS), async () => {
      return !(await access.status(writer, ctx)).readOnly;
    });
  } catch (error) {
    ctx.signal.throwIfAborted();
    refuse(
      "OLD_WRITER_DOES_NOT_START",
      `${writer} was freed from its fence but does not start as the writer: ${messageOf(error)}. Nothing was promoted. Repair it and roll back again, or skip this rollback, abandon the run and start another failover`,
    );
  }
}

/** Code PROMOTED_ALREADY when one of these takes writes. Those that do not answer are no witnesses. */
export async function refuseIfPromoted(
  access: Access,
  replicas: readonly string[],
  ctx: Pick<ActionContext, "signal">,
): Promise<void> {
  for (const name of replicas) {
    const status = await access.status(name, ctx).catch(() => undefined);
    ctx.signal.throwIfAborted();
    if (status !== undefined && !status.readOnly) {
      refuse("PROMOTED_ALREADY", `${name} already takes writes: a second writer beside it would be a split brain`);
    }
  }
}
