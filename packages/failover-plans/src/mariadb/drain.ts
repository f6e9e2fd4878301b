/**
 * `mariadb.drain`: waits until a frozen replica has applied all that it received. What a replica acknowledged under semi-sync is in its
 * relay log, not in its tables: promoted before, it would lose that.
 *
 * One that cannot in time is no failure of the run but a fact for the choice: another one may have everything.
 */
import { type ActionDefinition, defineAction } from "@belay/engine";
import { amount, inputSchema, optional, text } from "../step/input-schema.ts";
import { until, WaitTimeout } from "../step/wait.ts";
import type { Access } from "./access.ts";

interface Input {
  readonly replica: string;
  /** Seconds to wait at most. Default 30. */
  readonly seconds?: number | undefined;
}
const schema = inputSchema<Input>({ replica: text, seconds: optional(amount) });

/** A frozen replica, and whether it has applied everything. */
export interface DrainedReplica {
  readonly name: string;
  readonly drained: boolean;
  /** Transactions that it received and has not applied. */
  readonly pending: number;
  /** Null, or why it does not get on. */
  readonly reason: string | null;
}

/** Seconds that a replica gets to apply what it has, unless the plan says otherwise. */
export const DEFAULT_DRAIN_SECONDS = 30;

/** The action. */
export function drain(access: Access): ActionDefinition<Input, DrainedReplica> {
  return defineAction<Input, DrainedReplica>({
    description: "Waits until the replica has applied all that it received; says so when it cannot. Changes nothing.",
    input: schema,
    idempotent: true,
    run: async (ctx) => {
      const { replica: name, seconds = DEFAULT_DRAIN_SECONDS } = ctx.input;
      let last: DrainedReplica = { name, drained: false, pending: 0, reason: "it did not answer" };
      try {
        return await until(`${name} to apply what it has`, access.wait(ctx, seconds * 1000), async () => {
          ctx.heartbeat();
          const { replica, executed } = await access.status(name, ctx);
          const pending = access.dialect.missing(executed, replica?.received ?? executed);
          if (pending === 0) return { name, drained: true, pending, reason: null };
          const stopped = replica?.applying === false && `it does not apply: ${replica.applyError || "stopped"}`;
          last = { name, drained: false, pending, reason: stopped || `${pending} transactions are not applied yet` };
          // Nobody starts it again but a person.
          return stopped ? last : false;
        });
      } catch (error) {
        if (!(error instanceof WaitTimeout)) throw error;
        ctx.log(`${name} cannot be chosen: ${last.reason}`);
        return last;
      }
    },
  });
}
