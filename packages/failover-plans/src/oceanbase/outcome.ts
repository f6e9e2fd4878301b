/**
 * What became of a call: refused for good, refused for now, or nobody knows. Owns: how an action of OceanBase treats each. Statements
 * whose answer is lost are never given again unseen: the system is asked first (R27).
 */
import { type ActionContext, NonRetryable } from "@belay/engine";
import { messageOf } from "../step/wait.ts";
import type { ClusterView } from "./control.ts";
import { OceanBaseError, remedyFor } from "./refusal.ts";

/** Ends when there is something to look at again; rejects with the signal's reason. */
export type Pause = (signal: AbortSignal) => Promise<void>;

/** Looks in a row that may fail before a wait gives up. */
const MOST_FAILED_LOOKS = 10;

/** A refusal that asking again cannot change ends the attempts; the code stays the same. */
export async function explained<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof OceanBaseError && !error.retryable) {
      throw new NonRetryable(error.message, { code: error.code, cause: error });
    }
    throw error;
  }
}

/**
 * Gives a statement once. When its answer is lost, `tookEffect` asks whether it did, or is about to: then all is well. What cannot be
 * told fails the attempt with the lost connection.
 */
export async function giveAndAsk(give: () => Promise<void>, tookEffect: () => Promise<boolean>): Promise<void> {
  try {
    await give();
  } catch (error) {
    if (error instanceof OceanBaseError) throw error;
    if (!(await tookEffect().catch(() => false))) throw error;
  }
}

/** What a wait needs of its attempt. */
type Waiting = Pick<ActionContext, "signal" | "log" | "heartbeat">;

/**
 * Looks until there is an answer, for as long as the attempt has (R26). A look that fails counts as "not yet": who changes roles is slow
 * to answer. After many in a row the last failure is thrown; a refusal for good at once.
 */
export async function lookUntil<T>(ctx: Waiting, pause: Pause, look: () => Promise<T | undefined>): Promise<T> {
  for (let failed = 0; ; ) {
    ctx.signal.throwIfAborted();
    try {
      const answer = await look();
      if (answer !== undefined) return answer;
      failed = 0;
    } catch (error) {
      failed += 1;
      const final = error instanceof OceanBaseError && !error.retryable;
      if (final || failed >= MOST_FAILED_LOOKS) throw error;
      ctx.log(`No answer yet: ${messageOf(error)}`);
    }
    ctx.heartbeat();
    await pause(ctx.signal);
  }
}

/** NOT_ALLOWED with what the cluster says, and what to do about it. */
export function notAllowed({ name, switchoverStatus, switchoverInfo }: ClusterView): OceanBaseError {
  const remedy = remedyFor(switchoverInfo);
  const advice = remedy === undefined ? "" : ` (${remedy})`;
  return new OceanBaseError(
    "NOT_ALLOWED",
    `Switchover status of cluster ${name}: ${switchoverStatus}, reason: ${switchoverInfo}${advice}.`,
  );
}
