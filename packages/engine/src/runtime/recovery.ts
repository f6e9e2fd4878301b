/**
 * What becomes of an attempt that the end of its process cut off (R42). Owns: the decision, per action: `verify` asks the
 * world, `idempotent` runs it again under its key, anything else is lost: nobody can tell. Does not own: what a lost
 * attempt means (core), when it is asked (`carrier.ts`).
 */
import { BelayError } from "../errors.ts";
import type { ActionContext, ActionDefinition, NodeFailure } from "./api.ts";
import { engineFailure } from "./failure.ts";

/** How an attempt that was cut off goes on. */
export type Recovery =
  /** Called again at once, under the same key. */
  | { readonly kind: "again"; readonly action: ActionDefinition }
  /** Its `verify` is asked first; `run` follows when that says "not done". */
  | { readonly kind: "verify"; readonly action: ActionDefinition }
  | { readonly kind: "lost" };

/** `verified` is called once `verify` has said "not done", before the action runs again. */
export function recoveryOf(action: ActionDefinition, verified: () => void): Recovery {
  if (action.verify !== undefined) return { kind: "verify", action: asked(action, verified) };
  return action.idempotent === true ? { kind: "again", action } : { kind: "lost" };
}

/** Thrown when `verify` gave no answer: the attempt is lost, and nothing is run again. */
export class Unverified extends Error {
  override readonly name = "Unverified";
}

function asked(action: ActionDefinition, verified: () => void): ActionDefinition {
  return {
    ...action,
    run: async (ctx) => {
      const answer = await verify(action, ctx);
      if (answer.done) return answer.output;
      ctx.signal.throwIfAborted();
      verified();
      return await action.run(ctx);
    },
  };
}

async function verify(
  action: ActionDefinition,
  ctx: ActionContext,
): Promise<{ readonly done: boolean; readonly output?: unknown }> {
  let answer: unknown;
  try {
    answer = await action.verify?.(ctx);
  } catch (error) {
    throw new Unverified(`its verify failed: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (typeof answer === "object" && answer !== null && "done" in answer && typeof answer.done === "boolean")
    return answer as { done: boolean };
  throw new Unverified("its verify must answer { done: true, output? } or { done: false }");
}

/** Milliseconds that `verify` gets when the node has no timeout. */
export const VERIFY_MS = 60_000;

/** The failure of a lost attempt. */
export function crashed(why: string | undefined): NodeFailure {
  const text = "the engine ended while it ran; it may have taken effect";
  return engineFailure("CRASHED", why === undefined ? text : `${text}: ${why}`);
}

/** A run that could not be taken up again, and why; the others go on. */
export interface RefusedRun {
  readonly runId: string;
  /**
   * JOURNAL_CORRUPT, UNKNOWN_ACTION, PLAN_INVALID (a pool or a plan that it runs is missing), PLAN_CHANGED, FENCED (another
   * engine owns it), JOURNAL_FAILED, SECRET_MISSING, and for secrets given again PARAMS_INVALID, INVALID_ARGUMENT.
   */
  readonly error: BelayError;
}

/** Anything as a `BelayError`. */
export function asBelayError(error: unknown): BelayError {
  if (error instanceof BelayError) return error;
  return new BelayError("INTERNAL", error instanceof Error ? error.message : String(error), {}, error);
}
