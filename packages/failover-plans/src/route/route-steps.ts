/**
 * The route's three moves, and the actions made of them, which every system has under names of its own (`postgres.drop-route`).
 *
 * Epochs: a drop takes max(present epoch + 1, fencing token of the run's locks), so that a fresh lock service never makes the
 * route go back; the publish that belongs to it takes the next number, fixed before the promotion. A controller that was
 * overtaken therefore finds a higher epoch and is refused: a revived half-cluster never takes the route back.
 */
import { type ActionContext, type ActionDefinition, defineAction, type Json } from "@belay/engine";
import { amount, inputSchema, text } from "../step/input-schema.ts";
import { refuse } from "../step/wait.ts";
import type { Route, RouteEntry } from "./route.ts";

/** What these steps need of a system. */
export interface RouteAccess {
  readonly route: Route;
}

/** What a drop passes on. */
export interface DroppedRoute {
  /** Epoch under which the route names nobody. */
  readonly epoch: number;
  /** Epoch under which the new writer is to be published. */
  readonly publishEpoch: number;
}

/** Makes the route name nobody, when it names `writer` or nobody. Codes: ROUTE_DISAGREES, ROUTE_TAKEN. */
export async function dropRoute(
  access: RouteAccess,
  writer: string,
  tokens: ActionContext["fencingTokens"],
): Promise<DroppedRoute> {
  const present = await refuseIfAnotherWrites(access, writer);
  // A new epoch also when nobody is on the route: whoever emptied it before, and was not heard of since, is overtaken by that.
  const epoch = Math.max(present.epoch + 1, ...Object.values(tokens));
  if (!(await access.route.publish(null, epoch))) refuseOvertaken(epoch);
  return { epoch, publishEpoch: epoch + 1 };
}

/** Makes sure that the route names `writer` or nobody, and answers its entry. Code: ROUTE_DISAGREES. */
export async function refuseIfAnotherWrites(access: RouteAccess, writer: string): Promise<RouteEntry> {
  const present = await access.route.current();
  if (present.writer !== null && present.writer !== writer) {
    refuse("ROUTE_DISAGREES", `the route says that ${present.writer} takes writes, not ${writer}`);
  }
  return present;
}

/**
 * Makes sure that an undoing may let `writer` take writes again: nobody else does, and no later run has emptied the route since this
 * one did, under `epoch` (undefined: its drop did not live to say). Asked before the server starts, not after. Code: ROUTE_TAKEN.
 */
export async function refuseIfNotOurs(access: RouteAccess, writer: string, epoch: number | undefined): Promise<void> {
  const present = await access.route.current();
  if (present.writer === writer) return;
  if (present.writer !== null) {
    refuse("ROUTE_TAKEN", `the route names ${present.writer} by now: ${writer} must not take writes beside it`);
  }
  if (epoch !== undefined && present.epoch > epoch) refuseOvertaken(present.epoch);
}

/** Epoch of the drop whose output that is; undefined when there is none. */
export function droppedEpoch(output: Json | undefined): number | undefined {
  if (typeof output !== "object" || output === null || !("epoch" in output)) return undefined;
  return typeof output["epoch"] === "number" ? output["epoch"] : undefined;
}

/** Makes a dropped route name `writer` again. Does nothing when it does already. Code: ROUTE_TAKEN. */
export async function restoreRoute(access: RouteAccess, writer: string): Promise<void> {
  const present = await access.route.current();
  if (present.writer === writer) return;
  if (present.writer !== null) {
    refuse("ROUTE_TAKEN", `the route names ${present.writer} by now; it is left alone`);
  }
  if (!(await access.route.publish(writer, present.epoch + 1))) refuseOvertaken(present.epoch + 1);
}

/**
 * Makes sure that the route is still as this run's drop has left it: nobody else leads. Asked before every step that cannot be undone.
 * Code: ROUTE_TAKEN.
 */
export async function refuseIfOvertaken(access: RouteAccess, epoch: number): Promise<void> {
  const present = await access.route.current();
  if (present.epoch === epoch && present.writer === null) return;
  if (present.epoch > epoch) refuseOvertaken(present.epoch);
  refuse(
    "ROUTE_TAKEN",
    `the route was emptied under epoch ${epoch} and stands at ${present.epoch} (${present.writer ?? "nobody"}) now: it went back, look at it before anything else`,
  );
}

function refuseOvertaken(epoch: number): never {
  refuse("ROUTE_TAKEN", `somebody else has published epoch ${epoch} or a later one: this run no longer leads`);
}

interface DropInput {
  readonly primary: string;
}
const dropSchema = inputSchema<DropInput>({ primary: text });

/** Clients stop trying to write: the route names nobody. */
export function dropRouteAction(access: RouteAccess): ActionDefinition<DropInput, DroppedRoute> {
  return defineAction<DropInput, DroppedRoute>({
    description: "Takes the writer off the route, so that clients wait instead of running into errors.",
    input: dropSchema,
    idempotent: true,
    run: (ctx) => dropRoute(access, ctx.input.primary, ctx.fencingTokens),
  });
}

/**
 * Undoes `postgres.drop-route`. `publishIsUndone`: the plan can undo its publish too, which empties the route under a later epoch of the
 * same run; then a later epoch does not mean that somebody else leads. Default false. Code: ROUTE_TAKEN.
 */
export function restoreRouteAction(
  access: RouteAccess,
  { publishIsUndone = false }: { readonly publishIsUndone?: boolean } = {},
): ActionDefinition<DropInput, void> {
  return defineAction<DropInput, void>({
    description: "Puts the old writer back on the route.",
    input: dropSchema,
    idempotent: true,
    run: async (ctx) => {
      await refuseIfNotOurs(access, ctx.input.primary, publishIsUndone ? undefined : droppedEpoch(ctx.output));
      await restoreRoute(access, ctx.input.primary);
    },
  });
}

interface PublishInput {
  readonly writer: string;
  readonly epoch: number;
}
const publishSchema = inputSchema<PublishInput>({ writer: text, epoch: amount });

/** Clients learn the new writer. Forward only: nothing undoes it. Code: ROUTE_TAKEN. */
export function publishRouteAction(access: RouteAccess): ActionDefinition<PublishInput, PublishInput> {
  return defineAction<PublishInput, PublishInput>({
    description: "Publishes the new writer under an epoch higher than any before.",
    input: publishSchema,
    idempotent: true,
    run: async (ctx) => {
      const { writer, epoch } = ctx.input;
      if (!(await access.route.publish(writer, epoch))) refuseOvertaken(epoch);
      return { writer, epoch };
    },
  });
}
