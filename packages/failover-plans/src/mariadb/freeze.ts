/**
 * `mariadb.freeze` and its undoing `mariadb.unfreeze`: a replica stops receiving, so that positions can be compared while they stand
 * still. It goes on applying what it has. It does not wait for the dead side: a half-dead writer can keep its connections for long.
 */
import { type ActionDefinition, defineAction } from "@belay/engine";
import { inputSchema, text } from "../step/input-schema.ts";
import { refuse, until } from "../step/wait.ts";
import type { Access } from "./access.ts";

interface Input {
  readonly replica: string;
}
const schema = inputSchema<Input>({ replica: text });

/** A frozen replica. */
export interface FrozenReplica {
  readonly name: string;
  /** Everything that it has, applied or not. */
  readonly received: string;
}

/** Milliseconds for the receiving thread to end. */
const FREEZE_TIMEOUT_MS = 20_000;

/** Stops receiving and waits until the thread is gone. Code: NOT_A_REPLICA. */
export function freeze(access: Access): ActionDefinition<Input, FrozenReplica> {
  return defineAction<Input, FrozenReplica>({
    description: "The replica stops receiving, so that its position stands still; it goes on applying what it has.",
    input: schema,
    idempotent: true,
    run: async (ctx) => {
      const { replica: name } = ctx.input;
      await access.run(name, [access.dialect.stopReceiving], ctx);
      const what = `${name} to stop receiving`;
      return await until(what, access.wait(ctx, FREEZE_TIMEOUT_MS), async () => {
        const { replica } = await access.status(name, ctx);
        if (replica === null) refuse("NOT_A_REPLICA", `${name} replicates from nobody: somebody else has changed it`);
        return replica.receiving === "no" && { name, received: replica.received };
      });
    },
  });
}

/** Undoes `mariadb.freeze`: the replica receives again from whom it followed. Code: PROMOTED_ALREADY. */
export function unfreeze(access: Access): ActionDefinition<Input, void> {
  return defineAction<Input, void>({
    description: "The replica receives again from the server that it followed before.",
    input: schema,
    idempotent: true,
    run: async (ctx) => {
      const { replica: name } = ctx.input;
      const { replica, readOnly } = await access.status(name, ctx);
      if (!readOnly) refuse("PROMOTED_ALREADY", `${name} takes writes: it cannot follow the old writer again`);
      // One that follows nobody was not frozen by this run.
      if (replica !== null) await access.run(name, [access.dialect.startReceiving], ctx);
    },
  });
}
