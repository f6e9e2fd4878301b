/**
 * Taking the old primary out, and bringing it back: `postgres.fence` (unplanned), `postgres.stop-primary` (planned) and their
 * undoings `postgres.unfence`, `postgres.restart-primary`.
 *
 * Both leave the server down with standby.signal and nobody to follow: whoever starts it, a supervisor or a reboot, gets a
 * read-only server. Both are undone by starting it as a primary again, so that the cluster is left writable, and only while
 * no standby has been promoted and no later run leads: two primaries are worse than none. An attempt that was told to end changes
 * nothing any more, however late its kill or its stop comes back: the undoing may be under way by then.
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
import { amount, inputSchema, optional, text, texts } from "../step/input-schema.ts";
import { messageOf, refuse, until } from "../step/wait.ts";
import type { Access } from "./access.ts";
import type { ControlState } from "./ports.ts";

interface Input {
  /** The old primary. */
  readonly primary: string;
  /** Standbys that must still be standbys when this is undone. */
  readonly standbys: readonly string[];
}
const schema = inputSchema<Input>({ primary: text, standbys: texts });

interface RestartInput extends Input {
  /** Epoch under which this run has emptied the route; of an undoing, default what the step itself answered. */
  readonly epoch?: number | undefined;
}
const restartSchema = inputSchema<RestartInput>({ primary: text, standbys: texts, epoch: optional(amount) });

/** What is known of the server that was taken out. */
export interface TakenOut {
  readonly primary: string;
  /**
   * Whether it comes back as a standby, whoever starts it. false: its machine is down and could not be reached; keep that off until
   * rejoin-standby has marked it, a supervisor would start a second primary.
   */
  readonly marked: boolean;
  /** LSN of the last checkpoint on its disk; null when its control file could not be read. */
  readonly checkpointLsn: string | null;
  /** Timeline of that checkpoint; null likewise. */
  readonly timeline: number | null;
  /** Whether it ended with a shutdown checkpoint; null likewise. */
  readonly cleanShutdown: boolean | null;
}

/** Milliseconds for a restarted primary to leave crash recovery. */
const RESTART_TIMEOUT_MS = 40_000;

/** Kills the server for certain and drops the route. Codes: FENCE_FAILED, ROUTE_DISAGREES, ROUTE_TAKEN. */
export function fence(access: Access): ActionDefinition<Input, TakenOut & DroppedRoute> {
  return defineAction<Input, TakenOut & DroppedRoute>({
    description: "Ends the old primary for certain, makes it come back only as a standby, takes it off the route.",
    input: schema,
    idempotent: true,
    run: async (ctx) => {
      const { primary } = ctx.input;
      // A late controller would end a server that is by now a standby of the writer.
      await refuseIfAnotherWrites(access, primary);
      await access.control.kill(primary, { epoch: Math.max(0, ...Object.values(ctx.fencingTokens)) });
      const takenOut = await keepDown(access, ctx);
      ctx.signal.throwIfAborted();
      return { ...takenOut, ...(await dropRoute(access, primary, ctx.fencingTokens)) };
    },
  });
}

/** Undoes `postgres.fence`: the old primary takes writes again. Codes: PROMOTED_ALREADY, OLD_PRIMARY_DOES_NOT_START, ROUTE_TAKEN. */
export function unfence(access: Access): ActionDefinition<RestartInput, void> {
  return defineAction<RestartInput, void>({
    description: "Starts the old primary as primary again and puts it back on the route; only if nothing was promoted.",
    input: restartSchema,
    idempotent: true,
    run: async (ctx) => {
      await restartAsPrimary(access, ctx);
      await restoreRoute(access, ctx.input.primary);
    },
  });
}

/** Shuts the server down cleanly: its last WAL reaches the standbys that are connected. */
export function stopPrimary(access: Access): ActionDefinition<Input, TakenOut> {
  return defineAction<Input, TakenOut>({
    description: "Shuts the old primary down cleanly and makes it come back only as a standby.",
    input: schema,
    idempotent: true,
    run: async (ctx) => {
      if (await access.control.isRunning(ctx.input.primary)) await access.control.stop(ctx.input.primary);
      return await keepDown(access, ctx);
    },
  });
}

/** Undoes `postgres.stop-primary`. Codes: PROMOTED_ALREADY, OLD_PRIMARY_DOES_NOT_START, ROUTE_TAKEN. */
export function restartPrimary(access: Access): ActionDefinition<RestartInput, void> {
  return defineAction<RestartInput, void>({
    description: "Starts the old primary as primary again; only if nothing was promoted.",
    input: restartSchema,
    idempotent: true,
    run: (ctx) => restartAsPrimary(access, ctx),
  });
}

async function keepDown(access: Access, ctx: ActionContext<Input>): Promise<TakenOut> {
  const { primary } = ctx.input;
  ctx.signal.throwIfAborted();
  if (await access.control.isRunning(primary)) {
    refuse("FENCE_FAILED", `${primary} is still running after it was ended: nothing may be promoted`);
  }
  const marked = await mark(access, ctx);
  let state: ControlState | undefined;
  try {
    state = await access.control.controlState(primary);
  } catch (error) {
    ctx.log(`the control file of ${primary} cannot be read: ${messageOf(error)}`);
  }
  return {
    primary,
    marked,
    checkpointLsn: state?.checkpointLsn ?? null,
    timeline: state?.timeline ?? null,
    cleanShutdown: state?.cleanShutdown ?? null,
  };
}

/** Makes sure that the server comes back as a standby; false when its machine is down, which is fence enough for the promotion. */
async function mark({ control }: Access, ctx: ActionContext<Input>): Promise<boolean> {
  const { primary } = ctx.input;
  try {
    await control.markStandby(primary, "");
    return true;
  } catch (error) {
    if ((await control.isMachineDown?.(primary)) !== true) throw error;
    ctx.log(
      `the machine of ${primary} is down and could not be marked: keep it off until it rejoins (${messageOf(error)})`,
    );
    return false;
  }
}

async function restartAsPrimary(access: Access, ctx: ActionContext<RestartInput>): Promise<void> {
  const { primary, epoch } = ctx.input;
  const { control } = access;
  await refuseIfNotOurs(access, primary, epoch ?? droppedEpoch(ctx.output));
  await refuseIfPromoted(access, ctx);
  if (await control.isMarkedStandby(primary)) {
    // Somebody may have started it meanwhile: it would be a read-only server that follows nobody.
    if (await control.isRunning(primary)) await control.stop(primary);
    await control.unmarkStandby(primary);
  }
  try {
    await control.start(primary);
    await until(`${primary} to take writes`, access.wait(ctx, RESTART_TIMEOUT_MS), async () => {
      const status = await access.status(primary, ctx);
      return !status.inRecovery;
    });
  } catch (error) {
    ctx.signal.throwIfAborted();
    refuse(
      "OLD_PRIMARY_DOES_NOT_START",
      `${primary} was freed from its fence but does not start as primary: ${messageOf(error)}. Nothing was promoted, and ${await routeWords(access)}. Repair it and roll back again, or skip this rollback, abandon the run and start another failover`,
    );
  }
}

/** Whom the route names, as half a sentence. A fence that failed half way may not have come to it. */
async function routeWords({ route }: Access): Promise<string> {
  try {
    const { writer } = await route.current();
    return writer === null ? "the route names nobody" : `the route still names ${writer}`;
  } catch (error) {
    return `the route cannot be read (${messageOf(error)})`;
  }
}

async function refuseIfPromoted(access: Access, ctx: ActionContext<Input>): Promise<void> {
  for (const standby of ctx.input.standbys) {
    const status = await access.status(standby, ctx).catch(() => undefined);
    ctx.signal.throwIfAborted();
    if (status !== undefined && !status.inRecovery) {
      refuse(
        "PROMOTED_ALREADY",
        `${standby} already takes writes on timeline ${status.timeline}: starting ${ctx.input.primary} as well would make two primaries`,
      );
    }
  }
}
