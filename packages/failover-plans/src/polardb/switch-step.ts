/**
 * `polardb.switch` and its undoing `polardb.switch-back`: one candidate of the FIRST_SUCCESS group.
 *
 * A switch succeeds with the promotion, and with nothing later: whatever fails afterwards is a node below, past the point of no return.
 * So a candidate that was promoted is not "failed", and no other one is promoted after it. If the answer is lost, the next attempt, or
 * `verify` after a crash (R42), asks the candidate itself; if the candidate is given up, the undoing asks again and refuses to go on
 * unless it is certain that it was not promoted and will not be. A group with such a candidate tries nobody else (R21).
 *
 * What happens where: the switch is noted (anti-flap), the route emptied, the system's own switch carried out; undone in reverse.
 */
import { type ActionContext, type ActionDefinition, defineAction, NonRetryable } from "@belay/engine";
import type { RecoveryAccess } from "../recovery/recovery-steps.ts";
import { dropRoute, type RouteAccess, restoreRoute } from "../route/route-steps.ts";
import { amount, type Field, flag, inputSchema, oneOf, optional, shape, text, texts } from "../step/input-schema.ts";
import { refuse } from "../step/wait.ts";
import type { TargetZoneType } from "./cluster.ts";
import { type PolarControl, PROMOTED_ALREADY, type SwitchOrder } from "./control.ts";
import type { Elected } from "./elect-step.ts";

/** What every step needs that acts on a cluster. */
export interface PolarAccess extends RecoveryAccess, RouteAccess {
  readonly control: PolarControl;
}

/** The part of an election's output that a switch reads. */
export type ElectedPart = Pick<Elected, "from" | "writerAnswered" | "readers" | "generation">;

interface Input {
  readonly cluster: string;
  /** Node id of the candidate. */
  readonly candidate: string;
  /** Output of `polardb.elect`. */
  readonly elected: ElectedPart;
  readonly rollBackForDisaster?: boolean | undefined;
  readonly targetZoneType?: TargetZoneType | undefined;
}

/** The check of an election's output as an input. */
export const electedField: Field<ElectedPart> = shape<ElectedPart>("the output of polardb.elect", {
  from: text,
  writerAnswered: flag,
  readers: texts,
  generation: amount,
});

const schema = inputSchema<Input>({
  cluster: text,
  candidate: text,
  elected: electedField,
  rollBackForDisaster: optional(flag),
  targetZoneType: optional(oneOf("Primary", "Standby")),
});

/** The switch that took place. */
export interface Switched {
  /** Node id of the new writer. */
  readonly writer: string;
  /** Node id of the old one. */
  readonly from: string;
  /** Node ids of the other readers. */
  readonly readers: readonly string[];
  /** Epoch under which the route was emptied. */
  readonly epoch: number;
  /** Epoch under which the new writer is to be published. */
  readonly publishEpoch: number;
}

/** The action. Codes: those of the control's `checkCandidate` and `switchTo`, ROUTE_DISAGREES, ROUTE_TAKEN. */
export function switchAction(access: PolarAccess): ActionDefinition<Input, Switched> {
  const { control } = access;
  return defineAction<Input, Switched>({
    description:
      "Makes one candidate the writer: the old one can take no writes any more, then the candidate is promoted.",
    input: schema,
    run: async (ctx) => {
      const order = orderOf(ctx.input);
      if (await control.isSwitched(order, ctx)) return await switched(access, ctx.input);
      await control.checkCandidate(order, ctx);
      const { clusterId: cluster, from, to } = order;
      await access.recoveries.note({ cluster, from, to, runId: ctx.runId, at: access.now() });
      const { epoch } = await dropRoute(access, from, ctx.fencingTokens);
      await control.switchTo({ ...order, epoch }, ctx);
      return await switched(access, ctx.input);
    },
    verify: async (ctx): Promise<{ done: false } | { done: true; output: Switched }> => {
      if (!(await control.isSwitched(orderOf(ctx.input), ctx))) return { done: false };
      return { done: true, output: await switched(access, ctx.input) };
    },
  });
}

/** Undoes `polardb.switch`. Codes: PROMOTED_ALREADY (details.output: what the switch would have answered), PROMOTION_UNKNOWN, ROUTE_TAKEN. */
export function switchBackAction(access: PolarAccess): ActionDefinition<Input, void> {
  return defineAction<Input, void>({
    description: "Lets the old writer take writes again, if it is certain that the candidate was not promoted.",
    input: schema,
    idempotent: true,
    run: async (ctx) => {
      // It may still be stopping the old writer: what it does next would undo this undoing.
      if (ctx.previousStillRunning) throw new Error(`the switch to ${ctx.input.candidate} has not let go yet`);
      const order = orderOf(ctx.input);
      try {
        await access.control.restore(order, ctx);
      } catch (error) {
        if (error instanceof NonRetryable && error.code === PROMOTED_ALREADY) await refusePromoted(access, ctx, error);
        throw error;
      }
      await restoreRoute(access, order.from);
      await access.recoveries.withdraw(order.clusterId, ctx.runId);
    },
  });
}

async function refusePromoted(
  access: PolarAccess,
  { input }: ActionContext<Input>,
  cause: NonRetryable,
): Promise<never> {
  const output = await switched(access, input);
  refuse(
    PROMOTED_ALREADY,
    `${cause.message}. It is the writer now, and nobody else may be promoted. While the run is FAILED, skip node "switch" with the output in these details, and the rest of the plan is carried out; else publish ${input.candidate} on the route and bring the other nodes back by hand`,
    { output: { ...output } },
  );
}

/** The order that an input stands for. */
export function orderOf(input: Input): SwitchOrder {
  const { cluster, candidate, elected, rollBackForDisaster, targetZoneType } = input;
  const { from, readers, writerAnswered, generation } = elected;
  const others = readers.filter((node) => node !== candidate);
  return {
    clusterId: cluster,
    from,
    to: candidate,
    others,
    writerAnswered,
    generation,
    rollBackForDisaster,
    targetZoneType,
  };
}

/** The route is as the switch has left it, whoever executes it again: the epoch that emptied it is the present one. */
async function switched({ route }: PolarAccess, input: Input): Promise<Switched> {
  const { from, to, others } = orderOf(input);
  const { epoch } = await route.current();
  return { writer: to, from, readers: others, epoch, publishEpoch: epoch + 1 };
}
