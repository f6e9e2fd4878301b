/**
 * A new standby: `postgres.check-new-standby`, `postgres.clone` with its undoing `postgres.wipe`, `postgres.start-standby` with
 * `postgres.stop-standby`. What it follows is proved by `postgres.follow`.
 *
 * Invariant: nothing is overwritten. A node that runs, or that has data which this plan did not copy there, is refused; the undoing
 * removes only a copy of the writer that never took writes itself.
 */
import { type ActionContext, type ActionDefinition, defineAction } from "@belay/engine";
import { inputSchema, text } from "../step/input-schema.ts";
import { refuse } from "../step/wait.ts";
import type { Access } from "./access.ts";

interface Input {
  /** The node that joins. */
  readonly node: string;
  readonly writer: string;
}
const schema = inputSchema<Input>({ node: text, writer: text });

/** A node that may be filled. */
export interface NewStandby {
  readonly node: string;
  readonly writer: string;
  /** Timeline of the writer. */
  readonly timeline: number;
}

/** Refuses unless the writer takes writes and the node is empty. Codes: INPUT_CONFLICT, NO_WRITER, ROUTE_DISAGREES, NODE_NOT_EMPTY. */
export function checkNewStandby(access: Access): ActionDefinition<Input, NewStandby> {
  return defineAction<Input, NewStandby>({
    description:
      "Checks that the writer takes writes and that the new node runs nothing and holds nothing. Changes nothing.",
    input: schema,
    idempotent: true,
    run: async (ctx) => {
      const { node, writer } = ctx.input;
      if (node === writer) refuse("INPUT_CONFLICT", `${node} is named both as the writer and as the new standby`);
      access.node(node);
      const route = await access.route.current();
      if (route.writer !== null && route.writer !== writer) {
        refuse(
          "ROUTE_DISAGREES",
          `the route says that ${route.writer} takes writes, not ${writer}: is the parameter right?`,
        );
      }
      if (await access.control.isRunning(node)) {
        refuse(
          "NODE_NOT_EMPTY",
          `a server runs on ${node}: it is no new node. To bring one back that fell out, use rejoin-standby`,
        );
      }
      // Also one that looks like a standby: a fenced old primary does, and may hold rows that nobody else has.
      if (await access.control.hasData(node)) {
        refuse(
          "NODE_NOT_EMPTY",
          `${node} has a data directory: it is no new node. To bring one back that fell out, use rejoin-standby; else save or remove it first`,
        );
      }
      const { inRecovery, timeline } = await access.status(writer, ctx);
      if (inRecovery) refuse("NO_WRITER", `${writer} is a standby itself: name the primary as the writer`);
      return { node, writer, timeline };
    },
  });
}

/** Copies the writer; the node stays stopped, marked as its standby. Code: NODE_NOT_EMPTY. */
export function clone(access: Access): ActionDefinition<Input, { readonly bytes: number | null }> {
  return defineAction<Input, { readonly bytes: number | null }>({
    description: "Copies the writer to the new node over the replication protocol.",
    input: schema,
    idempotent: true,
    run: async (ctx) => {
      const { node, writer } = ctx.input;
      const { systemIdentifier } = await access.status(writer, ctx);
      if (await access.control.hasData(node)) {
        // An earlier execution of this step copied it and did not live to say so.
        if (await isCopy(access, node, systemIdentifier)) return { bytes: null };
        refuse("NODE_NOT_EMPTY", `${node} has data by now that this plan did not copy there: it is left alone`);
      }
      ctx.signal.throwIfAborted();
      return await access.control.reclone(node, access.node(writer), ctx.signal);
    },
  });
}

/** Undoes `postgres.clone`, unless that was refused because of what it found. Code: NOT_A_COPY. */
export function wipe(access: Access): ActionDefinition<Input, void> {
  return defineAction<Input, void>({
    description: "Removes the copy from the node, as long as it is a copy that never took writes.",
    input: schema,
    idempotent: true,
    run: async (ctx) => {
      const { node } = ctx.input;
      const { control } = access;
      if (ctx.error?.code === "NODE_NOT_EMPTY") {
        ctx.log(`what is on ${node} was not copied there by this run: it is left alone`);
        return;
      }
      // A copy under way is put in place when it is complete: what is not there yet would come after this.
      if (ctx.previousStillRunning)
        throw new Error(`the copy to ${node} has not let go yet: roll back again once it has`);
      if (!(await control.hasData(node))) return;
      if (!(await control.isMarkedStandby(node))) {
        refuse("NOT_A_COPY", `${node} is no standby any more: what it holds is not removed`);
      }
      if (await control.isRunning(node)) await control.stop(node);
      await control.wipe(node);
    },
  });
}

/** Starts the new node. */
export function startStandby(access: Access): ActionDefinition<Input, void> {
  return defineAction<Input, void>({
    description: "Starts the copied node as a standby.",
    input: schema,
    idempotent: true,
    run: async (ctx) => {
      const { node } = ctx.input;
      if (!(await access.control.isMarkedStandby(node))) {
        refuse("NOT_A_COPY", `${node} is not marked as a standby: started now it would be a second primary`);
      }
      await access.control.start(node);
    },
  });
}

/** Undoes `postgres.start-standby`. Code: NOT_A_COPY. */
export function stopStandby(access: Access): ActionDefinition<Input, void> {
  return defineAction<Input, void>({
    description: "Stops the new node.",
    input: schema,
    idempotent: true,
    run: async (ctx: ActionContext<Input>) => {
      const { node } = ctx.input;
      if (!(await access.control.isRunning(node))) return;
      if (!(await access.control.isMarkedStandby(node))) {
        refuse("NOT_A_COPY", `${node} is no standby any more: it may be the writer by now, and is not stopped`);
      }
      await access.control.stop(node);
    },
  });
}

/** Whether the stopped node holds a copy of that cluster, marked as a standby. */
async function isCopy(access: Access, node: string, systemIdentifier: string): Promise<boolean> {
  if (await access.control.isRunning(node)) return false;
  if (!(await access.control.isMarkedStandby(node))) return false;
  const state = await access.control.controlState(node).catch(() => undefined);
  return state?.systemIdentifier === systemIdentifier;
}
